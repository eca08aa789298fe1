"""The documentation in a real browser."""

import threading
from collections.abc import Callable, Iterator

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from digits.web.openapi import document

pytestmark = pytest.mark.browser


@pytest.fixture
def address(client_of: Callable[..., FlaskClient]) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, client_of().application, threaded=True)
    threading.Thread(target=server.serve_forever).start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """The open documentation. At the end it must have complained of nothing, its policy above all."""
    complaints: list[str] = []
    called: list[str] = []
    page = browser.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("request", lambda sent: called.append(sent.url))
    page.goto(f"{address}/docs")
    yield page
    page.close()
    assert complaints == []
    assert [url for url in called if not url.startswith((address, "data:", "blob:"))] == []


def test_every_operation_is_listed_and_one_can_be_tried(page: Page) -> None:
    named = [
        operation["operationId"]
        for item in document()["paths"].values()
        for method, operation in item.items()
        if method != "parameters"
    ]
    expect(page.locator(".opblock")).to_have_count(len(named), timeout=20_000)
    for name in named:
        expect(page.locator(f"[id$='-{name}']")).to_be_visible()
    page.locator("[id$='-getModel']").click()
    page.get_by_role("button", name="Execute").click()
    expect(page.locator(".live-responses-table").get_by_text("templates@00000000")).to_be_visible()
