"""What the verifier learns from, the command that trains it, and the one that ships."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from digits.grids import SIDE, Grey, Grid, Grids, to_grid, to_input
from digits.inference.interpreter import Interpreter
from digits.inference.recogniser import VERIFIER
from digits.training.augmentation.photographs import Sheet
from digits.training.data.datasets import read_npz
from digits.training.finder.crops import crops
from digits.training.scenes.figures import FIGURES, Stroke, drawn
from digits.training.scenes.writing import Writers
from digits.training.verifier import examples, negatives, report
from digits.training.verifier.negatives import FAMILIES, negative, part
from support.drawing import draw
from tests.fakes import TemplateRecogniser

Family = Callable[[Grids, np.random.Generator], Sheet]
FAMILY = pytest.mark.parametrize("make", [make for make, _ in FAMILIES], ids=lambda make: make.__name__)


def grid_of(ink: Grey) -> Grid:
    x, y, width, height = cv2.boundingRect(ink)
    return to_grid(ink[y : y + height, x : x + width])


def grids_of(digits: str) -> Grids:
    return np.stack([grid_of(draw(digit)) for digit in digits])


def written(character: str) -> Grid:
    canvas = np.zeros((300, 300), np.uint8)
    cv2.putText(canvas, character, (60, 220), cv2.FONT_HERSHEY_SIMPLEX, 5, 255, 12, cv2.LINE_AA)
    return grid_of(canvas)


@FAMILY
def test_what_is_no_digit_always_has_ink(make: Family, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(negatives, "FAMILIES", ((make, 1.0),))
    for seed in range(12):
        sheet = negative(grids_of("385"), np.random.default_rng(seed))
        assert min(sheet.shape) > 2
        assert sheet.min() >= 0
        assert 0.5 < sheet.max() <= 1
        assert to_grid((sheet * 255).astype(np.uint8)).max() > 100


@FAMILY
def test_a_seed_makes_the_same_again(make: Family) -> None:
    one, same = (make(grids_of("385"), np.random.default_rng(4)) for _ in range(2))
    assert np.array_equal(one, same)


def test_all_families_have_their_share() -> None:
    assert sum(share for _, share in FAMILIES) == pytest.approx(1)


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.__name__)
def test_figures_lie_in_their_square_and_are_drawn(figure: Callable[[np.random.Generator], list[Stroke]]) -> None:
    for seed in range(5):
        rng = np.random.default_rng(seed)
        strokes = figure(rng)
        assert all(stroke.ndim == 2 and np.abs(stroke).max() <= 1.3 for stroke in strokes)
        assert drawn([(stroke + 1) * 40 for stroke in strokes], rng).max() > 0.5


def test_a_part_of_a_1_is_not_called_no_digit() -> None:
    slanted = cv2.line(np.zeros((SIDE, SIDE), np.uint8), (18, 4), (10, 24), 255, 3)
    for one in (slanted, *grids_of("1")):
        assert not any(part(one[np.newaxis], np.random.default_rng(seed)).size for seed in range(20))


def test_half_of_an_8_is() -> None:
    parts = [part(grids_of("8"), np.random.default_rng(seed)) for seed in range(10)]
    assert sum(sheet.size > 0 for sheet in parts) > 5


def test_of_scenes_digits_are_right_and_what_is_framed_wrongly_is_not(
    mnist_like: Path, recogniser: TemplateRecogniser
) -> None:
    writers = Writers(read_npz(mnist_like).train, None)
    right, wrong = crops(writers, (30, [1]))
    assert right.grids.shape[1:] == wrong.shape[1:] == (SIDE, SIDE)
    assert len(right.grids) == len(right.digits) > 20
    assert len(wrong) > 5
    assert right.grids.max(axis=(1, 2)).min() > 60
    read = [prediction.digit for prediction in recogniser.predict(list(right.grids))]
    assert np.mean(read == right.digits) > 0.5
    again, _ = crops(writers, (30, [1]))
    assert np.array_equal(right.grids, again.grids)


@pytest.fixture(scope="module")
def shipped_verifier() -> Callable[[Grid], float]:
    interpreter = Interpreter(VERIFIER.read_bytes())
    return lambda grid: float(interpreter.run(to_input(grid[np.newaxis])[0])[0])


@pytest.mark.parametrize("digit", "0123456789")
def test_the_verifier_that_ships_knows_a_drawn_digit(shipped_verifier: Callable[[Grid], float], digit: str) -> None:
    assert min(shipped_verifier(grid_of(draw(digit, pen=pen))) for pen in (8, 12, 20)) > 0.5


@pytest.mark.parametrize(
    "grid",
    [written(character) for character in "AEHKMRTWXek+#%*=?"]
    + [
        grid_of(np.full((9, 9), 255, np.uint8)),
        grid_of(cv2.circle(np.zeros((99, 99), np.uint8), (49, 49), 40, 255, -1)),
    ]
    + [grid_of(draw(pair, gap=-20)) for pair in ("42", "17", "80")]
    + [np.random.default_rng(0).integers(0, 256, (SIDE, SIDE)).astype(np.uint8)],
    ids=[*"AEHKMRTWXek+#%*=?", "square", "disc", "42", "17", "80", "noise"],
)
def test_the_verifier_that_ships_refuses_what_is_no_digit(
    shipped_verifier: Callable[[Grid], float], grid: Grid
) -> None:
    assert shipped_verifier(grid) < 0.5


def test_the_report_tells_what_is_refused_and_what_is_accepted(mnist_like: Path) -> None:
    writers = Writers(read_npz(mnist_like).test, None)
    judgement = report.judged(VERIFIER.read_bytes(), writers, scenes=8, seed=3)
    told = report.figures(judgement)
    assert told["digits"]["MNIST"]["count"] == len(writers.mnist.digits)
    assert told["digits"]["MNIST"]["auroc"] > 0.95
    assert told["digits"]["MNIST"]["refused"] < 0.1
    assert told["others"]["made"]["count"] == 8 * examples.NEGATIVES_PER_SCENE
    assert told["others"]["made"]["accepted"] < 0.2


def test_the_sheet_has_digits_that_are_refused_and_other_things_that_are_accepted_the_worst_first() -> None:
    grids = np.arange(1, 6, dtype=np.uint8)[:, np.newaxis, np.newaxis] * np.ones((SIDE, SIDE), np.uint8)
    said = np.array([0.9, 0.4, 0.1, 0.6, 0.2])
    sheet = report.mistakes(
        report.Judgement({"digits": report.Judged(grids, said)}, {"others": report.Judged(grids, said)})
    )
    above, below = sheet[0, ::SIDE], sheet[-1, ::SIDE]
    assert above[above > 0].tolist() == [3, 5, 2]
    assert below[below > 0].tolist() == [1, 4]


def test_without_mistakes_the_sheet_is_a_line() -> None:
    right = report.Judged(np.ones((2, SIDE, SIDE), np.uint8), np.array([0.9, 0.8]))
    wrong = report.Judged(np.ones((2, SIDE, SIDE), np.uint8), np.array([0.1, 0.2]))
    assert (report.mistakes(report.Judgement({"digits": right}, {"others": wrong})) == 255).all()


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_examples_are_as_many_as_asked_for_and_the_same_for_a_seed(
    mnist_like: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(examples, "_AT_ONCE", 20)
    data = read_npz(mnist_like).train
    one, same = (examples.made_negatives(data, 50, seed=1) for _ in range(2))
    assert one.shape == (50, SIDE, SIDE)
    assert one.dtype == np.uint8
    assert np.array_equal(one, same)
