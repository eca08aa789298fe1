"""A rectangle in a picture."""

import math
from dataclasses import dataclass

_NOTHING = 1e-6  # Pixels. Without it, a rounding error could make a box a pixel larger.


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of whole pixels; x and y are its upper left corner."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """The first column to the right of the box."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """The first row below the box."""
        return self.y + self.height

    @property
    def window(self) -> tuple[slice, slice]:
        """Slices that cut the box out of an array (h, w)."""
        return slice(self.y, self.bottom), slice(self.x, self.right)

    @property
    def area(self) -> int:
        """Pixels inside it."""
        return self.width * self.height

    @property
    def centre_x(self) -> float:
        """The x of the middle."""
        return self.x + self.width / 2

    @property
    def centre_y(self) -> float:
        """The y of the middle."""
        return self.y + self.height / 2

    def iou(self, other: "Box") -> float:
        """Intersection over union (IoU) of two boxes, from 0 to 1."""
        across = min(self.right, other.right) - max(self.x, other.x)
        down = min(self.bottom, other.bottom) - max(self.y, other.y)
        common = max(0, across) * max(0, down)
        return common / (self.area + other.area - common)

    def holds_centre_of(self, other: "Box") -> bool:
        """Whether the middle of another box lies in this one."""
        return self.x <= other.centre_x < self.right and self.y <= other.centre_y < self.bottom

    def joined(self, other: "Box") -> "Box":
        """The smallest box that contains both."""
        x, y = min(self.x, other.x), min(self.y, other.y)
        return Box(x, y, max(self.right, other.right) - x, max(self.bottom, other.bottom) - y)

    def scaled(self, across: float, down: float) -> "Box":
        """The smallest box of whole pixels that covers this one when the picture is scaled by `across` and `down`."""
        x, y = math.floor(self.x * across + _NOTHING), math.floor(self.y * down + _NOTHING)
        right, bottom = math.ceil(self.right * across - _NOTHING), math.ceil(self.bottom * down - _NOTHING)
        return Box(x, y, max(1, right - x), max(1, bottom - y))
