"""`digits drift`."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from click.testing import CliRunner, Result

from digits.cli import main
from digits.cli.store import Store
from digits.errors import Unavailable
from digits.settings import Settings
from digits.uploads.models import Record, first_id
from support.records import record
from tests.fakes import MemoryDisagreements, MemoryKeys, MemoryRecords, MemoryStorage


def test_drift_is_told_and_shown_by_the_status(run: Callable[..., Result], records: MemoryRecords) -> None:
    def add(days_ago: int, **values: object) -> None:
        at = datetime.now(UTC) - timedelta(days=days_ago)
        records.add(
            [record(id=f"{first_id(at)}-7000-8000-{number:012x}", created_at=at, **values) for number in range(60)]
        )

    add(10)
    assert run("drift").output.startswith("Too few uploads to compare: 0 in the last 7 days, 60 in")
    add(1)
    same = run("drift")
    assert (same.exit_code, same.output.startswith("Nothing changed in the last 7 days (60 uploads)")) == (0, True)
    assert (run("drift", "--quiet").exit_code, run("drift", "--quiet").output) == (0, "")
    add(2, recognised=False)
    changed = run("drift", "--quiet")
    assert changed.exit_code == 3
    assert "50.0% are not recognised, instead of 0.0%." in changed.output
    assert run("drift", "--days", "1", "--before", "3").exit_code == 0


def test_drift_without_a_database_is_told_in_a_sentence(settings: Settings) -> None:
    class Away(MemoryRecords):
        def find(self, *_: object, **__: object) -> list[Record]:
            raise Unavailable("The database does not answer.")

    away = Away()
    store = Store(settings, MemoryStorage(), away, MemoryKeys(), MemoryDisagreements(away))
    done = CliRunner().invoke(main, ["drift"], obj=store)
    assert (done.exit_code, done.output) == (1, "Error: The database does not answer.\n")
