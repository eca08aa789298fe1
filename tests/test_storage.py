"""The contract of a storage, which every backend keeps, and what only a directory does."""

import errno
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from digits.errors import NotFound, StorageFull, Unavailable
from digits.storage import DirectoryStorage, Storage
from tests.fakes import MemoryStorage

KEY = "0199f3a2-7c41-7b5e-9d3f-0123456789ab"


@pytest.fixture(params=["directory", "directory, not durable", "memory"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "memory":
        return MemoryStorage()
    return DirectoryStorage(tmp_path, durable=request.param == "directory")


def test_what_is_put_is_found_again(storage: Storage) -> None:
    storage.put(KEY, b"picture")
    assert storage.get(KEY) == b"picture"


def test_what_was_never_put_is_not_found(storage: Storage) -> None:
    with pytest.raises(NotFound):
        storage.get(KEY)


def test_what_is_deleted_is_gone(storage: Storage) -> None:
    storage.put(KEY, b"picture")
    storage.delete(KEY)
    with pytest.raises(NotFound):
        storage.get(KEY)


def test_deleting_what_is_not_there_is_no_error(storage: Storage) -> None:
    storage.delete(KEY)


def test_a_storage_that_works_passes_its_check(storage: Storage) -> None:
    storage.check()


@pytest.mark.parametrize("key", ["../uploads.db", "..", "a/b", "", "a\0b"])
def test_a_key_never_leaves_the_folder(tmp_path: Path, key: str) -> None:
    with pytest.raises(NotFound):
        DirectoryStorage(tmp_path).get(key)


def test_a_full_disk_is_told_as_such_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_bytes = Path.write_bytes

    def full(path: Path, data: bytes) -> None:
        write_bytes(path, data[:3])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(StorageFull, match="no room"):
        DirectoryStorage(tmp_path).put(KEY, b"picture")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("number", "error"), [(errno.ENOSPC, StorageFull), (errno.EIO, Unavailable)])
def test_a_disk_that_cannot_be_synced_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, error: type[Exception]
) -> None:
    def broken(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", broken)
    storage = DirectoryStorage(tmp_path)
    storage.put(KEY, b"picture")
    with pytest.raises(error):
        storage.sync([KEY])


def test_a_folder_that_vanished_is_unavailable(tmp_path: Path) -> None:
    storage = DirectoryStorage(tmp_path / "gone")
    for call in (lambda: storage.put(KEY, b""), storage.check):
        with pytest.raises(Unavailable):
            call()


def test_files_and_then_their_folder_are_synced_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[bool] = []
    fsync: Any = os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: (synced.append(stat.S_ISDIR(os.fstat(fd).st_mode)), fsync(fd)))
    storage = DirectoryStorage(tmp_path)
    keys = [KEY, KEY[::-1]]
    for key in keys:
        storage.put(key, b"picture")
    assert synced == []
    storage.sync(keys)
    assert synced == [False, False, True]
