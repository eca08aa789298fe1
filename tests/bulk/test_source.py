"""What is found to be read in bulk, and what its bytes are."""

import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

pytest.importorskip("pyarrow", reason="make ray")

import pyarrow as pa
import pyarrow.parquet as pq

from digits.bulk.source import PART, Share, Source
from digits.errors import BadRequest, TooLarge, Unavailable
from digits.uploads.blobs import open_storage
from support.server import free_port

MOST_BYTES = 1000


def read(place: str | Path, most_bytes: int = MOST_BYTES) -> dict[str, bytes | Exception]:
    """By path: its bytes, or what keeps it from being read."""
    source = Source(str(place), most_bytes)
    found: dict[str, bytes | Exception] = {}
    for share in source.shares():
        found |= dict(zip(share.paths, source.read(share), strict=True))
    return found


def zipped(path: Path, members: Mapping[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def parquet(path: Path, rows: int = 10, **options: int) -> None:
    """Row n holds the byte n."""
    columns = {"label": [str(row) for row in range(rows)], "bytes": [bytes([row]) for row in range(rows)]}
    pq.write_table(pa.table(columns), path, **options)


def test_the_pictures_of_a_folder_are_read_but_hidden_ones(tmp_path: Path) -> None:
    for name in ("b.PNG", "a/7", "labels.csv", ".hidden.png", ".git/7.png", "a/.7.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    assert read(tmp_path) == {name: name.encode() for name in ("b.PNG", "a/7")}


def test_many_files_are_read_in_their_order_in_shares(tmp_path: Path) -> None:
    names = [f"{number:04}" for number in range(2 * PART + 1)]
    for name in names:
        (tmp_path / name).write_bytes(name.encode())
    assert [len(share.names) for share in Source(str(tmp_path), 4).shares()] == [PART, PART, 1]
    assert list(read(tmp_path).items()) == [(name, name.encode()) for name in names]


def test_a_file_that_cannot_be_read_keeps_its_place(tmp_path: Path) -> None:
    for name in ("a", "c"):
        (tmp_path / name).write_bytes(name.encode())
    (tmp_path / "b").symlink_to("gone")
    os.mkfifo(tmp_path / "endless")
    (tmp_path / "large").write_bytes(bytes(MOST_BYTES + 1))
    found = read(tmp_path)
    assert (list(found), found["a"], found["c"]) == (["a", "b", "c", "endless", "large"], b"a", b"c")
    assert isinstance(found["b"], FileNotFoundError)
    assert isinstance(found["endless"], OSError)
    assert isinstance(found["large"], TooLarge)


def test_a_name_of_any_bytes_is_read_and_told_in_utf_8(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xff.png")).write_bytes(b"7")
    assert read(tmp_path) == {r"\xff.png": b"7"}


def test_the_members_of_a_zip_file_are_read(tmp_path: Path) -> None:
    members = {"a/7.png": b"7", "a/": b"", "__MACOSX/a/._7.png": b"", "8.png": b"8", "labels.csv": b""}
    zipped(tmp_path / "scans.zip", members)
    assert read(tmp_path / "scans.zip") == {"scans.zip/a/7.png": b"7", "scans.zip/8.png": b"8"}


def test_a_damaged_or_large_member_of_a_zip_file_leaves_the_others(tmp_path: Path) -> None:
    path = tmp_path / "scans.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in {"1": b"first", "2": b"second", "3": bytes(MOST_BYTES + 1), "4": b"fourth"}.items():
            archive.writestr(name, data)
    path.write_bytes(path.read_bytes().replace(b"second", b"sceond"))
    found = read(path)
    assert (found["scans.zip/1"], found["scans.zip/4"]) == (b"first", b"fourth")
    assert "Bad CRC" in str(found["scans.zip/2"])
    assert isinstance(found["scans.zip/3"], TooLarge)


def test_the_rows_of_a_parquet_file_are_read_whatever_its_row_groups(tmp_path: Path) -> None:
    parquet(tmp_path / "train.parquet", row_group_size=3)
    assert read(tmp_path / "train.parquet") == {f"train.parquet/{row}": bytes([row]) for row in range(10)}
    some = Share("train.parquet", ["2", "3", "8"])
    assert list(Source(str(tmp_path), MOST_BYTES).read(some)) == [b"\2", b"\3", b"\x08"]


def test_pictures_are_found_where_hugging_face_has_them(tmp_path: Path) -> None:
    image = [{"bytes": b"7", "path": "7.png"}, None, {"bytes": None, "path": "gone.png"}, {"bytes": b"8", "path": None}]
    pq.write_table(pa.table({"label": [7, 0, 0, 8], "image": image}), tmp_path / "mnist.parquet")
    first, second, third, last = read(tmp_path / "mnist.parquet").values()
    assert (first, last) == (b"7", b"8")
    assert str(second) == str(third) == "There is nothing in this row."


def test_parquet_without_bytes_is_told(tmp_path: Path) -> None:
    pq.write_table(pa.table({"label": ["7"]}), tmp_path / "labels.parquet")
    ((path, error),) = read(tmp_path / "labels.parquet").items()
    assert (path, str(error)) == ("labels.parquet", "This Parquet file has no column of bytes (binary).")


def test_a_folder_may_hold_files_of_pictures_and_damaged_ones(tmp_path: Path) -> None:
    (tmp_path / "1.png").write_bytes(b"1")
    zipped(tmp_path / "2.zip", {"7.png": b"7"})
    parquet(tmp_path / "3.parquet", rows=1)
    for name in ("4.zip", "5.parquet"):
        (tmp_path / name).write_bytes(b"damaged")
    found = read(tmp_path)
    assert isinstance(found.pop("4.zip"), Exception)
    assert isinstance(found.pop("5.parquet"), Exception)
    assert found == {"1.png": b"1", "2.zip/7.png": b"7", "3.parquet/0": b"\0"}


def test_parquet_that_is_damaged_further_on_is_read_up_to_there(tmp_path: Path) -> None:
    path = tmp_path / "train.parquet"
    rows = pa.table({"bytes": [bytes([row]) * 100 for row in range(10)]})
    pq.write_table(rows, path, row_group_size=1, compression="zstd")
    damaged = bytearray(path.read_bytes())
    start = pq.ParquetFile(path).metadata.row_group(5).column(0).dictionary_page_offset
    damaged[start : start + 30] = bytes(30)
    path.write_bytes(damaged)
    found = list(read(path).values())
    assert found[:5] == [bytes([row]) * 100 for row in range(5)]
    assert [isinstance(each, Exception) for each in found[5:]] == [True] * 5


def test_what_is_done_is_left_out() -> None:
    share = Share("a.zip", ["1", "2", "3"])
    assert share.without({"a.zip/2", "1"}) == Share("a.zip", ["1", "3"])


@pytest.mark.parametrize("name", ["gone", "7.png"])
def test_what_holds_no_pictures_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "7.png").write_bytes(b"7")
    with pytest.raises(BadRequest, match=f"{name} is neither a folder nor s3://BUCKET/PREFIX, nor a zip"):
        Source(str(tmp_path / name), MOST_BYTES)


@pytest.fixture
def filled(bucket: str, tmp_path: Path) -> str:
    """A place in S3 with a picture, one that is hidden, one that is too large, a table, a zip and a Parquet file."""
    zipped(tmp_path / "2.zip", {"7.png": b"7", "8.png": b"8" * MOST_BYTES})
    parquet(tmp_path / "3.parquet", row_group_size=4)
    files = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    files |= {"a/1.png": b"1", "labels.csv": b"", ".hidden/1.png": b"", "large": bytes(MOST_BYTES + 1)}
    open_storage(bucket).put(files)
    return bucket


@pytest.mark.slow
def test_s3_is_read_as_a_folder_is(filled: str) -> None:
    found = read(filled)
    assert isinstance(found.pop("large"), TooLarge)
    in_zip = {"2.zip/7.png": b"7", "2.zip/8.png": b"8" * MOST_BYTES}
    in_parquet = {f"3.parquet/{row}": bytes([row]) for row in range(10)}
    assert found == {"a/1.png": b"1"} | in_zip | in_parquet
    assert read(f"{filled}/2.zip") == in_zip
    assert read(f"{filled}/3.parquet") == in_parquet


@pytest.mark.slow
def test_an_object_that_is_gone_is_told_alone(filled: str) -> None:
    gone, there = Source(filled, MOST_BYTES).read(Share("", ["gone.png", "a/1.png"]))
    assert (str(getattr(gone, "strerror", "")), there) == ("it is gone", b"1")


@pytest.mark.slow
def test_s3_that_is_away_ends_it(filled: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("digits.bulk.files.s3_store", lambda url, **_: open_storage(url)._store)  # type: ignore[attr-defined]
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    for share in (Share("", ["a/1.png"]), Share("2.zip", ["7.png"]), Share("3.parquet", ["1"])):
        with pytest.raises(Unavailable):
            list(Source(filled, MOST_BYTES).read(share))
    with pytest.raises(Unavailable):
        list(Source(filled, MOST_BYTES).shares())
