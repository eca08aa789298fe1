"""What people do on the page, for tests of it in a real browser."""

from collections.abc import Callable, Sequence
from typing import Any

import requests
from playwright.sync_api import FilePayload, Page, Route, expect

from support.chromium import Strokes
from support.chromium import draw as draw_on_canvas
from support.drawing import STROKES, draw, encode, on_paper
from support.server import until

expect.set_options(timeout=5_000)  # Browsers put off what nobody seems to wait for, on a busy machine above all.

SCREEN = {"width": 390, "height": 844}
PHONE = {"viewport": SCREEN, "has_touch": True, "is_mobile": True, "device_scale_factor": 3}

DOT = [[(0.5, 0.5), (0.505, 0.5)]]


def strokes_of(number: str) -> Strokes:
    """Its digits side by side, in the middle of the paper."""
    left = 0.5 - 0.11 * len(number)
    return [
        [(left + 0.22 * place + x / 100 * 0.2, 0.35 + y / 100 * 0.3) for x, y in stroke]
        for place, digit in enumerate(number)
        for stroke in STROKES[digit]
    ]


def write(page: Page, strokes: Strokes | str) -> None:
    """With the mouse; a text is written as it is read."""
    draw_on_canvas(page, strokes_of(strokes) if isinstance(strokes, str) else strokes, steps=3)


def picture_of(number: str, **options: Any) -> bytes:
    return encode(on_paper(draw(number, **options)))


def file(number: str, name: str = "mine.png") -> FilePayload:
    """A picture of a number, as Playwright takes files."""
    return {"name": name, "mimeType": "image/png", "buffer": picture_of(number)}


def choose(page: Page, *files: FilePayload) -> None:
    page.get_by_label("Choose pictures").set_input_files(list(files))


def hand_over(page: Page, event: str, number: str) -> None:
    """Drops or pastes a picture."""
    script = """([event, bytes]) => {
        const transfer = new DataTransfer();
        transfer.items.add(new File([new Uint8Array(bytes)], 'mine.png', { type: 'image/png' }));
        const init = { bubbles: true, cancelable: true };
        document.body.dispatchEvent(event === 'paste'
            ? new ClipboardEvent('paste', { ...init, clipboardData: transfer })
            : new DragEvent('drop', { ...init, dataTransfer: transfer }));
    }"""
    page.evaluate(script, [event, list(picture_of(number))])


def expect_number(page: Page, number: str) -> None:
    expect(page.locator("#number")).to_have_text(number)


def expect_read(page: Page, number: str) -> None:
    """The number, and that it is sure."""
    expect_number(page, number)
    expect(page.locator("#note")).to_contain_text("sure")


def kept(address: str, query: str = "") -> list[dict[str, Any]]:
    """Uploads on the server, newest first."""
    uploads: list[dict[str, Any]] = requests.get(f"{address}uploads?limit=100{query}", timeout=10).json()["uploads"]
    return uploads


def expect_kept(address: str, *numbers: str, since: int) -> None:
    """That these were kept, oldest first, after so many others."""
    until(lambda: len(kept(address)) >= since + len(numbers), seconds=10)
    assert [upload["number"] for upload in reversed(kept(address))][since:] == list(numbers)


def held(page: Page, waiting: Sequence[Route]) -> Route:
    """The first request that waits, once the browser has told of it."""
    while not waiting:
        page.wait_for_timeout(20)
    return waiting[0]


def on_first_post(page: Page, act: Callable[[Route], None]) -> None:
    """Not route(times=1): to take a route away while a request waits in it can leave that request waiting."""
    seen: list[Route] = []

    def handle(route: Route) -> None:
        if seen or route.request.method != "POST":
            route.continue_()
        else:
            seen.append(route)
            act(route)

    page.route("**/uploads?*", handle)


def hold(page: Page, url: str, method: str = "GET") -> list[Route]:
    """Requests that wait until they are let go, as they come."""
    waiting: list[Route] = []
    page.route(url, lambda route: waiting.append(route) if route.request.method == method else route.continue_())
    return waiting
