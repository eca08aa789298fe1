"""Where the server spends its time: a flame graph for each kind of picture, drawn by py-spy while they are sent.

    python -m bench.flames FOLDER [--seconds S]

Writes FOLDER/small.svg, canvas.svg and photo.svg.
"""

import argparse
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.bodies import KINDS, multipart, pictures
from bench.load import put_load
from bench.systems import OURS, Workplace
from digits.training.command_line import whole
from support import ROOT

CONNECTIONS = 16
SECONDS_TO_WARM_UP = 5
RATE = 100
"""Looks a second: more would slow what they look at."""


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.flames", description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--seconds", type=whole(1), default=20, metavar="S", help="for each kind (%(default)s)")
    chosen = parser.parse_args(arguments)
    if not (spy := shutil.which("py-spy", path=str(Path(sys.executable).parent)) or shutil.which("py-spy")):
        sys.exit("It needs py-spy, which `make dev` installs.")
    chosen.folder.mkdir(parents=True, exist_ok=True)
    for kind in KINDS:
        draw(spy, kind, chosen.folder / f"{kind}.svg", chosen.seconds)
        print(chosen.folder / f"{kind}.svg", flush=True)


def draw(spy: str, kind: str, file: Path, seconds: int) -> None:
    """Look at one worker, its decoders and its parent while it reads pictures of one kind."""
    bodies = [multipart(picture) for picture in pictures(kind)]
    with Workplace(1) as workplace, workplace.running(OURS) as server, ThreadPoolExecutor(1) as thread:
        put_load(server.url + OURS.path, bodies, CONNECTIONS, SECONDS_TO_WARM_UP)
        sending = thread.submit(put_load, server.url + OURS.path, bodies, CONNECTIONS, seconds + 3)
        look = [spy, "record", "--subprocesses", "--rate", str(RATE), "--duration", str(seconds)]
        look += ["--pid", str(server.process.pid), "--output", str(file)]
        subprocess.run(look, check=True, capture_output=True)
        sending.result()
    # No paths of this machine.
    file.write_text(file.read_text().replace(str(file), file.name).replace(f"{ROOT}/", "").replace(str(ROOT), "."))


if __name__ == "__main__":
    main()
