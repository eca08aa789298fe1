"""Whether uploads changed, held against scipy's tests and against uploads that did not change."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from scipy import stats

from digits.box import Box
from digits.uploads.drift import (
    LEAST_UPLOADS,
    Period,
    chi_squared,
    confidence,
    declines,
    drift,
    independence,
    kolmogorov,
    shares,
)
from digits.uploads.models import Digit, Record, first_id
from support.records import record
from tests.fakes import MemoryRecords

NOW = datetime(2026, 11, 27, 8, tzinfo=UTC)
ALIKE = (0.1,) * 10


def uploads(
    rng: np.random.Generator,
    count: int,
    days: tuple[float, float],
    certainty: float = 20,
    weights: Sequence[float] = ALIKE,
) -> list[Record]:
    """Uploads of so many days ago, their confidence of the beta distribution (certainty, 1)."""
    rows = []
    for number, sure in enumerate(rng.beta(certainty, 1, count)):
        at = NOW - timedelta(days=rng.uniform(*days))
        digit = Digit(int(rng.choice(10, p=weights)), float(sure), ALIKE, Box(1, 2, 3, 4))
        key = f"{first_id(at)}-7000-8000-{number:012x}"
        rows.append(record(id=key, created_at=at, confidence=float(sure), recognised=sure >= 0.5, digits=(digit,)))
    return rows


def found(recent: list[Record], earlier: list[Record]) -> tuple[str, bool]:
    records = MemoryRecords()
    records.add([*recent, *earlier])
    result = drift(records, NOW, days=7, before=28)
    return result.sentence, result.changed


LAST, BEFORE = (0.01, 6.9), (7.1, 34.9)


def test_uploads_like_those_before_are_told_to_be_so() -> None:
    rng = np.random.default_rng(1)
    assert found(uploads(rng, 300, LAST), uploads(rng, 1200, BEFORE)) == (
        "Nothing changed in the last 7 days (300 uploads), compared with the 28 days before (1,200).",
        False,
    )


def test_a_false_alarm_is_rare() -> None:
    rng = np.random.default_rng(2)
    alarms = sum(found(uploads(rng, 60, LAST), uploads(rng, 150, BEFORE))[1] for _ in range(100))
    assert alarms <= 4  # Of 100 at one in a hundred; more than 4 come in 0.3 % of such series.


CHANGES: list[tuple[dict[str, object], str]] = [
    ({"certainty": 8}, "have a confidence of at most 0.9"),
    ({"certainty": 2}, "are not recognised, instead of 0.0%"),
    ({"weights": (0.05,) * 7 + (0.55, 0.05, 0.05)}, "of the digits are 7, instead of"),
]


@pytest.mark.parametrize(("change", "told"), CHANGES)
def test_what_changed_is_told(change: dict[str, object], told: str) -> None:
    rng = np.random.default_rng(3)
    make: Callable[..., list[Record]] = uploads
    sentence, changed = found(make(rng, 300, LAST, **change), uploads(rng, 1200, BEFORE))
    assert changed
    assert sentence.startswith("Something changed in the last 7 days (300 uploads), compared with the 28 days before")
    assert told in sentence


def test_what_did_not_change_is_not_told() -> None:
    rng = np.random.default_rng(4)
    weights = (0.05,) * 7 + (0.55, 0.05, 0.05)
    sentence, _ = found(uploads(rng, 300, LAST, weights=weights), uploads(rng, 1200, BEFORE))
    assert "confidence" not in sentence
    assert "recognised" not in sentence


def test_a_difference_that_matters_to_nobody_is_not_told_however_sure_it_is() -> None:
    rng = np.random.default_rng(5)
    recent, earlier = (
        Period(np.sort(rng.beta(20, 1, 200_000)), 2000, ALL),
        Period(np.sort(rng.beta(21, 1, 200_000)), 1000, ALL),
    )
    for difference in (confidence(recent, earlier), declines(recent, earlier)):
        assert difference.p_value < 1e-10
        assert difference.distance < 0.05


ALL = np.full(10, 1000)


def test_too_few_uploads_are_not_compared() -> None:
    rng = np.random.default_rng(6)
    few = uploads(rng, LEAST_UPLOADS - 1, LAST, certainty=1)
    assert found(few, uploads(rng, 100, BEFORE)) == (
        "Too few uploads to compare: 49 in the last 7 days, 100 in the 28 days before. 50 are needed in each.",
        False,
    )
    assert not found([], [])[1]


def test_uploads_outside_both_periods_are_left_out() -> None:
    rng = np.random.default_rng(7)
    old = uploads(rng, 500, (36, 60), certainty=1)
    assert not found(uploads(rng, 100, LAST), [*uploads(rng, 300, BEFORE), *old])[1]


@pytest.mark.parametrize("degrees", [1, 2, 5, 9])
@pytest.mark.parametrize("value", [0.0, 0.1, 1.0, 3.84, 20.0, 200.0])
def test_chi_squared_is_that_of_scipy(value: float, degrees: int) -> None:
    assert chi_squared(value, degrees) == pytest.approx(stats.chi2.sf(value, degrees), rel=1e-9)


@pytest.mark.parametrize("value", [0.0, 0.1, 0.19, 0.21, 0.5, 1.0, 1.36, 3.0])
def test_kolmogorovs_distribution_is_that_of_scipy(value: float) -> None:
    assert kolmogorov(value) == pytest.approx(stats.kstwobign.sf(value), abs=1e-9)


def test_confidences_are_compared_as_by_scipy() -> None:
    rng = np.random.default_rng(8)
    first, second = np.sort(rng.beta(20, 1, 400)), np.sort(rng.beta(17, 1, 900))
    ours = confidence(Period(first, 0, ALL), Period(second, 0, ALL))
    theirs = stats.ks_2samp(first, second)
    assert ours.distance == pytest.approx(theirs.statistic)
    assert ours.p_value == pytest.approx(theirs.pvalue, rel=0.1)


def test_shares_are_compared_as_by_scipy() -> None:
    table = np.array([[30, 20, 55, 41], [100, 130, 160, 90]])
    assert independence(table) == pytest.approx(stats.chi2_contingency(table, correction=False).pvalue)


def test_digits_that_are_rare_are_counted_as_one() -> None:
    table = np.array([[50, 50, 1, 0, 2, 0], [50, 48, 0, 1, 3, 0]])
    merged = np.array([[50, 50, 3], [50, 48, 4]])
    expected = stats.chi2_contingency(merged, correction=False).pvalue
    assert independence(table) == pytest.approx(expected)


def test_periods_without_a_digit_or_a_decline_do_not_differ() -> None:
    nothing = Period(np.full(60, 0.1), 0, np.zeros(10, np.int64))
    for compare in (confidence, declines, shares):
        assert compare(nothing, nothing).p_value == 1
