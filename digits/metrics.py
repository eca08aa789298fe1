"""What operators watch, as Prometheus' metrics; each is counted where it happens.

The server's workers write them to files in the folder that PROMETHEUS_MULTIPROC_DIR names, if that is set before this
module is imported. Then whichever process is asked tells those of all.
"""

import os
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Literal, get_args

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Metric,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector

from digits.settings import metrics_folder

Outcome = Literal["agreed", "disagreed", "failed", "skipped"]
"""What became of a picture that the shadow was to read."""
UNMATCHED = "unmatched"
"""Route of a request for a URL that does not exist."""
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_STAGE_SECONDS = (0.0001, 0.00025, 0.0005, *_SECONDS[:-2])
_CONFIDENCES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999, 1)
_FILE = re.compile(r"(counter|histogram|gauge_\w+)_(\d+)\.db")
"""Of a process: a type of metrics, and its id."""

disable_created_metrics()  # They would double the series, and processes that share a folder have none anyway.
_own = CollectorRegistry()

REQUESTS = Counter("digits_requests", "Requests answered.", ("method", "route", "status"), registry=_own)
DURATION = Histogram(
    "digits_request_duration_seconds",
    "Seconds from a request's head to the end of its answer.",
    ("method", "route"),
    buckets=_SECONDS,
    registry=_own,
)
STAGES = Histogram(
    "digits_stage_duration_seconds",
    "Seconds that a stage of an answer takes.",
    ("stage",),
    buckets=_STAGE_SECONDS,
    registry=_own,
)
UPLOADS = Counter(
    "digits_uploads",
    "Pictures read, by their digit (`number` if there are several) and by whether they are recognised.",
    ("digit", "recognised"),
    registry=_own,
)
CONFIDENCE = Histogram("digits_confidence", "Confidence of what is read.", buckets=_CONFIDENCES, registry=_own)
PROBLEMS = Counter("digits_problems", "Pictures and requests refused or failed, by kind.", ("problem",), registry=_own)
IN_PROGRESS = Gauge(
    "digits_requests_in_progress", "Requests not yet answered.", multiprocess_mode="livesum", registry=_own
)
BODY_BYTES = Gauge(
    "digits_body_bytes", "Bytes of request bodies held in memory.", multiprocess_mode="livesum", registry=_own
)
BEGUN = Gauge(
    "digits_uploads_begun",
    "Uploads begun that wait for a thread or are read in one.",
    multiprocess_mode="livesum",
    registry=_own,
)
WAITING = Gauge(
    "digits_uploads_waiting", "Uploads that wait to be written.", multiprocess_mode="livesum", registry=_own
)
MODEL = Gauge("digits_model_info", "The model that reads.", ("model",), multiprocess_mode="livemax", registry=_own)
NETWORK = Gauge(
    "digits_network_info",
    "The networks that read beside it.",
    ("network", "version"),
    multiprocess_mode="livemax",
    registry=_own,
)
WORKER_DEATHS = Counter("digits_worker_deaths", "Workers that ended without being told to.", registry=_own)
LOG_LINES_DROPPED = Counter(
    "digits_log_lines_dropped", "Log lines that were not written, since stderr was too slow.", registry=_own
)
SHADOW = Counter(
    "digits_shadow_pictures", "Pictures for the shadow, by what became of them.", ("outcome",), registry=_own
)
_of_shadow: Mapping[Outcome, Counter] = {outcome: SHADOW.labels(outcome) for outcome in get_args(Outcome)}


def count_request(method: str, route: str, status: int, seconds: float, stages: Mapping[str, float]) -> None:
    """Count a request that is answered, and the seconds of its stages by their names.

    Each method, route and status takes memory for good, so none may be what a client made up.
    """
    requests, duration = _of_requests(method, route, status)
    requests.inc()
    duration.observe(seconds)
    for stage, taken in stages.items():
        _of_stage(stage).observe(taken)


def count_upload(number: str, confidence: float, recognised: bool) -> None:
    """Count a picture that is read."""
    _of_uploads(number if len(number) == 1 else "number", recognised).inc()
    CONFIDENCE.observe(confidence)


def count_shadow(outcome: Outcome) -> None:
    """Count a picture that the shadow was to read."""
    _of_shadow[outcome].inc()


def tell_queue(in_progress: int, body_bytes: int, begun: int) -> None:
    """Tell what this process has to do."""
    IN_PROGRESS.set(in_progress)
    BODY_BYTES.set(body_bytes)
    BEGUN.set(begun)


def identify(model: str, networks: Mapping[str, str]) -> None:
    """Tell which model and networks this process reads with."""
    MODEL.labels(model).set(1)
    for network, version in networks.items():
        NETWORK.labels(network, version).set(1)


class _Workers:
    """Collects the metrics of all processes; gauges only of those that live."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterable[Metric]:
        import fcntl  # Not on Windows, where one process serves.

        with (self._folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for path in self._folder.glob("*.db"):
                if (named := _FILE.fullmatch(path.name)) and not _lives(int(named[2])):
                    self._take_over(path, named[1])
            return list(MultiProcessCollector(None, str(self._folder)).collect())

    def _take_over(self, path: Path, kind: str) -> None:
        """Add what an ended process has counted to that of all ended ones, and delete its file."""
        if not kind.startswith("gauge"):
            kept = MmapedDict(str(self._folder / f"{kind}_ended.db"))
            for key, value, *_ in MmapedDict.read_all_values_from_file(str(path)):
                kept.write_value(key, kept.read_value(key)[0] + value, 0.0)
            kept.close()
        path.unlink()


def registry() -> CollectorRegistry:
    """Return what there is to tell: of all processes that share a folder, or of this one."""
    if not (folder := metrics_folder()):
        return _own
    shared = CollectorRegistry()
    shared.register(_Workers(Path(folder)))
    return shared


def exposition() -> bytes:
    """Write all metrics in Prometheus' text format."""
    return generate_latest(registry())


# labels() takes several microseconds.
@lru_cache(None)
def _of_requests(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    return REQUESTS.labels(method, route, str(status)), DURATION.labels(method, route)


@lru_cache(None)
def _of_stage(stage: str) -> Histogram:
    return STAGES.labels(stage)


@lru_cache(None)
def _of_uploads(digit: str, recognised: bool) -> Counter:
    return UPLOADS.labels(digit, str(recognised).lower())


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # It is another user's.
        return True
    return True
