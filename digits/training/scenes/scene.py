"""Draw a scene: a picture with writing, made of layout, pens, paper and camera, and the boxes of its digits."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from digits.training.scenes.layout import LAYOUTS, LONGEST, Layout, Sheet, ruled
from digits.training.scenes.light import on_a_desk, paper, photographed
from digits.training.scenes.pen import Layer, Matrix, Pen, drawn
from digits.training.scenes.writing import AMBIGUOUS, NO_DIGIT, Writers, figure

SMALLEST = 10
"""Least height of a digit in pixels of the picture, if the writing still fits into the picture."""
LEAST_PEN = 0.09
"""Least width of the strokes in a digit's own ink, in heights of the digit: that of MNIST's thinner digits."""
ON_DESK = 0.15
"""Share of the scenes that show a whole sheet of paper on a desk."""
SEEN, GLIMPSED = 0.7, 0.2
"""Shares of a digit's ink that lie in the picture: from SEEN on it keeps its label, below GLIMPSED it is left out, and
between these it is AMBIGUOUS."""
FINE = 2
"""The canvas is this many times as large as the picture, because OpenCV's pens are whole pixels wide."""

Edges = tuple[float, float, float, float]
"""Left, top, right and bottom, in pixels of the picture."""


@dataclass(frozen=True, slots=True)
class Digit:
    """A digit of a scene, whole or partly outside."""

    label: int
    """0 to 9, or AMBIGUOUS if too little of it is in the picture."""
    box: Edges
    ink: Layer
    """Its own ink on the canvas, FINE times as large as the picture, in strokes of LEAST_PEN or more."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A picture with the digits and signs that are in it."""

    picture: npt.NDArray[np.uint8]
    """uint8 (h, w)"""
    digits: list[Digit]
    signs: list[tuple[str, Edges]]
    """One of SIGNS each, and its box."""


def make_scene(
    shape: tuple[int, int], writers: Writers, rng: np.random.Generator, layout: Layout | None = None
) -> Scene:
    """Draw a scene of this shape, rows and columns, in this layout or in a random one."""
    height, width = shape
    layouts, shares = zip(*LAYOUTS, strict=True)
    layout = layout or layouts[rng.choice(len(layouts), p=shares)]
    sheet = layout(writers, max(1, min(LONGEST, int(width / (1.1 * SMALLEST)))), rng)
    if rng.random() < 0.22:
        ruled(sheet, rng)
    on_desk = rng.random() < ON_DESK
    projection, size = _projection(sheet, shape, rng.uniform(0.3, 0.8) if on_desk else 1.0, rng)
    canvas = np.zeros((height * FINE, width * FINE), np.float32)
    _print_lines(canvas, sheet, projection, size, rng)
    digits, signs = _write(canvas, sheet, projection, size, rng)
    _disturb(canvas, size, rng)
    ink = cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA)
    sheet_light = paper(shape, rng)
    contrast = rng.uniform(0.6, 1) if rng.random() < 0.6 else rng.uniform(0.2, 0.6)
    light = sheet_light * (1 - np.float32(contrast) * ink)
    if on_desk:
        light = on_a_desk(light, _corners(sheet, projection, rng), rng)
    return Scene(photographed(light, rng), digits, signs)


