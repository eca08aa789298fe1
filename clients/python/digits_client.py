"""A client of the backend that reads handwritten digits, for threads and for asyncio. It needs httpx.

>>> with Client("http://127.0.0.1:5000") as client:
...     print(client.recognise("digit.png").number)
7
"""

import asyncio
import random
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any, BinaryIO, Generic, Literal, Self, TypedDict, TypeVar, Unpack, overload
from urllib.parse import quote, urlsplit

import httpx

URL = "http://127.0.0.1:5000"
TIMEOUT = 60.0
"""Seconds without progress, after which a try has failed. The server waits as long for a body."""
RETRIES = 3
FIRST_PAUSE = 0.5
"""Seconds before the first retry if the server names none, then twice as long each time."""
LONGEST_PAUSE = 30.0
NOT_DONE = {429, 503}
"""Statuses with which the server says that it has done nothing, and when to try again."""
TRANSIENT = NOT_DONE | {502, 504}
"""Statuses after which another try may succeed; 502 and 504 come from proxies."""
PAGE = 100
"""Uploads on the largest page of the history."""
BATCH = 20
BATCH_BYTES = 8_000_000
"""Most pictures in a request, and most of their bytes: the server takes 10 MiB, unless it is set otherwise."""

Picture = bytes | str | PathLike[str] | BinaryIO
"""The bytes of a picture, the path of a file, or an open file."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels of the upright picture; x and y are its upper left corner."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Digit:
    """One digit as it was read."""

    digit: int
    confidence: float
    probabilities: list[float]
    box: Box
    preview: str | None = None
    """If asked for: what the model saw, as a data URL."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """A number that may be written there."""

    number: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Image:
    """The picture as it was sent."""

    width: int
    height: int
    format: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognition:
    """What is written in a picture."""

    number: str
    text: str
    digit: int | None
    confidence: float
    recognised: bool
    digits: list[Digit]
    image: Image
    model: str
    networks: Mapping[str, str] | None
    alternatives: list[Alternative] = field(default_factory=list)
    """If asked for: the likeliest numbers, the likeliest first."""
    explanation: str | None = None
    """If asked for: the picture, its ink coloured by how much it decided, as a data URL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload(Recognition):
    """A picture that was kept, and what is written in it."""

    id: str
    created_at: datetime
    label: str | None
    labelled_at: datetime | None


class Asked(TypedDict, total=False):
    """What else the answer shall hold."""

    preview: bool
    """What the model saw of each digit."""
    alternatives: int
    """So many of the likeliest numbers."""
    explanation: bool
    """The picture, its ink coloured by how much it decided."""


class Filters(TypedDict, total=False):
    """Which uploads the history lists, and in which order; a time without a zone is in UTC."""

    order: Literal["newest", "confidence"]
    digit: int
    number: str
    sha256: str
    recognised: bool
    labelled: bool
    confidence_below: float
    since: date
    until: date


@dataclass(eq=False)
class DigitsError(Exception):
    """The server refused, or did not answer, or the answer is not the backend's."""

    detail: str
    """A sentence that says what to do."""
    status: int | None = None
    """None if there was no answer that can be read."""
    title: str = ""
    type: str = ""
    """The path of this kind of problem, such as /problems/no-ink."""
    request_id: str = ""
    """The request's name in the server's log."""

    def __str__(self) -> str:
        return self.detail


_Outcome = httpx.Response | httpx.RequestError
_UNREADABLE = (ValueError, KeyError, TypeError, AttributeError)
"""What parsing raises if the answer is not the backend's."""


@dataclass(frozen=True, slots=True)
class _Call(Generic[T]):
    """A request, and all that is to be decided about its answer; the clients only send and wait."""

    method: str
    url: str
    parse: Callable[[httpx.Response], T]
    options: Mapping[str, Any] = field(default_factory=dict)

    def pause(self, outcomes: list[_Outcome], retries: int) -> float | None:
        """Seconds to wait before another try; None if there shall be none."""
        tries, last = len(outcomes), outcomes[-1]
        if tries > retries or not _is_transient(last):
            return None
        if isinstance(last, httpx.Response) and last.headers.get("Retry-After", "").isdecimal():
            return min(float(last.headers["Retry-After"]), LONGEST_PAUSE)
        return min(FIRST_PAUSE * 2 ** (tries - 1), LONGEST_PAUSE) * random.uniform(0.5, 1)  # noqa: S311 - No secret.

    def result(self, outcomes: list[_Outcome]) -> T:
        """Return what came of the last try.

        Raises:
            DigitsError: there was no answer, or it is a refusal, or not the backend's.
        """
        *earlier, last = outcomes
        if isinstance(last, httpx.DecodingError):
            raise DigitsError(f"The server's answer cannot be read: {last}.") from last
        if isinstance(last, httpx.RequestError):
            raise DigitsError(f"The server did not answer: {last or type(last).__name__}.") from last
        if self.method == "DELETE" and last.status_code == httpx.codes.NOT_FOUND and any(map(_may_be_done, earlier)):
            last = httpx.Response(httpx.codes.NO_CONTENT)
        try:
            return self.parse(last)
        except _UNREADABLE as error:
            detail = "This answer is not the backend's. Check its address, and any proxy in front of it."
            raise DigitsError(detail, last.status_code) from error


