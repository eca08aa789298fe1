"""Picture bytes under the upload's id."""

import errno
import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from digits.errors import NotFound, StorageFull, Unavailable

_FULL = (errno.ENOSPC, errno.EDQUOT)


class Storage(Protocol):
    """What recognition needs of a place for pictures. Every method raises Unavailable where it does not answer."""

    def put(self, key: str, data: bytes) -> None:
        """Keeps the bytes, all or nothing; a killed server does not lose them. Raises StorageFull without room."""

    def sync(self, keys: Iterable[str]) -> None:
        """Returns once these survive power loss too, where that is asked for."""

    def get(self, key: str) -> bytes:
        """The bytes as they were put. Raises NotFound."""

    def delete(self, key: str) -> None:
        """Forgets the bytes, if there are any."""

    def check(self) -> None:
        """Returns if the storage can be written."""


class DirectoryStorage:
    """One file for each upload, written beside its place and moved there, so that none is ever seen half."""

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        """`durable` files survive power loss; others survive a killed server."""
        self._folder, self._durable = folder, durable

    def put(self, key: str, data: bytes) -> None:
        temporary = self._folder / f".{secrets.token_hex(8)}"
        try:
            try:
                temporary.write_bytes(data)
                temporary.rename(self._path(key))
            except BaseException:
                temporary.unlink(missing_ok=True)
                self._path(key).unlink(missing_ok=True)
                raise
        except OSError as error:
            raise _translated(error) from error

    def sync(self, keys: Iterable[str]) -> None:
        if not self._durable:
            return
        try:
            for key in keys:
                _sync(self._path(key))
            # A renamed file survives power loss only once its folder is on the disk too.
            _sync(self._folder)
        except OSError as error:
            raise _translated(error) from error

    def get(self, key: str) -> bytes:
        try:
            return self._path(key).read_bytes()
        except FileNotFoundError as error:
            raise NotFound("The picture of this upload is gone.") from error
        except OSError as error:
            raise _translated(error) from error

    def delete(self, key: str) -> None:
        try:
            self._path(key).unlink(missing_ok=True)
            if self._durable:
                _sync(self._folder)
        except OSError as error:
            raise _translated(error) from error

    def check(self) -> None:
        if not os.access(self._folder, os.W_OK | os.X_OK):
            raise Unavailable("The storage cannot be written.")

    def _path(self, key: str) -> Path:
        if not key.replace("-", "").isalnum():
            raise NotFound("There is no upload with this id.")
        return self._folder / key


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _translated(error: OSError) -> StorageFull | Unavailable:
    if error.errno in _FULL:
        return StorageFull("There is no room to keep the picture. Recognise it with ?store=false, or try again later.")
    return Unavailable("The storage does not answer. Recognise with ?store=false, or try again later.")
