"""Make synthetic photographs of digits, and read them back as serving does, so that training sees the same grids."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from digits.grids import SIDE, Grid
from digits.settings import usable_cpus
from digits.training.augmentation.serving import likeliest_grid
from digits.vision.decode import read_picture

Sheet = npt.NDArray[np.floating]
"""Floats (h, w) in [0, 1]: the share of ink in each pixel until `on_paper`, its brightness from there on."""

MAX_PIXELS = 1_000_000
"""Limit of the decoder, which no photograph made here reaches."""


def all_as_served(grids: npt.NDArray[np.uint8], seed: int | list[int]) -> npt.NDArray[np.uint8]:
    """Return `as_served` of each digit, uint8 (n, 28, 28), computed in several threads."""
    generators = np.random.default_rng(seed).spawn(len(grids))
    with ThreadPoolExecutor(usable_cpus()) as threads:
        return np.stack(list(threads.map(as_served, grids, generators)))


def as_served(grid: Grid, rng: np.random.Generator) -> Grid:
    """Return the grid that serving makes of a photograph of this digit, or the digit itself if serving finds none."""
    served = likeliest_grid(read_picture(photograph(grid, rng), MAX_PIXELS).grey)
    return grid if served is None else served


def photograph(grid: Grid, rng: np.random.Generator) -> bytes:
    """Return a photograph of a digit, uint8 (28, 28), as a JPEG or PNG file that somebody could upload."""
    sheet: Sheet = grid.astype(np.float32) / 255
    for stage in STAGES:
        sheet = stage(sheet, rng)
    file = BytesIO()
    picture = Image.fromarray(np.clip(np.rint(sheet * 255), 0, 255).astype(np.uint8))
    if rng.random() < 0.7:
        picture.save(file, "JPEG", quality=int(rng.integers(40, 96)))
    else:
        picture.save(file, "PNG", compress_level=1)
    return file.getvalue()


def drawn_large(sheet: Sheet, rng: np.random.Generator) -> Sheet:
    """Enlarge the digit three to six times, with edges as sharp as a pen's."""
    side = int(SIDE * rng.uniform(3, 6))
    large = cv2.GaussianBlur(cv2.resize(sheet, (side, side), interpolation=cv2.INTER_CUBIC), (0, 0), side / SIDE / 2)
    # This threshold makes the stroke up to one pixel of the grid broader or thinner.
    return np.clip((large - rng.uniform(0.25, 0.65)) * side / SIDE + 0.5, 0, 1)


def with_another_pen(sheet: Sheet, rng: np.random.Generator) -> Sheet:
    """Broaden the strokes of a third of the pictures by up to 2 pixels of the grid, like a marker's."""
    if rng.random() > 1 / 3:
        return sheet
    width = int(rng.uniform(1, 2) * len(sheet) / SIDE) + 1
    return cv2.dilate(sheet, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width)))


def seen_aslant(sheet: Sheet, rng: np.random.Generator) -> Sheet:
    """Add a margin, and distort the perspective as with a hand-held phone."""
    side = len(sheet)
    margin = side * rng.uniform(0.1, 0.5)
    corners = np.array([[0, 0], [side, 0], [side, side], [0, side]], np.float32)
    seen = corners + margin + rng.uniform(-0.08, 0.08, (4, 2)).astype(np.float32) * side
    out = round(side + 2 * margin)
    return cv2.warpPerspective(sheet, cv2.getPerspectiveTransform(corners, seen.astype(np.float32)), (out, out))


def on_paper(sheet: Sheet, rng: np.random.Generator) -> Sheet:
    """Turn ink into brightness: dark ink on paper, or, in a third of the pictures, light ink on a dark canvas."""
    paper, contrast = rng.uniform(0.45, 1), rng.uniform(0.25, 1)
    light = paper * (1 - contrast * sheet)
    return 1 - light if rng.random() < 1 / 3 else light


def unevenly_lit(sheet: Sheet, rng: np.random.Generator) -> Sheet:
    """Darken the picture towards one side, by about half at most."""
    y, x = np.meshgrid(*(np.linspace(-1, 1, side, dtype=np.float32) for side in sheet.shape), indexing="ij")
    angle, strength = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.25)
    return sheet * (1 - strength + strength * (np.float32(np.cos(angle)) * x + np.float32(np.sin(angle)) * y))


def out_of_focus(sheet: Sheet, rng: np.random.Generator) -> Sheet:
    """Blur the picture, with a standard deviation of up to a hundredth of its side."""
    return cv2.GaussianBlur(sheet, (0, 0), rng.uniform(0.002, 0.01) * len(sheet))


def grainy(sheet: Sheet, rng: np.random.Generator) -> Sheet:
    """Add the noise of a small sensor, with a standard deviation of up to 3 % of white."""
    return sheet + rng.uniform(0, 0.03) * rng.standard_normal(sheet.shape, np.float32)


STAGES: tuple[Callable[[Sheet, np.random.Generator], Sheet], ...] = (
    drawn_large,
    with_another_pen,
    seen_aslant,
    on_paper,
    unevenly_lit,
    out_of_focus,
    grainy,
)
"""Steps from a digit to its photograph, in this order."""
