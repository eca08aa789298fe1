"""Pages that send, byte for byte, what the pages of older systems send, in Chromium in front of the real server.

`tests/web/test_legacy_clients.py` has their requests alone.
"""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

pytest.importorskip("playwright.sync_api", reason="The pages are tested with Playwright.")
from playwright.sync_api import Browser, FilePayload, Page, expect

from support import ROOT
from support.chromium import FOUR, SEVEN, Strokes, draw
from support.drawing import draw as drawn
from support.drawing import encode
from support.server import Server, running

expect.set_options(timeout=20_000)  # The machine may be busy.

CLIENTS = (ROOT / "docs" / "clients.md").read_text()
PROXIED = dict(re.findall(r"location = (\S+) \{\s+proxy_pass (\S+);", CLIENTS))
"""What nginx forwards, and where to, as configured in the documents."""
DEFAULT = "http://127.0.0.1:5000"
FORTY_SEVEN: Strokes = [
    [(x + shift, y) for x, y in stroke] for shift, digit in ((-0.25, FOUR), (0.2, SEVEN)) for stroke in digit
]

PAPER = """
<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">
<canvas width="SIDE" height="SIDE"></canvas> <button>Predict</button> <input type="file"> <p id="result"></p>
<script>
  const canvas = document.querySelector('canvas'), ink = canvas.getContext('2d');
  const result = document.querySelector('#result'), button = document.querySelector('button');
  let drawing = false;
  canvas.onmousedown = (event) => { drawing = true; ink.beginPath(); ink.moveTo(event.offsetX, event.offsetY); };
  canvas.onmousemove = (event) => { if (drawing) { ink.lineTo(event.offsetX, event.offsetY); ink.stroke(); } };
  canvas.onmouseup = () => { drawing = false; };
  Object.assign(ink, { lineCap: 'round', lineJoin: 'round' });
  PAGE
</script>
"""
ANGULAR = """
  ink.fillRect(0, 0, 400, 400);
  Object.assign(ink, { strokeStyle: 'white', lineWidth: 15 });
  function upload(file) {
    const body = new FormData(), request = new XMLHttpRequest();
    body.append('file', file);
    request.open('POST', 'BACKEND/upload');
    request.setRequestHeader('Accept', 'application/json, text/plain, */*');
    request.onload = () => { result.textContent = JSON.parse(request.responseText); };
    request.send(body);
  }
  button.onclick = () => canvas.toBlob(upload);
  document.querySelector('input').onchange = (event) => upload(event.target.files[0]);
"""
CLASSIFICATION = """
  Object.assign(ink, { strokeStyle: 'black', lineWidth: 20 });
  button.onclick = async () => {
    const body = JSON.stringify({ image: canvas.toDataURL() });
    const response = await fetch('/predict', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body });
    const answer = await response.json();
    result.textContent = answer.error ?? `Prediction: ${answer.prediction}`;
  };
"""
NUMBERS = """
  Object.assign(ink, { strokeStyle: 'black', lineWidth: 20 });
  const small = document.createElement('canvas').getContext('2d');
  function predict(picture) {
    small.clearRect(0, 0, 28, 28);
    small.drawImage(picture, 0, 0, 28, 28);
    // Its fault: this is red, which is 0 in black ink and on nothing alike.
    const values = Array.from({ length: 784 }, (_, pixel) => small.getImageData(0, 0, 28, 28).data[4 * pixel] / 255);
    const request = new XMLHttpRequest();
    request.open('POST', 'BACKEND/');
    request.setRequestHeader('Content-Type', 'application/x-www-form-urlencoded; charset=UTF-8');
    request.onload = () => { result.textContent = request.responseText; };
    request.send(`pixeles=${encodeURIComponent(values.join(','))}`);
  }
  button.onclick = () => predict(canvas);
  document.querySelector('input').onchange = async (event) => predict(await createImageBitmap(event.target.files[0]));
"""

pytestmark = [pytest.mark.slow, pytest.mark.browser]


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("older"), workers="1") as server:
        yield server


@contextmanager
def served(page: str, backend: Server) -> Iterator[str]:
    """The origin of a page; requests that nginx would forward, by the documents' configuration, are forwarded."""

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(200, "text/html", page.encode())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.path in PROXIED, "nginx would not forward it"
            address = PROXIED[self.path].replace(DEFAULT, backend.url) + self.path
            headers = {"Content-Type": self.headers["Content-Type"], "Origin": self.headers["Origin"]}
            answer = requests.post(address, body, headers=headers, timeout=20)
            self._answer(answer.status_code, answer.headers["Content-Type"], answer.content)

        def _answer(self, status: int, content_type: str, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture
def opened(browser: Browser, backend: Server) -> Iterator[Callable[[str, int], Page]]:
    """Opens a page with paper of a size, at an origin of its own."""
    with ExitStack() as open_pages:

        def open_page(script: str, side: int) -> Page:
            html = PAPER.replace("SIDE", str(side)).replace("PAGE", script).replace("BACKEND", backend.url)
            page = browser.new_page()
            page.goto(open_pages.enter_context(served(html, backend)))
            open_pages.callback(page.close)
            return page

        yield open_page


def predict(page: Page) -> None:
    page.get_by_role("button", name="Predict").click()


def choose(page: Page, picture: bytes) -> None:
    file: FilePayload = {"name": "mine.png", "mimeType": "image/png", "buffer": picture}
    page.locator("input").set_input_files(file)


def test_the_angular_client_works_from_its_own_origin(opened: Callable[[str, int], Page]) -> None:
    page = opened(ANGULAR, 400)
    draw(page, FORTY_SEVEN)
    predict(page)
    expect(page.locator("#result")).to_have_text("47")
    choose(page, encode(255 - drawn("3")))
    expect(page.locator("#result")).to_have_text("3")


def test_the_page_of_mnist_digit_classification_works_behind_one_origin(opened: Callable[[str, int], Page]) -> None:
    page = opened(CLASSIFICATION, 280)
    predict(page)
    expect(page.locator("#result")).to_contain_text("nothing written")
    draw(page, FORTY_SEVEN)
    predict(page)
    expect(page.locator("#result")).to_have_text("Prediction: 47")


def test_the_page_of_nn_numbers_reads_chosen_files_and_sends_zeros_for_what_is_drawn(
    opened: Callable[[str, int], Page],
) -> None:
    page = opened(NUMBERS, 280)
    choose(page, encode(drawn("7", margin=60)))
    expect(page.locator("#result")).to_have_text(re.compile("^Prediccion: Siete, Accuracy: "))
    draw(page, SEVEN)
    with page.expect_request("**/") as sent:
        predict(page)
    assert set(str(sent.value.post_data).removeprefix("pixeles=").split("%2C")) == {"0"}
    expect(page.locator("#result")).not_to_contain_text("Siete")
    expect(page.locator("#result")).to_contain_text("Prediccion: ")
