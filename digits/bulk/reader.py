"""One worker of bulk recognition: it reads pictures as the service does, and keeps a row for each."""

import hashlib
from collections import Counter
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

import cv2

from digits.bulk.results import READ, SCHEMA, Results
from digits.bulk.source import PART, Share, Source, printable
from digits.errors import Busy, DigitsError
from digits.inference.model_file import CompiledModel
from digits.inference.recogniser import LiteRTRecogniser
from digits.memory import keep_memory
from digits.server.companions import own_decoders
from digits.uploads.service import recognise_upload
from digits.vision.decode_limits import NOTHING_QUICK


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be read, by what, and where the results go."""

    source: str
    results: str
    model: CompiledModel
    max_bytes: int
    max_pixels: int


class Reader:
    """Reads shares of a job, one after the other. All decoding is done in processes that may die of a picture."""

    def __init__(self, job: Job) -> None:
        keep_memory()
        cv2.setNumThreads(1)
        self._max_pixels = job.max_pixels
        self._recogniser = LiteRTRecogniser(job.model)
        self._source = Source(job.source, job.max_bytes)
        self._results = Results(job.results, job.model.description.name)
        self._elsewhere = own_decoders(job.max_pixels)

    def read(self, share: Share) -> Counter[str]:
        """Read all pictures of a share, and return how many have each error.

        Raises:
            Unavailable: source or results do not answer.
        """
        errors: Counter[str] = Counter()
        pictures = zip(share.paths, self._source.read(share), strict=True)
        while rows := [self._row(path, data) for path, data in islice(pictures, PART)]:
            self._results.write(rows)
            errors.update(row["error"] or READ for row in rows)
        return errors

    def _row(self, path: str, data: bytes | Exception) -> dict[str, Any]:
        row = dict.fromkeys(SCHEMA.names) | {"path": path, "model": self._recogniser.model}
        if isinstance(data, Exception):
            return row | {"error": _sentence(data)}
        row["sha256"] = hashlib.sha256(data).hexdigest()
        try:
            record = recognise_upload(data, self._recogniser, self._max_pixels, self._elsewhere, NOTHING_QUICK).record
        except Busy:  # Nothing is wrong with the picture.
            raise
        except Exception as error:  # One picture never stops the others.
            return row | {"error": _sentence(error)}
        return row | {
            "number": record.number,
            "text": record.text,
            "confidence": record.confidence,
            "recognised": record.recognised,
            "digits": [asdict(digit) for digit in record.digits],
        }


def _sentence(error: Exception) -> str:
    """Say why a picture was not read."""
    if isinstance(error, DigitsError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"It cannot be read: {error.strerror}."
    return printable(f"It is damaged: {error}.")
