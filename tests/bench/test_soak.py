"""Whether the server stays as it is."""

from pathlib import Path

import pytest

from bench.soak import Answers, Sample, plot, report, slopes_of

GROWING = [Sample(minute, 300 if minute < 10 else 280 + 2 * minute, 90, 40, 25) for minute in range(20)]


def test_slopes_are_those_of_the_second_half() -> None:
    assert slopes_of(GROWING) == pytest.approx([2, 0, 0, 0])


def test_answers_are_counted_and_their_slowest_hundredth_is_of_those_since_the_last_time() -> None:
    answers = Answers()
    for seconds in (0.1, 0.1, 0.1):
        answers.add("201", seconds)
    assert answers.take_p99_ms() == pytest.approx(100)
    answers.add("415", 0.002)
    assert answers.take_p99_ms() == pytest.approx(2)
    assert answers.take_p99_ms() == 0
    assert answers.count == {"201": 3, "415": 1}


def test_the_report_has_a_row_for_each_tenth_and_the_slopes() -> None:
    answers = Answers()
    answers.add("201", 1)
    answers.take_p99_ms()
    lines = report(GROWING, answers)
    assert len(lines) == 1 + 10 + 1 + 2
    assert lines[-2] == "Slopes in the second half, each minute: MB +2.00, handles +0.00, threads +0.00, 99% ms +0.00."
    assert lines[-1] == "Answers: 1 x 201."


def test_the_samples_are_drawn(tmp_path: Path) -> None:
    plot(GROWING, tmp_path / "soak.svg")
    assert (tmp_path / "soak.svg").read_text().startswith("<?xml")
