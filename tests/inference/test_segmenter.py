"""How digits are cut out, with a network that paints what it is told."""

import numpy as np
import pytest

from digits.box import Box
from digits.inference.interpreter import Floats, Interpreters
from digits.inference.segmenter import SEGMENTER, SIDE, STRIDE, Segmenter, SegmenterConfig, to_ink

GREY = np.full((100, 200), 200, np.uint8)


class Painter(Interpreters):
    """Paints full ink in the middle 16x16 pixels, and a quarter of it or so around them, in 24x24."""

    def run(self, picture: Floats) -> Floats:
        logits = np.full((SIDE, SIDE), -20, np.float32)
        logits[12:36, 12:36] = -0.8
        logits[16:32, 16:32] = 20
        places = SIDE // STRIDE
        return logits.reshape(places, STRIDE, places, STRIDE).transpose(0, 2, 1, 3).reshape(places, places, STRIDE**2)


class Blank(Interpreters):
    """Paints nothing."""

    def run(self, picture: Floats) -> Floats:
        return np.full((SIDE // STRIDE, SIDE // STRIDE, STRIDE**2), -20, np.float32)


def segmenter(network: Interpreters, config: SegmenterConfig = SegmenterConfig()) -> Segmenter:
    made = Segmenter(SEGMENTER.read_bytes(), config)
    made._networks = network
    return made


@pytest.mark.parametrize(("level", "side"), [(64, 24), (100, 16)])
def test_ink_is_cut_from_a_level_on(level: int, side: int) -> None:
    # The box is 32 pixels high, as the network sees it too.
    ((box, ink),) = segmenter(Painter(b""), SegmenterConfig(ink_level=level)).cut(GREY, [Box(84, 34, 20, 32)])
    assert ink.shape == (side, side)
    assert (box.width, box.height) == (side, side)
    assert (box.centre_x, box.centre_y) == (94, 50)


def test_a_box_without_ink_stays_where_it_is() -> None:
    ((box, ink),) = segmenter(Blank(b"")).cut(GREY, [Box(84, 34, 20, 32)])
    assert box == Box(84, 34, 20, 32)
    assert ink.tolist() == [[0]]


def test_ink_beyond_the_edge_of_the_picture_is_left_out_of_the_box() -> None:
    ((box, ink),) = segmenter(Painter(b"")).cut(GREY, [Box(-10, 34, 20, 32)])
    assert (box.x, box.right) == (0, 8)
    assert ink.shape == (16, 16)


def test_log_odds_become_levels_of_ink() -> None:
    output = np.zeros((SIDE // STRIDE, SIDE // STRIDE, STRIDE**2), np.float32)
    output[0, 0] = [-30, 30, np.log(3), 0]
    assert to_ink(output)[:2, :2].tolist() == [[0, 255], [191, 128]]
