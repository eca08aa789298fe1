"""A second model reads beside the first, off the answer's road; what it reads differently is counted and kept."""

import logging
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from queue import Full, Queue
from threading import Thread

from digits import metrics
from digits.inference.model_file import CompiledModel
from digits.inference.recogniser import Recogniser, load_tried
from digits.metrics import Outcome
from digits.priority import give_way
from digits.recognition.pipeline import Glyph, read_again
from digits.uploads.disagreements import Disagreement, Disagreements
from digits.uploads.models import Record
from digits.uploads.service import Upload

MOST_WAITING = 1000
"""Pictures that wait for the shadow: some MB. What finds no place is skipped, since no answer waits for the shadow."""
NICENESS = 10
"""Nice value of its thread, above that of all threads that answer."""
LAST_SECONDS = 1
"""Seconds that a worker which ends waits for the picture that is being read."""

log = logging.getLogger(__name__)


class Shadow:
    """Reads the digits of a share of the pictures again, in a thread of its own.

    Whatever goes wrong there, and even if the thread ends, nobody else is concerned.
    """

    def __init__(self, recogniser: Recogniser, disagreements: Disagreements, share: float) -> None:
        self._recogniser, self._disagreements, self._share = recogniser, disagreements, share
        self._waiting: Queue[tuple[Record, Sequence[Glyph], bool] | None] = Queue(MOST_WAITING)
        self._is_ending = False
        self._thread = Thread(target=self._read_on, name="shadow", daemon=True)
        self._thread.start()

    def offer(self, upload: Upload, *, is_kept: bool = False) -> None:
        """Have it read if it belongs to the share; if it `is_kept`, a disagreement is kept too."""
        record = upload.record
        if int(record.id[-8:], 16) >= self._share * 2**32:  # The end of an id is random.
            return
        try:
            self._waiting.put_nowait((record, upload.glyphs, is_kept))  # Without the picture, which may be large.
        except Full:
            metrics.count_shadow("skipped")

    def close(self) -> None:
        """Stop reading, before Python stops: LiteRT's code must not be in work then."""
        self._is_ending = True
        with suppress(Full):
            self._waiting.put_nowait(None)
        self._thread.join(LAST_SECONDS)

    def _read_on(self) -> None:
        give_way(NICENESS)
        has_failed = False
        while (offered := self._waiting.get()) and not self._is_ending:
            try:
                outcome = self._read(*offered)
            except Exception as error:
                outcome = "failed"
                if not has_failed:
                    log.warning("The shadow %s fails, and no answer does: %s", self._recogniser.model, error)
            has_failed = outcome == "failed"
            metrics.count_shadow(outcome)

    def _read(self, record: Record, glyphs: Sequence[Glyph], is_kept: bool) -> Outcome:
        read = read_again(glyphs, self._recogniser)
        if read.number == record.number:
            return "agreed"
        if is_kept:
            self._disagreements.add(Disagreement(record, self._recogniser.model, read.number, read.confidence))
        return "disagreed"


def load_shadow(source: Path | None, model: CompiledModel) -> CompiledModel | None:
    """Load the model that is to read beside the first; None if there is none.

    If it cannot be used, or is the first one itself, the log says so, and there is none.
    """
    if not source:
        return None
    if not source.exists():
        log.error("DIGITS_SHADOW: %s does not exist, so it reads nothing. Set it to a Keras .h5 file.", source)
        return None
    try:
        shadow = load_tried(source)
    except Exception as error:
        log.error("DIGITS_SHADOW cannot be used, so it reads nothing: %s", error)  # noqa: TRY400 - The sentence says it all.
        return None
    if shadow.description.source_sha256 == model.description.source_sha256:
        log.warning("DIGITS_SHADOW is the model that answers, so it reads nothing.")
        return None
    return shadow
