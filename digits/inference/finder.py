"""Where the digits of a picture are: a small network looks at all of it, and closer where they are small."""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import cv2
import numpy as np
import numpy.typing as npt

from digits.box import Box
from digits.grids import Grey
from digits.inference.calibration import Calibration, log_odds
from digits.inference.interpreter import Floats, Interpreters
from digits.stepwise import Stepwise, finished

FINDER = Path(__file__).with_name("finder.tflite")
"""The network; `digits.training.finder.train` makes it."""
STRIDE = 4
"""Pixels of the picture, as the network sees it, for one place of what it gives."""
UNIT = 16
"""Pixels that distances to the sides of a box are given in."""
LEAST_DEVIATION = 2.0
"""Grey levels. A picture with less is empty, and its noise is not to be made as strong as ink."""

SIGNS = "-/,.:"
"""What stands between digits or before them; the network tells where the middle of each is."""

Places = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
"""Rows and columns of what the network gives."""
Shape = tuple[int, int]
"""Rows and columns that the network looks at; whole multiples of 32, its coarsest stride."""
GLANCE: tuple[Shape, ...] = ((96, 96), (64, 128), (128, 64), (64, 192), (192, 64), (32, 288))
CLOSER: tuple[Shape, ...] = ((192, 192), (128, 288), (288, 128), (96, 384), (384, 96), (64, 576))
SEARCH: tuple[Shape, ...] = ((384, 384), (256, 576), (576, 256), (192, 768), (768, 192))
"""For a first look, for those that follow where it was not enough, and for where nothing sure is seen with these."""
MARGIN = 0.04
"""Of the picture's own edge, repeated around it: a digit that touches the edge is seen as if there were more paper."""
LEGIBLE = 24
"""Pixels of a digit's larger side, as the network sees it, that need no closer look."""
MOST = 100
"""Digits that are read; more are a page of text, and would take long."""
DOUBTFUL = 12
"""Candidates that are looked at though they are rather no digits: as many as a long number has. A texture has more."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """What the finder takes for a digit."""

    box: Box
    is_digit: float
    """Probability that it is one."""
    probabilities: tuple[float, ...]
    """Of the ten digits, if it is one."""


@dataclass(frozen=True, slots=True)
class Sign:
    """What surely stands between digits, or before them."""

    character: str
    """One of SIGNS."""
    x: float
    y: float
    """Its middle, in pixels of the picture."""
    is_sign: float
    """Probability that it is one."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What the finder sees in a picture."""

    digits: Sequence[Candidate] = ()
    """The likeliest first."""
    signs: Sequence[Sign] = ()
    scale: float = 1.0
    """How many times as large as the picture the network saw it."""


def to_input(pictures: npt.NDArray[np.uint8]) -> Floats:
    """uint8 (n, h, w) -> float32 (n, h, w, 1): each with mean 0 and deviation 1, but for empty ones."""
    values = pictures.astype(np.float32)
    mean = values.mean(axis=(1, 2), keepdims=True)
    deviation = values.std(axis=(1, 2), keepdims=True)
    return ((values - mean) / np.maximum(deviation, LEAST_DEVIATION))[..., np.newaxis]


