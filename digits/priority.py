"""How threads give way to others of their process."""

import os
import sys
import threading
from contextlib import suppress


def give_way(niceness: int) -> None:
    """Raise the nice value of this thread."""
    if sys.platform != "linux":
        return  # Only there has each thread a priority of its own.
    with suppress(OSError):
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + niceness)
