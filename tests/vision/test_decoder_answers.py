from io import BytesIO

import pytest

from digits.vision.decoder_answers import facts_of, png_of, with_png
from digits.vision.png_inflate import SIGNATURE

PNG = SIGNATURE + b"and so on"


def made(answer: bytes, max_pixels: int = 1000) -> bytes:
    first, _, rest = answer.partition(b"\n")
    return png_of(facts_of(first), BytesIO(rest), max_pixels)


def test_a_png_comes_as_it_was_made() -> None:
    assert made(with_png(PNG)) == PNG


@pytest.mark.parametrize(
    "answer",
    [
        with_png(b"GIF89a"),
        with_png(PNG)[:-1],
        with_png(b""),
        b'{"bytes": -1}\n' + PNG,
        with_png(PNG + bytes(5000)),
    ],
)
def test_what_is_no_png_or_not_whole_or_too_long_is_not_taken(answer: bytes) -> None:
    with pytest.raises(ValueError, match="bytes"):
        made(answer)
