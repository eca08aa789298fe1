"""Turn corrected uploads into digits to train on, and into held-out pictures to judge models by."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TypeVar

import numpy as np

from digits.errors import DataError, NoInk, Refused
from digits.grids import SIDE, Grey, Grid
from digits.inference.recogniser import Recogniser
from digits.recognition.pipeline import Glyph, read_digits
from digits.settings import Settings, usable_cpus
from digits.training.data.datasets import Labelled
from digits.uploads.blobs import Storage, open_storage, picture_in
from digits.uploads.database import SqlRecords
from digits.uploads.engine import create_engine
from digits.uploads.models import Records, Wanted, every
from digits.uploads.pairing import prepare_uploads
from digits.vision.decode import read_picture

HELD_OUT = 5
"""One picture in this many is held out: new models are judged by it."""
FEWEST = 20
"""Least number of pictures to train on; with fewer, training is of no use."""
_TOGETHER = 100
"""Pictures that are held in memory at once."""

_Digits = list[tuple[Grid, int]]
"""The digits of a picture: the grid of each, and which digit it is."""
_Given = TypeVar("_Given")
_Made = TypeVar("_Made")


@dataclass(frozen=True, slots=True)
class Correction:
    """An upload that a person has labelled."""

    label: str
    """The digits written in it, with a line feed between lines; empty if there is none."""
    picture: bytes | None
    """The file as it was sent; None if it was deleted."""


@dataclass(frozen=True, slots=True)
class HeldOut:
    """A picture to judge models by: decoded as in serving, uint8 (h, w), with its label."""

    grey: Grey
    label: str

    def is_read_by(self, recogniser: Recogniser) -> bool:
        """Whether the whole number is read right, or, if the label is empty, nothing is recognised."""
        try:
            reading = read_digits(self.grey, recogniser)
        except NoInk:
            return not self.label
        return reading.number == self.label if self.label else reading.confidence < recogniser.threshold


@dataclass(frozen=True, slots=True)
class Lessons:
    """What the corrections give: digits to train on, and pictures to judge by."""

    learnt: Labelled
    """Grids as serving makes them, each with its digit from the label."""
    pictures: int
    """Number of pictures that these digits are from."""
    held_out: Sequence[HeldOut]
    unusable: Counter[str]
    """How many corrections cannot be used, by reason."""

    def __str__(self) -> str:
        text = (
            f"Corrections: {self.pictures:,} pictures with {len(self.learnt.digits):,} digits to learn from, "
            f"{len(self.held_out):,} held out to judge by"
        )
        others = ", ".join(f"{count:,} {why}" for why, count in self.unusable.most_common())
        return f"{text}; not learnt from: {others}." if others else f"{text}."

    def check(self) -> None:
        """Check that there are enough corrections.

        Raises:
            DataError: there are too few.
        """
        if self.pictures < FEWEST or not self.held_out:
            raise DataError(
                f"That is too little: {FEWEST} pictures to learn from are needed, and one to judge by. One in "
                f"{HELD_OUT} is held out, so label about {FEWEST * HELD_OUT // (HELD_OUT - 1)} uploads whose digits "
                'are found, or more: PATCH /uploads/{id} with {"label": "7"}.'
            )


def open_corrections(settings: Settings) -> Iterator[Correction]:
    """Yield the corrections of the server that has these settings.

    A SettingsError is raised if its storage or its database cannot be used, or they do not belong together.
    """
    prepare_uploads(settings.storage, settings.database)
    engine = create_engine(settings.database)
    try:
        yield from corrections(open_storage(settings.storage), SqlRecords(engine))
    finally:
        engine.dispose()  # Closing the last connection removes the files that SQLite keeps beside the database.


def corrections(storage: Storage, records: Records) -> Iterator[Correction]:
    """Yield all corrections, the newest upload first."""
    for record in every(records, Wanted(labelled=True)):
        yield Correction(record.label or "", picture_in(storage, record.id))


def is_held_out(picture: bytes) -> bool:
    """Whether a picture is held out. That depends on the picture alone, so it stays so in every run."""
    return int(hashlib.sha256(picture).hexdigest()[:8], 16) % HELD_OUT == 0


def lessons(of: Iterable[Correction], recogniser: Recogniser, max_pixels: int) -> Lessons:
    """Read the pictures as serving does. If one was sent several times, its first correction counts.

    A picture is used for training if as many digits are found on each line as its label has there.
    """
    look = partial(_look, recogniser=recogniser, max_pixels=max_pixels)
    learnt: list[_Digits] = []
    held_out: list[HeldOut] = []
    unusable = Counter[str]()
    for seen in _in_threads(look, _each_once(of, unusable)):
        if isinstance(seen, HeldOut):
            held_out.append(seen)
        elif isinstance(seen, str):
            unusable[seen] += 1
        else:
            learnt.append(seen)
    digits = [digit for picture in learnt for digit in picture]
    grids = np.array([grid for grid, _ in digits], np.uint8).reshape(-1, SIDE, SIDE)
    return Lessons(Labelled(grids, np.array([digit for _, digit in digits], np.uint8)), len(learnt), held_out, unusable)


def matched(glyphs: Sequence[Glyph], label: str) -> _Digits:
    """Pair each glyph's grid with its digit; empty if some line has not as many glyphs as the label has digits."""
    found = Counter(glyph.line for glyph in glyphs)
    if list(found.values()) != [len(line) for line in label.split("\n")]:
        return []
    return [(glyph.grid, int(digit)) for glyph, digit in zip(glyphs, label.replace("\n", ""), strict=True)]


def _each_once(of: Iterable[Correction], unusable: Counter[str]) -> Iterator[tuple[bytes, str]]:
    """Yield each picture once, with its label; count those that are gone or were sent before."""
    met = set()
    for correction in of:
        if correction.picture is None:
            unusable["whose picture is gone"] += 1
        elif (key := hashlib.sha256(correction.picture).digest()) in met:
            unusable["of a picture that was sent again"] += 1
        else:
            met.add(key)
            yield correction.picture, correction.label


def _in_threads(function: Callable[[_Given], _Made], things: Iterator[_Given]) -> Iterator[_Made]:
    """Yield the function's result for each, in order, with at most _TOGETHER in memory at once."""
    with ThreadPoolExecutor(usable_cpus()) as threads:
        while some := list(islice(things, _TOGETHER)):
            yield from threads.map(function, some)


def _look(labelled: tuple[bytes, str], recogniser: Recogniser, max_pixels: int) -> HeldOut | _Digits | str:
    """Return the picture if it is held out, else its digits, or the reason why it cannot be used."""
    picture, label = labelled
    try:
        grey = read_picture(picture, max_pixels).grey
    except Refused:
        return "that cannot be decoded"
    if is_held_out(picture):
        return HeldOut(grey, label)
    if not label:
        return "without a digit"
    with suppress(NoInk):
        if digits := matched(read_digits(grey, recogniser).glyphs, label):
            return digits
    return "in which not as many digits are found as were written"
