"""Pictures of the kinds that people upload, with labels: drawn here, by other means than training draws its own.

    [MNIST_NPZ=mnist.npz] python -m bench.synthetic FOLDER [--seed 0] [--pictures 100] [--sets photos,numbers] [--mnist]

Writes FOLDER/SET/*.png or .jpg, and FOLDER/labels.csv: file, label. A label has a line feed between lines of writing,
and is empty where there is no digit. The digits are strokes, or with --mnist the last 5,000 of MNIST's training set.
"""

import argparse
import csv
import os
import re
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bench.pictures import nondigits, papers, screens
from bench.pictures.hand import Hand, Rng, Source, from_mnist, from_strokes
from bench.pictures.surfaces import File
from digits.errors import DataError
from digits.training.command_line import whole


def _number(least: int, most: int, lines: tuple[int, int] = (1, 1)) -> Callable[[Rng], str]:
    """So many digits on each of so many lines."""

    def number(rng: Rng) -> str:
        counts = rng.integers(least, most + 1, rng.integers(lines[0], lines[1] + 1))
        return "\n".join("".join(map(str, rng.integers(0, 10, count))) for count in counts)

    return number


def _number_without_bars(rng: Rng) -> str:
    """Two to five digits that stay legible where they meet: a 1 that meets a 1 or a 7 does not."""
    while re.search("11|17|71", number := _number(2, 5)(rng)):
        pass
    return number


class Kind(NamedTuple):
    text: Callable[[Rng], str]
    draw: Callable[[Rng, str, Hand], File]


NOTHING = _number(0, 0)
DIGIT = _number(1, 1)

SETS: Mapping[str, Kind] = {
    "photos": Kind(DIGIT, papers.photo),
    "shrunk": Kind(DIGIT, screens.shrunk),
    "canvas": Kind(DIGIT, screens.canvas),
    "cells": Kind(DIGIT, screens.cell),
    "bordered": Kind(DIGIT, screens.bordered),
    "midgrey": Kind(DIGIT, screens.mid_grey),
    "halves": Kind(DIGIT, screens.half),
    "numbers": Kind(_number(2, 10), papers.anywhere),
    "lines": Kind(_number(1, 6, lines=(2, 3)), papers.anywhere),
    "tiles": Kind(_number(2, 6), screens.tiles),
    "touching": Kind(_number_without_bars, papers.touching),
    "broken": Kind(DIGIT, papers.broken),
    "ruled": Kind(_number(1, 4), papers.ruled),
    "desk": Kind(_number(1, 3), papers.desk),
    "shadow": Kind(DIGIT, papers.hard_shadow),
    "blackcanvas": Kind(DIGIT, screens.black_canvas),
    "underlined": Kind(_number(1, 5), papers.underlined),
    "punctuated": Kind(_number(1, 3), papers.punctuated),
    "tight": Kind(DIGIT, papers.tight),
    "letters": Kind(NOTHING, nondigits.letters),
    "drawings": Kind(NOTHING, nondigits.drawings),
    "things": Kind(NOTHING, nondigits.things),
    "blank": Kind(NOTHING, nondigits.blank),
}
"""What is written in the pictures of each set, and how they come about."""


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.synthetic", description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="new or empty")
    parser.add_argument("--seed", type=whole(0), default=0, help="the same seed gives the same bytes (%(default)s)")
    parser.add_argument("--pictures", type=whole(1), default=100, metavar="N", help="in each set (%(default)s)")
    parser.add_argument("--sets", default=",".join(SETS), help="of %(default)s")
    parser.add_argument("--mnist", action="store_true", help="digits from the file that MNIST_NPZ names")
    options = parser.parse_args(arguments)
    names = options.sets.split(",")
    if unknown := [name for name in names if name not in SETS]:
        sys.exit(f"There is no set {unknown[0]!r}. Choose from {', '.join(SETS)}.")
    if options.folder.exists() and (not options.folder.is_dir() or any(options.folder.iterdir())):
        sys.exit(f"{options.folder} is there already. Name a new or an empty folder.")
    try:
        write(options.folder, made(names, options.pictures, options.seed, _source(options.mnist)))
    except OSError as error:
        sys.exit(f"{error.filename or options.folder}: {error.strerror or error}.")


def made(names: Iterable[str], count: int, seed: int, source: Source) -> Iterator[tuple[str, str, File]]:
    """For each picture its set, label and file; a picture depends on the seed, its set and its place there only."""
    for name in names:
        for place in range(count):
            rng = np.random.default_rng([seed, zlib.crc32(name.encode()), place])
            text = SETS[name].text(rng)
            yield name, text, SETS[name].draw(rng, text, Hand(rng, source))


def write(folder: Path, labelled: Iterable[tuple[str, str, File]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["file", "label"])
        for place, (name, text, picture) in enumerate(labelled):
            (folder / name).mkdir(exist_ok=True)
            path = folder / name / f"{place:05}{picture.suffix}"
            path.write_bytes(picture.data)
            table.writerow([path.relative_to(folder).as_posix(), text])


def _source(mnist: bool) -> Source:
    if not mnist:
        return from_strokes
    if not (path := os.environ.get("MNIST_NPZ")):
        sys.exit("Set MNIST_NPZ to mnist.npz.")
    try:
        return from_mnist(Path(path))
    except DataError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
