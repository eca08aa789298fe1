"""Decide whether a model trained on corrections replaces the one that serves."""

from dataclasses import dataclass

MOST_LOST = 3
"""How many more of 10,000 digits that neither model was trained on may be read wrong."""


@dataclass(frozen=True, slots=True)
class Scores:
    """How well a model reads, compiled as it is served."""

    wrong: int
    """Held-out digits read wrong."""
    right: int
    """Held-out corrections of which the whole number was read right."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Scores of the model that serves and of the new one, on the same digits and pictures."""

    old: Scores
    new: Scores
    data: str
    """Name of the held-out digits."""
    digits: int
    """Number of held-out digits."""
    pictures: int
    """Number of held-out corrections."""

    @property
    def objection(self) -> str:
        """Why the old model should stay; empty if the new one may replace it."""
        lost, gained = self.new.wrong - self.old.wrong, self.new.right - self.old.right
        if lost * 10_000 > MOST_LOST * self.digits:
            return f"it reads {lost:,} more digits wrong ({self.data}), which is more than {MOST_LOST} of 10,000"
        if gained <= 0:
            return "it reads no more of the held-out corrections right"
        return ""

    def __str__(self) -> str:
        """Return a table for people."""
        rows = {
            f"{self.data}, wrong of {self.digits:,}": (self.old.wrong, self.new.wrong),
            f"Held-out corrections, right of {self.pictures:,}": (self.old.right, self.new.right),
        }
        width = max(map(len, rows))
        lines = [f"{'':<{width}}{'old':>8}{'new':>8}{'difference':>12}"]
        lines += [f"{name:<{width}}{old:>8,}{new:>8,}{new - old:>+12,}" for name, (old, new) in rows.items()]
        return "\n".join(lines)
