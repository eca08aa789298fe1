"""The page of a server that needs API keys."""

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from digits.admission.database import SqlKeys
from digits.admission.keys import Scope, new_key
from digits.uploads.engine import create_engine
from digits.uploads.service import now
from digits.web.services import services_of
from tests.e2e.browsing import choose, expect_number, expect_read, file, write

pytestmark = [pytest.mark.slow, pytest.mark.browser]


@pytest.fixture(scope="module")
def tokens(app: Flask) -> dict[str, str]:
    """A key for everything, one of another owner, and one that may only recognise."""
    services, tokens = services_of(app), {}
    keys = SqlKeys(create_engine(services.settings.database))
    for owner, scopes in (("me", list(Scope)), ("you", list(Scope)), ("app", [Scope.RECOGNISE])):
        tokens[owner], key = new_key(owner, scopes, now())
        keys.add(key)
    services.keyring.refresh()
    return tokens


@pytest.fixture(scope="module")
def address(tokens: dict[str, str], address: str) -> str:
    return address


def enter(page: Page, token: str) -> None:
    page.get_by_label("API key").fill(token)
    page.get_by_role("button", name="Go on").click()


def expect_loaded(page: Page, selector: str) -> None:
    expect(page.locator(selector)).not_to_have_js_property("naturalWidth", 0)


def test_it_asks_for_a_key_once_and_then_does_all_as_usual(page: Page, tokens: dict[str, str]) -> None:
    expect(page.get_by_role("dialog")).to_contain_text("This server needs an API key.")
    enter(page, tokens["me"])
    expect(page.get_by_role("dialog")).to_have_count(0)
    choose(page, file("42"))
    expect_read(page, "42")
    page.get_by_role("button", name="Why?").click()
    expect(page.locator("#heat")).to_be_visible()
    expect_loaded(page, "#heat")
    page.get_by_role("link", name="History").click()
    expect(page.locator("#cards img")).to_have_count(1)
    expect_loaded(page, "#cards img")
    page.locator("#cards a").click()
    expect_number(page, "42")
    expect_loaded(page, "#picture")
    page.reload()
    expect_number(page, "42")
    with page.expect_download() as download:
        page.get_by_role("link", name="History").click()
        page.get_by_role("button", name="Download").click()
    assert download.value.suggested_filename == "digits.zip"


def test_a_wrong_key_is_asked_for_again_and_another_owner_sees_nothing(page: Page, tokens: dict[str, str]) -> None:
    enter(page, "wrong")
    expect(page.get_by_role("dialog")).to_contain_text("This API key is not valid.")
    enter(page, tokens["you"])
    page.get_by_role("link", name="History").click()
    expect(page.locator("#empty")).to_have_text("Nothing here.")


def test_who_gives_no_key_is_told_and_may_try_again(page: Page, tokens: dict[str, str]) -> None:
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    write(page, "7")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#problem")).to_have_text("This server needs an API key.")
    page.get_by_role("button", name="Try again").click()
    enter(page, tokens["me"])
    expect_number(page, "7")


def test_a_key_that_may_only_recognise_does_so_and_no_more(page: Page, tokens: dict[str, str]) -> None:
    enter(page, tokens["app"])
    choose(page, file("5"))
    expect_read(page, "5")
    page.get_by_role("link", name="History").click()
    expect(page.locator("#empty")).to_have_text("Your API key does not allow this.")


@pytest.mark.parametrize("page", [{"locale": "de-DE"}], indirect=True)
def test_it_asks_in_the_reader_s_language(page: Page) -> None:
    expect(page.get_by_role("dialog")).to_contain_text("Dieser Server braucht einen API-Schlüssel.")
    expect(page.get_by_role("button", name="Weiter")).to_be_visible()
