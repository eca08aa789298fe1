"""`flask --app app COMMAND`, over working fakes and, where marked, over real parts."""

import hashlib
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import Result
from flask.testing import FlaskClient

from bench.labelled import read_folder
from digits.errors import Unavailable
from digits.uploads.blobs import Storage, open_storage, prepare_storage
from digits.uploads.database import SqlRecords
from digits.uploads.export import export_labelled
from digits.uploads.models import Records, Wanted, every, first_id
from digits.uploads.retention import MOST_LEFTOVERS
from digits.uploads.transfer import move
from support import ROOT
from support.drawing import png
from support.records import record
from tests.fakes import AbsentStorage, MemoryRecords, MemoryStorage
from tests.uploads.test_database import made


def run(client: FlaskClient, *arguments: str) -> Result:
    return client.application.test_cli_runner().invoke(args=list(arguments))


def upload(client: FlaskClient, digit: str, label: str | None = None) -> str:
    answer = client.post("/uploads", data=png(digit), content_type="image/png").get_json()
    if label is not None:
        client.patch(answer["links"]["self"], json={"label": label})
    return answer["id"]


def test_labelled_pictures_are_exported_in_the_form_that_is_measured(client: FlaskClient, tmp_path: Path) -> None:
    upload(client, "3")
    labels = {upload(client, text, label): label for text, label in (("1", "7"), ("2", ""), ("45", "45\n6"))}
    done = run(client, "export", "--labelled", str(tmp_path / "out.zip"))
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


def test_a_labelled_picture_that_is_gone_is_told(client: FlaskClient, storage: MemoryStorage, tmp_path: Path) -> None:
    storage.delete([upload(client, "1", "1")])
    upload(client, "2", "2")
    done = run(client, "export", "--labelled", str(tmp_path / "out.zip"))
    assert "labelled pictures: 1." in done.stdout
    assert "Labelled pictures that are gone: 1." in done.stderr


def test_an_export_that_fails_leaves_the_former_one(
    client: FlaskClient, storage: MemoryStorage, records: MemoryRecords, tmp_path: Path
) -> None:
    class Away(MemoryStorage):
        def get(self, key: str) -> bytes:
            raise Unavailable("The storage does not answer.")

    upload(client, "1", "1")
    out = tmp_path / "out.zip"
    out.write_bytes(b"former")
    with pytest.raises(Unavailable):
        export_labelled(Away(), records, out)
    assert [(path, path.read_bytes()) for path in tmp_path.iterdir()] == [(out, b"former")]
    done = run(client, "export", "--labelled", str(tmp_path / "missing" / "out.zip"))
    assert (done.exit_code, done.output.count("\n")) == (1, 1)
    assert done.output.endswith(".out.zip: No such file or directory.\n")


def test_sweeping_says_what_was_found(client: FlaskClient) -> None:
    upload(client, "1")
    done = run(client, "sweep")
    assert (done.exit_code, done.output) == (0, "Swept: leftovers 0, old uploads 0.\n")


def test_leftovers_that_are_too_many_are_swept_only_on_demand(
    client: FlaskClient, storage: MemoryStorage, records: MemoryRecords
) -> None:
    first, leftovers = datetime(2026, 1, 1, tzinfo=UTC), range(1, MOST_LEFTOVERS + 2)
    ids = [f"{first_id(first + timedelta(hours=hour))}-7000-8000-0123456789ab" for hour in (0, *leftovers)]
    storage.put(dict.fromkeys(ids, b"picture"))
    records.add([record(id=ids[0])])
    assert "Not deleted: pictures without a record, 101," in run(client, "sweep").output
    assert run(client, "sweep", "--all").output == "Swept: leftovers 101, old uploads 0.\n"
    assert storage.files.keys() == {ids[0]}


