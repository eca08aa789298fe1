"""What is forgotten, and what never is."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from digits.uploads.blobs import open_storage
from digits.uploads.database import SqlRecords
from digits.uploads.models import Record, Wanted, first_id
from digits.uploads.pairing import MARK
from digits.uploads.retention import Swept, sweep
from support import ROOT
from support.records import record
from support.server import running, until
from tests.databases import made
from tests.fakes import MemoryRecords, MemoryStorage

NOW = datetime.now(UTC)


@pytest.fixture(autouse=True)
def at_this_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not when the tests were collected, which may be minutes ago."""
    monkeypatch.setattr("tests.uploads.test_retention.NOW", datetime.now(UTC))


def key(age: timedelta) -> str:
    """The id of an upload of this age."""
    return f"{first_id(NOW - age)}-7000-8000-0123456789ab"


def of_age(age: timedelta) -> Record:
    return record(id=key(age), created_at=NOW - age)


DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


def keep(storage: MemoryStorage, records: MemoryRecords, *rows: Record) -> None:
    storage.put({row.id: b"picture" for row in rows})
    records.add(rows)


def test_only_leftovers_older_than_an_hour_are_forgotten(storage: MemoryStorage, records: MemoryRecords) -> None:
    keep(storage, records, of_age(2 * DAY), of_age(DAY))
    kept = {*storage.files, key(59 * MINUTE), f".{key(59 * MINUTE)}"}
    storage.put(dict.fromkeys([*kept, key(61 * MINUTE), f".{key(61 * MINUTE)}"], b"picture"))
    assert sweep(storage, records) == Swept(leftovers=2)
    assert storage.files.keys() == kept


def test_files_of_others_are_left_alone(storage: MemoryStorage, records: MemoryRecords) -> None:
    keep(storage, records, of_age(2 * DAY))
    others = {".gitkeep", "README.md", "notes", key(DAY) + ".png", f"..{key(DAY)}"}
    storage.put(dict.fromkeys(others, b"mine"))
    assert sweep(storage, records) == Swept()
    assert storage.files.keys() > others


def test_pictures_older_than_any_record_are_another_database_s(storage: MemoryStorage, records: MemoryRecords) -> None:
    before = {key(age): b"picture" for age in (DAY, 2 * DAY)}
    storage.put(before)
    assert sweep(storage, records) == Swept()
    keep(storage, records, of_age(2 * HOUR))
    assert sweep(storage, records) == Swept()
    assert storage.files.keys() > before.keys()


def test_so_many_leftovers_are_spared_that_something_else_must_be_wrong(
    storage: MemoryStorage, records: MemoryRecords
) -> None:
    keep(storage, records, of_age(2 * DAY))
    leftovers = {key(DAY + number * MINUTE): b"picture" for number in range(700)}
    storage.put(leftovers)
    spared = sweep(storage, records, most=699)
    assert spared == Swept(spared=700)
    assert "pictures without a record, 700," in str(spared)
    assert storage.files.keys() > leftovers.keys()
    assert sweep(storage, records, most=700) == Swept(leftovers=700)
    storage.put(leftovers)
    assert sweep(storage, records, most=None) == Swept(leftovers=700)
    assert len(storage.files) == 1


def test_old_uploads_go_even_where_leftovers_are_spared(storage: MemoryStorage, records: MemoryRecords) -> None:
    keep(storage, records, of_age(9 * DAY), of_age(6 * DAY))
    storage.put({key(age): b"picture" for age in (DAY, 2 * DAY)})
    assert sweep(storage, records, keep_days=7, most=1) == Swept(spared=2, old=1)


def test_uploads_are_kept_as_many_days_as_is_said(storage: MemoryStorage, records: MemoryRecords) -> None:
    old = [of_age(7 * DAY + number * MINUTE) for number in range(1, 1102)]
    keep(storage, records, *old, of_age(7 * DAY - MINUTE), of_age(DAY))
    assert sweep(storage, records, keep_days=8) == Swept()
    assert sweep(storage, records, keep_days=7) == Swept(old=1101)
    assert storage.files.keys() == records.rows.keys() == {key(7 * DAY - MINUTE), key(DAY)}


@pytest.mark.slow
def test_a_process_of_its_own_sweeps_a_folder_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place, url = str(tmp_path / "uploads"), f"sqlite:///{tmp_path}/uploads.db"
    Path(place).mkdir()
    storage = open_storage(place)
    rows = [of_age(40 * DAY), of_age(20 * DAY)]
    storage.put({row.id: b"picture" for row in [*rows, of_age(DAY)]})
    with made(url) as engine:
        SqlRecords(engine).add(rows)
    for name, value in (("STORAGE", place), ("DATABASE", url), ("KEEP_DAYS", "30")):
        monkeypatch.setenv(f"DIGITS_{name}", value)
    command = [sys.executable, "-m", "digits.uploads.retention"]
    said = [subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True) for _ in range(2)]
    assert [each.stdout for each in said] == ["Swept: leftovers 1, old uploads 1.\n", ""]
    assert [each.stderr for each in said] == ["", ""]
    with made(url) as engine:
        assert list(storage.every_key()) == [row.id for row in SqlRecords(engine).find(Wanted(), 10)] == [rows[1].id]


@pytest.mark.slow
def test_a_server_sweeps_when_it_starts(tmp_path: Path) -> None:
    place, url = tmp_path / "uploads", f"sqlite:///{tmp_path}/uploads.db"
    place.mkdir()
    with made(url) as engine:
        # In the folder that the server is started in, which is not that of the program.
        row = of_age(2 * DAY)
        open_storage(str(place)).put({row.id: b"picture", key(DAY): b"leftover", f".{key(DAY)}": b"left"})
        SqlRecords(engine).add([row])
    with running(tmp_path, workers="1", storage="uploads", database="sqlite:///uploads.db"):
        until(lambda: {path.name for path in place.iterdir()} == {MARK, row.id}, 20)
