"""Whether recent uploads differ from earlier ones: in their confidence, in how many are declined, in their digits.

A difference counts if chance makes one as large in fewer than one of a hundred comparisons, and if it concerns at least
one of twenty uploads: among many uploads, chance alone explains hardly any difference, and most do not matter. Uploads
are taken to be independent. If one person sends a hundred pictures in a row, they are not.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from digits.uploads.models import Record, Records, Wanted, every

SIGNIFICANCE = 0.01
"""The probability that a comparison tells of a change where there is none."""
LEAST_DISTANCE = 0.05
"""Share of the uploads, or digits, that must be other than before."""
LEAST_UPLOADS = 50
"""In each period. With fewer, the distributions of the statistics are not close to those that are used here."""
LEAST_EXPECTED = 5
"""Of a digit, for the chi-squared test; rarer ones count as one (Cochran 1954, Biometrics 10)."""

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Period:
    """What is compared of the uploads of a period."""

    confidences: Floats
    """In ascending order."""
    declined: int
    """How many are not recognised."""
    digits: Counts
    """How many of each digit were read in the others."""

    @classmethod
    def of(cls, records: Iterable[Record]) -> "Period":
        """Count the records."""
        confidences, declined, digits = [], 0, np.zeros(10, np.int64)
        for record in records:
            confidences.append(record.confidence)
            declined += not record.recognised
            if record.recognised:
                for digit in record.digits:
                    digits[digit.digit] += 1
        return cls(np.sort(np.array(confidences, np.float64)), declined, digits)

    @property
    def uploads(self) -> int:
        """How many there are."""
        return len(self.confidences)


@dataclass(frozen=True, slots=True)
class Difference:
    """How one thing differs between two periods."""

    distance: float
    """Between the two distributions, from 0 to 1."""
    p_value: float
    """The probability of such a difference, or a greater one, if nothing changed."""
    sentence: str


@dataclass(frozen=True, slots=True)
class Drift:
    """What came of a comparison: a sentence, and whether something changed."""

    sentence: str
    changed: bool = False


def drift(records: Records, now: datetime, days: int, before: int) -> Drift:
    """Compare the uploads of the last `days` with those of the `before` days before these.

    Raises:
        Unavailable: the database does not answer.
    """
    since = now - timedelta(days=days)
    recent = Period.of(every(records, Wanted(since=since, until=now)))
    earlier = Period.of(every(records, Wanted(since=since - timedelta(days=before), until=since)))
    last, others = f"the last {_days(days)}", f"the {_days(before)} before"
    if min(recent.uploads, earlier.uploads) < LEAST_UPLOADS:
        counts = f"{recent.uploads:,} in {last}, {earlier.uploads:,} in {others}"
        return Drift(f"Too few uploads to compare: {counts}. {LEAST_UPLOADS} are needed in each.")
    compared = f"in {last} ({recent.uploads:,} uploads), compared with {others} ({earlier.uploads:,})"
    if changes := changed([confidence(recent, earlier), declines(recent, earlier), shares(recent, earlier)]):
        return Drift(f"Something changed {compared}: {'; '.join(each.sentence for each in changes)}.", changed=True)
    return Drift(f"Nothing changed {compared}.")


def changed(differences: Sequence[Difference]) -> list[Difference]:
    """Return those that are large, and significant by Holm's method for several tests at once (Holm 1979)."""
    significant = []
    for place, each in enumerate(sorted(differences, key=lambda each: each.p_value)):
        if each.p_value > SIGNIFICANCE / (len(differences) - place):
            break
        significant.append(each)
    return [each for each in differences if each in significant and each.distance >= LEAST_DISTANCE]


