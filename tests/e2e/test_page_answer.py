"""The answer on the page: its digits, why, and what a person says instead."""

import pytest
from playwright.sync_api import Page, Route, expect

from tests.e2e.browsing import choose, expect_number, expect_read, file, kept, write

pytestmark = pytest.mark.browser

PIXEL = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def test_a_wrong_digit_is_corrected_with_one_click_and_that_can_be_taken_back(page: Page, address: str) -> None:
    write(page, "7")
    expect_read(page, "7")
    page.get_by_role("group", name="How it was read").get_by_role("button").nth(1).click()
    expect_number(page, "1")
    expect(page.locator("#note")).to_have_text("Corrected by a person; read as 7")
    assert [kept(address)[0][name] for name in ("number", "label")] == ["7", "1"]
    press(page, "Take back")
    expect_read(page, "7")
    assert kept(address)[0]["label"] is None


def test_the_number_is_typed_and_enter_saves_it(page: Page, address: str) -> None:
    choose(page, file("52"))
    expect_read(page, "52")
    press(page, "Correct")
    field = page.get_by_role("textbox", name="The right number")
    expect(field).to_have_value("52")
    field.fill("53 1")
    field.press("Enter")
    expect_number(page, "53 1")
    expect(field).to_be_hidden()
    assert kept(address)[0]["label"] == "53\n1"


def test_what_is_not_a_number_is_not_saved(page: Page, address: str) -> None:
    choose(page, file("52"))
    expect_read(page, "52")
    press(page, "Correct")
    field = page.get_by_role("textbox", name="The right number")
    for typed, hint in (("abc", "Only the digits 0 to 9, please."), ("", "Type the number, or press")):
        field.fill(typed)
        field.press("Enter")
        expect(page.get_by_text(hint)).to_be_visible()
    field.press("Escape")
    expect(field).to_be_hidden()
    expect(page.get_by_role("button", name="Correct", exact=True)).to_be_focused()
    assert kept(address)[0]["label"] is None
    press(page, "Correct")
    page.locator("form").get_by_role("button", name="No digit").click()
    expect_number(page, "No digit")
    assert kept(address)[0]["label"] == ""


def test_a_correction_that_does_not_arrive_says_so_and_can_be_tried_again(page: Page) -> None:
    choose(page, file("5"))
    expect_read(page, "5")
    lost: list[Route] = []

    def lose_first(route: Route) -> None:
        if route.request.method == "PATCH" and not lost:
            lost.append(route)
            route.abort()
        else:
            route.continue_()

    page.route("**/uploads/*", lose_first)
    page.get_by_role("group", name="How it was read").get_by_role("button").nth(6).click()
    expect(page.get_by_role("alert")).to_contain_text("The server cannot be reached.")
    expect_number(page, "5")
    press(page, "Try again")
    expect_number(page, "6")


def test_sixteen_digits_make_chips_that_open_one_at_a_time(page: Page) -> None:
    choose(page, file("1234567890123456"))
    expect_number(page, "1234567890123456")
    chips = page.get_by_role("group", name="Digits").get_by_role("button")
    expect(chips).to_have_count(16)
    assert page.evaluate("document.documentElement.scrollHeight") < 1000
    chips.nth(3).click()
    panel = page.get_by_role("group", name="How it was read")
    expect(panel.get_by_role("button", pressed=True)).to_contain_text("4")
    chips.nth(6).click()
    expect(panel.get_by_role("button", pressed=True)).to_contain_text("7")
    panel.get_by_role("button").nth(1).click()
    expect_number(page, "1234561890123456")


def test_a_digit_and_its_box_light_up_together(page: Page) -> None:
    choose(page, file("52"))
    expect_read(page, "52")
    box = page.locator("rect").nth(1)
    page.get_by_role("group", name="Digits").get_by_role("button").nth(1).hover()
    expect(box).to_have_class("lit")
    page.locator("rect").nth(0).hover()
    expect(box).not_to_have_class("lit")
    expect(page.locator(".chip").nth(0)).to_have_class("chip lit")
    page.locator("rect").nth(0).click()
    expect(page.get_by_role("group", name="How it was read").get_by_role("button", pressed=True)).to_contain_text("5")


def test_why_shows_what_decided_over_the_picture_and_asks_for_it_only_then(page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda sent: asked.append(sent.url) if "explanation" in sent.url else None)
    choose(page, file("5"))
    expect_read(page, "5")
    assert asked == []
    press(page, "Why?")
    expect(page.get_by_label("The same, with the ink that decided in orange")).to_be_visible()
    expect(page.locator("#heat")).to_have_js_property("naturalWidth", 280)
    press(page, "Why?")
    expect(page.locator("#heat")).to_be_hidden()


def test_why_is_shown_of_a_drawing_that_is_not_kept(page: Page) -> None:
    write(page, "7")
    expect_read(page, "7")
    press(page, "Why?")
    expect(page.locator("#heat")).to_have_js_property("naturalWidth", 800)


def test_why_is_no_longer_offered_if_it_cannot_be_had(page: Page) -> None:
    write(page, "7")
    expect_read(page, "7")
    page.route("**/uploads?*explanation=true*", lambda route: route.abort())
    press(page, "Why?")
    expect(page.get_by_role("button", name="Why?")).to_be_hidden()
    expect(page.locator("#heat")).to_be_hidden()


def test_a_link_leads_to_one_answer(page: Page) -> None:
    write(page, "72")
    expect_read(page, "72")
    press(page, "Share")
    expect(page.get_by_role("status").first).to_contain_text("ink")
    page.wait_for_url("**/#upload=*")
    page.reload()
    expect_read(page, "72")
    expect(page.get_by_alt_text("72").first).to_be_visible()
    page.get_by_role("group", name="Digits").get_by_role("button").nth(1).click()
    seen = page.locator("figure img")
    expect(seen).to_have_js_property("naturalWidth", 56)
    press(page, "Clear")
    write(page, "4")
    expect_read(page, "4")
    assert "#" not in page.url


def test_a_link_to_what_was_deleted_says_so(page: Page) -> None:
    page.goto(f"{page.url}#upload=0199f3a2-7c41-7b5e-9d3f-0123456789ab")
    expect(page.get_by_role("alert")).to_contain_text("This picture is not here, or was deleted.")
