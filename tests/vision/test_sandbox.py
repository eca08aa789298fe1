import hashlib
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise

import numpy as np
import psutil
import pytest

from digits.errors import Busy, DigitsError, Undecodable
from digits.vision.decode import SHOWN_FORMATS, read_picture
from digits.vision.sandbox import Sandbox
from digits.vision.strip import as_png
from support.drawing import draw, encode, on_paper
from support.server import until
from tests.vision.failing_decoder import FAILURES, REFUSALS

pytestmark = pytest.mark.slow

PIXELS = 25_000_000
PICTURE = encode(on_paper(draw("7")), "GIF")


@contextmanager
def running(sandbox: Sandbox) -> Iterator[Sandbox]:
    """Closes it in the end, with which its process must end."""
    thread = threading.Thread(target=sandbox.run)
    thread.start()
    try:
        yield sandbox
    finally:
        sandbox.close()
        thread.join(10)
        assert not thread.is_alive()


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running(Sandbox(PIXELS)) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def failing() -> Iterator[Sandbox]:
    with running(Sandbox(PIXELS, "tests.vision.failing_decoder")) as sandbox:
        yield sandbox


def forking() -> psutil.Process:
    """The process of the fixture `failing`."""
    (process,) = (each for each in psutil.Process().children() if "tests.vision.failing_decoder" in each.cmdline())
    return process


@pytest.mark.parametrize("shown", sorted(SHOWN_FORMATS))
def test_each_format_is_read_as_in_this_process(sandbox: Sandbox, shown: str) -> None:
    data = encode(on_paper(draw("3")), "HEIF" if shown == "HEIC" else shown)
    there, here = sandbox.read_picture(data), read_picture(data, PIXELS)
    assert np.array_equal(there.grey, here.grey)
    assert (there.width, there.height, there.format) == (here.width, here.height, here.format) == (280, 280, shown)


def test_a_png_is_made_as_in_this_process(sandbox: Sandbox) -> None:
    assert sandbox.as_png(PICTURE) == as_png(PICTURE, PIXELS)
    assert sandbox.read_picture(PICTURE).format == "GIF"


def test_what_cannot_become_a_png_costs_only_its_picture(sandbox: Sandbox) -> None:
    with pytest.raises(Undecodable):
        sandbox.as_png(PICTURE[:100])
    assert sandbox.as_png(PICTURE) == as_png(PICTURE, PIXELS)


@pytest.mark.parametrize("data", [b"", b"no picture", PICTURE[:100], encode(np.zeros((5001, 5000), np.uint8))])
def test_what_is_refused_here_is_refused_there(sandbox: Sandbox, data: bytes) -> None:
    with pytest.raises(DigitsError) as here:
        read_picture(data, PIXELS)
    with pytest.raises(type(here.value)) as there:
        sandbox.read_picture(data)
    assert str(there.value) == str(here.value)


def test_what_a_decoder_says_of_a_picture_is_not_in_our_log(capfd: pytest.CaptureFixture[str]) -> None:
    with running(Sandbox(PIXELS, "tests.vision.failing_decoder")) as sandbox:
        sandbox.read_picture(b"is talked about")
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("data", REFUSALS)
def test_a_refusal_and_its_sentence_come_back(failing: Sandbox, data: bytes) -> None:
    with pytest.raises(type(REFUSALS[data]), match=str(REFUSALS[data])):
        failing.read_picture(data)


@pytest.mark.parametrize("data", FAILURES)
def test_a_decoder_that_fails_costs_only_its_picture(failing: Sandbox, data: bytes) -> None:
    with pytest.raises(Undecodable) as failure:
        failing.read_picture(data)
    assert str(failure.value) == (
        "The picture's decoder failed, or took too long. Save the picture as PNG, and send that."
    )
    assert hashlib.sha256(data).hexdigest() in str(failure.value.__cause__)
    assert failing.read_picture(PICTURE).format == "GIF"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"loops", "in loop"),
        (b"sleeps", "in sleep"),
        (b"allocates", "MemoryError"),
        (b"is a segmentation fault", "Fatal Python error: Segmentation fault"),
        (b"is killed", "it said nothing"),
        (b"is a fault of ours", "RuntimeError: a fault of ours"),
    ],
)
def test_how_a_decoder_failed_is_told(failing: Sandbox, data: bytes, said: str) -> None:
    with pytest.raises(Undecodable) as failure:
        failing.read_picture(data)
    assert said in str(failure.value.__cause__)


