"""The files that the recogniser is made of."""

import hashlib
from collections import Counter
from pathlib import Path

import pytest

from digits.errors import ModelError
from digits.inference import recogniser
from digits.inference.measured import MEASURED
from digits.inference.model_file import load_compiled, shipped_file
from digits.inference.recogniser import LiteRTRecogniser
from support import ROOT


def test_the_networks_are_named_by_the_very_bytes_that_are_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    read: Counter[Path] = Counter()

    def counted(path: Path) -> bytes:
        read[path] += 1
        return shipped_file(path)

    monkeypatch.setattr(recogniser, "shipped_file", counted)
    networks = LiteRTRecogniser(load_compiled(ROOT / "mnist-neural.h5")).networks
    assert set(read.values()) == {1}
    hashes = {path.stem: hashlib.sha256(path.read_bytes()).hexdigest()[:8] for path in read if path != MEASURED}
    assert networks == hashes
    assert networks.keys() == {"finder", "segmenter", "verifier", "calibration"}


def test_a_network_that_is_missing_is_told_as_a_broken_installation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recogniser, "VERIFIER", tmp_path / "verifier.tflite")
    with pytest.raises(
        ModelError, match=r"verifier\.tflite cannot be read: No such file.*Install the package again\.$"
    ):
        LiteRTRecogniser(load_compiled(ROOT / "mnist-neural.h5"))
