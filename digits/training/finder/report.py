"""Report how well digits are found and read in scenes by held-out writers: figures, curves and mistakes.

The calibration was fitted on other scenes by the same writers.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from digits.errors import NoInk
from digits.inference.detections import Candidate
from digits.inference.measured import Measured
from digits.inference.recogniser import VERIFIER, Recogniser
from digits.recognition.pipeline import PipelineConfig, read_digits
from digits.stepwise import finished
from digits.training.finder.crops import framed
from digits.training.scenes.layout import LAYOUTS
from digits.training.scenes.scene import Digit, Scene, make_scene
from digits.training.scenes.writing import Writers
from digits.training.verifier import report as verifier

SCENES = 1200
"""Default number of scenes, divided equally among the layouts."""
SHAPES = ((192, 192), (128, 320), (96, 96), (400, 400))
"""Rows and columns of the scenes."""
SIZES = (0, 16, 32, 64, 1000)
"""Limits between groups of digits by their height in pixels."""
FOUND = 0.5
"""IoU with a digit's box from which a candidate is that digit, as usual for average precision."""
MISTAKES = 48
"""Most scenes in mistakes.png."""
_TILE = 160
"""Side in pixels of a scene in mistakes.png."""


@dataclass(frozen=True, slots=True)
class Result:
    """A scene, and what was found and read in it."""

    layout: str
    """Name of the layout."""
    scene: Scene
    found: Sequence[Candidate]
    of: Sequence[Digit | None]
    """For each candidate, its digit, or None if it is none."""
    number: str
    """The whole reading, with a line feed between lines."""
    confidence: float

    @property
    def digits(self) -> list[Digit]:
        """The digits of the scene, without ambiguous ones."""
        return _digits_of(self.scene)

    @property
    def is_exact(self) -> bool:
        """Whether exactly the written digits were read, in the order in which they were written."""
        return is_exact(self.scene, self.number)


def write_report(folder: Path, recogniser: Recogniser, writers: Writers, scenes: int, seed: int) -> Measured:
    """Write metrics.json, curves.png and mistakes.png to a folder. Return the main figures."""
    results = measured(recogniser, writers, scenes, seed)
    folder.mkdir(parents=True, exist_ok=True)
    told: dict[str, Any] = {
        "model": recogniser.model,
        "networks": recogniser.networks,
        "written_by": writers.sources,
        "hands": len(writers.names),
        **figures(results, recogniser.threshold),
    }
    judgement = verifier.judged(VERIFIER.read_bytes(), writers, scenes, seed)
    told["verifier"] = verifier.figures(judgement)
    (folder / "metrics.json").write_text(json.dumps(told, indent=1) + "\n")
    curves(results).savefig(folder / "curves.png", dpi=120)
    cv2.imwrite(str(folder / "mistakes.png"), mistakes(results))
    cv2.imwrite(str(folder / "verifier-mistakes.png"), verifier.mistakes(judgement))
    return Measured(**{field.name: told[field.name] for field in fields(Measured)})


def measured(recogniser: Recogniser, writers: Writers, scenes: int, seed: int) -> list[Result]:
    """Make this many scenes, and find and read the digits in each as serving does."""
    rng, results = np.random.default_rng(seed), []
    for place in range(scenes):
        layout = LAYOUTS[place % len(LAYOUTS)][0]
        scene = make_scene(SHAPES[rng.integers(len(SHAPES))], writers, rng, layout)
        found = finished(recogniser.finding(scene.picture)).digits
        number, confidence = read_scene(scene, recogniser)
        results.append(Result(layout.__name__, scene, found, _matched(scene, found), number, confidence))
    return results


def figures(results: Sequence[Result], threshold: float) -> dict[str, object]:
    """Return the figures of metrics.json: numbers read right, average precision, recall, and false alarms.

    Scenes in which the edge cuts off a digit do not count as numbers.
    """
    empty = [result for result in results if not result.scene.digits]
    whole = [result for result in results if result.digits and len(result.digits) == len(result.scene.digits)]
    return {
        "scenes": len(results),
        "numbers": len(whole),
        "exact": sum(result.is_exact for result in whole),
        "sure_and_wrong": sum(not result.is_exact and result.confidence >= threshold for result in whole),
        "average_precision": average_precision(results),
        "of_layout": {
            name: average_precision([result for result in results if result.layout == name])
            for name in dict.fromkeys(result.layout for result in results)
            if any(result.digits for result in results if result.layout == name)
        },
        "recall_of_height": {
            f"{least} to {most}": _recall(
                [
                    (result, digit)
                    for result in results
                    for digit in result.digits
                    if least <= digit.box[3] - digit.box[1] < most
                ]
            )
            for least, most in pairwise(SIZES)
        },
        "digits_missed": sum(len(result.digits) - len(_met(result)) for result in results),
        "digits": sum(len(result.digits) for result in results),
        "scenes_without_digits": len(empty),
        "taken_for_digits": sum(result.confidence >= threshold for result in empty),
    }


