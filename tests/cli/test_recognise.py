"""`digits recognise`, with the model that ships."""

import json
import os
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image, ImageOps

from digits.cli import main
from digits.cli.boxes import COLOUR
from support import ROOT
from support.drawing import draw, on_paper, png


@pytest.fixture(autouse=True)
def shipped_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITS_MODEL", str(ROOT / "mnist-neural.h5"))


def run(*words: str | Path, sent: bytes | None = None) -> Result:
    return CliRunner().invoke(main, ["recognise", *map(str, words)], input=sent)


def rows(done: Result) -> list[list[str]]:
    """The cells of each row, without the heads."""
    return [line.split(maxsplit=3) for line in done.stdout.splitlines()[1:]]


def test_pictures_are_read_into_a_table(tmp_path: Path) -> None:
    (tmp_path / "7.png").write_bytes(png("7"))
    (tmp_path / "two lines.png").write_bytes(png("40\n13"))
    done = run(tmp_path / "7.png", tmp_path / "two lines.png")
    assert done.exit_code == 0
    heads, seven, lines = done.output.splitlines()
    assert heads.split() == ["FILE", "NUMBER", "CONFIDENCE", "REMARK"]
    assert seven.split()[:2] == [f"{tmp_path}/7.png", "7"]
    assert f"{tmp_path}/two lines.png  40 / 13  " in lines
    assert len({line.index("  ") for line in (seven, lines)}) <= 2


def test_what_is_not_recognised_is_said_and_counts_as_read(tmp_path: Path) -> None:
    image = Image.new("L", (200, 200), 255)
    image.paste(0, (60, 60, 140, 140))
    image.save(tmp_path / "square.png")
    done = run(tmp_path / "square.png")
    assert (done.exit_code, done.output.splitlines()[1].endswith("not recognised")) == (0, True)


def test_what_cannot_be_read_is_told_and_the_others_are_read(tmp_path: Path) -> None:
    (tmp_path / "7.png").write_bytes(png("7"))
    (tmp_path / "note.txt").write_text("7")
    done = run("--json", tmp_path / "note.txt", tmp_path / "gone.png", tmp_path / "7.png")
    assert done.exit_code == 1
    note, gone, seven = map(json.loads, done.output.splitlines())
    assert "not a picture" in note["problem"]
    assert "No such file" in gone["problem"]
    assert (seven["number"], seven["recognised"]) == ("7", True)
    table = run(tmp_path / "note.txt", tmp_path / "7.png")
    assert table.exit_code == 1
    assert "is not a picture" in table.stdout.splitlines()[1]


def test_an_answer_in_json_is_that_of_the_server_with_its_file(tmp_path: Path) -> None:
    (tmp_path / "7.png").write_bytes(png("7"))
    said = json.loads(run("--json", tmp_path / "7.png").output)
    assert said.keys() == {
        *("file", "number", "text", "digit", "confidence", "recognised", "digits", "image", "model", "networks")
    }
    assert said["digits"][0].keys() == {"digit", "confidence", "probabilities", "box"}


