"""What a worker notes of the requests in its hands."""

import asyncio
import os
import pickle
import signal
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from digits.errors import NoInk
from digits.grids import Grey
from digits.inference.detections import Sight
from digits.web.asgi import Front
from digits.web.fast_path import FastPath
from digits.web.in_work import InWork
from support.drawing import png
from tests.fakes import TemplateRecogniser
from tests.web.test_asgi import LIMIT, Client, whole


def test_what_a_killed_process_was_working_on_is_read_by_its_parent() -> None:
    in_work, longest = InWork(), "x" * 64
    if not (child := os.fork()):
        with in_work.noting("answered"):
            pass
        with in_work.noting("first"), in_work.noting(longest):
            os.kill(os.getpid(), signal.SIGKILL)
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
    assert sorted(in_work.request_ids()) == ["first", longest]


def test_what_fails_is_no_longer_in_work() -> None:
    in_work = InWork()
    assert not in_work.has_begun
    with pytest.raises(NoInk), in_work.noting("mine"):
        raise NoInk
    assert in_work.request_ids() == []
    assert in_work.has_begun


def test_a_process_that_is_not_forked_notes_for_itself() -> None:
    in_work = InWork()
    with in_work.noting("mine"):
        assert pickle.loads(pickle.dumps(in_work)).request_ids() == []


@pytest.mark.parametrize("path", ["/uploads", "/upload"])  # In the event loop, and in a thread.
def test_requests_are_noted_while_their_answers_are_computed(client_of: Callable[..., FlaskClient], path: str) -> None:
    in_work, seen = InWork(), list[list[str]]()

    class Watching(TemplateRecogniser):
        def find(self, grey: Grey) -> Sight:
            seen.append(in_work.request_ids())
            return super().find(grey)

    app = client_of(recogniser=Watching()).application
    front = Front(app, LIMIT, FastPath(app, in_work), in_work=in_work)
    sent = Client(front, path, content_type="image/png", x_request_id="mine")
    asyncio.run(sent.send(whole(png("7"))))
    assert (sent.status // 100, seen, in_work.request_ids()) == (2, [["mine"]], [])
