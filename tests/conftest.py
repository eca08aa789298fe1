import importlib
import io
import os
import secrets
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, redirect_stdout, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from digits.admission.keyring import Keyring
from digits.admission.keys import Keys, Scope, new_key
from digits.admission.rates import RateLimit
from digits.errors import Unavailable
from digits.grids import to_grid
from digits.inference.recogniser import LiteRTRecogniser, Recogniser
from digits.settings import Settings
from digits.training.augmentation.augment import augment
from digits.training.data.datasets import DataSet, read_npz
from digits.uploads.blobs import Storage
from digits.uploads.models import Records
from digits.uploads.schema import api_keys, uploads
from digits.uploads.service import now
from digits.uploads.shadow import Shadow
from digits.vision.decode import Decoders
from digits.web import create_app
from digits.web.services import Services
from support import ROOT, backends
from support.drawing import draw
from tests.databases import POSTGRESQL, made
from tests.fakes import MemoryDisagreements, MemoryKeys, MemoryRecords, MemoryStorage, TemplateRecogniser

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    for name in os.environ:
        if name.startswith("DIGITS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture
def compiled_in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compile models in this process, which has TensorFlow: each process of its own takes 8 s to import it."""

    def complaint(module: str, *arguments: str) -> str | None:
        with monkeypatch.context() as patch, redirect_stdout(io.StringIO()):
            patch.setattr(sys, "argv", [module, *arguments])
            try:
                importlib.import_module(module).main()
            except SystemExit as ended:
                return str(ended.code)
        return None

    for user in ("digits.inference.model_file", "digits.training.finder.command"):
        monkeypatch.setattr(f"{user}.complaint", complaint)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.read(storage=tmp_path / "uploads", model=ROOT / "mnist-neural.h5")


@pytest.fixture(scope="session")
def recogniser() -> TemplateRecogniser:
    return TemplateRecogniser()


@pytest.fixture(params=["sqlite", POSTGRESQL, "memory"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine | None]:
    """An empty database of each kind, for contracts that all keep; None stands for the fakes, which need none."""
    if request.param == "memory":
        yield None
    elif request.param == "postgresql":
        engine = request.getfixturevalue("on_postgresql")
        yield engine
        with engine.begin() as connection:
            for table in (uploads, api_keys):
                connection.execute(sa.delete(table))
    else:
        with made(f"sqlite:///{tmp_path}/uploads.db") as engine:
            yield engine


@pytest.fixture(scope="module")
def on_postgresql(postgresql: backends.PostgreSQL) -> Iterator[sa.Engine]:
    """A database that all the tests of a module share, since it takes a while to make one."""
    with made(postgresql.url) as engine:
        yield engine


@pytest.fixture
def storage() -> MemoryStorage:
    return MemoryStorage()


@pytest.fixture
def records() -> MemoryRecords:
    return MemoryRecords()


@pytest.fixture
def disagreements(records: MemoryRecords) -> MemoryDisagreements:
    return MemoryDisagreements(records)


@pytest.fixture
def keys() -> MemoryKeys:
    return MemoryKeys()


@pytest.fixture
def make_key(keys: MemoryKeys) -> Callable[..., str]:
    """Makes an API key, and returns what its holder sends."""

    def make(owner: str = "school", *scopes: Scope, days: int | None = None) -> str:
        token, key = new_key(owner, scopes or list(Scope), now(), days)
        keys.add(key)
        return token

    return make


@pytest.fixture
def client_of(
    settings: Settings,
    recogniser: TemplateRecogniser,
    storage: MemoryStorage,
    records: MemoryRecords,
    keys: MemoryKeys,
) -> Callable[..., FlaskClient]:
    """A client of the application on fakes; each of them, what decodes elsewhere, and settings can be replaced."""

    def make(
        *,
        recogniser: Recogniser = recogniser,
        storage: Storage = storage,
        records: Records = records,
        keys: Keys = keys,
        rate: RateLimit | None = None,
        elsewhere: Decoders | None = None,
        shadow: Shadow | None = None,
        **values: object,
    ) -> FlaskClient:
        configured = settings.model_copy(update=values)
        keyring = Keyring(keys)
        with suppress(Unavailable):
            keyring.refresh()
        services = Services(configured, recogniser, storage, records, keyring, rate, elsewhere, shadow)
        return create_app(services=services).test_client()

    return make


@pytest.fixture
def client(client_of: Callable[..., FlaskClient]) -> FlaskClient:
    return client_of()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[backends.PostgreSQL]:
    """A real one."""
    with _postgresql() as server:
        yield server


@pytest.fixture
def fragile_postgresql() -> Iterator[backends.PostgreSQL]:
    """One that the test may stop."""
    with _postgresql() as server:
        yield server


def _postgresql() -> AbstractContextManager[backends.PostgreSQL]:
    programs = backends.postgresql_programs()
    if not programs:
        pytest.skip("PostgreSQL is not installed")
    return backends.postgresql(programs)


@pytest.fixture
def database(postgresql: backends.PostgreSQL) -> Iterator[str]:
    """URL of an empty database on PostgreSQL."""
    name = f"test_{secrets.token_hex(4)}"
    engine = sa.create_engine(postgresql.url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
        yield postgresql.url_of(name)
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    engine.dispose()


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """Of a real server."""
    if not shutil.which("redis-server"):
        pytest.skip("Redis is not installed")
    with backends.redis() as url:
        yield url


@pytest.fixture(scope="session")
def s3() -> Iterator[backends.S3]:
    """A real server."""
    with backends.s3() as server:
        yield server


@pytest.fixture
def bucket(s3: backends.S3, monkeypatch: pytest.MonkeyPatch) -> str:
    """URL of an empty place in S3, which this process and those that it starts can use."""
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    return s3.bucket(f"test-{secrets.token_hex(4)}") + "/digits/uploads"


@pytest.fixture(scope="module")  # Not longer: while Playwright runs, no test can use asyncio.
def browser() -> "Iterator[Browser]":
    """Chromium."""
    from support.chromium import PROGRAM, chromium

    if PROGRAM is None:
        pytest.skip("Chromium is not installed")
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def shipped() -> LiteRTRecogniser:
    """The model that ships."""
    from digits.inference.model_file import load_compiled

    return LiteRTRecogniser(load_compiled(ROOT / "mnist-neural.h5"))


@pytest.fixture(scope="session")
def mnist_like(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An .npz of MNIST's form, small, with the digits of support/drawing.py in place of people's."""
    rng = np.random.default_rng(0)
    originals = []
    for digit in "0123456789":
        ink = draw(digit)
        x, y, width, height = cv2.boundingRect(ink)
        originals.append(to_grid(ink[y : y + height, x : x + width]))
    sets = {}
    for name, count in (("train", 1200), ("test", 100)):
        digits = np.arange(count, dtype=np.uint8) % 10
        sets[f"x_{name}"] = np.stack([augment(originals[digit], rng) for digit in digits])
        sets[f"y_{name}"] = digits
    path = tmp_path_factory.mktemp("data") / "mnist.npz"
    np.savez(path, allow_pickle=False, **sets)
    return path


@pytest.fixture(scope="session")
def mnist() -> DataSet:
    """The real one."""
    path = os.environ.get("MNIST_NPZ")
    if not path:
        pytest.skip("MNIST_NPZ does not point to mnist.npz")
    return read_npz(Path(path))
