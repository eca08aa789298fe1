"""What people corrected, as training takes it."""

import hashlib
from datetime import UTC, datetime

import numpy as np
import pytest

from digits.errors import DataError, SettingsError
from digits.recognition.pipeline import read_digits
from digits.settings import Settings
from digits.training.classifier.corrections import (
    FEWEST,
    HELD_OUT,
    Correction,
    HeldOut,
    corrections,
    is_held_out,
    lessons,
    matched,
    open_corrections,
)
from digits.uploads.service import keep_uploads, recognise_upload
from support.drawing import draw, encode, on_paper
from tests.fakes import MemoryRecords, MemoryStorage, TemplateRecogniser

PIXELS = 1_000_000


def pictures(number: str, *, held_out: bool, count: int = 1) -> list[bytes]:
    """Different pictures of a number, of those that are held out, or of the others."""
    found: list[bytes] = []
    paper = 255
    while len(found) < count:
        picture = encode(on_paper(draw(number), paper=paper))
        found += [picture] if is_held_out(picture) == held_out else []
        paper -= 1
    return found


def to_learn(number: str) -> bytes:
    return pictures(number, held_out=False)[0]


def test_labelled_uploads_are_the_corrections_newest_first_on_however_many_pages(
    storage: MemoryStorage, records: MemoryRecords, recogniser: TemplateRecogniser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("digits.uploads.models.PAGE", 2)
    uploads = [recognise_upload(to_learn(digit), recogniser, PIXELS) for digit in "12345"]
    keep_uploads(uploads, storage, records)
    for upload, label in zip(uploads, ["1", None, "", "4", "6"], strict=True):
        records.label(upload.record.id, label, datetime.now(UTC))
    storage.delete([uploads[3].record.id])
    assert list(corrections(storage, records)) == [
        Correction("6", uploads[4].data),
        Correction("4", None),
        Correction("", uploads[2].data),
        Correction("1", uploads[0].data),
    ]


def test_one_in_five_pictures_is_held_out_by_its_sha_256_alone() -> None:
    some = [str(number).encode() for number in range(2000)]
    held_out = [is_held_out(picture) for picture in some]
    assert 0.17 < np.mean(held_out) < 0.23
    assert held_out == [int(hashlib.sha256(picture).hexdigest()[:8], 16) % HELD_OUT == 0 for picture in some]


def test_each_glyph_gets_the_digit_of_the_label_in_its_place(recogniser: TemplateRecogniser) -> None:
    glyphs = read_digits(on_paper(draw("402\n13")), recogniser).glyphs
    digits = matched(glyphs, "402\n73")
    assert [digit for _, digit in digits] == [4, 0, 2, 7, 3]
    assert all(grid is glyph.grid for (grid, _), glyph in zip(digits, glyphs, strict=True))


@pytest.mark.parametrize("label", ["40213", "40\n213", "402\n1", "402\n13\n5", "40\n2\n13"])
def test_a_label_of_another_number_of_digits_on_a_line_matches_nothing(
    recogniser: TemplateRecogniser, label: str
) -> None:
    assert matched(read_digits(on_paper(draw("402\n13")), recogniser).glyphs, label) == []


def test_what_is_usable_is_learnt_from_or_held_out_and_the_rest_is_counted(recogniser: TemplateRecogniser) -> None:
    seven, number = to_learn("7"), to_learn("40\n213")
    (judging,) = pictures("55", held_out=True)
    found = lessons(
        [
            Correction("1", seven),
            Correction("7", seven),  # An older upload of the same picture.
            Correction("40\n218", number),
            Correction("12", to_learn("3")),
            Correction("", to_learn("4")),
            Correction("9", None),
            Correction("9", b"no picture"),
            Correction("9", encode(np.full((40, 40), 255, np.uint8))),
            Correction("55", judging),
        ],
        recogniser,
        PIXELS,
    )
    assert found.learnt.digits.tolist() == [1, 4, 0, 2, 1, 8]
    assert found.learnt.grids.shape == (6, 28, 28)
    assert np.array_equal(found.learnt.grids[0], recognise_upload(seven, recogniser, PIXELS).grids[0])
    assert [picture.label for picture in found.held_out] == ["55"]
    assert str(found) == (
        "Corrections: 2 pictures with 6 digits to learn from, 1 held out to judge by; not learnt from: "
        "2 in which not as many digits are found as were written, 1 of a picture that was sent again, "
        "1 whose picture is gone, 1 without a digit, 1 that cannot be decoded."
    )


@pytest.mark.parametrize(
    ("written", "label", "is_right"), [("17", "17", True), ("17", "1", False), ("8", "", False), (None, "", True)]
)
def test_a_held_out_picture_is_read_right_where_all_of_its_number_is(
    recogniser: TemplateRecogniser, written: str | None, label: str, is_right: bool
) -> None:
    grey = on_paper(draw(written)) if written else np.full((40, 40), 255, np.uint8)
    assert HeldOut(grey, label).is_read_by(recogniser) == is_right


def test_too_few_corrections_are_refused_with_what_is_needed(recogniser: TemplateRecogniser) -> None:
    learnt = [Correction("7", picture) for picture in pictures("7", held_out=False, count=FEWEST)]
    judging = [Correction("7", picture) for picture in pictures("7", held_out=True)]
    lessons(learnt + judging, recogniser, PIXELS).check()
    for too_few in (learnt[1:] + judging, learnt, []):
        with pytest.raises(DataError, match="20 pictures to learn from are needed, and one to judge by"):
            lessons(too_few, recogniser, PIXELS).check()


def test_a_database_that_cannot_be_read_is_told_in_a_sentence(settings: Settings) -> None:
    with pytest.raises(SettingsError, match=r"^DIGITS_DATABASE: sqlite:////proc/uploads\.db cannot be used: "):
        list(open_corrections(settings.model_copy(update={"database": "sqlite:////proc/uploads.db"})))
