"""The page in a real browser, in front of the real application."""

import shutil
import threading
from collections.abc import Callable, Iterator, Sequence

import cv2
import numpy as np
import pytest
import requests
from werkzeug.serving import make_server

from digits.settings import Settings
from digits.web import create_app
from support import ROOT

pytest.importorskip("playwright.sync_api", reason="The page is tested with Playwright.")
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright

expect.set_options(timeout=20_000)  # Browsers put off what nobody seems to wait for, on a busy machine above all.

CHROMIUM = shutil.which("chromium")
FLAGS = (
    "--no-sandbox --disable-gpu --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)
SCREEN = {"width": 390, "height": 844}
PHONE = {"viewport": SCREEN, "has_touch": True, "is_mobile": True, "device_scale_factor": 3}
MODEL = ROOT / "mnist-neural.h5"

Strokes = Sequence[Sequence[tuple[float, float]]]

# In shares of the paper's width and height.
SEVEN = [[(0.35, 0.2), (0.65, 0.2), (0.47, 0.8)]]
FOUR = [[(0.48, 0.2), (0.35, 0.55), (0.65, 0.55)], [(0.58, 0.35), (0.58, 0.8)]]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="The page is tested in Chromium, which is not installed."),
]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("page")
    settings = Settings.read(storage=folder / "uploads", database=f"sqlite:///{folder}/uploads.db", model=MODEL)
    server = make_server("127.0.0.1", 0, create_app(settings), threaded=True)
    threading.Thread(target=server.serve_forever).start()
    yield f"http://127.0.0.1:{server.port}/"
    server.shutdown()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())


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


def on_paper(page: Page, strokes: Strokes) -> Strokes:
    box = page.locator("canvas").bounding_box()
    assert box is not None
    return [[(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke] for stroke in strokes]


def draw(page: Page, strokes: Strokes) -> None:
    for stroke in on_paper(page, strokes):
        page.mouse.move(*stroke[0])
        page.mouse.down()
        for point in stroke[1:]:
            page.mouse.move(*point, steps=5)
        page.mouse.up()


def choose(page: Page, name: str, data: bytes) -> None:
    page.get_by_label("Choose a picture").set_input_files({"name": name, "mimeType": "image/png", "buffer": data})


def picture_of(number: str) -> bytes:
    picture = np.full((200, 300), 255, np.uint8)
    cv2.putText(picture, number, (60, 150), cv2.FONT_HERSHEY_SIMPLEX, 4, 0, 10)
    return cv2.imencode(".png", picture)[1].tobytes()


def expect_answer(page: Page, number: str) -> None:
    expect(page.get_by_role("status")).to_contain_text(number)
    expect(page.get_by_role("status")).to_contain_text("%")
    expect(page.get_by_role("meter")).to_have_count(10 * len(number))


def test_a_digit_drawn_with_the_mouse_is_read(page: Page) -> None:
    draw(page, SEVEN)
    expect_answer(page, "7")
    seen = page.get_by_alt_text("as the model saw it")
    assert seen.evaluate("image => [image.naturalWidth, image.naturalHeight]") == [28, 28]


@pytest.mark.parametrize("page", [PHONE], indirect=True)
def test_a_digit_drawn_with_a_finger_is_read_on_a_phone_that_does_not_scroll(page: Page) -> None:
    session = page.context.new_cdp_session(page)
    for stroke in on_paper(page, FOUR):
        for kind, points in (("Start", stroke[:1]), *(("Move", [point]) for point in stroke[1:]), ("End", [])):
            touches = [{"x": x, "y": y} for x, y in points]
            session.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": touches})
    expect_answer(page, "4")
    assert page.evaluate("[scrollY, document.documentElement.scrollWidth]") == [0, SCREEN["width"]]


def test_a_chosen_picture_is_shown_and_all_its_digits_are_read(page: Page) -> None:
    choose(page, "mine.png", picture_of("52"))
    expect(page.get_by_alt_text("mine.png")).to_be_visible()
    expect_answer(page, "52")


def test_why_shows_what_decided_and_asks_for_it_only_then(page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda sent: asked.append(sent.url) if "explanation" in sent.url else None)
    for digit in "52":
        choose(page, "mine.png", picture_of(digit))
        expect_answer(page, digit)
        assert len(asked) == "52".index(digit)
        page.get_by_text("Why?").click()
        expect(page.get_by_alt_text("the ink that decided")).to_have_js_property("naturalWidth", 300)
    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_text("Why?")).to_be_hidden()


def labels(address: str) -> list[str | None]:
    return [upload["label"] for upload in requests.get(f"{address}uploads", timeout=10).json()["uploads"]]


def test_what_is_wrong_can_be_said_and_is_kept(page: Page, address: str) -> None:
    choose(page, "mine.png", picture_of("52"))
    expect_answer(page, "52")
    page.get_by_text("Wrong?").click()
    said = page.get_by_role("textbox", name="It says")
    expect(said).to_have_value("52")
    said.fill(" 53 \n 1")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Thank you.")).to_be_visible()
    assert labels(address)[0] == "53\n1"
    page.get_by_role("button", name="No number").click()
    expect(page.get_by_text("Saving")).to_be_hidden()
    assert labels(address)[0] == ""
    said.fill("fifty")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("This is not a label.")).to_be_visible()
    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_text("Wrong?")).to_be_hidden()


def test_what_was_kept_though_the_answer_was_lost_is_kept_once(page: Page, address: str) -> None:
    before = len(labels(address))

    def lose_the_answer(route: Route) -> None:
        route.fetch()
        route.abort()

    on_first_upload(page, lose_the_answer)
    choose(page, "mine.png", picture_of("4"))
    page.get_by_role("button", name="Try again").click()
    expect_answer(page, "4")
    assert len(labels(address)) == before + 1


def test_a_file_that_is_no_picture_is_refused_with_the_sentence_of_the_server(page: Page) -> None:
    choose(page, "notes.png", b"Milk, bread")
    expect(page.get_by_role("alert")).to_contain_text("This file is not a picture that can be read.")


def test_clear_gives_fresh_paper(page: Page) -> None:
    draw(page, SEVEN)
    expect_answer(page, "7")
    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_role("meter")).to_have_count(0)
    draw(page, FOUR)
    expect_answer(page, "4")


def on_first_upload(page: Page, act: Callable[[Route], None]) -> None:
    """Not route(times=1): to take a route away while a request waits in it can leave that request waiting."""
    seen: list[Route] = []

    def handle(route: Route) -> None:
        if seen:
            route.continue_()
        else:
            seen.append(route)
            act(route)

    page.route("**/uploads*", handle)


def test_a_server_that_cannot_be_reached_can_be_tried_again(page: Page) -> None:
    on_first_upload(page, lambda route: route.abort())
    draw(page, SEVEN)
    expect(page.get_by_role("alert")).to_contain_text("The server cannot be reached.")
    page.get_by_role("button", name="Try again").click()
    expect_answer(page, "7")
    expect(page.get_by_role("alert")).to_be_empty()


def test_a_newer_picture_calls_off_the_reading_of_an_older_one(page: Page) -> None:
    on_first_upload(page, lambda route: None)
    with page.expect_request("**/uploads*"):
        choose(page, "older.png", picture_of("1"))
    with page.expect_event("requestfailed"):
        choose(page, "newer.png", picture_of("2"))
    expect_answer(page, "2")
