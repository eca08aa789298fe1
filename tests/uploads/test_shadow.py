"""The shadow, over working fakes."""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from digits.errors import ModelError
from digits.grids import Grid
from digits.inference.detections import Candidate
from digits.inference.model_file import CompiledModel, Description
from digits.inference.recogniser import Prediction, Recogniser
from digits.metrics import Outcome, registry
from digits.uploads import shadow as module
from digits.uploads.service import Upload, recognise_upload
from digits.uploads.shadow import MOST_WAITING, Shadow, load_shadow
from support.drawing import png
from support.server import until
from tests.fakes import MemoryDisagreements, MemoryRecords, OneMoreRecogniser, TemplateRecogniser

SOON = 10


@pytest.fixture
def upload(recogniser: TemplateRecogniser, records: MemoryRecords) -> Upload:
    upload = recognise_upload(png("40\n9"), recogniser, 1_000_000)
    records.add([upload.record])
    return upload


@pytest.fixture
def shadow_of(disagreements: MemoryDisagreements) -> Iterator[Callable[..., Shadow]]:
    made = []

    def make(recogniser: Recogniser, share: float = 1.0) -> Shadow:
        made.append(Shadow(recogniser, disagreements, share))
        return made[-1]

    yield make
    for shadow in made:
        shadow.close()


@pytest.fixture
def counted() -> Callable[[Outcome], float]:
    """How often an outcome was counted since the test began."""

    def total(outcome: Outcome) -> float:
        return registry().get_sample_value("digits_shadow_pictures_total", {"outcome": outcome}) or 0

    before = {outcome: total(outcome) for outcome in ("agreed", "disagreed", "failed", "skipped")}
    return lambda outcome: total(outcome) - before[outcome]


