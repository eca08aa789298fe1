"""What writing is on, and how it comes to be a file: paper, pens, light, cameras, scanners."""

from collections.abc import Sequence
from io import BytesIO
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from bench.pictures.hand import Ink, Rng

Sheet = npt.NDArray[np.float32]
"""(h, w, 3), red, green and blue in [0, 1]."""

Colour = Sequence[float]


class File(NamedTuple):
    suffix: str
    data: bytes


class Pen(NamedTuple):
    colour: Colour
    opacity: float
    grain: float
    """How much of the ink the paper's roughness takes away."""
    width: tuple[float, float]
    """As a share of a digit's height."""


PENS = {
    "ballpoint": Pen((0.1, 0.15, 0.5), 0.85, 0.3, (0.03, 0.06)),
    "black ballpoint": Pen((0.12, 0.12, 0.15), 0.85, 0.25, (0.03, 0.06)),
    "fountain pen": Pen((0.08, 0.1, 0.3), 0.95, 0.05, (0.04, 0.08)),
    "red pen": Pen((0.75, 0.1, 0.12), 0.9, 0.1, (0.04, 0.08)),
    "pencil": Pen((0.3, 0.3, 0.32), 0.75, 0.6, (0.03, 0.07)),
    "marker": Pen((0.06, 0.06, 0.07), 1, 0, (0.08, 0.15)),
    "green marker": Pen((0.05, 0.4, 0.2), 0.95, 0, (0.08, 0.14)),
}
PAPERS: list[Colour] = [
    (0.95, 0.95, 0.94),
    (0.97, 0.95, 0.88),
    (0.78, 0.78, 0.77),
    (0.62, 0.62, 0.63),
    (0.76, 0.6, 0.43),
    (0.85, 0.75, 0.6),
]


def any_pen(rng: Rng) -> Pen:
    return list(PENS.values())[rng.integers(len(PENS))]


def any_paper(rng: Rng) -> Colour:
    return PAPERS[rng.integers(len(PAPERS))]


def clouds(rng: Rng, shape: Sequence[int], cells: int) -> npt.NDArray[np.float32]:
    """(h, w) of smooth noise, about -1 to 1, with so many cells across."""
    coarse = rng.uniform(-1, 1, (cells, cells)).astype(np.float32)
    return cv2.resize(coarse, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)


def grain(rng: Rng, shape: Sequence[int], size: float) -> npt.NDArray[np.float32]:
    """(h, w) of noise with standard deviation 1, in grains of about this many pixels."""
    small = (int(shape[0] / size) + 2, int(shape[1] / size) + 2)
    noise = rng.standard_normal(small, np.float32)
    return cv2.resize(noise, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR)


def placed(rng: Rng, ink: Ink, least: float, most: float, unit: int | None = None) -> Ink:
    """With room on each side, as a share of the unit, which is the ink's height unless told."""
    room = np.rint(rng.uniform(least, most, (2, 2)) * (unit or len(ink))).astype(int)
    return np.pad(ink, room)


def paper(rng: Rng, shape: Sequence[int], colour: Colour) -> Sheet:
    """Rough, and a little blotched."""
    relief = 0.012 * grain(rng, shape, 1.5) + 0.015 * clouds(rng, shape, 12)
    return np.array(colour, np.float32) + relief[..., None]


def inked(rng: Rng, sheet: Sheet, ink: Ink, pen: Pen) -> Sheet:
    """Written on with a pen; ink that shows light through darkens, as of pencil."""
    share = ink * pen.opacity * np.clip(1 - pen.grain * np.abs(grain(rng, ink.shape, 2)) * 0.6, 0.25, 1)
    return blended(sheet, share, np.minimum(np.array(pen.colour, np.float32), sheet))


def blended(sheet: Sheet, share: npt.NDArray[np.float32], over: Sheet | Colour) -> Sheet:
    return sheet + share[..., None].astype(np.float32) * (np.asarray(over, np.float32) - sheet)


