"""What was read in bulk: a folder of Parquet files, or as many objects in S3, each with the rows of some pictures."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from sys import intern
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from digits.errors import BadRequest
from digits.settings import S3
from digits.uploads.blobs import open_storage

_BOX = pa.struct([(side, pa.int32()) for side in ("x", "y", "width", "height")])
_DIGIT = pa.struct(
    [("digit", pa.int8()), ("confidence", pa.float64()), ("probabilities", pa.list_(pa.float32())), ("box", _BOX)]
)
SCHEMA = pa.schema(
    [
        ("path", pa.string()),
        ("sha256", pa.string()),
        ("number", pa.string()),
        ("text", pa.string()),
        ("confidence", pa.float64()),
        ("recognised", pa.bool_()),
        ("digits", pa.list_(_DIGIT)),
        ("error", pa.string()),
        ("model", pa.string()),
    ]
)
"""A row for each picture. `error` says why nothing was read; what is not known then is null."""

READ = ""
"""Stands for the error of pictures that were read."""
_PREFIX, _SUFFIX = "part-", ".parquet"
_THREADS = 16


class Results:
    """The rows of one model. Each file of them is written completely or not at all, and named after its pictures."""

    def __init__(self, place: str, model: str) -> None:
        """Make the folder.

        Raises:
            BadRequest: there is a file.
        """
        self._place, self._model = place, model
        if not place.startswith(S3):
            if Path(place).is_file():
                raise BadRequest(f"{place} is a file. The results are a folder of Parquet files: name another one.")
            Path(place).mkdir(parents=True, exist_ok=True)
        self._storage = open_storage(place, patient=True)

    def errors(self) -> dict[str, str]:
        """Return the error, or READ, of each picture that has a row, by path; delete what was not written completely.

        Raises:
            BadRequest: another model has read them.
        """
        keys = list(self._storage.every_key())
        self._storage.delete([key for key in keys if key.startswith(f".{_PREFIX}")])
        parts = [key for key in keys if key.startswith(_PREFIX) and key.endswith(_SUFFIX)]
        with ThreadPoolExecutor(_THREADS) as threads:
            return {path: error for errors in threads.map(self._errors_in, parts) for path, error in errors}

    def _errors_in(self, key: str) -> Iterable[tuple[str, str]]:
        table = pq.read_table(BytesIO(self._storage.get(key)), columns=["path", "error", "model"])
        if others := set(table["model"].to_pylist()) - {self._model}:
            raise BadRequest(f"{self._place} has what {others.pop()} read. Name another --out for {self._model}.")
        # Millions of pictures have the same few errors.
        errors = (intern(error or READ) for error in table["error"].to_pylist())
        return zip(table["path"].to_pylist(), errors, strict=True)

    def write(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Keep rows of the SCHEMA; the same pictures replace their rows from before."""
        content = BytesIO()
        pq.write_table(pa.Table.from_pylist(rows, SCHEMA), content)
        paths = "\n".join(row["path"] for row in rows)
        self._storage.put({f"{_PREFIX}{hashlib.sha256(paths.encode()).hexdigest()[:32]}{_SUFFIX}": content.getvalue()})
