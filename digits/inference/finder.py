"""Where the digits of a picture are: a small network looks at all of it, and from nearer where they are small."""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from digits.box import Box
from digits.grids import Grey
from digits.inference.calibration import Calibration
from digits.inference.detections import (
    CENTRE,
    OF_SIGNS,
    SIGNS,
    STRIDE,
    Candidate,
    Sight,
    Sign,
    boxes_at,
    candidate,
    peaks,
    suppressed,
    without_doubles,
)
from digits.inference.interpreter import Floats, Interpreters
from digits.inference.network_input import Letterbox, Shape, letterboxed, standardised
from digits.stepwise import Stepwise, finished

FINDER = Path(__file__).with_name("finder.tflite")
"""The network; `keras-mnist.py --finder finder` trains it."""


@dataclass(frozen=True, slots=True)
class FinderConfig:
    """How the finder looks at a picture.

    `python -m bench.choices` compares values with others; docs/measurements.md has its table. How far the network is
    trusted is in Calibration, which was fitted.
    """

    glance: tuple[Shape, ...] = ((96, 96), (64, 128), (128, 64), (64, 192), (192, 64), (32, 288))
    """Shapes for a glance, of about 10,000 pixels: to tell where up is, and where nothing else is seen."""
    shapes: tuple[Shape, ...] = ((192, 192), (128, 288), (288, 128), (96, 384), (384, 96), (64, 576))
    """Shapes for a look, of four times as many pixels."""
    search: tuple[Shape, ...] = ((384, 384), (256, 576), (576, 256), (192, 768), (768, 192))
    """Shapes for a look for small digits, if a look at the whole picture sees only such, or none."""
    legible: int = 24
    """Pixels of the network's input. A digit whose larger side has as many needs no closer look."""
    least_gain: float = 2.0
    """Factor by which a nearer part must be smaller in area than the part before, to be looked at."""
    room: float = 1.5
    """Heights of the largest digit that a nearer part extends beyond the digits, on each side."""
    most_digits: int = 100
    """Digits that are read at most. A page with more is text, and takes long."""
    most_doubtful: int = 12
    """Candidates that are kept though each is rather no digit: as many as a long number has. A texture has more."""


