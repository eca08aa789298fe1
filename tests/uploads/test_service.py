import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
import pytest

from digits.box import Box
from digits.errors import NoInk, NotAPicture, NotFound, StorageFull, Unavailable
from digits.grids import SIDE
from digits.uploads.models import ID, first_id
from digits.uploads.service import delete_upload, keep_uploads, now, recognise_upload
from support.drawing import draw, encode, on_paper, png
from tests.fakes import AbsentRecords, MemoryRecords, MemoryStorage, TemplateRecogniser

PIXELS = 25_000_000


def test_an_upload_is_read_and_described(recogniser: TemplateRecogniser) -> None:
    data = png("7")
    upload = recognise_upload(data, recogniser, PIXELS)
    record = upload.record
    assert (record.number, record.recognised, record.model) == ("7", True, recogniser.model)
    assert record.networks == recogniser.networks
    assert (record.format, record.width, record.height, record.bytes) == ("PNG", 280, 280, len(data))
    assert record.sha256 == hashlib.sha256(data).hexdigest()
    assert record.digits[0].digit == 7
    assert sum(record.digits[0].probabilities) == pytest.approx(1, abs=1e-5)
    assert all(round(each, 6) == each for each in (record.confidence, record.digits[0].confidence))
    assert all(round(each, 6) == each for each in record.digits[0].probabilities)
    assert upload.grids[0].shape == (SIDE, SIDE)


def test_the_confidence_of_a_number_is_that_of_all_its_digits(recogniser: TemplateRecogniser) -> None:
    record = recognise_upload(png("1938"), recogniser, PIXELS).record
    assert record.number == "1938"
    assert record.confidence == pytest.approx(np.prod([digit.confidence for digit in record.digits]), abs=1e-5)


def test_lines_are_kept_apart(recogniser: TemplateRecogniser) -> None:
    assert recognise_upload(png("007\n42"), recogniser, PIXELS).record.number == "007\n42"


def test_what_is_doubtful_is_guessed_but_not_recognised(recogniser: TemplateRecogniser) -> None:
    ring = np.full((200, 200), 255, np.uint8)
    ring[40:160, 40:160] = 0
    record = recognise_upload(encode(ring), recogniser, PIXELS).record
    assert not record.recognised
    assert len(record.number) == 1


def test_boxes_are_in_pixels_of_the_picture_that_was_sent(recogniser: TemplateRecogniser) -> None:
    ink = draw("3", size=1000, pen=80, margin=600)
    rows, columns = np.flatnonzero((ink > 127).any(axis=1)), np.flatnonzero((ink > 127).any(axis=0))
    record = recognise_upload(encode(on_paper(ink)), recogniser, PIXELS).record
    box = record.digits[0].box
    reduced = 4  # One pixel of the grey picture that the digits are found in.
    assert (box.x, box.y) == pytest.approx((columns[0], rows[0]), abs=reduced)
    assert (box.right, box.bottom) == pytest.approx((columns[-1] + 1, rows[-1] + 1), abs=reduced)


def test_kept_uploads_are_in_both_places_and_deleted_ones_in_neither(recogniser: TemplateRecogniser) -> None:
    storage, records = MemoryStorage(), MemoryRecords()
    upload = recognise_upload(png("7"), recogniser, PIXELS)
    keep_uploads([upload], storage, records)
    assert storage.files == {upload.record.id: upload.data}
    assert records.rows == {upload.record.id: upload.record}
    delete_upload(upload.record.id, storage, records)
    assert storage.files == {}
    assert records.rows == {}
    with pytest.raises(NotFound):
        delete_upload(upload.record.id, storage, records)


def test_a_picture_whose_record_cannot_be_kept_is_not_kept(recogniser: TemplateRecogniser) -> None:
    storage = MemoryStorage()
    with pytest.raises(Unavailable):
        keep_uploads([recognise_upload(png("7"), recogniser, PIXELS)], storage, AbsentRecords())
    assert storage.files == {}


class Stuck(MemoryStorage):
    """Deletes nothing."""

    def delete(self, keys: Iterable[str]) -> None:
        raise Unavailable("The storage does not answer.")


def test_a_picture_that_cannot_be_deleted_keeps_its_record_to_try_again(recogniser: TemplateRecogniser) -> None:
    storage, records = Stuck(), MemoryRecords()
    upload = recognise_upload(png("7"), recogniser, PIXELS)
    keep_uploads([upload], storage, records)
    with pytest.raises(Unavailable):
        delete_upload(upload.record.id, storage, records)
    assert records.get(upload.record.id)


def test_of_two_failures_the_first_is_told(recogniser: TemplateRecogniser) -> None:
    class Full(Stuck):
        def put(self, pictures: Mapping[str, bytes]) -> None:
            raise StorageFull("There is no room to keep the picture.")

    with pytest.raises(StorageFull):
        keep_uploads([recognise_upload(png("7"), recogniser, PIXELS)], Full(), MemoryRecords())


def test_what_came_again_is_kept_even_if_its_second_picture_cannot_be_deleted(recogniser: TemplateRecogniser) -> None:
    upload = recognise_upload(png("7"), recogniser, PIXELS)
    first, again = (
        replace(upload, record=replace(upload.record, id=key, idempotency_key="mine")) for key in ("first", "again")
    )
    storage, records = Stuck(), MemoryRecords()
    keep_uploads([first], storage, records)
    assert keep_uploads([again], storage, records) == [first.record]


def test_an_upload_was_made_when_its_id_says(recogniser: TemplateRecogniser) -> None:
    before = now()
    record = recognise_upload(png("7"), recogniser, PIXELS).record
    assert before <= record.created_at <= now()
    assert ID.fullmatch(record.id)
    assert record.id.startswith(first_id(record.created_at))


def test_times_are_in_whole_milliseconds() -> None:
    assert {now().microsecond % 1000 for _ in range(5)} == {0}


def test_ids_are_in_order_of_arrival(recogniser: TemplateRecogniser) -> None:
    ids = [recognise_upload(png("7"), recogniser, PIXELS).record.id for _ in range(5)]
    assert ids == sorted(ids)


@pytest.mark.parametrize(("data", "error"), [(b"no picture", NotAPicture), (png("7")[:200], NotAPicture)])
def test_what_is_no_picture_is_refused(recogniser: TemplateRecogniser, data: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        recognise_upload(data, recogniser, PIXELS)


def test_a_blank_page_is_refused(recogniser: TemplateRecogniser) -> None:
    with pytest.raises(NoInk):
        recognise_upload(encode(np.full((50, 50), 255, np.uint8)), recogniser, PIXELS)


def test_a_box_at_the_edge_ends_there_at_any_size() -> None:
    for width in range(601, 4000):
        assert Box(10, 0, 560, 9).scaled(width / 570, 1).right == width
