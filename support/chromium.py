"""Chromium, driven with Playwright."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, sync_playwright

PROGRAM = shutil.which("chromium")
BORROWED = "borrowed.example"
"""A host name that leads to this machine, in the browser alone."""
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--host-resolver-rules=MAP {BORROWED} 127.0.0.1",
)

Strokes = Sequence[Sequence[tuple[float, float]]]
"""Points in shares of the paper's width and height."""
SEVEN: Strokes = [[(0.35, 0.2), (0.65, 0.2), (0.47, 0.8)]]
FOUR: Strokes = [[(0.48, 0.2), (0.35, 0.55), (0.65, 0.55)], [(0.58, 0.35), (0.58, 0.8)]]


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=PROGRAM, args=FLAGS)


def points_on_screen(page: Page, strokes: Strokes) -> Strokes:
    box = page.locator("canvas").bounding_box()
    assert box is not None
    return [[(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke] for stroke in strokes]


def draw(page: Page, strokes: Strokes, steps: int = 5) -> None:
    """Draws with the mouse on the page's canvas; each line is moved along in this number of steps."""
    for stroke in points_on_screen(page, strokes):
        page.mouse.move(*stroke[0])
        page.mouse.down()
        for point in stroke[1:]:
            page.mouse.move(*point, steps=steps)
        page.mouse.up()
