"""Pictures of the page for the README: `python -m support.screenshots docs/page`."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from playwright.sync_api import Browser, Page, ViewportSize

from support.chromium import chromium, draw
from support.drawing import STROKES
from support.server import running

SCREENS: dict[str, ViewportSize] = {
    "desk": {"width": 1280, "height": 900},
    "phone": {"width": 390, "height": 844},
}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
NUMBER, OPENED = "2047", 2
SIZE = (0.2, 0.36)
"""Of a digit, in shares of the paper's width and height."""


def take(browser: Browser, url: str, out: Path) -> None:
    for name, viewport in SCREENS.items():
        for scheme in SCHEMES:
            page = browser.new_page(viewport=viewport, color_scheme=scheme, is_mobile=name == "phone")
            page.goto(url)
            write(page)
            page.locator(".chip").nth(OPENED).click()
            page.locator("h1").hover()
            page.screenshot(path=out / f"{name}-{scheme}.png")
            page.close()


def write(page: Page) -> None:
    """Write a number by its strokes, and wait until it is read."""
    width, height = SIZE
    strokes = [
        [(0.08 + 0.22 * place + x / 100 * width, 0.32 + y / 100 * height) for x, y in stroke]
        for place, digit in enumerate(NUMBER)
        for stroke in STROKES[digit]
    ]
    draw(page, strokes, steps=8)
    page.locator("#number", has_text=NUMBER).wait_for()


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as folder, running(Path(folder)) as server, chromium() as browser:
        take(browser, server.url, target)
