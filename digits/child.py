"""What is better done in a process of its own."""

import ctypes
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

_PR_SET_PDEATHSIG = 1
_RUN = (
    "import runpy, sys; _, sys.path[0], *sys.argv = sys.argv; "
    "runpy.run_module(sys.argv[0], run_name='__main__', alter_sys=True)"
)


forking = threading.Lock()
"""Held by who forks: a process forked while a thread starts another would keep the pipe on which that thread waits."""


def start(module: str, *arguments: str, **options: Any) -> "subprocess.Popen[str]":
    """`python -m MODULE ARGUMENTS`, as subprocess.Popen starts it, in this folder and wherever the package lies."""
    command = [sys.executable, "-c", _RUN, str(Path(__file__).parent.parent), module, *arguments]
    with forking:
        return subprocess.Popen(command, text=True, errors="replace", **options)


def complaint(module: str, *arguments: str) -> str | None:
    """Runs a module to its end. None where it went well, else the last line that it printed."""
    with start(module, *arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as child:
        _, said = child.communicate()
    if not child.returncode:
        return None
    lines = said.strip().splitlines()
    return lines[-1] if lines else f"{module} ended with status {child.returncode}."


def stop_with_parent() -> None:
    """In a child: SIGTERM stops it, and it is sent also where the parent dies and cannot send it. For Linux."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