class Client:
    """Sends again what got no answer, under an Idempotency-Key, so that no picture is kept twice.

    `key` is an API key, if the server needs one. Its methods raise DigitsError. `options` are those of httpx.Client,
    such as `headers`, `timeout` or `verify`.
    """

    def __init__(self, url: str = URL, *, key: str | None = None, retries: int = RETRIES, **options: Any) -> None:
        self._http = httpx.Client(base_url=url, **({"timeout": TIMEOUT} | options))
        self._http.headers.update(_authorization(key))
        self._retries = retries

    @overload
    def recognise(self, picture: Picture, *, store: Literal[True] = True, **asked: Unpack[Asked]) -> Upload: ...
    @overload
    def recognise(self, picture: Picture, *, store: bool, **asked: Unpack[Asked]) -> Recognition: ...
    def recognise(self, picture: Picture, *, store: bool = True, **asked: Unpack[Asked]) -> Recognition:
        """Read a picture, and keep it if `store`: then the answer is an Upload."""
        return self._run(_post([_bytes(picture)], store, asked, _answer))

    def recognise_several(
        self, pictures: Iterable[Picture], *, store: bool = True, **asked: Unpack[Asked]
    ) -> Iterator[Recognition | DigitsError]:
        """Read pictures, many in each request. The error of one that is refused comes in its place."""
        for batch in _batches(pictures):
            yield from self._run(_post(batch, store, asked, partial(_results, len(batch))))

    def get(self, upload_id: str, *, alternatives: int | None = None) -> Upload:
        """Return an upload, and so many of the likeliest numbers if asked for."""
        return self._run(_get(upload_id, alternatives))

    def history(self, **filters: Unpack[Filters]) -> Iterator[Upload]:
        """Go through the uploads; each page is fetched when it is needed."""
        query: str | None = _query(filters)
        while query:
            uploads, query = self._run(_Call("GET", f"uploads?{query}", _page))
            yield from uploads

    def correct(self, upload_id: str, label: str | None) -> Upload:
        """Say which number is written there; "" means that there is no digit, None removes the label."""
        return self._run(_Call("PATCH", _path(upload_id), _answer, {"json": {"label": label}}))

    def delete(self, upload_id: str) -> None:
        """Delete an upload and its picture."""
        self._run(_Call("DELETE", _path(upload_id), _no_content))

    def image(self, upload_id: str) -> bytes:
        """Return the picture as it was sent."""
        return self._run(_Call("GET", f"{_path(upload_id)}/image", _picture))

    def close(self) -> None:
        """Close the connections; a `with` block does so at its end."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self, call: _Call[T]) -> T:
        outcomes: list[_Outcome] = []
        while True:
            try:
                outcomes.append(self._http.request(call.method, call.url, **call.options))
            except httpx.RequestError as error:
                outcomes.append(error)
            pause = call.pause(outcomes, self._retries)
            if pause is None:
                return call.result(outcomes)
            time.sleep(pause)


class AsyncClient:
    """The same for asyncio."""

    def __init__(self, url: str = URL, *, key: str | None = None, retries: int = RETRIES, **options: Any) -> None:
        self._http = httpx.AsyncClient(base_url=url, **({"timeout": TIMEOUT} | options))
        self._http.headers.update(_authorization(key))
        self._retries = retries

    @overload
    async def recognise(self, picture: Picture, *, store: Literal[True] = True, **asked: Unpack[Asked]) -> Upload: ...
    @overload
    async def recognise(self, picture: Picture, *, store: bool, **asked: Unpack[Asked]) -> Recognition: ...
    async def recognise(self, picture: Picture, *, store: bool = True, **asked: Unpack[Asked]) -> Recognition:
        """Read a picture, and keep it if `store`: then the answer is an Upload."""
        return await self._run(_post([_bytes(picture)], store, asked, _answer))

    async def recognise_several(
        self, pictures: Iterable[Picture], *, store: bool = True, **asked: Unpack[Asked]
    ) -> AsyncIterator[Recognition | DigitsError]:
        """Read pictures, many in each request. The error of one that is refused comes in its place."""
        for batch in _batches(pictures):
            for result in await self._run(_post(batch, store, asked, partial(_results, len(batch)))):
                yield result

    async def get(self, upload_id: str, *, alternatives: int | None = None) -> Upload:
        """Return an upload, and so many of the likeliest numbers if asked for."""
        return await self._run(_get(upload_id, alternatives))

    async def history(self, **filters: Unpack[Filters]) -> AsyncIterator[Upload]:
        """Go through the uploads; each page is fetched when it is needed."""
        query: str | None = _query(filters)
        while query:
            uploads, query = await self._run(_Call("GET", f"uploads?{query}", _page))
            for upload in uploads:
                yield upload

    async def correct(self, upload_id: str, label: str | None) -> Upload:
        """Say which number is written there; "" means that there is no digit, None removes the label."""
        return await self._run(_Call("PATCH", _path(upload_id), _answer, {"json": {"label": label}}))

    async def delete(self, upload_id: str) -> None:
        """Delete an upload and its picture."""
        await self._run(_Call("DELETE", _path(upload_id), _no_content))

    async def image(self, upload_id: str) -> bytes:
        """Return the picture as it was sent."""
        return await self._run(_Call("GET", f"{_path(upload_id)}/image", _picture))

    async def close(self) -> None:
        """Close the connections; an `async with` block does so at its end."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _run(self, call: _Call[T]) -> T:
        outcomes: list[_Outcome] = []
        while True:
            try:
                outcomes.append(await self._http.request(call.method, call.url, **call.options))
            except httpx.RequestError as error:
                outcomes.append(error)
            pause = call.pause(outcomes, self._retries)
            if pause is None:
                return call.result(outcomes)
            await asyncio.sleep(pause)


