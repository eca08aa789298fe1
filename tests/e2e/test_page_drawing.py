"""Drawing on the page: read at every pause, kept once it is finished."""

import pytest
from playwright.sync_api import Page, expect

from support.chromium import points_on_screen
from tests.e2e.browsing import (
    DOT,
    PHONE,
    SCREEN,
    expect_kept,
    expect_number,
    expect_read,
    kept,
    on_first_post,
    strokes_of,
    write,
)

pytestmark = pytest.mark.browser


def test_ten_digits_are_read_while_they_are_written_and_kept_one_picture_each(page: Page, address: str) -> None:
    before = len(kept(address))
    for digit in "0123456789":
        write(page, digit)
        expect_read(page, digit)
        page.get_by_role("button", name="Clear").click()
        expect(page.get_by_role("heading", name="Write a number")).to_be_visible()
    expect_kept(address, *"0123456789", since=before)


def test_a_drawing_with_many_pauses_is_kept_once_and_only_when_it_is_finished(page: Page, address: str) -> None:
    before = len(kept(address))
    for place, digit in enumerate("472"):
        write(page, [[(x + 0.22 * (place - 1), y) for x, y in stroke] for stroke in strokes_of(digit)])
        expect_number(page, "472"[: place + 1])
    assert len(kept(address)) == before
    page.get_by_role("link", name="History").click()
    expect(page.locator("#cards li")).to_have_count(before + 1)
    page.get_by_role("link", name="Write").click()
    expect_number(page, "472")
    page.get_by_role("button", name="Undo").click()
    expect_number(page, "47")
    with page.expect_event("requestfinished", lambda sent: sent.method == "DELETE"):
        page.get_by_role("button", name="Clear").click()
    expect_kept(address, "47", since=before)


def test_a_drawing_is_kept_when_the_page_is_left(page: Page, address: str) -> None:
    before = len(kept(address))
    write(page, "4")
    expect_read(page, "4")
    page.reload()
    expect(page.get_by_role("heading", name="Write a number")).to_be_visible()
    expect_kept(address, "4", since=before)


def test_a_drawing_that_could_not_be_kept_when_it_was_cleared_can_be_kept_again(page: Page, address: str) -> None:
    before = len(kept(address))
    write(page, "7")
    expect_read(page, "7")
    on_first_post(page, lambda route: route.abort())
    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_role("alert")).to_contain_text("The server cannot be reached.")
    expect(page.locator("#picture")).to_have_js_property("naturalWidth", 800)
    page.get_by_role("button", name="Try again").click()
    expect_read(page, "7")
    expect_kept(address, "7", since=before)


def test_nothing_is_kept_if_it_is_not_wanted_and_that_is_remembered(page: Page, address: str) -> None:
    before = len(kept(address))
    page.get_by_label("Keep pictures on this server").uncheck()
    page.reload()
    expect(page.get_by_label("Keep pictures on this server")).not_to_be_checked()
    expect(page.get_by_text("Pictures are read and forgotten.")).to_be_visible()
    write(page, "7")
    expect_read(page, "7")
    expect(page.get_by_role("button", name="Correct")).to_be_hidden()
    page.get_by_role("button", name="Clear").click()
    page.wait_for_load_state("networkidle")
    assert len(kept(address)) == before
    write(page, "7")
    page.get_by_role("button", name="Keep").click()
    expect(page.get_by_role("button", name="Correct")).to_be_visible()
    assert len(kept(address)) == before + 1


def test_a_dot_is_said_not_to_look_like_a_digit_and_no_bar_says_otherwise(page: Page) -> None:
    write(page, DOT)
    expect(page.get_by_role("status").first).to_contain_text("This does not look like a digit.")
    expect(page.locator("#note")).to_contain_text("Best guess")
    bars = page.get_by_role("group", name="How it was read").get_by_role("button")
    expect(bars).to_have_count(11)
    expect(bars.last).to_contain_text("No digit")
    shares = [float(text.split()[-1].rstrip("%") or 0) for text in bars.all_inner_texts() if "%" in text]
    assert max(shares[:-1], default=0) < 50 < shares[-1]


def test_a_headline_and_the_best_bar_agree(page: Page) -> None:
    write(page, "7")
    expect_read(page, "7")
    share = page.locator("#note").inner_text().split()[0]
    expect(page.get_by_role("group", name="How it was read").get_by_role("button", pressed=True)).to_have_text(
        f"7{share}"
    )


@pytest.mark.parametrize("page", [PHONE], indirect=True)
def test_a_digit_drawn_with_a_finger_is_read_on_a_phone_that_does_not_scroll(page: Page) -> None:
    session = page.context.new_cdp_session(page)
    for stroke in points_on_screen(page, strokes_of("4")):
        for kind, points in (("Start", stroke[:1]), *(("Move", [point]) for point in stroke[1:]), ("End", [])):
            touches = [{"x": x, "y": y} for x, y in points]
            session.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": touches})
    expect_read(page, "4")
    assert page.evaluate("[scrollY, document.documentElement.scrollWidth]") == [0, SCREEN["width"]]


def test_a_pen_that_is_pressed_harder_writes_broader(page: Page) -> None:
    dots = """() => {
        const paper = document.querySelector('canvas');
        const { left, top } = paper.getBoundingClientRect();
        paper.setPointerCapture = () => {};
        for (const [x, pressure] of [[50, 0.2], [250, 0.9]]) {
            const init = { pointerType: 'pen', pressure, clientX: left + x, clientY: top + 100 };
            paper.dispatchEvent(new PointerEvent('pointerdown', init));
            paper.dispatchEvent(new PointerEvent('lostpointercapture', init));
        }
        const { data } = paper.getContext('2d').getImageData(0, 0, paper.width, paper.height);
        const inked = [...data].flatMap((value, at) => (at % 4 || value > 128 ? [] : (at / 4) % paper.width < 200));
        return [inked.filter(Boolean).length, inked.filter((isLeft) => !isLeft).length];
    }"""
    light, hard = page.evaluate(dots)
    assert 50 < light < hard / 2


def test_undo_takes_back_the_last_stroke(page: Page) -> None:
    write(page, "47")
    expect_read(page, "47")
    page.keyboard.press("Control+z")
    expect_read(page, "4")
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("heading", name="Write a number")).to_be_visible()
    expect(page.get_by_role("button", name="Undo")).to_be_disabled()


def test_a_sample_writes_itself_and_is_kept_by_nobody(page: Page, address: str) -> None:
    before = len(kept(address))
    page.get_by_role("button", name="42").click()
    expect_read(page, "42")
    page.get_by_role("button", name="Clear").click()
    page.get_by_role("button", name="★").click()
    expect(page.get_by_role("status").first).to_contain_text("This does not look like a digit.")
    page.get_by_role("button", name="Clear").click()
    page.wait_for_load_state("networkidle")
    assert len(kept(address)) == before


def test_a_sample_is_a_persons_own_once_they_draw_on_it_but_not_if_they_undo_a_stroke(page: Page, address: str) -> None:
    before = len(kept(address))
    page.get_by_role("button", name="42").click()
    expect_read(page, "42")
    page.get_by_role("button", name="Undo").click()
    expect_read(page, "4")
    page.get_by_role("button", name="Clear").click()
    page.get_by_role("button", name="7").click()
    expect_read(page, "7")
    write(page, [[(x + 0.3, y) for x, y in stroke] for stroke in strokes_of("1")])
    expect_number(page, "71")
    page.get_by_role("button", name="Clear").click()
    expect_kept(address, "71", since=before)
