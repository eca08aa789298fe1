"""Working fakes: they keep and find things as the real ones do, only in memory and at once."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import replace
from datetime import datetime

import cv2
import numpy as np
import numpy.typing as npt

from digits.admission.keys import ApiKey
from digits.box import Box
from digits.errors import NotFound, Unavailable
from digits.grids import Grey, Grid, to_grid
from digits.inference.calibration import load_calibration
from digits.inference.detections import Candidate, Sight
from digits.inference.measured import Measured
from digits.inference.model_file import Training
from digits.inference.recogniser import Found, Prediction
from digits.stepwise import Stepwise
from digits.uploads.disagreements import Disagreement
from digits.uploads.models import Cursor, Order, Record, Wanted
from digits.vision.decode import Picture, read_picture
from digits.vision.strip import as_png
from support.drawing import draw

MAX_PIXELS = 25_000_000


class TemplateRecogniser:
    """Reads digits as support/drawing.py draws them: each is connected ink, told by its likeness to ten templates."""

    model = "templates@00000000"
    networks: Mapping[str, str] = {"finder": "00000000"}
    training: Training | None = None
    measured: Measured | None = None
    threshold = 0.5
    calibration = load_calibration()

    def __init__(self) -> None:
        digits = (draw(digit) for digit in "0123456789")
        self._templates = np.stack([_unit(to_grid(digit[Box(*cv2.boundingRect(digit)).window])) for digit in digits])

    def finding(self, grey: Grey) -> Stepwise[Sight]:
        yield from ()
        return self.find(grey)

    def find(self, grey: Grey) -> Sight:
        _, _, stats, _ = cv2.connectedComponentsWithStats((_ink(grey) > 127).astype(np.uint8), connectivity=8)
        tall = stats[1:, cv2.CC_STAT_HEIGHT].max(initial=0)
        boxes = [Box(*each[: cv2.CC_STAT_AREA]) for each in stats[1:].tolist()]
        return Sight([Candidate(box, 0.99, (0.1,) * 10) for box in boxes if box.height > tall / 3])

    def turns(self, grey: Grey) -> int:
        return 0

    def cut(self, grey: Grey, candidates: Sequence[Candidate]) -> list[Found]:
        return [Found(each.box, _ink(grey)[each.box.window], each) for each in candidates]

    def predict(self, grids: Sequence[Grid], candidates: Sequence[Candidate] = ()) -> list[Prediction]:
        return [self._predict(grid) for grid in grids]

    def _predict(self, grid: Grid) -> Prediction:
        likeness = self._templates @ _unit(grid)
        weights = np.exp(20 * likeness)
        probabilities = (weights / weights.sum()).tolist()
        is_digit = 1 / (1 + np.exp(30 * (0.6 - likeness.max())))
        return Prediction(float(is_digit), tuple(probabilities))


def _ink(grey: Grey) -> Grid:
    """How far each pixel is off its paper, which is smooth."""
    small = cv2.resize(grey, (24, 24), interpolation=cv2.INTER_AREA)
    paper = cv2.resize(cv2.medianBlur(small, 15), grey.shape[::-1], interpolation=cv2.INTER_LINEAR)
    off = cv2.GaussianBlur(cv2.absdiff(grey, paper), (3, 3), 0)
    return cv2.convertScaleAbs(off, alpha=255 / off.max()) if off.max() > 16 else np.zeros_like(grey)


def _unit(grid: Grid) -> npt.NDArray[np.float64]:
    values = grid.astype(np.float64).ravel()
    return values / max(1.0, float(np.linalg.norm(values)))


class NearDecoders:
    """Decode in this process, and note what they were sent."""

    def __init__(self) -> None:
        self.read: list[bytes] = []
        self.made_png: list[bytes] = []

    def read_picture(self, data: bytes) -> Picture:
        self.read.append(data)
        return read_picture(data, MAX_PIXELS)

    def as_png(self, data: bytes) -> bytes:
        self.made_png.append(data)
        return as_png(data, MAX_PIXELS)


class OneMoreRecogniser(TemplateRecogniser):
    """Reads each digit as the next one, as a shadow may that was trained on other data."""

    model = "one-more@11111111"

    def _predict(self, grid: Grid) -> Prediction:
        prediction = super()._predict(grid)
        return replace(prediction, probabilities=prediction.probabilities[-1:] + prediction.probabilities[:-1])


class MemoryStorage:
    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def put(self, pictures: Mapping[str, bytes]) -> None:
        self.files.update(pictures)

    def get(self, key: str) -> bytes:
        try:
            return self.files[key]
        except KeyError:
            raise NotFound("The picture of this upload is gone.") from None

    def delete(self, keys: Iterable[str]) -> None:
        for key in keys:
            self.files.pop(key, None)

    def every_key(self) -> Iterator[str]:
        return iter(list(self.files))

    def check(self) -> None:
        pass


class AbsentStorage(MemoryStorage):
    """A storage that does not answer."""

    def put(self, pictures: Mapping[str, bytes]) -> None:
        self.check()

    def check(self) -> None:
        raise Unavailable("The storage does not answer.")


class MemoryRecords:
    def __init__(self) -> None:
        self.rows: dict[str, Record] = {}
        self._owner: str | None = None

    def of(self, owner: str) -> "MemoryRecords":
        theirs = copy(self)
        theirs._owner = owner
        return theirs

    def _is_visible(self, record: Record) -> bool:
        return self._owner in (None, record.owner)

    def add(self, records: Sequence[Record]) -> Sequence[Record]:
        return [self._standing(record) for record in records]

    def _standing(self, record: Record) -> Record:
        if record.idempotency_key:
            for row in self.rows.values():
                if row.idempotency_key == record.idempotency_key:
                    return row
        if record.id in self.rows:
            raise Unavailable("The database does not answer.")
        return self.rows.setdefault(record.id, record)

    def get(self, key: str) -> Record:
        if self.known([key]):
            return self.rows[key]
        raise NotFound("There is no upload with this id.")

    def find(
        self, wanted: Wanted, limit: int, after: Cursor | None = None, order: Order = Order.NEWEST
    ) -> Sequence[Record]:
        found = sorted(self._all(wanted), key=lambda record: record.id, reverse=order is Order.NEWEST)
        if order is Order.DOUBTFUL:
            found.sort(key=lambda record: record.confidence)
            following = [record for record in found if not after or _doubt(record) > _doubt(after)]
        else:
            following = [record for record in found if not after or record.id < after.id]
        return following[:limit]

    def count(self, wanted: Wanted) -> int:
        return len(self._all(wanted))

    def _all(self, wanted: Wanted) -> list[Record]:
        return [
            record
            for record in self.rows.values()
            if self._is_visible(record)
            and (wanted.digit is None or record.number == str(wanted.digit))
            and (wanted.number is None or record.number == wanted.number)
            and (wanted.sha256 is None or record.sha256 == wanted.sha256)
            and (wanted.recognised is None or record.recognised == wanted.recognised)
            and (wanted.labelled is None or (record.label is not None) == wanted.labelled)
            and (wanted.confidence_below is None or record.confidence < wanted.confidence_below)
            and (wanted.since is None or record.created_at >= wanted.since)
            and (wanted.until is None or record.created_at < wanted.until)
        ]

    def label(self, key: str, label: str | None, at: datetime | None) -> Record:
        self.rows[key] = replace(self.get(key), label=label, labelled_at=at)
        return self.rows[key]

    def known(self, keys: Collection[str]) -> set[str]:
        return {key for key in keys if key in self.rows and self._is_visible(self.rows[key])}

    def delete(self, keys: Collection[str]) -> int:
        known = self.known(keys)
        for key in known:
            del self.rows[key]
        return len(known)

    def check(self) -> None:
        pass


class MemoryDisagreements:
    def __init__(self, records: MemoryRecords) -> None:
        self._records = records
        self.rows: dict[tuple[str, str], Disagreement] = {}

    def add(self, disagreement: Disagreement) -> None:
        if disagreement.upload.id in self._records.rows:
            self.rows[disagreement.upload.id, disagreement.shadow] = disagreement

    def find(self, limit: int) -> Sequence[Disagreement]:
        ordered = sorted(sorted(self.rows.values(), key=_shadow), key=_upload_id, reverse=True)
        rows = self._records.rows
        return [replace(each, upload=rows[_upload_id(each)]) for each in ordered if _upload_id(each) in rows][:limit]


def _shadow(disagreement: Disagreement) -> str:
    return disagreement.shadow


def _upload_id(disagreement: Disagreement) -> str:
    return disagreement.upload.id


def _doubt(at: Record | Cursor) -> tuple[float, str]:
    return at.confidence, at.id


class AbsentRecords(MemoryRecords):
    """A database that does not answer."""

    def add(self, records: Sequence[Record]) -> Sequence[Record]:
        self.check()
        return []

    def check(self) -> None:
        raise Unavailable("The database does not answer.")


class MemoryKeys:
    def __init__(self, *keys: ApiKey) -> None:
        self.rows = {key.id: key for key in keys}
        self._version = 0

    def add(self, key: ApiKey) -> None:
        self.rows[key.id] = key
        self._version += 1

    def every(self) -> Sequence[ApiKey]:
        return sorted(self.rows.values(), key=lambda key: key.created_at)

    def revoke(self, key_id: str, at: datetime) -> ApiKey:
        if key_id not in self.rows:
            raise NotFound("There is no key with this id.")
        key = self.rows[key_id]
        self.add(replace(key, revoked_at=key.revoked_at or at))
        return self.rows[key_id]

    def clear(self) -> int:
        count = len(self.rows)
        self.rows.clear()
        self._version += 1
        return count

    def version(self) -> object:
        return self._version

    def signing_secret(self) -> bytes:
        return b"of the tests"


class AbsentKeys(MemoryKeys):
    """A database that does not answer."""

    def version(self) -> object:
        raise Unavailable("The database does not answer.")