class Finder:
    """Finds digits. Many threads may use it."""

    def __init__(self, flatbuffer: bytes, calibration: Calibration, config: FinderConfig = FinderConfig()) -> None:
        self.config = config
        self._networks = Interpreters(flatbuffer)
        self._calibration = calibration

    def find(self, grey: Grey) -> Sight:
        """What is seen in a picture, uint8 (h, w), with closer looks where digits are small."""
        return finished(self.finding(grey))

    def finding(self, grey: Grey) -> Stepwise[Sight]:
        """What `find` does, step by step.

        A look at the whole picture, which is quick; one in more pixels if that shows only small digits, or none; a
        glance if nothing is seen; else nearer looks, as long as digits are small.
        """
        sight = self._whole(grey, self.config.shapes)
        if sight.scale < 1 and not (sight.digits and self._is_legible(sight)):
            yield None
            sight = max(sight, self._whole(grey, self.config.search), key=_gain)
        if not sight.digits:
            return self._whole(grey, self.config.glance)
        region = _all_of(grey)
        while nearer := self._nearer(sight, region, grey.shape):
            closer = self.look(grey, nearer, self.config.shapes)
            if not closer.digits:
                break
            sight, region = _with_what_is_beyond(closer, nearer, sight), nearer
        return sight

    def turns(self, grey: Grey) -> int:
        """Quarter turns to the left after which the picture looks most like a number; 0 if it never does.

        A single digit tells nothing: a 6 may be a 9. So only where a glance sees several is a look taken.
        """
        clarity: dict[int, float] = {}
        for turns in (1, 2, 3):
            turned = np.ascontiguousarray(np.rot90(grey, turns))
            if len(self._whole(turned, self.config.glance).digits) > 1:
                clarity[turns] = _clarity_of_several(self._whole(turned, self.config.shapes))
        if not any(clarity.values()):
            return 0
        clarity[0] = _clarity_of_several(self._whole(grey, self.config.shapes))
        return max(sorted(clarity), key=lambda turns: clarity[turns])

    def _whole(self, grey: Grey, shapes: Sequence[Shape]) -> Sight:
        """What is seen with one look at a whole picture."""
        return self.look(grey, _all_of(grey), shapes)

    def look(self, grey: Grey, region: Box, shapes: Sequence[Shape]) -> Sight:
        """What is seen with one look at a region of a picture, scaled into one of these shapes."""
        seen, letterbox = letterboxed(grey[region.window], shapes)
        output = self._networks.run(standardised(seen[np.newaxis])[0])
        heat = output[..., CENTRE]
        places = peaks(heat, self._calibration.candidate_logit, 2 * self.config.most_digits)
        boxes = boxes_at(output, places)
        kept = suppressed(boxes, self._calibration.overlap)
        likely = int(np.count_nonzero(heat[places][kept] >= 0))
        kept = kept[: min(self.config.most_digits, likely + self.config.most_doubtful)]
        rows, columns = (each[kept] for each in places)
        candidates = [
            candidate(box, values)
            for edges, values in zip(letterbox.in_picture(boxes[kept]), output[rows, columns], strict=True)
            if (box := _in_whole_pixels(edges, region))
        ]
        scale = min(letterbox.across, letterbox.down)
        if not candidates:
            return Sight(scale=scale)
        signs = self._signs(output[..., OF_SIGNS], letterbox, region)
        return Sight(*without_doubles(candidates, signs, self._calibration.sign_bonus), scale)

    def _signs(self, logits: Floats, letterbox: Letterbox, region: Box) -> list[Sign]:
        """The signs of a look, the likeliest first."""
        signs = []
        # As logits.max(axis=-1), in a sixth of the time.
        heat = np.maximum.reduce([logits[..., channel] for channel in range(logits.shape[-1])])
        for row, column in zip(*peaks(heat, self._calibration.sign_logit, 2 * self.config.most_digits), strict=True):
            x, y = (column + 0.5) * STRIDE - letterbox.left, (row + 0.5) * STRIDE - letterbox.top
            most = int(logits[row, column].argmax())
            is_sign = 1 / (1 + math.exp(-logits[row, column, most]))
            signs.append(
                Sign(SIGNS[most], region.x + float(x / letterbox.across), region.y + float(y / letterbox.down), is_sign)
            )
        return signs

    def _is_legible(self, sight: Sight) -> bool:
        """Whether the smallest digit was large enough in the network's input."""
        smallest = min(max(each.box.width, each.box.height) for each in sight.best)
        return smallest * sight.scale >= self.config.legible

    def _nearer(self, sight: Sight, region: Box, shape: tuple[int, ...]) -> Box | None:
        """The part of a region with the digits, if they are small; None if a closer look would gain little."""
        if not sight.digits or sight.scale >= 1 or self._is_legible(sight):
            return None
        around = self._around(sight.best, shape)
        return around if self.config.least_gain * around.area < region.area else None

    def _around(self, found: Sequence[Candidate], shape: tuple[int, ...]) -> Box:
        """A box around all candidates, with room on each side, inside a picture of this shape."""
        box = functools.reduce(Box.joined, (each.box for each in found))
        room = int(self.config.room * max(each.box.height for each in found))
        left, top = max(0, box.x - room), max(0, box.y - room)
        return Box(left, top, min(shape[1], box.right + room) - left, min(shape[0], box.bottom + room) - top)


def load_finder(calibration: Calibration, config: FinderConfig = FinderConfig()) -> Finder:
    """The finder that serves."""
    return Finder(FINDER.read_bytes(), calibration, config)


def _all_of(grey: Grey) -> Box:
    height, width = grey.shape
    return Box(0, 0, width, height)


def _in_whole_pixels(edges: list[float], region: Box) -> Box | None:
    """A box of a region in whole pixels of the picture, cut at the region's edge; None if nothing is left."""
    left, top = max(0, math.floor(edges[0])), max(0, math.floor(edges[1]))
    right, bottom = min(region.width, math.ceil(edges[2])), min(region.height, math.ceil(edges[3]))
    return Box(region.x + left, region.y + top, right - left, bottom - top) if left < right and top < bottom else None


def _clarity_of_several(sight: Sight) -> float:
    return sight.clarity if len(sight.likely) > 1 else 0.0


def _gain(sight: Sight) -> tuple[int, float]:
    """How many likely digits are seen, and the probability of the likeliest candidate."""
    return len(sight.likely), max((each.is_digit for each in sight.digits), default=0.0)


def _with_what_is_beyond(closer: Sight, region: Box, before: Sight) -> Sight:
    """What a closer look at a region sees, and the digits that were seen outside it before.

    Signs outside are dropped: the region has room for all that belong to the likely digits.
    """
    beyond = [each for each in before.digits if not region.holds_centre_of(each.box)]
    return replace(closer, digits=sorted([*closer.digits, *beyond], key=lambda each: -each.is_digit))
