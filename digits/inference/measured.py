"""How well all networks together find and read digits, as `keras-mnist.py --finder report` measured it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

MEASURED = Path(__file__).with_name("measured.json")


@dataclass(frozen=True, slots=True)
class Measured:
    """Figures on scenes: pictures made for the test, with digits by writers who were held out from training."""

    scenes: int
    numbers: int
    """Scenes with digits, none of which is cut off."""
    exact: int
    """Numbers that were read exactly."""
    average_precision: float
    """Area under the curve of precision over recall for the digits' boxes; IoU 0.5 counts as found."""


def measured_of(content: bytes, model: str, networks: Mapping[str, str]) -> Measured | None:
    """Return the figures that a file of this content holds; None if they are of another model or other networks."""
    values = json.loads(content)
    if (values.pop("model"), values.pop("networks")) != (model, networks):
        return None
    return Measured(**values)


def save_measured(measured: Measured, model: str, networks: Mapping[str, str], place: Path = MEASURED) -> None:
    """Replace the figures of the networks in this folder."""
    told = {"model": model, "networks": networks, **asdict(measured)}
    place.write_text(json.dumps(told, indent=2) + "\n")
