"""The contract of a storage, which every backend keeps, and what only a directory does."""

import errno
import os
import stat
from pathlib import Path

import pytest

from digits.errors import NotFound, SettingsError, StorageFull, Unavailable
from digits.uploads.blobs import DirectoryStorage, Storage, open_storage, prepare_storage
from support.server import free_port
from tests.fakes import MemoryStorage

KEY = "0199f3a2-7c41-7b5e-9d3f-0123456789ab"
OTHER = "0199f3a2-7c42-7b5e-9d3f-0123456789ab"


@pytest.fixture(params=["directory", "directory, not durable", "memory", pytest.param("s3", marks=pytest.mark.slow)])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "memory":
        return MemoryStorage()
    if request.param == "s3":
        return open_storage(request.getfixturevalue("bucket"))
    return open_storage(str(tmp_path), durable=request.param == "directory")


def test_what_is_put_is_found_again(storage: Storage) -> None:
    pictures = {KEY: b"picture", OTHER: bytes(6_000_000)}
    storage.put(pictures)
    assert {key: storage.get(key) for key in pictures} == pictures
    assert set(storage.every_key()) == pictures.keys()


def test_what_is_put_twice_is_there_once(storage: Storage) -> None:
    storage.put({KEY: b"picture"})
    storage.put({KEY: b"another"})
    assert storage.get(KEY) == b"another"
    assert list(storage.every_key()) == [KEY]


def test_what_was_never_put_is_not_found(storage: Storage) -> None:
    with pytest.raises(NotFound):
        storage.get(KEY)


def test_what_is_deleted_is_gone(storage: Storage) -> None:
    third = KEY.replace("0", "1")
    storage.put({KEY: b"picture", OTHER: b"another", third: b"third"})
    storage.delete([KEY, third])
    with pytest.raises(NotFound):
        storage.get(KEY)
    assert list(storage.every_key()) == [OTHER]


def test_deleting_what_is_not_there_is_no_error(storage: Storage) -> None:
    storage.put({OTHER: b"another"})
    storage.delete([KEY, OTHER])
    assert list(storage.every_key()) == []


def test_an_empty_storage_has_no_keys(storage: Storage) -> None:
    assert list(storage.every_key()) == []


def test_a_storage_that_works_passes_its_check(storage: Storage) -> None:
    storage.check()


@pytest.mark.slow
def test_more_than_one_request_can_name_is_listed_and_deleted(bucket: str) -> None:
    storage = open_storage(bucket)
    keys = [f"{number:036}" for number in range(1005)]
    for start in range(0, len(keys), 67):  # At once, they would take longer than a request may.
        storage.put(dict.fromkeys(keys[start : start + 67], b"picture"))
    assert sorted(storage.every_key()) == keys
    storage.delete(keys)
    assert list(storage.every_key()) == []


@pytest.mark.slow
@pytest.mark.parametrize("broken", ["AWS_ENDPOINT_URL", "bucket"])
def test_s3_that_is_away_is_unavailable(bucket: str, monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    if broken == "bucket":
        storage = open_storage("s3://there-is-none")
    else:
        monkeypatch.setenv(broken, f"http://127.0.0.1:{free_port()}")
        storage = open_storage(bucket)
    for call in (lambda: storage.put({KEY: b"picture"}), storage.check, lambda: list(storage.every_key())):
        with pytest.raises(Unavailable):
            call()


@pytest.mark.slow
def test_s3_is_looked_at_before_it_is_used(bucket: str) -> None:
    prepare_storage(bucket)
    with pytest.raises(SettingsError, match=r"^DIGITS_STORAGE: s3://there-is-none cannot be used: .*NoSuchBucket"):
        prepare_storage("s3://there-is-none")


@pytest.mark.parametrize("key", ["../uploads.db", "..", ".", "a/b", "", "a\0b"])
def test_a_key_never_leaves_the_folder(tmp_path: Path, key: str) -> None:
    folder = tmp_path / "uploads"
    (folder / "a").mkdir(parents=True)
    for other in (tmp_path / "uploads.db", folder / "a" / "b"):
        other.write_bytes(b"secret")
    storage = DirectoryStorage(folder)
    for call in (lambda: storage.get(key), lambda: storage.delete([key]), lambda: storage.put({key: b"picture"})):
        with pytest.raises(NotFound, match="There is no upload with this id"):
            call()
    assert (tmp_path / "uploads.db").read_bytes() == (folder / "a" / "b").read_bytes() == b"secret"


def test_a_full_disk_is_told_as_such_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_bytes = Path.write_bytes

    def full(path: Path, data: bytes) -> None:
        write_bytes(path, data[:3])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(StorageFull, match="no room"):
        DirectoryStorage(tmp_path).put({KEY: b"picture"})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("number", "error"), [(errno.ENOSPC, StorageFull), (errno.EIO, Unavailable)])
