"""A database belongs to one storage, and another is refused."""

import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from digits.errors import SettingsError, StorageFull
from digits.uploads.blobs import open_storage
from digits.uploads.database import SqlRecords
from digits.uploads.pairing import MARK, SAMPLE, belong_together, prepare_uploads
from digits.uploads.retention import Swept, sweep
from digits.uploads.schema import storages
from support import ROOT
from support.records import record
from tests.databases import POSTGRESQL, made
from tests.fakes import MemoryStorage
from tests.uploads.test_database import downgrade


@pytest.fixture(params=["sqlite", POSTGRESQL])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/uploads.db" if request.param == "sqlite" else request.getfixturevalue("database")


@pytest.fixture
def engine(url: str) -> Iterator[sa.Engine]:
    with made(url) as engine:
        yield engine


def keep(storage: MemoryStorage, engine: sa.Engine, count: int = 1) -> None:
    rows = [record() for _ in range(count)]
    storage.put({row.id: b"picture" for row in rows})
    SqlRecords(engine).add(rows)


def test_a_new_storage_and_a_new_database_belong_together_for_ever(engine: sa.Engine, storage: MemoryStorage) -> None:
    assert belong_together(storage, engine)
    (mark,) = storage.files.values()
    with engine.connect() as connection:
        assert connection.scalars(sa.select(storages.c.id)).all() == [mark.decode().strip()]
    assert belong_together(storage, engine)
    assert not belong_together(MemoryStorage(), engine)


@pytest.mark.parametrize("name", [".gitkeep", "lost+found", ".DS_Store", "README.md"])
def test_a_storage_without_pictures_is_new_whatever_else_is_in_it(
    engine: sa.Engine, storage: MemoryStorage, name: str
) -> None:
    storage.put({name: b""})
    assert belong_together(storage, engine)


def test_nothing_is_written_if_all_is_well_or_refused(engine: sa.Engine, storage: MemoryStorage) -> None:
    class Unwritable(MemoryStorage):
        def put(self, *_: object) -> None:
            raise AssertionError("It is written")

    belong_together(storage, engine)
    same, other = Unwritable(), Unwritable()
    same.files = storage.files
    assert belong_together(same, engine)
    assert not belong_together(other, engine)


def test_a_storage_whose_pictures_are_lost_still_belongs(engine: sa.Engine, storage: MemoryStorage) -> None:
    belong_together(storage, engine)
    keep(storage, engine)
    lost = MemoryStorage()
    lost.files = {MARK: storage.files[MARK]}
    assert belong_together(lost, engine)


def test_stores_of_earlier_versions_are_adopted_once_and_that_is_said(
    engine: sa.Engine, storage: MemoryStorage, caplog: pytest.LogCaptureFixture
) -> None:
    keep(storage, engine, 2 * SAMPLE + 1)
    for key in list(storage.files)[1:]:  # A backup that is older than all other uploads.
        storage.delete([key])
    for _ in range(2):
        assert belong_together(storage, engine)
    (said,) = caplog.records
    assert (said.levelno, "belong together from now on" in said.message) == (logging.WARNING, True)


def test_a_database_whose_pictures_are_elsewhere_is_not_adopted(engine: sa.Engine, storage: MemoryStorage) -> None:
    keep(storage, engine)
    other = MemoryStorage()
    for _ in range(2):
        assert not belong_together(other, engine)
    assert belong_together(storage, engine)
    assert not belong_together(other, engine)


def test_of_two_folders_that_shared_a_database_the_first_one_gets_it(engine: sa.Engine, storage: MemoryStorage) -> None:
    other = MemoryStorage()
    for each in (storage, other):
        keep(each, engine, SAMPLE // 2)
    assert belong_together(storage, engine)
    assert not belong_together(other, engine)


def test_a_copy_without_its_id_is_adopted_again(engine: sa.Engine, storage: MemoryStorage) -> None:
    belong_together(storage, engine)
    keep(storage, engine)
    copy = MemoryStorage()
    copy.files = {key: data for key, data in storage.files.items() if key != MARK}
    assert belong_together(copy, engine)
    assert copy.files == storage.files


def test_a_storage_gets_a_new_database_only_on_demand(
    engine: sa.Engine, storage: MemoryStorage, tmp_path: Path
) -> None:
    """Or else a sweep would delete all pictures that the new one does not know."""
    belong_together(storage, engine)
    with made(f"sqlite:///{tmp_path}/new.db") as new:
        assert not belong_together(storage, new)
    with made(f"sqlite:///{tmp_path}/other.db") as other:
        assert belong_together(storage, other, adopt=True)
    assert belong_together(storage, engine)


def test_a_new_database_does_not_get_pictures_of_unknown_origin(engine: sa.Engine, storage: MemoryStorage) -> None:
    storage.put({record().id: b"picture"})
    assert not belong_together(storage, engine)


def test_of_two_storages_at_once_one_gets_the_database(engine: sa.Engine) -> None:
    some = [MemoryStorage() for _ in range(8)]
    with ThreadPoolExecutor(8) as threads:
        belonging = list(threads.map(lambda storage: belong_together(storage, engine), some))
    assert sorted(belonging) == [False] * 7 + [True]
    assert [bool(storage.files) for storage in some] == belonging


def test_many_machines_with_one_storage_may_start_at_once(engine: sa.Engine, storage: MemoryStorage) -> None:
    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(lambda _: belong_together(storage, engine), range(8)))


