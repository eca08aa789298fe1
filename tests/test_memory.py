"""What malloc keeps of the memory that was freed."""

import platform
from pathlib import Path

import pytest

from digits.memory import KEPT_BYTES, give_back

BLOCK = 1 << 16
"""Bytes; malloc takes so small a block from what it keeps, and gives it back to that."""


def resident() -> int:
    """Bytes of this process that are in memory."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) << 10


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="malloc_trim is glibc's")
def test_freed_memory_is_given_back_even_where_a_piece_behind_it_is_in_use() -> None:
    blocks = [b"7" * BLOCK for _ in range(10 * KEPT_BYTES // BLOCK)]
    del blocks[:-1]
    kept = resident()
    give_back()
    assert resident() < kept - 8 * KEPT_BYTES
    assert len(blocks) == 1
