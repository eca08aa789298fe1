"""Pictures of the page for the README: `python -m support.screenshots docs/page`."""

import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

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
    box = page.locator("canvas").bounding_box()
    assert box is not None
    width, height = SIZE
    for place, digit in enumerate(NUMBER):
        for stroke in STROKES[digit]:
            points = [
                (
                    box["x"] + (0.08 + 0.22 * place + x / 100 * width) * box["width"],
                    box["y"] + (0.32 + y / 100 * height) * box["height"],
                )
                for x, y in stroke
            ]
            page.mouse.move(*points[0])
            page.mouse.down()
            for point in points[1:]:
                page.mouse.move(*point, steps=8)
            page.mouse.up()
    page.locator("#number", has_text=NUMBER).wait_for()


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as folder, running(Path(folder)) as server, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        take(chromium, server.url, target)
