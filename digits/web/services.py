"""What the views use: settings, models, storage and database, opened once."""

from dataclasses import dataclass, field, replace
from typing import cast

from flask import Flask, current_app

from digits import metrics
from digits.errors import KeyReused, Unsettled
from digits.inference.model_file import CompiledModel, load_compiled
from digits.inference.recogniser import LiteRTRecogniser, Recogniser
from digits.settings import Settings
from digits.stepwise import PATIENCE, Stepwise
from digits.uploads.blobs import Storage, open_storage
from digits.uploads.database import open_records
from digits.uploads.models import Record, Records
from digits.uploads.pairing import prepare_uploads
from digits.uploads.service import Upload, recognise_upload
from digits.uploads.write_batcher import WriteBatcher


@dataclass(frozen=True, slots=True)
class Services:
    """The settings and what they configure."""

    settings: Settings
    recogniser: Recogniser
    storage: Storage
    records: Records
    batcher: WriteBatcher = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "batcher", WriteBatcher(self.storage, self.records))

    def attach_to(self, app: Flask) -> None:
        """Make services() return these while the application is active."""
        app.extensions["digits"] = self


def services() -> Services:
    """Return the services of the current application."""
    return cast("Services", current_app.extensions["digits"])


def recognise(data: bytes) -> Upload:
    """Read a picture with the current application's models, without keeping it."""
    at_hand = services()
    return recognise_upload(data, at_hand.recogniser, at_hand.settings.max_pixels)


def count_reading(upload: Upload) -> None:
    """Count a picture that was read for a client."""
    metrics.count_upload(upload.record.number, upload.record.confidence, upload.record.recognised)


def keeping(upload: Upload, batcher: WriteBatcher, idempotency_key: str | None = None) -> Stepwise[Record]:
    """Keep an upload, and return its record once it is safe; that of an earlier upload if it has the same key.

    Raises:
        KeyReused: the earlier upload is another picture.
        Unsettled: it takes over PATIENCE seconds.
    """
    named = replace(upload, record=replace(upload.record, idempotency_key=idempotency_key))
    kept = batcher.keep(named)
    metrics.WAITING.inc()
    kept.add_done_callback(lambda _: metrics.WAITING.dec())
    yield kept
    try:
        record = kept.result(0)
    except TimeoutError as error:
        raise Unsettled(
            f"Keeping the upload takes over {PATIENCE} s. It may or may not be kept: look it up before you try again."
        ) from error
    if record.sha256 != upload.record.sha256:
        raise KeyReused("Another picture came under this Idempotency-Key. Make a new key for each picture.")
    return record


def prepare(settings: Settings) -> CompiledModel:
    """Prepare storage, database schema and compiled model, once before any process serves. Return the model.

    Raises:
        StartError: one of them fails; the first one is told.
    """
    prepare_uploads(settings.storage, settings.database)
    return load_compiled(settings.model)


def open_services(settings: Settings, model: CompiledModel) -> Services:
    """Open the real services; prepare() must have run."""
    durable = settings.sync == "full"
    return Services(
        settings=settings,
        recogniser=LiteRTRecogniser(model),
        storage=open_storage(settings.storage, durable=durable),
        records=open_records(settings.database, durable=durable),
    )
