"""The history on the page, and the review of what is least sure."""

import csv
import zipfile
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, Dialog, Page, expect

from support.chromium import BORROWED
from tests.e2e.browsing import expect_number, held, hold, kept, picture_of, write

pytestmark = pytest.mark.browser


@pytest.fixture(autouse=True)
def history(address: str) -> None:
    """Three uploads: a 7, a 4 that a person says is a 9, and a 12."""
    for upload in kept(address):
        requests.delete(f"{address}uploads/{upload['id']}", timeout=10)
    for number, label in (("7", None), ("4", "9"), ("12", None)):
        sent = requests.post(f"{address}uploads", files={"file": picture_of(number)}, timeout=10).json()
        if label:
            requests.patch(f"{address}uploads/{sent['id']}", json={"label": label}, timeout=10)


def open_view(page: Page, name: str) -> None:
    page.get_by_role("link", name=name).click()


def answer_once(page: Page, *, is_sure: bool) -> None:
    """To the question that comes next."""

    def answer(dialog: Dialog) -> None:
        if is_sure:
            dialog.accept()
        else:
            dialog.dismiss()

    page.once("dialog", answer)


def test_what_was_kept_is_shown_filtered_and_opened(page: Page) -> None:
    open_view(page, "History")
    cards = page.locator("#cards li")
    numbers = cards.locator("span")
    expect(numbers).to_have_text(["12", "9", "7"])
    expect(cards.locator("img").first).not_to_have_js_property("naturalWidth", 0)
    show = page.get_by_role("combobox", name="Show")
    show.select_option("Corrected")
    expect(numbers).to_have_text(["9"])
    show.select_option("7")
    expect(numbers).to_have_text(["7"])
    show.select_option("Not recognised")
    expect(page.get_by_text("Nothing here.")).to_be_visible()
    show.select_option("All")
    cards.nth(1).get_by_role("link").click()
    expect_number(page, "9")
    expect(page.locator("#note")).to_have_text("Corrected by a person; read as 4")
    page.go_back()
    expect(cards).to_have_count(3)


def test_the_next_pages_follow(page: Page, address: str) -> None:
    for _ in range(24):
        requests.post(f"{address}uploads", files={"file": picture_of("1")}, timeout=10)
    open_view(page, "History")
    cards = page.locator("#cards li")
    expect(cards).to_have_count(24)
    page.get_by_role("button", name="More").click()
    expect(cards).to_have_count(27)
    expect(page.get_by_role("button", name="More")).to_be_hidden()


def test_an_upload_is_deleted_if_the_person_is_sure(page: Page, address: str) -> None:
    open_view(page, "History")
    cards = page.locator("#cards li")
    for is_sure, left in ((False, 3), (True, 2)):
        answer_once(page, is_sure=is_sure)
        cards.first.hover()
        page.get_by_role("button", name="Delete 12").click()
        expect(cards).to_have_count(left)
        assert len(kept(address)) == left


def test_what_is_shown_is_downloaded_as_export_writes_it(page: Page, tmp_path: Path) -> None:
    open_view(page, "History")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    download.value.save_as(tmp_path / "digits.zip")
    with zipfile.ZipFile(tmp_path / "digits.zip") as archive:
        assert archive.testzip() is None
        assert len([name for name in archive.namelist() if name.endswith(".png")]) == 3
        rows = list(csv.DictReader(archive.read("labels.csv").decode().splitlines()))
        assert [row["label"] for row in rows] == ["9"]
        assert archive.read(rows[0]["file"]) == picture_of("4")


def test_an_older_list_never_replaces_a_newer_one(page: Page) -> None:
    open_view(page, "History")
    cards = page.locator("#cards li")
    expect(cards).to_have_count(3)
    waiting = hold(page, "**/uploads?*labelled=true*")
    show = page.get_by_role("combobox", name="Show")
    with page.expect_request("**/uploads?*labelled=true*"):
        show.select_option("Corrected")
    show.select_option("7")
    expect(cards.locator("span")).to_have_text(["7"])
    with page.expect_event("requestfinished"):
        held(page, waiting).continue_()
    page.wait_for_timeout(100)
    expect(cards.locator("span")).to_have_text(["7"])


def test_a_picture_that_is_gone_is_left_out_of_the_download(page: Page, address: str, tmp_path: Path) -> None:
    gone = kept(address)[1]["id"]
    page.route(f"**/uploads/{gone}/image", lambda route: route.fulfill(status=404, json={}))
    open_view(page, "History")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    expect(page.get_by_text("1 left out: gone from the storage.")).to_be_visible()
    download.value.save_as(tmp_path / "digits.zip")
    with zipfile.ZipFile(tmp_path / "digits.zip") as archive:
        assert archive.testzip() is None
        assert len(archive.namelist()) == 3
        assert archive.read("labels.csv") == b"file,label\n"


