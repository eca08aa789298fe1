"""Pictures without a digit: letters, drawings, things and blank sheets."""

from pathlib import Path

import cv2
import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from bench.pictures.hand import Hand, Ink, Rng, cropped, drawn
from bench.pictures.outlines import DRAWINGS, LETTER_STROKES, SILHOUETTES
from bench.pictures.surfaces import (
    File,
    any_paper,
    any_pen,
    anyhow,
    as_jpeg,
    as_png,
    clouds,
    grain,
    lit,
    paper,
    photographed,
    placed,
    shadowed,
)

FONT_FOLDER = Path(mpl.get_data_path()) / "fonts" / "ttf"
FONTS = sorted(
    path
    for family in ("DejaVu", "STIXGeneral")
    for path in FONT_FOLDER.glob(f"{family}*.ttf")
    if "Display" not in path.name
)
LETTERS = "AEFHKMNRWXVdefhkmnuwx"
SYMBOLS = "&@#!+=*~€→←↑♥★☺ΔΣΨ☂"


def letters(rng: Rng, _text: str, _hand: Hand) -> File:
    """One to six letters or one symbol, printed or by hand; none that could be taken for a digit."""
    pen = any_pen(rng)
    if rng.random() < 0.4:
        strokes = LETTER_STROKES[rng.choice(list(LETTER_STROKES))]
        ink = drawn(rng, strokes, int(rng.integers(70, 300)), rng.uniform(0.05, 0.13))
        return anyhow(rng, placed(rng, ink, 0.25, 0.8), pen)
    text = "".join(rng.choice(list(LETTERS), rng.integers(1, 7)))
    font = FONTS[rng.integers(len(FONTS))]
    if rng.random() < 0.3:
        text, font = rng.choice(list(SYMBOLS)), FONT_FOLDER / "DejaVuSans.ttf"
    return anyhow(rng, placed(rng, _printed(text, font, int(rng.integers(60, 240))), 0.25, 0.8), pen)


def drawings(rng: Rng, _text: str, _hand: Hand) -> File:
    """Of a few lines, as children and bored people make them."""
    names = [*DRAWINGS, "scribble"]
    name = names[rng.integers(len(names))]
    strokes = DRAWINGS.get(name) or [rng.uniform(5, 95, (rng.integers(14, 30), 2)).tolist()]
    ink = drawn(rng, strokes, int(rng.integers(90, 320)), rng.uniform(0.025, 0.07))[:, :: rng.choice([-1, 1])]
    return anyhow(rng, placed(rng, ink, 0.2, 0.7), any_pen(rng))


def things(rng: Rng, _text: str, _hand: Hand) -> File:
    """Blobs, clothes, shaded solids, textures, and scenes as of photographs."""
    kinds = (_blobs, _silhouette, _silhouette, _solid, _texture, _scene)
    side = 28 if rng.random() < 0.2 else int(rng.integers(60, 400))
    picture: npt.NDArray[np.floating] = kinds[rng.integers(len(kinds))](rng, (side, side))
    if rng.random() < 0.5:
        picture = picture[..., None] * rng.uniform(0.5, 1, 3)
    return as_jpeg(rng, picture) if len(picture) > 60 and rng.random() < 0.6 else as_png(picture)


def blank(rng: Rng, _text: str, _hand: Hand) -> File:
    """Nothing but paper, noise, a gradient, a shadow or folds."""
    shape = rng.integers(60, 500, 2).tolist()
    sheet = lit(rng, paper(rng, shape, any_paper(rng)))
    kind = rng.integers(6)
    if kind == 0:
        return as_png(rng.uniform(0.2, 0.9) + rng.uniform(0.01, 0.2) * grain(rng, shape, 1))
    if kind == 1:
        return as_png(np.linspace(rng.uniform(0, 1), rng.uniform(0, 1), shape[0])[:, None] + np.zeros(shape))
    if kind == 2:
        return as_png(np.full(shape, rng.uniform(0, 1)))
    if kind == 3:
        sheet = shadowed(rng, sheet, rng.uniform(0.01, 0.6))
    if kind == 4:
        for axis in range(2):
            fold = np.abs(np.arange(shape[axis]) - shape[axis] * rng.uniform(0.4, 0.6))
            crease = 1 - 0.12 * np.exp(-fold / 2) + 0.05 * np.exp(-fold / 20)
            sheet = sheet * np.expand_dims(crease, (1 - axis, 2))
    return as_jpeg(rng, photographed(rng, sheet.astype(np.float32)))


