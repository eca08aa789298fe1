"""`digits move`."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from digits.admission.database import SqlKeys
from digits.cli import main
from digits.uploads.blobs import open_storage, prepare_storage
from digits.uploads.database import SqlRecords
from digits.uploads.models import Wanted, every
from digits.uploads.pairing import MARK, prepare_uploads
from support import ROOT
from tests.databases import made
from tests.fakes import MemoryKeys, MemoryStorage
from tests.uploads.test_transfer import filled


def test_uploads_are_moved_where_it_is_said(
    run: Callable[..., Result],
    keep: Callable[..., str],
    storage: MemoryStorage,
    tmp_path: Path,
    make_key: Callable[..., str],
    keys: MemoryKeys,
) -> None:
    key = keep("7")
    make_key()
    place, url = str(tmp_path / "new"), f"sqlite:///{tmp_path}/new.db"
    done = run("move", "--storage", place, "--database", url)
    assert (done.exit_code, done.stdout) == (0, "Uploads copied: 1; there already: 0.\n")
    assert done.stderr == f"To use them there, set DIGITS_STORAGE to {place} and DIGITS_DATABASE to {url}.\n"
    assert open_storage(place).get(key) == storage.files[key]
    with made(url) as engine:
        assert SqlRecords(engine).get(key).number == "7"
        assert SqlKeys(engine).every() == keys.every()


def test_progress_is_shown_on_a_terminal(
    run: Callable[..., Result], keep: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep("7")
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _: True)
    done = run("move", "--storage", str(tmp_path / "new"), "--database", f"sqlite:///{tmp_path}/new.db")
    assert done.stderr.startswith("\r1\rTo use them there, ")


def test_a_move_that_cannot_begin_is_told(run: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    done = run("move", "--storage", f"{tmp_path}/file/uploads")
    assert (done.exit_code, done.output.count("\n")) == (1, 1)
    assert done.output.endswith("/file/uploads cannot be made: Not a directory.\n")


def test_a_move_to_the_same_place_is_refused(run: Callable[..., Result]) -> None:
    done = run("move")
    assert done.exit_code == 2
    assert "Name a --storage or --database other than" in done.output


@pytest.mark.slow
def test_one_command_moves_from_a_laptop_to_postgresql_and_s3(
    tmp_path: Path, database: str, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, url = str(tmp_path / "uploads"), f"sqlite:///{tmp_path}/uploads.db"
    for name, value in (("STORAGE", place), ("DATABASE", url), ("MODEL", str(ROOT / "mnist-neural.h5"))):
        monkeypatch.setenv(f"DIGITS_{name}", value)
    source, rows = filled()
    prepare_storage(place)
    open_storage(place).put(source.files)
    with made(url) as engine:
        SqlRecords(engine).add(list(rows.rows.values()))
    command = [sys.executable, "-m", "flask", "--app", "app", "move", "--storage", bucket, "--database", database]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.splitlines()[-1:]) == (
        0,
        ["Uploads copied: 50; there already: 0."],
    ), done.stderr
    with made(database) as engine:
        assert {row.id: row for row in every(SqlRecords(engine), Wanted())} == rows.rows
    storage = open_storage(bucket)
    assert {key: storage.get(key) for key in storage.every_key() if key != MARK} == source.files


def test_pictures_may_move_alone_to_where_the_server_then_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, url = tmp_path / "uploads", f"sqlite:///{tmp_path}/uploads.db"
    monkeypatch.setenv("DIGITS_STORAGE", str(place))
    prepare_uploads(str(place), url)
    for _ in range(2):
        done = CliRunner().invoke(main, ["move", "--storage", str(tmp_path / "new")])
        assert (done.exit_code, done.stdout) == (0, "Uploads copied: 0; there already: 0.\n")
    prepare_uploads(str(tmp_path / "new"), url)
