"""Which storage belongs to which database: both keep the same id from the first time that they are used together."""

import json
import logging
import os
import sys
import uuid
from importlib import import_module
from pathlib import Path

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
_EMPTY = (
    "The database is new or empty, and the storage belongs to another one. "
    "Set DIGITS_DATABASE to that one, or DIGITS_STORAGE to a new place."
)

_log = logging.getLogger(__name__)


def prepare_uploads(place: str, database: str, *, adopt: bool = False) -> None:
    """Prepare the storage and the database at these places, and check that they belong together.

    With `adopt`, one that has no id gets that of the other, even if they have nothing in common yet.

    Raises:
        SettingsError: one of them cannot be used, or they do not belong together.
    """
    prepare_storage(place)
    if not place.startswith(S3):
        _pair(place, database, adopt)
    # In a process of its own: this one may fork, which obstore's threads would not survive.
    elif said := complaint("digits.uploads.pairing", told=json.dumps([place, database, adopt])):
        raise SettingsError(said)


def _pair(place: str, database: str, adopt: bool) -> None:
    engine = create_engine(database)
    try:
        advice = _try_to_pair(place, database, engine, adopt)
    except (Unavailable, StorageFull) as error:
        raise SettingsError(f"{place} cannot be marked as the storage of the database: {error}") from error
    finally:
        engine.dispose()
    if advice:
        raise SettingsError(
            f"DIGITS_DATABASE: {engine.url.set(query={})} and DIGITS_STORAGE: {place} do not belong together. {advice}"
        )


def _try_to_pair(place: str, database: str, engine: sa.Engine, adopt: bool) -> str | None:
    """Prepare the database and pair both; return how to go on if they do not belong together."""
    storage = open_storage(place)
    is_used = picture_in(storage, MARK) is not None or _has_pictures(storage)
    # After the storage, which is marked only once the database has its file.
    if is_used and not adopt and _has_no_file(engine):
        return _EMPTY
    prepare_records(database)
    if belong_together(storage, engine, adopt=adopt):
        return None
    with begin(engine) as connection:
        there = connection.scalar(sa.select(storages.c.id))
        is_empty = connection.scalar(sa.select(uploads.c.id).limit(1)) is None
    if is_empty and _has_pictures(storage):
        return _EMPTY
    return (
        "Set them to two that do, or both to new ones; `digits move` copies uploads. "
        f"If these do belong together, write {there} into {place}/{MARK}."
    )


def _has_pictures(storage: Storage) -> bool:
    return any(map(ID.fullmatch, storage.every_key()))


def _has_no_file(engine: sa.Engine) -> bool:
    return engine.dialect.name == "sqlite" and not Path(engine.url.database or "").exists()


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
    are_new = not (here or there or some or _has_pictures(storage))
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
