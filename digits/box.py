"""Where something stands in a picture."""

import math
from dataclasses import dataclass

_NOTHING = 1e-6  # Pixels: what comes of floats that are rounded.


@dataclass(frozen=True, slots=True)
class Box:
    """Pixels; x and y are those of the upper left corner."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        return self.x + self.width

    @property
    def bottom(self) -> int:
        return self.y + self.height

    @property
    def window(self) -> tuple[slice, slice]:
        """Its pixels in an array (h, w)."""
        return slice(self.y, self.bottom), slice(self.x, self.right)

    @property
    def area(self) -> int:
        return self.width * self.height

    @property
    def centre(self) -> float:
        """Half-way across."""
        return self.x + self.width / 2

    @property
    def middle(self) -> float:
        """Half-way down."""
        return self.y + self.height / 2

    def likeness(self, other: "Box") -> float:
        """Intersection over union."""
        across = min(self.right, other.right) - max(self.x, other.x)
        down = min(self.bottom, other.bottom) - max(self.y, other.y)
        common = max(0, across) * max(0, down)
        return common / (self.area + other.area - common)

    def holds_middle_of(self, other: "Box") -> bool:
        return self.x <= other.centre < self.right and self.y <= other.middle < self.bottom

    def joined(self, other: "Box") -> "Box":
        """The smallest box around both."""
        x, y = min(self.x, other.x), min(self.y, other.y)
        return Box(x, y, max(self.right, other.right) - x, max(self.bottom, other.bottom) - y)

    def scaled(self, across: float, down: float) -> "Box":
        """The smallest box of whole pixels around this one in a picture `across` times as wide, `down` as high."""
        x, y = math.floor(self.x * across + _NOTHING), math.floor(self.y * down + _NOTHING)
        right, bottom = math.ceil(self.right * across - _NOTHING), math.ceil(self.bottom * down - _NOTHING)
        return Box(x, y, max(1, right - x), max(1, bottom - y))
