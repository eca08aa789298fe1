"""`digits recognise --bulk`: what it says. tests/e2e/test_bulk.py reads pictures on a real Ray."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

pytest.importorskip("ray", reason="make ray")

from click.testing import CliRunner, Result

from digits.bulk import run as bulk_run
from digits.bulk.results import READ, SCHEMA, Results
from digits.bulk.run import Work
from digits.cli import main
from digits.inference.model_file import load_compiled
from support import ROOT


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Result]:
    """Reads the folder `in` into `results.parquet`."""
    monkeypatch.setenv("DIGITS_MODEL", str(ROOT / "mnist-neural.h5"))
    monkeypatch.setattr("digits.cli.bulk._configure_ray", lambda: None)
    (tmp_path / "in").mkdir()
    words = ["recognise", "--bulk", f"{tmp_path}/in", "--out", f"{tmp_path}/results.parquet"]
    return lambda: CliRunner().invoke(main, words)


@pytest.fixture
def keep(tmp_path: Path) -> Callable[[Mapping[str, str]], None]:
    """Keeps a picture for each name, and its row, with this error or READ."""

    def kept(errors: Mapping[str, str]) -> None:
        model = load_compiled(ROOT / "mnist-neural.h5").description.name
        rows = []
        for name, error in errors.items():
            (tmp_path / "in" / name).write_bytes(b"")
            rows.append(dict.fromkeys(SCHEMA.names) | {"path": name, "model": model, "error": error or None})
        Results(f"{tmp_path}/results.parquet", model).write(rows)

    return kept


def test_what_could_not_be_read_before_still_counts(
    run: Callable[[], Result], keep: Callable[[Mapping[str, str]], None]
) -> None:
    keep({"1.png": READ, "2.png": READ, "3.png": "It is damaged."})
    done = run()
    assert done.stdout.splitlines() == ["PICTURES  REMARK", "2         read before", "1         It is damaged."]
    assert done.exit_code == 1


def test_if_all_were_read_before_the_status_is_0(
    run: Callable[[], Result], keep: Callable[[Mapping[str, str]], None]
) -> None:
    keep({"1.png": READ})
    assert run().exit_code == 0


def test_ctrl_c_tells_what_is_kept_and_how_to_go_on(
    run: Callable[[], Result],
    keep: Callable[[Mapping[str, str]], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keep({"1.png": READ, "2.png": "It is damaged."})
    for name in ("3.png", "4.png", "5.png"):
        (tmp_path / "in" / name).write_bytes(b"")

    def interrupted(_: Work) -> Iterator[Mapping[str, int]]:
        yield {READ: 1}
        raise KeyboardInterrupt

    monkeypatch.setattr(bulk_run, "read", interrupted)
    done = run()
    assert done.exit_code == 1
    assert done.output.endswith(
        f"Stopped. {tmp_path}/results.parquet has rows for at least 3 of 5 pictures. "
        "Repeat the command to read the others.\n"
    )
