"""Whether pictures come through unharmed: MNIST's test set as arrays, and as PNG files over HTTP.

    MNIST_NPZ=mnist.npz python -m bench.mnist_over_http [--pictures N] [--url URL]

Starts a server of its own unless told the URL of one with the same model.
"""

import argparse
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import requests

from digits.errors import DataError
from digits.inference.model_file import load_compiled
from digits.inference.recogniser import LiteRTRecogniser
from digits.training.data.datasets import read_npz
from support import ROOT
from support.drawing import encode
from support.server import running

CLIENTS = 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=10_000, metavar="N", help="%(default)s")
    parser.add_argument("--url", help="a running server, instead of one of its own")
    options = parser.parse_args()
    path = os.environ.get("MNIST_NPZ")
    if not path:
        sys.exit("Set MNIST_NPZ to mnist.npz.")
    try:
        grids, digits = read_npz(Path(path)).test
    except DataError as error:
        sys.exit(str(error))
    grids, digits = grids[: options.pictures], digits[: options.pictures].tolist()

    recogniser = LiteRTRecogniser(load_compiled(ROOT / "mnist-neural.h5"))
    on_arrays = [str(prediction.digit) for prediction in recogniser.predict(list(grids))]
    print(f"{recogniser.model}, {len(digits):,} pictures of MNIST's test set")
    report("arrays", on_arrays, on_arrays, digits)
    with server(options.url) as url:
        report("PNG, white on black", over_http(url, grids, lambda grid: grid), on_arrays, digits)
        report("PNG, black on white", over_http(url, grids, lambda grid: 255 - grid), on_arrays, digits)


@contextmanager
def server(url: str | None) -> Iterator[str]:
    if url:
        yield url
        return
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as own:
        yield own.url


def over_http(url: str, grids: np.ndarray, look: Callable[[np.ndarray], np.ndarray]) -> list[str]:
    local = threading.local()

    def read(grid: np.ndarray) -> str:
        if not hasattr(local, "session"):
            local.session = requests.Session()
        response = local.session.post(f"{url}/uploads?store=false", files={"file": encode(look(grid))}, timeout=30)
        return response.json().get("number", f"status {response.status_code}")

    with ThreadPoolExecutor(CLIENTS) as threads:
        return list(threads.map(read, grids))


def report(name: str, answers: list[str], on_arrays: list[str], digits: list[int]) -> None:
    right = sum(answer == str(digit) for answer, digit in zip(answers, digits, strict=True))
    other = sum(answer != before for answer, before in zip(answers, on_arrays, strict=True))
    print(f"{name:<22}{right / len(digits):8.2%} right{other:5} other than on arrays", flush=True)


if __name__ == "__main__":
    main()
