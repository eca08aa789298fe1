"""Files in a folder or under a prefix in S3, as bulk recognition reads them."""

import os
import stat
from collections.abc import Iterator
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import IO, Any, Protocol

import obstore
from obstore.exceptions import BaseError, PermissionDeniedError
from obstore.store import S3Store

from digits.errors import TooLarge, Unavailable
from digits.uploads.blobs import s3_store

_BUFFER_BYTES = 1 << 20


class Files(Protocol):
    """Files by name. Every method raises OSError if one of them cannot be read, and Unavailable if none can."""

    def names(self) -> Iterator[str]:
        """Yield all names, in the same order each time, without hidden files and folders."""

    def has(self, name: str) -> bool:
        """Whether there is such a file."""

    def read(self, name: str, most_bytes: int) -> bytes:
        """Return a file's bytes.

        Raises:
            TooLarge: there are more than `most_bytes`.
        """

    def open(self, name: str) -> IO[bytes]:
        """Open a file, to read parts of it."""


class Folder:
    """The files of a folder and of its subfolders."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def names(self) -> Iterator[str]:
        """In alphabetical order, folder by folder."""
        for folder, folders, names in os.walk(self._path):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                if not name.startswith("."):
                    yield Path(folder, name).relative_to(self._path).as_posix()

    def has(self, name: str) -> bool:
        """A folder of this name is none."""
        return (self._path / name).is_file()

    def read(self, name: str, most_bytes: int) -> bytes:
        """Read a regular file; others may never end.

        Raises:
            OSError: it is none, or cannot be read.
        """
        path = self._path / name
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):
            raise OSError(0, "it is not a file", name)
        refuse_large(about.st_size, most_bytes)
        return path.read_bytes()

    def open(self, name: str) -> IO[bytes]:
        """Open a file."""
        return (self._path / name).open("rb")


class Bucket:
    """The objects under a prefix in S3."""

    def __init__(self, url: str) -> None:
        self._url, self._store = url, s3_store(url, patient=True)

    def names(self) -> Iterator[str]:
        """In the order of S3, which is that of their bytes."""
        try:
            for objects in self._store.list():
                for found in objects:
                    if not any(part.startswith(".") for part in found["path"].split("/")):
                        yield found["path"]
        except BaseError as error:
            raise self._unavailable(error) from error

    def has(self, name: str) -> bool:
        """Ask S3 for it."""
        try:
            self._store.head(name)
        except FileNotFoundError:
            return False
        except BaseError as error:
            raise self._unavailable(error) from error
        return True

    def read(self, name: str, most_bytes: int) -> bytes:
        """Get an object, unless its header says that it is too large.

        Raises:
            FileNotFoundError: it has been deleted.
            PermissionError: S3 does not allow it.
        """
        try:
            found = self._store.get(name)
            refuse_large(found.meta["size"], most_bytes)
            return bytes(found.bytes())
        except FileNotFoundError as error:
            raise FileNotFoundError(0, "it is gone", name) from error
        except PermissionDeniedError as error:
            raise PermissionError(0, "S3 does not allow it", name) from error
        except BaseError as error:
            raise self._unavailable(error) from error

    def open(self, name: str) -> IO[bytes]:
        """Open an object; its parts are got when they are read."""
        return BufferedReader(_Object(self._store, name), _BUFFER_BYTES)

    def _unavailable(self, error: Exception) -> Unavailable:
        said = " ".join(str(error).partition("Debug source:")[0].split())
        return Unavailable(f"{self._url} cannot be read: {said}")


class _Object(RawIOBase):
    """An object in S3 as Python's files are."""

    def __init__(self, store: S3Store, name: str) -> None:
        self._object = obstore.open_reader(store, name, buffer_size=_BUFFER_BYTES)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._object.seek(offset, whence)

    def readinto(self, buffer: Any) -> int:
        data = bytes(self._object.read(len(buffer)))
        buffer[: len(data)] = data
        return len(data)


def refuse_large(size: int, most_bytes: int) -> None:
    """Refuse a file of too many bytes.

    Raises:
        TooLarge: it is one.
    """
    if size > most_bytes:
        raise TooLarge(f"It has {size:,} bytes; at most {most_bytes:,} are read. DIGITS_MAX_BYTES allows more.")
