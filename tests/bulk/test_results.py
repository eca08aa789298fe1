"""What was read in bulk, as it is kept."""

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pyarrow", reason="make ray")

import pyarrow.dataset

from digits.bulk.results import READ, SCHEMA, Results
from digits.errors import BadRequest

MODEL = "mnist-neural@38c1cb05"


@pytest.fixture(params=["folder", pytest.param("s3", marks=pytest.mark.slow)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    folder = request.getfixturevalue("bucket") if request.param == "s3" else tmp_path / "new"
    return f"{folder}/results.parquet"


def row(path: str, **values: Any) -> dict[str, Any]:
    return dict.fromkeys(SCHEMA.names) | {"path": path, "model": MODEL} | values


def test_what_is_kept_is_known(place: str) -> None:
    results = Results(place, MODEL)
    assert results.errors() == {}
    results.write([row("a.png", number="7"), row("b.png", error="It is damaged.")])
    results.write([row("c.png")])
    assert Results(place, MODEL).errors() == {"a.png": READ, "b.png": "It is damaged.", "c.png": READ}


def test_the_same_pictures_have_one_row(place: str) -> None:
    results = Results(place, MODEL)
    for number in ("7", "8"):
        results.write([row("a.png", number=number)])
    assert len(list(results._storage.every_key())) == 1


def test_another_model_is_refused(place: str) -> None:
    Results(place, MODEL).write([row("a.png")])
    with pytest.raises(BadRequest, match=f"{place} has what {MODEL} read. Name another --out for other@12345678."):
        Results(place, "other@12345678").errors()


def test_any_reader_of_parquet_takes_the_folder_for_a_table(tmp_path: Path) -> None:
    box = {"x": 1, "y": 2, "width": 3, "height": 4}
    digits = [{"digit": 7, "confidence": 0.5, "probabilities": [0.5, 0.25], "box": box}]
    Results(str(tmp_path), MODEL).write([row("a.png", number="7", digits=digits)])
    (tmp_path / ".part-unfinished.parquet").write_bytes(b"PAR1")
    (read,) = pyarrow.dataset.dataset(tmp_path).to_table().to_pylist()
    assert (read["path"], read["number"], read["digits"], read["error"]) == ("a.png", "7", digits, None)


def test_what_was_not_written_completely_is_deleted_and_nothing_else(tmp_path: Path) -> None:
    for name in (".part-unfinished.parquet", ".profile", "notes.txt"):
        (tmp_path / name).write_bytes(b"")
    assert Results(str(tmp_path), MODEL).errors() == {}
    assert {path.name for path in tmp_path.iterdir()} == {".profile", "notes.txt"}


def test_a_file_is_not_taken_for_a_folder(tmp_path: Path) -> None:
    (tmp_path / "results.parquet").write_bytes(b"PAR1")
    with pytest.raises(BadRequest, match=r"results\.parquet is a file\. The results are a folder of Parquet files"):
        Results(str(tmp_path / "results.parquet"), MODEL)
