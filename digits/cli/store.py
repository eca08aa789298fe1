"""Open the uploads that the settings name."""

from dataclasses import dataclass

import click

from digits.admission.database import SqlKeys
from digits.admission.keys import Keys
from digits.settings import Settings
from digits.uploads.blobs import Storage, open_storage
from digits.uploads.database import SqlRecords
from digits.uploads.disagreements import Disagreements, SqlDisagreements
from digits.uploads.engine import create_engine
from digits.uploads.models import Records
from digits.uploads.pairing import prepare_uploads


@dataclass(frozen=True, slots=True)
class Store:
    """The settings, and the storage and database that they name."""

    settings: Settings
    storage: Storage
    records: Records
    keys: Keys
    disagreements: Disagreements


def store() -> Store:
    """Return the store of the current command: the one that it was given, or that of the environment's settings.

    Raises what Settings.read() and prepare_uploads() raise.
    """
    return click.get_current_context().find_object(Store) or opened(Settings.read())


def opened(settings: Settings, *, adopt: bool = False) -> Store:
    """Open the store that these settings name. Raises what prepare_uploads() raises; `adopt` is as there.

    It is durable whatever the settings say: a key that was revoked must not be valid again after a power cut.
    """
    prepare_uploads(settings.storage, settings.database, adopt=adopt)
    engine = create_engine(settings.database)
    return Store(
        settings, open_storage(settings.storage), SqlRecords(engine), SqlKeys(engine), SqlDisagreements(engine)
    )
