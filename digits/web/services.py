"""What the views use: settings, models, storage and database, opened once."""

from copy import copy
from dataclasses import dataclass, field, replace
from typing import Self, cast

from flask import Flask, current_app, g

from digits import metrics
from digits.admission.database import SqlKeys
from digits.admission.keyring import Keyring
from digits.admission.rates import RateLimit, open_rate_limit
from digits.errors import KeyReused, Unsettled
from digits.inference.model_file import CompiledModel, load_compiled
from digits.inference.recogniser import LiteRTRecogniser, Recogniser
from digits.recognition.explanation import explain
from digits.settings import Settings
from digits.stepwise import PATIENCE, Stepwise
from digits.uploads.blobs import Storage, open_storage
from digits.uploads.database import SqlRecords
from digits.uploads.disagreements import SqlDisagreements
from digits.uploads.engine import create_engine
from digits.uploads.models import Record, Records
from digits.uploads.pairing import prepare_uploads
from digits.uploads.service import Upload, recognise_upload, stripped
from digits.uploads.shadow import Shadow
from digits.uploads.write_batcher import WriteBatcher
from digits.vision.decode import Decoders


@dataclass(frozen=True, slots=True)
class Services:
    """The settings and what they configure."""

    settings: Settings
    recogniser: Recogniser
    storage: Storage
    records: Records
    keyring: Keyring
    rate: RateLimit | None = None
    elsewhere: Decoders | None = None
    """Without them, this process decodes all."""
    shadow: Shadow | None = None
    """Reads beside the recogniser, to compare both."""
    owner: str | None = None
    """Whose records these are, and who owns what is kept; None for those of all."""
    batcher: WriteBatcher = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "batcher", WriteBatcher(self.storage, self.records))

    def attach_to(self, app: Flask) -> None:
        """Make services() return these while the application is active."""
        app.extensions["digits"] = self

    def of(self, owner: str) -> Self:
        """Return these for one owner, who sees nobody else's uploads."""
        theirs = copy(self)
        object.__setattr__(theirs, "owner", owner)
        object.__setattr__(theirs, "records", self.records.of(owner))
        return theirs


def services_of(app: Flask) -> Services:
    """Return the services of an application, with the records of all."""
    return cast("Services", app.extensions["digits"])


def services() -> Services:
    """Return the services of the current application, as the current request may use them."""
    return cast("Services", g.get("services") or services_of(current_app))


def recognise(data: bytes) -> Upload:
    """Read a picture with the current application's models, without keeping it."""
    at_hand = services()
    return recognise_upload(data, at_hand.recogniser, at_hand.settings.max_pixels, at_hand.elsewhere)


def explained(data: bytes, at_hand: Services) -> bytes:
    """Read a picture, and return it as a PNG with its ink coloured by how much it decided."""
    return explain(data, at_hand.recogniser, at_hand.settings.max_pixels, at_hand.elsewhere)


def count_reading(upload: Upload) -> None:
    """Count a picture that was read for a client."""
    metrics.count_upload(upload.record.number, upload.record.confidence, upload.record.recognised)


def keeping(upload: Upload, at_hand: Services, idempotency_key: str | None = None) -> Stepwise[Record]:
    """Keep an upload, stripped if the settings say so, and return its record once it is safe.

    If an earlier upload has the same key, it is that one's record.

    Raises:
        KeyReused: the earlier upload is another picture.
        Unsettled: it takes over PATIENCE seconds.
    """
    if at_hand.settings.strip:
        yield None
        upload = stripped(upload, at_hand.settings.max_pixels, at_hand.elsewhere)
    record = replace(upload.record, idempotency_key=idempotency_key, owner=at_hand.owner)
    kept = at_hand.batcher.keep(replace(upload, record=record))
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
    if at_hand.shadow:
        at_hand.shadow.offer(upload, is_kept=record.id == upload.record.id)
    return record


def prepare(settings: Settings) -> CompiledModel:
    """Prepare storage, database schema and compiled model, once before any process serves. Return the model.

    Raises:
        StartError: one of them fails; the first one is told.
    """
    prepare_uploads(settings.storage, settings.database)
    return load_compiled(settings.model)


def open_services(
    settings: Settings, model: CompiledModel, elsewhere: Decoders | None = None, shadow: CompiledModel | None = None
) -> Services:
    """Open the real services; prepare() must have run."""
    durable = settings.sync == "full"
    engine = create_engine(settings.database, durable=durable)
    keyring = Keyring(SqlKeys(engine))
    keyring.follow()
    return Services(
        settings=settings,
        recogniser=LiteRTRecogniser(model),
        storage=open_storage(settings.storage, durable=durable),
        records=SqlRecords(engine),
        keyring=keyring,
        rate=open_rate_limit(settings),
        elsewhere=elsewhere,
        shadow=Shadow(LiteRTRecogniser(shadow), SqlDisagreements(engine), settings.shadow_share) if shadow else None,
    )
