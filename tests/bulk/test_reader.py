"""A worker of bulk recognition, with the model that ships."""

import threading
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pyarrow", reason="make ray")

import pyarrow.dataset

from digits.bulk import reader
from digits.bulk.reader import Job, Reader
from digits.bulk.results import READ
from digits.bulk.source import PART, Source
from digits.inference.model_file import load_compiled
from digits.inference.recogniser import LiteRTRecogniser
from digits.recognition.pipeline import NO_DIGIT
from digits.uploads.service import recognise_upload
from digits.vision.sandbox import Sandbox
from support import ROOT
from support.drawing import encode, enormous_png, png

pytestmark = pytest.mark.slow

MODEL = load_compiled(ROOT / "mnist-neural.h5")
NO_PICTURE = "This file is not a picture that can be read. Send PNG, JPEG, WebP, GIF, BMP, TIFF, AVIF or HEIC."


@pytest.fixture
def job(tmp_path: Path) -> Job:
    (tmp_path / "in").mkdir()
    return Job(str(tmp_path / "in"), str(tmp_path / "results.parquet"), MODEL, 1_000_000, 1_000_000)


@pytest.fixture(autouse=True)
def decoders(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """They fail at what tests.vision.failing_decoder names."""
    sandbox = Sandbox(1_000_000, "tests.vision.failing_decoder")
    monkeypatch.setattr(reader, "own_decoders", lambda _: sandbox)
    thread = threading.Thread(target=sandbox.run)
    thread.start()
    yield
    sandbox.close()
    thread.join(10)


def read(job: Job) -> tuple[dict[str, int], dict[str, dict[str, Any]]]:
    """How many have each error, and the rows by path."""
    errors: dict[str, int] = {}
    worker = Reader(job)
    for share in Source(job.source, job.max_bytes).shares():
        for error, count in worker.read(share).items():
            errors[error] = errors.get(error, 0) + count
    rows = pyarrow.dataset.dataset(job.results).to_table().to_pylist()
    return errors, {row["path"]: row for row in rows}


def test_a_row_says_what_the_service_answers(job: Job) -> None:
    picture = png("40\n13")
    Path(job.source, "lines.png").write_bytes(picture)
    errors, rows = read(job)
    record = recognise_upload(picture, LiteRTRecogniser(MODEL), job.max_pixels).record
    assert errors == {READ: 1}
    row = rows["lines.png"]
    for name in ("sha256", "number", "text", "confidence", "recognised", "model"):
        assert row[name] == getattr(record, name)
    assert row["error"] is None
    assert [(each["digit"], each["box"]) for each in row["digits"]] == [
        (each.digit, asdict(each.box)) for each in record.digits
    ]


def test_what_cannot_be_read_is_told_in_its_row_and_stops_nothing(job: Job) -> None:
    pictures = {
        "blank.png": encode(np.full((200, 200), 255, np.uint8)),
        "damaged.png": png("7")[:200],
        "empty.png": b"",
        "enormous.png": enormous_png(),
        "kills.png": b"is a segmentation fault",
        "large.png": bytes(job.max_bytes + 1),
        "notes.png": b"7",
        "seven.png": png("7"),
    }
    for name, data in pictures.items():
        Path(job.source, name).write_bytes(data)
    errors, rows = read(job)
    assert rows.keys() == pictures.keys()
    assert sum(errors.values()) == len(pictures)
    said = {name: row["error"] for name, row in rows.items()}
    assert (said["seven.png"], rows["seven.png"]["number"]) == (None, "7")
    assert said["blank.png"] == NO_DIGIT
    assert said["damaged.png"] == "The picture is damaged or incomplete. Save or take it again and send that file."
    assert said["kills.png"].startswith("The picture's decoder failed")
    assert said["large.png"] == "It has 1,000,001 bytes; at most 1,000,000 are read. DIGITS_MAX_BYTES allows more."
    assert said["notes.png"] == NO_PICTURE
    assert rows["damaged.png"]["number"] is None


def test_a_share_that_is_larger_than_a_part_is_kept_part_by_part(job: Job) -> None:
    for number in range(PART + 1):
        Path(job.source, f"{number:03}.png").write_bytes(b"7")
    worker, (first, second) = Reader(job), Source(job.source, job.max_bytes).shares()
    worker.read(type(first)("", [*first.names, *second.names]))
    assert len(list(Path(job.results).iterdir())) == 2
