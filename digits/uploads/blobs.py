"""Storage of pictures, in a folder or in S3. Their keys are the ids of the uploads; pairing.py keeps one more."""

import asyncio
import errno
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from obstore.exceptions import BaseError
from obstore.store import S3Store

from digits.errors import NotFound, SettingsError, StorageFull, Unavailable
from digits.settings import S3
from digits.subprocesses import complaint

_GONE = "The picture of this upload is gone."
_FULL = (errno.ENOSPC, errno.EDQUOT)


class Storage(Protocol):
    """A place that keeps pictures. Every method raises Unavailable if it does not answer."""

    def put(self, pictures: Mapping[str, bytes]) -> None:
        """Keep all of them, each completely or not at all; once this returns they are safe.

        If it raises anything, some may be kept.

        Raises:
            StorageFull: there is no room for them.
        """

    def get(self, key: str) -> bytes:
        """Return a picture's bytes as they were put.

        Raises:
            NotFound: there is none under this key.
        """

    def delete(self, keys: Iterable[str]) -> None:
        """Delete these; missing ones are no error."""

    def every_key(self) -> Iterator[str]:
        """Yield all keys, in no order. One with a dot before it is of a picture that was not written completely."""

    def check(self) -> None:
        """Return if the storage can be used."""


class DirectoryStorage:
    """One file for each upload, written under another name and then renamed, so that nobody sees half a file."""

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        """`durable` files survive power loss; others survive a killed server."""
        self._folder, self._durable = folder, durable

    def put(self, pictures: Mapping[str, bytes]) -> None:
        """Write and sync all files, then rename them, and sync the folder once."""
        moves = {self._path(f".{key}"): self._path(key) for key in pictures}
        with _told():
            try:
                for temporary, data in zip(moves, pictures.values(), strict=True):
                    temporary.write_bytes(data)
                self._sync(*moves)
                for temporary, place in moves.items():
                    temporary.rename(place)
                # A rename survives power loss only once the folder is synced too.
                self._sync(self._folder)
            except BaseException:
                for temporary in moves:
                    with suppress(OSError):
                        temporary.unlink(missing_ok=True)
                raise

    def get(self, key: str) -> bytes:
        """Read the file of an upload.

        Raises:
            NotFound: it is gone.
            Unavailable: the whole folder is.
        """
        with _told():
            try:
                return self._path(key).read_bytes()
            except FileNotFoundError as error:
                if not self._folder.exists():
                    raise Unavailable("The storage does not answer.") from error
                raise NotFound(_GONE) from error

    def delete(self, keys: Iterable[str]) -> None:
        """Delete the files, and sync the folder once."""
        self.check()  # To unlink(), the files of a folder that is away are gone.
        with _told():
            for key in keys:
                self._path(key).unlink(missing_ok=True)
            self._sync(self._folder)

    def every_key(self) -> Iterator[str]:
        """Yield the names of all files in the folder."""
        with _told(), os.scandir(self._folder) as entries:
            for entry in entries:
                yield entry.name

    def check(self) -> None:
        """Return if the folder can be written.

        Raises:
            Unavailable: it cannot.
        """
        if not os.access(self._folder, os.W_OK | os.X_OK):
            raise Unavailable("The storage cannot be written.")

    def _path(self, key: str) -> Path:
        if "/" in key or "\0" in key or key in ("", ".", ".."):
            raise NotFound("There is no upload with this id.")
        return self._folder / key

    def _sync(self, *paths: Path) -> None:
        for path in paths if self._durable else ():
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


