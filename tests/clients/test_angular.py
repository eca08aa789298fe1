"""The Angular application in Chromium, served from another origin than the real backend that it calls."""

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests

pytest.importorskip("playwright.sync_api", reason="The Angular application is tested with Playwright.")
from playwright.sync_api import Browser, FilePayload, Locator, Page, Route, expect

from support import ROOT
from support.chromium import SEVEN, draw
from support.drawing import encode, png
from support.node import built
from support.server import Server, running

expect.set_options(timeout=20_000)  # The machine may be busy.

BACKEND = "http://127.0.0.1:5000"
MAX_BYTES = 2_000_000

pytestmark = [pytest.mark.slow, pytest.mark.browser]


class Files(SimpleHTTPRequestHandler):
    """Serves the built files as they are, but with the address of the backend that the test has started."""

    def __init__(self, *arguments: Any, backend: str, **options: Any) -> None:
        self._backend = backend
        super().__init__(*arguments, **options)

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        content = (path / "index.html" if path.is_dir() else path).read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type("index.html" if path.is_dir() else path.name))
        self.end_headers()
        self.wfile.write(content.replace(BACKEND.encode(), self._backend.encode()))

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("backend"), workers="1", max_bytes=str(MAX_BYTES)) as server:
        yield server


@pytest.fixture(scope="module")
def address(backend: Server) -> Iterator[str]:
    """Where the application is."""
    files = partial(Files, directory=str(built(ROOT / "clients" / "angular")), backend=backend.url)
    with ThreadingHTTPServer(("127.0.0.1", 0), files) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    page = browser.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(address)
    yield page
    page.close()
    assert faults == []


def drop(page: Page, name: str, data: bytes) -> None:
    """Lets go of a file over the page."""
    files = page.evaluate_handle(
        """([name, bytes]) => {
            const files = new DataTransfer();
            files.items.add(new File([new Uint8Array(bytes)], name, { type: 'image/png' }));
            return files;
        }""",
        [name, list(data)],
    )
    page.dispatch_event("app-root", "drop", {"dataTransfer": files})


def choose(page: Page, *pictures: bytes) -> None:
    files: list[FilePayload] = [
        {"name": f"{place}.png", "mimeType": "image/png", "buffer": data} for place, data in enumerate(pictures)
    ]
    page.get_by_label("Choose pictures").set_input_files(files)


def readings(page: Page) -> Locator:
    return page.locator("app-reading")


def test_what_is_drawn_is_read_with_its_box(page: Page) -> None:
    draw(page, SEVEN)
    page.get_by_role("button", name="Read it").click()
    expect(readings(page).locator("output")).to_have_text("7")
    expect(readings(page)).to_contain_text("% sure")
    expect(readings(page).locator("figure span")).to_have_count(1)


def test_cleared_paper_has_nothing_to_read(page: Page) -> None:
    draw(page, SEVEN)
    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_role("button", name="Read it")).to_be_disabled()


def test_a_dropped_file_is_read(page: Page) -> None:
    drop(page, "mine.png", png("42"))
    expect(readings(page).locator("output")).to_have_text("42")
    expect(page.get_by_alt_text("mine.png")).to_be_visible()


def test_each_chosen_file_is_read(page: Page) -> None:
    choose(page, png("1"), png("47"))
    expect(readings(page).locator("output")).to_have_text(["1", "47"])


def test_how_much_is_sent_is_shown_while_it_is_sent(page: Page) -> None:
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    throughput = {"downloadThroughput": -1, "uploadThroughput": 400_000}
    session.send("Network.emulateNetworkConditions", {"offline": False, "latency": 0, **throughput})
    grain = np.random.default_rng(0).integers(0, 255, (900, 1200), np.uint8)
    choose(page, encode(grain))
    expect(page.locator("progress")).to_have_js_property("max", 1)
    page.wait_for_function(
        "() => { const { value } = document.querySelector('progress'); return 0 < value && value < 1 }"
    )
    expect(readings(page)).to_contain_text("This does not look like a number.")


def test_the_browser_asks_before_it_sends_the_key_of_an_upload(page: Page) -> None:
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    asked: list[str] = []
    session.on("Network.requestWillBeSent", lambda sent: asked.append(sent["request"]["method"]))
    choose(page, png("7"))
    expect(readings(page).locator("output")).to_have_text("7")
    assert asked[:2] == ["OPTIONS", "POST"]


def test_a_page_may_read_the_headers_that_are_exposed(page: Page, backend: Server) -> None:
    headers = page.evaluate(
        """async ([url, bytes]) => {
            const body = new Blob([new Uint8Array(bytes)], { type: 'image/png' });
            const { headers } = await fetch(url, { method: 'POST', body });
            return [headers.get('Location'), headers.get('X-Request-ID')];
        }""",
        [f"{backend.url}/uploads", list(png("7"))],
    )
    assert headers[0].startswith("/uploads/")
    assert headers[1]


@pytest.mark.parametrize(
    ("picture", "sentence"),
    [
        (b"\x89PNG" + bytes(MAX_BYTES), "The request is too large"),  # 413
        (b"Milk, bread", "This file is not a picture that can be read."),  # 415
        (encode(np.full((100, 100), 255, np.uint8)), "There is nothing written"),  # 422
    ],
)
def test_what_is_refused_is_told_in_the_sentence_of_the_server(page: Page, picture: bytes, sentence: str) -> None:
    choose(page, picture)
    expect(page.get_by_role("alert")).to_contain_text(sentence)


def test_a_picture_whose_answer_was_lost_is_kept_once(page: Page, backend: Server) -> None:
    lost: list[Route] = []

    def lose_the_first_answer(route: Route) -> None:
        if lost:
            route.continue_()
        else:
            lost.append(route)
            route.fetch()
            route.abort()

    before = kept(backend)
    page.route("**/uploads", lose_the_first_answer)
    choose(page, png("4"))
    expect(readings(page).locator("output")).to_have_text("4")
    assert lost
    assert kept(backend) == before + 1


def kept(backend: Server) -> int:
    return int(requests.get(f"{backend.url}/uploads?total=true", timeout=10).json()["total"])


def test_a_backend_that_does_not_answer_is_told(page: Page) -> None:
    page.route("**/uploads", lambda route: route.abort())
    choose(page, png("4"))
    expect(page.get_by_role("alert")).to_contain_text("The server cannot be reached.")


@pytest.mark.parametrize("status", [502, 503, 504])
def test_what_a_proxy_could_not_pass_on_is_sent_again(page: Page, status: int) -> None:
    page.route("**/uploads", lambda route: answer_as_a_proxy(route, status), times=1)
    choose(page, png("4"))
    expect(readings(page).locator("output")).to_have_text("4")


@pytest.mark.parametrize("status", [200, 413, 502])
def test_an_answer_that_is_not_of_the_backend_is_told_with_its_status(page: Page, status: int) -> None:
    page.route("**/uploads", lambda route: answer_as_a_proxy(route, status))
    choose(page, png("4"))
    expect(page.get_by_role("alert")).to_contain_text(f"The server answered {status}.")


def answer_as_a_proxy(route: Route, status: int) -> None:
    route.fulfill(status=status, body="<html>", headers={"Access-Control-Allow-Origin": "*"})
