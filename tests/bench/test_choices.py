"""The comparison of chosen values with others."""

from dataclasses import replace
from pathlib import Path

import pytest

from bench import choices
from bench.choices import OTHERS, Choice, Outcome
from digits.training.data.datasets import read_npz
from digits.training.scenes.writing import Writers


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_tried_differs_from_what_serves(name: str) -> None:
    assert Choice().value(name) not in OTHERS[name]


@pytest.mark.parametrize("name", OTHERS)
def test_another_value_takes_the_place_of_one(name: str) -> None:
    other = Choice().with_value(name, OTHERS[name][0])
    assert other.value(name) == OTHERS[name][0]
    assert other.with_value(name, Choice().value(name)) == Choice()
    assert all(other.value(each) == Choice().value(each) for each in OTHERS if each != name)


def test_gained_and_lost_are_counted_scene_by_scene(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Outcome(has_digits=True, is_exact=True, is_sure=True, ms=2.0)
    wrong, nothing = replace(right, is_exact=False), replace(right, has_digits=False)
    read = {Choice(): [right, wrong, wrong, nothing], Choice().with_value("room", 9): [wrong, right, right, nothing]}
    monkeypatch.setattr(choices, "OTHERS", {"room": (9,)})
    monkeypatch.setattr(choices, "outcomes", lambda choice, _: read[choice])
    before, after = choices.compared([], ["room"])
    assert before == ["as it serves", "", "1 of 3", "0", "0", "2", "1 of 1", "2.0"]
    assert after == ["room", "1.5 -> 9", "2 of 3", "2", "1", "1", "1 of 1", "2.0"]


def test_scenes_are_read_by_the_models_that_ship(mnist_like: Path) -> None:
    drawn = choices.scenes(Writers(read_npz(mnist_like).train, None), 6, seed=0)
    outcomes = choices.outcomes(Choice(), drawn)
    assert len(outcomes) == len(drawn) > 0
    assert [outcome.has_digits for outcome in outcomes] == [bool(scene.digits) for scene in drawn]
    assert any(outcome.is_exact for outcome in outcomes)