def confidence(recent: Period, earlier: Period) -> Difference:
    """Compare the confidences by the two-sample test of Kolmogorov and Smirnov.

    The probability is the asymptotic one with Stephens' correction (Press et al., Numerical Recipes, 3rd ed., 14.3.3).
    """
    values = np.concatenate([recent.confidences, earlier.confidences])
    below = [np.searchsorted(each.confidences, values, side="right") / each.uploads for each in (recent, earlier)]
    widest = int(np.argmax(np.abs(below[0] - below[1])))
    distance = float(abs(below[0][widest] - below[1][widest]))
    root = math.sqrt(recent.uploads * earlier.uploads / (recent.uploads + earlier.uploads))
    p_value = kolmogorov((root + 0.12 + 0.11 / root) * distance)
    now, then = (float(each[widest]) for each in below)
    sentence = f"{now:.1%} have a confidence of at most {values[widest]:.3f}, instead of {then:.1%}"
    return Difference(distance, p_value, sentence)


def declines(recent: Period, earlier: Period) -> Difference:
    """Compare how many are not recognised."""
    table = np.array([[each.declined, each.uploads - each.declined] for each in (recent, earlier)])
    (now, _), (then, _) = _shares(table)
    return Difference(_distance(table), independence(table), f"{now:.1%} are not recognised, instead of {then:.1%}")


def shares(recent: Period, earlier: Period) -> Difference:
    """Compare how often each digit is read in uploads that are recognised."""
    table = np.array([recent.digits, earlier.digits])
    now, then = _shares(table)
    digit = int(np.argmax(np.abs(now - then)))
    sentence = f"{now[digit]:.1%} of the digits are {digit}, instead of {then[digit]:.1%}"
    return Difference(_distance(table), independence(table), sentence)


def independence(table: Counts) -> float:
    """p-value of Pearson's chi-squared test: counts (2, k) -> whether both rows may have the same shares."""
    if not table.sum(axis=1).all():
        return 1.0
    expected = _expected(table)
    rare = expected.min(axis=0) < LEAST_EXPECTED
    table = np.column_stack([table[:, ~rare], table[:, rare].sum(axis=1)])
    table = table[:, table.any(axis=0)]
    expected = _expected(table)
    statistic = float(((table - expected) ** 2 / expected).sum())
    return chi_squared(statistic, table.shape[1] - 1)


def kolmogorov(value: float) -> float:
    """Probability that a variable of Kolmogorov's distribution exceeds a value (Kolmogorov 1933)."""
    if value < 0.2:
        return 1.0  # To 10 decimals. The series converges slowly there.
    terms = np.arange(1, 101)
    return float(np.clip(2 * np.sum((-1.0) ** (terms - 1) * np.exp(-2 * (terms * value) ** 2)), 0, 1))


def chi_squared(value: float, degrees: int) -> float:
    """Probability that a chi-squared variable exceeds a value.

    By the recurrence Q(a + 1, x) = Q(a, x) + x^a exp(-x) / Gamma(a + 1) (NIST, Digital Library of Mathematical
    Functions, 8.8.6), from Q(1/2, x) = erfc(sqrt(x)) or Q(1, x) = exp(-x).
    """
    if degrees < 1 or value <= 0:
        return 1.0
    x, a = value / 2, 1 - degrees % 2 / 2
    exceeds = math.exp(-x) if a == 1 else math.erfc(math.sqrt(x))
    while a < degrees / 2:
        exceeds += math.exp(a * math.log(x) - x - math.lgamma(a + 1))
        a += 1
    return exceeds


def _expected(table: Counts) -> Floats:
    """The counts of a table (2, k) if both rows had the same shares."""
    return np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()


def _shares(table: Counts) -> Floats:
    """Each count's share in its row."""
    return table / np.maximum(1, table.sum(axis=1, keepdims=True))


def _distance(table: Counts) -> float:
    """The total variation distance between two rows: the share that would have to change places."""
    now, then = _shares(table)
    return float(np.abs(now - then).sum() / 2)


def _days(number: int) -> str:
    return "day" if number == 1 else f"{number} days"