def _printed(text: str, font: Path, size: int) -> Ink:
    type_face = ImageFont.truetype(font, size)
    image = Image.new("L", (int(type_face.getlength(text)) + 2 * size, 3 * size))
    ImageDraw.Draw(image).text((size, size), text, 255, type_face)
    return cropped(np.asarray(image, np.float32) / np.float32(255))


def _blobs(rng: Rng, shape: tuple[int, int]) -> Ink:
    """Stains, in one grey."""
    edge = clouds(rng, shape, int(rng.integers(4, 8)))
    blob = 1 / (1 + np.exp(-20 * (edge - rng.uniform(0, 0.3))))
    return rng.uniform(0.7, 1) - rng.uniform(0.3, 0.7) * blob


def _silhouette(rng: Rng, shape: tuple[int, int]) -> Ink:
    """Clothes and other things, woven or plain, as in catalogues."""
    outlines = list(SILHOUETTES.values())
    outline = (np.array(outlines[rng.integers(len(outlines))]) * 0.8 + 10) * shape[0] / 100
    cover = cv2.fillPoly(np.zeros(shape, np.float32), [np.rint(outline * 16).astype(int)], 1, cv2.LINE_AA, 4)
    stuff = rng.uniform(0.3, 0.9) + 0.15 * clouds(rng, shape, 5) + rng.choice([0, 0.1]) * grain(rng, shape, 2)
    picture = cover * stuff
    return picture if rng.random() < 0.5 else 1 - picture


def _solid(rng: Rng, shape: tuple[int, int]) -> Ink:
    """A ball, a box or a cone, shaded."""
    y, x = np.mgrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j]
    light = 0.55 + 0.35 * (x * np.cos(angle := rng.uniform(0, 6.3)) + y * np.sin(angle))
    ball, box = np.hypot(x, y) < 0.7, np.maximum(abs(x), abs(y) * 1.3) < 0.7
    cone = (y < 0.7) & (abs(x) < (y + 0.8) * 0.45)
    inside = (ball, box, cone)[rng.integers(3)]
    back = rng.uniform(0, 1) + 0.1 * y
    return np.where(inside, light, back).astype(np.float32)


def _texture(rng: Rng, shape: tuple[int, int]) -> Ink:
    """Wood, bricks, weave, or a pattern of squares."""
    y, x = np.mgrid[: shape[0], : shape[1]] / shape[0]
    warp = 0.05 * clouds(rng, shape, 5)
    count = rng.integers(6, 16)
    bricks = (np.minimum(y * count % 1, (x * count / 2 + 0.5 * (y * count // 1 % 2)) % 1) > 0.12).astype(np.float32)
    patterns = [
        0.5 + 0.4 * np.sin(40 * (y + 2 * warp) + 6 * clouds(rng, shape, 4)),
        0.3 + 0.4 * bricks,
        0.5 + 0.2 * np.sin(2 * np.pi * count * x) + 0.2 * np.sin(2 * np.pi * count * y),
        0.2 + 0.6 * ((x * count // 1 + y * count // 1) % 2),
    ]
    return patterns[rng.integers(len(patterns))] + 0.04 * grain(rng, shape, 1.5)


def _scene(rng: Rng, shape: tuple[int, int]) -> Ink:
    """Sky, hills and a house or two."""
    height, width = shape
    sky = np.linspace(0.9, 0.6, height, dtype=np.float32)[:, None] + 0.1 * clouds(rng, shape, 6)
    rows = np.arange(height)[:, None]
    for depth in range(3):
        ridge = height * (0.4 + 0.18 * depth) + height * 0.1 * clouds(rng, (1, width), 6)[0]
        sky = np.where(rows > ridge, 0.6 - 0.15 * depth + 0.05 * grain(rng, shape, 2), sky)
    for _ in range(rng.integers(1, 3)):
        x, size = rng.uniform(0.1, 0.7) * width, rng.uniform(0.12, 0.25) * height
        outline = np.array([(0, 1), (0, 0.4), (0.5, 0), (1, 0.4), (1, 1)]) * size + (x, 0.6 * height)
        wall = float(rng.uniform(0.1, 0.95))
        sky = cv2.fillPoly(sky.astype(np.float32), [np.rint(outline).astype(int)], wall, cv2.LINE_AA)
    return sky
