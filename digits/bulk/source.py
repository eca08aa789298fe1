"""The pictures that are to be read in bulk, in shares of which a worker reads one at a time."""

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from obstore.exceptions import BaseError

from digits.bulk.containers import KINDS, Container
from digits.bulk.files import Bucket, Files, Folder
from digits.errors import BadRequest, Unavailable
from digits.settings import S3
from digits.uploads.picture_names import is_picture

PART = 200
"""Pictures whose rows are kept together: after a crash, each worker may read as many again."""
_READ_AHEAD = 16
"""Files that are read before they are needed: S3 takes longer to answer than a small picture to be read."""


@dataclass(frozen=True, slots=True)
class Share:
    """Pictures that are files, or that are in one."""

    container: str
    """The name of the file that they are in; empty if they are files."""
    names: Sequence[str]
    """An empty name stands for a container that cannot be opened."""

    @property
    def paths(self) -> list[str]:
        """Their paths below the source, as if the container were a folder."""
        return [printable(f"{self.container}/{name}".strip("/") if self.container else name) for name in self.names]

    def without(self, paths: Collection[str]) -> "Share":
        """Return what is left of it."""
        left = [name for name, path in zip(self.names, self.paths, strict=True) if path not in paths]
        return replace(self, names=left)


class Source:
    """A folder, `s3://BUCKET/PREFIX`, or a file in one of them that holds pictures."""

    def __init__(self, place: str, most_bytes: int) -> None:
        """Raises BadRequest if there is nothing there, and Unavailable if S3 does not answer."""
        self._files, self._only = _files_at(place)
        self._most_bytes = most_bytes

    def shares(self) -> Iterator[Share]:
        """Yield all pictures; other files are skipped by their names."""
        loose: list[str] = []
        for name in [self._only] if self._only else self._files.names():
            if kind := _kind_of(name):
                yield from self._shares_in(name, kind)
                continue
            if is_picture(name):
                loose.append(name)
            if len(loose) == PART:
                yield Share("", loose)
                loose = []
        if loose:
            yield Share("", loose)

    def _shares_in(self, container: str, kind: Container) -> Iterator[Share]:
        try:
            with self._files.open(container) as file:
                names = kind.names(file)
        except Exception:  # Damaged files raise errors of any kind. This one is told when it is read.
            names = [""]
        for start in range(0, len(names), kind.most_together):
            yield Share(container, names[start : start + kind.most_together])

    def read(self, share: Share) -> Iterator[bytes | Exception]:
        """Yield the bytes of each picture, or why they cannot be read.

        Raises:
            Unavailable: S3 does not answer.
        """
        kind = _kind_of(share.container)
        for read in self._read_in(share, kind) if kind else self._read_files(share.names):
            if isinstance(read, Unavailable):
                raise read
            if isinstance(read, BaseError):
                raise Unavailable("S3 does not answer any more.") from read
            yield read

    def _read_in(self, share: Share, kind: Container) -> Iterator[bytes | Exception]:
        count = 0
        try:
            with self._files.open(share.container) as file:
                for read in kind.read(file, share.names, self._most_bytes):
                    yield read
                    count += 1
        except Exception as error:  # Damaged files raise errors of any kind.
            yield from [error] * (len(share.names) - count)

    def _read_files(self, names: Iterable[str]) -> Iterator[bytes | Exception]:
        with ThreadPoolExecutor(_READ_AHEAD) as threads:
            coming: deque[Future[bytes | Exception]] = deque()
            for name in names:
                coming.append(threads.submit(self._read_file, name))
                if len(coming) > _READ_AHEAD:
                    yield coming.popleft().result()
            yield from (each.result() for each in coming)

    def _read_file(self, name: str) -> bytes | Exception:
        try:
            return self._files.read(name, self._most_bytes)
        except Exception as error:
            return error


def printable(text: str) -> str:
    r"""Return a text that UTF-8 can hold, with \escapes for the bytes of a file's name that it cannot."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _kind_of(name: str) -> Container | None:
    return KINDS.get(PurePosixPath(name).suffix.lower())


def _files_at(place: str) -> tuple[Files, str | None]:
    """Return the files at a place; if it is one file, its folder and its name there.

    Raises:
        BadRequest: it is none of these.
    """
    if place.startswith(S3):
        parent, _, name = place.rstrip("/").rpartition("/")
        if _kind_of(name) and (files := Bucket(parent)).has(name):
            return files, name
        return Bucket(place), None
    path = Path(place)
    if path.is_dir():
        return Folder(path), None
    if _kind_of(path.name) and path.is_file():
        return Folder(path.parent), path.name
    raise BadRequest(f"{place} is neither a folder nor s3://BUCKET/PREFIX, nor a zip or Parquet file.")