def test_a_download_that_no_zip_holds_is_refused(page: Page) -> None:
    too_large = "import('./static/zip.js').then(({ zip }) => zip([['a.png', { size: 4.1e9 }]])).catch(String)"
    assert "digits export" in page.evaluate(too_large)
    too_many = {"uploads": [], "total": 70_000, "next": None}
    page.route("**/uploads?limit=100*", lambda route: route.fulfill(json=too_many))
    open_view(page, "History")
    page.get_by_role("button", name="Download").click()
    expect(page.get_by_text("digits export")).to_be_visible()


def test_the_review_begins_with_the_least_sure_and_goes_on_by_itself(page: Page, address: str) -> None:
    least, most = sorted(
        (upload for upload in kept(address) if upload["label"] is None), key=lambda each: each["confidence"]
    )
    assert (least["number"], most["number"]) == ("12", "7")
    open_view(page, "Review")
    expect(page.get_by_text("2 left.")).to_be_visible()
    expect_number(page, "12")
    page.keyboard.press("s")
    expect_number(page, "7")
    page.keyboard.press("1")
    expect(page.get_by_text("Nothing here.")).to_be_visible()
    assert kept(address, "&digit=7")[0]["label"] == "1"
    open_view(page, "Write")
    open_view(page, "Review")
    expect_number(page, "12")
    page.keyboard.type("13")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Nothing here.")).to_be_visible()
    assert {upload["number"]: upload["label"] for upload in kept(address)} == {"12": "13", "4": "9", "7": "1"}


def test_in_the_review_a_second_key_before_the_first_is_saved_labels_nothing(page: Page, address: str) -> None:
    requests.post(f"{address}uploads", files={"file": picture_of("8")}, timeout=10)
    waiting = hold(page, "**/uploads/*", "PATCH")
    open_view(page, "Review")
    expect_number(page, "12")
    page.keyboard.press("s")  # Its label would be typed.
    expect(page.get_by_text("2 left.")).to_be_visible()
    page.keyboard.press("6")
    page.keyboard.press("3")
    page.wait_for_timeout(100)
    assert len(waiting) == 1
    held(page, waiting).continue_()
    expect(page.get_by_text("1 left.")).to_be_visible()
    assert sorted(upload["label"] or "" for upload in kept(address)) == ["", "", "6", "9"]


def test_in_the_review_a_held_key_and_a_double_click_label_only_the_picture_that_is_seen(
    page: Page, address: str
) -> None:
    for number in "888":
        requests.post(f"{address}uploads", files={"file": picture_of(number)}, timeout=10)
    open_view(page, "Review")
    expect_number(page, "12")
    page.keyboard.press("s")  # Its label would be typed.
    left = page.locator("#left")
    expect(left).to_contain_text("4 left.")

    def hold_down(key: str) -> None:
        for _ in range(3):
            page.keyboard.down(key)
            page.wait_for_timeout(100)
        page.keyboard.up(key)

    hold_down("6")
    expect(left).to_contain_text("3 left.")
    hold_down("Enter")
    expect(left).to_contain_text("2 left.")
    page.get_by_role("button", name="Right").dblclick(delay=100)
    page.wait_for_timeout(100)
    expect(left).to_contain_text("1 left.")


def test_in_the_review_enter_confirms_n_means_no_digit_and_delete_deletes(page: Page, address: str) -> None:
    requests.post(f"{address}uploads", files={"file": picture_of("8")}, timeout=10)
    open_view(page, "Review")
    for key in ("Enter", "n", "Delete"):
        number = page.locator("#number")
        expect(number).not_to_be_empty()
        before = number.inner_text()
        if key == "Delete":
            answer_once(page, is_sure=True)
        page.keyboard.press(key)
        expect(number).not_to_have_text(before)
    expect(page.get_by_text("Nothing here.")).to_be_visible()
    assert [upload["label"] for upload in kept(address)].count("") == 1
    assert len(kept(address)) == 3


def test_under_a_borrowed_name_the_page_reads_and_says_kindly_that_the_history_is_private(
    browser: Browser, address: str
) -> None:
    other = browser.new_page()
    other.goto(address.replace("127.0.0.1", BORROWED))
    write(other, "7")
    expect_number(other, "7")
    open_view(other, "History")
    expect(other.get_by_text("The history is private")).to_be_visible()
    other.close()
