"""Behind a real nginx, set up as docs/operating.md has it, and in another way."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, expect

from support import ROOT
from support.drawing import png
from support.nginx import PROGRAM, nginx, served
from support.server import Server, free_port
from tests.e2e.browsing import choose, expect_number, expect_read, file, kept
from tests.e2e.test_listening import listening

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not PROGRAM, reason="nginx is not installed")]

STRIPPED = re.findall(r"```nginx\n(.*?)```", (ROOT / "docs" / "operating.md").read_text(), re.DOTALL)[0]
AS_IT_IS = "location /kept/ { proxy_pass http://unix:/run/digits.sock; }"
PREFIXES = ("digits", "kept")


@contextmanager
def proxied(folder: Path) -> Iterator[tuple[Server, str]]:
    """A server, and the URL of nginx in front."""
    socket, port = str(folder / "digits.sock"), free_port()
    settings = {"prefix": "/kept", "trusted_proxies": "unix", "access_log": "true"}
    locations = (STRIPPED + AS_IT_IS).replace("/run/digits.sock", socket)
    with (
        listening(folder, socket, socket=socket, workers="1", **settings) as server,
        nginx(folder / "nginx", port, served(port, locations)) as url,
    ):
        yield server, url


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with proxied(tmp_path_factory.mktemp("proxy")) as (_, url):
        yield url


@pytest.mark.parametrize("prefix", PREFIXES)
def test_every_link_leads_through_it(proxy: str, prefix: str) -> None:
    sent = requests.post(f"{proxy}/{prefix}/uploads", files={"file": png("7")}, timeout=30)
    upload = sent.json()
    assert sent.headers["Location"] == upload["links"]["self"] == f"/{prefix}/uploads/{upload['id']}"
    for link in upload["links"].values():
        assert requests.get(proxy + link, timeout=30).status_code == 200
    requests.post(f"{proxy}/{prefix}/uploads", files={"file": png("7")}, timeout=30)
    following = requests.get(f"{proxy}/{prefix}/uploads?limit=1", timeout=30).json()["next"]
    assert requests.get(proxy + following, timeout=30).json()["uploads"]
    refused = requests.post(f"{proxy}/{prefix}/uploads", files={"file": b"x"}, timeout=30).json()
    assert requests.get(proxy + refused["type"], timeout=30).json()["title"] == refused["title"]
    described = requests.get(f"{proxy}/{prefix}/openapi.json", timeout=30).json()
    assert described["servers"] == [{"url": f"/{prefix}"}]


@pytest.mark.browser
@pytest.mark.parametrize("prefix", PREFIXES)
def test_the_page_and_the_documentation_work_under_it(browser: Browser, proxy: str, prefix: str) -> None:
    page = browser.new_page()
    failed: list[str] = []
    page.on("requestfailed", lambda sent: failed.append(sent.url))
    page.on("response", lambda response: failed.append(response.url) if response.status >= 400 else None)
    page.goto(f"{proxy}/{prefix}/")
    choose(page, file("52"))
    expect_read(page, "52")
    page.get_by_role("button", name="Why?").click()
    expect(page.locator("#heat")).not_to_have_js_property("naturalWidth", 0)
    page.get_by_role("button", name="Correct", exact=True).click()
    page.get_by_role("textbox", name="The right number").fill("53")
    page.keyboard.press("Enter")
    expect_number(page, "53")
    assert kept(f"{proxy}/{prefix}/")[0]["label"] == "53"
    page.get_by_role("link", name="History").click()
    expect(page.locator("#cards img").first).not_to_have_js_property("naturalWidth", 0)
    page.wait_for_load_state("networkidle")  # To leave would abort what still loads.
    page.goto(f"{proxy}/{prefix}/docs")
    page.locator("[id$='-getModel']").click()
    page.get_by_role("button", name="Execute").click()
    expect(page.locator(".live-responses-table").get_by_text("mnist-neural@")).to_be_visible()
    page.close()
    assert failed == []


def test_the_log_has_the_clients_address_whatever_the_client_says(tmp_path: Path) -> None:
    said = {"X-Forwarded-For": "203.0.113.9", "X-Request-ID": "whose"}
    with proxied(tmp_path) as (server, url):
        requests.get(f"{url}/digits/healthz", headers=said, timeout=30)
        _, output = server.stop()
    (line,) = [line for line in output.splitlines() if line.endswith(" whose")]
    assert " INFO 127.0.0.1 GET /healthz 200 " in line
