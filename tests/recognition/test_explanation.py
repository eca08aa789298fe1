from collections.abc import Callable, Sequence
from io import BytesIO

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import ExifTags, Image

from digits.box import Box
from digits.grids import Grey, Grid, to_grid
from digits.inference.recogniser import Prediction
from digits.recognition.explanation import FRAME, GAP, PATCH, explain, heat_of
from digits.uploads.service import recognise_upload
from support.drawing import Array, draw, encode, on_paper, photograph, png
from tests.fakes import TemplateRecogniser

EIGHT = to_grid(draw("8", margin=10))
MAX_PIXELS = 25_000_000


class Sevens(TemplateRecogniser):
    """Sees a 7 in everything, the odds against a 1 being ten to the power that a function makes of the grid."""

    model = "sevens@00000000"
    threshold = 0.5

    def __init__(self, power: Callable[[Grid], float]) -> None:
        self._power = power

    def predict(self, grids: Sequence[Grid], candidates: object = ()) -> list[Prediction]:
        return [self._seven(10 ** self._power(grid)) for grid in grids]

    def _seven(self, odds: float) -> Prediction:
        probability = odds / (1 + odds)
        return Prediction(1.0, (0, 1 - probability, 0, 0, 0, 0, 0, probability, 0, 0))


def seen_of(rows: slice, seen: Grid) -> float:
    """The share of the 8's ink in some rows that is not hidden."""
    return float(seen[rows].sum() / EIGHT[rows].sum())


