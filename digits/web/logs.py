"""Logs, to stderr: a line or a JSON object for each event.

A worker writes them in a thread of its own. If stderr is full or slow, that holds up no request: lines that would have
to wait for long are dropped, and counted. Nothing that a client sends can make a line look like another one.
"""

import json
import logging
import os
import queue
import re
import sys
import time
from datetime import UTC, datetime
from logging.handlers import QueueHandler, QueueListener
from typing import TextIO

from digits.metrics import LOG_LINES_DROPPED
from digits.settings import LogForm
from digits.web.exchange import ACCESS, Exchange

MOST_WAITING = 10_000
"""Lines that wait to be written: some MB."""
PAUSE_SECONDS = 0.1
"""How often the thread looks for lines: to be woken by each would take a tenth of the time of a small picture."""
LAST_SECONDS = 1
"""Seconds that a worker which ends waits until its last lines are written."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")

Waiting = queue.Queue[logging.LogRecord]


class TextFormatter(logging.Formatter):
    """Time, level and message in one line. A traceback follows in lines that begin with a space."""

    def format(self, record: logging.LogRecord) -> str:
        """Write all control characters as escapes."""
        lines = [f"{_time(record)} {record.levelname} {_escaped(record.getMessage())}"]
        lines += [f" {_escaped(line)}" for line in _traceback(record).split("\n") if line]
        return "\n".join(lines)


class JsonFormatter(logging.Formatter):
    """One JSON object in one line."""

    def format(self, record: logging.LogRecord) -> str:
        """Write only ASCII, so that every program takes it for one line."""
        said = {"time": _time(record), "level": record.levelname.lower(), "logger": record.name}
        if isinstance(record.msg, Exchange):
            return json.dumps(said | record.msg.as_dict())
        said["message"] = record.getMessage()
        if request_id := getattr(record, "request_id", None):
            said["request_id"] = request_id
        said |= getattr(record, "fields", {})
        if traceback := _traceback(record):
            said["traceback"] = traceback
        return json.dumps(said)


FORMATTERS: dict[LogForm, type[logging.Formatter]] = {"text": TextFormatter, "json": JsonFormatter}


def log_at_once(form: LogForm) -> None:
    """Write this process' logs while it waits."""
    _log_with(_handler(form, sys.stderr))


def own_stderr() -> TextIO:
    """Return a stream to stderr that is not sys.stderr: when a worker ends, Python waits until that one is flushed.

    It has a descriptor of its own, too, since LiteRT's greeting is kept from the other one.
    """
    return os.fdopen(os.dup(sys.stderr.fileno()), "w", errors="backslashreplace")


def log_in_thread(form: LogForm, with_access: bool, stream: TextIO) -> Waiting:
    """Write this process' logs in a thread of its own, with a line for each request if asked to."""
    waiting: Waiting = queue.Queue(MOST_WAITING)
    _log_with(_BoundedHandler(waiting))
    logging.getLogger(ACCESS).setLevel(logging.INFO if with_access else logging.WARNING)
    _PatientListener(waiting, _handler(form, stream)).start()
    return waiting


def wait_for_last(waiting: Waiting) -> None:
    """Wait until all lines are written, or for LAST_SECONDS."""
    with waiting.all_tasks_done:
        waiting.all_tasks_done.wait_for(lambda: not waiting.unfinished_tasks, LAST_SECONDS)


class _BoundedHandler(QueueHandler):
    """Drops what finds the queue full. What it queues holds no more than its text, since frames hold pictures."""

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        if not isinstance(record.msg, Exchange):
            record.msg, record.args = record.getMessage(), None
            record.exc_text, record.exc_info = _traceback(record), None
        return record

    def enqueue(self, record: logging.LogRecord) -> None:
        try:
            self.queue.put_nowait(record)
        except queue.Full:
            LOG_LINES_DROPPED.inc()


class _PatientListener(QueueListener):
    """Sleeps between its looks, and writes all that it finds."""

    def __init__(self, waiting: Waiting, handler: logging.Handler) -> None:
        super().__init__(waiting, handler)
        self._waiting = waiting

    def dequeue(self, block: bool) -> logging.LogRecord:
        while self._waiting.empty():
            time.sleep(PAUSE_SECONDS)
        return super().dequeue(block)


def _handler(form: LogForm, stream: TextIO) -> logging.Handler:
    handler = logging.StreamHandler(stream)
    handler.setFormatter(FORMATTERS[form]())
    return handler


def _log_with(handler: logging.Handler) -> None:
    logging.getLogger().handlers = [handler]
    granian = logging.getLogger("_granian")
    granian.handlers, granian.propagate = [], True


def _time(record: logging.LogRecord) -> str:
    return f"{datetime.fromtimestamp(record.created, UTC):%Y-%m-%dT%H:%M:%S}.{int(record.msecs):03}Z"


def _traceback(record: logging.LogRecord) -> str:
    if record.exc_info and not record.exc_text:
        return logging.Formatter().formatException(record.exc_info)
    return record.exc_text or ""


def _escaped(text: str) -> str:
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
