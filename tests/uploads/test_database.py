"""The contract of the records, which every backend keeps, and the schema's history."""

import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from digits.errors import NotFound, SettingsError, StorageFull, Unavailable, Unsettled
from digits.uploads import selects
from digits.uploads.database import SqlRecords, _row
from digits.uploads.engine import create_engine
from digits.uploads.models import Cursor, Order, Record, Records, Wanted, every, first_id
from digits.uploads.schema import SCHEMA, metadata, migrate, prepare_records, uploads
from digits.uploads.selects import RARE
from support.backends import PostgreSQL
from support.records import record
from tests.databases import POSTGRESQL, made
from tests.fakes import MemoryRecords


@pytest.fixture
def records(engine: sa.Engine | None) -> Records:
    return SqlRecords(engine) if engine else MemoryRecords()


@pytest.fixture(params=["sqlite", POSTGRESQL])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of a database in which there is nothing yet."""
    return f"sqlite:///{tmp_path}/uploads.db" if request.param == "sqlite" else request.getfixturevalue("database")


def alembic() -> Config:
    config = Config()
    config.set_main_option("script_location", "digits.uploads:migrations")
    return config


def downgrade(engine: sa.Engine, revision: str) -> None:
    config = alembic()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, revision)


def test_a_record_comes_back_as_it_was(records: Records) -> None:
    kept = record()
    records.add([kept])
    assert records.get(kept.id) == kept


def test_an_unknown_record_is_not_found(records: Records) -> None:
    with pytest.raises(NotFound):
        records.get(record().id)


def test_a_label_is_kept_with_its_time_until_it_is_taken_back(records: Records) -> None:
    kept = record()
    records.add([kept])
    at = datetime(2026, 11, 26, 8, 0, 0, 5000, UTC)
    labelled = replace(kept, label="71", labelled_at=at)
    assert records.label(kept.id, "71", at) == labelled == records.get(kept.id)
    assert records.label(kept.id, None, None) == kept == records.get(kept.id)
    with pytest.raises(NotFound):
        records.label(record().id, "7", at)


def test_deleted_records_are_gone(records: Records) -> None:
    rows = [record() for _ in range(3)]
    records.add(rows)
    assert records.delete([rows[0].id, rows[2].id, record().id]) == 2
    assert records.find(Wanted(), 10) == [rows[1]]
    assert records.delete([rows[0].id]) == 0


def test_the_first_record_stands_for_all_with_its_idempotency_key(records: Records) -> None:
    first, again, other, without = (record(idempotency_key=key) for key in ("a", "a", "b", None))
    assert records.add([first]) == [first]
    assert records.add([without, again, other]) == [without, first, other]
    assert records.find(Wanted(), 10) == sorted([first, other, without], key=lambda row: row.id, reverse=True)
    third, same = record(idempotency_key="c"), record(idempotency_key="c")
    assert records.add([third, same]) == [third, third]


def test_of_many_at_once_with_one_idempotency_key_one_stands(records: Records) -> None:
    def add(number: int) -> set[str]:
        keys = ("one", "two") if number % 2 else ("two", "one")
        return {row.id for row in records.add([record(idempotency_key=key) for key in keys])}

    with ThreadPoolExecutor(8) as threads:
        standing = set().union(*threads.map(add, range(40)))
    assert len(standing) == records.count(Wanted()) == 2
    assert records.known(standing) == standing


def test_an_idempotency_key_is_free_again_once_its_record_is_deleted(records: Records) -> None:
    first, again = record(idempotency_key="a"), record(idempotency_key="a")
    records.add([first])
    records.delete([first.id])
    assert records.add([again]) == [again]


def test_an_owner_has_only_what_was_sent_with_its_keys(records: Records) -> None:
    mine, other, without = (record(owner=owner, label="7") for owner in ("me", "you", None))
    records.add([mine, other, without])
    own = records.of("me")
    for wanted in (Wanted(), Wanted(labelled=True), Wanted(number="77"), Wanted(confidence_below=1)):
        for order in Order:
            assert own.find(wanted, 10, order=order) == [mine]
        assert own.count(wanted) == 1
    assert own.get(mine.id) == mine
    assert own.known([mine.id, other.id, without.id]) == {mine.id}
    for hidden in (other, without):
        with pytest.raises(NotFound):
            own.get(hidden.id)
        with pytest.raises(NotFound):
            own.label(hidden.id, "1", NOON)
    assert own.delete([mine.id, other.id, without.id]) == 1
    assert records.find(Wanted(), 10) == sorted([other, without], key=lambda row: row.id, reverse=True)
    assert records.get(other.id) == other


def test_it_is_known_which_there_are(records: Records) -> None:
    rows = [record() for _ in range(3)]
    records.add(rows)
    assert records.known([rows[0].id, record().id, rows[2].id]) == {rows[0].id, rows[2].id}
    assert records.known([]) == set()


def test_pages_run_from_the_newest_and_stay_right_while_rows_arrive(records: Records) -> None:
    first = [record() for _ in range(5)]
    for row in first:
        records.add([row])
    page = records.find(Wanted(), 2)
    records.add([record()])
    following = records.find(Wanted(), 10, after=Cursor(page[-1].id, 0))
    assert [row.id for row in [*page, *following]] == [row.id for row in reversed(first)]


def at(milliseconds: int, **values: object) -> Record:
    """One that arrived then."""
    time = NOON + timedelta(milliseconds=milliseconds)
    return record(id=f"{first_id(time)}-7000-8000-{milliseconds + 1000:012x}", created_at=time, **values)


NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
HISTORY = [
    at(0, number="7", confidence=0.9),
    at(1, number="7", confidence=0.3, recognised=False, label="1"),
    at(2, number="77", confidence=0.3, recognised=False),
    at(3, number="1", confidence=0.3, recognised=False, label=""),
    at(5, number="7", confidence=0.7, sha256="a" * 64),
    at(1000, number="7\n0", confidence=1.0),
]


@pytest.mark.parametrize(
    ("wanted", "places"),
    [
        (Wanted(), [5, 4, 3, 2, 1, 0]),
        (Wanted(digit=7), [4, 1, 0]),
        (Wanted(digit=0), []),
        (Wanted(number="7"), [4, 1, 0]),
        (Wanted(number="77"), [2]),
        (Wanted(number="7\n0"), [5]),
        (Wanted(number="70"), []),
        (Wanted(digit=7, number="77"), []),
        (Wanted(sha256="a" * 64), [4]),
        (Wanted(sha256="b" * 64), []),
        (Wanted(number="7", sha256="a" * 64, confidence_below=0.9), [4]),
        (Wanted(recognised=False), [3, 2, 1]),
        (Wanted(recognised=True), [5, 4, 0]),
        (Wanted(labelled=True), [3, 1]),
        (Wanted(labelled=False), [5, 4, 2, 0]),
        (Wanted(confidence_below=0.7), [3, 2, 1]),
        (Wanted(confidence_below=0.3), []),
        (Wanted(since=NOON + timedelta(milliseconds=2)), [5, 4, 3, 2]),
        (Wanted(since=NOON + timedelta(milliseconds=1, microseconds=1)), [5, 4, 3, 2]),
        (Wanted(until=NOON + timedelta(milliseconds=2)), [1, 0]),
        (Wanted(until=NOON + timedelta(milliseconds=2, microseconds=1)), [2, 1, 0]),
        (Wanted(since=datetime(1, 1, 1, tzinfo=UTC), until=datetime(9999, 12, 31, tzinfo=UTC)), [5, 4, 3, 2, 1, 0]),
        (Wanted(digit=7, recognised=False, labelled=True, confidence_below=0.5, since=NOON), [1]),
        (Wanted(recognised=True, confidence_below=0.95), [4, 0]),
    ],
)
@pytest.mark.parametrize("rare", [0, RARE])
@pytest.mark.parametrize("owner", [None, "me"])
def test_what_is_wanted_is_found_page_by_page_and_counted(
    records: Records, monkeypatch: pytest.MonkeyPatch, wanted: Wanted, places: list[int], rare: int, owner: str | None
) -> None:
    monkeypatch.setattr("digits.uploads.selects.RARE", rare)
    history = [replace(row, owner=owner) for row in HISTORY]
    records.add(history)
    if owner:
        records.add([record(owner="you")])
        records = records.of(owner)
    assert records.count(wanted) == len(places)
    newest = [history[place] for place in places]
    assert pages(records, wanted, Order.NEWEST) == newest
    assert pages(records, wanted, Order.DOUBTFUL) == sorted(newest, key=lambda row: (row.confidence, row.id))


def pages(records: Records, wanted: Wanted, order: Order) -> list[Record]:
    """All that is found, two at a time."""
    found: list[Record] = []
    after = None
    while page := records.find(wanted, 2, after, order):
        found += page
        after = Cursor(page[-1].id, page[-1].confidence)
    return found


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        (Wanted(), "uploads_of_owner"),
        (Wanted(number="7"), "uploads_of_owner_by_number"),
        (Wanted(recognised=False), "uploads_of_owner_by_recognised"),
        (Wanted(sha256="0"), "uploads_of_owner_by_sha256"),
        (Wanted(labelled=True), "uploads_of_owner_labelled"),
        (Wanted(confidence_below=0.5), "uploads_of_owner_by_confidence"),
    ],
)
def test_an_index_finds_what_an_owner_wants(tmp_path: Path, wanted: Wanted, index: str) -> None:
    with made(f"sqlite:///{tmp_path}/uploads.db") as engine, engine.connect() as connection:
        query = selects.page(connection, wanted, (uploads.c.owner == "me",), None, Order.NEWEST)
        text = query.limit(20).compile(engine, compile_kwargs={"literal_binds": True})
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}").all()
    assert f"INDEX {index} (owner=?" in "".join(step[-1] for step in plan)


def test_all_are_gone_through_page_by_page(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("digits.uploads.models.PAGE", 2)
    records.add(HISTORY)
    assert list(every(records, Wanted())) == HISTORY[::-1]
    assert list(every(records, Wanted(digit=7))) == [HISTORY[place] for place in (4, 1, 0)]


def test_an_id_is_taken_once(records: Records) -> None:
    kept = record()
    records.add([kept])
    with pytest.raises(Unavailable):
        records.add([replace(kept, number="1")])
    assert records.find(Wanted(), 10) == [kept]


def test_records_that_work_pass_their_check(records: Records) -> None:
    records.check()


@pytest.mark.parametrize("file", ["missing/uploads.db", "empty.db"])
def test_a_database_that_cannot_be_opened_or_has_no_table_is_unavailable(tmp_path: Path, file: str) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/{file}")
    with pytest.raises(Unavailable):
        SqlRecords(engine).check()
    engine.dispose()


def test_nothing_is_kept_in_a_file_that_was_moved_away_or_in_a_new_one(tmp_path: Path) -> None:
    here, away = tmp_path / "uploads.db", tmp_path / "away.db"
    with made(f"sqlite:///{here}") as engine:
        records = SqlRecords(engine)
        here.rename(away)
        for _ in range(3):
            with pytest.raises(Unavailable, match="was moved, deleted or replaced"):
                records.add([record()])
        assert not here.exists()
        away.rename(here)
        records.add([record()])


def test_a_database_that_cannot_be_opened_is_told_before_it_is_used(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/missing/uploads.db"
    with pytest.raises(SettingsError) as told:
        prepare_records(url)
    assert str(told.value) == f"DIGITS_DATABASE: {url} cannot be used: unable to open database file."


def test_a_full_disk_is_told_as_such(tmp_path: Path) -> None:
    with made(f"sqlite:///{tmp_path}/uploads.db") as engine:
        sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("PRAGMA max_page_count = 1"))
        with pytest.raises(StorageFull, match="There is no room to keep the record"):
            SqlRecords(engine).add([record(number="7" * 1_000_000)])


LOST = sa.exc.DBAPIError("", None, Exception("lost"), connection_invalidated=True)
FAILED = sa.exc.DBAPIError("", None, Exception("failed"))


@pytest.mark.parametrize(
    ("moment", "failure", "error"),
    [
        ("commit", LOST, Unsettled),
        ("commit", FAILED, Unavailable),
        ("commit", sa.exc.TimeoutError(), Unavailable),
        ("begin", LOST, Unavailable),
    ],
)
def test_only_a_connection_lost_in_the_commit_leaves_it_unsettled(
    tmp_path: Path, moment: str, failure: Exception, error: type[Exception]
) -> None:
    def fail(_: object) -> None:
        raise failure

    with made(f"sqlite:///{tmp_path}/uploads.db") as engine:
        sa.event.listen(engine, moment, fail)
        with pytest.raises((Unsettled, Unavailable)) as told:
            SqlRecords(engine).add([record()])
    assert type(told.value) is error
    assert str(told.value).startswith(
        "The connection to the database was lost during the commit" if error is Unsettled else "The database does not"
    )


@pytest.mark.parametrize("url", ["postgresql+psycopg://me:secret@here:port/digits", "postgresql+psycopg:/me:secret"])
def test_a_url_that_is_none_is_told_without_its_password(url: str) -> None:
    with pytest.raises(SettingsError, match=r"DIGITS_DATABASE: it is not of the form postgresql://") as told:
        create_engine(url)
    assert "secret" not in str(told.value)


@pytest.mark.parametrize("folder", ["a?b", "100%25", "with space", "ä#b"])
def test_a_database_lies_where_it_is_said_to(tmp_path: Path, folder: str) -> None:
    (tmp_path / folder).mkdir()
    engine = create_engine(f"sqlite:///{tmp_path}/{folder}/uploads.db")
    migrate(engine)
    engine.dispose()
    assert (tmp_path / folder / "uploads.db").is_file()


def test_the_migrations_make_the_tables_that_the_code_knows(url: str) -> None:
    with made(url) as engine:
        migrate(engine)
        with engine.connect() as connection:
            assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_a_database_that_is_up_to_date_is_not_migrated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def upgrade(*_: object) -> None:
        raise AssertionError("It is migrated again")

    with made(f"sqlite:///{tmp_path}/uploads.db") as engine:
        monkeypatch.setattr("alembic.command.upgrade", upgrade)
        migrate(engine)


def test_records_from_before_signs_were_told_have_their_number_as_text(url: str) -> None:
    with made(url) as engine:
        records, earlier = SqlRecords(engine), record(number="7")
        records.add([earlier])
        with engine.begin() as connection:
            connection.execute(sa.update(uploads).values(text=None))
        assert records.get(earlier.id).text == "7"


def test_records_from_before_networks_were_told_have_none(url: str) -> None:
    with made(url) as engine:
        records, earlier = SqlRecords(engine), record(networks=None)
        downgrade(engine, "0004")
        older = [sa.column(each.name, each.type) for each in uploads.columns if each.name not in ("networks", "owner")]
        row = {column.name: _row(earlier)[column.name] for column in older}
        with engine.begin() as connection:
            connection.execute(sa.insert(sa.table("uploads", *older)).values(row))
        migrate(engine)
        assert records.get(earlier.id) == earlier


def test_a_database_of_a_newer_version_is_left_alone(url: str) -> None:
    with made(url) as engine:
        with engine.begin() as connection:
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        with pytest.raises(SettingsError, match="newer version"):
            migrate(engine)


def test_the_newest_revision_is_the_one_the_code_asks_for() -> None:
    assert ScriptDirectory.from_config(alembic()).get_current_head() == SCHEMA


@pytest.mark.slow
def test_several_processes_may_migrate_at_once(url: str) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        pool.map(prepare_records, [url] * 6)
    engine = create_engine(url)
    assert sa.inspect(engine).has_table("uploads")
    engine.dispose()


@pytest.mark.parametrize(("durable", "synchronous"), [(True, 2), (False, 1)])
def test_only_durable_commits_wait_for_the_disk(tmp_path: Path, durable: bool, synchronous: int) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/uploads.db", durable=durable)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == synchronous
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    engine.dispose()


@pytest.mark.slow
def test_neither_password_nor_name_of_a_user_spoils_what_is_told(postgresql: PostgreSQL) -> None:
    url = f"{postgresql.url.replace('postgres@', 'fuller:secret@')}?password=secret"
    with pytest.raises(SettingsError, match=r"cannot be used: .*fuller") as told:
        prepare_records(url)
    assert "secret" not in str(told.value)
    engine = create_engine(url)
    with pytest.raises(Unavailable):  # Not StorageFull, for what is in the name.
        SqlRecords(engine).check()
    engine.dispose()


@pytest.mark.slow
@pytest.mark.parametrize(("durable", "synchronous"), [(True, "on"), (False, "off")])
def test_only_durable_commits_wait_for_postgresql_s_disk(
    postgresql: PostgreSQL, durable: bool, synchronous: str
) -> None:
    engine = create_engine(postgresql.url, durable=durable)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == synchronous
    engine.dispose()


@pytest.mark.slow
def test_a_postgresql_that_comes_back_is_found_again(fragile_postgresql: PostgreSQL) -> None:
    url = fragile_postgresql.url
    with made(url) as engine:
        records = SqlRecords(engine)
        records.add([record()])
        fragile_postgresql.stop()
        for call in (records.check, lambda: records.add([record()])):
            with pytest.raises(Unavailable) as told:
                call()
            assert not isinstance(told.value, Unsettled)
        with pytest.raises(
            SettingsError, match=r"^DIGITS_DATABASE: postgresql\+psycopg://\S+ cannot be used: .*refused"
        ):
            prepare_records(url)
        fragile_postgresql.start()
        records.add([record()])
        assert records.count(Wanted()) == 2


@pytest.mark.slow
def test_a_connection_that_ends_while_it_commits_leaves_it_unsettled(on_postgresql: sa.Engine) -> None:
    @sa.event.listens_for(on_postgresql, "commit", once=True)
    def end(connection: sa.Connection) -> None:
        pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        other = on_postgresql.connect()
        other.exec_driver_sql(f"SELECT pg_terminate_backend({pid}, 5000)")
        other.invalidate()
        other.close()

    with pytest.raises(Unsettled, match="Look it up"):
        SqlRecords(on_postgresql).add([record()])
    SqlRecords(on_postgresql).check()
