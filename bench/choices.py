"""What each value that was chosen by hand is worth: the same scenes, read with others in its place.

    MNIST_NPZ=mnist.npz HANDS_NPZ=hands.npz python -m bench.choices [NAME...] [--scenes 600] [--seed 7]

The values are those of RecogniserConfig and PipelineConfig that can change an answer. The scenes are drawn with writing
that no network was trained on. "gained" counts numbers that are read right only with the other value, and "lost" those
that are read right only with the value that serves.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import cv2
import numpy as np

from bench.machine import machine
from bench.table import aligned
from digits.errors import DigitsError
from digits.inference.model_file import load_compiled
from digits.inference.recogniser import LiteRTRecogniser, RecogniserConfig
from digits.recognition.pipeline import PipelineConfig
from digits.settings import Settings, TrainingSettings
from digits.training.command_line import one_of, whole
from digits.training.data.datasets import load_data
from digits.training.finder.report import is_exact, read_scene
from digits.training.scenes.scene import Scene, make_scene
from digits.training.scenes.writing import Writers, held_out_writers

SHAPES = ((192, 192), (128, 320), (96, 96), (400, 400), (700, 500), (28, 28))
"""Rows and columns of the scenes: those of the finder's report, a photo's, and a grid's."""
OTHERS: Mapping[str, Sequence[float]] = {
    "legible": (16, 20, 32),
    "least_gain": (1.2, 4.0),
    "room": (0.5, 1.0, 3.0),
    "most_doubtful": (0, 6, 24),
    "ink_level": (32, 64, 128),
    "same": (0.5, 0.9),
    "as_it_is": (0.5, 0.95),
    "is_digit": (0.2, 0.4, 0.5, 0.7),
    "steepest": (20, 60),
    "same_line": (0.4, 0.8),
}
"""For each value, what to try in its place."""
HEADERS = ("exact", "gained", "lost", "sure, wrong", "seen in none", "CPU ms")


@dataclass(frozen=True, slots=True)
class Choice:
    """The configs, which are those that serve but for one value."""

    recogniser: RecogniserConfig = RecogniserConfig()
    pipeline: PipelineConfig = PipelineConfig()

    def value(self, name: str) -> Any:
        """The value of this name, whichever config has it."""
        return _value(self, name)

    def with_value(self, name: str, value: float) -> "Choice":
        """The same configs with another value."""
        return _with_value(self, name, value)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One scene read: whether rightly, how confidently, and in how much time of a processor."""

    has_digits: bool
    is_exact: bool
    is_sure: bool
    ms: float


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.choices", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "names", nargs="*", type=one_of(OTHERS), metavar="NAME", help=", ".join(OTHERS) + "; default all"
    )
    parser.add_argument("--scenes", type=whole(len(SHAPES)), default=600, metavar="N", help="%(default)s")
    parser.add_argument("--seed", type=whole(0), default=7, metavar="N", help="of the scenes (%(default)s)")
    chosen = parser.parse_args(arguments)
    try:
        settings = TrainingSettings.read()
        data = load_data(str(settings.mnist_npz) if settings.mnist_npz else None)
        _, held_out = held_out_writers(data.train, settings.hands_npz)
        load_compiled(Settings.read().model)
    except DigitsError as error:
        sys.exit(str(error))
    cv2.setNumThreads(1)
    print(f"{chosen.scenes} scenes, seed {chosen.seed}; {machine()}\n", flush=True)
    drawn = scenes(held_out, chosen.scenes, chosen.seed)
    print("\n".join(aligned([["", "", *HEADERS], *compared(drawn, chosen.names or list(OTHERS))], 2)))


def scenes(writers: Writers, count: int, seed: int) -> list[Scene]:
    """Draw this many scenes, as many of each shape, and leave out those with a digit cut off by the edge."""
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
    recogniser = LiteRTRecogniser(load_compiled(Settings.read().model), choice.recogniser)
    return [_outcome(scene, recogniser, choice.pipeline) for scene in drawn]


def _outcome(scene: Scene, recogniser: LiteRTRecogniser, config: PipelineConfig) -> Outcome:
    started = time.thread_time()
    number, confidence = read_scene(scene, recogniser, config)
    ms = (time.thread_time() - started) * 1000
    return Outcome(bool(scene.digits), is_exact(scene, number), confidence >= recogniser.threshold, ms)


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


def _value(config: Any, name: str) -> Any:
    """The value of this name in a config, or in those that are in it; None if there is none."""
    of = {field.name: getattr(config, field.name) for field in fields(config)}
    inner = (_value(each, name) for each in of.values() if is_dataclass(each))
    return of[name] if name in of else next((value for value in inner if value is not None), None)


def _with_value(config: Any, name: str, value: float) -> Any:
    """The config with another value of this name, in it or in those that are in it."""
    changed = {
        field.name: value if field.name == name else _with_value(getattr(config, field.name), name, value)
        for field in fields(config)
        if field.name == name or is_dataclass(getattr(config, field.name))
    }
    return replace(config, **changed)


if __name__ == "__main__":
    main()
