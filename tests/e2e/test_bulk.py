"""`digits recognise --bulk`, on a real Ray."""

import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ray", reason="make ray")

import psutil
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq

from bench.bodies import pictures
from digits.bulk.source import PART
from digits.uploads.blobs import open_storage
from support import ROOT
from support.drawing import png
from support.server import until

pytestmark = pytest.mark.slow

SECONDS = 240


def command(source: str | Path, results: str | Path) -> list[str]:
    return [sys.executable, "-m", "digits", "recognise", "--bulk", str(source), "--out", str(results)]


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT), "DIGITS_MODEL": str(ROOT / "mnist-neural.h5")}


def bulk(source: str | Path, results: str | Path) -> "subprocess.CompletedProcess[str]":
    """Runs it to its end."""
    return subprocess.run(
        command(source, results), env=environment(), capture_output=True, text=True, timeout=SECONDS, check=False
    )


def rows(results: str | Path) -> dict[str, dict[str, Any]]:
    """By path, of which none may be there twice."""
    read = pyarrow.dataset.dataset(results).to_table().to_pylist()
    by_path = {row["path"]: row for row in read}
    assert len(by_path) == len(read)
    return by_path


def test_a_folder_of_everything_is_read_once(tmp_path: Path) -> None:
    source, results = tmp_path / "in", tmp_path / "results.parquet"
    source.mkdir()
    (source / "7.png").write_bytes(png("7"))
    (source / "damaged.png").write_bytes(png("7")[:200])
    (source / "damaged.zip").write_bytes(b"PK")
    with zipfile.ZipFile(source / "scans.zip", "w") as archive:
        archive.writestr("40.png", png("40"))
        archive.writestr("8.png", "7")
        archive.writestr("labels.csv", "7")
    pq.write_table(pa.table({"image": [{"bytes": png("8"), "path": "8.png"}]}), source / "train.parquet")

    done = bulk(source, results)
    assert done.returncode == 1, done.stderr
    read = rows(results)
    assert {path: row["number"] for path, row in read.items() if row["number"]} == {
        "7.png": "7", "scans.zip/40.png": "40", "train.parquet/0": "8",
    }  # fmt: skip
    assert {path for path, row in read.items() if row["error"]} == {"damaged.png", "damaged.zip", "scans.zip/8.png"}
    table = done.stdout.splitlines()
    assert (table[0].split(), table[1].split()) == (["PICTURES", "REMARK"], ["3", "read"])
    assert len(table) == 5

    (source / "new.png").write_bytes(png("9"))
    again = bulk(source, results)
    assert again.stdout.splitlines()[1:3] == ["3         read before", "1         read"], again.stderr
    assert (again.returncode, sorted(again.stdout.splitlines()[3:])) == (1, sorted(table[2:]))
    assert rows(results)["new.png"]["number"] == "9"


def test_s3_is_read_into_s3(bucket: str, tmp_path: Path) -> None:
    open_storage(f"{bucket}/in").put({f"{digit}.png": png(digit) for digit in "123"})
    results = f"{bucket}/results.parquet"
    done = bulk(f"{bucket}/in", results)
    assert done.returncode == 0, done.stderr
    storage = open_storage(results)
    for key in storage.every_key():
        (tmp_path / key).write_bytes(storage.get(key))
    assert {path: row["number"] for path, row in rows(tmp_path).items()} == {f"{digit}.png": digit for digit in "123"}


@pytest.fixture
def many(tmp_path: Path) -> tuple[Path, int]:
    """A folder of small pictures for several parts, and their number."""
    source, count = tmp_path / "in", 30 * PART
    source.mkdir()
    each = pictures("small")
    for number in range(count):
        (source / f"{number:05}.png").write_bytes(each[number % len(each)])
    return source, count


def parts(results: Path) -> dict[str, int]:
    """When each was written."""
    found = results.glob("part-*.parquet") if results.exists() else ()
    return {path.name: path.stat().st_mtime_ns for path in found}


def test_what_is_killed_goes_on_where_it_was(many: tuple[Path, int], tmp_path: Path) -> None:
    (source, count), results = many, tmp_path / "results.parquet"
    process = subprocess.Popen(
        command(source, results), env=environment(), stderr=subprocess.DEVNULL, start_new_session=True
    )
    until(lambda: len(parts(results)) >= 2, SECONDS)
    started = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait()
    psutil.wait_procs(started, 30)  # Ray's processes end with the one that started them.
    before = parts(results)
    assert 2 <= len(before) < count // PART

    done = bulk(source, results)
    assert done.returncode == 0, done.stderr
    after = parts(results)
    assert before.items() <= after.items()
    assert len(rows(results)) == count
    assert f"{PART * len(before):,}" in done.stdout.splitlines()[1]


def test_a_worker_that_is_killed_costs_nothing(many: tuple[Path, int], tmp_path: Path) -> None:
    (source, count), results = many, tmp_path / "results.parquet"
    process = subprocess.Popen(command(source, results), env=environment(), stdout=subprocess.PIPE, text=True)
    until(lambda: len(parts(results)) >= 1, SECONDS)
    workers = [
        each for each in psutil.Process(process.pid).children(recursive=True) if "MapWorker" in " ".join(each.cmdline())
    ]
    workers[0].send_signal(signal.SIGKILL)
    output, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 0
    assert output.splitlines()[-1].split() == [f"{count:,}", "read"]
    assert len(rows(results)) == count


def test_results_that_cannot_be_kept_end_it_with_a_sentence(many: tuple[Path, int], tmp_path: Path) -> None:
    (source, _), results = many, tmp_path / "results.parquet"
    process = subprocess.Popen(
        command(source, results), env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    until(results.is_dir, SECONDS)
    results.rmdir()
    results.write_bytes(b"")
    output, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 1
    assert f"Error: {results} is a file." in output
    assert "Traceback" not in output
