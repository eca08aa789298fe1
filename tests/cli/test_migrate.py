"""`digits migrate`."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from digits.cli import main
from digits.uploads.pairing import MARK
from digits.uploads.schema import SCHEMA
from tests.databases import made


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the environment's settings keep uploads."""
    monkeypatch.setenv("DIGITS_STORAGE", str(tmp_path / "uploads"))
    return tmp_path


def test_it_makes_what_a_server_finds_ready(folder: Path) -> None:
    done = CliRunner().invoke(main, ["migrate"])
    assert (done.exit_code, done.output) == (0, f"The database has schema {SCHEMA}, and belongs to this storage.\n")
    with made(f"sqlite:///{folder}/uploads.db") as engine, engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT id FROM storages").scalar()
    assert (folder / "uploads" / MARK).exists()


def test_a_database_of_a_newer_version_is_left_as_it_is(folder: Path) -> None:
    with made(f"sqlite:///{folder}/uploads.db") as engine, engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    done = CliRunner().invoke(main, ["migrate"])
    assert (done.exit_code, done.output.count("\n")) == (1, 1)
    assert "DIGITS_DATABASE was made by a newer version." in done.output
