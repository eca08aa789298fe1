"""The command `digits` as a whole."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from digits.cli import main
from digits.cli.run import run as run_module
from support import ROOT
from support.drawing import png

COMMANDS = (
    *("serve", "recognise", "history", "label", "export", "move", "drift", "sweep", "migrate", "keys"),
    *("train", "compile", "shadow", "promote", "rollback"),
)


def run(*words: str) -> Result:
    return CliRunner().invoke(main, words)


def test_help_names_every_command_and_how_to_go_on() -> None:
    shown = run("--help").output
    assert re.findall(r"^  ([a-z]+)  +[A-Z]", shown, re.MULTILINE) == list(COMMANDS)
    assert "digits COMMAND --help" in shown


def test_every_command_has_help_with_an_example() -> None:
    for name in COMMANDS:
        if name != "train":  # Which has a help of its own.
            shown = run(name, "--help").output
            assert f"digits {name}" in shown.partition("Examples:")[2], name


def test_the_help_needs_none_of_what_the_commands_do() -> None:
    script = (
        "import sys; from digits.cli import main; main(['--help'], standalone_mode=False); "
        "sys.exit(bool({'numpy', 'flask', 'sqlalchemy', 'pydantic', 'obstore'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def test_an_unknown_command_is_told() -> None:
    done = run("recognize")
    assert done.exit_code == 2
    assert "No such command 'recognize'" in done.output


def test_commands_work_on_the_store_that_the_settings_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITS_STORAGE", str(tmp_path / "uploads"))
    assert run("sweep").output == "Swept: leftovers 0, old uploads 0.\n"
    assert (tmp_path / "uploads.db").is_file()


def test_what_keeps_a_command_from_starting_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITS_STORAGE", "/proc/uploads")
    done = run("history")
    assert (done.exit_code, done.output.count("\n")) == (1, 1)
    assert done.output.startswith("Error: DIGITS_STORAGE: /proc/uploads cannot be made")


def test_training_takes_its_own_options() -> None:
    done = run("train", "--list")
    assert "dense-128" in done.output


def test_a_model_is_compiled_beside_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[object] = []
    monkeypatch.setattr("digits.cli.run.run", lambda *words: ran.append(words))
    model = tmp_path / "their-model.h5"
    model.touch()
    assert run("compile", str(model)).exit_code == 0
    assert ran == [("digits.inference.convert", [str(model)])]


def test_a_missing_model_is_told_before_a_missing_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("digits.cli.run.run", lambda *_: pytest.fail("imported"))
    done = run("compile", "missing.h5")
    assert done.exit_code == 2
    assert "File 'missing.h5' does not exist." in done.output


def test_a_missing_package_is_told_with_what_installs_it_and_no_name_at_pypi() -> None:
    with pytest.raises(SystemExit) as left:
        run_module("missing", [])
    assert left.value.code == "missing is not installed. `make train` installs what this needs."


def flask(folder: Path, *words: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    environment = os.environ | {"DIGITS_STORAGE": "uploads"} | settings
    command = [sys.executable, "-m", "flask", "--app", str(ROOT / "app.py"), *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_flask_runs_the_commands_on_an_app_in_another_folder(tmp_path: Path) -> None:
    done = flask(tmp_path, "sweep")
    assert (done.returncode, done.stdout) == (0, "Swept: leftovers 0, old uploads 0.\n"), done.stderr
    done = flask(tmp_path, "export", "--labelled", "out.zip")
    assert (done.returncode, done.stdout) == (0, "Written: out.zip; labelled pictures: 0.\n"), done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("words", [["sweep"], ["run", "--port", "0"], ["--help"]])
def test_flask_ends_with_a_sentence_if_the_app_cannot_be_made(tmp_path: Path, words: list[str]) -> None:
    done = flask(tmp_path, *words, DIGITS_MODEL="missing.h5")
    assert done.returncode == 3
    assert done.stderr == "The model missing.h5 does not exist. Set DIGITS_MODEL to a Keras .h5 file.\n"


@pytest.mark.slow
def test_the_package_that_is_installed_reads_pictures_anywhere(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-deps"]
    subprocess.run([*pip, "--target", tmp_path / "site", ROOT], check=True)
    (tmp_path / "7.png").write_bytes(png("7"))
    environment = {"PYTHONPATH": str(tmp_path / "site"), "PATH": os.environ["PATH"]}
    command = [sys.executable, "-c", "from digits.cli import main; main()", "recognise", "7.png"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[1].split()[:2] == ["7.png", "7"], done.stderr


@pytest.mark.slow
def test_neither_what_serves_nor_the_other_commands_need_ray() -> None:
    script = (
        "import importlib, pkgutil, sys, digits.cli, digits.server.main, digits.web.asgi; "
        "[importlib.import_module(f'digits.cli.{each.name}') for each in pkgutil.iter_modules(digits.cli.__path__)]; "
        "sys.exit(bool({'ray', 'pyarrow'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)
    installed = (ROOT / "requirements" / "serve.txt").read_text()
    assert not re.search(r"^(ray|pyarrow)==", installed, re.MULTILINE)
