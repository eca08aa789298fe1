"""The command `digits`."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from digits.cli import main
from support import ROOT
from support.drawing import png


def run(*words: str) -> Result:
    return CliRunner().invoke(main, words)


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITS_STORAGE", str(tmp_path / "uploads"))
    monkeypatch.setenv("DIGITS_MODEL", str(ROOT / "mnist-neural.h5"))


def test_help_names_every_command() -> None:
    shown = run("--help").output
    for name in ("serve", "recognise", "train", "compile", "sweep", "export", "move"):
        assert name in shown


def test_pictures_are_read(tmp_path: Path) -> None:
    (tmp_path / "7.png").write_bytes(png("7"))
    (tmp_path / "40.png").write_bytes(png("40"))
    done = run("recognise", str(tmp_path / "7.png"), str(tmp_path / "40.png"))
    assert done.exit_code == 0
    first, second = done.output.splitlines()
    assert first.startswith(f"{tmp_path}/7.png: 7 (")
    assert second.startswith(f"{tmp_path}/40.png: 40 (")


def test_what_cannot_be_read_is_told_and_the_others_are_read(tmp_path: Path) -> None:
    (tmp_path / "7.png").write_bytes(png("7"))
    (tmp_path / "note.txt").write_text("7")
    done = run("recognise", "--json", str(tmp_path / "note.txt"), str(tmp_path / "gone.png"), str(tmp_path / "7.png"))
    assert done.exit_code == 1
    note, gone, seven = map(json.loads, done.output.splitlines())
    assert "not a picture" in note["problem"]
    assert "No such file" in gone["problem"]
    assert (seven["number"], seven["recognised"]) == ("7", True)


def test_a_setting_that_is_wrong_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITS_MODEL", "missing.h5")
    done = run("recognise", str(ROOT / "digit.png"))
    assert done.exit_code == 1
    assert "missing.h5 does not exist" in done.output


def test_uploads_are_swept_and_exported(tmp_path: Path) -> None:
    assert run("sweep").exit_code == 0
    done = run("export", "--labelled", str(tmp_path / "out.zip"))
    assert (done.exit_code, "labelled pictures: 0" in done.output) == (0, True)


def test_what_keeps_a_command_from_starting_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITS_MODEL", "missing.h5")
    done = run("sweep")
    assert done.exit_code == 1
    assert "missing.h5 does not exist" in done.output


def test_training_takes_its_own_options() -> None:
    done = run("train", "--list")
    assert "dense-128" in done.output


@pytest.mark.slow
def test_the_package_that_is_installed_reads_pictures_anywhere(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-deps"]
    subprocess.run([*pip, "--target", tmp_path / "site", ROOT], check=True)
    (tmp_path / "7.png").write_bytes(png("7"))
    environment = {"PYTHONPATH": str(tmp_path / "site"), "PATH": os.environ["PATH"]}
    command = [sys.executable, "-c", "from digits.cli import main; main()", "recognise", "7.png"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.startswith("7.png: 7 ("), done.stderr
