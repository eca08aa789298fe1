"""What a decoder answers: a line of JSON, and what it made. It is not trusted, for a picture may have taken it over."""

import json
from typing import IO, Any

import numpy as np

from digits.errors import Busy, EmptyFile, NotAPicture, Refused, TooManyPixels
from digits.vision.decode import SHOWN_FORMATS, Picture
from digits.vision.decode_limits import DecodeConfig
from digits.vision.png_inflate import SIGNATURE

_MOST_ROWS = DecodeConfig().max_side
_BYTES_A_PIXEL = 5
"""More than a PNG needs: four channels of 8 bits, and what is added to each row and each chunk."""
_REFUSALS: dict[str, type[Refused]] = {each.__name__: each for each in (Busy, EmptyFile, NotAPicture, TooManyPixels)}


def with_picture(picture: Picture) -> bytes:
    """Return the answer of a decoder that has read a picture."""
    facts = {"width": picture.width, "height": picture.height, "format": picture.format, "shape": picture.grey.shape}
    return json.dumps(facts).encode() + b"\n" + picture.grey.tobytes()


def with_png(png: bytes) -> bytes:
    """Return the answer of a decoder that has made a PNG."""
    return json.dumps({"bytes": len(png)}).encode() + b"\n" + png


def with_refusal(refusal: Refused) -> bytes:
    """Return the answer of a decoder that refuses a picture."""
    return json.dumps({"refusal": type(refusal).__name__, "detail": str(refusal)}).encode() + b"\n"


def facts_of(said: bytes) -> Any:
    """Read the first line of an answer.

    Raises:
        Refused: as the decoder says.
        ValueError: it is no JSON; other errors are raised if it has another form.
    """
    facts = json.loads(said)
    if refusal := facts.get("refusal"):
        raise _REFUSALS[refusal](facts["detail"])
    return facts


def picture_of(facts: Any, content: IO[bytes]) -> Picture:
    """Read the rest of an answer with a picture.

    Raises:
        ValueError: there can be no such picture; other errors are raised if the facts have another form.
    """
    rows, columns = facts["shape"]
    if not (0 < rows <= _MOST_ROWS and 0 < columns <= _MOST_ROWS and facts["format"] in SHOWN_FORMATS):
        raise ValueError(facts)
    grey = np.frombuffer(content.read(rows * columns), np.uint8).reshape(rows, columns)
    return Picture(grey, int(facts["width"]), int(facts["height"]), facts["format"])


def png_of(facts: Any, content: IO[bytes], max_pixels: int) -> bytes:
    """Read the rest of an answer with a PNG.

    Raises:
        ValueError: it is none, or not whole, or too long; other errors are raised if the facts have another form.
    """
    if not 0 < facts["bytes"] <= _BYTES_A_PIXEL * max_pixels:
        raise ValueError(facts)
    png = content.read(facts["bytes"])
    if len(png) != facts["bytes"] or not png.startswith(SIGNATURE):
        raise ValueError(facts)
    return png