def test_a_disk_that_cannot_be_synced_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, error: type[Exception]
) -> None:
    def broken(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", broken)
    storage = DirectoryStorage(tmp_path)
    with pytest.raises(error):
        storage.put({KEY: b"picture"})
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_or_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(
        SettingsError, match=rf"^DIGITS_STORAGE: {tmp_path}/file/uploads cannot be made: Not a directory\.$"
    ):
        prepare_storage(f"{tmp_path}/file/uploads")
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(SettingsError, match=rf"^DIGITS_STORAGE: {tmp_path}/new cannot be written\.$"):
        prepare_storage(f"{tmp_path}/new")
    with pytest.raises(Unavailable, match="The storage cannot be written"):
        DirectoryStorage(tmp_path).check()


@pytest.mark.parametrize("durable", [True, False])
def test_a_folder_that_vanished_is_unavailable(tmp_path: Path, durable: bool) -> None:
    storage = DirectoryStorage(tmp_path / "gone", durable=durable)
    for call in (
        lambda: storage.put({KEY: b""}),
        lambda: storage.get(KEY),
        lambda: storage.delete([KEY]),
        storage.check,
        lambda: list(storage.every_key()),
    ):
        with pytest.raises(Unavailable):
            call()


def test_a_picture_that_cannot_be_read_is_not_taken_for_one_that_is_gone(tmp_path: Path) -> None:
    (tmp_path / KEY).mkdir()
    with pytest.raises(Unavailable, match="does not answer"):
        DirectoryStorage(tmp_path).get(KEY)


def test_files_are_on_the_disk_before_they_are_in_their_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[tuple[bool, list[str]]] = []
    fsync = os.fsync

    def noted(descriptor: int) -> None:
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        synced.append((is_folder, sorted(path.name for path in tmp_path.iterdir())))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    storage = DirectoryStorage(tmp_path)
    storage.put({KEY: b"picture", OTHER: b"another"})
    storage.delete([KEY, OTHER])
    unfinished = (False, [f".{KEY}", f".{OTHER}"])
    assert synced == [unfinished, unfinished, (True, [KEY, OTHER]), (True, [])]


def test_no_file_stays_open(tmp_path: Path) -> None:
    storage, descriptors = DirectoryStorage(tmp_path), Path("/dev/fd")
    before = len(list(descriptors.iterdir()))
    for _ in range(10):
        storage.put({KEY: b"picture"})
        storage.get(KEY)
    assert len(list(descriptors.iterdir())) <= before


def test_what_was_never_finished_is_listed_as_such_and_can_be_deleted(tmp_path: Path) -> None:
    (tmp_path / f".{KEY}").write_bytes(b"pic")
    storage = DirectoryStorage(tmp_path)
    assert list(storage.every_key()) == [f".{KEY}"]
    storage.delete(storage.every_key())
    assert list(tmp_path.iterdir()) == []


def test_of_a_folder_that_cannot_be_written_a_missing_picture_is_gone_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(NotFound):
        DirectoryStorage(tmp_path).get(KEY)
