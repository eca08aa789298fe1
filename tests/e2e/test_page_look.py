"""How the page looks and sounds: to all people, on all screens, in three languages, under any path."""

import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from digits.settings import Settings
from digits.web import create_app
from support import ROOT
from tests.e2e.browsing import DOT, PHONE, SCREEN, choose, expect_number, expect_read, file, on_first_post, write

pytestmark = pytest.mark.browser


def violations(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{each['id']}: {node['html']}" for each in found for node in each["nodes"]]


@pytest.mark.parametrize("page", [{"color_scheme": "light"}, {"color_scheme": "dark"}], indirect=True, ids=str)
def test_axe_finds_nothing_in_any_state(page: Page) -> None:
    def check(state: str) -> None:
        assert (state, violations(page)) == (state, [])

    check("empty")
    write(page, "7")
    expect_read(page, "7")
    check("one digit")
    page.get_by_role("group", name="How it was read").get_by_role("button").nth(1).click()
    expect_number(page, "1")
    check("corrected")
    page.get_by_role("button", name="Clear").click()
    write(page, DOT)
    expect(page.locator("#verdict")).not_to_be_empty()
    check("not recognised")
    choose(page, file("52"), file("3"))
    expect_read(page, "52")
    page.locator(".chip").first.click()
    page.get_by_role("button", name="Correct", exact=True).click()
    expect(page.get_by_role("textbox")).to_be_visible()
    check("several")
    page.get_by_role("link", name="History").click()
    expect(page.locator("#cards li").first).to_be_visible()
    check("history")
    page.get_by_role("link", name="Review").click()
    expect(page.locator("#left")).not_to_be_empty()
    check("review")
    page.get_by_role("link", name="Write").click()
    on_first_post(page, lambda route: route.abort())
    choose(page, file("5"))
    expect(page.get_by_role("alert")).not_to_be_empty()
    check("error")


LANDSCAPE = {**PHONE, "viewport": {"width": SCREEN["height"], "height": SCREEN["width"]}}


@pytest.mark.parametrize("page", [PHONE, LANDSCAPE], indirect=True, ids=["upright", "landscape"])
def test_the_whole_paper_is_on_a_phones_screen(page: Page) -> None:
    box = page.locator("canvas").bounding_box()
    size = page.viewport_size
    assert box is not None
    assert size is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= size["width"]
    assert box["y"] + box["height"] <= size["height"]
    assert box["height"] > 200
    assert page.evaluate("document.documentElement.scrollWidth") == size["width"]


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ({"locale": "en-GB"}, ("en", "Write a number", "This file is not a picture")),
        ({"locale": "de-AT"}, ("de", "Schreiben Sie eine Zahl", "Diese Datei ist kein lesbares Bild.")),
        ({"locale": "es-MX"}, ("es", "Escriba un número", "Este archivo no es una imagen")),
        ({"locale": "fr-FR"}, ("en", "Write a number", "This file is not a picture")),
    ],
    indirect=["page"],
    ids=["English", "German", "Spanish", "another"],
)
def test_the_page_speaks_the_browsers_language(page: Page, words: tuple[str, str, str]) -> None:
    language, invitation, refusal = words
    expect(page.locator("html")).to_have_attribute("lang", language)
    expect(page.get_by_role("heading", name=invitation)).to_be_visible()
    page.locator("#choose input").set_input_files({"name": "notes.txt", "mimeType": "text/plain", "buffer": b"Milk"})
    expect(page.get_by_role("alert")).to_contain_text(refusal)


@pytest.fixture
def below(tmp_path: Any) -> Iterator[str]:
    """Address of the application behind a proxy that takes a prefix off."""
    application = create_app(Settings.read(storage=tmp_path / "uploads", model=ROOT / "mnist-neural.h5"))

    def proxied(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        assert environ["PATH_INFO"].startswith("/reading/"), environ["PATH_INFO"]
        environ["PATH_INFO"] = environ["PATH_INFO"].removeprefix("/reading")
        return application(environ, start)

    server = make_server("127.0.0.1", 0, proxied, threaded=True)
    threading.Thread(target=server.serve_forever).start()
    yield f"http://127.0.0.1:{server.port}/reading/"
    server.shutdown()


def test_the_page_works_under_a_path_of_its_own(browser: Browser, below: str) -> None:
    page = browser.new_page()
    failed: list[str] = []
    page.on("response", lambda answer: failed.append(answer.url) if answer.status >= 500 else None)
    page.goto(below)
    write(page, "72")
    expect_read(page, "72")
    page.get_by_role("link", name="History").click()
    expect(page.locator("#cards img")).not_to_have_js_property("naturalWidth", 0)
    page.locator("#cards a").click()
    expect_read(page, "72")
    page.get_by_role("button", name="Why?").click()
    expect(page.locator("#heat")).not_to_have_js_property("naturalWidth", 0)
    assert failed == []
    page.close()
