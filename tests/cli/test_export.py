"""`digits export`, in each format."""

import csv
import json
import zipfile
from collections.abc import Callable, Mapping
from io import StringIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import Result

from bench.labelled import read_folder
from digits.errors import Unavailable
from digits.uploads.export.archive import export
from digits.uploads.export.labels import Labels
from digits.uploads.models import Wanted
from support.drawing import png
from tests.fakes import MemoryRecords, MemoryStorage


def test_labelled_pictures_are_exported_in_the_form_that_is_measured(
    run: Callable[..., Result], keep: Callable[..., str], tmp_path: Path
) -> None:
    keep("3")
    labels = {keep(text, label): label for text, label in (("1", "7"), ("2", ""), ("45", "45\n6"))}
    done = run("export", str(tmp_path / "out.zip"))
    assert (done.exit_code, done.output) == (0, f"Written: {tmp_path}/out.zip; labelled pictures: 3.\n")
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        archive.extractall(tmp_path / "out")
    assert set((tmp_path / "out" / "labels.csv").read_bytes().decode().split("\n")) == {
        "file,label",
        *(f"uploads/{key}.png,{label}".replace("45\n6", "45\\n6") for key, label in labels.items()),
        "",
    }
    pictures = read_folder(tmp_path / "out")
    assert {picture.path.stem: picture.label for picture in pictures} == labels
    assert {picture.set for picture in pictures} == {"uploads"}
    assert {path.read_bytes() for path in (tmp_path / "out" / "uploads").iterdir()} == {png("1"), png("2"), png("45")}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "out.zip"]


def test_a_labelled_picture_that_is_gone_is_told(
    run: Callable[..., Result], keep: Callable[..., str], storage: MemoryStorage, tmp_path: Path
) -> None:
    storage.delete([keep("1", "1")])
    keep("2", "2")
    done = run("export", str(tmp_path / "out.zip"))
    assert "labelled pictures: 1." in done.stdout
    assert "Pictures that are gone: 1." in done.stderr


def test_an_export_that_fails_leaves_the_former_one(
    run: Callable[..., Result], keep: Callable[..., str], storage: MemoryStorage, records: MemoryRecords, tmp_path: Path
) -> None:
    class Away(MemoryStorage):
        def get(self, key: str) -> bytes:
            raise Unavailable("The storage does not answer.")

    keep("1", "1")
    out = tmp_path / "out.zip"
    out.write_bytes(b"former")
    with pytest.raises(Unavailable):
        export(Away(), records, out, Labels(), Wanted())
    assert [(path, path.read_bytes()) for path in tmp_path.iterdir()] == [(out, b"former")]
    done = run("export", str(tmp_path / "missing" / "out.zip"))
    assert (done.exit_code, done.output.count("\n")) == (1, 1)
    assert done.output == f"Error: {tmp_path}/missing/out.zip: No such file or directory.\n"


def test_the_former_option_still_names_the_file(run: Callable[..., Result], tmp_path: Path) -> None:
    done = run("export", "--labelled", str(tmp_path / "out.zip"))
    assert (done.exit_code, done.output) == (0, f"Written: {tmp_path}/out.zip; labelled pictures: 0.\n")
    for words in ([], [str(tmp_path / "a.zip"), "--labelled", str(tmp_path / "b.zip")]):
        done = run("export", *words)
        assert done.exit_code == 2
        assert "Name one file to write, such as out.zip." in done.output


def exported(run: Callable[..., Result], folder: Path, *words: str) -> Mapping[str, bytes]:
    """What is in the zip, by name."""
    done = run("export", str(folder / "out.zip"), *words)
    assert done.exit_code == 0, done.output
    with zipfile.ZipFile(folder / "out.zip") as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_all_uploads_are_exported_with_what_was_read(
    run: Callable[..., Result], keep: Callable[..., str], tmp_path: Path
) -> None:
    labelled, other = keep("1", "7"), keep("45")
    files = exported(run, tmp_path, "--all")
    assert files["labels.csv"].decode() == f"file,label\nuploads/{labelled}.png,7\n"
    rows = list(csv.DictReader(StringIO(files["readings.csv"].decode())))
    assert [(row["file"], row["number"], row["recognised"]) for row in rows] == [
        (f"uploads/{other}.png", "45", "true"),
        (f"uploads/{labelled}.png", "1", "true"),
    ]


