"""Nothing is lost, and nothing half kept: the real server, while what it stands on fails and comes back."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import requests

from digits.uploads import retention as sweep
from digits.uploads.blobs import open_storage
from digits.uploads.database import SqlRecords
from digits.uploads.engine import create_engine
from digits.uploads.models import Wanted, every
from digits.uploads.pairing import MARK
from support.backends import PostgreSQL, s3
from support.drawing import png
from support.server import Server, running, workers_of

pytestmark = pytest.mark.slow

SECONDS_TO_COME_BACK = 20


def post(server: Server, query: str = "") -> requests.Response:
    return requests.post(f"{server.url}/uploads{query}", files={"file": png("7")}, timeout=40)


def seen_ready(server: Server) -> requests.Response:
    return requests.get(f"{server.url}/readyz", timeout=20)


def history(server: Server) -> set[str]:
    uploads = requests.get(f"{server.url}/uploads?limit=100", timeout=10).json()["uploads"]
    return {upload["id"] for upload in uploads}


def comes_back(server: Server) -> str:
    """The first upload that is kept again; none may fail in another way than before."""
    deadline = time.monotonic() + SECONDS_TO_COME_BACK
    while (response := post(server)).status_code != 201:
        assert response.status_code in (503, 507)
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return str(response.json()["id"])


def mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True, capture_output=True)


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of its own with room for little."""
    folder.mkdir()
    try:
        mount("-t", "tmpfs", "-o", "size=512k", "tmpfs", str(folder))
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("a file system can only be mounted by root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path, leave: int = 0) -> None:
    """Takes the room that there is, but for some bytes."""
    room = os.statvfs(folder)
    (folder / "filler").write_bytes(bytes(room.f_bavail * room.f_frsize - leave))


def pictures_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {MARK}


def test_a_full_folder_is_507_and_works_again_when_there_is_room(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        environment = {"storage": str(disk / "uploads"), "database": f"sqlite:///{tmp_path}/uploads.db", "workers": "1"}
        with running(tmp_path, **environment) as server:
            kept = post(server).json()["id"]
            fill(disk)
            full = post(server)
            assert (full.status_code, full.json()["type"]) == (507, "/problems/storage-full")
            assert post(server, "?store=false").json()["number"] == "7"
            assert pictures_in(disk / "uploads") == {kept}
            assert history(server) == {kept}
            (disk / "filler").unlink()
            assert {kept, comes_back(server)} == history(server)


def test_a_full_database_is_507_and_the_picture_is_not_left_behind(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        environment = {"storage": str(tmp_path / "uploads"), "database": f"sqlite:///{disk}/uploads.db", "workers": "1"}
        with running(tmp_path, **environment) as server:
            kept = {post(server).json()["id"]}
            fill(disk)
            while (response := post(server)).status_code == 201:  # What SQLite has room for in its own files.
                kept.add(response.json()["id"])
            assert response.status_code == 507
            assert pictures_in(tmp_path / "uploads") == kept == history(server)
            (disk / "filler").unlink()
            kept.add(comes_back(server))
            assert pictures_in(tmp_path / "uploads") == kept == history(server)


def test_a_read_only_disk_is_503_and_the_history_is_still_read(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        environment = {"storage": str(disk / "uploads"), "database": f"sqlite:///{tmp_path}/uploads.db", "workers": "1"}
        with running(tmp_path, **environment) as server:
            kept = post(server).json()
            mount("-o", "remount,ro", str(disk))
            refused = post(server)
            assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
            assert "No answer from the storage." in seen_ready(server).json()["detail"]
            assert requests.get(server.url + kept["links"]["image"], timeout=10).content == png("7")
            assert requests.delete(server.url + kept["links"]["self"], timeout=10).status_code == 503
            assert post(server, "?store=false").status_code == 200
            assert history(server) == {kept["id"]}
            mount("-o", "remount,rw", str(disk))
            assert {kept["id"], comes_back(server)} == history(server)
            assert seen_ready(server).status_code == 200


def test_without_postgresql_it_answers_503_and_finds_it_again(tmp_path: Path, fragile_postgresql: PostgreSQL) -> None:
    with running(tmp_path, database=fragile_postgresql.url, workers="1") as server:
        kept = post(server).json()["id"]
        fragile_postgresql.stop()
        refused = post(server)
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
        assert "No answer from the database." in seen_ready(server).json()["detail"]
        assert requests.get(f"{server.url}/healthz", timeout=10).status_code == 200
        assert requests.get(f"{server.url}/uploads", timeout=10).status_code == 503
        assert post(server, "?store=false").json()["number"] == "7"
        assert pictures_in(tmp_path / "uploads") == {kept}
        fragile_postgresql.start()
        assert seen_ready(server).status_code == 200
        assert {kept, comes_back(server)} == history(server)


def test_without_s3_it_answers_503_and_finds_it_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with s3() as first:
        place = first.bucket("digits")
        for name, value in first.environment.items():
            monkeypatch.setenv(name, value)
        database = f"sqlite:///{tmp_path}/uploads.db"
        with running(tmp_path, storage=place, database=database, workers="1") as server:
            kept = post(server).json()
            assert requests.get(server.url + kept["links"]["image"], timeout=10).content == png("7")
            first.stop()
            refused = post(server)
            assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
            assert "No answer from the storage." in seen_ready(server).json()["detail"]
            assert post(server, "?store=false").json()["number"] == "7"
            assert history(server) == {kept["id"]}
            with s3(first.port) as again:
                again.bucket("digits")
                assert seen_ready(server).status_code == 200
                assert {kept["id"], comes_back(server)} == history(server)


@pytest.mark.parametrize("shared", [False, True])
def test_a_kill_in_the_middle_of_uploads_loses_none_that_was_acknowledged(
    tmp_path: Path, shared: bool, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, database = str(tmp_path / "uploads"), f"sqlite:///{tmp_path}/uploads.db"
    if shared:
        place, database = request.getfixturevalue("bucket"), request.getfixturevalue("database")
    acknowledged: set[str] = set()

    def upload_on(server: Server) -> None:
        while True:
            try:
                acknowledged.add(post(server).json()["id"])
            except requests.RequestException:
                return

    with running(tmp_path, storage=place, database=database, workers="2") as server, ThreadPoolExecutor(8) as threads:
        senders = [threads.submit(upload_on, server) for _ in range(8)]
        time.sleep(2)
        for pid in (*workers_of(server), server.process.pid):
            os.kill(pid, signal.SIGKILL)
        server.process.communicate()
        for sender in senders:
            sender.result(30)
    assert acknowledged
    engine, storage = create_engine(database), open_storage(place)
    records = SqlRecords(engine)
    there = {record.id for record in every(records, Wanted())}
    assert acknowledged <= there <= set(storage.every_key())
    monkeypatch.setattr(sweep, "LEFTOVER_AGE", timedelta(0))
    sweep.sweep(storage, records)
    assert set(storage.every_key()) == there | {MARK}
    engine.dispose()
