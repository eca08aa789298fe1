"""What an answer holds only if it is asked for: pictures of what the models saw, and other numbers."""

import base64
from collections.abc import Sequence
from typing import TypeVar

import cv2
import numpy as np

from digits.grids import Grid
from digits.recognition.alternatives import ranked
from digits.uploads.service import DECIMALS
from digits.web.schemas import AlternativeAnswer, RecognitionAnswer

AnyRecognition = TypeVar("AnyRecognition", bound=RecognitionAnswer)


def with_previews(answer: AnyRecognition, grids: Sequence[Grid]) -> AnyRecognition:
    """Add to each digit what the model saw of it, and return the answer."""
    for digit, grid in zip(answer.digits, grids, strict=True):
        digit.preview = data_url(png([grid]))
    return answer


def with_alternatives(answer: AnyRecognition, most: int) -> AnyRecognition:
    """Add the likeliest numbers, and return the answer."""
    places = [digit.probabilities for digit in answer.digits]
    found = ranked(answer.number, answer.confidence, places, most)
    answer.alternatives = [
        AlternativeAnswer(number=each.number, confidence=round(each.confidence, DECIMALS)) for each in found
    ]
    return answer


def data_url(png: bytes) -> str:
    """Return a PNG as a data URL."""
    return "data:image/png;base64," + base64.b64encode(png).decode()


def png(grids: Sequence[Grid]) -> bytes:
    """Return a PNG of one or more grids side by side, 28 pixels high."""
    return cv2.imencode(".png", np.hstack(grids))[1].tobytes()
