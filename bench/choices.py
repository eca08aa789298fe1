"""What each value that was chosen by hand is worth: the same scenes, read with others in its place.

    MNIST_NPZ=mnist.npz HANDS_NPZ=hands.npz python -m bench.choices [NAME...] [--scenes 600] [--seed 7]

The values are those of the frozen configs. The scenes are drawn, by writers that no network has learnt from. Beside the
value that serves, "gained" counts numbers that are read right only with another value, "lost" those only without it.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import cv2
import numpy as np

from bench.machine import machine
from bench.table import aligned
from digits.errors import DigitsError, NoInk
from digits.inference.finder import FinderConfig
from digits.inference.model_file import load_compiled
from digits.inference.recogniser import LiteRTRecogniser
from digits.inference.segmenter import SegmenterConfig
from digits.recognition.pipeline import PipelineConfig, read_digits
from digits.settings import Settings, TrainingSettings
from digits.training.arguments import whole
from digits.training.data.datasets import load_data
from digits.training.scenes.scene import Scene, make_scene
from digits.training.scenes.writing import Writers, held_out_writers
from digits.vision.reading_order import ReadingOrderConfig

SHAPES = ((192, 192), (128, 320), (96, 96), (400, 400), (700, 500), (28, 28))
"""Rows and columns of the scenes: those of the finder's report, a photo's, and a grid's."""
OTHERS: Mapping[str, Sequence[float]] = {
    "legible": (12, 16, 20, 32, 48),
    "gain": (1.2, 1.5, 3.0, 4.0),
    "room": (0.5, 1.0, 2.0, 3.0),
    "doubtful": (0, 6, 24),
    "ink": (32, 96, 128),
    "same": (0.5, 0.6, 0.8, 0.9),
    "as_it_is": (0.5, 0.8, 0.95),
    "is_digit": (0.3, 0.4, 0.6, 0.7),
    "steepest": (20, 30, 50, 60),
    "same_line": (0.4, 0.5, 0.7, 0.8),
}
"""For each value, what to try in its place."""
HEADERS = ("exact", "gained", "lost", "sure, wrong", "seen in none", "CPU ms")


@dataclass(frozen=True, slots=True)
class Choice:
    """The configs, all but one value of which are those that serve."""

    finder: FinderConfig = FinderConfig()
    segmenter: SegmenterConfig = SegmenterConfig()
    pipeline: PipelineConfig = PipelineConfig()

    def value(self, name: str) -> Any:
        """The value of this name, whichever config has it."""
        return getattr(next(config for config in self._configs if _has(config, name)), name)

    def with_value(self, name: str, value: float) -> "Choice":
        """The same configs with another value."""
        if _has(self.pipeline.order, name):
            return replace(self, pipeline=replace(self.pipeline, order=replace(self.pipeline.order, **{name: value})))
        place = next(place for place in ("finder", "segmenter", "pipeline") if _has(getattr(self, place), name))
        return replace(self, **{place: replace(getattr(self, place), **{name: value})})

    @property
    def _configs(self) -> tuple[FinderConfig, SegmenterConfig, PipelineConfig, ReadingOrderConfig]:
        return self.finder, self.segmenter, self.pipeline, self.pipeline.order


@dataclass(frozen=True, slots=True)
class Outcome:
    """One scene read: whether rightly, how confidently, and in how much time of a processor."""

    has_digits: bool
    is_exact: bool
    is_sure: bool
    ms: float


def main(arguments: list[str] | None = None) -> None:
    title, _, rest = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(
        prog="python -m bench.choices", description=title, epilog=rest.partition("\n\n")[2].partition("\n\n")[2]
    )
    parser.add_argument("names", nargs="*", choices=[[], *OTHERS], metavar="NAME", help=", ".join(OTHERS))
    parser.add_argument("--scenes", type=whole(len(SHAPES)), default=600, metavar="N", help="%(default)s")
    parser.add_argument("--seed", type=whole(0), default=7, metavar="N", help="of the scenes (%(default)s)")
    chosen = parser.parse_args(arguments)
    try:
        settings = TrainingSettings.read()
        data = load_data(str(settings.mnist_npz) if settings.mnist_npz else None)
        _, held_out = held_out_writers(data.train, settings.hands_npz)
    except DigitsError as error:
        sys.exit(str(error))
    cv2.setNumThreads(1)
    print(f"{chosen.scenes} scenes, seed {chosen.seed}; {machine()}\n", flush=True)
    drawn = scenes(held_out, chosen.scenes, chosen.seed)
    print("\n".join(aligned([["", "", *HEADERS], *compared(drawn, chosen.names or list(OTHERS))], 2)))


def scenes(writers: Writers, count: int, seed: int) -> list[Scene]:
    """So many scenes, as many of each shape; those with a digit that is cut off by the edge are left out."""
    rng = np.random.default_rng(seed)
    drawn = (make_scene(SHAPES[place % len(SHAPES)], writers, rng) for place in range(count))
    return [scene for scene in drawn if all(digit.label >= 0 for digit in scene.digits)]


def compared(drawn: Sequence[Scene], names: Sequence[str]) -> Iterator[list[str]]:
    """The rows of the table: first what serves, then each other value."""
    serving = Choice()
    before = outcomes(serving, drawn)
    yield ["as it serves", "", *_figures(before, before)]
    for name in names:
        for value in OTHERS[name]:
            other = outcomes(serving.with_value(name, value), drawn)
            yield [name, f"{serving.value(name)} -> {value}", *_figures(other, before)]


def outcomes(choice: Choice, drawn: Sequence[Scene]) -> list[Outcome]:
    """Each scene, read with these configs."""
    recogniser = LiteRTRecogniser(load_compiled(Settings.read().model), choice.finder, choice.segmenter)
    return [_outcome(scene, recogniser, choice.pipeline) for scene in drawn]


def _outcome(scene: Scene, recogniser: LiteRTRecogniser, config: PipelineConfig) -> Outcome:
    started = time.thread_time()
    try:
        read = read_digits(scene.picture, recogniser, config)
        number, confidence = read.number.replace("\n", ""), read.confidence
    except NoInk:
        number, confidence = "", 0.0
    ms = (time.thread_time() - started) * 1000
    written = "".join(str(digit.label) for digit in scene.digits)
    return Outcome(bool(written), number == written, confidence >= recogniser.threshold, ms)


def _figures(after: Sequence[Outcome], before: Sequence[Outcome]) -> list[str]:
    pairs = [(new, old) for new, old in zip(after, before, strict=True) if new.has_digits]
    empty = [new for new in after if not new.has_digits]
    return [
        f"{sum(new.is_exact for new, _ in pairs)} of {len(pairs)}",
        f"{sum(new.is_exact and not old.is_exact for new, old in pairs)}",
        f"{sum(old.is_exact and not new.is_exact for new, old in pairs)}",
        f"{sum(new.is_sure and not new.is_exact for new, _ in pairs)}",
        f"{sum(new.is_sure for new in empty)} of {len(empty)}",
        f"{sum(new.ms for new in after) / max(1, len(after)):.1f}",
    ]


def _has(config: Any, name: str) -> bool:
    return name in {field.name for field in fields(config)}


if __name__ == "__main__":
    main()