def test_sweeping_without_a_storage_is_told_in_a_sentence(client_of: Callable[..., FlaskClient]) -> None:
    class Away(AbsentStorage):
        def every_key(self) -> Iterator[str]:
            self.check()
            return super().every_key()

    done = run(client_of(storage=Away()), "sweep")
    assert (done.exit_code, done.output.count("\n")) == (1, 1)
    assert done.output.startswith("Error: The storage does not answer.")


def filled() -> tuple[MemoryStorage, MemoryRecords]:
    """Fifty uploads, some labelled, some with a key of their client's."""
    storage, records = MemoryStorage(), MemoryRecords()
    at = datetime(2026, 11, 26, 8, 0, 0, 5000, UTC)
    for number in range(50):
        data = f"picture {number}".encode()
        label = {"label": str(number), "labelled_at": at} if number % 5 == 0 else {}
        key = f"key-{number}" if number % 7 == 0 else None
        row = record(sha256=hashlib.sha256(data).hexdigest(), idempotency_key=key, **label)
        storage.put({row.id: data})
        records.add([row])
    return storage, records


def told(storage: Storage, records: Records, to_storage: Storage, to_records: Records) -> str:
    *_, moved = move(storage, records, to_storage, to_records)
    return str(moved)


def test_all_is_moved_under_the_same_ids() -> None:
    storage, records = filled()
    to_storage, to_records = MemoryStorage(), MemoryRecords()
    assert told(storage, records, to_storage, to_records) == "Uploads copied: 50; there already: 0."
    assert (to_storage.files, to_records.rows) == (storage.files, records.rows)


def test_a_move_goes_on_where_it_was_broken_off_and_brings_labels_again() -> None:
    storage, records = filled()
    to_storage, to_records = MemoryStorage(), MemoryRecords()
    next(move(storage, records, to_storage, to_records))
    (newest,) = records.find(Wanted(), 1)
    labelled = records.label(newest.id, "8", datetime(2026, 11, 27, tzinfo=UTC))
    assert told(storage, records, to_storage, to_records) == "Uploads copied: 30; there already: 20."
    assert (to_storage.files, to_records.rows) == (storage.files, records.rows)
    assert to_records.get(newest.id) == labelled


def test_what_is_there_already_is_not_copied_again() -> None:
    class Complete(MemoryStorage):
        def put(self, pictures: Mapping[str, bytes]) -> None:
            raise AssertionError("It is copied again")

    storage, records = filled()
    complete, to_records = Complete(), MemoryRecords()
    complete.files = dict(storage.files)
    to_records.add(list(records.rows.values()))
    assert told(storage, records, complete, to_records) == "Uploads copied: 0; there already: 50."


def test_a_label_that_is_newer_over_there_stays() -> None:
    storage, records = filled()
    to_storage, to_records = MemoryStorage(), MemoryRecords()
    told(storage, records, to_storage, to_records)
    labelled = next(key for key, row in records.rows.items() if row.label)
    newer = to_records.label(labelled, "9", datetime(2026, 11, 27, tzinfo=UTC))
    told(storage, records, to_storage, to_records)
    assert to_records.get(labelled) == newer


def test_a_sweep_over_there_never_meets_a_picture_without_its_record() -> None:
    storage, records = filled()
    to_records = MemoryRecords()

    class Watched(MemoryStorage):
        def put(self, pictures: Mapping[str, bytes]) -> None:
            assert to_records.known(pictures) == pictures.keys()
            super().put(pictures)

    told(storage, records, Watched(), to_records)


def test_pictures_may_move_alone_and_records_alone() -> None:
    storage, records = filled()
    to_storage, to_records = MemoryStorage(), MemoryRecords()
    assert told(storage, records, to_storage, records).startswith("Uploads copied: 50;")
    assert told(storage, records, storage, to_records).startswith("Uploads copied: 50;")
    assert (to_storage.files, to_records.rows) == (storage.files, records.rows)


