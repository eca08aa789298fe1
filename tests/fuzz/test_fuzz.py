"""Whatever is sent, it is read or refused with a sentence, within a second of a core and 256 MB.

For an hour: FUZZ_SECONDS=3600 .venv/bin/python -m pytest tests/fuzz -m slow. What fails is in build/fuzz.
"""

import base64
import hashlib
import json
import os
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from digits.errors import Refused
from digits.settings import Settings
from digits.uploads.database import SqlRecords
from digits.uploads.engine import create_engine
from digits.uploads.pairing import prepare_uploads
from digits.vision.decode import read_picture
from digits.vision.strip import strip
from support import ROOT
from support.drawing import png
from tests.fuzz.mutating import files, mutated

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

SECONDS = float(os.environ.get("FUZZ_SECONDS", "60"))
MOST_CPU_SECONDS = 1.0
MOST_BYTES = 256 * 2**20
PIXELS = 25_000_000
FOUND = ROOT / "build" / "fuzz"
SMALL = png("7", size=20, pen=3, margin=4)


def search(cases: st.SearchStrategy[Any], holds: Callable[[Any], None], share: float) -> None:
    """Try new cases for this share of the time. What fails is made as short as possible, and written down."""
    end, tried, first = time.monotonic() + share * SECONDS, 0, time.time_ns()

    def checked(case: Any) -> None:
        nonlocal tried
        tried += 1
        try:
            holds(case)
        except BaseException:
            FOUND.mkdir(parents=True, exist_ok=True)
            (FOUND / "last").write_bytes(case if isinstance(case, bytes) else repr(case).encode())
            raise

    while time.monotonic() < end:
        round_of_examples = settings(
            max_examples=100,
            deadline=None,
            database=None,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        )
        seed(first + tried)(round_of_examples(given(cases)(checked)))()
    print(f"{tried:,} tried")


def peak() -> int:
    """The most memory that this process ever had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def test_any_file_is_read_or_refused() -> None:
    def holds(data: bytes) -> None:
        began = time.process_time()
        try:
            before = read_picture(data, PIXELS)
        except Refused:
            return
        finally:
            assert time.process_time() - began < MOST_CPU_SECONDS
            assert peak() - usual < MOST_BYTES
        after = read_picture(strip(data, PIXELS)[0], PIXELS)
        assert (before.width, before.height) == (after.width, after.height)

    for data in files():
        strip(data, PIXELS)
    usual = peak()
    search(mutated(files()), holds, 0.6)


def multipart(content: bytes) -> bytes:
    head = b'--cut\r\nContent-Disposition: form-data; name="file"; filename="7.png"\r\nContent-Type: image/png\r\n\r\n'
    return head + content + b"\r\n--cut--\r\n"


def in_json(name: str, value: object) -> bytes:
    return json.dumps({name: value}).encode()


DATA_URL = "data:image/png;base64," + base64.b64encode(SMALL).decode()
GRID = [0, 1] * 392
TENSOR = {"name": "grids", "shape": [1, 784], "datatype": "FP32", "data": GRID}
REQUESTS = [
    ("/uploads", "multipart/form-data; boundary=cut", multipart(SMALL)),
    ("/uploads", "multipart/form-data; boundary=cut", multipart(SMALL)[:-9] + b"\r\n" + multipart(SMALL)),
    ("/uploads", "application/json", in_json("image", DATA_URL)),
    ("/upload", "multipart/form-data; boundary=cut", multipart(SMALL)),
    ("/predict", "application/json", in_json("image", DATA_URL)),
    ("/predict", "application/json", in_json("data", GRID)),
    ("/", "application/x-www-form-urlencoded", b"pixeles=" + ",".join(map(str, GRID)).encode()),
    ("/v2/models/templates/infer", "application/json", in_json("inputs", [TENSOR])),
]


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, str, bytes]:
    """URL, Content-Type and body of a request that is nearly right."""
    url, content_type, body = draw(st.sampled_from(REQUESTS))
    if draw(st.integers(0, 9)) == 0:
        content_type = draw(mutated([each.encode() for _, each, _ in REQUESTS])).decode("latin-1")
    return url, "".join(filter(str.isprintable, content_type)), draw(mutated([body]))


def test_any_body_is_answered_or_refused(client: FlaskClient) -> None:
    def holds(sent: tuple[str, str, bytes]) -> None:
        url, content_type, body = sent
        began = time.process_time()
        answer = client.post(
            url, data=body, content_type=content_type, query_string={"store": "false"} if url == "/uploads" else None
        )
        assert answer.status_code < 500, answer.data
        assert time.process_time() - began < MOST_CPU_SECONDS

    for sent in REQUESTS:
        assert client.post(sent[0], content_type=sent[1], data=sent[2]).status_code in (200, 201, 207), sent[0]
    search(requests(), holds, 0.3)


ID = b"0199f3a2-7c41-7b5e-9d3f-0123456789ab"
VALUES = [ID, b"0.5_" + ID, b"7", b"true", b"2026-11-20T21:35:00Z", b"1e-5", hashlib.sha256(b"").hexdigest().encode()]
PARAMETERS = ("cursor", "order", "limit", "digit", "number", "sha256", "since", "until", "confidence_below", "labelled")


def test_any_id_cursor_and_label_is_answered_or_refused(
    client_of: Callable[..., FlaskClient], settings: Settings, tmp_path: Path
) -> None:
    prepare_uploads(settings.storage, settings.database)
    client = client_of(records=SqlRecords(create_engine(settings.database, durable=False)))
    value = mutated(VALUES).map(lambda data: data.decode("latin-1"))
    query = st.dictionaries(st.sampled_from(PARAMETERS), st.one_of(value, st.text(), st.just("confidence")), max_size=3)

    def holds(asked: tuple[str, dict[str, str], str]) -> None:
        key, query, label = asked
        for answer in (
            client.get("/uploads", query_string=query),
            client.get(f"/uploads/{quote(key)}", query_string={"alternatives": label}),
            client.get(f"/uploads/{quote(key)}/image", headers={"If-None-Match": '"x"'}),
            client.patch(f"/uploads/{quote(key)}", json={"label": label}),
            client.delete(f"/uploads/{quote(key)}"),
        ):
            assert answer.status_code < 500, answer.data

    search(st.tuples(value, query, st.one_of(value, st.text())), holds, 0.1)
