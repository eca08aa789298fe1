"""Storage of the pictures' bytes, under the uploads' ids."""

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

_FULL = (errno.ENOSPC, errno.EDQUOT)


class Storage(Protocol):
    """What recognition needs of a place for pictures. Every method raises Unavailable where it does not answer."""

    def put(self, pictures: Mapping[str, bytes]) -> None:
        """Keeps them all, each whole or not at all; once this returns they are safe.

        Raises StorageFull without room. Where it raises anything, some may be there.
        """

    def get(self, key: str) -> bytes:
        """The bytes as they were put. Raises NotFound."""

    def delete(self, keys: Iterable[str]) -> None:
        """Deletes these, ignoring missing ones."""

    def every_key(self) -> Iterator[str]:
        """All keys, in no order. A key with a dot before it was never finished."""

    def check(self) -> None:
        """Returns if the storage can be used."""


class DirectoryStorage:
    """One file for each upload, written beside its place and moved there, so that none is ever seen half."""

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        """`durable` files survive power loss; others survive a killed server."""
        self._folder, self._durable = folder, durable

    def put(self, pictures: Mapping[str, bytes]) -> None:
        moves = {self._path(f".{key}"): self._path(key) for key in pictures}
        with _told():
            try:
                for temporary, data in zip(moves, pictures.values(), strict=True):
                    temporary.write_bytes(data)
                self._sync(*moves)
                for temporary, place in moves.items():
                    temporary.rename(place)
                # A renamed file survives power loss only once its folder is on the disk too.
                self._sync(self._folder)
            except BaseException:
                for temporary in moves:
                    with suppress(OSError):
                        temporary.unlink(missing_ok=True)
                raise

    def get(self, key: str) -> bytes:
        with _told():
            try:
                return self._path(key).read_bytes()
            except FileNotFoundError as error:
                raise _gone() from error

    def delete(self, keys: Iterable[str]) -> None:
        with _told():
            for key in keys:
                self._path(key).unlink(missing_ok=True)
            self._sync(self._folder)

    def every_key(self) -> Iterator[str]:
        with _told(), os.scandir(self._folder) as entries:
            for entry in entries:
                yield entry.name

    def check(self) -> None:
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
    """One object for each upload, in a bucket of S3 or of what speaks as it does.

    Never to be used by a process that forks others afterwards: obstore's threads do not follow them.
    """

    def __init__(self, url: str) -> None:
        """For `s3://BUCKET/PREFIX`. Credentials and endpoint come from the usual AWS_ environment variables."""
        self._store = S3Store.from_url(
            url,
            client_options={"allow_http": True, "connect_timeout": "3s", "timeout": "20s"},
            # Whoever waits would rather be told.
            retry_config={"max_retries": 2, "retry_timeout": timedelta(seconds=10)},
        )

    def put(self, pictures: Mapping[str, bytes]) -> None:
        async def put_all() -> None:
            # In one request each: what is broken off leaves no parts behind, which nobody would see but who pays.
            puts = (self._store.put_async(key, data, use_multipart=False) for key, data in pictures.items())
            # All are waited for, since what failed together is deleted together.
            for result in await asyncio.gather(*puts, return_exceptions=True):
                if isinstance(result, BaseException):
                    raise result

        with _told():
            asyncio.run(put_all())

    def get(self, key: str) -> bytes:
        with _told():
            try:
                return bytes(self._store.get(key).bytes())
            except FileNotFoundError as error:
                raise _gone() from error

    def delete(self, keys: Iterable[str]) -> None:
        with _told():
            self._store.delete(list(keys))

    def every_key(self) -> Iterator[str]:
        with _told():
            for objects in self._store.list():
                for found in objects:
                    yield found["path"]

    def check(self) -> None:
        with _told():
            next(iter(self._store.list(chunk_size=1)), None)


def open_storage(place: str, *, durable: bool = True) -> Storage:
    """The storage at a folder or at `s3://BUCKET/PREFIX`, which is always durable."""
    return S3Storage(place) if place.startswith(S3) else DirectoryStorage(Path(place), durable=durable)


def picture_in(storage: Storage, key: str) -> bytes | None:
    """The bytes as they were put; None where they are gone."""
    try:
        return storage.get(key)
    except NotFound:
        return None


def prepare_storage(place: str) -> None:
    """Creates the folder if it is missing, and checks that the storage can be used. Raises SettingsError if not."""
    if place.startswith(S3):
        # Apart, since this process may fork others.
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
    """Raises this package's errors for failures of the storage."""
    try:
        yield
    except (OSError, BaseError) as error:
        if isinstance(error, OSError) and error.errno in _FULL:
            raise StorageFull("There is no room to keep the picture.") from error
        raise Unavailable("The storage does not answer.") from error


def _gone() -> NotFound:
    return NotFound("The picture of this upload is gone.")


if __name__ == "__main__":
    try:
        open_storage(sys.argv[1]).check()
    except Unavailable as problem:
        said = " ".join(str(problem.__cause__).partition("Debug source:")[0].split())
        sys.exit(f"{sys.argv[1]} cannot be used: {said}")
