"""Scenes: pictures with writing in them, and where their digits are."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from digits.box import Box
from digits.errors import DataError
from digits.grids import Grey
from digits.inference.detections import SIGNS
from digits.training.data.datasets import read_npz
from digits.training.data.hands import Hands, read_hands
from digits.training.data.pen_data import Sample, write_hands
from digits.training.finder.crops import is_digit
from digits.training.finder.scenes import scenes_of
from digits.training.finder.segmenter_pairs import pairs
from digits.training.scenes import writing
from digits.training.scenes.layout import LAYOUTS, Layout, cells, drawing, number, several_lines, single, words
from digits.training.scenes.pen import Layer, Pen, drawn
from digits.training.scenes.scene import Digit, Scene, make_scene
from digits.training.scenes.writing import AMBIGUOUS, NO_DIGIT, Writers, held_out_writers, sign
from support.drawing import STROKES


def samples() -> list[Sample]:
    """Each digit, a letter, a letter like a digit and a word, by twelve writers."""
    written = []
    for writer in range(12):
        for digit, strokes in STROKES.items():
            points = tuple(np.array(stroke, float) for stroke in strokes)
            written.append(Sample(digit, "digit", f"writer-{writer}", points))
        cross = (np.array([(0.0, 0), (50, 90)]), np.array([(50.0, 0), (0, 90)]))
        written.append(Sample("X", "character", f"writer-{writer}", cross))
        written.append(Sample("l", "character", f"writer-{writer}", (np.array([(0.0, 0), (2, 90)]),)))
        written.append(
            Sample("xx", "word", f"writer-{writer}", (*cross, *(stroke + np.array([60.0, 0]) for stroke in cross)))
        )
    return written


@pytest.fixture(scope="module")
def hands(tmp_path_factory: pytest.TempPathFactory) -> Hands:
    path = tmp_path_factory.mktemp("data") / "hands.npz"
    write_hands(samples(), path)
    return read_hands(path)


@pytest.fixture(params=["with hands", "MNIST alone"])
def writers(request: pytest.FixtureRequest, mnist_like: Path, hands: Hands) -> Writers:
    return Writers(read_npz(mnist_like).train, hands if request.param == "with hands" else None)


def test_hands_give_back_the_strokes_of_each_sample(hands: Hands) -> None:
    eight = hands.of("digit")[8]
    (stroke,) = hands.strokes(eight)
    assert hands.labels[eight] == "8"
    assert len(stroke) == len(STROKES["8"][0])
    assert np.ptp(stroke[:, 1]) == pytest.approx(1000, abs=1)


def test_no_writer_is_in_both_parts(hands: Hands) -> None:
    learnt, held_out = hands.divided()
    of = [set(part.writers[part.chosen]) for part in (learnt, held_out)]
    assert all(of)
    assert not of[0] & of[1]
    assert len(learnt.chosen) + len(held_out.chosen) == len(hands.chosen)


@pytest.mark.parametrize("content", [None, b"no file of NumPy's"])
def test_hands_that_cannot_be_read_are_told_in_a_sentence(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "hands.npz"
    if content:
        path.write_bytes(content)
    with pytest.raises(DataError, match=r"hands\.npz (does not exist|is no file of pen trajectories)"):
        read_hands(path)


def test_without_hands_it_is_said_what_is_missing(mnist_like: Path, capsys: pytest.CaptureFixture[str]) -> None:
    held_out_writers(read_npz(mnist_like).train, None)
    assert "letters and words will be missing" in capsys.readouterr().out


@pytest.mark.parametrize("layout", [layout for layout, _ in LAYOUTS], ids=lambda layout: layout.__name__)
def test_a_scene_of_each_kind_has_digits_where_it_says(writers: Writers, layout: Layout) -> None:
    made = [make_scene((96, 160), writers, np.random.default_rng(seed), layout) for seed in range(8)]
    assert any(scene.digits for scene in made) == (layout not in (words, drawing))
    for scene in made:
        assert scene.picture.shape == (96, 160)
        assert scene.picture.dtype == np.uint8
        for digit in scene.digits:
            left, top, right, bottom = digit.box
            assert 0 <= left < right <= 160
            assert 0 <= top < bottom <= 96
            assert digit.label in {*range(10), AMBIGUOUS}


def test_a_seed_makes_the_same_scene_again(writers: Writers) -> None:
    def made(seed: int) -> Grey:
        return make_scene((64, 128), writers, np.random.default_rng(seed)).picture

    assert np.array_equal(made(3), made(3))
    assert not np.array_equal(made(3), made(4))


def test_shares_are_whole() -> None:
    assert sum(share for _, share in LAYOUTS) == pytest.approx(1)


@pytest.mark.parametrize(("layout", "least"), [(single, 1), (number, 2), (cells, 1), (several_lines, 2)])
def test_a_layout_has_so_many_digits(writers: Writers, layout: Layout, least: int) -> None:
    for seed in range(10):
        sheet = layout(writers, 8, np.random.default_rng(seed))
        assert sum(place.writing.label >= 0 for place in sheet.placed) >= least


def test_letters_are_no_digits_even_where_they_look_like_one(mnist_like: Path, hands: Hands) -> None:
    writers = Writers(read_npz(mnist_like).train, hands)
    sheets = [words(writers, 8, np.random.default_rng(seed)) for seed in range(20)]
    assert {len(sheet.placed) > 1 for sheet in sheets} == {False, True}
    assert {place.writing.label for sheet in sheets for place in sheet.placed} == {NO_DIGIT}


def test_what_the_finder_sees_of_a_scene_is_labelled_where_it_is(writers: Writers) -> None:
    seen = scenes_of(writers, ((64, 128), 12, [3]))
    assert seen.pictures.shape == (12, 64, 128)
    for digits in seen.digits:
        assert digits.shape[1:] == (5,)
        assert (digits[:, 1:3] < digits[:, 3:]).all()
        assert (digits[:, 1:] >= 0).all()
        assert (digits[:, 3:] <= (128, 64)).all()


def test_a_line_for_a_1_may_be_given_an_upstroke(
    mnist_like: Path, hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    def widths(styled: float) -> dict[int, set[float]]:
        monkeypatch.setattr(writing, "STYLED", styled)
        monkeypatch.setattr(writing, "OF_HANDS", 1)
        monkeypatch.setattr(writing, "MERE_LINES", 0)
        made = Writers(read_npz(mnist_like).train, hands).digits(200, np.random.default_rng(0))
        return {digit: {round(each.width, 3) for each in made if each.label == digit} for digit in range(10)}

    plain, styled = widths(0), widths(1)
    assert len(plain.pop(1)) == 1
    ones = styled.pop(1)
    assert len(ones) > 5
    assert max(ones) > 0.5
    assert plain == styled


def test_of_digits_beside_others_some_are_mere_lines_and_ones(writers: Writers) -> None:
    rng = np.random.default_rng(0)
    made = [each for _ in range(300) for each in writers.digits(2, rng)]
    lines = [each for each in made if len(each.strokes) == 1 and each.width < 0.5 and each.label == 1]
    assert len({each.width for each in lines}) > 10
    alone = [writers.digits(1, np.random.default_rng(seed))[0] for seed in range(300)]
    assert len({each.width for each in alone if each.label == 1 and each.strokes}) < 10


def test_letters_that_little_is_written_with_come_as_often(tmp_path: Path, mnist_like: Path) -> None:
    rare = [Sample("K", "character", "writer", (np.array([(0.0, 0), (50, 90)]),))]
    often = [Sample(each, "character", "writer", (np.array([(0.0, 0), (9, 90)]),)) for each in "Xl" for _ in range(99)]
    write_hands([*rare, *often], tmp_path / "hands.npz")
    writers = Writers(read_npz(mnist_like).train, read_hands(tmp_path / "hands.npz"))
    rng = np.random.default_rng(0)
    wide = sum(writers.character(rng).width > 0.3 for _ in range(400))
    assert 70 < wide < 130, "a quarter: of every other one K or X is chosen first, and l is like a 1"


def test_signs_between_digits_are_none() -> None:
    made = [sign(np.random.default_rng(seed)) for seed in range(40)]
    assert {each.label for each in made} == {NO_DIGIT}
    assert {each.sign for each in made} == set(SIGNS)
    assert sign(np.random.default_rng(0), "-").sign == "-"


def test_a_writing_is_drawn_where_its_projection_puts_it(writers: Writers) -> None:
    (writing,) = writers.digits(1, np.random.default_rng(0))
    matrix = np.array([[50.0, 0, 200], [0, 50, 100], [0, 0, 1]])
    layer = drawn(writing, matrix, Pen(0.1))
    x, y, width, height = cv2.boundingRect((layer.ink > 100).astype(np.uint8))
    assert (layer.x + x, layer.y + y) == pytest.approx((200, 100), abs=5)
    assert (width, height) == pytest.approx((50 * writing.width, 50), abs=8)


def test_pairs_show_the_digit_alone(mnist_like: Path, hands: Hands) -> None:
    seen, inks = pairs(Writers(read_npz(mnist_like).train, hands), (12, [2]))
    assert seen.shape == inks.shape
    assert seen.shape[1:] == (48, 48)
    assert (inks.max(axis=(1, 2)) > 100).mean() > 0.9


@pytest.mark.parametrize(
    ("box", "expected"), [(Box(10, 10, 20, 30), True), (Box(60, 10, 20, 30), False), (Box(14, 10, 20, 30), None)]
)
def test_a_box_is_a_digits_or_none_s_or_in_between(box: Box, expected: bool | None) -> None:
    digit = Digit(7, (10, 10, 30, 40), Layer(20, 20, np.zeros((60, 40), np.uint8)))
    found = is_digit(Scene(np.zeros((96, 96), np.uint8), [digit], []), box)
    assert (found is digit) == (expected is True)
    assert (found is False) == (expected is False)


def test_a_1_may_be_framed_a_pixel_or_two_too_broadly() -> None:
    one = Digit(1, (20, 10, 24, 50), Layer(40, 20, np.zeros((80, 8), np.uint8)))
    scene = Scene(np.zeros((96, 96), np.uint8), [one], [])
    assert is_digit(scene, Box(18, 9, 8, 42)) is one
    assert is_digit(scene, Box(38, 10, 4, 40)) is False