class S3Storage:
    """One object for each upload, in a bucket of S3 or of a compatible service.

    A process that uses it must not fork afterwards: obstore's threads are missing in the child.
    """

    def __init__(self, url: str, *, patient: bool = False) -> None:
        """The url and `patient` are as in s3_store."""
        self._store = s3_store(url, patient=patient)

    def put(self, pictures: Mapping[str, bytes]) -> None:
        """Put all objects at the same time."""

        async def put_all() -> None:
            # One request for each: an interrupted multipart upload leaves parts, which are hidden but cost money.
            puts = (self._store.put_async(key, data, use_multipart=False) for key, data in pictures.items())
            # Wait for all, since the caller deletes all if one fails.
            for result in await asyncio.gather(*puts, return_exceptions=True):
                if isinstance(result, BaseException):
                    raise result

        with _told():
            asyncio.run(put_all())

    def get(self, key: str) -> bytes:
        """Get the object of an upload.

        Raises:
            NotFound: it is gone.
        """
        with _told():
            try:
                return bytes(self._store.get(key).bytes())
            except FileNotFoundError as error:
                raise NotFound(_GONE) from error

    def delete(self, keys: Iterable[str]) -> None:
        """Delete the objects, in as few requests as S3 allows."""
        with _told():
            self._store.delete(list(keys))

    def every_key(self) -> Iterator[str]:
        """Yield the keys of all objects under the prefix."""
        with _told():
            for objects in self._store.list():
                for found in objects:
                    yield found["path"]

    def check(self) -> None:
        """Return if an object can be listed, or the bucket is empty."""
        with _told():
            next(iter(self._store.list(chunk_size=1)), None)


def s3_store(url: str, *, patient: bool = False) -> S3Store:
    """Return what is at `s3://BUCKET/PREFIX`. Credentials and endpoint come from the usual AWS_ environment variables.

    What fails is tried again: for minutes if `patient`, else for seconds.
    """
    if patient:
        return S3Store.from_url(url, client_options={"allow_http": True})
    return S3Store.from_url(
        url,
        client_options={"allow_http": True, "connect_timeout": "3s", "timeout": "20s"},
        # Clients are waiting: they had better be told soon.
        retry_config={"max_retries": 2, "retry_timeout": timedelta(seconds=10)},
    )


def open_storage(place: str, *, durable: bool = True, patient: bool = False) -> Storage:
    """Open the storage in a folder, or at `s3://BUCKET/PREFIX`, which is always durable; `patient` is for S3."""
    if place.startswith(S3):
        return S3Storage(place, patient=patient)
    return DirectoryStorage(Path(place), durable=durable)


def picture_in(storage: Storage, key: str) -> bytes | None:
    """Return a picture's bytes as they were put; None if they are gone."""
    try:
        return storage.get(key)
    except NotFound:
        return None


def prepare_storage(place: str) -> None:
    """Create the folder if it is missing, and check that the storage can be used.

    Raises:
        SettingsError: it cannot be used.
    """
    if place.startswith(S3):
        # In a process of its own: this one may fork, which obstore's threads would not survive.
        if said := complaint("digits.uploads.blobs", place):
            raise SettingsError(f"DIGITS_STORAGE: {said}")
        return
    try:
        Path(place).mkdir(parents=True, exist_ok=True)
        DirectoryStorage(Path(place)).check()
    except OSError as error:
        raise SettingsError(f"DIGITS_STORAGE: {place} cannot be made: {error.strerror}.") from error
    except Unavailable as error:
        raise SettingsError(f"DIGITS_STORAGE: {place} cannot be written.") from error


@contextmanager
def _told() -> Iterator[None]:
    """Turn failures of the storage into this package's errors.

    Raises:
        StorageFull: there is no room.
        Unavailable: it failed otherwise.
    """
    try:
        yield
    except (OSError, BaseError) as error:
        if isinstance(error, OSError) and error.errno in _FULL:
            raise StorageFull("There is no room to keep the picture.") from error
        raise Unavailable("The storage does not answer.") from error


if __name__ == "__main__":
    try:
        open_storage(sys.argv[1]).check()
    except Unavailable as problem:
        said = " ".join(str(problem.__cause__).partition("Debug source:")[0].split())
        sys.exit(f"{sys.argv[1]} cannot be used: {said}")
