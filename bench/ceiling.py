"""Our own ceiling: pictures read in a loop in as many processes as there are workers, without HTTP."""

import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import cycle
from multiprocessing import get_context

import cv2

from bench.load import Load, of_times
from bench.machine import undisturbed
from digits.inference.model_file import load_compiled
from digits.inference.recogniser import LiteRTRecogniser
from digits.memory import keep_memory
from digits.settings import Settings
from digits.uploads.service import recognise_upload
from support import ROOT


def steady_ceiling(pictures: Sequence[bytes], processes: int, seconds: float) -> Load:
    """As of a server with so many workers. Raises NoRest."""
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        times = undisturbed(lambda: list(pool.map(_loop, [pictures] * processes, [seconds] * processes)))
    return of_times([took for each in times for took in each], seconds)


def _loop(pictures: Sequence[bytes], seconds: float) -> list[float]:
    """How long each picture took."""
    keep_memory()
    cv2.setNumThreads(1)
    recogniser = LiteRTRecogniser(load_compiled(ROOT / "mnist-neural.h5"))
    max_pixels = Settings.model_fields["max_pixels"].default
    for picture in pictures:
        recognise_upload(picture, recogniser, max_pixels)
    times = []
    end = time.perf_counter() + seconds
    for picture in cycle(pictures):
        start = time.perf_counter()
        if start > end:
            break
        recognise_upload(picture, recogniser, max_pixels)
        times.append(time.perf_counter() - start)
    return times
