"""A real browser in front of the real application, and a model that may be replaced."""

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page
from werkzeug.serving import make_server

from digits.inference.model_file import load_compiled
from digits.settings import Settings
from digits.web import create_app
from digits.web.services import services_of
from support import ROOT


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A copy of the shipped one, which may be replaced."""
    load_compiled(ROOT / "mnist-neural.h5", beside=True)
    model = tmp_path / "model" / "mnist-neural.h5"
    model.parent.mkdir()
    for suffix in (".h5", ".tflite"):
        shutil.copy(ROOT / f"mnist-neural{suffix}", model.with_suffix(suffix))
    return model


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    folder = tmp_path_factory.mktemp("page")
    app = create_app(Settings.read(storage=folder / "uploads", model=ROOT / "mnist-neural.h5"))
    yield app
    services_of(app).keyring.close()


@pytest.fixture(scope="module")
def address(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever).start()
    yield f"http://127.0.0.1:{server.port}/"
    server.shutdown()


@pytest.fixture
def page(browser: Browser, address: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The open page. At the end it must have broken neither itself nor its policy, and have called no other host."""
    page = browser.new_page(**getattr(request, "param", {}))
    complaints: list[str] = []
    called: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("request", lambda sent: called.append(sent.url))
    page.goto(address)
    yield page
    page.close()
    # With these words the browser itself notes every request that fails or is refused.
    assert [text for text in complaints if not text.startswith("Failed to load resource")] == []
    assert [url for url in called if not url.startswith((address, "data:", f"blob:{address}"))] == []
