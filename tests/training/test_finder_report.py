"""The report on what is found."""

import json
from pathlib import Path

import cv2
import numpy as np

from digits.box import Box
from digits.inference.detections import Candidate
from digits.training.data.datasets import read_npz
from digits.training.finder.report import Result, _matched, average_precision, figures, write_report
from digits.training.scenes.pen import Layer
from digits.training.scenes.scene import Digit, Scene
from digits.training.scenes.writing import Writers
from tests.fakes import TemplateRecogniser

EMPTY = Layer(0, 0, np.zeros((1, 1), np.uint8))


def result(found: list[tuple[float, int]], digits: list[int]) -> Result:
    """Digits of 20 x 20 pixels at these columns, and candidates with their probability and column."""
    scene = Scene(np.zeros((40, 200), np.uint8), [Digit(7, (x, 10, x + 20, 30), EMPTY) for x in digits], [])
    candidates = [Candidate(Box(x, 10, 20, 20), is_digit, (0.1,) * 10) for is_digit, x in found]
    return Result("number", scene, candidates, _matched(scene, candidates), "7" * len(digits), 0.9)


def test_all_found_and_nothing_else_is_an_average_precision_of_1() -> None:
    assert average_precision([result([(0.9, 10), (0.8, 50)], [10, 50])]) == 1


def test_what_is_missed_and_what_is_none_lower_it() -> None:
    assert average_precision([result([(0.9, 10)], [10, 50])]) == 0.5
    assert average_precision([result([(0.9, 100), (0.8, 10)], [10])]) < 0.8


def test_a_digit_is_found_once() -> None:
    twice = result([(0.9, 10), (0.8, 12)], [10])
    assert [digit is not None for digit in twice.of] == [True, False]


def test_figures_tell_what_is_missed_by_height_and_what_is_taken_for_a_digit() -> None:
    told = figures([result([(0.9, 10)], [10, 50]), result([(0.9, 10)], [])], threshold=0.5)
    assert told["digits_missed"] == 1
    assert told["recall_of_height"] == {"0 to 16": None, "16 to 32": 0.5, "32 to 64": None, "64 to 1000": None}
    assert told["taken_for_digits"] == told["scenes_without_digits"] == 1


def test_a_number_is_exact_if_all_its_digits_stand_in_their_order() -> None:
    scene = Scene(
        np.zeros((40, 200), np.uint8), [Digit(label, (x, 10, x + 20, 30), EMPTY) for label, x in ((2, 10), (1, 50))], []
    )
    read = {number: Result("number", scene, [], [], number, 0.9) for number in ("21", "12", "2", "2\n1")}
    assert [number for number, result in read.items() if result.is_exact] == ["21", "2\n1"]
    told = figures(list(read.values()), threshold=0.5)
    assert (told["numbers"], told["exact"], told["sure_and_wrong"]) == (4, 2, 2)


def test_the_report_has_figures_curves_and_mistakes(tmp_path: Path, mnist_like: Path) -> None:
    folder = tmp_path / "report"
    measured = write_report(folder, TemplateRecogniser(), Writers(read_npz(mnist_like).train, None), scenes=12, seed=0)
    assert measured.scenes == 12
    told = json.loads((folder / "metrics.json").read_text())
    assert (told["written_by"], told["hands"]) == (["MNIST"], 0)
    assert told["scenes"] == 12
    assert 0 < told["average_precision"] <= 1
    sheet = cv2.imread(str(folder / "mistakes.png"))
    assert sheet is not None
    assert sheet.shape[1] == 8 * 160
    assert (folder / "curves.png").stat().st_size > 1000
    assert set(told["verifier"]["digits"]) == {"MNIST", "cut out of scenes"}
    assert set(told["verifier"]["others"]) == {"made", "wrongly found in scenes"}
    assert cv2.imread(str(folder / "verifier-mistakes.png")) is not None


def test_a_report_of_no_mistakes_has_an_empty_sheet() -> None:
    from digits.training.finder.report import mistakes

    assert not mistakes([result([(0.9, 10)], [10])]).any()
