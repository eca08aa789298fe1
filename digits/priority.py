"""How threads give way to others of their process."""

import os
import sys
import threading
from contextlib import suppress

SWITCH_SECONDS = 0.0005
"""After which a thread gives Python's lock to one that waits for it. Python's own 0.005 let small pictures wait for
photos: with this, a tenth more of them are answered meanwhile (`python -m bench.beside`)."""


def switch_often() -> None:
    """Let no thread of this process keep Python's lock for longer than SWITCH_SECONDS while others wait for it."""
    sys.setswitchinterval(SWITCH_SECONDS)


def give_way(niceness: int) -> None:
    """Raise the nice value of this thread."""
    if sys.platform != "linux":
        return  # Only there has each thread a priority of its own.
    with suppress(OSError):
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + niceness)