def _authorization(key: str | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"} if key else {}


def _post(pictures: list[bytes], store: bool, asked: Asked, parse: Callable[[httpx.Response], T]) -> _Call[T]:
    options = {
        "params": {"store": store, **asked},
        "headers": {"Idempotency-Key": str(uuid.uuid4())},
        "files": [("file", ("picture", data)) for data in pictures],
    }
    return _Call("POST", "uploads", parse, options)


def _get(upload_id: str, alternatives: int | None) -> _Call[Upload]:
    params = {} if alternatives is None else {"alternatives": alternatives}
    return _Call("GET", _path(upload_id), _answer, {"params": params})


def _bytes(picture: Picture) -> bytes:
    if isinstance(picture, bytes):
        return picture
    return Path(picture).read_bytes() if isinstance(picture, str | PathLike) else picture.read()


def _batches(pictures: Iterable[Picture]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    for data in map(_bytes, pictures):
        if batch and (len(batch) == BATCH or sum(map(len, batch)) + len(data) > BATCH_BYTES):
            yield batch
            batch = []
        batch.append(data)
    if batch:
        yield batch


def _path(upload_id: str) -> str:
    return f"uploads/{quote(upload_id, safe='')}"


def _query(filters: Mapping[str, Any]) -> str:
    written = {name: value.isoformat() if isinstance(value, date) else value for name, value in filters.items()}
    return str(httpx.QueryParams({"limit": PAGE} | written))


def _is_transient(outcome: _Outcome) -> bool:
    if isinstance(outcome, httpx.RequestError):
        return True
    if outcome.status_code != httpx.codes.MULTI_STATUS:
        return outcome.status_code in TRANSIENT
    try:
        return any(result.get("status") in TRANSIENT for result in outcome.json()["uploads"])
    except _UNREADABLE:
        return False


def _may_be_done(outcome: _Outcome) -> bool:
    """Whether a try that failed may have reached the server: its answer was lost, perhaps by a proxy."""
    return isinstance(outcome, httpx.RequestError) or outcome.status_code not in NOT_DONE


def _checked(response: httpx.Response) -> httpx.Response:
    if response.is_success:
        return response
    try:
        raise _known(DigitsError, {"status": response.status_code} | response.json())
    except (ValueError, TypeError):  # A proxy's answer, not the server's.
        detail = f"The server answered {response.status_code} {response.reason_phrase}."
        raise DigitsError(detail, response.status_code) from None


def _no_content(response: httpx.Response) -> None:
    if _checked(response).status_code != httpx.codes.NO_CONTENT:
        raise ValueError(response)


def _picture(response: httpx.Response) -> bytes:
    if not _checked(response).headers.get("Content-Type", "").startswith("image/"):
        raise ValueError(response)
    return response.content


def _answer(response: httpx.Response) -> Any:
    return _read(_checked(response).json())


def _page(response: httpx.Response) -> tuple[list[Upload], str]:
    """Uploads, and the query of the next page. Its path is left out, since behind a proxy it may be another."""
    page = _checked(response).json()
    return [_read(each) for each in page["uploads"]], urlsplit(page["next"] or "").query


def _results(count: int, response: httpx.Response) -> list[Recognition | DigitsError]:
    if response.status_code == httpx.codes.MULTI_STATUS:
        return [_known(DigitsError, each) if "detail" in each else _read(each) for each in response.json()["uploads"]]
    try:
        return [_answer(response)]
    except DigitsError as error:
        return [error] * count


def _read(answer: Mapping[str, Any]) -> Any:
    """An Upload, or a Recognition of what was not kept."""
    digits = [_known(Digit, digit | {"box": _known(Box, digit["box"])}) for digit in answer["digits"]]
    alternatives = [_known(Alternative, each) for each in answer.get("alternatives", [])]
    image = _known(Image, answer["image"])
    parts = {**answer, "digits": digits, "alternatives": alternatives, "image": image}
    for name in ("created_at", "labelled_at"):
        parts[name] = datetime.fromisoformat(answer[name]) if answer.get(name) else None
    return _known(Upload if "id" in answer else Recognition, parts)


def _known(kind: type[Any], answer: Mapping[str, Any]) -> Any:
    """Make an object of its fields, and ignore others, which newer servers may send."""
    return kind(**{each.name: answer[each.name] for each in fields(kind) if each.name in answer})