def test_a_storage_that_cannot_be_written_leaves_the_database_free(engine: sa.Engine, storage: MemoryStorage) -> None:
    class Full(MemoryStorage):
        def put(self, *_: object) -> None:
            raise StorageFull("There is no room to keep the picture.")

    with pytest.raises(StorageFull):
        belong_together(Full(), engine)
    assert belong_together(storage, engine)


def test_a_database_of_an_earlier_version_gets_its_table(engine: sa.Engine, url: str, tmp_path: Path) -> None:
    downgrade(engine, "0005")
    prepare_uploads(str(tmp_path / "uploads"), url)
    assert (tmp_path / "uploads" / MARK).is_file()


def test_another_folder_is_refused_in_a_sentence_that_says_how_to_go_on(url: str, tmp_path: Path) -> None:
    one, two = str(tmp_path / "one"), str(tmp_path / "two")
    prepare_uploads(one, url)
    with pytest.raises(SettingsError) as refused:
        prepare_uploads(two, url)
    mark = (tmp_path / "one" / MARK).read_text().strip()
    assert f" and DIGITS_STORAGE: {two} do not belong together. Set them to two that do" in str(refused.value)
    assert str(refused.value).endswith(f"If these do belong together, write {mark} into {two}/{MARK}.")
    (tmp_path / "two" / MARK).write_text(mark)
    prepare_uploads(two, url)
    prepare_uploads(one, url)


def test_a_new_database_for_pictures_of_another_leaves_nothing_behind(tmp_path: Path) -> None:
    place, url = tmp_path / "uploads", f"sqlite:///{tmp_path}/uploads.db"
    prepare_uploads(str(place), url)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(SettingsError, match="The database is new or empty, and the storage belongs to another one"):
        prepare_uploads(str(place), f"sqlite:///{tmp_path}/other.db")
    assert sorted(tmp_path.iterdir()) == before
    prepare_uploads(str(place), url)


def test_an_empty_database_is_not_offered_the_pictures_of_another(url: str, tmp_path: Path) -> None:
    """Or else they would be orphans, which are swept."""
    prepare_uploads(str(tmp_path / "empty"), url)
    place = tmp_path / "uploads"
    prepare_uploads(str(place), f"sqlite:///{tmp_path}/full.db")
    (place / record().id).write_bytes(b"picture")
    with pytest.raises(SettingsError) as refused:
        prepare_uploads(str(place), url)
    assert str(refused.value).endswith("Set DIGITS_DATABASE to that one, or DIGITS_STORAGE to a new place.")
    assert MARK not in str(refused.value)


def test_records_without_their_pictures_are_refused_until_an_operator_says_otherwise(url: str, tmp_path: Path) -> None:
    with made(url) as engine:
        keep(MemoryStorage(), engine)
    place = tmp_path / "uploads"
    with pytest.raises(SettingsError, match="do not belong together") as refused:
        prepare_uploads(str(place), url)
    assert list(place.iterdir()) == []
    mark = str(refused.value).partition("together, write ")[2].split()[0]
    (place / MARK).write_text(mark)
    prepare_uploads(str(place), url)


def test_a_folder_may_be_renamed_and_a_new_one_adopted(url: str, tmp_path: Path) -> None:
    prepare_uploads(str(tmp_path / "one"), url)
    shutil.move(tmp_path / "one", tmp_path / "two")
    prepare_uploads(str(tmp_path / "two"), url)
    prepare_uploads(str(tmp_path / "three"), url, adopt=True)
    prepare_uploads(str(tmp_path / "three"), url)


def test_the_id_is_not_swept(tmp_path: Path) -> None:
    place, url = str(tmp_path / "uploads"), f"sqlite:///{tmp_path}/uploads.db"
    prepare_uploads(place, url)
    with made(url) as engine:
        assert sweep(open_storage(place), SqlRecords(engine), keep_days=1, most=None) == Swept()
    assert (tmp_path / "uploads" / MARK).is_file()


@pytest.mark.slow
def test_a_bucket_is_marked_too_and_another_refused(bucket: str, url: str) -> None:
    prepare_uploads(bucket, url)
    prepare_uploads(bucket, url)
    assert list(open_storage(bucket).every_key()) == [MARK]
    with pytest.raises(SettingsError, match=f"{bucket}-2 do not belong together"):
        prepare_uploads(f"{bucket}-2", url)
    prepare_uploads(f"{bucket}-3", url, adopt=True)


@pytest.mark.slow
def test_a_server_does_not_start_on_the_database_of_another_folder(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/one.db"
    prepare_uploads(str(tmp_path / "one"), url)
    environment = os.environ | {"DIGITS_STORAGE": str(tmp_path / "two"), "DIGITS_DATABASE": url, "DIGITS_PORT": "51899"}
    command = [sys.executable, str(ROOT / "app.py")]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith(f"DIGITS_DATABASE: {url} and DIGITS_STORAGE: {tmp_path}/two do not belong together.")


def test_a_folder_without_room_for_the_id_is_told_in_a_sentence(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise StorageFull("There is no room to keep the picture.")

    monkeypatch.setattr("digits.uploads.blobs.DirectoryStorage.put", full)
    with pytest.raises(SettingsError, match="cannot be marked as the storage of the database: There is no room"):
        prepare_uploads(str(tmp_path / "uploads"), url)
