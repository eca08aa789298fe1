"""Child processes that end with their parent."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

_PR_SET_PDEATHSIG = 1
_RUN = (
    "import runpy, sys; _, parent, sys.path[0], *sys.argv = sys.argv; "
    "from digits.subprocesses import stop_with_parent; stop_with_parent(int(parent)); "
    "runpy.run_module(sys.argv[0], run_name='__main__', alter_sys=True)"
)


forking = threading.Lock()
"""Hold this while forking, or the child inherits the pipe on which another thread waits for its own child."""


def start(module: str, *arguments: str, **options: Any) -> "subprocess.Popen[str]":
    """`python -m MODULE ARGUMENTS`, as subprocess.Popen starts it, in this folder and wherever the package lies.

    It stops with the thread that starts it.
    """
    command = [sys.executable, "-c", _RUN, str(os.getpid()), str(Path(__file__).parent.parent), module, *arguments]
    with forking:
        return subprocess.Popen(command, text=True, errors="replace", **options)


def complaint(module: str, *arguments: str) -> str | None:
    """Runs a module to its end. Returns None if it succeeded, else the last line that it printed to stderr."""
    with start(module, *arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as child:
        _, said = child.communicate()
    if not child.returncode:
        return None
    lines = said.strip().splitlines()
    return lines[-1] if lines else f"{module} ended with status {child.returncode}."


def stop_with_parent(parent: int, farewell: signal.Signals = signal.SIGTERM) -> None:
    """In a child: SIGTERM stops it, and where its parent dies, this signal is sent. For Linux.

    `parent` is the process that started it: if that has died already, nothing else would stop the child.
    """
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, farewell)
        if os.getppid() != parent:
            os.kill(os.getpid(), farewell)
