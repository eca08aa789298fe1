"""`digits shadow`, `digits promote` and `digits rollback`."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from digits.errors import ModelError
from digits.uploads.disagreements import Disagreement
from tests.fakes import MemoryDisagreements, MemoryRecords


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DIGITS_MODEL", str(tmp_path / "model.h5"))
    monkeypatch.setenv("LOGNAME", "operator")
    return tmp_path / "model.h5"


def test_disagreements_are_listed_with_who_is_right(
    run: Callable[..., Result],
    keep: Callable[..., str],
    records: MemoryRecords,
    disagreements: MemoryDisagreements,
) -> None:
    numbers = [("7", "1", "7"), ("3", "8", "8"), ("40\n9", "46\n9", None)]
    for number, by_shadow, label in numbers:
        upload = records.rows[keep(number, label)]
        disagreements.add(Disagreement(upload, "other@11111111", by_shadow, 0.875))
    done = run("shadow")
    heads, *rows = done.stdout.splitlines()
    assert re.split("  +", heads) == [
        "ID",
        "TIME (UTC)",
        "MODEL",
        "READ",
        "SHADOW",
        "READ",
        "CONFIDENCE",
        "LABEL",
    ]
    cells = [re.split("  +", row)[2:] for row in rows]
    assert cells == [
        ["templates@00000000", "40 / 9", "other@11111111", "46 / 9", "87.5%"],
        ["templates@00000000", "3", "other@11111111", "8", "87.5%", "8"],
        ["templates@00000000", "7", "other@11111111", "1", "87.5%", "7"],
    ]
    assert done.stderr == "Of 2 labelled, the shadow is right in 1, the model in 1.\n"
    assert len(run("shadow", "--limit", "2").stdout.splitlines()) == 3


def test_without_disagreements_the_list_says_so(run: Callable[..., Result]) -> None:
    done = run("shadow")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "There are no disagreements.\n")


def test_without_labels_nobody_is_called_right(
    run: Callable[..., Result], keep: Callable[..., str], records: MemoryRecords, disagreements: MemoryDisagreements
) -> None:
    disagreements.add(Disagreement(records.rows[keep("7")], "other@11111111", "1", 0.875))
    assert run("shadow").stderr == ""


def test_a_promotion_says_how_to_load_it_and_how_to_undo_it(
    run: Callable[..., Result],
    model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def put(source: Path, place: Path) -> str:
        assert (source, place) == (tmp_path / "other.h5", model)
        (tmp_path / "model.last.h5").touch()
        return "model@11111111"

    (tmp_path / "other.h5").touch()
    monkeypatch.setattr("digits.cli.models.put_in_place", put)
    done = run("promote", str(tmp_path / "other.h5"))
    assert done.stdout == (
        f"{model} is now model@11111111. Running servers load it on SIGHUP to the parent process: "
        "pkill -HUP -o -f 'python app.py'.\n"
        f"{tmp_path}/model.last.h5 is the one before, which `digits rollback` brings back.\n"
    )
    assert caplog.messages == [f"model promoted: model=model@11111111 source={tmp_path}/other.h5 by=operator"]


def test_a_rollback_says_what_is_in_place(
    run: Callable[..., Result], model: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("digits.cli.models.roll_back", lambda place: f"{place.stem}@00000000")
    assert run("rollback").stdout.startswith(f"{model} is model@00000000 again. Running servers load it on SIGHUP")
    assert caplog.messages == ["model rolled back: model=model@00000000 by=operator"]


def test_what_cannot_be_promoted_or_brought_back_is_told_in_a_sentence(
    run: Callable[..., Result], model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = run("promote", str(tmp_path / "other.h5"))
    assert missing.exit_code == 2
    assert "does not exist" in missing.stderr

    def refuse(*_: Path) -> str:
        raise ModelError("other.h5 is damaged.")

    (tmp_path / "other.h5").touch()
    monkeypatch.setattr("digits.cli.models.put_in_place", refuse)
    refused = run("promote", str(tmp_path / "other.h5"))
    assert (refused.exit_code, refused.stderr) == (1, "Error: other.h5 is damaged.\n")
    without = run("rollback")
    assert (without.exit_code, without.stderr.startswith("Error: There is no last model,")) == (1, True)