def _corners(sheet: Sheet, projection: Matrix, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Corners of a sheet of paper around the writing, float32 (4, 2) in pixels of the picture."""
    left, top, right, bottom = sheet.bounds
    room = rng.uniform(0.15, 1.2, 4)
    x0, y0, x1, y1 = left - room[0], top - room[1], right + room[2], bottom + room[3]
    corners = np.array([[[x0, y0], [x1, y0], [x1, y1], [x0, y1]]], np.float32)
    return np.asarray(cv2.perspectiveTransform(corners, projection)[0] / FINE, np.float32)


def _projection(sheet: Sheet, shape: tuple[int, int], room: float, rng: np.random.Generator) -> tuple[Matrix, float]:
    """Return the matrix from the paper to the canvas, and the height of a digit in pixels of the canvas.

    The writing takes at most the share `room` of the picture's sides, unless digits would get smaller than SMALLEST; in
    some scenes it takes more, so that its edges are cut off.
    """
    height, width = shape
    left, top, right, bottom = sheet.bounds
    across, down = max(right - left, 0.2), max(bottom - top, 0.2)
    angle = rng.normal(0, 0.08) if rng.random() < 0.85 else rng.uniform(-0.38, 0.38)
    cos, sin = abs(np.cos(angle)), abs(np.sin(angle))
    most = min(width / (across * cos + down * sin), height / (across * sin + down * cos))
    smallest = min(SMALLEST, most)
    fill = rng.uniform(0.75, 1) if rng.random() < 0.55 else rng.uniform(0.2, 1)
    if rng.random() < 0.1:
        fill = rng.uniform(1, 1.15)
    scale = max(smallest, most * fill * room)
    free = np.array([width - scale * (across * cos + down * sin), height - scale * (across * sin + down * cos)]) / 2
    centre = np.array([width, height]) / 2 + free * np.clip(rng.normal(0, 0.6, 2), -1, 1)
    turn = scale * FINE * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    to_centre = np.array([[1, 0, -(left + right) / 2], [0, 1, -(top + bottom) / 2], [0, 0, 1]])
    tilt = np.eye(3)
    if rng.random() < 0.4:
        tilt[2, :2] = rng.uniform(-0.12, 0.12, 2) / max(across, down)
    placed = np.eye(3)
    placed[:2, :2], placed[:2, 2] = turn, centre * FINE
    return placed @ tilt @ to_centre, scale * FINE


def _pen(size: float, rng: np.random.Generator) -> tuple[Pen, float]:
    """Return a random pen, and the strength of its ink: below 1 if it is thinner than a pixel of the canvas."""
    width = float(np.exp(rng.uniform(np.log(0.012), np.log(0.32))))
    if rng.random() < 0.5:
        width = rng.uniform(0.05, 0.14)
    return Pen(width, int(rng.integers(60, 170))), min(1.0, max(0.3, width * size))


def _write(
    canvas: npt.NDArray[np.float32], sheet: Sheet, projection: Matrix, size: float, rng: np.random.Generator
) -> tuple[list[Digit], list[tuple[str, Edges]]]:
    """Draw everything written on the canvas, and return the digits and signs that are in the picture."""
    digits, signs = [], []
    pen, thin = _pen(size, rng)
    strength = rng.uniform(0.6, 1)
    varied = rng.random() < 0.2
    softness = rng.uniform(0.5, 2.5) if rng.random() < 0.2 else 0.0
    for place in sheet.placed:
        if varied:
            pen, thin = _pen(size, rng)
            strength = rng.uniform(0.3, 1)
        layer = drawn(place.writing, projection @ place.matrix, pen)
        own = layer.ink.astype(np.float32) * np.float32(strength * thin / 255)
        if softness:
            own = cv2.GaussianBlur(own, (0, 0), softness)
        if rng.random() < 0.1:
            own = _worn(own, rng)
        _add(canvas, layer, own)
        if place.writing.sign and (edges := _edges(layer, canvas.shape)):
            signs.append((place.writing.sign, edges))
        if place.writing.label != NO_DIGIT and (digit := _digit(place.writing.label, layer, canvas.shape)):
            if pen.width < LEAST_PEN and place.writing.strokes:
                layer = drawn(place.writing, projection @ place.matrix, Pen(LEAST_PEN))
            digits.append(Digit(*digit, layer))
    return digits, signs


def _digit(label: int, layer: Layer, shape: tuple[int, ...]) -> tuple[int, Edges] | None:
    """Return a digit's label, or AMBIGUOUS, and its box; None if less than GLIMPSED of its ink is in the picture."""
    if not (edges := _edges(layer, shape)):
        return None
    inside = layer.ink[max(0, -layer.y) : shape[0] - layer.y, max(0, -layer.x) : shape[1] - layer.x]
    seen = float(inside.sum(dtype=np.int64) / max(1, layer.ink.sum(dtype=np.int64)))
    if seen < GLIMPSED:
        return None
    return label if seen >= SEEN else AMBIGUOUS, edges


def _edges(layer: Layer, shape: tuple[int, ...]) -> Edges | None:
    """Return the box of the ink that is in the picture, or None if there is none."""
    x, y, width, height = cv2.boundingRect((layer.ink > 100).astype(np.uint8))
    left, top = max(0, layer.x + x), max(0, layer.y + y)
    right, bottom = min(layer.x + x + width, shape[1]), min(layer.y + y + height, shape[0])
    return (left / FINE, top / FINE, right / FINE, bottom / FINE) if left < right and top < bottom else None


def _add(canvas: npt.NDArray[np.float32], layer: Layer, ink: npt.NDArray[np.float32]) -> None:
    """Add ink to the canvas. Where inks overlap, the darker one stays."""
    rows, columns = ink.shape
    top, left = max(0, layer.y), max(0, layer.x)
    bottom, right = min(canvas.shape[0], layer.y + rows), min(canvas.shape[1], layer.x + columns)
    if top < bottom and left < right:
        window = canvas[top:bottom, left:right]
        np.maximum(window, ink[top - layer.y : bottom - layer.y, left - layer.x : right - layer.x], out=window)


def _worn(ink: npt.NDArray[np.float32], rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Return the ink with a gap in its strokes, or uneven like a pencil's."""
    height, width = ink.shape
    if rng.random() < 0.5:
        centre = (int(rng.integers(width)), int(rng.integers(height)))
        hole = np.ones_like(ink)
        cv2.circle(hole, centre, max(1, int(height * rng.uniform(0.02, 0.08))), 0, cv2.FILLED)
        return ink * hole
    cells = (max(2, height // 4), max(2, width // 4))
    return ink * cv2.resize(rng.uniform(0.3, 1, cells).astype(np.float32), (width, height))


def _print_lines(
    canvas: npt.NDArray[np.float32], sheet: Sheet, projection: Matrix, size: float, rng: np.random.Generator
) -> None:
    """Draw the printed lines on the canvas, all equally dark."""
    if not sheet.lines:
        return
    strength = rng.uniform(0.15, 1)
    printed = np.zeros(canvas.shape, np.uint8)
    for points, width in sheet.lines:
        seen = cv2.perspectiveTransform(points[np.newaxis].astype(np.float32), projection)[0]
        if np.abs(seen).max() < 20_000:  # OpenCV cannot draw farther out.
            cv2.polylines(
                printed, [np.rint(seen * 16).astype(np.int32)], False, 255, max(1, round(width * size)), cv2.LINE_AA, 4
            )
    np.maximum(canvas, printed * np.float32(strength / 255), out=canvas)


def _disturb(canvas: npt.NDArray[np.float32], size: float, rng: np.random.Generator) -> None:
    """Add specks, bars along the edges, and figures that an edge cuts off; each in some scenes."""
    height, width = canvas.shape
    if rng.random() < 0.15:
        for _ in range(int(rng.integers(1, 8))):
            centre = (int(rng.integers(width)), int(rng.integers(height)))
            cv2.circle(canvas, centre, max(1, int(size * rng.uniform(0.01, 0.05))), rng.uniform(0.3, 1), cv2.FILLED)
    if rng.random() < 0.1:
        for _ in range(int(rng.integers(1, 4))):
            thick = int(min(height, width) * rng.uniform(0.005, 0.12)) + 1
            edge = (canvas[:thick], canvas[-thick:], canvas[:, :thick], canvas[:, -thick:])[rng.integers(4)]
            np.maximum(edge, np.float32(rng.uniform(0.2, 1)), out=edge)
    if rng.random() < 0.12:
        for _ in range(int(rng.integers(1, 4))):
            side = rng.integers(4)
            along = rng.uniform(0, 1)
            x, y = ((0, along), (1, along), (along, 0), (along, 1))[side]
            out = rng.uniform(0.6, 0.9)
            matrix = np.array(
                [
                    [size, 0, x * width - size * (out if x == 0 else 1 - out)],
                    [0, size, y * height - size * (out if y == 0 else 1 - out)],
                    [0, 0, 1],
                ]
            )
            layer = drawn(figure(rng), matrix, _pen(size, rng)[0])
            _add(canvas, layer, layer.ink.astype(np.float32) * np.float32(rng.uniform(0.4, 1) / 255))
