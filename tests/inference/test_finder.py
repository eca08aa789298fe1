"""Where digits are: what the network gives, read; and the looks that are taken."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from digits.box import Box
from digits.grids import Grey
from digits.inference import finder as module
from digits.inference.calibration import Calibration, load_calibration
from digits.inference.detections import SIGNS, STRIDE, UNIT
from digits.inference.finder import Finder, FinderConfig, load_finder
from digits.inference.interpreter import Floats, Interpreters
from digits.inference.network_input import standardised
from support.drawing import draw, on_paper
from support.stepwise import takes_long

PLAIN = Calibration(
    candidate_threshold=0.3,
    overlap=0.5,
    sign_threshold=0.5,
    sign_bonus=0.0,
    finder=0.5,
    classifier=0.5,
    odds=(0.5, 0.5),
    of_class=(0.0,) * 10,
)


class Network(Interpreters):
    """Gives digits of 20 x 30 pixels, as it sees them, around the places that it is told, the likeliest first."""

    def __init__(self, *centres: tuple[int, int], signs: dict[str, tuple[int, int]] | None = None) -> None:
        super().__init__(b"")
        self.centres, self.signs = centres, signs or {}
        self.shapes: list[tuple[int, ...]] = []

    def run(self, picture: Floats) -> Floats:
        self.shapes.append(picture.shape)
        rows, columns, _ = picture.shape
        given = np.full((rows // STRIDE, columns // STRIDE, 20), -20.0, np.float32)
        for place, (x, y) in enumerate(self.centres):
            given[y // STRIDE, x // STRIDE, 0] = 5 - place
            given[y // STRIDE, x // STRIDE, 1 + 7] = 9
            given[y // STRIDE, x // STRIDE, 11:15] = np.log(np.array([10, 15, 10, 15]) / UNIT)
        for sign, (x, y) in self.signs.items():
            given[y // STRIDE, x // STRIDE, 15 + SIGNS.index(sign)] = 3
        return given


CONFIG = FinderConfig()


def finder(network: Network, calibration: Calibration = PLAIN, config: FinderConfig = CONFIG) -> Finder:
    made = Finder(module.FINDER.read_bytes(), calibration, config)
    made._networks = network
    return made


def grey(height: int, width: int) -> Grey:
    return np.full((height, width), 200, np.uint8)


def test_what_the_network_gives_becomes_boxes_of_the_picture() -> None:
    network = Network((50, 50))
    sight = finder(network).look(grey(960, 960), Box(0, 0, 960, 960), CONFIG.glance)
    scale = sight.scale
    assert network.shapes == [(96, 96, 1)]
    (candidate,) = sight.digits
    assert candidate.box.centre_x == pytest.approx((50 - 48) / scale + 480, abs=1 / scale)
    assert (candidate.box.width, candidate.box.height) == pytest.approx((20 / scale, 30 / scale), abs=2)
    assert np.argmax(candidate.probabilities) == 7
    assert sum(candidate.probabilities) == pytest.approx(1)
    assert candidate.is_digit == pytest.approx(0.993, abs=0.001)


def test_a_part_of_a_picture_is_looked_at_where_it_is() -> None:
    sight = finder(Network((48, 48))).look(grey(400, 400), Box(200, 100, 96, 96), CONFIG.glance)
    (found,), scale = sight.digits, sight.scale
    assert found.box.centre_x == pytest.approx(200 + 48 + 2 / scale, abs=1)
    assert found.box.centre_y == pytest.approx(100 + 48 + 2 / scale, abs=1)


def test_of_two_that_share_most_of_their_area_the_likelier_stays() -> None:
    apart = finder(Network((30, 50), (62, 50))).look(grey(96, 96), Box(0, 0, 96, 96), CONFIG.glance)
    same = finder(Network((50, 50), (50, 58))).look(grey(96, 96), Box(0, 0, 96, 96), CONFIG.glance)
    assert len(apart.digits) == 2
    assert [round(each.is_digit, 3) for each in same.digits] == [0.993]


def test_of_doubtful_ones_no_more_are_taken_than_a_long_number_has() -> None:
    everywhere = [(x, y) for y in range(20, 180, 32) for x in range(12, 180, 24)]
    doubtful = replace(PLAIN, candidate_threshold=1e-12)
    sight = finder(Network(*everywhere), doubtful).look(grey(192, 192), Box(0, 0, 192, 192), CONFIG.shapes)
    assert [each.is_digit >= 0.5 for each in sight.digits] == [True] * 6 + [False] * CONFIG.most_doubtful


def test_a_sign_is_one_of_them_alone() -> None:
    network = Network((50, 50), signs={",": (70, 62), ".": (70, 62)})
    (sign,) = finder(network).look(grey(96, 96), Box(0, 0, 96, 96), CONFIG.glance).signs
    assert sign.character in ",."


@pytest.mark.parametrize(("surer", "is_digit"), [(2, True), (3, False)], ids=["digit", "stroke"])
def test_of_a_digit_and_a_stroke_at_one_place_the_likelier_is_seen(surer: int, is_digit: bool) -> None:
    """Each digit is less sure than the one before; the stroke is as sure as the third."""
    centres = [(x, 50) for x in range(24, 180, 40)]
    network = Network(*centres, signs={"/": centres[surer]})
    sight = finder(network).look(grey(192, 192), Box(0, 0, 192, 192), CONFIG.shapes)
    assert (len(sight.digits), len(sight.signs)) == ((4, 0) if is_digit else (3, 1))


@pytest.mark.parametrize(("bonus", "is_digit"), [(0.0, True), (60.0, False)])
def test_a_sign_may_be_preferred_to_a_digit_that_is_likelier(bonus: float, is_digit: bool) -> None:
    network = Network((24, 50), (64, 50), signs={"/": (24, 50)})
    sight = finder(network, replace(PLAIN, sign_bonus=bonus)).look(grey(192, 192), Box(0, 0, 192, 192), CONFIG.shapes)
    assert (len(sight.digits), len(sight.signs)) == ((2, 0) if is_digit else (1, 1))


def test_of_signs_within_half_a_digit_the_likeliest_is_told() -> None:
    near = Network((50, 50), signs={":": (74, 50), ".": (74, 62)})
    apart = Network((50, 50), signs={":": (74, 50), ".": (74, 82)})
    for network, told in ((near, 1), (apart, 2)):
        assert len(finder(network).look(grey(96, 96), Box(0, 0, 96, 96), CONFIG.glance).signs) == told


def test_signs_are_told_beside_digits_alone() -> None:
    at = {",": (70, 62), "-": (30, 50)}
    sight = finder(Network((50, 50), signs=at)).find(grey(960, 960))
    assert [sign.character for sign in sight.signs] == ["-", ","]
    dash, comma = sight.signs
    assert (dash.x, dash.y) == pytest.approx(((30 - 96) / sight.scale + 480, (50 - 96) / sight.scale + 480), abs=25)
    assert comma.x > dash.x
    assert comma.y > dash.y
    assert finder(Network(signs=at)).find(grey(960, 960)).signs == ()


def test_the_shape_follows_the_picture() -> None:
    network = Network((16, 16))
    for height, width in ((100, 100), (100, 200), (200, 100), (50, 450)):
        finder(network).look(grey(height, width), Box(0, 0, width, height), CONFIG.glance)
    assert network.shapes == [(96, 96, 1), (64, 128, 1), (128, 64, 1), (32, 288, 1)]


@pytest.mark.parametrize(
    ("centres", "legible", "shapes"),
    [
        ([(50, 50)], 24, [(192, 192, 1)]),
        ([(16, 20), (80, 76)], 40, [(192, 192, 1), (384, 384, 1)]),
        ([], 24, [(192, 192, 1), (384, 384, 1), (96, 96, 1)]),
    ],
    ids=["large digits", "a page full of small ones", "nothing there"],
)
def test_a_picture_is_searched_if_one_look_sees_only_small_digits_or_none(
    centres: list[tuple[int, int]], legible: int, shapes: list[tuple[int, ...]]
) -> None:
    network = Network(*centres)
    found = finder(network, config=replace(CONFIG, legible=legible)).find(grey(960, 960)).digits
    assert network.shapes == shapes
    assert len(found) == len(centres)


@pytest.mark.parametrize("page", [grey(960, 960), on_paper(np.zeros((960, 960), np.uint8))])
def test_finding_stops_before_the_picture_is_searched(page: Grey) -> None:
    network = Network()
    assert takes_long(finder(network).finding(page))
    assert network.shapes == [(192, 192, 1)]


def test_what_lies_beyond_the_part_that_is_looked_at_closer_still_counts() -> None:
    page = np.full((800, 800), 255, np.uint8)
    bold, faint = draw("4253", size=60, pen=7, margin=0), draw("7", size=60, pen=7, margin=0) // 4
    page[20 : 20 + bold.shape[0], 20 : 20 + bold.shape[1]] -= bold
    page[700 : 700 + faint.shape[0], 700 : 700 + faint.shape[1]] -= faint
    found = load_finder(replace(load_calibration(), candidate_threshold=0.001)).find(page).digits
    assert any(each.box.x > 600 and each.box.y > 600 for each in found)


def test_a_picture_of_few_pixels_is_not_searched() -> None:
    network = Network()
    finder(network).find(grey(150, 150))
    assert network.shapes == [(192, 192, 1), (96, 96, 1)]


def test_every_shape_is_made_of_whole_coarsest_places() -> None:
    assert all(side % 32 == 0 for shape in (*CONFIG.glance, *CONFIG.shapes, *CONFIG.search) for side in shape)


def test_small_digits_of_a_large_picture_are_found_by_the_finder_that_ships() -> None:
    page = np.full((800, 800), 255, np.uint8)
    small = on_paper(draw("407", size=40, pen=4, margin=10, gap=15))
    page[500 : 500 + small.shape[0], 400 : 400 + small.shape[1]] = small
    found = sorted(load_finder(load_calibration()).find(page).digits, key=lambda each: each.box.x)
    likely = [each for each in found if each.is_digit > 0.5]
    assert len(likely) == 3
    for place, each in enumerate(likely):
        assert each.box.x == pytest.approx(410 + place * 55 + 5, abs=10)
        assert each.box.y == pytest.approx(510, abs=6)


def test_an_empty_picture_is_no_strong_noise() -> None:
    flat = np.full((1, 32, 32), 100, np.uint8)
    flat[0, 0, 0] = 101
    assert np.abs(standardised(flat)).max() < 0.6
    assert standardised(np.random.default_rng(0).integers(0, 255, (2, 32, 32)).astype(np.uint8)).std() == pytest.approx(
        1
    )


def test_of_a_network_only_so_many_interpreters_are_kept_those_used_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("digits.inference.interpreter.MOST_IDLE_PIXELS", 2 * 64 * 64)
    networks = Interpreters(module.FINDER.read_bytes())
    first, second, third = (64, 64, 1), (32, 128, 1), (128, 32, 1)
    for shape in (first, second, first, third):
        assert networks.run(np.zeros(shape, np.float32)).shape == (shape[0] // STRIDE, shape[1] // STRIDE, 20)
    assert [shape for shape, _ in networks._idle] == [first, third]


def test_threads_share_the_interpreters_of_a_network_and_none_uses_that_of_another_meanwhile() -> None:
    networks = Interpreters(module.FINDER.read_bytes())
    noise = np.random.default_rng(0).random((8, 64, 64, 1), np.float32)
    alone = [networks.run(picture) for picture in noise]
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(networks.run, [*noise] * 8))
    assert all(np.array_equal(one, other) for one, other in zip(together, alone * 8, strict=True))
    assert 1 <= len(networks._idle) <= 4
