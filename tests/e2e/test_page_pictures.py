"""Pictures on the page: chosen, dropped and pasted, one or several, over any network."""

import numpy as np
import pytest
from playwright.sync_api import Page, Route, expect

from support.drawing import encode
from tests.e2e.browsing import (
    choose,
    expect_kept,
    expect_number,
    expect_read,
    file,
    hand_over,
    held,
    kept,
    on_first_post,
    write,
)

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("event", ["drop", "paste"])
def test_a_picture_that_is_dropped_or_pasted_is_shown_read_and_kept_at_once(
    page: Page, address: str, event: str
) -> None:
    before = len(kept(address))
    hand_over(page, event, "52")
    expect(page.get_by_alt_text("mine.png").first).to_be_visible()
    expect_read(page, "52")
    expect_kept(address, "52", since=before)


def test_of_several_pictures_each_has_its_progress_and_its_answer(page: Page, address: str) -> None:
    before = len(kept(address))
    waiting: list[Route] = []
    on_first_post(page, waiting.append)
    choose(page, file("1", "one.png"), file("2", "two.png"), {**file("3"), "name": "notes.png", "buffer": b"Milk"})
    tray = page.get_by_role("listitem")
    expect(tray).to_have_count(3)
    expect(page.get_by_role("progressbar", name="one.png")).to_be_visible()
    held(page, waiting).continue_()
    expect_read(page, "1")
    expect(tray.nth(1)).to_contain_text("2")
    expect(page.get_by_role("progressbar")).to_have_count(0)
    tray.nth(1).click()
    expect_read(page, "2")
    tray.nth(2).click()
    expect(page.get_by_role("alert")).to_contain_text("This file is not a picture that can be read.")
    expect(page.get_by_role("button", name="Try again")).to_be_hidden()
    expect_kept(address, "1", "2", since=before)
    write(page, "4")
    expect_read(page, "4")
    expect(tray).to_have_count(0)


def test_a_picture_that_is_over_the_limits_is_made_smaller(page: Page) -> None:
    noise = np.random.default_rng(0).integers(200, 256, (2500, 2500, 3), np.uint8)
    noise[600:1900, 1200:1350] = 0
    photo = encode(noise)
    assert len(photo) > 10 * 1024 * 1024
    with page.expect_request(lambda sent: sent.method == "POST") as posted:
        choose(page, {"name": "photo.png", "mimeType": "image/png", "buffer": photo})
    expect_number(page, "1")
    assert int(posted.value.all_headers()["content-length"]) < 10 * 1024 * 1024


def test_pictures_still_waiting_are_made_smaller_though_a_drawing_has_begun(page: Page, address: str) -> None:
    before = len(kept(address))
    page.route("**/model", lambda route: route.fulfill(json={"limits": {"bytes": 100_000, "pixels": 30_000}}))
    with page.expect_response("**/model"):
        page.reload()
    waiting: list[Route] = []
    on_first_post(page, waiting.append)
    choose(page, file("1"), file("2"))
    page.get_by_role("button", name="Clear").click()
    write(page, "4")
    expect_read(page, "4")
    first = held(page, waiting)
    with page.expect_event("requestfinished", lambda sent: "store=true" in sent.url and sent != first.request):
        first.continue_()
    expect_kept(address, "1", "2", since=before)
    assert [upload["image"]["format"] for upload in kept(address)[:2]] == ["JPEG", "JPEG"]


def test_a_slow_network_is_said_to_be_slow(page: Page) -> None:
    page.clock.install()
    waiting: list[Route] = []
    on_first_post(page, waiting.append)
    choose(page, file("4"))
    page.clock.run_for(700)
    expect(page.get_by_role("status").first).to_contain_text("Reading")
    page.clock.run_for(6000)
    expect(page.get_by_role("status").first).to_contain_text("The network is slow")
    held(page, waiting).continue_()
    expect_read(page, "4")


def test_a_lost_network_is_said_and_can_be_tried_again(page: Page) -> None:
    on_first_post(page, lambda route: route.abort())
    write(page, "7")
    expect(page.get_by_role("alert")).to_contain_text("The server cannot be reached.")
    page.get_by_role("button", name="Try again").click()
    expect_read(page, "7")
    expect(page.get_by_role("alert")).to_be_empty()


def test_what_was_kept_though_the_answer_was_lost_is_kept_once(page: Page, address: str) -> None:
    before = len(kept(address))

    def lose_the_answer(route: Route) -> None:
        route.fetch()
        route.abort()

    on_first_post(page, lose_the_answer)
    choose(page, file("4"))
    page.get_by_role("button", name="Try again").click()
    expect_read(page, "4")
    expect_kept(address, "4", since=before)


def test_an_older_answer_never_replaces_a_newer_one(page: Page) -> None:
    waiting: list[Route] = []
    on_first_post(page, waiting.append)
    choose(page, file("1", "older.png"))
    while not waiting:
        page.wait_for_timeout(10)
    choose(page, file("2", "newer.png"))
    expect_read(page, "2")
    with page.expect_event("requestfinished"):
        held(page, waiting).continue_()
    page.wait_for_timeout(100)
    expect_number(page, "2")
