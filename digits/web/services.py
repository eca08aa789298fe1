"""What the views work with: settings, models, storage and database, opened once."""

from dataclasses import dataclass, field, replace
from typing import cast

from flask import Flask, current_app

from digits.errors import KeyReused, Unsettled
from digits.inference.model_file import CompiledModel, load_compiled
from digits.inference.recogniser import LiteRTRecogniser, Recogniser
from digits.settings import Settings
from digits.stepwise import PATIENCE, Stepwise
from digits.uploads.blobs import Storage, open_storage, prepare_storage
from digits.uploads.database import open_records
from digits.uploads.models import Record, Records
from digits.uploads.schema import prepare_records
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
        app.extensions["digits"] = self


def services() -> Services:
    """The services of the current application."""
    return cast("Services", current_app.extensions["digits"])


def recognise(data: bytes) -> Upload:
    """Reads a picture with the current application's models."""
    at_hand = services()
    return recognise_upload(data, at_hand.recogniser, at_hand.settings.max_pixels)


def keeping(upload: Upload, batcher: WriteBatcher, idempotency_key: str | None = None) -> Stepwise[Record]:
    """Keeps an upload, and returns the record that stands once it is safe.

    Raises KeyReused where that is another picture's, and Unsettled where it takes too long to tell.
    """
    named = replace(upload, record=replace(upload.record, idempotency_key=idempotency_key))
    kept = batcher.keep(named)
    yield kept
    try:
        record = kept.result(0)
    except TimeoutError as error:
        raise Unsettled(
            f"Keeping it takes over {PATIENCE} s, and may succeed or not. Look it up before you try again."
        ) from error
    if record.sha256 != upload.record.sha256:
        raise KeyReused("Another picture came under this Idempotency-Key. Make a new key for each picture.")
    return record


def prepare(settings: Settings) -> CompiledModel:
    """Prepares storage, database schema and compiled model, once before any process serves. Returns the model.

    Raises StartError with a sentence for the first thing that stands in the way.
    """
    prepare_storage(settings.storage)
    prepare_records(settings.database)
    return load_compiled(settings.model)


def open_services(settings: Settings, model: CompiledModel) -> Services:
    """Opens the real services; prepare() must have run."""
    durable = settings.sync == "full"
    return Services(
        settings=settings,
        recogniser=LiteRTRecogniser(model),
        storage=open_storage(settings.storage, durable=durable),
        records=open_records(settings.database, durable=durable),
    )
