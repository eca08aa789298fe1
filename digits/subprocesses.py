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
"""Hold this lock while forking, or the child inherits the pipe on which another thread waits for its own child."""


def start(module: str, *arguments: str, **options: Any) -> "subprocess.Popen[str]":
    """Start `python -m MODULE ARGUMENTS` in the working folder, wherever the package is; options are those of Popen.

    On Linux it stops when the thread that started it ends.
    """
    command = [sys.executable, "-c", _RUN, str(os.getpid()), str(Path(__file__).parent.parent), module, *arguments]
    with forking:
        return subprocess.Popen(command, text=True, errors="replace", **options)


def complaint(module: str, *arguments: str, told: str = "") -> str | None:
    """Run a module to its end. Return None if it succeeded, else the last line that it printed to stderr.

    It can read `told` from its standard input, which nobody else sees, as they do see arguments.
    """
    pipe = subprocess.PIPE
    with start(module, *arguments, stdin=pipe, stdout=subprocess.DEVNULL, stderr=pipe) as child:
        _, said = child.communicate(told)
    if not child.returncode:
        return None
    lines = said.strip().splitlines()
    return lines[-1] if lines else f"{module} ended with status {child.returncode}."


def stop_with_parent(parent: int, farewell: signal.Signals = signal.SIGTERM) -> None:
    """In a child process: let SIGTERM stop it, and on Linux also send it `farewell` when its parent dies.

    `parent` is the id of the process that started it. If that has died already, the signal is sent at once.
    """
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, farewell)
        if os.getppid() != parent:
            os.kill(os.getpid(), farewell)
