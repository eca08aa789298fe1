"""What is better done in a process of its own."""

import ctypes
import signal
import subprocess
import sys
from pathlib import Path

_PR_SET_PDEATHSIG = 1


def complaint(module: str, *arguments: str) -> str | None:
    """Runs `python -m MODULE ARGUMENTS` to its end. None where it went well, else the last line that it printed."""
    child = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=Path(__file__).parent.parent,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        check=False,
    )
    if not child.returncode:
        return None
    lines = child.stderr.strip().splitlines()
    return lines[-1] if lines else f"{module} ended with status {child.returncode}."


def stop_with_parent() -> None:
    """In a child: SIGTERM stops it, and it is sent also where the parent dies and cannot send it. For Linux."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
