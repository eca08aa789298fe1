"""Whether a model that learnt from corrections takes the place of the one that serves."""

from dataclasses import dataclass

MOST_LOST = 3
"""Of 10,000 digits that no model learnt from, so many more may be read wrong."""


@dataclass(frozen=True, slots=True)
class Scores:
    """How a model reads, as it is served."""

    wrong: int
    """Digits that no model learnt from."""
    right: int
    """Held-out corrections, the whole number."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The model that serves, and the one that learnt, on the same digits and pictures."""

    old: Scores
    new: Scores
    data: str
    """What these digits are called."""
    digits: int
    """How many they are."""
    pictures: int
    """Held-out corrections."""

    @property
    def objection(self) -> str:
        """Why the old one had better stay; empty where nothing speaks for that."""
        lost, gained = self.new.wrong - self.old.wrong, self.new.right - self.old.right
        if lost * 10_000 > MOST_LOST * self.digits:
            return f"it reads {lost:,} more digits wrong ({self.data}), which is more than {MOST_LOST} of 10,000"
        if gained <= 0:
            return "it reads no more of the held-out corrections right"
        return ""

    def __str__(self) -> str:
        """A table, for people."""
        rows = {
            f"{self.data}, wrong of {self.digits:,}": (self.old.wrong, self.new.wrong),
            f"Held-out corrections, right of {self.pictures:,}": (self.old.right, self.new.right),
        }
        width = max(map(len, rows))
        lines = [f"{'':<{width}}{'old':>8}{'new':>8}{'difference':>12}"]
        lines += [f"{name:<{width}}{old:>8,}{new:>8,}{new - old:>+12,}" for name, (old, new) in rows.items()]
        return "\n".join(lines)
