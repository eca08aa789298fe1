"""The model that ships, on pictures drawn for the test."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from digits.inference import finder
from digits.inference.recogniser import LiteRTRecogniser
from digits.recognition.pipeline import read_again
from digits.uploads.service import recognise_upload
from support.drawing import draw, encode, on_paper, photograph

pytestmark = pytest.mark.slow

PIXELS = 25_000_000


@pytest.mark.parametrize(
    "look",
    [
        lambda digit: encode(draw(digit, size=240, pen=15, margin=80)),
        lambda digit: encode(np.dstack([np.zeros((280, 280, 3), np.uint8), draw(digit, size=180, pen=20, margin=50)])),
        lambda digit: encode(photograph(draw(digit)), "JPEG"),
        lambda digit: encode(on_paper(draw(digit, size=900, pen=6, margin=300), paper=250, pen=90)),
        lambda digit: encode(on_paper(draw(digit, size=30, pen=4, margin=8))),
    ],
    ids=["white on a black canvas", "black on a transparent canvas", "photo", "hairline", "small"],
)
def test_every_digit_is_read_with_confidence(shipped: LiteRTRecogniser, look: Callable[[str], bytes]) -> None:
    for digit in "0123456789":
        record = recognise_upload(look(digit), shipped, PIXELS).record
        assert (record.number, record.recognised) == (digit, True)


def test_what_reads_beside_the_model_is_named_by_its_bytes(shipped: LiteRTRecogniser) -> None:
    folder = Path(finder.__file__).parent
    files = ("finder.tflite", "segmenter.tflite", "verifier.tflite", "calibration.json")
    assert shipped.networks == {
        file.partition(".")[0]: hashlib.sha256((folder / file).read_bytes()).hexdigest()[:8] for file in files
    }


def test_a_number_is_read(shipped: LiteRTRecogniser) -> None:
    picture = encode(photograph(draw("40268\n13579")), "JPEG")
    assert recognise_upload(picture, shipped, PIXELS).record.number == "40268\n13579"


@pytest.mark.parametrize("number", ["7", "40268\n13579"])
def test_the_same_model_reads_the_same_again(shipped: LiteRTRecogniser, number: str) -> None:
    upload = recognise_upload(encode(photograph(draw(number)), "JPEG"), shipped, PIXELS)
    again = read_again(upload.glyphs, shipped)
    assert again.number == upload.record.number == number
    assert again.confidence == pytest.approx(upload.record.confidence, abs=0.01)


def test_threads_share_the_model(shipped: LiteRTRecogniser) -> None:
    from concurrent.futures import ThreadPoolExecutor

    pictures = [encode(on_paper(draw(digit))) for digit in "0123456789"] * 8
    with ThreadPoolExecutor(8) as threads:
        uploads = threads.map(lambda picture: recognise_upload(picture, shipped, PIXELS), pictures)
    assert "".join(upload.record.number for upload in uploads) == "0123456789" * 8
