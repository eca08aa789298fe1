"""Turn ink into a photograph: paper, light, desk and camera."""

import cv2
import numpy as np
import numpy.typing as npt

Light = npt.NDArray[np.float32]
"""float32 (h, w): brightness from 0, black, to 1, white."""


def paper(shape: tuple[int, int], rng: np.random.Generator) -> Light:
    """Return an empty sheet, perhaps unevenly lit, stained, partly in shadow, or with a desk along one side."""
    height, width = shape
    if rng.random() < 0.3:  # A screen.
        return np.full(shape, rng.choice([1, rng.uniform(0.3, 1)]), np.float32)
    light = np.full(shape, rng.uniform(0.4, 1), np.float32)
    y, x = (np.linspace(-1, 1, side, dtype=np.float32) for side in shape)
    angle, strength = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.35)
    light *= 1 - strength / 2 * (1 + np.float32(np.cos(angle)) * x + np.float32(np.sin(angle)) * y[:, np.newaxis])
    if rng.random() < 0.3:
        cells = rng.integers(2, 7, 2)
        cloud = rng.normal(0, rng.uniform(0.01, 0.08), cells).astype(np.float32)
        light *= 1 + cv2.resize(cloud, (width, height), interpolation=cv2.INTER_CUBIC)
    if rng.random() < 0.3:  # A shadow, perhaps across the writing.
        angle, softness = rng.uniform(0, 2 * np.pi), float(np.exp(rng.uniform(np.log(0.01), np.log(0.5))))
        light *= 1 - rng.uniform(0.1, 0.6) * _beyond(x, y, rng.uniform(-0.5, 0.9), softness, angle)
    if rng.random() < 0.15:  # A desk, a binding, another sheet, along a side of the picture.
        along = rng.integers(4) * np.pi / 2 + rng.normal(0, 0.15)
        beyond = _beyond(x, y, rng.uniform(0.6, 1.1), rng.uniform(0.005, 0.05), along)
        light = light * (1 - beyond) + np.float32(rng.uniform(0, 1)) * beyond
    return light


def _beyond(x: Light, y: Light, where: float, softness: float, angle: float) -> Light:
    """Return a mask (h, w) that rises from 0 to 1 across a line.

    The line is perpendicular to the direction `angle`, at a distance of `where` from the middle. x (w,) and y (h,) run
    from -1 to 1, which is also the unit of `where` and `softness`.
    """
    along = np.float32(np.cos(angle)) * x + np.float32(np.sin(angle)) * y[:, np.newaxis]
    return np.clip((along - np.float32(where)) / np.float32(softness) + 0.5, 0, 1)


def on_a_desk(light: Light, corners: npt.NDArray[np.float32], rng: np.random.Generator) -> Light:
    """Return the picture with a desk outside these corners, float32 (4, 2): dark or light, plain or with a grain."""
    height, width = light.shape
    on_sheet = np.zeros((height, width), np.uint8)
    cv2.fillPoly(on_sheet, [np.rint(corners * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    desk = np.full((height, width), rng.uniform(0, 0.6) if rng.random() < 0.8 else rng.uniform(0.6, 1), np.float32)
    if rng.random() < 0.6:
        cells = (int(rng.integers(4, 40)), int(rng.integers(2, 8)))
        grain = rng.normal(0, rng.uniform(0.01, 0.08), cells if rng.random() < 0.5 else cells[::-1])
        desk += cv2.resize(grain.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    share = on_sheet.astype(np.float32) / np.float32(255)
    return np.asarray(light * share + desk * (1 - share), np.float32)


def photographed(light: Light, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """Return the picture, uint8 (h, w), as a camera, scanner or screen gives it.

    At random it is inverted, made smaller and enlarged again, blurred, noisy, or compressed as JPEG.
    """
    height, width = light.shape
    if rng.random() < 0.3:
        light = 1 - light
    if rng.random() < 0.15:  # Enlarged from a smaller picture.
        shrink = rng.uniform(1.2, 3.5)
        small = cv2.resize(light, None, fx=1 / shrink, fy=1 / shrink, interpolation=cv2.INTER_AREA)
        methods = (cv2.INTER_NEAREST, cv2.INTER_LINEAR, cv2.INTER_CUBIC)
        light = cv2.resize(small, (width, height), interpolation=methods[rng.choice(3, p=(0.2, 0.4, 0.4))])
    if rng.random() < 0.5:
        light = cv2.GaussianBlur(light, (0, 0), rng.uniform(0.3, 1.3))
    if rng.random() < 0.6:
        grain = rng.standard_normal(light.shape, np.float32) * np.float32(rng.uniform(0.003, 0.05))
        light = light + (cv2.GaussianBlur(grain, (0, 0), 0.8) * 2 if rng.random() < 0.3 else grain)
    grey = np.clip(np.rint(light * 255), 0, 255).astype(np.uint8)
    if rng.random() < 0.3:
        file = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(30, 96))])[1]
        return np.asarray(cv2.imdecode(file, cv2.IMREAD_GRAYSCALE))
    return grey
