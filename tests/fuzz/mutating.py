"""Files and texts that are nearly right, as Hypothesis makes them of a small corpus."""

import zlib
from collections.abc import Sequence
from pathlib import Path

from hypothesis import strategies as st

CORPUS = Path(__file__).parent / "corpus"
"""Made by `python -m tests.fuzz.corpus`, and grown by what fuzzing found."""
NUMBERS = (b"\0", b"\1", b"\x7f", b"\x80", b"\xff", b"\xff\xff", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\0")
"""Where programs make mistakes with lengths and signs."""
MOST_CHANGES = 8
MOST_PIECE = 64


def files() -> list[bytes]:
    return [path.read_bytes() for path in sorted(CORPUS.iterdir())]


@st.composite
def mutated(draw: st.DrawFn, originals: Sequence[bytes]) -> bytes:
    """One of the originals after a few changes: bytes are set, cut out, repeated or taken from another original."""
    data = draw(st.sampled_from(originals))
    for _ in range(draw(st.integers(0, MOST_CHANGES))):
        place = draw(st.integers(0, len(data)))
        kind = draw(st.sampled_from(("bit", "number", "cut", "end", "repeat", "splice", "insert")))
        if kind == "bit" and place < len(data):
            data = data[:place] + bytes([data[place] ^ 1 << draw(st.integers(0, 7))]) + data[place + 1 :]
        elif kind == "number":
            number = draw(st.sampled_from(NUMBERS))
            data = data[:place] + number + data[place + len(number) :]
        elif kind == "cut":
            data = data[:place] + data[place + draw(st.integers(1, MOST_PIECE)) :]
        elif kind == "end":
            data = data[:place]
        elif kind == "repeat":
            piece = data[place : place + draw(st.integers(1, MOST_PIECE))]
            data = data[:place] + piece * draw(st.integers(2, MOST_PIECE)) + data[place:]
        elif kind == "splice":
            other = draw(st.sampled_from(originals))
            data = data[:place] + other[draw(st.integers(0, len(other))) :]
        else:
            data = data[:place] + draw(st.binary(max_size=MOST_PIECE)) + data[place:]
    return with_checksums(data) if data.startswith(b"\x89PNG") and draw(st.booleans()) else data


def with_checksums(data: bytes) -> bytes:
    """A PNG with the checksum of each chunk put right, so that the damage is only found later."""
    place, parts = 8, [data[:8]]
    while place + 12 <= len(data):
        length = int.from_bytes(data[place : place + 4], "big")
        chunk = data[place + 4 : place + 8 + length]
        parts += [data[place : place + 4], chunk, zlib.crc32(chunk).to_bytes(4, "big")]
        place += 12 + length
    return b"".join(parts)
