"""Which storage belongs to which database: both keep the same id from the first time that they are used together."""

import json
import logging
import os
import sys
import uuid
from importlib import import_module

import sqlalchemy as sa

from digits.errors import DigitsError, SettingsError, StorageFull, Unavailable
from digits.settings import S3
from digits.subprocesses import complaint
from digits.uploads.blobs import Storage, open_storage, picture_in, prepare_storage
from digits.uploads.engine import begin, create_engine
from digits.uploads.models import ID
from digits.uploads.schema import prepare_records, storages, uploads

MARK = "storage-id"
"""Key in the storage under which it keeps its id."""
SAMPLE = 20
"""Newest and oldest uploads whose pictures are looked for."""

_log = logging.getLogger(__name__)


def prepare_uploads(place: str, database: str, *, adopt: bool = False) -> None:
    """Prepare the storage and the database at these places, and check that they belong together.

    With `adopt`, one that has no id gets that of the other, even if they have nothing in common yet.

    Raises:
        SettingsError: one of them cannot be used, or they do not belong together.
    """
    prepare_storage(place)
    prepare_records(database)
    if not place.startswith(S3):
        _pair(place, database, adopt)
    # In a process of its own: this one may fork, which obstore's threads would not survive.
    elif said := complaint("digits.uploads.pairing", told=json.dumps([place, database, adopt])):
        raise SettingsError(said)


def _pair(place: str, database: str, adopt: bool) -> None:
    engine = create_engine(database)
    try:
        if belong_together(open_storage(place), engine, adopt=adopt):
            return
        with begin(engine) as connection:
            there = connection.scalar(sa.select(storages.c.id))
    except (Unavailable, StorageFull) as error:
        raise SettingsError(f"{place} cannot be marked as the storage of the database: {error}") from error
    finally:
        engine.dispose()
    raise SettingsError(
        f"DIGITS_DATABASE: {engine.url.set(query={})} and DIGITS_STORAGE: {place} do not belong together. "
        "Set them to two that do, or both to new ones; `digits move` copies uploads. "
        f"If these do belong together, write {there} into {place}/{MARK}."
    )


def belong_together(storage: Storage, engine: sa.Engine, *, adopt: bool = False) -> bool:
    """Whether storage and database have the same id. If one of them or both have none, they get it if they may.

    They may if both are new, to `adopt` each other, or if the storage has a picture of the database; all pictures that
    are looked for, if the database had an id before: that of a copy, or of another storage.
    """
    with begin(engine) as connection:
        there = connection.scalar(sa.select(storages.c.id))
        some = {
            key
            for order in (uploads.c.id, uploads.c.id.desc())
            for key in connection.scalars(sa.select(uploads.c.id).order_by(order).limit(SAMPLE))
        }
    # After the database, whose id is committed only once the storage has it.
    mark = picture_in(storage, MARK)
    here = mark.decode(errors="replace").strip() if mark else None
    if here and there:
        return here == there
    found = [picture_in(storage, key) is not None for key in some]
    are_new = not (here or there or some or any(map(ID.fullmatch, storage.every_key())))
    may = adopt or are_new or (any(found) and (all(found) or not there))
    # If they may not, the database gets an id all the same, for the sentence that says how to go on.
    wanted = there or (here if may else None) or str(uuid.uuid4())
    insert = import_module(f"sqlalchemy.dialects.{engine.dialect.name}").insert(storages)
    with begin(engine) as connection:
        connection.execute(insert.values(row=1, id=wanted).on_conflict_do_nothing())
        agreed = connection.scalar(sa.select(storages.c.id))
        if may and not here and agreed == wanted:
            storage.put({MARK: f"{wanted}\n".encode()})
    if agreed != wanted:  # Another machine was faster, perhaps with the same storage.
        return belong_together(storage, engine)
    if may and some:
        _log.warning(
            "The database %s and the storage of its pictures belong together from now on.", engine.url.set(query={})
        )
    return may


if __name__ == "__main__":
    try:
        _pair(*json.load(sys.stdin))
    except DigitsError as problem:
        sys.exit(str(problem))
    # Without Python's farewell, in which obstore's threads may abort a process that has just put an object.
    os._exit(0)
