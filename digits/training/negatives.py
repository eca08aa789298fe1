"""What is no digit: letters, symbols, scribbles, parts and pairs of digits, shapes, textures.

All are synthesised, as ink, floats (h, w) in [0, 1] at most SIZE pixels high and wide.
"""

import functools
import math
import unicodedata
from collections.abc import Callable
from pathlib import Path

import cv2
import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.ft2font import FT2Font
from PIL import Image, ImageDraw, ImageFont

from digits.grids import Grid
from digits.training.photographs import Sheet

SIZE = 84
"""Pixels of the larger side, three times a grid's."""
LIKE_DIGITS = frozenset(
    "OoQIlijJ|ZzSsbgq()[]/\\!¡¦'`,.:;·•-_ΟοΙιΖζϨσςΘθΦφδρβϑϕϱОоІіЈјЗзЭэбЧчѕЅʒƷȜȝƐɛɜɝɞεЄєҘҙӠӡƧƨƼƽÞþØøӨөѲѳ∅⌀ðɵʘ◯○●"
)
"""Characters that somebody's digits look like: nobody could tell them apart."""
STROKE = 0.4
"""How broad, by its length, a part must be to be more than a stroke."""
_FONTS = ("DejaVuSans", "DejaVuSans-Oblique", "DejaVuSerif-Italic", "STIXGeneral", "STIXGeneralItalic", "cmmi10")
_BLOCKS = "LSP"  # Letters, symbols and punctuation, by Unicode's categories.
_PEN_FONTS = tuple(range(8))  # OpenCV's, after Hershey: drawn with strokes of a pen.


def letter(_: npt.NDArray[np.uint8], rng: np.random.Generator) -> Sheet:
    """A letter or symbol; half of them Latin or Greek, which people write most."""
    fonts = _characters()
    font, common, all_of_it = fonts[rng.integers(len(fonts))]
    some = common if rng.random() < 0.5 else all_of_it
    image = Image.new("L", (2 * SIZE, 2 * SIZE))
    ImageDraw.Draw(image).text((SIZE, SIZE), some[rng.integers(len(some))], 255, font, anchor="mm")
    return _in_another_hand(_cut(np.asarray(image)), rng)


