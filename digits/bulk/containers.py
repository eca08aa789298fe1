"""Files that hold many pictures: zip files, and Parquet with a column of bytes."""

import zipfile
from collections.abc import Iterator, Sequence
from typing import IO, Any, Protocol

import pyarrow.parquet as pq

from digits.bulk.files import refuse_large
from digits.errors import EmptyFile, NotAPicture, TooLarge
from digits.uploads.picture_names import is_picture

_ROWS_AT_ONCE = 64
_BUFFER_BYTES = 1 << 20
"""Of a column at a time; without it, Arrow reads the column of a whole row group, which may be gigabytes."""


class Container(Protocol):
    """One kind of such files. Damaged ones raise errors of any kind."""

    most_together: int
    """Pictures that one worker should read at a time."""

    def names(self, file: IO[bytes]) -> Sequence[str]:
        """Return the names of the pictures in a file, each once."""

    def read(self, file: IO[bytes], names: Sequence[str], most_bytes: int) -> Iterator[bytes | Exception]:
        """Yield the bytes of each of these, or why they cannot be read. What it raises holds for all that follow."""


class Zip:
    """Its members that are pictures by their names, but for hidden ones."""

    most_together = 200

    def names(self, file: IO[bytes]) -> Sequence[str]:
        """In the order of the file."""
        with zipfile.ZipFile(file) as archive:
            return list(dict.fromkeys(name for name in archive.namelist() if is_picture(name) and _is_shown(name)))

    def read(self, file: IO[bytes], names: Sequence[str], most_bytes: int) -> Iterator[bytes | Exception]:
        """One damaged or encrypted member leaves the others readable."""
        with zipfile.ZipFile(file) as archive:
            for name in names:
                try:
                    refuse_large(archive.getinfo(name).file_size, most_bytes)
                    yield archive.read(name)
                except Exception as error:  # Damaged members raise errors of any kind.
                    yield error


class Parquet:
    """The rows of its first column of bytes, such as `bytes`, or `image.bytes` as Hugging Face has it."""

    most_together = 2000
    """To come to a row, those before it in its row group are read too: the more at a time, the less often."""

    def names(self, file: IO[bytes]) -> Sequence[str]:
        """Their numbers in the file, from 0."""
        opened = pq.ParquetFile(file)
        _column(opened)
        return [str(row) for row in range(opened.metadata.num_rows)]

    def read(self, file: IO[bytes], names: Sequence[str], most_bytes: int) -> Iterator[bytes | Exception]:
        """Row group by row group, without those that none of these rows is in."""
        opened = pq.ParquetFile(file, buffer_size=_BUFFER_BYTES)
        column, wanted, first = _column(opened), set(map(int, names)), 0
        for group in range(opened.num_row_groups):
            end = first + opened.metadata.row_group(group).num_rows
            if not wanted.isdisjoint(range(first, end)):
                for row, data in enumerate(_values(opened, group, column), first):
                    if row in wanted:
                        yield _checked(data, most_bytes)
            first = end


KINDS: dict[str, Container] = {".zip": Zip(), ".parquet": Parquet()}
"""By the ending of the file's name."""


def _is_shown(name: str) -> bool:
    return not name.endswith("/") and not any(part.startswith(".") for part in name.split("/"))


def _column(opened: Any) -> str:
    """The path of the first column of bytes.

    Raises:
        NotAPicture: there is none.
    """
    for column in (opened.schema.column(number) for number in range(len(opened.schema))):
        is_bytes = (column.physical_type, column.logical_type.type) == ("BYTE_ARRAY", "NONE")
        if is_bytes and not column.max_repetition_level:  # It is above 0 in lists.
            return str(column.path)
    raise NotAPicture("This Parquet file has no column of bytes (binary).")


def _values(opened: Any, group: int, column: str) -> Iterator[bytes | None]:
    for batch in opened.iter_batches(_ROWS_AT_ONCE, row_groups=[group], columns=[column]):
        values = batch.column(0)
        for _ in range(column.count(".")):
            (values,) = values.flatten()
        yield from (value.as_py() for value in values)


def _checked(data: bytes | None, most_bytes: int) -> bytes | Exception:
    if data is None:
        return EmptyFile("There is nothing in this row.")
    try:
        refuse_large(len(data), most_bytes)
    except TooLarge as error:
        return error
    return data
