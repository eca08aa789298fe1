"""Whether the server stays as it is, for as long as people send it everything: memory, handles, threads and answers.

    python -m bench.soak [--minutes 20] [--workers N] [--plot soak.svg]

Twelve clients send small pictures, drawings, photos of all formats, what is no picture, damaged and hostile files, ask
for explanations, page through the history, and delete what they find. Each sample is the whole server: all its
processes, and what they share counted once.

slope   of a line through the samples of the second half, when all that is kept is there
"""

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import requests

from bench.bodies import pictures
from bench.command import parser_of, work
from bench.systems import STORED, Running
from bench.table import aligned
from digits.training.command_line import whole
from support.drawing import draw, encode, enormous_png, on_paper

CLIENTS = 12
SAMPLES = 120
FORMATS = ("GIF", "WEBP", "TIFF", "AVIF", "HEIF", "BMP")
Files = Mapping[str, Sequence[bytes]]
FIGURES = ("MB", "handles", "threads", "99% ms")


@dataclass(frozen=True, slots=True)
class Sample:
    """The server at one time."""

    minute: float
    megabytes: float
    handles: int
    threads: int
    p99_ms: float
    """Of the answers since the last sample."""

    @property
    def figures(self) -> tuple[float, ...]:
        """In the order of FIGURES."""
        return self.megabytes, self.handles, self.threads, self.p99_ms


class Answers:
    """What the clients are answered; their threads share it."""

    def __init__(self) -> None:
        self.count = Counter[str]()
        """By status."""
        self._new: list[tuple[str, float]] = []

    def add(self, status: str, seconds: float) -> None:
        self._new.append((status, seconds))

    def take_p99_ms(self) -> float:
        """Of the answers since the last time."""
        taken, self._new = self._new, []
        self.count.update(status for status, _ in taken)
        return 1e3 * float(np.quantile([seconds for _, seconds in taken] or [0], 0.99))


def main(arguments: list[str] | None = None) -> None:
    parser = parser_of("bench.soak", __doc__, of_loads=False)
    parser.add_argument("--minutes", type=whole(1), default=20, metavar="N", help="%(default)s")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the samples, as SVG or PNG")
    chosen = parser.parse_args(arguments)
    with work(chosen.workers, f"{CLIENTS} clients") as workplace, workplace.running(STORED) as server:
        samples, answers = soak(server, chosen.minutes)
    print("\n".join(report(samples, answers)))
    if chosen.plot:
        plot(samples, chosen.plot)


def soak(server: Running, minutes: float) -> tuple[list[Sample], Answers]:
    """Samples, and what the clients were answered."""
    answers, stopped, sent = Answers(), threading.Event(), files()
    clients = [
        threading.Thread(target=_client, args=(server.url, random.Random(seed), sent, answers, stopped))
        for seed in range(CLIENTS)
    ]
    for client in clients:
        client.start()
    start, samples = time.monotonic(), list[Sample]()
    try:
        while time.monotonic() < start + 60 * minutes:
            time.sleep(60 * minutes / SAMPLES)
            samples.append(_sample(server, (time.monotonic() - start) / 60, answers.take_p99_ms()))
    finally:
        stopped.set()
        for client in clients:
            client.join()
    return samples, answers


def files() -> Files:
    """What is sent, by its kind; some are refused."""
    page = on_paper(draw("7", size=1200, pen=90, margin=300))
    photo, png = pictures("photo")[0], encode(page)
    return {
        "small": pictures("small"),
        "canvas": pictures("canvas"),
        "photo": pictures("photo"),
        "other formats": [encode(page, name) for name in FORMATS],
        "progressive": [encode(page, "JPEG", progressive=True)],
        "damaged": [photo[: len(photo) // 2], png[:-200], png[:50] + bytes(100) + png[150:]],
        "hostile": [enormous_png(), b"\xff\xd8\xff" + b"\xff\xda" * 1000, b"GIF89a" + bytes(20)],
        "no picture": [b"", b"Seven", bytes(100_000)],
    }


def _client(url: str, choose: random.Random, sent: Files, answers: Answers, stopped: threading.Event) -> None:
    with requests.Session() as session:
        while not stopped.is_set():
            start = time.perf_counter()
            try:
                status = str(_ask(session, url, choose, sent).status_code)
            except requests.RequestException as error:
                status = type(error).__name__
            answers.add(status, time.perf_counter() - start)


def _ask(session: requests.Session, url: str, choose: random.Random, sent: Files) -> requests.Response:
    match choose.randrange(10):
        case 0:
            return session.get(f"{url}/uploads?limit=100&total=true", timeout=60)
        case 1 | 2:
            kept = session.get(f"{url}/uploads?limit=20", timeout=60).json()["uploads"]
            path = choose.choice(kept)["links"]["self"] if kept else "/uploads/none"
            return session.delete(url + path, timeout=60)
        case 3:
            query = "?store=false&explanation=true&preview=true&alternatives=3"
        case _:
            query = choose.choice(("", "?store=false"))
    file = choose.choice(sent[choose.choice(list(sent))])
    return session.post(f"{url}/uploads{query}", files={"file": file}, timeout=60)


def _sample(server: Running, minute: float, p99_ms: float) -> Sample:
    megabytes, handles, threads = 0.0, 0, 0
    for process in server.processes():
        with suppress(psutil.NoSuchProcess):
            megabytes += process.memory_full_info().pss / 1e6
            handles += process.num_fds()
            threads += process.num_threads()
    return Sample(minute, megabytes, handles, threads, p99_ms)


def report(samples: Sequence[Sample], answers: Answers) -> list[str]:
    """A table of ten samples, and two sentences."""
    shown = samples[:: max(1, len(samples) // 10)]
    rows = [["minute", *FIGURES], *([f"{each.minute:.1f}", *_rounded(each.figures)] for each in shown)]
    slopes = dict(zip(FIGURES, slopes_of(samples), strict=True))
    statuses = ", ".join(f"{count:,} x {status}" for status, count in sorted(answers.count.items()))
    told = ", ".join(f"{name} {slope:+.2f}" for name, slope in slopes.items())
    return [*aligned(rows, 0), "", f"Slopes in the second half, each minute: {told}.", f"Answers: {statuses}."]


def _rounded(figures: Sequence[float]) -> Iterator[str]:
    return (f"{figure:,.0f}" for figure in figures)


def slopes_of(samples: Sequence[Sample]) -> list[float]:
    """Of each of FIGURES, by the minute, in the second half."""
    later = samples[len(samples) // 2 :]
    minutes = [each.minute for each in later]
    return np.polyfit(minutes, [each.figures for each in later], 1)[0].tolist()


def plot(samples: Sequence[Sample], file: Path) -> None:
    """One curve below another, over the minutes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 8), layout="constrained")
    for place, (axes, name) in enumerate(zip(figure.subplots(len(FIGURES), sharex=True), FIGURES, strict=True)):
        axes.plot([each.minute for each in samples], [each.figures[place] for each in samples])
        axes.set_ylabel(name)
        axes.set_ylim(0)
    axes.set_xlabel("minutes")
    figure.savefig(file)


if __name__ == "__main__":
    main()
