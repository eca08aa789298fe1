"""Pictures a second in bulk, beside a plain loop and beside the HTTP service, on the same pictures in one run.

    python -m bench.bulk [FOLDER] [--pictures 2000] [--workers 2] [--dollars 0.04]

FOLDER has pictures, such as `python -m bench.synthetic FOLDER` draws; without it, they are drawn first. Of them,
so many are read, evenly spaced.

start s     until the first picture is read: of Ray and its workers, or of the server
pictures/s  after that
CPU ms      of all processes, for a picture; others at work disturb it least. It makes the cost.
"""

import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psutil

from bench.bodies import multipart, pictures
from bench.command import parser_of, work
from bench.load import CONNECTIONS, put_load
from bench.pictures.hand import from_strokes
from bench.synthetic import SETS, made
from bench.systems import OURS, Workplace
from bench.table import aligned
from digits.errors import DigitsError
from digits.inference.model_file import load_compiled
from digits.inference.recogniser import LiteRTRecogniser
from digits.settings import Settings
from digits.training.command_line import whole
from digits.uploads.service import recognise_upload

LOOK_SECONDS = 0.2
MILLION, BILLION = 10**6, 10**9
SECONDS_OF_HOUR = 3600
DOLLARS = 0.04
"""An hour of a virtual CPU on demand, as large clouds sell it: 0.04 to 0.05."""


@dataclass(frozen=True, slots=True)
class Speed:
    """What one way of reading the pictures took."""

    pictures: int
    start_s: float
    seconds: float
    cpu_s: float


def main(arguments: list[str] | None = None) -> None:
    parser = parser_of("bench.bulk", __doc__, of_loads=False)
    parser.add_argument("folder", nargs="?", type=Path, metavar="FOLDER", help="of pictures; by default they are drawn")
    parser.add_argument("--pictures", type=whole(1), default=2000, metavar="N", help="%(default)s")
    parser.add_argument(
        "--dollars", type=float, default=DOLLARS, metavar="D", help="for an hour of one CPU (%(default)s)"
    )
    chosen = parser.parse_args(arguments)
    settings = Settings.read()
    with tempfile.TemporaryDirectory() as temporary, work(chosen.workers):
        folder = sample(chosen.folder, chosen.pictures, Path(temporary, "pictures"))
        speeds = {"plain loop": loop(folder, settings)}
        for workers in sorted({1, chosen.workers}):
            speeds[f"HTTP, workers: {workers}"] = http(folder, workers, speeds["plain loop"])
            speeds[f"bulk, workers: {workers}"] = bulk(folder, Path(temporary, str(workers)), workers, settings)
    rows = [["", "pictures", "start s", "pictures/s", "CPU ms"], *(row(name, each) for name, each in speeds.items())]
    print("\n".join(aligned(rows, 1)))
    print("\n" + "\n".join(costs(speeds[f"bulk, workers: {chosen.workers}"], chosen.dollars)))


def row(name: str, speed: Speed) -> list[str]:
    rate, cpu_ms = speed.pictures / speed.seconds, 1e3 * speed.cpu_s / speed.pictures
    return [name, f"{speed.pictures:,}", f"{speed.start_s:.1f}", f"{rate:.1f}", f"{cpu_ms:.2f}"]


def costs(speed: Speed, dollars: float) -> Iterator[str]:
    cpu_s = speed.cpu_s / speed.pictures
    for name, count in (("million", MILLION), ("billion", BILLION)):
        hours = count * cpu_s / SECONDS_OF_HOUR
        cost = f"${hours * dollars:,.2f} at ${dollars:g} an hour"
        yield f"A {name} of such pictures: {hours:,.1f} hours of one CPU, {cost}."
    yield "Without storage, requests to it and its traffic; all CPUs busy, none of them faster or slower than this one."


def sample(folder: Path | None, count: int, place: Path) -> Path:
    """So many pictures, in a new folder."""
    place.mkdir()
    if folder:
        files = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".csv")
        for number in range(min(count, len(files))):
            path = files[number * len(files) // min(count, len(files))]
            (place / f"{number:07}{path.suffix}").symlink_to(path.resolve())
        return place
    each = -(-count // len(SETS))
    drawn = made(SETS, each, 0, from_strokes)
    for number, (_, _, picture) in zip(range(count), drawn, strict=False):
        # Those of a set are apart, since their costs differ.
        (place / f"{number % each:05}-{number // each:02}{picture.suffix}").write_bytes(picture.data)
    return place


def loop(folder: Path, settings: Settings) -> Speed:
    with Cpu(lambda: [psutil.Process()]) as cpu:
        begin = time.perf_counter()
        recogniser = LiteRTRecogniser(load_compiled(settings.model))
        start = time.perf_counter()
        files = sorted(folder.iterdir())
        for path in files:
            with suppress(DigitsError):
                recognise_upload(path.read_bytes(), recogniser, settings.max_pixels)
        seconds = time.perf_counter() - start
    return Speed(len(files), start - begin, seconds, cpu.seconds)


def http(folder: Path, workers: int, beside: Speed) -> Speed:
    """Long enough for each picture to be sent about once."""
    bodies = [multipart(path.read_bytes()) for path in sorted(folder.iterdir())]
    with Workplace(workers) as workplace, workplace.running(OURS) as server, Cpu(server.processes) as cpu:
        load = put_load(server.url + OURS.path, bodies, CONNECTIONS, max(1, round(beside.seconds / workers)))
    return Speed(load.requests, server.start_s, load.seconds, cpu.seconds)


def bulk(folder: Path, place: Path, workers: int, settings: Settings) -> Speed:
    """Once with one picture, which takes as long as it takes to start, and once with all."""
    from digits.bulk import run

    one = place / "one"
    one.mkdir(parents=True)
    (one / "1.png").write_bytes(pictures("small")[0])
    took = []
    for number, source in enumerate((one, folder)):
        with Cpu(_all_of_ours) as cpu:
            begin = time.perf_counter()
            work = run.prepare(str(source), str(place / f"{number}.parquet"), settings)
            for _ in run.read(work, workers):
                cpu.look()
            seconds = time.perf_counter() - begin
        took.append((seconds, cpu.seconds))
    (start, start_cpu), (whole_time, whole_cpu) = took
    return Speed(work.pictures, start, whole_time - start, whole_cpu - start_cpu)


def _all_of_ours() -> list[psutil.Process]:
    me = psutil.Process()
    return [me, *me.children(recursive=True)]


class Cpu:
    """The CPU time of some processes, looked at so often that little is missed of those that end."""

    def __init__(self, processes: Callable[[], Sequence[psutil.Process]]) -> None:
        self._processes = processes
        self._first: dict[tuple[int, float], float] = {}
        self._last: dict[tuple[int, float], float] = {}
        self._ended = threading.Event()
        self._lock = threading.Lock()

    @property
    def seconds(self) -> float:
        return sum(self._last.values()) - sum(self._first.values())

    def look(self) -> None:
        with self._lock:
            for process in self._processes():
                with suppress(psutil.NoSuchProcess):
                    times = process.cpu_times()
                    self._last[process.pid, process.create_time()] = times.user + times.system

    def __enter__(self) -> Self:
        self.look()
        self._first = dict(self._last)
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.look()
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(LOOK_SECONDS):
            self.look()


if __name__ == "__main__":
    main()
