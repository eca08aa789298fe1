import pytest

from digits.training.classifier.comparison import Comparison, Scores


def compared(old: tuple[int, int], new: tuple[int, int], digits: int = 10_000) -> Comparison:
    return Comparison(Scores(*old), Scores(*new), data="MNIST", digits=digits, pictures=40)


@pytest.mark.parametrize("new", [(24, 21), (27, 21), (0, 40)])
def test_more_corrections_read_right_are_worth_three_of_ten_thousand_digits(new: tuple[int, int]) -> None:
    assert not compared((24, 20), new).objection


def test_a_fourth_digit_is_too_many() -> None:
    assert "reads 4 more digits wrong (MNIST)" in compared((24, 20), (28, 40)).objection


def test_of_fewer_digits_as_great_a_share_may_be_lost() -> None:
    assert "reads 1 more digits" in compared((2, 20), (3, 40), digits=100).objection
    assert not compared((2, 20), (2, 40), digits=100).objection


@pytest.mark.parametrize("right", [19, 20])
def test_a_model_that_gains_nothing_does_not_serve(right: int) -> None:
    assert "no more of the held-out corrections" in compared((24, 20), (20, right)).objection


def test_the_table_shows_both_models_and_what_changed() -> None:
    assert str(compared((24, 20), (23, 31))).splitlines() == [
        "                                      old     new  difference",
        "MNIST, wrong of 10,000                 24      23          -1",
        "Held-out corrections, right of 40      20      31         +11",
    ]
