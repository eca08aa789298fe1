"""The pictures that a command line names."""

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from digits.uploads.picture_names import NO_PICTURES, is_picture

STANDARD_INPUT = Path("-")


@dataclass(frozen=True, slots=True)
class Picture:
    """A file that was named, or found in a folder that was."""

    path: Path
    inside: Path
    """The path in the folder that was named; for a file, its name."""
    drawn: Path | None = None
    """Where it is to be written with its boxes."""

    @property
    def name(self) -> str:
        """As the command line has it."""
        return str(self.path)

    def read(self) -> bytes:
        """Return its bytes; those of standard input for the path STANDARD_INPUT."""
        return sys.stdin.buffer.read() if self.path == STANDARD_INPUT else self.path.read_bytes()


def pictures_of(files: Sequence[Path], boxes: Path | None) -> list[Picture]:
    """Return all pictures that are named, those of a folder in alphabetical order.

    With a folder for boxes, each gets a place of its own in it.

    Raises:
        BadParameter: a folder has no pictures, or a picture would be overwritten.
    """
    pictures = [picture for file in files for picture in _pictures_in(file)]
    return _with_places(pictures, boxes) if boxes else pictures


def _pictures_in(file: Path) -> Iterator[Picture]:
    if not file.is_dir():
        yield Picture(file, Path(file.name))
        return
    found = False
    for folder, folders, names in os.walk(file):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(folder, name)
            if is_picture(name) and not name.startswith("."):
                found = True
                yield Picture(path, path.relative_to(file))
    if not found:
        raise click.BadParameter(f"{file} {NO_PICTURES}")


def _with_places(pictures: Sequence[Picture], boxes: Path) -> list[Picture]:
    sources = {picture.path.resolve() for picture in pictures}
    taken: set[Path] = set()
    placed = []
    for picture in pictures:
        inside = Path("stdin") if picture.path == STANDARD_INPUT else picture.inside
        whole = inside.name if inside.suffix.lower() == ".png" else f"{inside.name}.png"
        place, number = boxes / inside.with_name(whole), 1
        while place in taken:
            number += 1
            place = place.with_name(f"{Path(whole).stem}-{number}.png")
        if place.resolve() in sources:
            raise click.BadParameter(f"{place} is one of the pictures. Name another folder.", param_hint="--boxes")
        taken.add(place)
        placed.append(Picture(picture.path, picture.inside, place))
    return placed
