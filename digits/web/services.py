"""What the views work with: a few things, made once and passed on."""

from dataclasses import dataclass, field, replace
from typing import cast

from flask import Flask, current_app

from digits.errors import KeyReused, Unsettled
from digits.inference.model_file import CompiledModel, load_compiled
from digits.inference.recogniser import LiteRTRecogniser, Recogniser
from digits.settings import Settings
from digits.uploads.blobs import Storage, open_storage, prepare_storage
from digits.uploads.database import Record, Records, open_records, prepare_records
from digits.uploads.service import Upload, recognise_upload
from digits.uploads.write_batcher import Keeper

KEEP_SECONDS = 30
"""A database that hangs, without a word, is not to hold what only recognises."""


@dataclass(frozen=True, slots=True)
class Services:
    """The settings and what they configure."""

    settings: Settings
    recogniser: Recogniser
    storage: Storage
    records: Records
    keeper: Keeper = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "keeper", Keeper(self.storage, self.records))

    def attach_to(self, app: Flask) -> None:
        app.extensions["digits"] = self


def services() -> Services:
    """Those of the application that answers the present request."""
    return cast("Services", current_app.extensions["digits"])


def recognise(data: bytes) -> Upload:
    """Reads a picture with the services at hand."""
    at_hand = services()
    return recognise_upload(data, at_hand.recogniser, at_hand.settings.max_pixels)


def keep(upload: Upload, idempotency_key: str | None = None) -> Record:
    """Keeps an upload with the services at hand, and returns the record that stands once it is safe.

    Raises KeyReused where that is another picture's.
    """
    named = replace(upload, record=replace(upload.record, idempotency_key=idempotency_key))
    try:
        record = services().keeper.keep(named).result(KEEP_SECONDS)
    except TimeoutError as error:
        raise Unsettled(
            f"Keeping it takes over {KEEP_SECONDS} s, and may succeed or not. Look it up before you try again."
        ) from error
    if record.sha256 != upload.record.sha256:
        raise KeyReused("Another picture came under this Idempotency-Key. Make a new key for each picture.")
    return record


def prepare(settings: Settings) -> CompiledModel:
    """Does once what must be done before any process serves: storage, schema and compiled model, which it returns.

    Raises StartError with a sentence for the first thing that stands in the way.
    """
    prepare_storage(settings.storage)
    prepare_records(settings.database)
    return load_compiled(settings.model)


def open_services(settings: Settings, model: CompiledModel) -> Services:
    """The real ones, on what prepare() has prepared."""
    durable = settings.sync == "full"
    return Services(
        settings=settings,
        recogniser=LiteRTRecogniser(model),
        storage=open_storage(settings.storage, durable=durable),
        records=open_records(settings.database, durable=durable),
    )
