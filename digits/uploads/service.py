"""An upload from its bytes to its record, by way of picture, boxes, ink, grids and predictions."""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import uuid_utils

from digits.errors import Unavailable, Unsettled
from digits.grids import Grid
from digits.inference.recogniser import Recogniser
from digits.recognition.pipeline import Glyph, Reading, reading
from digits.stepwise import Stepwise, finished
from digits.timings import Timings
from digits.uploads.blobs import Storage
from digits.uploads.models import EPOCH, Digit, Record, Records
from digits.vision.decode import Decoders, Picture, decoding
from digits.vision.decode_limits import DecodeConfig
from digits.vision.strip import strip

DECIMALS = 6
"""Of probabilities in records and answers."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A picture as it was sent, or as it is kept; what was read in it, and each digit that was found."""

    data: bytes = field(repr=False)
    record: Record
    glyphs: Sequence[Glyph] = field(repr=False)

    @property
    def grids(self) -> list[Grid]:
        """The grid of each digit."""
        return [glyph.grid for glyph in self.glyphs]


def recognise_upload(
    data: bytes,
    recogniser: Recogniser,
    max_pixels: int,
    elsewhere: Decoders | None = None,
    config: DecodeConfig = DecodeConfig(),
) -> Upload:
    """Read a picture without keeping it. Raises what read_picture and read_digits raise."""
    return finished(recognition(data, recogniser, max_pixels, Timings(), elsewhere, config))


def recognition(
    data: bytes,
    recogniser: Recogniser,
    max_pixels: int,
    timings: Timings,
    elsewhere: Decoders | None = None,
    config: DecodeConfig = DecodeConfig(),
) -> Stepwise[Upload]:
    """Do what recognise_upload does, step by step: a picture that is large or in doubt takes long."""
    picture = yield from timings.steps("decode", decoding(data, max_pixels, config, elsewhere))
    read = yield from reading(picture.grey, recogniser, timings)
    return Upload(data, _record(data, picture, read, recogniser), read.glyphs)


def stripped(upload: Upload, max_pixels: int, elsewhere: Decoders | None = None) -> Upload:
    """Return an upload whose picture has no metadata; its record tells of that picture. Raises what strip raises."""
    data, is_png = strip(upload.data, max_pixels, elsewhere)
    told = replace(
        upload.record,
        sha256=hashlib.sha256(data).hexdigest(),
        bytes=len(data),
        format="PNG" if is_png else upload.record.format,
    )
    return replace(upload, data=data, record=told)


def keep_uploads(uploads: Sequence[Upload], storage: Storage, records: Records) -> Sequence[Record]:
    """Keep the pictures, then their records: once this returns all are safe, and if it raises none is kept.

    Return the record of each upload. If an earlier upload has the same idempotency key, that is its record, and the
    later picture is not kept.

    Raises:
        Unsettled: the records may or may not be kept, and so the pictures are.
    """
    pictures = {upload.record.id: upload.data for upload in uploads}
    try:
        storage.put(pictures)
        standing = records.add([upload.record for upload in uploads])
    except Unsettled:
        raise
    except BaseException:
        with suppress(Exception):  # The first error matters; the sweep deletes what is left.
            storage.delete(pictures)
        raise
    if repeated := pictures.keys() - {record.id for record in standing}:
        with suppress(Unavailable):  # All that should be kept is; the sweep deletes the rest.
            storage.delete(repeated)
    return standing


def delete_upload(key: str, storage: Storage, records: Records) -> None:
    """Delete an upload, its picture first: if that fails, the record is still there to try again.

    Raises:
        NotFound: there is no such upload.
    """
    records.get(key)
    storage.delete([key])
    records.delete([key])


def now() -> datetime:
    """Return the time in UTC, in whole milliseconds, as answers show it."""
    time = datetime.now(UTC)
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


def _record(data: bytes, picture: Picture, reading: Reading, recogniser: Recogniser) -> Record:
    key = uuid_utils.uuid7()
    height, width = picture.grey.shape
    across, down = picture.width / width, picture.height / height
    return Record(
        id=str(key),
        created_at=EPOCH + timedelta(milliseconds=key.timestamp),
        sha256=hashlib.sha256(data).hexdigest(),
        format=picture.format,
        width=picture.width,
        height=picture.height,
        bytes=len(data),
        model=recogniser.model,
        networks=recogniser.networks,
        number=reading.number,
        text=reading.text,
        confidence=round(reading.confidence, DECIMALS),
        recognised=reading.confidence >= recogniser.threshold,
        digits=tuple(
            Digit(
                digit=prediction.digit,
                confidence=round(prediction.confidence, DECIMALS),
                probabilities=tuple(round(probability, DECIMALS) for probability in prediction.probabilities),
                box=glyph.box.scaled(across, down),
            )
            for glyph, prediction in zip(reading.glyphs, reading.predictions, strict=True)
        ),
    )