class Finder:
    """Finds digits; for many threads."""

    def __init__(self, flatbuffer: bytes, calibration: Calibration) -> None:
        self._networks = Interpreters(flatbuffer)
        self._calibration = calibration

    def find(self, grey: Grey) -> Sight:
        """What is seen in a picture, uint8 (h, w). Looks closer where digits are small or doubtful."""
        return finished(self.finding(grey))

    def finding(self, grey: Grey) -> Stepwise[Sight]:
        """What find does, step by step: two looks at the whole picture are quick."""
        height, width = grey.shape
        region = Box(0, 0, width, height)
        sight = self.look(grey, region, GLANCE)
        if sight.digits and _is_legible(sight) and self._is_sure(sight):
            return sight
        closer = self.look(grey, region, CLOSER)
        if closer.scale < 1 and not (closer.digits and _is_legible(closer)):
            yield None
            closer = max(closer, self.look(grey, region, SEARCH), key=_yield)
        sight = closer if closer.digits else sight
        while nearer := _nearer(sight, region, grey.shape):
            closer = self.look(grey, nearer, CLOSER)
            if not closer.digits:
                break
            sight, region = _with_what_is_beyond(closer, nearer, sight), nearer
        return sight

    def turns(self, grey: Grey) -> int:
        """Quarter turns to the left after which what is seen looks most like a number; 0 where nothing does.

        Of one digit nobody could tell.
        """
        turned = [np.ascontiguousarray(np.rot90(grey, turns)) for turns in range(4)]
        sights = [self.look(each, Box(0, 0, *each.shape[::-1]), CLOSER) for each in turned]
        clarity = [_clarity(sight) if len(_likely(sight)) > 1 else 0.0 for sight in sights]
        return clarity.index(max(clarity))

    def look(self, grey: Grey, region: Box, shapes: Sequence[Shape]) -> Sight:
        """What is seen with one look at a part of a picture."""
        seen, place = fitted(grey[region.window], shapes)
        given = self._networks.run(to_input(seen[np.newaxis])[0])
        chosen = _peaks(given[..., 0], self._calibration.least_logit)
        boxes = _boxes(given, chosen)
        kept = apart(boxes, self._calibration.overlap)
        likely = int(np.count_nonzero(given[..., 0][chosen][kept] >= 0))
        kept = kept[: min(MOST, likely + DOUBTFUL)]
        rows, columns = (places[kept] for places in chosen)
        candidates = []
        for edges, values in zip(place.in_picture(boxes[kept]), given[rows, columns], strict=True):
            if box := _whole(edges, region):
                weights = np.exp(values[1:11] - values[1:11].max())
                is_digit = 1 / (1 + math.exp(-values[0]))
                candidates.append(Candidate(box, is_digit, tuple((weights / weights.sum()).tolist())))
        scale = min(place.across, place.down)
        if not candidates:
            return Sight([], [], scale)
        signs = self._signs(given[..., 15:], place, region)
        return Sight(*_told_apart(candidates, signs, self._calibration.sign_bonus), scale)

    def _signs(self, logits: Floats, place: "Place", region: Box) -> list[Sign]:
        """The likeliest first."""
        signs = []
        for row, column in zip(*_peaks(logits.max(axis=-1), self._calibration.sign_logit), strict=True):
            x, y = (column + 0.5) * STRIDE - place.left, (row + 0.5) * STRIDE - place.top
            most = int(logits[row, column].argmax())
            is_sign = 1 / (1 + math.exp(-logits[row, column, most]))
            signs.append(
                Sign(SIGNS[most], region.x + float(x / place.across), region.y + float(y / place.down), is_sign)
            )
        return signs

    def _is_sure(self, sight: Sight) -> bool:
        return all(each.is_digit >= self._calibration.sure for each in sight.digits)


