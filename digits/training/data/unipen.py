"""Read pen trajectories in UNIPEN 1.0 (Guyon et al. 1994): statements that begin with a dot in the first column.

    .INCLUDE apb/app.doc            insert the statements of another file here
    .COORD X Y T                    the columns of coordinates; y goes up
    .PEN_DOWN                       a component, a stroke with ink; its coordinates follow
    .PEN_UP                         also a component if coordinates follow, but without ink
    .SEGMENT WORD 3:0-4:7,9 OK "it" level, components (from 0) with points, quality and label

Statements about tablets, writers and time are ignored, and so are units: x and y are taken to have the same one.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from digits.errors import DataError

Stroke = npt.NDArray[np.float64]
"""float64 (n, 2): x to the right, y down, in the tablet's units."""

_STATEMENT = re.compile(r"^\.(?=[A-Z])", re.MULTILINE)
_PIECE = re.compile(r"(\d+)(?::(\d+))?(?:-(\d+)(?::(\d+))?)?")
"""A part of a .SEGMENT's list: component[:point][-component[:point]], the last ones inclusive."""


@dataclass(frozen=True)
class Component:
    """What follows .PEN_DOWN or .PEN_UP: for each point, as many numbers as there are columns."""

    text: str
    columns: tuple[str, ...] = ("X", "Y")
    is_down: bool = True

    def points(self) -> Stroke:
        """Return the points of the component.

        Raises:
            ValueError: the text is not a list of points.
        """
        numbers = np.array(self.text.split(), np.float64).reshape(-1, len(self.columns))
        if not np.isfinite(numbers).all():
            raise ValueError("a coordinate is not finite")
        return numbers[:, [self.columns.index("X"), self.columns.index("Y")]] * (1, -1)


def read_segments(path: Path, include: Path) -> Iterator[tuple[str, list[Stroke]]]:
    """Yield the label and strokes of each .SEGMENT of a file; no strokes if it names components that do not exist.

    Included files are read from the folder `include`.

    Raises:
        DataError: a file is missing or damaged.
    """
    columns: tuple[str, ...] = ("X", "Y")
    components, segments = list[Component](), list[str]()
    for keyword, body in _included(path, include):
        if keyword == "COORD":
            columns = tuple(body.split())
        elif keyword == "PEN_DOWN" or (keyword == "PEN_UP" and body):
            components.append(Component(body, columns, keyword == "PEN_DOWN"))
        elif keyword == "SEGMENT":
            segments.append(body)
    for body in segments:
        try:
            yield label_of(body), _delineated(body.split()[1], components)
        except (ValueError, IndexError) as error:
            raise DataError(
                f"{path}, or what it includes, is damaged at .SEGMENT {body.strip()} ({error}). Unpack it anew."
            ) from error


def statements(text: str) -> Iterator[tuple[str, str]]:
    """Yield the keyword of each statement, without its dot, and the text that follows."""
    for statement in _STATEMENT.split(text)[1:]:
        keyword, *body = statement.split(maxsplit=1)
        yield keyword, "".join(body)


def label_of(segment: str) -> str:
    """Return the text between the quotes of a .SEGMENT, with backslash escapes resolved; empty without quotes."""
    quoted = re.search(r'"(.*)"', segment)
    return re.sub(r"\\(.)", r"\1", quoted[1]).strip() if quoted else ""


def read_text(path: Path) -> str:
    """Read a file as Latin-1, in which any bytes are text.

    Raises:
        DataError: the file cannot be read.
    """
    try:
        return path.read_text("latin-1")
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}). Unpack the data anew.") from error


def _delineated(delineation: str, components: Sequence[Component]) -> list[Stroke]:
    """Return the strokes with ink that a .SEGMENT lists; none if a component that it names does not exist.

    Raises:
        ValueError: the list is malformed.
    """
    strokes = []
    for piece in delineation.split(","):
        if not (match := _PIECE.fullmatch(piece)):
            raise ValueError(f"{piece!r} names no components")
        first, start, last, end = match.groups()
        if last is None:
            last, end = first, start
        if int(last) >= len(components):
            return []
        for number in range(int(first), int(last) + 1):
            if components[number].is_down:
                from_point = int(start or 0) if number == int(first) else 0
                to_point = int(end) + 1 if end and number == int(last) else None
                strokes.append(components[number].points()[from_point:to_point])
    return [stroke for stroke in strokes if len(stroke)]


def _included(path: Path, include: Path, within: tuple[Path, ...] = ()) -> Iterator[tuple[str, str]]:
    """Yield the statements of a file, with those of included files in place of .INCLUDE.

    Raises:
        DataError: a file includes itself, directly or through others.
    """
    if path in within:
        raise DataError(f"{path} includes itself.")
    for keyword, body in statements(read_text(path)):
        if keyword == "INCLUDE":
            yield from _included(include / "".join(body.split()[:1]), include, (*within, path))
        else:
            yield keyword, body
