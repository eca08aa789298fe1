"""The command that trains what finds digits."""

from pathlib import Path

import numpy as np
import pytest

from digits.box import Box
from digits.grids import to_input
from digits.inference.detections import Candidate, Sight, Sign
from digits.inference.finder import Finder, FinderConfig
from digits.inference.interpreter import Interpreter
from digits.inference.segmenter import Segmenter
from digits.training.command import main
from digits.training.data.datasets import DataSet, read_npz
from digits.training.finder import calibration, scenes
from digits.training.finder import command as finding
from digits.training.scenes.pen import Layer
from digits.training.scenes.scene import Digit, Scene
from digits.training.scenes.writing import Writers
from support.drawing import draw, on_paper


def test_a_finder_of_other_data_than_mnist_is_refused(mnist_like: Path) -> None:
    with pytest.raises(SystemExit, match="is not MNIST"):
        main(["--finder", "--data", str(mnist_like)])


@pytest.mark.parametrize("options", [["--scenes", "0"], ["nothing"]])
def test_what_makes_no_sense_is_refused(options: list[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--finder", *options])


def test_a_file_that_is_not_there_is_named(tmp_path: Path, mnist_like: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "MNIST", "mnist.npz")
    with pytest.raises(SystemExit, match="nowhere"):
        main(["--finder", "--data", str(mnist_like), "--hands", str(tmp_path / "nowhere.npz")])


@pytest.fixture
def apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that everything is written to."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HANDS_NPZ", raising=False)
    for name in ("FINDER", "SEGMENTER", "VERIFIER"):
        monkeypatch.setattr(finding, name, tmp_path / f"{name.lower()}.tflite")
    monkeypatch.setattr(finding, "MNIST", "mnist.npz")
    return tmp_path


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # Of Keras' own making.
@pytest.mark.usefixtures("eagerly")
def test_what_finds_and_judges_digits_is_trained_and_takes_its_place(
    apart: Path, mnist_like: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(scenes, "SHAPES", (((96, 96), 0.5), ((64, 128), 0.5)))  # As few steps as can be.
    options = ["--data", str(mnist_like), "--scenes", "40", "--epochs", "1"]
    main(["--finder", "finder", "segmenter", "verifier", *options])
    said = capsys.readouterr().out
    assert "letters and words will be missing" in said
    assert said.count("Written: ") == 3
    assert {path.name for path in apart.iterdir()} == {"finder.tflite", "segmenter.tflite", "verifier.tflite"}
    grey = on_paper(draw("7"))
    Finder((apart / "finder.tflite").read_bytes(), calibration.PLAIN).look(
        grey, Box(0, 0, *grey.shape), FinderConfig().glance
    )
    ((_, ink),) = Segmenter((apart / "segmenter.tflite").read_bytes()).cut(grey, [Box(60, 60, 150, 160)])
    assert ink.dtype == np.uint8
    verifier = Interpreter((apart / "verifier.tflite").read_bytes())
    for grid in read_npz(mnist_like).test.grids[:10]:
        (is_digit,) = verifier.run(to_input(grid[np.newaxis])[0])
        assert 0 <= is_digit <= 1


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_an_exported_network_gives_what_it_gave_at_any_size(tmp_path: Path) -> None:
    from keras import ops

    from digits.training.export import for_any_size
    from digits.training.networks import finder

    network = finder()
    flatbuffer = for_any_size(network)
    assert len(flatbuffer) < 1_000_000
    for shape in ((96, 96, 1), (64, 128, 1), (192, 192, 1)):
        picture = np.random.default_rng(0).normal(0, 1, shape).astype(np.float32)
        expected = ops.convert_to_numpy(network(picture[np.newaxis], training=False))[0]
        assert np.abs(Interpreter(flatbuffer, shape).run(picture) - expected).max() < 0.05


@pytest.fixture
def writers(mnist_like: Path) -> Writers:
    return Writers(read_npz(mnist_like).train, None)


@pytest.mark.parametrize(("wrong", "sureness", "sign"), [(0, 0.3, 0.1), (3, 0.3, 0.35), (3, 0.9, 0.8)])
def test_signs_are_told_from_where_most_are_right(
    monkeypatch: pytest.MonkeyPatch, writers: Writers, wrong: int, sureness: float, sign: float
) -> None:
    scene = Scene(np.zeros((100, 1000), np.uint8), [], [("-", (65, 20, 75, 30))])
    digit, far_off = Candidate(Box(40, 10, 20, 30), 0.9, (0.1,) * 10), Sign(".", 900, 50, 0.99)
    told = [Sign("-", 70, 25, 0.5)] * 20 + [Sign("/", 70, 25, sureness)] * wrong
    monkeypatch.setattr(calibration, "sights", lambda *_: [(scene, Sight([digit], [each, far_off])) for each in told])
    assert calibration.best_sign(writers, 0, [0]) == sign


def test_signs_are_preferred_as_much_as_tells_most_of_them_from_digits(
    monkeypatch: pytest.MonkeyPatch, writers: Writers
) -> None:
    def told(is_sign: bool, likelier: float) -> tuple[Scene, Sight]:
        """A digit whose log-odds are so much higher than those of a sign in its place, of which one is there."""
        edges = (40.0, 10.0, 60.0, 40.0)
        digits = [] if is_sign else [Digit(1, edges, Layer(0, 0, np.zeros((1, 1), np.uint8)))]
        scene = Scene(np.zeros((100, 100), np.uint8), digits, [("/", edges)] if is_sign else [])
        digit = Candidate(Box(40, 10, 20, 30), 1 / (1 + np.exp(-likelier)), (0.1,) * 10)
        return scene, Sight([digit], [Sign("/", 50, 25, 0.5)])

    seen = [told(True, 0.3)] * 5 + [told(False, 0.7)] * 5 + [told(True, 1.5)]
    monkeypatch.setattr(calibration, "load_finder", lambda _: None)
    monkeypatch.setattr(calibration, "sights", lambda *_: seen)
    assert 0.3 < calibration.best_sign_bonus(writers, 0, [0]) <= 0.7
    monkeypatch.setattr(calibration, "sights", lambda *_: [])
    assert calibration.best_sign_bonus(writers, 0, [0]) == 0


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.mnist
def test_the_calibration_is_found_with_the_models_that_ship(
    apart: Path, mnist: DataSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calibration, "OVERLAPS", (0.5, 0.7))
    learnt = Writers(mnist.train, None)
    from digits.inference.model_file import load_compiled
    from digits.inference.recogniser import LiteRTRecogniser
    from support import ROOT

    recogniser = LiteRTRecogniser(load_compiled(ROOT / "mnist-neural.h5"))
    found = calibration.calibrated(recogniser, learnt, scenes=60, seed=0)
    assert 0 < found.candidate_threshold < 1
    assert found.overlap in (0.5, 0.7)
    assert found.sign_threshold in calibration.SIGNS
    assert found.odds[1] > 0
