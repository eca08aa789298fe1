r"""Pictures and a labels.csv, which bench/recognition.py and other programs read.

In a label and in a number, `\n` (two characters) separates lines.
"""

import csv
from collections.abc import Mapping, Sequence
from io import StringIO

from digits.uploads.models import Record

LABELS = "labels.csv"
COLUMNS = ("file", "label")
READINGS = "readings.csv"


class Labels:
    """labels.csv has what people wrote, of the labelled pictures; readings.csv has what was read in all."""

    folder = "uploads"

    def __init__(self) -> None:
        self._labels, self._readings = _Table(COLUMNS), _Table(("file", "number", "confidence", "recognised"))

    def takes(self, _: Record) -> bool:
        """Of every picture."""
        return True

    def add(self, record: Record, file: str) -> None:
        """Write a row of the one table or of both."""
        if record.label is not None:
            self._labels.add(file, _one_line(record.label))
        self._readings.add(file, _one_line(record.number), record.confidence, str(record.recognised).lower())

    def files(self) -> Mapping[str, str]:
        """Return both tables."""
        return {LABELS: self._labels.text, READINGS: self._readings.text}


class _Table:
    def __init__(self, columns: Sequence[str]) -> None:
        self._file = StringIO()
        self._rows = csv.writer(self._file, lineterminator="\n")
        self._rows.writerow(columns)

    def add(self, *cells: object) -> None:
        self._rows.writerow(cells)

    @property
    def text(self) -> str:
        return self._file.getvalue()


def _one_line(text: str) -> str:
    return text.replace("\n", "\\n")
