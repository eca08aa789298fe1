"""What is measured: each takes a picture's bytes and says which number is in it."""

import importlib.util
import math
import sys
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Protocol

from PIL import Image, ImageOps

from digits.box import Box
from digits.errors import NoInk, Refused
from digits.inference.recogniser import Recogniser
from digits.uploads.service import recognise_upload

REFUSALS = (400, 413, 415)
"""Statuses that speak of the picture, and not of the server."""
NO_INK = 422

ENGINES = {"rapidocr": True, "rapidocr-line": False}
"""Whether the engine looks for text first, as it does by default, or takes each picture for one line of text."""

_LOOK_ALIKES = {"OoQD": "0", "lI|i!丨": "1", "Zz": "2", "Ss": "5", "bG": "6", "T": "7", "B&": "8", "gq": "9"}
_DIGITS = str.maketrans({letter: digit for letters, digit in _LOOK_ALIKES.items() for letter in letters})


class CannotMeasure(Exception):
    """What was asked for cannot be measured here; str(error) says what to do."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read in a picture; nothing, unless said otherwise."""

    number: str = ""
    confidence: float = 0.0
    recognised: bool = False
    refusal: str = ""
    """The sentence with which the file was refused; pictures with nothing written in them are not."""
    digits: tuple[tuple[int, Box], ...] = ()
    """Each digit and where it stands, in pixels of the upright picture, where the reader tells."""


class Reader(Protocol):
    """Something that reads numbers."""

    @property
    def name(self) -> str:
        """Of the rows of the table."""

    def read(self, data: bytes) -> Reading:
        """A picture's file -> the number in it."""


class InProcess:
    """This project's reading, without HTTP."""

    name = "digits"

    def __init__(self, recogniser: Recogniser, max_pixels: int) -> None:
        self.model = recogniser.model
        self.recogniser = recogniser
        self._max_pixels = max_pixels

    def read(self, data: bytes) -> Reading:
        try:
            record = recognise_upload(data, self.recogniser, self._max_pixels).record
        except NoInk:
            return Reading()
        except Refused as error:
            return Reading(refusal=str(error))
        digits = tuple((digit.digit, digit.box) for digit in record.digits)
        return Reading(record.number, record.confidence, record.recognised, digits=digits)


class OverHTTP:
    """A server's reading; it keeps nothing."""

    name = "digits"

    def __init__(self, url: str) -> None:
        _require("requests")
        import requests

        self._url = url.rstrip("/")
        self._session = requests.Session()
        self._errors = requests.RequestException
        self.model = str(self._ask("GET", "/readyz")[1].get("model"))

    def read(self, data: bytes) -> Reading:
        status, answer = self._ask("POST", "/uploads?store=false", files={"file": data})
        if status == NO_INK:
            return Reading()
        if status in REFUSALS:
            return Reading(refusal=str(answer.get("detail", f"Refused with status {status}.")))
        digits = tuple((digit["digit"], Box(**digit["box"])) for digit in answer["digits"])
        return Reading(answer["number"], answer["confidence"], answer["recognised"], digits=digits)

    def _ask(self, method: str, path: str, **options: Any) -> tuple[int, dict[str, Any]]:
        """The answer's status and JSON. Raises CannotMeasure where it is not that of a server of digits."""
        try:
            response = self._session.request(method, self._url + path, timeout=60, **options)
            answer = response.json()
        except self._errors as error:
            raise CannotMeasure(f"No server of digits answers at {self._url}. Start one with make run.") from error
        if response.status_code not in (200, NO_INK, *REFUSALS) or not isinstance(answer, dict):
            raise CannotMeasure(f"{self._url}{path} answers with status {response.status_code}: {response.text:.200}")
        return response.status_code, answer


class RapidOCR:
    """PP-OCR in ONNX, a general reader of text, with its own defaults on one thread.

    Letters that look like digits are read as such, a text that is no number even so is left out, and where none is
    left the picture counts as declined. What the engine scores below `threshold`, its default, is declined too.
    """

    threshold = 0.5

    def __init__(self, name: str) -> None:
        _require("rapidocr", "onnxruntime")
        from rapidocr import RapidOCR as Engine

        self.name = name
        self._detects = ENGINES[name]
        threads = {f"EngineConfig.onnxruntime.{which}_op_num_threads": 1 for which in ("intra", "inter")}
        self._engine = Engine(params={"Global.log_level": "error", **threads})

    def read(self, data: bytes) -> Reading:
        try:
            with Image.open(BytesIO(data)) as image:
                upright = ImageOps.exif_transpose(image)
                # The engine takes a palette's indices for greys, and lays transparency on a paper of its own.
                picture = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
        except (OSError, ValueError, SyntaxError) as error:
            return Reading(refusal=f"{self.name}: {error}")
        found: Any = self._engine(picture, use_det=self._detects, use_cls=self._detects, use_rec=True)
        if not found.txts:
            return Reading()
        boxes = [_around(corners) for corners in found.boxes] if self._detects else [Box(0, 0, *picture.size)]
        texts = zip(boxes, (as_digits(text) for text in found.txts), found.scores, strict=True)
        numbers = [(box, number, score) for box, number, score in texts if number]
        confidence = math.prod(score for *_, score in numbers) if numbers else 0.0
        number = in_reading_order([(box, number) for box, number, _ in numbers])
        return Reading(number, confidence, bool(number) and confidence >= self.threshold)


def as_digits(text: str) -> str:
    """A text as the number that it is or looks like, without spaces and punctuation; else nothing."""
    plain = unicodedata.normalize("NFKC", text).translate(_DIGITS)
    kept = "".join(letter for letter in plain if letter.isalnum())
    return kept if kept.isascii() and kept.isdigit() else ""


def in_reading_order(numbers: Sequence[tuple[Box, str]]) -> str:
    """Numbers and where they stand -> from left to right, with a line feed between lines."""
    lines: list[list[tuple[Box, str]]] = []
    for box, number in sorted(numbers, key=lambda placed: placed[0].centre_y):
        if lines and lines[-1][0][0].bottom > box.centre_y:
            lines[-1].append((box, number))
        else:
            lines.append([(box, number)])
    return "\n".join("".join(number for _, number in sorted(line, key=lambda placed: placed[0].x)) for line in lines)


def _around(corners: Any) -> Box:
    """float (4, 2) -> the box around it."""
    (x, y), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
    return Box(int(x), int(y), int(right - x), int(bottom - y))


def _require(*packages: str) -> None:
    if missing := [package for package in packages if importlib.util.find_spec(package) is None]:
        names = " ".join(missing)
        raise CannotMeasure(f"This needs {names}. Install with: {sys.executable} -m pip install {names}")
