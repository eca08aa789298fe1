"""The contract of what keeps disagreements, which every database fulfils."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from digits.uploads.database import SqlRecords
from digits.uploads.disagreements import Disagreement, Disagreements, SqlDisagreements
from digits.uploads.models import Record, Records
from support.records import record
from tests.fakes import MemoryDisagreements, MemoryRecords

Both = tuple[Records, Disagreements]


@pytest.fixture
def both(engine: sa.Engine | None) -> Both:
    if engine:
        return SqlRecords(engine), SqlDisagreements(engine)
    records = MemoryRecords()
    return records, MemoryDisagreements(records)


def about(upload: Record, shadow: str = "other@11111111") -> Disagreement:
    return Disagreement(upload, shadow, "71", 0.625)


def test_disagreements_come_back_as_they_were_those_of_the_newest_uploads_first(both: Both) -> None:
    records, disagreements = both
    uploads = [record() for _ in range(3)]
    records.add(uploads)
    for upload in (uploads[1], uploads[2], uploads[0]):
        disagreements.add(about(upload))
    assert disagreements.find(10) == [about(upload) for upload in reversed(uploads)]
    assert disagreements.find(2) == [about(uploads[2]), about(uploads[1])]


def test_several_shadows_may_disagree_about_an_upload(both: Both) -> None:
    records, disagreements = both
    upload = record(owner="me")
    records.add([upload])
    told = [about(upload, "a@11111111"), about(upload, "b@11111111")]
    for each in reversed(told):
        disagreements.add(each)
    assert disagreements.find(10) == told


def test_a_label_that_comes_later_is_seen(both: Both) -> None:
    records, disagreements = both
    upload = record()
    records.add([upload])
    disagreements.add(about(upload))
    labelled = records.label(upload.id, "71", datetime(2026, 11, 28, tzinfo=UTC))
    assert disagreements.find(10) == [replace(about(upload), upload=labelled)]


def test_a_disagreement_goes_with_its_upload(both: Both) -> None:
    records, disagreements = both
    kept, deleted = record(), record()
    records.add([kept, deleted])
    for upload in (kept, deleted):
        disagreements.add(about(upload))
    assert records.delete([deleted.id]) == 1
    assert disagreements.find(10) == [about(kept)]


def test_of_an_upload_that_is_gone_nothing_is_kept(both: Both) -> None:
    records, disagreements = both
    upload = record()
    disagreements.add(about(upload))
    records.add([upload])
    assert disagreements.find(10) == []