def test_coco_has_the_label_s_digits_or_else_what_was_read(
    run: Callable[..., Result], keep: Callable[..., str], records: MemoryRecords, tmp_path: Path
) -> None:
    read, corrected, blank, other = keep("40"), keep("12", "72"), keep("3", ""), keep("5", "55")
    files = exported(run, tmp_path, "--format", "coco", "--all")
    assert files.keys() == {f"images/{key}.png" for key in (read, corrected, blank)} | {"annotations.json"}
    said = json.loads(files["annotations.json"])
    assert [(category["id"], category["name"]) for category in said["categories"]] == [(n, str(n)) for n in range(10)]
    names = {image["id"]: image["file_name"].removesuffix(".png") for image in said["images"]}
    digits: dict[str, list[int]] = {key: [] for key in names.values()}
    for annotation in said["annotations"]:
        digits[names[annotation["image_id"]]].append(annotation["category_id"])
        assert ("score" in annotation) == (names[annotation["image_id"]] == read)
    assert digits == {read: [4, 0], corrected: [7, 2], blank: []}
    box = records.get(read).digits[0].box
    assert [box.x, box.y, box.width, box.height] in [annotation["bbox"] for annotation in said["annotations"]]
    assert other not in digits


def test_pictures_that_coco_cannot_tell_are_counted(
    run: Callable[..., Result], keep: Callable[..., str], tmp_path: Path
) -> None:
    keep("12", "1\n2")
    done = run("export", "--format", "coco", str(tmp_path / "out.zip"))
    assert "pictures: 0." in done.stdout
    assert done.stderr == "Left out, since the label has more or fewer digits than were found: 1.\n"


def test_label_studio_gets_predictions_annotations_and_the_interface_for_them(
    run: Callable[..., Result], keep: Callable[..., str], records: MemoryRecords, tmp_path: Path
) -> None:
    read, corrected, longer, blank = keep("40"), keep("12", "72"), keep("5", "55"), keep("3", "")
    files = exported(run, tmp_path, "--format", "label-studio", "--all")
    tasks = {task["data"]["upload"]: task for task in json.loads(files["tasks.json"])}
    interface = ElementTree.fromstring(files["config.xml"])
    controls = {element.get("name"): element.tag.lower() for element in interface if element.get("toName")}
    for key, task in tasks.items():
        assert task["data"]["image"] == f"/data/local-files/?d=out/images/{key}.png"
        assert f"images/{key}.png" in files
        for region in results(task):
            assert controls[region["from_name"]] == region["type"]
    assert told(tasks[read]["predictions"][0]) == (["4", "0"], ["40"])
    assert "annotations" not in tasks[read]
    assert told(tasks[corrected]["predictions"][0]) == (["1", "2"], ["12"])
    assert told(tasks[corrected]["annotations"][0]) == (["7", "2"], ["72"])
    assert told(tasks[longer]["annotations"][0]) == ([], ["55"])
    assert told(tasks[blank]["annotations"][0]) == ([], [])
    record = records.get(read)
    region = tasks[read]["predictions"][0]["result"][1]
    assert region["value"]["x"] * record.width / 100 == pytest.approx(record.digits[1].box.x)
    assert region["value"]["height"] * record.height / 100 == pytest.approx(record.digits[1].box.height)
    assert region["score"] == record.digits[1].confidence


def results(task: dict[str, Any]) -> list[dict[str, Any]]:
    return [region for each in (*task["predictions"], *task.get("annotations", ())) for region in each["result"]]


def told(said: dict[str, Any]) -> tuple[list[str], list[str]]:
    """The digits of the boxes, and the numbers of the text fields."""
    boxes = [region["value"]["rectanglelabels"] for region in said["result"] if region["type"] == "rectanglelabels"]
    texts = [region["value"]["text"] for region in said["result"] if region["type"] == "textarea"]
    return [digit for (digit,) in boxes], [text for (text,) in texts]
