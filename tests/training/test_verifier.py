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
from digits.training.finder.cuttings import cuttings
from digits.training.scenes.figures import FIGURES, Stroke, drawn
from digits.training.scenes.writing import Writers
from digits.training.verifier import examples, negatives
from digits.training.verifier import train as verifier
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
    right, wrong = cuttings(writers, (30, [1]))
    assert right.grids.shape[1:] == wrong.shape[1:] == (SIDE, SIDE)
    assert len(right.grids) == len(right.digits) > 20
    assert len(wrong) > 5
    assert right.grids.max(axis=(1, 2)).min() > 60
    read = [prediction.digit for prediction in recogniser.predict(list(right.grids))]
    assert np.mean(read == right.digits) > 0.5
    again, _ = cuttings(writers, (30, [1]))
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


def stop(*_: object) -> bytes:
    raise KeyboardInterrupt


def test_a_command_that_is_stopped_leaves_the_verifier(
    tmp_path: Path, mnist_like: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "verifier.tflite"
    out.write_bytes(b"the one that serves")
    monkeypatch.setattr(verifier, "divided", lambda data, _: (data, data))
    monkeypatch.setattr(verifier, "train", stop)
    with pytest.raises(SystemExit, match="the verifier is as it was"):
        verifier.main(["--data", str(mnist_like), "--out", str(out)])
    assert out.read_bytes() == b"the one that serves"


def test_the_verifier_that_serves_is_not_replaced_by_one_of_other_data(
    tmp_path: Path, mnist_like: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    serving = VERIFIER.read_bytes()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MNIST_NPZ", str(mnist_like))
    monkeypatch.setattr(verifier, "divided", lambda data, _: (data, data))
    monkeypatch.setattr(verifier, "train", lambda *_: b"learnt")
    monkeypatch.setattr(verifier, "report", lambda *_: None)
    verifier.main([])
    assert capsys.readouterr().out.endswith("Written: verifier.tflite\n")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"verifier.tflite": b"learnt"}
    assert VERIFIER.read_bytes() == serving


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--data", "nowhere.npz"], "nowhere.npz does not exist"),
        (["--epochs", "0"], "2"),
        (["--out", "verifier.h5"], "2"),
    ],
)
def test_what_makes_no_sense_is_refused(options: list[str], sentence: str) -> None:
    with pytest.raises(SystemExit, match=sentence):
        verifier.main(options)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # Of Keras' own making.
def test_the_command_writes_a_verifier_that_serves(
    tmp_path: Path, mnist_like: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, few in {"NEGATIVES": 60, "SCENES": 60}.items():
        monkeypatch.setattr(examples, name, few)
    monkeypatch.setattr(verifier, "TO_JUDGE", 2)
    out = tmp_path / "verifier.tflite"
    verifier.main(["--data", str(mnist_like), "--out", str(out), "--epochs", "1"])
    said = capsys.readouterr().out
    assert "1,100 digits to learn from, 100 held out" in said
    assert "Making 60 things" in said
    assert "Making 30 things" in said
    assert "AUROC" in said
    assert said.endswith(f"Written: {out}\n")
    assert [path.name for path in tmp_path.iterdir()] == ["verifier.tflite"]
    interpreter = Interpreter(out.read_bytes())
    for picture in to_input(grids_of("0123456789")):
        is_digit = interpreter.run(picture)
        assert is_digit.shape == (1,)
        assert 0 <= is_digit[0] <= 1


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