def lit(rng: Rng, sheet: Sheet, uneven: float = 0.35) -> Sheet:
    """Under a lamp: a smooth change of light by up to this much, and its tint."""
    height, width = sheet.shape[:2]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    centre = rng.uniform(-1.2, 1.2, 2)
    fall = np.hypot(x - centre[0], y - centre[1]) / 3
    light = rng.uniform(0.85, 1.05) * (1 - rng.uniform(0.2, 1) * uneven * fall)
    light += 0.1 * uneven * clouds(rng, (height, width), 4)
    return sheet * (light[..., None] * rng.uniform(0.93, 1.03, 3)).astype(np.float32)


def shadowed(rng: Rng, sheet: Sheet, softness: float, depth: tuple[float, float] = (0.25, 0.5)) -> Sheet:
    """With a shadow over one side, its straight edge near the middle, blurred by this share of the picture's width."""
    height, width = sheet.shape[:2]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    distance = (np.cos(angle) * x + np.sin(angle) * y - rng.uniform(-0.3, 0.3)) / max(softness, 1e-3)
    shade = 1 / (1 + np.exp(-4 * np.clip(distance, -10, 10)))
    return sheet * (1 - rng.uniform(*depth) * shade)[..., None].astype(np.float32)


def photographed(rng: Rng, sheet: Sheet) -> Sheet:
    """Held aslant by some degrees, a bit unsteady, with noise."""
    height, width = sheet.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), rng.normal(0, 3), 1)
    turned = cv2.warpAffine(sheet, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
    reach = int(rng.integers(1, max(2, height // 120) + 1))
    trail = np.zeros((reach, reach), np.float32)
    cv2.line(trail, (0, int(rng.integers(reach))), (reach - 1, int(rng.integers(reach))), 1)
    noise = rng.uniform(0.005, 0.03) * grain(rng, sheet.shape, 1.2)
    return cv2.filter2D(turned, -1, trail / trail.sum()) + noise[..., None]


def on_paper(rng: Rng, ink: Ink, pen: Pen, colour: Colour | None = None) -> Sheet:
    """Written on paper and photographed in uneven light, half of the time in a soft shadow."""
    sheet = lit(rng, inked(rng, paper(rng, ink.shape, colour or any_paper(rng)), ink, pen))
    if rng.random() < 0.5:
        sheet = shadowed(rng, sheet, rng.uniform(0.2, 0.6))
    return photographed(rng, sheet)


def scanned(rng: Rng, ink: Ink, binary: bool) -> npt.NDArray[np.float32]:
    """(h, w) in [0, 1]: flatly lit, black and white only or in greys."""
    page = rng.uniform(0.88, 1) - rng.uniform(0.6, 0.85) * ink + rng.uniform(0, 0.02) * grain(rng, ink.shape, 1)
    return (page > rng.uniform(0.6, 0.75)).astype(np.float32) if binary else page


def as_bytes(picture: npt.NDArray[np.floating]) -> npt.NDArray[np.uint8]:
    return np.clip(np.rint(picture * 255), 0, 255).astype(np.uint8)


def as_jpeg(rng: Rng, picture: npt.NDArray[np.floating]) -> File:
    file = BytesIO()
    Image.fromarray(as_bytes(picture)).save(file, "JPEG", quality=int(rng.integers(40, 94)))
    return File(".jpg", file.getvalue())


def as_png(picture: npt.NDArray[np.floating]) -> File:
    file = BytesIO()
    Image.fromarray(as_bytes(picture)).save(file, "PNG", compress_level=2)
    return File(".png", file.getvalue())


def anyhow(rng: Rng, ink: Ink, pen: Pen) -> File:
    """On paper, scanned, or on a canvas."""
    way = rng.random()
    if way < 0.5:
        return as_jpeg(rng, on_paper(rng, ink, pen))
    if way < 0.7:
        return as_png(scanned(rng, ink, bool(rng.random() < 0.5)))
    return as_png(ink if way < 0.85 else 1 - ink)