class SlowRecogniser(TemplateRecogniser):
    """Reads only once it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.started, self.open = threading.Event(), threading.Event()

    def predict(self, grids: Sequence[Grid], candidates: Sequence[Candidate] = ()) -> list[Prediction]:
        self.started.set()
        assert self.open.wait(SOON)
        return super().predict(grids, candidates)


class FailingRecogniser(TemplateRecogniser):
    """Fails as it is told to, and reads once nothing is left of that."""

    def __init__(self, *failures: BaseException) -> None:
        super().__init__()
        self.failures = list(failures)

    def predict(self, grids: Sequence[Grid], candidates: Sequence[Candidate] = ()) -> list[Prediction]:
        if self.failures:
            raise self.failures.pop(0)
        return super().predict(grids, candidates)


def test_what_is_read_alike_is_counted_and_not_kept(
    shadow_of: Callable[..., Shadow],
    counted: Callable[[Outcome], float],
    disagreements: MemoryDisagreements,
    upload: Upload,
) -> None:
    shadow_of(TemplateRecogniser()).offer(upload, is_kept=True)
    until(lambda: counted("agreed") == 1, SOON)
    assert disagreements.find(10) == []


def test_what_is_read_differently_is_kept_if_its_upload_is(
    shadow_of: Callable[..., Shadow],
    counted: Callable[[Outcome], float],
    disagreements: MemoryDisagreements,
    upload: Upload,
) -> None:
    shadow = shadow_of(OneMoreRecogniser())
    shadow.offer(upload)
    until(lambda: counted("disagreed") == 1, SOON)
    assert disagreements.find(10) == []
    shadow.offer(upload, is_kept=True)
    until(lambda: counted("disagreed") == 2, SOON)
    (kept,) = disagreements.find(10)
    assert (kept.upload, kept.shadow, kept.shadow_number) == (upload.record, "one-more@11111111", "51\n0")
    assert kept.shadow_confidence == pytest.approx(upload.record.confidence, abs=1e-6)


def test_the_share_is_read_by_the_end_of_the_ids(
    shadow_of: Callable[..., Shadow], counted: Callable[[Outcome], float], upload: Upload
) -> None:
    shadow = shadow_of(TemplateRecogniser(), share=0.25)
    for end in ("00000000", "3fffffff", "40000000", "ffffffff"):
        record = replace(upload.record, id=upload.record.id[:-8] + end)
        shadow.offer(replace(upload, record=record))
    until(lambda: counted("agreed") == 2, SOON)
    shadow.close()
    assert counted("agreed") == 2


def test_what_finds_no_place_is_skipped_at_once(
    shadow_of: Callable[..., Shadow], counted: Callable[[Outcome], float], upload: Upload
) -> None:
    slow = SlowRecogniser()
    shadow = shadow_of(slow)
    shadow.offer(upload)
    assert slow.started.wait(SOON)
    for _ in range(MOST_WAITING + 7):
        shadow.offer(upload)
    assert counted("skipped") == 7
    slow.open.set()
    until(lambda: counted("agreed") == 1 + MOST_WAITING, SOON)


def test_failures_are_counted_and_told_once_until_it_reads_again(
    shadow_of: Callable[..., Shadow],
    counted: Callable[[Outcome], float],
    upload: Upload,
    caplog: pytest.LogCaptureFixture,
) -> None:
    failing = FailingRecogniser(ValueError("Too dark."), ValueError("Too dark."))
    shadow = shadow_of(failing)
    for _ in range(3):
        shadow.offer(upload)
    until(lambda: counted("agreed") == 1, SOON)
    assert counted("failed") == 2
    assert caplog.messages == ["The shadow templates@00000000 fails, and no answer does: Too dark."]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_even_without_its_thread_nobody_else_is_concerned(
    shadow_of: Callable[..., Shadow], counted: Callable[[Outcome], float], upload: Upload
) -> None:
    shadow = shadow_of(FailingRecogniser(SystemExit()))
    for _ in range(MOST_WAITING + 2):
        shadow.offer(upload)
    until(lambda: counted("skipped") >= 1, SOON)


def test_what_still_waits_at_the_end_is_left(
    shadow_of: Callable[..., Shadow], counted: Callable[[Outcome], float], upload: Upload
) -> None:
    slow = SlowRecogniser()
    shadow = shadow_of(slow)
    for _ in range(3):
        shadow.offer(upload)
    assert slow.started.wait(SOON)
    threading.Timer(0.1, slow.open.set).start()
    shadow.close()
    assert counted("agreed") == 1


def compiled(sha256: str) -> CompiledModel:
    return CompiledModel(b"", Description("other@11111111", sha256, "", 0.5, "int8"))


@pytest.fixture
def other(tmp_path: Path) -> Path:
    (tmp_path / "other.h5").touch()
    return tmp_path / "other.h5"


def test_a_shadow_that_cannot_be_used_is_told_and_left_out(
    other: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(source: Path) -> CompiledModel:
        raise ModelError(f"{source.name} is damaged.")

    monkeypatch.setattr(module, "load_tried", fail)
    assert load_shadow(other, compiled("a")) is None
    assert caplog.messages == ["DIGITS_SHADOW cannot be used, so it reads nothing: other.h5 is damaged."]


def test_a_shadow_that_does_not_exist_is_told_with_its_own_setting(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert load_shadow(tmp_path / "nope.h5", compiled("a")) is None
    (said,) = caplog.messages
    assert said == f"DIGITS_SHADOW: {tmp_path}/nope.h5 does not exist, so it reads nothing. Set it to a Keras .h5 file."


def test_the_model_that_answers_is_no_shadow(
    other: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "load_tried", lambda _: compiled("a"))
    assert load_shadow(other, compiled("b")) == compiled("a")
    with caplog.at_level(logging.WARNING):
        assert load_shadow(other, compiled("a")) is None
    assert caplog.messages == ["DIGITS_SHADOW is the model that answers, so it reads nothing."]
    assert load_shadow(None, compiled("a")) is None
