"""The ASGI front: it receives each body whole, within a size and a time, before a thread works on it.

Half-sent bodies bring WSGI servers to a stop, since each holds a thread; here they hold only their bytes. A small
picture is answered by the fast path. All other answers, refusals too, come from the Flask application, which the front
calls in a few threads.
"""

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any

from digits import metrics
from digits.errors import BadRequest, Busy, TooLarge, TooSlow
from digits.inference.model_file import CompiledModel
from digits.memory import give_back
from digits.priority import give_way, switch_often
from digits.settings import Settings
from digits.vision.decode import Decoders
from digits.web.admission import admit
from digits.web.exchange import Exchange, traces
from digits.web.fast_path import FastPath
from digits.web.in_work import InWork
from digits.web.logs import log_in_thread, own_stderr, wait_for_last
from digits.web.problems import REFUSED, size_limit
from digits.web.services import open_services
from digits.web.uploads import BEGUN
from digits.web.wsgi import Answer, Headers, Scope, Wsgi, call, environ_of

THREADS = 4
"""Threads of each worker; decoding and storing release Python's lock."""
NICENESS = 5
"""Nice value of these threads: one photo takes as long as fifty small pictures in the event loop."""
PROGRESS_SECONDS = 10
BODY_SECONDS = 60
DROP_SECONDS = 5
"""For the rest of a refused body: less than a worker that is to stop may take (server/main.py)."""
BODIES = 25
"""A worker holds at most as many bytes of request bodies as this number of bodies of the largest size."""
PIECE_BYTES = 32_768
"""A larger answer is sent in pieces, each once there is room for it; the server buffers a few of them."""
MOST_BEGUN = 250
"""Uploads that the event loop has begun, and that wait for a thread or are read in one. Each may hold a picture of
800x800 pixels: 160 MB in all."""
HEALTH = ("/healthz", "/readyz", "/metrics")
"""Answered by threads of their own, so that a busy server is not taken for a dead one."""
LOOK_SECONDS = 1
"""How often a worker tells its queue to Prometheus, since to count each change would take longer. While it has no
request, it also gives back memory."""
_FULL = "The server holds as many uploads as it can. Send it again in a few seconds."
_ALL_READ = "As many large answers as the server can hold are being read. Ask again in a few seconds."

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Front:
    """An ASGI application over a WSGI one."""

    def __init__(
        self,
        app: Wsgi,
        max_bytes: int,
        fast_path: FastPath | None = None,
        progress_seconds: float = PROGRESS_SECONDS,
        body_seconds: float = BODY_SECONDS,
        drop_seconds: float = DROP_SECONDS,
        at_end: Callable[[], None] = lambda: None,
        in_work: InWork | None = None,
        undo_proxies: Callable[[dict[str, Any]], None] = lambda _: None,
        admit: Callable[[dict[str, Any]], Awaitable[None]] | None = None,
    ) -> None:
        self._admit = admit
        self._app, self._max_bytes, self._fast_path = app, max_bytes, fast_path
        self._progress_seconds, self._body_seconds = progress_seconds, body_seconds
        self._drop_seconds = drop_seconds
        self._threads = ThreadPoolExecutor(
            THREADS, thread_name_prefix="request", initializer=give_way, initargs=(NICENESS,)
        )
        self._health_threads = {path: ThreadPoolExecutor(1, thread_name_prefix=path) for path in HEALTH}
        self._farewell: Headers = []
        self._at_end = at_end
        self._in_work = in_work or InWork()
        self._undo_proxies = undo_proxies
        self._held = 0
        """Bytes of all the bodies that are arriving or being worked on."""
        self._leaving = 0
        """Bytes of all the large answers that are being sent."""
        self._begun = self._in_progress = 0

    def bid_farewell(self) -> None:
        """Close each connection after its next answer, so that clients connect to another worker."""
        self._farewell = [(b"connection", b"close")]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or do what is to be done from the worker's start to its end, as ASGI has it."""
        if scope["type"] == "http":
            await self._exchange(scope, receive, send)
        elif scope["type"] == "lifespan":
            await receive()
            looking = asyncio.create_task(self._look_after())
            await send({"type": "lifespan.startup.complete"})
            await receive()
            looking.cancel()
            self._at_end()
            await send({"type": "lifespan.shutdown.complete"})

    async def _look_after(self) -> None:
        """Tell the queue, and where there is none, return the memory that is free."""
        while True:
            metrics.tell_queue(self._in_progress, self._held, self._begun)
            if not self._in_progress:
                give_back()
            await asyncio.sleep(LOOK_SECONDS)

    async def _exchange(self, scope: Scope, receive: Receive, send: Send) -> None:
        environ = environ_of(scope)
        self._undo_proxies(environ)
        exchange = Exchange.of(environ)
        chunks = self._chunks(receive)
        self._in_progress += 1
        status, content = 500, b""
        try:
            status, headers, content = await self._received_and_answered(environ, chunks)
            if len(content) > PIECE_BYTES and self._leaving + len(content) > BODIES * self._max_bytes:
                status, headers, content = await self._answer(environ | {REFUSED: Busy(_ALL_READ)}, b"")
            await send({"type": "http.response.start", "status": status, "headers": headers + self._farewell})
            if len(content) <= PIECE_BYTES:
                await send({"type": "http.response.body", "body": content})
            else:
                await self._send_in_pieces(content, send)
        finally:
            self._in_progress -= 1
            exchange.end(status, len(content))
        if status >= 400 and "HTTP_EXPECT" not in environ:  # Who sends that header sends no body after such an answer.
            await self._drop(chunks)

    async def _send_in_pieces(self, content: bytes, send: Send) -> None:
        """Send the body of an answer as fast as its client reads it; from one that stops, the connection is taken."""
        self._leaving += len(content)
        try:
            for start in range(0, len(content), PIECE_BYTES):
                end = start + PIECE_BYTES
                async with asyncio.timeout(self._progress_seconds):
                    more = end < len(content)
                    await send({"type": "http.response.body", "body": content[start:end], "more_body": more})
        except TimeoutError:
            pass  # The server closes the connection, as the answer is not whole.
        finally:
            self._leaving -= len(content)

    async def _received_and_answered(self, environ: dict[str, Any], chunks: AsyncIterator[bytes]) -> Answer:
        """Admit the request, receive its body, and answer. What goes wrong with it is answered by Flask."""
        body = b""
        try:
            if self._admit:
                await self._admit(environ)
            body = await self._received(environ.get("CONTENT_LENGTH", "0"), chunks)
            return await self._answer(environ, body)
        except Exception as error:
            return await self._answer(environ | {REFUSED: error}, b"")
        finally:
            self._held -= len(body)

    async def _answer(self, environ: dict[str, Any], body: bytes) -> Answer:
        """Ask the fast path first; if it does not answer, Flask does, in a thread."""
        if self._fast_path and REFUSED not in environ and (answer := await self._fast_path.answer(environ, body)):
            return answer
        if BEGUN not in environ:
            return await self._ask_flask(environ, body)
        if self._begun >= MOST_BEGUN:
            return await self._ask_flask({**environ, REFUSED: Busy(_FULL)}, b"")
        self._begun += 1
        try:
            return await self._ask_flask(environ, body)
        finally:
            self._begun -= 1

    async def _ask_flask(self, environ: dict[str, Any], body: bytes) -> Answer:
        environ |= {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        threads = self._health_threads.get(environ["PATH_INFO"], self._threads)
        return await asyncio.get_running_loop().run_in_executor(threads, self._call, environ)

    def _call(self, environ: dict[str, Any]) -> Answer:
        with self._in_work.noting(Exchange.of(environ).request_id):
            return call(self._app, environ)

    async def _received(self, announced: str, chunks: AsyncIterator[bytes]) -> bytes:
        """Put the body together, and stop as soon as it is refused. Its bytes are counted as long as they are held.

        Raises:
            BadRequest: the connection was closed before the end.
            Busy: the worker holds too many bytes.
            TooLarge: the body is larger than the limit, or is announced to be.
            TooSlow: it stopped for too long, or took too long in all.
        """
        if announced.isdigit() and int(announced) > self._max_bytes:
            raise TooLarge(size_limit(self._max_bytes))
        body, whole = bytearray(), b""
        try:
            async for chunk in chunks:
                if len(body) + len(chunk) > self._max_bytes:
                    raise TooLarge(size_limit(self._max_bytes))
                if self._held + len(chunk) > BODIES * self._max_bytes:
                    raise Busy(_FULL)
                body += chunk
                self._held += len(chunk)
            whole = bytes(body)
            return whole
        finally:
            self._held -= len(body) - len(whole)

    async def _chunks(self, receive: Receive) -> AsyncIterator[bytes]:
        """The body, as it arrives.

        Raises:
            BadRequest: the connection was closed before the end.
            TooSlow: the body stopped for too long, or took too long in all.
        """
        now = asyncio.get_running_loop().time
        end = now() + self._body_seconds
        more = True
        while more:
            try:
                async with asyncio.timeout_at(min(now() + self._progress_seconds, end)):
                    message = await receive()
            except TimeoutError as error:
                raise TooSlow(
                    f"The request's body stopped for {self._progress_seconds:g} s, or took over "
                    f"{self._body_seconds:g} s. Send it again over a better connection, or make it smaller."
                ) from error
            if message["type"] == "http.disconnect":
                raise BadRequest("The request's body broke off. Send it again.")
            more = message.get("more_body", False)
            yield message.get("body", b"")

    async def _drop(self, chunks: AsyncIterator[bytes]) -> None:
        """Receive what is left of a refused body: to close its connection would reset it, and could lose the answer."""
        with suppress(BadRequest, TooSlow, TimeoutError):
            async with asyncio.timeout(self._drop_seconds):
                async for _ in chunks:
                    pass


def create_front(
    settings: Settings,
    model: CompiledModel,
    in_work: InWork,
    elsewhere: Decoders | None = None,
    shadow: CompiledModel | None = None,
) -> Front:
    """The ASGI application of a worker."""
    from digits.web import create_app

    switch_often()
    waiting = log_in_thread(settings.log, settings.access_log, own_stderr())
    at_hand = open_services(settings, model, elsewhere, shadow)
    app = create_app(services=at_hand)
    sender = traces()

    def end() -> None:
        at_hand.keyring.close()
        if at_hand.shadow:
            at_hand.shadow.close()
        if sender:
            sender.end()
        wait_for_last(waiting)

    return Front(
        app,
        settings.max_bytes,
        FastPath(app, in_work),
        at_end=end,
        in_work=in_work,
        undo_proxies=app.undo_proxies,
        admit=partial(admit, app),
    )