def average_precision(results: Sequence[Result]) -> float:
    """Return the area under the curve of precision over recall, for the candidates of all scenes by probability."""
    precision, recall = _precision_recall(results)
    return round(float(np.trapezoid(precision, recall)), 4)


def curves(results: Sequence[Result]) -> Figure:
    """Plot precision over recall for each layout that has digits."""
    figure = Figure(figsize=(6.4, 5), layout="constrained")
    plot = figure.subplots()
    for name in dict.fromkeys(result.layout for result in results if result.digits):
        precision, recall = _precision_recall([result for result in results if result.layout == name])
        plot.plot(recall, precision, label=name.replace("_", " "))
    plot.set(xlabel="recall", ylabel="precision", xlim=(0, 1.01), ylim=(0, 1.01))
    plot.grid(alpha=0.3)
    plot.legend()
    return figure


def mistakes(results: Sequence[Result]) -> npt.NDArray[np.uint8]:
    """Draw the scenes that were not read exactly, those with the highest confidence first, uint8 (h, w, 3), BGR.

    Green boxes are around digits, red ones around candidates.
    """
    wrong = [result for result in results if not result.is_exact]
    tiles = [_tile(result) for result in sorted(wrong, key=lambda result: -result.confidence)[:MISTAKES]]
    columns = 8
    tiles += [np.zeros((_TILE, _TILE, 3), np.uint8)] * (-len(tiles) % columns or columns * (not tiles))
    return np.vstack([np.hstack(tiles[start : start + columns]) for start in range(0, len(tiles), columns)])


def read_scene(scene: Scene, recogniser: Recogniser, config: PipelineConfig = PipelineConfig()) -> tuple[str, float]:
    """Read a scene as serving does: the number and its confidence, or "" and 0 if nothing looks like a digit."""
    try:
        reading = read_digits(scene.picture, recogniser, config)
    except NoInk:
        return "", 0.0
    return reading.number, reading.confidence


def is_exact(scene: Scene, number: str) -> bool:
    """Whether a number has just the digits of the scene, without ambiguous ones, in their order."""
    return number.replace("\n", "") == "".join(str(digit.label) for digit in _digits_of(scene))


def _digits_of(scene: Scene) -> list[Digit]:
    return [digit for digit in scene.digits if digit.label >= 0]


def _matched(scene: Scene, found: Sequence[Candidate]) -> list[Digit | None]:
    """Return the digit of each candidate, or None. The likeliest candidate chooses first, each digit is used once."""
    left, of = list(scene.digits), []
    for candidate in found:
        best = max(left, key=lambda digit: candidate.box.iou(framed(digit)), default=None)
        if best and candidate.box.iou(framed(best)) >= FOUND:
            left.remove(best)
        else:
            best = None
        of.append(best)
    return of


def _met(result: Result) -> list[Digit]:
    """Digits that were found."""
    return [digit for digit in result.of if digit and digit.label >= 0]


def _precision_recall(results: Sequence[Result]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Precision and recall after each candidate, by probability. Ambiguous digits count neither way."""
    judged = [
        (candidate.is_digit, digit is not None)
        for result in results
        for candidate, digit in zip(result.found, result.of, strict=True)
        if digit is None or digit.label >= 0
    ]
    right = np.cumsum([is_right for _, is_right in sorted(judged, key=lambda each: -each[0])])
    digits = max(1, sum(len(result.digits) for result in results))
    recall = right / digits
    precision = right / np.arange(1, len(right) + 1)
    return np.concatenate([[1.0], precision]), np.concatenate([[0.0], recall])


def _recall(digits: Sequence[tuple[Result, Digit]]) -> float | None:
    """Share of these digits that were found; None if there are none."""
    if not digits:
        return None
    return round(sum(any(digit is met for met in result.of) for result, digit in digits) / len(digits), 4)


def _tile(result: Result) -> npt.NDArray[np.uint8]:
    """Draw a scene with its boxes and its reading, uint8 (_TILE, _TILE, 3)."""
    picture = cv2.cvtColor(result.scene.picture, cv2.COLOR_GRAY2BGR)
    scale = _TILE / max(picture.shape)
    tile = np.full((_TILE, _TILE, 3), 128, np.uint8)
    small = cv2.resize(
        picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    )
    tile[: small.shape[0], : small.shape[1]] = small[:_TILE, :_TILE]
    for digit in result.digits:
        left, top, right, bottom = (round(edge * scale) for edge in digit.box)
        cv2.rectangle(tile, (left, top), (right, bottom), (0, 170, 0), 1)
    for candidate in result.found:
        box = candidate.box.scaled(scale, scale)
        cv2.rectangle(tile, (box.x, box.y), (box.right, box.bottom), (0, 0, 255), 1)
    text = f"{result.number!r} {result.confidence:.2f}"
    cv2.putText(tile, text, (2, _TILE - 4), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (0, 0, 255), 1, cv2.LINE_AA)
    return tile
