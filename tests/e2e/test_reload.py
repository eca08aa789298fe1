"""A new model, or none, for a server that goes on."""

import dataclasses
import hashlib
import os
import pty
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import h5py
import pytest
import requests

from digits.inference.model_file import CompiledModel, load_compiled, sha256_of, write_compiled
from support import ROOT
from support.drawing import png
from support.server import Server, children_of, command_of, environment_of, free_port, running, start, until, workers_of
from tests.e2e.test_serve import catches

pytestmark = pytest.mark.slow

SECONDS_TO_RELOAD = 120
"""Long enough for the model to be compiled first."""


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another model than the shipped one, compiled as training leaves it."""
    newer = tmp_path_factory.mktemp("newer") / "mnist-neural.h5"
    shutil.copy(ROOT / "mnist-neural.h5", newer)
    note(newer, "newer")
    # A note changes nothing of what is compiled.
    compiled = load_compiled(ROOT / "mnist-neural.h5")
    description = dataclasses.replace(compiled.description, name=name_of(newer), source_sha256=sha256_of(newer))
    write_compiled(newer, CompiledModel(compiled.flatbuffer, description))
    return newer


def note(model: Path, text: str) -> None:
    """Makes it another file, which reads digits as before."""
    with h5py.File(model, "r+") as file:
        file.attrs["note"] = text


def put(newer: Path, model: Path) -> str:
    """Puts a model and its compiled form in the place of another, as training does, and returns its name."""
    for suffix in (".tflite", ".h5"):
        temporary = model.with_name("temporary")
        shutil.copy(newer.with_suffix(suffix), temporary)
        temporary.replace(model.with_suffix(suffix))
    return name_of(model)


def name_of(model: Path) -> str:
    return f"{model.stem}@{sha256_of(model)[:8]}"


def put_uncompiled(model: Path, text: str) -> str:
    """Puts a model in its place that must be compiled first, and returns its name."""
    other = model.with_name("other.h5")
    shutil.copy(model, other)
    note(other, text)
    other.replace(model)
    return name_of(model)


def hang_up(server: Server) -> None:
    server.process.send_signal(signal.SIGHUP)


def model_of(server: Server) -> str:
    answer = requests.post(f"{server.url}/uploads?store=false", files={"file": png("7")}, timeout=30)
    return str(answer.json()["model"])


def wait_for(server: Server, model: str) -> None:
    """Until each of many new connections, to whichever worker, is answered by it."""
    until(lambda: {model_of(server) for _ in range(20)} == {model}, SECONDS_TO_RELOAD)


@contextmanager
def load_on(server: Server) -> Iterator[Counter[str]]:
    """Clients of all kinds, none of whose requests may fail; counts the answers of each model."""
    models: Counter[str] = Counter()
    stopped = threading.Event()

    def send(query: str, picture: bytes, keeps_connection: bool) -> None:
        session = requests.Session()
        while not stopped.is_set():
            post = session.post if keeps_connection else requests.post
            response = post(f"{server.url}/uploads{query}", files={"file": picture}, timeout=30)
            assert response.status_code in (200, 201)
            models[response.json()["model"]] += 1
        session.close()

    kinds = [
        (query, picture, keeps_connection)
        for query in ("?store=false", "", "?preview=true")
        for picture in (png("7"), png("407", size=900))
        for keeps_connection in (True, False)
    ]
    with ThreadPoolExecutor(len(kinds)) as threads:
        clients: list[Future[None]] = [threads.submit(send, *kind) for kind in kinds]
        try:
            yield models
        finally:
            stopped.set()
    for client in clients:
        client.result()


def test_a_new_model_is_taken_up_without_dropping_a_request(tmp_path: Path, model: Path, newer: Path) -> None:
    old = name_of(model)
    with running(tmp_path, model=str(model), workers="2") as server:
        with load_on(server) as models:
            time.sleep(1)
            before = workers_of(server)
            new = put(newer, model)
            hang_up(server)
            wait_for(server, new)
            time.sleep(1)
        assert models.keys() == {old, new}
        assert requests.get(f"{server.url}/readyz", timeout=10).json()["model"] == new
        until(lambda: not set(before) & set(workers_of(server)), 20)
        status, output = server.stop()
    assert status == 0
    assert f"Replacing {old} with {new}.\n" in output
    assert "Traceback" not in output


def test_a_broken_model_leaves_the_old_one_serving_even_in_a_worker_that_starts_later(
    tmp_path: Path, model: Path
) -> None:
    old = name_of(model)
    with running(tmp_path, model=str(model), workers="1") as server:
        model.write_bytes(b"\x89HDF\r\n\x1a\nand nothing more")
        hang_up(server)
        time.sleep(0.2)
        while is_running(server, "digits.inference.convert"):
            time.sleep(0.1)
        assert model_of(server) == old
        (worker,) = workers_of(server)
        os.kill(worker, signal.SIGKILL)
        wait_for(server, old)
        model.unlink()
        hang_up(server)
        time.sleep(1)
        assert model_of(server) == old
        _, output = server.stop()
    lines = [
        line for line in output.splitlines() if line.startswith(f"The new model cannot be used, and {old} stays: ")
    ]
    assert len(lines) == 2
    assert "does not exist" in lines[1]
    assert "Traceback" not in output


def test_a_compiled_model_that_cannot_be_run_is_not_taken_up(tmp_path: Path, model: Path, newer: Path) -> None:
    old = name_of(model)
    with running(tmp_path, model=str(model), workers="1") as server:
        put(newer, model)
        described = load_compiled(model).description
        bad = bytes(5000)
        description = dataclasses.replace(described, flatbuffer_sha256=hashlib.sha256(bad).hexdigest())
        write_compiled(model, CompiledModel(bad, description))
        hang_up(server)
        time.sleep(5)
        assert model_of(server) == old
        _, output = server.stop()
    assert f"The new model cannot be used, and {old} stays: " in output


def is_running(server: Server, module: str) -> bool:
    """Whether a child of it runs this module."""
    return any(module.encode() in command_of(pid) for pid in children_of(server.process.pid))


def test_the_last_of_several_models_is_the_one_that_stays(tmp_path: Path, model: Path) -> None:
    with running(tmp_path, model=str(model), workers="2") as server:
        for text in "abc":
            last = put_uncompiled(model, text)
            hang_up(server)
            time.sleep(0.7)
        wait_for(server, last)
        time.sleep(3)
        wait_for(server, last)


def test_old_workers_that_die_meanwhile_and_many_signals_do_no_harm(tmp_path: Path, model: Path) -> None:
    with running(tmp_path, model=str(model), workers="2") as server:
        old = workers_of(server)
        for _ in range(300):
            hang_up(server)
        time.sleep(0.5)
        for worker in old:
            os.kill(worker, signal.SIGKILL)
        until(lambda: len(set(workers_of(server)) - set(old)) >= 2, 20)
        wait_for(server, name_of(model))
        status, output = server.stop()
    assert status == 0
    assert f"The model is unchanged: {name_of(model)}. Replacing the workers.\n" in output
    assert "Traceback" not in output


def test_an_upload_that_is_on_its_way_is_finished_by_the_old_worker(tmp_path: Path, model: Path, newer: Path) -> None:
    data, old = png("7"), name_of(model)
    with running(tmp_path, model=str(model), workers="1") as server:

        def slowly() -> Iterator[bytes]:
            for place in range(12):  # Longer than a server that stops would wait.
                yield data[place * 20 : place * 20 + 20]
                time.sleep(1)
            yield data[240:]

        with ThreadPoolExecutor(1) as thread:
            headers = {"Content-Type": "image/png"}
            sent = thread.submit(requests.post, f"{server.url}/uploads", data=slowly(), headers=headers, timeout=60)
            time.sleep(0.5)
            new = put(newer, model)
            hang_up(server)
            wait_for(server, new)
            assert not sent.done()
            assert sent.result().json()["model"] == old


def test_it_stops_promptly_while_a_model_is_compiled(tmp_path: Path, model: Path) -> None:
    with running(tmp_path, model=str(model), workers="2") as server:
        put_uncompiled(model, "a")
        hang_up(server)
        time.sleep(0.5)
        begun = time.monotonic()
        status, output = server.stop()
    assert status == 0
    assert time.monotonic() - begun < 5
    assert "Traceback" not in output


def test_it_ends_with_the_terminal_that_it_was_started_in(tmp_path: Path) -> None:
    port = str(free_port())
    parent, terminal = pty.openpty()
    environment = environment_of(tmp_path, port=port)
    # As a shell does: a session of its own, whose terminal this is; whatever nohup may have done to the tests.
    hears = "import os, signal, sys; signal.signal(signal.SIGHUP, signal.SIG_DFL); os.execvp(sys.argv[1], sys.argv[1:])"
    command = [sys.executable, "-c", hears, "setsid", "--ctty", "--wait", sys.executable, str(ROOT / "app.py")]
    process = subprocess.Popen(command, stdin=terminal, stdout=terminal, stderr=terminal, env=environment, cwd=tmp_path)
    os.close(terminal)
    deadline = time.monotonic() + 30
    while True:
        try:
            assert requests.get(f"http://127.0.0.1:{port}/readyz", timeout=5).ok
            break
        except requests.ConnectionError:
            assert time.monotonic() < deadline
            time.sleep(0.1)
    os.close(parent)
    process.wait(20)
    with pytest.raises(requests.ConnectionError):
        requests.get(f"http://127.0.0.1:{port}/readyz", timeout=5)


def test_sighup_while_it_starts_does_no_harm(tmp_path: Path) -> None:
    port = free_port()
    process = start(tmp_path, port=str(port), workers="1")
    while not catches(process.pid, signal.SIGHUP):
        time.sleep(0.005)
    try:
        deadline = time.monotonic() + 30
        while True:
            process.send_signal(signal.SIGHUP)
            try:
                assert requests.get(f"http://127.0.0.1:{port}/readyz", timeout=5).ok
                break
            except requests.ConnectionError:
                assert process.poll() is None
                assert time.monotonic() < deadline
    finally:
        process.terminate()
        process.communicate(timeout=30)