def test_pictures_are_read_while_a_decoder_loops(failing: Sandbox) -> None:
    with ThreadPoolExecutor(1) as thread:
        looping = thread.submit(failing.read_picture, b"loops")
        read = 0
        while not looping.done():
            assert failing.read_picture(PICTURE).format == "GIF"
            read += 1
        assert isinstance(looping.exception(), Undecodable)
    assert read > 5


def test_of_the_large_pictures_of_a_worker_one_is_decoded_at_a_time(failing: Sandbox) -> None:
    with ThreadPoolExecutor(3) as threads:
        pictures = sorted(threads.map(failing.read_picture, [b"is large"] * 3), key=lambda picture: picture.width)
    assert all(earlier.height <= later.width for earlier, later in pairwise(pictures))


def test_a_large_picture_that_waits_for_others_has_as_much_time_as_they(failing: Sandbox) -> None:
    with ThreadPoolExecutor(3) as threads:
        assert len(list(threads.map(failing.read_picture, [b"is large and slow"] * 3))) == 3


def test_nothing_is_left_of_a_hundred_failures(failing: Sandbox) -> None:
    def fail(data: bytes) -> None:
        with pytest.raises(DigitsError):
            failing.read_picture(data)

    while forking().children():  # Those that are idle.
        fail(b"ends")
    here, there = psutil.Process().num_fds(), forking().num_fds()
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(fail, [b"is a segmentation fault", b"is killed", b"is no picture", b"ends"] * 25))
    until(lambda: not forking().children() and forking().num_fds() == there, 10)
    assert psutil.Process().num_fds() == here


def test_a_decoder_is_used_again_unless_it_refused_a_picture(failing: Sandbox) -> None:
    failing.read_picture(PICTURE)
    idle = forking().children()
    failing.read_picture(PICTURE)
    assert forking().children() == idle
    with pytest.raises(DigitsError):
        failing.read_picture(b"is no picture")
    until(lambda: set(forking().children()) < set(idle), 5)


def test_a_decoder_that_died_while_it_was_idle_costs_no_picture(failing: Sandbox) -> None:
    failing.read_picture(PICTURE)
    for decoder in forking().children():
        decoder.kill()
    until(lambda: not forking().children(), 5)
    assert failing.read_picture(PICTURE).format == "GIF"


def test_a_decoder_that_was_idle_for_long_is_not_used(failing: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    failing.read_picture(PICTURE)
    idle = set(forking().children())
    monkeypatch.setattr("digits.vision.sandbox.IDLE_SECONDS", 0)
    failing.read_picture(PICTURE)
    until(lambda: not idle & set(forking().children()), 5)


def test_without_decoders_the_server_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("digits.vision.sandbox._PATIENCE", 0.1)
    sandbox = Sandbox(PIXELS)
    with pytest.raises(Busy):
        sandbox.read_picture(PICTURE)
    sandbox.close()
    with pytest.raises(Busy):
        sandbox.read_picture(PICTURE)


def test_it_holds_no_secret_and_no_connection_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITS_DATABASE", "postgresql://digits:secret@db/digits")
    before = set(psutil.Process().children())
    with socket.create_server(("127.0.0.1", 0)), running(Sandbox(PIXELS)) as sandbox:
        sandbox.read_picture(PICTURE)
        (started,) = set(psutil.Process().children()) - before
        for process in (started, *started.children()):
            assert "secret" not in str(process.environ())
            assert process.net_connections("inet") == []


def test_pictures_wait_while_its_process_starts_again() -> None:
    sandbox = Sandbox(PIXELS)
    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(sandbox.read_picture, PICTURE)
        time.sleep(0.2)
        with running(sandbox):
            assert waiting.result(10).format == "GIF"
