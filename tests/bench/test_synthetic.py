"""Pictures that bench draws to measure recognition on."""

import csv
import re
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from bench.pictures.backhand import photos
from bench.pictures.hand import unlearnt
from bench.synthetic import SETS, main
from digits.training.data.datasets import divided, read_npz
from digits.training.recipes import RECIPES
from digits.training.scenes.writing import held_out_writers

NO_DIGIT = {"letters", "drawings", "things", "blank"}


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.*")}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("synthetic")
    main([str(folder), "--pictures", "1"])
    return folder


def test_every_set_has_pictures_that_open(folder: Path) -> None:
    pictures = {name: data for name, data in contents(folder).items() if name != "labels.csv"}
    assert {Path(name).parent.name for name in pictures} == set(SETS)
    for data in pictures.values():
        Image.open(BytesIO(data)).load()


def test_labels_are_up_to_ten_digits_on_each_line_or_nothing(folder: Path) -> None:
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as file:
        labels = {row["file"]: row["label"] for row in csv.DictReader(file)}
    assert set(labels) == set(contents(folder)) - {"labels.csv"}
    for name, label in labels.items():
        assert re.fullmatch(r"" if Path(name).parent.name in NO_DIGIT else r"\d{1,10}(\n\d{1,10})*", label), name


def test_the_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    for name, seed in (("one", "3"), ("same", "3"), ("other", "4")):
        main([str(tmp_path / name), "--pictures", "1", "--seed", seed, "--sets", "photos,touching,things"])
    assert contents(tmp_path / "one") == contents(tmp_path / "same")
    assert contents(tmp_path / "one") != contents(tmp_path / "other")


def test_a_folder_that_holds_something_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").touch()
    with pytest.raises(SystemExit, match="Name a new or an empty folder"):
        main([str(tmp_path)])


def test_an_unknown_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="There is no set 'selfies'"):
        main([str(tmp_path / "new"), "--sets", "photos,selfies"])
    assert not (tmp_path / "new").exists()


def test_mnist_must_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MNIST_NPZ", raising=False)
    with pytest.raises(SystemExit, match="Set MNIST_NPZ"):
        main([str(tmp_path / "new"), "--mnist"])


def test_a_hand_of_its_own_takes_the_same_photos_again_however_many() -> None:
    assert list(photos(0, 3)) == list(photos(0, 4))[:3]
    assert list(photos(0, 3)) != list(photos(1, 3))
    assert all(re.fullmatch(r"\d{1,4}", number) for number, _ in photos(0, 20))


def test_nothing_that_is_drawn_with_was_learnt_from(mnist_like: Path) -> None:
    drawn_with = {grid.tobytes() for grid in unlearnt(mnist_like).grids}
    train = read_npz(mnist_like).train
    by_classifier, _ = divided(train, RECIPES["cnn"].held_out)
    by_finder, _ = held_out_writers(train, None)
    for learnt in (by_classifier, by_finder.mnist):
        assert drawn_with.isdisjoint(grid.tobytes() for grid in learnt.grids)