def stroked_letter(_: npt.NDArray[np.uint8], rng: np.random.Generator) -> Sheet:
    """A Latin letter or a sign, drawn with strokes."""
    signs = _signs()
    canvas = np.zeros((2 * SIZE, 2 * SIZE), np.uint8)
    slant = 16 * int(rng.integers(2))  # cv2.FONT_ITALIC
    font, pen = int(rng.choice(_PEN_FONTS)) + slant, int(rng.integers(2, 9))
    cv2.putText(canvas, signs[rng.integers(len(signs))], (SIZE // 2, SIZE * 3 // 2), font, 3, 255, pen, cv2.LINE_AA)
    return _in_another_hand(_cut(canvas), rng)


def scribble(_: npt.NDArray[np.uint8], rng: np.random.Generator) -> Sheet:
    """A pen that wanders: rounded or angular, too long for a digit."""
    points = rng.uniform(6, SIZE - 6, (int(rng.integers(6, 16)), 2))
    if rng.random() < 0.7:
        points = _smooth(points)
    return _drawn([points], rng)


def shape(_: npt.NDArray[np.uint8], rng: np.random.Generator) -> Sheet:
    """One to four plain figures, drawn: polygons, stars, crosses, spirals, ticks, grids, faces and arrows."""
    strokes: list[npt.NDArray[np.float64]] = []
    for _figure in range(int(rng.integers(1, 5))):
        figure = _FIGURES[rng.integers(len(_FIGURES))](rng)
        scale, place = rng.uniform(0.35, 1), rng.uniform(-0.4, 0.4, 2)
        strokes += [(part * scale + place * (1 - scale) + 1) * (SIZE / 2) for part in figure]
    return _drawn(strokes, rng)


def part(grids: npt.NDArray[np.uint8], rng: np.random.Generator) -> Sheet:
    """What is left of a digit where a line cuts it, at most half of it; nothing if that is a mere stroke, like a 1."""
    kept = _cut(_halved(_large(grids[0]), rng.uniform(0, 2 * np.pi), rng.uniform(0.5, 0.8)))
    points = np.argwhere(kept > 0.5).astype(np.float32)
    sides = cv2.minAreaRect(points)[1] if len(points) else (0, 1)
    return kept if min(sides) > STROKE * max(sides) else kept[:0]


def pair(grids: npt.NDArray[np.uint8], rng: np.random.Generator) -> Sheet:
    """Two or three digits that touch."""
    ink = _cut(_large(grids[0]))
    for other in grids[1 : int(rng.integers(2, 4))]:
        ink = _beside(ink, _cut(_large(other)), rng)
    return ink


def neighbour(grids: npt.NDArray[np.uint8], rng: np.random.Generator) -> Sheet:
    """A digit and a good part of the next one, as a cut at the wrong place leaves it."""
    first, other = _cut(_large(grids[0])), _cut(_large(grids[1]))
    kept = max(4, int(rng.uniform(0.35, 0.75) * other.shape[1]))
    if rng.random() < 0.5:
        return _beside(first, other[:, :kept], rng)
    return _beside(other[:, -kept:], first, rng)


def blot(_: npt.NDArray[np.uint8], rng: np.random.Generator) -> Sheet:
    """A filled outline, even or shaded inside: clothes, leaves, stains, wedges of a desk."""
    corners = int(rng.integers(3, 14))
    angles = np.sort(rng.uniform(0, 2 * np.pi, corners))
    radii = rng.uniform(0.25, 1, corners) * SIZE / 2
    outline = np.stack([np.cos(angles), np.sin(angles)], 1) * radii[:, np.newaxis] * rng.uniform(0.35, 1, 2) + SIZE / 2
    if rng.random() < 0.5:
        outline = _smooth(np.concatenate([outline, outline[:1]]))
    if rng.random() < 0.4:
        outline = np.concatenate([outline, [SIZE, 0] + outline * [-1, 1]])  # Mirrored, as things are.
    filled = np.zeros((SIZE, SIZE), np.uint8)
    cv2.fillPoly(filled, [np.rint(outline).astype(np.int32)], 255, cv2.LINE_AA)
    shading = 1 if rng.random() < 0.4 else _cloud(rng, SIZE, SIZE)
    return _cut(filled / np.float32(255) * shading)


def texture(_: npt.NDArray[np.uint8], rng: np.random.Generator) -> Sheet:
    """Clouds, stripes or grain, cut off at a level or not."""
    height, width = (int(side) for side in rng.integers(SIZE // 3, SIZE + 1, 2))
    if rng.random() < 0.3:
        y, x = np.mgrid[:height, :width]
        angle, period = rng.uniform(0, np.pi), rng.uniform(4, 40)
        cloud = 0.5 + 0.5 * np.sin((np.cos(angle) * x + np.sin(angle) * y) * 2 * np.pi / period)
    else:
        cloud = _cloud(rng, height, width)
    level = rng.uniform(0.3, 0.7)
    cut_off = np.clip((cloud - level) * rng.choice([1.5, 4, 20]) + 0.2, 0, 1)
    return _cut(cut_off)


FAMILIES: tuple[tuple[Callable[[npt.NDArray[np.uint8], np.random.Generator], Sheet], float], ...] = (
    (letter, 0.26),
    (stroked_letter, 0.12),
    (scribble, 0.08),
    (shape, 0.14),
    (part, 0.1),
    (pair, 0.1),
    (neighbour, 0.06),
    (blot, 0.08),
    (texture, 0.06),
)
"""Ways to make what is no digit, each from some digits, uint8 (n, 28, 28), and its share."""


def negative(grids: npt.NDArray[np.uint8], rng: np.random.Generator) -> Sheet:
    """Ink that is no digit; three digits lend their parts."""
    shares = [share for _, share in FAMILIES]
    while True:
        sheet = FAMILIES[rng.choice(len(FAMILIES), p=shares)][0](grids, rng)
        if sheet.size and min(sheet.shape) > 2 and sheet.max() > 0.5:
            return sheet


@functools.cache
def _characters() -> list[tuple[ImageFont.FreeTypeFont, str, str]]:
    """Each of matplotlib's fonts, its Latin and Greek characters, and all that is written and no number."""
    folder = Path(matplotlib.get_data_path(), "fonts", "ttf")
    fonts = []
    for name in _FONTS:
        path = str(folder / f"{name}.ttf")
        usable = [chr(code) for code in FT2Font(path).get_charmap() if _is_no_digit(chr(code))]
        common = [character for character in usable if "!" <= character <= "~" or "\u0370" <= character <= "\u03ff"]
        fonts.append((ImageFont.truetype(path, SIZE - 24), "".join(common), "".join(usable)))
    return fonts


@functools.cache
def _signs() -> str:
    return "".join(character for character in map(chr, range(33, 127)) if _is_no_digit(character))


def _is_no_digit(character: str) -> bool:
    plain = unicodedata.normalize("NFKD", character)[:1]
    return unicodedata.category(character)[0] in _BLOCKS and not {character, plain} & LIKE_DIGITS


def _large(grid: Grid) -> Sheet:
    return cv2.resize(grid, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC).astype(np.float32) / 255


def _halved(sheet: Sheet, angle: float, share: float) -> Sheet:
    """Without that share of its ink which lies on one side of a line."""
    y, x = np.mgrid[: sheet.shape[0], : sheet.shape[1]]
    side = np.cos(angle) * x + np.sin(angle) * y
    inked = side[sheet > 0.5]
    return sheet * (side > np.quantile(inked, share)) if len(inked) else sheet


def _beside(left: Sheet, right: Sheet, rng: np.random.Generator) -> Sheet:
    """Both, touching or almost, one perhaps a little lower."""
    overlap = int(rng.uniform(-0.15, 0.2) * min(left.shape[1], right.shape[1]))
    drop = int(rng.uniform(-0.2, 0.2) * SIZE)
    height = 2 * SIZE + max(left.shape[0], right.shape[0])
    both = np.zeros((height, left.shape[1] + right.shape[1] + SIZE), np.float32)
    for ink, top, start in ((left, SIZE, 0), (right, SIZE + drop, max(0, left.shape[1] - overlap))):
        window = both[top : top + ink.shape[0], start : start + ink.shape[1]]
        np.maximum(window, ink, out=window)
    return _cut(both)


def _cut(ink: npt.NDArray[np.generic]) -> Sheet:
    """Floats in [0, 1], cut to what is inked."""
    sheet = ink.astype(np.float32) / (255 if ink.dtype == np.uint8 else 1)
    x, y, width, height = cv2.boundingRect((sheet > 0.3).astype(np.uint8))
    return sheet[y : y + height, x : x + width]


def _in_another_hand(sheet: Sheet, rng: np.random.Generator) -> Sheet:
    """Bent, slanted and turned, with another pen."""
    if not sheet.size:
        return sheet
    sheet = np.pad(sheet, SIZE // 3)
    height, width = sheet.shape
    bend = cv2.resize(rng.normal(0, 4, (4, 4, 2)).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    angle = rng.normal(0, 0.15)
    linear = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]) @ np.array(
        [[rng.uniform(0.8, 1.25), rng.normal(0, 0.2)], [0, rng.uniform(0.8, 1.25)]]
    )
    y, x = np.mgrid[:height, :width].astype(np.float32) - np.array([height, width])[:, None, None] / 2
    across = (linear[0, 0] * x + linear[0, 1] * y + width / 2 + bend[..., 0]).astype(np.float32)
    down = (linear[1, 0] * x + linear[1, 1] * y + height / 2 + bend[..., 1]).astype(np.float32)
    bent = cv2.remap(sheet, across, down, cv2.INTER_LINEAR)
    pen = int(rng.integers(2, 7))
    if (choice := rng.random()) < 0.5:
        change = cv2.erode if choice < 0.3 else cv2.dilate
        other = change(bent, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (pen, pen)))
        if other.max() > 0.9:
            bent = other
    return _cut(bent)


def _smooth(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """A Catmull-Rom spline through points (n, 2)."""
    padded = np.concatenate([points[:1], points, points[-1:]])
    t = np.linspace(0, 1, 10)[:, np.newaxis]
    before, start, end, after = (padded[i : len(padded) - 3 + i, np.newaxis] for i in range(4))
    curve = 0.5 * (
        2 * start
        + (end - before) * t
        + (2 * before - 5 * start + 4 * end - after) * t**2
        + (3 * start - before - 3 * end + after) * t**3
    )
    return curve.reshape(-1, 2)


def _drawn(
    strokes: list[npt.NDArray[np.float64]], rng: np.random.Generator, size: int = SIZE, wobble: bool = True
) -> Sheet:
    """Strokes, points (n, 2) in pixels, with a pen."""
    canvas = np.zeros((size, size), np.uint8)
    pen = int(rng.integers(2, 10))
    for stroke in strokes:
        points = stroke + rng.normal(0, 1, stroke.shape) if wobble and len(stroke) < 30 else stroke
        cv2.polylines(canvas, [np.rint(points * 8).astype(np.int32)], False, 255, pen, cv2.LINE_AA, 3)
    return _cut(canvas) if wobble else canvas.astype(np.float32) / 255


def _cloud(rng: np.random.Generator, height: int, width: int) -> Sheet:
    """Smooth noise over [0, 1]."""
    cells = tuple(int(side) for side in rng.integers(2, 12, 2))
    cloud = cv2.resize(rng.random(cells, np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(cloud, 0, 1)


def _polygon(rng: np.random.Generator) -> list[npt.NDArray[np.float64]]:
    corners = int(rng.integers(3, 8))
    angles = np.arange(corners + 1) * 2 * np.pi / corners + rng.uniform(0, 2 * np.pi)
    return [np.stack([np.cos(angles), np.sin(angles)], 1) * rng.uniform(0.5, 1, 2)]


def _star(rng: np.random.Generator) -> list[npt.NDArray[np.float64]]:
    points = int(rng.integers(4, 8))
    angles = np.arange(2 * points + 1) * np.pi / points - np.pi / 2
    radii = np.where(np.arange(2 * points + 1) % 2, rng.uniform(0.3, 0.6), 1)
    return [np.stack([np.cos(angles), np.sin(angles)], 1) * radii[:, np.newaxis]]


def _crossed(rng: np.random.Generator) -> list[npt.NDArray[np.float64]]:
    angles = np.arange(int(rng.integers(2, 4))) * np.pi / rng.integers(2, 5) + rng.uniform(0, np.pi)
    ends = np.stack([np.cos(angles), np.sin(angles)], 1)
    return [np.stack([end * rng.uniform(0.5, 1), -end * rng.uniform(0.5, 1)]) for end in ends]


def _spiral(rng: np.random.Generator) -> list[npt.NDArray[np.float64]]:
    angles = np.linspace(0, 2 * np.pi * rng.uniform(1.8, 4), 50)
    return [np.stack([np.cos(angles), np.sin(angles)], 1) * (angles / angles[-1])[:, np.newaxis]]


def _wave(rng: np.random.Generator) -> list[npt.NDArray[np.float64]]:
    count = int(rng.integers(4, 9))
    zigzag = np.stack([np.linspace(-1, 1, count), np.where(np.arange(count) % 2, 1, -1) * rng.uniform(0.2, 0.9)], 1)
    return [_smooth(zigzag) if rng.random() < 0.5 else zigzag]


def _net(rng: np.random.Generator) -> list[npt.NDArray[np.float64]]:
    places = np.linspace(-1, 1, int(rng.integers(2, 5)))
    return [np.array([[p, -1], [p, 1]]) for p in places] + [np.array([[-1, p], [1, p]]) for p in places]


def _arrow(rng: np.random.Generator) -> list[npt.NDArray[np.float64]]:
    angle = rng.uniform(0, 2 * np.pi)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return [np.array([[-1, 0], [1, 0]]) @ turn, np.array([[0.5, 0.5], [1, 0], [0.5, -0.5]]) @ turn]


def _face(rng: np.random.Generator) -> list[npt.NDArray[np.float64]]:
    angles = np.linspace(0, 2 * np.pi, 30)
    ring = np.stack([np.cos(angles), np.sin(angles)], 1)
    mouth = ring[3:13] * 0.5
    return [ring, ring * 0.1 + [-0.35, -0.3], ring * 0.1 + [0.35, -0.3], mouth * [1, rng.choice([-1, 1])]]


def _heart(_: np.random.Generator) -> list[npt.NDArray[np.float64]]:
    t = np.linspace(0, 2 * np.pi, 40)
    down = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    return [np.stack([16 * np.sin(t) ** 3, -down], 1) / 17]


def _house(_: np.random.Generator) -> list[npt.NDArray[np.float64]]:
    walls = np.array([[-0.8, 1], [-0.8, -0.1], [0, -1], [0.8, -0.1], [0.8, 1], [-0.8, 1]])
    return [walls, np.array([[-0.2, 1], [-0.2, 0.4], [0.2, 0.4], [0.2, 1]])]


_FIGURES = (_polygon, _star, _crossed, _spiral, _wave, _net, _arrow, _face, _heart, _house)