def test_a_folder_stands_for_its_pictures_but_not_for_hidden_ones(tmp_path: Path) -> None:
    for name in ("b.PNG", "a/7.png", "a/8", ".hidden.png", ".git/7.png", "a/.7.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(png("7"))
    (tmp_path / "notes.txt").write_text("not a picture")
    done = run(tmp_path)
    assert done.exit_code == 0
    assert [row[0] for row in rows(done)] == [f"{tmp_path}/{name}" for name in ("b.PNG", "a/7.png", "a/8")]


def test_a_folder_without_pictures_is_told(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert done.exit_code == 2
    assert "has no pictures in it" in done.output


def test_standard_input_is_read() -> None:
    done = run("-", sent=png("7"))
    assert (done.exit_code, rows(done)[0][:2]) == (0, ["-", "7"])


def test_a_name_cannot_spoil_the_terminal(tmp_path: Path) -> None:
    for name in ("\x1b[31m.png", os.fsdecode(b"\xff.png")):
        (tmp_path / name).write_bytes(png("7"))
    done = run(tmp_path)
    assert done.exit_code == 0
    assert r"\x1b[31m.png" in done.output
    assert r"\udcff.png" in done.output


def test_boxes_are_drawn_into_the_upright_picture(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    turned = BytesIO()
    image = Image.fromarray(on_paper(draw("71"))).convert("RGB")
    exif = Image.Exif()
    exif[0x0112] = 6
    image.rotate(90, expand=True).save(turned, "JPEG", exif=exif)
    (tmp_path / "in" / "71.jpg").write_bytes(turned.getvalue())
    done = run(tmp_path / "in", "--boxes", tmp_path / "out", "--json")
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    with Image.open(tmp_path / "out" / "71.jpg.png") as drawn:
        assert drawn.size == image.size == (said["image"]["width"], said["image"]["height"])
        for digit in said["digits"]:
            assert drawn.getpixel((digit["box"]["x"] - 1, digit["box"]["y"] + 40)) == COLOUR
    assert (tmp_path / "in" / "71.jpg").read_bytes() == turned.getvalue()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16", "CMYK"])
def test_pictures_of_every_kind_can_be_drawn_into(tmp_path: Path, mode: str) -> None:
    ink = Image.fromarray(draw("7"))
    if mode == "RGBA":
        image = Image.new("RGBA", ink.size)
        image.putalpha(ink)
    elif mode == "I;16":
        image = Image.fromarray(on_paper(draw("7")).astype("uint16") * 257)
    else:
        image = ImageOps.invert(ink).convert(mode)
    name = "7.tiff" if mode == "CMYK" else "7.png"
    image.save(tmp_path / name)
    done = run(tmp_path / name, "--boxes", tmp_path / "out")
    assert done.exit_code == 0, done.output
    (drawn,) = (tmp_path / "out").iterdir()
    with Image.open(drawn) as opened:
        assert opened.size == ink.size
        assert {COLOUR, (255, 255, 255)} <= set(map(tuple, np.asarray(opened).reshape(-1, 3).tolist()))


def test_pictures_of_one_name_do_not_overwrite_each_other(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder / "c").mkdir(parents=True)
        (tmp_path / folder / "c" / "7.png").write_bytes(png("7"))
    assert run(tmp_path / "a", tmp_path / "b", "--boxes", tmp_path / "out").exit_code == 0
    assert sorted(path.name for path in (tmp_path / "out" / "c").iterdir()) == ["7-2.png", "7.png"]


def test_a_source_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "7.png").write_bytes(png("7"))
    done = run(tmp_path, "--boxes", tmp_path)
    assert done.exit_code == 2
    assert "is one of the pictures. Name another folder." in done.output
    assert (tmp_path / "7.png").read_bytes() == png("7")


def test_boxes_that_cannot_be_written_are_told_beside_what_was_read(tmp_path: Path) -> None:
    (tmp_path / "7.png").write_bytes(png("7"))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "7.png").mkdir()
    done = run(tmp_path / "7.png", "--boxes", tmp_path / "out", "--json")
    assert done.exit_code == 1
    said = json.loads(done.output)
    assert (said["number"], "Is a directory" in said["problem"]) == ("7", True)


def test_a_setting_that_is_wrong_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITS_MODEL", "missing.h5")
    done = run(ROOT / "digit.png")
    assert (done.exit_code, done.output.count("\n")) == (1, 1)
    assert "missing.h5 does not exist" in done.output


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--bulk", "scans"),
        ("--out", "results.parquet"),
        ("7.png", "--out", "results.parquet"),
        ("7.png", "--bulk", "scans", "--out", "results.parquet"),
        ("--json", "--bulk", "scans", "--out", "results.parquet"),
    ],
)
def test_files_are_named_or_else_a_source_and_where_its_results_go(words: tuple[str, ...]) -> None:
    done = run(*words)
    assert done.exit_code == 2
    assert "Name each FILE to read, or else --bulk SOURCE and --out RESULTS.parquet alone." in done.output


def test_what_reading_in_bulk_needs_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    done = run("--bulk", "scans", "--out", "results.parquet")
    assert done.exit_code == 1
    assert done.output == "Error: Reading in bulk needs Ray: `make ray` installs it.\n"
