"""Pictures without a digit: letters, drawings, things and blank sheets."""

from pathlib import Path

import cv2
import matplotlib as mpl
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from bench.hand import Hand, Ink, Strokes, cropped, drawn
from bench.pictures import Rng, _anyhow
from bench.surfaces import (
    File,
    any_paper,
    any_pen,
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

FONTS = sorted(
    path
    for family in ("DejaVu", "STIXGeneral")
    for path in (Path(mpl.get_data_path()) / "fonts" / "ttf").glob(f"{family}*.ttf")
    if "Display" not in path.name
)
LETTERS = "AEFHKMNPRWXVYdefhkmnrtuwx"
SYMBOLS = "&@#?!+=*~€§→←↑♥★☺ΔΣΩΨΦ☂"
LETTER_STROKES: dict[str, Strokes] = {
    "A": [[(10, 95), (50, 5), (90, 95)], [(28, 60), (72, 60)]],
    "E": [[(80, 5), (20, 5), (20, 95), (82, 95)], [(20, 50), (65, 50)]],
    "F": [[(80, 5), (22, 5), (22, 95)], [(22, 48), (62, 48)]],
    "H": [[(20, 5), (20, 95)], [(80, 5), (80, 95)], [(20, 50), (80, 50)]],
    "K": [[(22, 5), (22, 95)], [(80, 5), (22, 55), (82, 95)]],
    "M": [[(12, 95), (20, 5), (50, 60), (80, 5), (88, 95)]],
    "N": [[(18, 95), (18, 5), (80, 95), (80, 5)]],
    "R": [[(22, 95), (22, 5), (60, 8), (72, 26), (58, 46), (22, 50), (78, 95)]],
    "W": [[(5, 5), (28, 95), (50, 30), (72, 95), (95, 5)]],
    "X": [[(15, 5), (85, 95)], [(85, 5), (15, 95)]],
    "m": [[(10, 35), (12, 95)], [(12, 55), (28, 38), (48, 42), (50, 95)], [(50, 55), (66, 38), (86, 42), (90, 95)]],
    "k": [[(25, 5), (25, 95)], [(70, 40), (25, 70), (75, 95)]],
    "e": [[(20, 62), (76, 60), (70, 40), (45, 35), (22, 55), (28, 85), (55, 95), (80, 82)]],
    "+": [[(50, 15), (50, 85)], [(15, 50), (85, 50)]],
    "#": [[(38, 10), (28, 90)], [(72, 10), (62, 90)], [(12, 35), (90, 35)], [(10, 65), (88, 65)]],
    "?": [[(25, 25), (35, 8), (65, 8), (75, 28), (52, 48), (50, 68)], [(50, 90), (51, 94)]],
}


def _ring(x: float, y: float, radius: float, turns: float = 1, growth: float = 0) -> list[tuple[float, float]]:
    angles = np.linspace(0, 2 * np.pi * turns, int(24 * turns) + 1)
    reach = radius + growth * angles
    return list(zip(x + reach * np.cos(angles), y + reach * np.sin(angles), strict=True))


def _star(points: int, inner: float) -> list[tuple[float, float]]:
    angles = np.arange(2 * points + 1) * np.pi / points - np.pi / 2
    reach = np.where(np.arange(2 * points + 1) % 2, inner, 45)
    return list(zip(50 + reach * np.cos(angles), 50 + reach * np.sin(angles), strict=True))


DRAWINGS: dict[str, Strokes] = {
    "house": [[(15, 95), (15, 45), (50, 8), (85, 45), (85, 95), (15, 95)], [(42, 95), (42, 68), (60, 68), (60, 95)]],
    "star": [_star(5, 18)],
    "sun": [_ring(50, 50, 20)]
    + [
        [(50 + 28 * np.cos(a), 50 + 28 * np.sin(a)), (50 + 45 * np.cos(a), 50 + 45 * np.sin(a))]
        for a in np.arange(0, 6.2, 0.7)
    ],
    "heart": [
        [(50, 92), (14, 52), (10, 28), (28, 12), (46, 22), (50, 34), (54, 22), (72, 12), (90, 28), (86, 52), (50, 92)]
    ],
    "face": [_ring(50, 50, 45), [(34, 36), (34, 42)], [(66, 36), (66, 42)], [(28, 62), (40, 74), (60, 74), (72, 62)]],
    "arrow": [[(5, 60), (92, 45)], [(65, 25), (92, 45), (70, 68)]],
    "spiral": [_ring(50, 50, 2, 4, 1.7)],
    "tree": [[(44, 95), (44, 62)], [(56, 95), (56, 62)], [(20, 62), (50, 5), (80, 62), (20, 62)]],
    "fish": [[(95, 30), (60, 62), (30, 66), (8, 48), (30, 30), (60, 34), (95, 66), (95, 30)], [(26, 44), (28, 45)]],
    "flower": [
        _ring(50, 28, 8),
        _ring(50, 10, 9),
        _ring(68, 28, 9),
        _ring(32, 28, 9),
        _ring(50, 46, 9),
        [(50, 56), (48, 95)],
    ],
    "man": [_ring(50, 15, 11), [(50, 26), (50, 62)], [(20, 40), (80, 40)], [(25, 95), (50, 62), (75, 95)]],
    "cup": [
        [(20, 20), (26, 85), (66, 85), (72, 20), (20, 20)],
        [(70, 32), (90, 36), (88, 60), (68, 66)],
        [(10, 92), (84, 92)],
    ],
    "cat": [
        [(20, 15), (30, 35), (68, 35), (80, 15), (84, 60), (50, 88), (16, 60), (20, 15)],
        [(36, 52), (38, 54)],
        [(62, 52), (64, 54)],
        [(44, 66), (50, 72), (56, 66)],
        [(2, 62), (30, 66)],
        [(98, 62), (70, 66)],
    ],
    "cloud": [[(20, 75), (8, 60), (22, 46), (30, 28), (50, 30), (64, 22), (78, 38), (94, 52), (88, 72), (20, 75)]],
}
SILHOUETTES: dict[str, list[tuple[float, float]]] = {
    "shirt": [
        (30, 10),
        (42, 16),
        (58, 16),
        (70, 10),
        (98, 34),
        (84, 50),
        (74, 42),
        (74, 95),
        (26, 95),
        (26, 42),
        (16, 50),
        (2, 34),
    ],
    "trousers": [(28, 5), (72, 5), (82, 95), (60, 95), (50, 38), (40, 95), (18, 95)],
    "dress": [(36, 5), (44, 20), (56, 20), (64, 5), (66, 40), (88, 95), (12, 95), (34, 40)],
    "shoe": [(6, 40), (30, 36), (52, 58), (90, 66), (96, 84), (6, 84)],
    "bag": [(8, 40), (30, 40), (36, 18), (64, 18), (70, 40), (92, 40), (96, 92), (4, 92)],
    "bottle": [(42, 3), (58, 3), (58, 28), (72, 44), (72, 97), (28, 97), (28, 44), (42, 28)],
    "car": [
        (4, 70),
        (8, 50),
        (26, 46),
        (38, 26),
        (68, 26),
        (80, 46),
        (96, 52),
        (96, 70),
        (84, 82),
        (72, 70),
        (32, 70),
        (20, 82),
    ],
    "leaf": [(50, 3), (74, 28), (78, 55), (56, 80), (54, 98), (48, 98), (46, 80), (22, 55), (26, 28)],
}


def letters(rng: Rng, _text: str, _hand: Hand) -> File:
    """One to six letters or one symbol, printed or by hand; none that could be taken for a digit."""
    pen = any_pen(rng)
    if rng.random() < 0.4:
        texts = list(LETTER_STROKES)
        ink = drawn(
            rng, LETTER_STROKES[texts[rng.integers(len(texts))]], int(rng.integers(70, 300)), rng.uniform(0.05, 0.13)
        )
        return _anyhow(rng, placed(rng, ink, 0.25, 0.8), pen)
    text = "".join(rng.choice(list(LETTERS), rng.integers(1, 7)))
    font = FONTS[rng.integers(len(FONTS))]
    if rng.random() < 0.3:
        text, font = rng.choice(list(SYMBOLS)), Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    return _anyhow(rng, placed(rng, _printed(text, font, int(rng.integers(60, 240))), 0.25, 0.8), pen)


def drawings(rng: Rng, _text: str, _hand: Hand) -> File:
    """Of a few lines, as children and bored people make them."""
    names = [*DRAWINGS, "scribble"]
    name = names[rng.integers(len(names))]
    strokes = DRAWINGS.get(name) or [rng.uniform(5, 95, (rng.integers(14, 30), 2)).tolist()]
    ink = drawn(rng, strokes, int(rng.integers(90, 320)), rng.uniform(0.025, 0.07))
    return _anyhow(rng, placed(rng, ink, 0.2, 0.7), any_pen(rng))


def things(rng: Rng, _text: str, _hand: Hand) -> File:
    """Blobs, clothes, shaded solids, textures, and scenes as of photographs."""
    kinds = (_blobs, _silhouette, _solid, _texture, _scene)
    picture = kinds[rng.integers(len(kinds))](rng, (int(rng.integers(28, 400)),) * 2)
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
    return cropped(np.asarray(image, np.float32) / 255)


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
    inside = [np.hypot(x, y) < 0.7, np.maximum(abs(x), abs(y) * 1.3) < 0.7, (y < 0.7) & (abs(x) < (y + 0.8) * 0.45)][
        rng.integers(3)
    ]
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
        sky = cv2.fillPoly(
            sky.astype(np.float32), [np.rint(outline).astype(int)], float(rng.uniform(0.1, 0.95)), cv2.LINE_AA
        )
    return sky
