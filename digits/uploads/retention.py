"""Delete old uploads, and pictures without a record; the server runs `python -m digits.uploads.retention` daily."""

import os
import signal
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

from digits.errors import DigitsError
from digits.settings import Settings
from digits.uploads.blobs import Storage, open_storage
from digits.uploads.database import SqlRecords
from digits.uploads.engine import create_engine
from digits.uploads.models import ID, Records, Wanted, first_id

LEFTOVER_AGE = timedelta(hours=1)
"""Longer than any upload takes from writing its picture to writing its record."""
MOST_LEFTOVERS = 100
"""A crash leaves fewer. With the wrong database, all pictures would look like leftovers."""
BATCH = 500
"""Uploads or keys that are handled at once."""
NICENESS = 10
"""Nice value of the process, so that it does not slow down requests."""


@dataclass(frozen=True, slots=True)
class Swept:
    """What was deleted, and what was left."""

    leftovers: int = 0
    """Pictures without a record, and parts of pictures."""
    spared: int = 0
    """Leftovers that were not deleted, because they are too many."""
    old: int = 0
    """Uploads older than the limit."""

    def __str__(self) -> str:
        said = f"Swept: leftovers {self.leftovers:,}, old uploads {self.old:,}."
        if self.spared:
            said += (
                f" Not deleted: pictures without a record, {self.spared:,}, which is more than crashes leave. "
                "If DIGITS_DATABASE is the right one, `digits sweep --all` deletes them."
            )
        return said


def sweep(storage: Storage, records: Records, keep_days: int | None = None, most: int | None = MOST_LEFTOVERS) -> Swept:
    """Delete uploads older than `keep_days`, and leftovers older than an hour unless there are more than `most`.

    Raises:
        Unavailable: the storage or the database fails. Then part is done, and the rest can be done later.
    """
    now = datetime.now(UTC)
    old = delete_before(now - timedelta(days=keep_days), storage, records) if keep_days else 0
    leftovers = _leftovers(storage, records, first_id(now - LEFTOVER_AGE))
    if most is not None and len(leftovers) > most:
        return Swept(spared=len(leftovers), old=old)
    storage.delete(leftovers)
    return Swept(leftovers=len(leftovers), old=old)


def delete_before(time: datetime, storage: Storage, records: Records) -> int:
    """Delete the uploads that arrived before this time, batch by batch, and return how many there were.

    Raises:
        Unavailable: the storage or the database fails. Then part is done, and the rest can be done later.
    """
    deleted = 0
    while found := [record.id for record in records.find(Wanted(until=time), BATCH)]:
        # The pictures first: if that fails, the records are still there to try again.
        storage.delete(found)
        deleted += records.delete(found)
    return deleted


def _leftovers(storage: Storage, records: Records, end: str) -> list[str]:
    """Keys before `end` without a record; not those before the oldest record, which belong to another database."""
    unknown: list[str] = []
    oldest = end
    keys = (key for key in storage.every_key() if ID.fullmatch(_id(key)) and _id(key) < end)
    while batch := list(islice(keys, BATCH)):
        known = records.known({_id(key) for key in batch})
        oldest = min(oldest, *known) if known else oldest
        unknown += [key for key in batch if _id(key) not in known]
    return [key for key in unknown if _id(key) > oldest]


def _id(key: str) -> str:
    return key.removeprefix(".")


def main() -> None:
    """Sweep with the settings of the environment, at low priority, and print what was deleted."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, with which this process ends.
    os.nice(NICENESS)
    try:
        settings = Settings.read()
        records = SqlRecords(create_engine(settings.database))
        swept = sweep(open_storage(settings.storage), records, settings.keep_days)
    except DigitsError as error:
        sys.exit(f"Not swept: {error}")
    if swept != Swept():
        print(swept, flush=True)


if __name__ == "__main__":
    main()
