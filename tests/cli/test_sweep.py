"""`digits sweep`."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from click.testing import CliRunner, Result

from digits.cli import main
from digits.cli.store import Store
from digits.settings import Settings
from digits.uploads.models import first_id
from digits.uploads.retention import MOST_LEFTOVERS
from support.records import record
from tests.fakes import AbsentStorage, MemoryDisagreements, MemoryKeys, MemoryRecords, MemoryStorage


def test_sweeping_says_what_was_found(run: Callable[..., Result], keep: Callable[..., str]) -> None:
    keep("1")
    done = run("sweep")
    assert (done.exit_code, done.output) == (0, "Swept: leftovers 0, old uploads 0.\n")


def test_leftovers_that_are_too_many_are_swept_only_on_demand(
    run: Callable[..., Result], storage: MemoryStorage, records: MemoryRecords
) -> None:
    first, leftovers = datetime(2026, 1, 1, tzinfo=UTC), range(1, MOST_LEFTOVERS + 2)
    ids = [f"{first_id(first + timedelta(hours=hour))}-7000-8000-0123456789ab" for hour in (0, *leftovers)]
    storage.put(dict.fromkeys(ids, b"picture"))
    records.add([record(id=ids[0])])
    assert "Not deleted: pictures without a record, 101," in run("sweep").output
    assert run("sweep", "--all").output == "Swept: leftovers 101, old uploads 0.\n"
    assert storage.files.keys() == {ids[0]}


def test_sweeping_without_a_storage_is_told_in_a_sentence(settings: Settings, records: MemoryRecords) -> None:
    class Away(AbsentStorage):
        def every_key(self) -> Iterator[str]:
            self.check()
            return super().every_key()

    store = Store(settings, Away(), records, MemoryKeys(), MemoryDisagreements(records))
    done = CliRunner().invoke(main, ["sweep"], obj=store)
    assert (done.exit_code, done.output.count("\n")) == (1, 1)
    assert done.output.startswith("Error: The storage does not answer.")
