"""Bulk recognition on Ray Data: with all CPUs of this machine, or of the cluster that RAY_ADDRESS names."""

import json
import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import ray
import ray.data

from digits.bulk.reader import Job, Reader
from digits.bulk.results import Results
from digits.bulk.source import Share, Source
from digits.errors import BadRequest, DigitsError, Unavailable
from digits.inference.model_file import load_compiled
from digits.settings import S3, Settings, ray_address
from digits.uploads.picture_names import NO_PICTURES


@dataclass(frozen=True, slots=True)
class Work:
    """A job, and the pictures of it that have no row yet."""

    job: Job
    shares: Sequence[Share]
    before: Mapping[str, int]
    """How many of the pictures that had a row before have each error, or READ."""

    @property
    def pictures(self) -> int:
        """How many are to be read."""
        return sum(len(share.names) for share in self.shares)


def prepare(source: str, results: str, settings: Settings) -> Work:
    """List all pictures, and leave out those that have a row. Raises what Source, Results and load_compiled raise too.

    Raises:
        BadRequest: there are no pictures, or the results would be among them.
    """
    source, results = _absolute(source), _absolute(results)
    if f"{results}/".startswith(f"{source}/"):
        raise BadRequest(f"{results} is in {source}, of which all is read. Name another --out.")
    model = load_compiled(settings.model)
    shares = list(Source(source, settings.max_bytes).shares())
    if not shares:
        raise BadRequest(f"{source} {NO_PICTURES}")
    errors = Results(results, model.description.name).errors()
    left = [share.without(errors) for share in shares]
    job = Job(source, results, model, settings.max_bytes, settings.max_pixels)
    return Work(job, [share for share in left if share.names], Counter(errors.values()))


def _absolute(place: str) -> str:
    """Return a place as workers find it, whose working folder may be another."""
    return place.rstrip("/") if place.startswith(S3) else str(Path(place).absolute())


def read(work: Work, cpus: int | None = None) -> Iterator[Mapping[str, int]]:
    """Read all pictures; for each share that is done, yield how many have each error, or READ.

    Without a cluster, as many CPUs of this machine are used, or all.

    Raises:
        Unavailable: source, results or Ray do not answer. What was read stays.
    """
    if not work.shares:
        return
    with _ray(cpus):
        shares = [{"share": json.dumps(asdict(share))} for share in work.shares]
        done = ray.data.from_items(shares, override_num_blocks=len(shares)).map(
            _Worker, fn_constructor_args=[work.job], num_cpus=1, compute=_readers(len(shares))
        )
        for row in done.iter_rows():
            if row["problem"]:
                raise Unavailable(row["problem"])
            yield json.loads(row["errors"])


def _readers(most: int) -> "ray.data.ActorPoolStrategy":
    """As many as there are CPUs, and more if the cluster grows."""
    now = min(most, int(ray.cluster_resources().get("CPU", 1)))
    return ray.data.ActorPoolStrategy(min_size=1, initial_size=now, max_size=most)


class _Worker:
    """A reader as Ray Data calls it. It returns what it cannot go on from, since Ray would hide that in a traceback."""

    def __init__(self, job: Job) -> None:
        self._job = job

    @cached_property
    def _reader(self) -> Reader:
        return Reader(self._job)

    def __call__(self, row: Mapping[str, str]) -> Mapping[str, str]:
        share = Share(**json.loads(row["share"]))
        try:
            return {"errors": json.dumps(self._reader.read(share)), "problem": ""}
        except (DigitsError, OSError) as error:
            return {"errors": "", "problem": str(error)}


@contextmanager
def _ray(cpus: int | None) -> Iterator[None]:
    """Connect to the cluster, or start Ray here.

    After an error, Ray ends with this process: while its workers still work, to end it has ended this process too,
    before the error was told.

    Raises:
        Unavailable: it does not start.
    """
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    quiet = {"logging_level": logging.ERROR, "log_to_driver": False}
    try:
        if ray_address():
            connection = ray.init(**quiet)
        else:
            connection = ray.init("local", num_cpus=cpus, include_dashboard=False, **quiet)
    except Exception as error:  # It has no class of errors for this.
        raise Unavailable(f"Ray does not start: {error} Its logs are in /tmp/ray/session_latest/logs.") from error
    yield
    connection.disconnect()
