"""The benchmarks of speed: what they send, count and leave out."""

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path

import psutil
import pytest
from PIL import Image

from bench import load, machine, serving
from bench.bodies import CONTENT_TYPE, KINDS, mix, multipart, pictures
from bench.history import fill
from bench.load import Load, figures, of_times, put_load
from bench.queueing import measure
from bench.serving import read_right
from bench.systems import OURS, Workplace
from digits.uploads.database import SqlRecords
from digits.uploads.engine import create_engine
from digits.uploads.models import Wanted
from digits.web.incoming import parts_of


class Counting(BaseHTTPRequestHandler):
    """Remembers what it was sent; every so many answers one is an error."""

    protocol_version = "HTTP/1.1"
    seen: list[tuple[str, str, bytes]]
    answer = b"{}"
    every = 3

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.seen.append((self.command, self.path, body))
        self.send_response(500 if len(self.seen) % self.every == 0 else 200)
        self.send_header("Content-Length", str(len(self.answer)))
        self.end_headers()
        self.wfile.write(self.answer)

    do_GET = do_POST  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def served(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def server() -> Iterator[tuple[str, list[tuple[str, str, bytes]]]]:
    seen: list[tuple[str, str, bytes]] = []
    with served(type("Handler", (Counting,), {"seen": seen})) as url:
        yield f"{url}/uploads?store=false", seen


@pytest.fixture(params=["wrk", "Python"])
def by(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    wrk = shutil.which("wrk")
    if request.param == "wrk" and not wrk:
        pytest.skip("wrk is not installed")
    monkeypatch.setattr(load, "WRK", wrk if request.param == "wrk" else None)


@pytest.mark.slow
@pytest.mark.usefixtures("by")
def test_load_sends_all_bodies_in_turn_and_counts_errors(server: tuple[str, list[tuple[str, str, bytes]]]) -> None:
    url, seen = server
    bodies = [multipart(bytes([place]) * 5000) for place in range(3)]
    came = put_load(url, bodies, connections=2, seconds=1)
    assert {body for _, _, body in seen} == set(bodies)
    assert {(method, path) for method, path, _ in seen} == {("POST", "/uploads?store=false")}
    assert 0 <= len(seen) - came.requests <= 2
    assert came.errors == pytest.approx(len(seen) / 3, abs=2)
    assert came.per_second == pytest.approx((came.requests - came.errors) / came.seconds)
    assert 0 < came.p50_ms <= came.p99_ms


@pytest.mark.slow
@pytest.mark.usefixtures("by")
def test_load_without_bodies_asks(server: tuple[str, list[tuple[str, str, bytes]]]) -> None:
    url, seen = server
    assert put_load(url, [], connections=2, seconds=1).requests > 0
    assert {(method, body) for method, _, body in seen} == {("GET", b"")}


@pytest.mark.slow
@pytest.mark.usefixtures("by")
def test_load_of_a_rate_comes_at_random_times(server: tuple[str, list[tuple[str, str, bytes]]]) -> None:
    url, seen = server
    came = put_load(url, [multipart(b"picture")], connections=40, seconds=2, rate=100)
    # Of 200: wrk sends nothing in the first second.
    assert 50 < came.requests <= len(seen) < 280
    assert 0 < came.p50_ms <= came.p99_ms <= came.p999_ms


@pytest.mark.slow
def test_answers_are_timed_at_shares_of_the_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "MOST_TAKEN", 1.0)
    with Workplace(1) as workplace:
        (half, (at_half,)), (most, (at_most,)) = measure(workplace, OURS, "small", rounds=1, seconds=1)
    assert (half, most) == (0.5, 0.8)
    assert 0 < at_half.requests < at_most.requests


def test_figures_are_medians_of_the_rounds_and_all_errors() -> None:
    rounds = [Load(100, 1, 1.0, 9.0), Load(400, 2, 3.0, 5.0, errors=100), Load(1000, 1, 2.0, 7.0, errors=1)]
    assert figures(rounds) == ["150", "2.0", "7.0", "101"]


def test_times_become_figures() -> None:
    came = of_times([0.001] * 98 + [0.5] * 2, seconds=2)
    assert (came.per_second, came.p50_ms, came.p99_ms) == (50, 1, 500)


@pytest.mark.parametrize(("taken", "rounds"), [([0.0], 1), ([1.5, 0.04], 2), ([0.3, 0.3, 0.3, 0.0], 4)])
def test_a_round_in_which_something_else_was_at_work_is_measured_again(
    monkeypatch: pytest.MonkeyPatch, taken: list[float], rounds: int
) -> None:
    now = {"time": 0.0, "busy": 0.0}
    measured: list[float] = []

    def measure() -> int:
        measured.append(taken[len(measured)])
        now["time"] += 1
        now["busy"] += measured[-1]
        return len(measured)

    monkeypatch.setattr(time, "monotonic", lambda: now["time"])
    monkeypatch.setattr(machine, "PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(machine, "_taken_by_others", lambda: now["busy"])
    monkeypatch.setattr(psutil, "cpu_count", lambda: 2)
    assert machine.undisturbed(measure) == rounds


def test_a_machine_that_never_rests_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    busy = iter(range(100))
    monkeypatch.setattr(machine, "PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(machine, "_taken_by_others", lambda: next(busy))
    with pytest.raises(machine.NoRest, match="Something else"):
        machine.undisturbed(lambda: None)


@pytest.mark.parametrize(
    ("kind", "form", "mode", "size", "length"),
    [
        ("small", "PNG", "L", (28, 28), (100, 1000)),
        ("canvas", "PNG", "RGBA", (400, 400), (1000, 30_000)),
        ("photo", "JPEG", "RGB", (3000, 2000), (1_200_000, 1_800_000)),
    ],
)
def test_pictures_are_as_they_are_called(
    kind: str, form: str, mode: str, size: tuple[int, int], length: tuple[int, int]
) -> None:
    for number, file in mix(kind, 2):
        assert 1 <= len(number) <= KINDS[kind].digits
        with Image.open(BytesIO(file)) as image:
            assert (image.format, image.mode, image.size) == (form, mode, size)
        assert length[0] < len(file) < length[1]
        (part,) = parts_of(multipart(file), CONTENT_TYPE.partition("boundary=")[2])
        assert (part.field, part.content) == ("file", file)


def test_the_pictures_of_a_mix_are_all_different_and_always_the_same() -> None:
    assert len(set(pictures("canvas"))) == len(pictures("canvas"))
    assert {len(number) for number, _ in mix("canvas")} == {1, 2, 3}
    assert mix("canvas", 3) == mix("canvas")[:3]


def test_what_is_read_right_is_counted() -> None:
    with served(type("Sevens", (Counting,), {"seen": [], "answer": b'{"number": "7"}', "every": 1000})) as url:
        right = read_right(url, OURS, "small")
    assert right == sum(number == "7" for number, _ in mix("small")) > 0


def test_the_history_that_is_measured_is_in_order(tmp_path: Path) -> None:
    fill(f"sqlite:///{tmp_path}/7.db", 25)
    engine = create_engine(f"sqlite:///{tmp_path}/7.db")
    records = SqlRecords(engine).find(Wanted(), 100)
    engine.dispose()
    assert len(records) == 25
    assert [record.created_at for record in records] == sorted((r.created_at for r in records), reverse=True)


@pytest.mark.parametrize(("option", "value"), [("--bodies", "photos"), ("--without", "digits"), ("--rounds", "0")])
def test_a_wrong_option_is_told(capsys: pytest.CaptureFixture[str], option: str, value: str) -> None:
    with pytest.raises(SystemExit):
        serving.main([option, value])
    assert option in capsys.readouterr().err


@pytest.mark.slow
def test_ours_is_measured_beside_floor_and_ceiling(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Other tests may run beside it, and no figure is looked at.
    monkeypatch.setattr(machine, "MOST_TAKEN", 1.0)
    without = "stored,durable,fastapi,litestar,robyn,litserve,flask"
    once = ["--rounds", "1", "--seconds", "1", "--workers", "1"]
    serving.main(["--bodies", "small", "--without", without, *once])
    lines = capsys.readouterr().out.splitlines()
    speeds = {line[:28].strip(): line[28:].split() for line in lines[3:6]}
    assert list(speeds) == ["digits, store=false", "floor: only takes the upload"[:28], "ceiling"]
    assert all(int(figures[0].replace(",", "")) > 0 and figures[3] == "0" for figures in speeds.values())
    assert lines[-2].split()[-3:] != lines[-1].split()[-3:]
