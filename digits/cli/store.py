"""Open the uploads that the settings name."""

from dataclasses import dataclass

import click

from digits.settings import Settings
from digits.uploads.blobs import Storage, open_storage, prepare_storage
from digits.uploads.database import open_records
from digits.uploads.models import Records
from digits.uploads.schema import prepare_records


@dataclass(frozen=True, slots=True)
class Store:
    """The settings, and the storage and database that they name."""

    settings: Settings
    storage: Storage
    records: Records


def store() -> Store:
    """Return the store of the current command: the one that it was given, or that of the environment's settings.

    Raises what Settings.read(), prepare_storage() and prepare_records() raise.
    """
    return click.get_current_context().find_object(Store) or opened(Settings.read())


def opened(settings: Settings) -> Store:
    """Open the store that these settings name. Raises what prepare_storage() and prepare_records() raise."""
    prepare_storage(settings.storage)
    prepare_records(settings.database)
    durable = settings.sync == "full"
    return Store(
        settings,
        open_storage(settings.storage, durable=durable),
        open_records(settings.database, durable=durable),
    )
