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
from digits.uploads.schema import prepare_records, storages, uploads

MARK = "storage-id"
"""Key in the storage under which it keeps its id."""
SAMPLE = 20
"""Newest uploads whose pictures are looked for. Most must be there: some may be lost, or be in a storage that wrongly
shared the database."""

_log = logging.getLogger(__name__)


def prepare_uploads(place: str, database: str, *, adopt: bool = False) -> None:
    """Prepare the storage and the database at these places, and check that they belong together.

    With `adopt`, a storage without an id gets that of the database, even if none of its pictures is there yet.

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
        f"DIGITS_DATABASE: {engine.url.set(query={})} has the records of another storage than {place}. "
        "Set DIGITS_STORAGE and DIGITS_DATABASE to two that belong together, or DIGITS_DATABASE to a new database. "
        + (
            f"If these do belong together, write {there} into {place}/{MARK}."
            if there
            else "If its pictures are lost for good, delete that database."
        )
    )


def belong_together(storage: Storage, engine: sa.Engine, *, adopt: bool = False) -> bool:
    """Whether storage and database have the same id. If one or both have none, they get one, if it is plausible.

    It is not if the database has records or an id, and the storage does not have most of the newest pictures; unless
    `adopt`.
    """
    with begin(engine) as connection:
        there = connection.scalar(sa.select(storages.c.id))
        newest = connection.scalars(sa.select(uploads.c.id).order_by(uploads.c.id.desc()).limit(SAMPLE)).all()
    # After the database, whose id is committed only once the storage has it.
    mark = picture_in(storage, MARK)
    here = mark.decode(errors="replace").strip() if mark else None
    if here and there:
        return here == there
    fits = 2 * sum(picture_in(storage, key) is not None for key in newest) > len(newest)
    if (there or newest) and not fits and not adopt:
        return False
    wanted = there or here or str(uuid.uuid4())
    insert = import_module(f"sqlalchemy.dialects.{engine.dialect.name}").insert(storages)
    with begin(engine) as connection:
        connection.execute(insert.values(row=1, id=wanted).on_conflict_do_nothing())
        is_ours = connection.scalar(sa.select(storages.c.id)) == wanted
        if is_ours and not here:
            storage.put({MARK: f"{wanted}\n".encode()})
    if not is_ours:  # Another machine was faster, perhaps with the same storage.
        return belong_together(storage, engine)
    if newest and fits:
        _log.warning(
            "The database %s and the storage of its pictures belong together from now on.", engine.url.set(query={})
        )
    return True


if __name__ == "__main__":
    try:
        _pair(*json.load(sys.stdin))
    except DigitsError as problem:
        sys.exit(str(problem))
    # Without Python's farewell, in which obstore's threads may abort a process that has just put an object.
    os._exit(0)