def test_what_was_lost_or_damaged_before_is_named_and_its_record_moved() -> None:
    storage, records = filled()
    lost, damaged = list(records.rows)[:3:2], list(records.rows)[1:4:2]
    storage.delete(lost)
    storage.put(dict.fromkeys(damaged, b"something else"))
    to_storage, to_records = MemoryStorage(), MemoryRecords()
    said = told(storage, records, to_storage, to_records)
    assert f"had been lost before: {lost[1]}, {lost[0]}." in said
    assert f"had been damaged before: {damaged[1]}, {damaged[0]}." in said
    assert (to_storage.files, to_records.rows) == (storage.files, records.rows)


def test_an_upload_whose_idempotency_key_is_taken_there_is_moved_without_it() -> None:
    storage, records = filled()
    to_storage, to_records = MemoryStorage(), MemoryRecords()
    to_records.add([record(idempotency_key="key-0")])
    told(storage, records, to_storage, to_records)
    expected = [
        replace(row, idempotency_key=None) if row.idempotency_key == "key-0" else row
        for row in every(records, Wanted())
    ]
    assert [to_records.get(row.id) for row in expected] == expected


def test_a_copy_that_differs_stops_the_move_and_is_copied_the_next_time() -> None:
    class Careless(MemoryStorage):
        def get(self, key: str) -> bytes:
            return super().get(key)[:-1]

    storage, records = filled()
    to_records, careless = MemoryRecords(), Careless()
    with pytest.raises(Unavailable, match="differs from its original"):
        told(storage, records, careless, to_records)
    told(storage, records, to_storage := MemoryStorage(), to_records)
    assert to_storage.files == storage.files
    assert len(careless.files) == 19
    assert all(key in storage.files for key in to_records.rows)


def test_uploads_are_moved_where_it_is_said(client: FlaskClient, storage: MemoryStorage, tmp_path: Path) -> None:
    key = upload(client, "7")
    place, url = str(tmp_path / "new"), f"sqlite:///{tmp_path}/new.db"
    done = run(client, "move", "--storage", place, "--database", url)
    assert (done.exit_code, done.stdout, done.stderr) == (0, "Uploads copied: 1; there already: 0.\n", "\r1\r")
    assert open_storage(place).get(key) == storage.files[key]
    with made(url) as engine:
        assert SqlRecords(engine).get(key).number == "7"


def test_a_move_that_cannot_begin_is_told(client: FlaskClient, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    done = run(client, "move", "--storage", f"{tmp_path}/file/uploads")
    assert (done.exit_code, done.output.count("\n")) == (1, 1)
    assert done.output.endswith("/file/uploads cannot be made: Not a directory.\n")


def test_a_move_to_the_same_place_is_refused(client: FlaskClient) -> None:
    done = run(client, "move")
    assert done.exit_code == 2
    assert "Name a --storage or --database other than" in done.output


@pytest.mark.slow
def test_one_command_moves_from_a_laptop_to_postgresql_and_s3(
    tmp_path: Path, database: str, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, url = str(tmp_path / "uploads"), f"sqlite:///{tmp_path}/uploads.db"
    for name, value in (("STORAGE", place), ("DATABASE", url), ("MODEL", str(ROOT / "mnist-neural.h5"))):
        monkeypatch.setenv(f"DIGITS_{name}", value)
    source, rows = filled()
    prepare_storage(place)
    open_storage(place).put(source.files)
    with made(url) as engine:
        SqlRecords(engine).add(list(rows.rows.values()))
    command = [sys.executable, "-m", "flask", "--app", "app", "move", "--storage", bucket, "--database", database]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.splitlines()[-1:]) == (
        0,
        ["Uploads copied: 50; there already: 0."],
    ), done.stderr
    with made(database) as engine:
        assert {row.id: row for row in every(SqlRecords(engine), Wanted())} == rows.rows
    storage = open_storage(bucket)
    assert {key: storage.get(key) for key in storage.every_key()} == source.files