def on_its_side(picture: Array) -> bytes:
    """A photo as a camera held upright takes it: to be turned by a quarter."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    return encode(picture, "JPEG", exif=exif.tobytes())


def test_heat_lies_on_the_ink_and_nowhere_else(recogniser: TemplateRecogniser) -> None:
    heat = heat_of(EIGHT, 8, recogniser)
    assert heat.shape == EIGHT.shape
    assert heat.min() == 0
    assert heat.max() > 0
    assert not heat[EIGHT == 0].any()


def test_heat_is_the_powers_of_ten_that_the_odds_lose() -> None:
    recogniser = Sevens(lambda seen: 3 if np.array_equal(seen, EIGHT) else 1)
    assert heat_of(EIGHT, 7, recogniser) == pytest.approx(2 * (EIGHT / 255), abs=1e-6)


def test_what_decides_is_hot_and_what_both_shapes_share_is_cold() -> None:
    heat = heat_of(EIGHT, 7, Sevens(lambda seen: 3 * seen_of(np.s_[:14], seen)))
    assert heat[:14][EIGHT[:14] > 0].min() > 0
    # A patch over the last row that decides reaches four rows further.
    assert not heat[18:].any()


def test_ink_that_spoke_against_the_answer_is_cold() -> None:
    assert not heat_of(EIGHT, 7, Sevens(lambda seen: 3 - seen_of(np.s_[:], seen))).any()


def test_what_spoke_for_another_digit_is_cold() -> None:
    assert not heat_of(EIGHT, 1, Sevens(lambda seen: 3 * seen_of(np.s_[:], seen))).any()


def test_a_patch_over_blank_paper_is_not_tried() -> None:
    tried: list[Grid] = []

    def power(seen: Grid) -> float:
        tried.append(seen)
        return 1

    heat_of(EIGHT, 7, Sevens(power))
    whole, *hidden = tried
    assert np.array_equal(whole, EIGHT)
    differences = [(seen != EIGHT).astype(np.uint8) for seen in hidden]
    assert all(0 < max(cv2.boundingRect(each)[2:]) <= PATCH for each in differences)
    assert np.array_equal(np.any(differences, axis=0), EIGHT > 0)


@pytest.mark.parametrize(
    ("data", "size"),
    [
        (encode(EIGHT), (280, 280)),
        (png("7", size=60, margin=20), (300, 300)),
        (png("7", size=300, margin=50), (400, 400)),
        (encode(photograph(draw("275"))), (660, 280)),
        (encode(on_paper(draw("7", size=900, pen=60, margin=150))), (600, 600)),
        (on_its_side(on_paper(draw("7", margin=70)[:, 20:])), (300, 280)),
    ],
    ids=["grid", "small", "canvas", "photograph", "large", "on its side"],
)
def test_the_picture_is_upright_and_of_a_size_to_look_at(
    recogniser: TemplateRecogniser, data: bytes, size: tuple[int, int]
) -> None:
    assert Image.open(BytesIO(explain(data, recogniser, MAX_PIXELS))).size == size


@pytest.mark.parametrize("data", [png("42"), encode(draw("42")), encode(photograph(draw("42")))])
def test_every_digit_has_its_colours_within_its_box(recogniser: TemplateRecogniser, data: bytes) -> None:
    shown = np.asarray(Image.open(BytesIO(explain(data, recogniser, MAX_PIXELS)))).astype(int)
    orange = shown[..., 0] - shown[..., 2] > 30
    for digit in recognise_upload(data, recogniser, MAX_PIXELS).record.digits:
        window = np.s_[digit.box.y : digit.box.bottom, digit.box.x : digit.box.right]
        assert orange[window].any()
        orange[window] = False
    assert not orange.any()


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_of_a_picture_on_its_side_or_head_the_ink_is_coloured(turns: int) -> None:
    class Turning(TemplateRecogniser):
        def turns(self, grey: Grey) -> int:
            return 4 - turns

    picture = np.ascontiguousarray(np.rot90(on_paper(draw("4253", size=100, pen=10)), turns))
    shown = np.asarray(Image.open(BytesIO(explain(encode(picture), Turning(), MAX_PIXELS)))).astype(int)
    orange = shown[..., 0] - shown[..., 2] > 30
    assert orange[picture < 128].sum() > 0.8 * orange.sum() > 0


def explained(picture: Array, recogniser: TemplateRecogniser) -> npt.NDArray[np.int64]:
    """Red, green and blue of an explanation."""
    return np.asarray(Image.open(BytesIO(explain(encode(picture), recogniser, MAX_PIXELS)))).astype(np.int64)


@pytest.mark.parametrize(("fall", "colour"), [(0, (255, 255, 255)), (1, (255, 162, 127)), (5, (255, 70, 0))])
def test_ink_is_as_orange_as_the_odds_fall(fall: int, colour: tuple[int, int, int]) -> None:
    grid = np.where(to_grid(draw("8", pen=30, margin=20)) > 127, np.uint8(255), np.uint8(0))
    shown = explained(grid, Sevens(lambda seen: 3 if np.array_equal(seen, grid) else 3 - fall))
    box = Box(*cv2.boundingRect(grid)).scaled(10, 10)
    within = cv2.erode(np.kron(grid, np.ones((10, 10), np.uint8)), np.ones((21, 21)))[box.window] > 0
    assert within.any()
    assert (shown[box.window][within] == colour).all()


def test_a_small_picture_is_enlarged_without_a_blur() -> None:
    shown = explained(EIGHT, Sevens(lambda _: 3))
    window = Box(*cv2.boundingRect(EIGHT)).scaled(10, 10).window
    assert np.array_equal(shown[window][..., 0], np.kron(EIGHT, np.ones((10, 10), np.uint8))[window])


def is_frame(shown: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    return (shown == FRAME[::-1]).all(axis=-1)


def test_each_digit_is_framed_and_a_small_one_without_its_letter(recogniser: TemplateRecogniser) -> None:
    picture = on_paper(draw("42", size=36, pen=4, margin=140))
    shown = explained(picture, recogniser)
    expected = np.zeros(picture.shape, bool)
    for digit in recognise_upload(encode(picture), recogniser, MAX_PIXELS).record.digits:
        box = digit.box
        expected[box.y - GAP : box.bottom + GAP, box.x - GAP : box.right + GAP] = True
        expected[box.y - GAP + 1 : box.bottom + GAP - 1, box.x - GAP + 1 : box.right + GAP - 1] = False
    assert np.array_equal(is_frame(shown), expected)


def test_a_digit_stands_in_white_above_the_left_of_its_frame(recogniser: TemplateRecogniser) -> None:
    picture = on_paper(draw("7", size=200, margin=80), paper=200)
    shown = explained(picture, recogniser)
    box = recognise_upload(encode(picture), recogniser, MAX_PIXELS).record.digits[0].box
    label = Box(*cv2.boundingRect(is_frame(shown)[: box.y - GAP].astype(np.uint8)))
    assert (label.x, label.bottom) == (box.x - GAP, box.y - GAP)
    assert label.right < box.right
    white = Box(*cv2.boundingRect((shown.min(axis=-1) > 230).astype(np.uint8)))
    assert label.x < white.x < white.right < label.right
    assert label.y < white.y < white.bottom < label.bottom


def test_at_the_edge_of_the_picture_it_stands_within_its_frame(recogniser: TemplateRecogniser) -> None:
    picture = on_paper(draw("4", size=280, margin=40))
    x, y, _, _ = cv2.boundingRect(255 - picture)
    corner = is_frame(explained(np.ascontiguousarray(picture[y:, x:]), recogniser))
    assert corner[0, :8].all()
    assert corner[:8, 0].all()