def load_finder(calibration: Calibration) -> Finder:
    return Finder(FINDER.read_bytes(), calibration)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a picture lies in what the network sees: its upper left corner, and how much larger it is each way."""

    left: int
    top: int
    across: float
    down: float

    def in_network(self, boxes: Floats) -> Floats:
        """Boxes (n, 4) of a picture, as the network sees them: left, top, right and bottom in pixels."""
        enlarged = boxes * [self.across, self.down, self.across, self.down] + self._corner
        return np.asarray(enlarged, np.float32)

    def in_picture(self, boxes: Floats) -> list[list[float]]:
        """Left, top, right and bottom of boxes (n, 4), in pixels of the picture."""
        edges: list[list[float]] = ((boxes - self._corner) / [self.across, self.down, self.across, self.down]).tolist()
        return edges

    @property
    def _corner(self) -> npt.NDArray[np.int64]:
        return np.array([self.left, self.top, self.left, self.top])


def fitted(grey: Grey, shapes: Sequence[Shape]) -> tuple[Grey, Place]:
    """A picture as the network looks at it: as large as it goes into one of these shapes, and its edge repeated."""
    height, width = grey.shape
    rows, columns = _shape_for(height, width, tuple(shapes))
    scale = _scale(height, width, (rows, columns))
    down, across = max(1, round(height * scale)), max(1, round(width * scale))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = cv2.resize(grey, (across, down), interpolation=method)
    top, left = (rows - down) // 2, (columns - across) // 2
    edges = (top, rows - down - top, left, columns - across - left)
    return cv2.copyMakeBorder(small, *edges, cv2.BORDER_REPLICATE), Place(left, top, across / width, down / height)


@functools.lru_cache(maxsize=1024)
def _shape_for(height: int, width: int, shapes: tuple[Shape, ...]) -> Shape:
    """The shape in which a picture is seen largest."""
    return max(shapes, key=lambda shape: (_scale(height, width, shape), -shape[0] * shape[1]))


def _scale(height: int, width: int, shape: Shape) -> float:
    rows, columns = shape
    return min(rows / height, columns / width) / (1 + 2 * MARGIN)


def _peaks(logits: Floats, least: float) -> Places:
    """Rows and columns of what is likeliest to be a centre among its neighbours, the likeliest first."""
    highest = cv2.dilate(logits, np.ones((3, 3), np.uint8))
    rows, columns = np.nonzero((logits >= highest) & (logits > least))
    order = np.argsort(-logits[rows, columns], kind="stable")[: 2 * MOST]
    return rows[order], columns[order]


def _boxes(given: Floats, chosen: Places) -> Floats:
    """float32 (n, 4): left, top, right and bottom in pixels as the network sees them."""
    rows, columns = chosen
    distances = UNIT * np.exp(np.clip(given[rows, columns, 11:15], -6, 4))
    x, y = (columns + 0.5) * STRIDE, (rows + 0.5) * STRIDE
    return np.stack([x - distances[:, 0], y - distances[:, 1], x + distances[:, 2], y + distances[:, 3]], axis=1)


def apart(boxes: npt.NDArray[np.floating], overlap: float) -> list[int]:
    """The places of boxes (n, 4), the likeliest first, that are not another's: greedy non-maximum suppression.

    A box is left, top, right and bottom; two have `overlap` of the smaller one's area in common at most.
    """
    if not len(boxes):
        return []
    area = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    left_top = np.maximum(boxes[:, np.newaxis, :2], boxes[:, :2])
    right_bottom = np.minimum(boxes[:, np.newaxis, 2:], boxes[:, 2:])
    common = np.prod(np.maximum(right_bottom - left_top, 0), axis=2)
    shared = common / np.minimum(area[:, np.newaxis], area)
    kept: list[int] = []
    for place in range(len(boxes)):
        if all(shared[place, other] <= overlap for other in kept):
            kept.append(place)
    return kept


def _whole(edges: list[float], region: Box) -> Box | None:
    """Whole pixels of the picture, without what lies outside the region."""
    left, top = max(0, math.floor(edges[0])), max(0, math.floor(edges[1]))
    right, bottom = min(region.width, math.ceil(edges[2])), min(region.height, math.ceil(edges[3]))
    return Box(region.x + left, region.y + top, right - left, bottom - top) if left < right and top < bottom else None


def _likely(sight: Sight) -> list[Candidate]:
    """What is rather a digit than none."""
    return [each for each in sight.digits if each.is_digit >= 0.5]


def _most_likely(sight: Sight) -> Sequence[Candidate]:
    """What is rather a digit than none; where nothing is, the likeliest."""
    return _likely(sight) or sight.digits[:1]


def _yield(sight: Sight) -> tuple[int, float]:
    """How many likely digits are seen, and how likely the likeliest is."""
    return len(_likely(sight)), max((each.is_digit for each in sight.digits), default=0.0)


def _clarity(sight: Sight) -> float:
    """How surely what is seen are digits, on average."""
    return sum(each.is_digit for each in sight.digits) / max(1, len(sight.digits))


def _is_legible(sight: Sight) -> bool:
    """Whether the network saw the smallest digit large enough."""
    return min(max(each.box.width, each.box.height) for each in _most_likely(sight)) * sight.scale >= LEGIBLE


def _nearer(sight: Sight, region: Box, shape: tuple[int, ...]) -> Box | None:
    """The part with the digits, where they are small in the region; None where a closer look would gain little."""
    if not sight.digits or sight.scale >= 1 or _is_legible(sight):
        return None
    around = _around(_most_likely(sight), shape)
    return around if 2 * around.width * around.height < region.width * region.height else None


def _told_apart(digits: Sequence[Candidate], signs: Sequence[Sign], bonus: float) -> tuple[list[Candidate], list[Sign]]:
    """Of a digit and a sign at one place, such as a 1 and a slash, the likelier; and so of two signs.

    Signs come likeliest first, and are of one place within half the height of the digits.
    """
    reach = median(each.box.height for each in digits) / 2
    kept: list[Sign] = []
    for sign in signs:
        odds = log_odds(sign.is_sign) + bonus
        is_other = any(log_odds(each.is_digit) >= odds and is_amid(sign, each.box) for each in digits)
        if not is_other and all(math.hypot(sign.x - other.x, sign.y - other.y) > reach for other in kept):
            kept.append(sign)
    return [each for each in digits if not any(is_amid(sign, each.box) for sign in kept)], kept


def is_amid(sign: Sign, box: Box) -> bool:
    """Whether a sign is in the middle half of a box."""
    across, down = abs(sign.x - box.centre), abs(sign.y - box.middle)
    return 4 * across <= max(box.width, box.height / 2) and 4 * down <= box.height


def _with_what_is_beyond(closer: Sight, region: Box, before: Sight) -> Sight:
    """What is seen in a region from nearer, and what was seen beyond it before."""
    beyond = [each for each in before.digits if not region.holds_middle_of(each.box)]
    return replace(closer, digits=sorted([*closer.digits, *beyond], key=lambda each: -each.is_digit))


def _around(found: Sequence[Candidate], shape: tuple[int, ...]) -> Box:
    """All candidates, with room for a digit and a half on each side."""
    box = functools.reduce(Box.joined, (each.box for each in found))
    room = 3 * max(each.box.height for each in found) // 2
    left, top = max(0, box.x - room), max(0, box.y - room)
    return Box(left, top, min(shape[1], box.right + room) - left, min(shape[0], box.bottom + room) - top)
