import base64
import hashlib
import json
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient
from PIL import Image
from werkzeug.test import TestResponse

from digits.uploads.models import Record
from support.drawing import encode, enormous_png, png
from support.forms import FORM, form
from tests.fakes import AbsentRecords, MemoryRecords, MemoryStorage

UNKNOWN = "0199f3a2-7c41-7b5e-9d3f-0123456789ab"
BLANK = encode(np.full((40, 40), 255, np.uint8))


def post(client: FlaskClient, data: bytes = b"", field: str = "file", query: str = "") -> TestResponse:
    return client.post(f"/uploads{query}", data=form(data, field=field), content_type=FORM)


def keep(client: FlaskClient, number: str = "7") -> Any:
    return post(client, png(number)).get_json()


def test_a_picture_comes_back_as_its_digit(client: FlaskClient) -> None:
    data = png("7")
    response = post(client, data)
    answer = response.get_json()
    assert response.status_code == 201
    assert response.headers["Location"] == answer["links"]["self"] == f"/uploads/{answer['id']}"
    assert (answer["number"], answer["digit"], answer["recognised"], answer["label"]) == ("7", 7, True, None)
    assert 0.5 < answer["confidence"] <= 1
    digit = answer["digits"][0]
    assert digit["digit"] == int(np.argmax(digit["probabilities"])) == 7
    assert sum(digit["probabilities"]) == pytest.approx(1, abs=1e-5)
    assert set(digit["box"]) == {"x", "y", "width", "height"}
    assert answer["image"] == {
        "width": 280,
        "height": 280,
        "format": "PNG",
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    assert answer["created_at"].endswith("Z")
    assert datetime.fromisoformat(answer["created_at"]).utcoffset() is not None


@pytest.mark.parametrize(
    ("query", "stages"), [("", ["decode", "find", "infer", "store"]), ("?store=false", ["decode", "find", "infer"])]
)
def test_an_answer_says_how_long_its_stages_took(client: FlaskClient, query: str, stages: list[str]) -> None:
    two = form(png("7"), png("8"))
    for body in (form(png("7")), two):
        told = client.post(f"/uploads{query}", data=body, content_type=FORM).headers["Server-Timing"]
        assert re.fullmatch(", ".join(rf"{stage};dur=\d+\.\d" for stage in stages), told)


def test_a_number_is_a_string_with_all_its_digits(client: FlaskClient) -> None:
    answer = post(client, png("007")).get_json()
    assert (answer["number"], answer["digit"], len(answer["digits"])) == ("007", None, 3)
    assert answer["text"] == "007"


@pytest.mark.parametrize("field", ["file", "files[]", "filepond"])
def test_the_fields_of_upload_widgets_are_known(client: FlaskClient, field: str) -> None:
    assert post(client, png("3"), field).get_json()["number"] == "3"


@pytest.mark.parametrize("content_type", ["image/png", "image/jpeg", "application/octet-stream", None])
def test_a_raw_body_is_a_picture_whatever_type_it_claims(client: FlaskClient, content_type: str | None) -> None:
    response = client.post("/uploads", data=png("3"), content_type=content_type)
    assert (response.status_code, response.get_json()["number"]) == (201, "3")


@pytest.mark.parametrize("prefix", ["", "data:image/png;base64,", "data:;base64,", "DATA:image/png;base64,"])
def test_json_holds_a_data_url_or_base64(client: FlaskClient, prefix: str) -> None:
    response = client.post("/uploads", json={"image": prefix + base64.b64encode(png("3")).decode()})
    assert (response.status_code, response.get_json()["number"]) == (201, "3")


def test_base64_may_be_broken_into_lines(client: FlaskClient) -> None:
    response = client.post("/uploads", json={"image": base64.encodebytes(png("3")).decode().replace("\n", "\r\n")})
    assert (response.status_code, response.get_json()["number"]) == (201, "3")


def test_several_pictures_each_get_their_result(client: FlaskClient, storage: MemoryStorage) -> None:
    response = client.post("/uploads", data=form(png("1"), b"text", png("2"), b"", field="a"), content_type=FORM)
    assert response.status_code == 207
    results = response.get_json()["uploads"]
    assert [result["status"] for result in results] == [201, 415, 201, 400]
    assert [result.get("number") for result in results] == ["1", None, "2", None]
    kept = client.get(results[0]["links"]["self"]).get_json()
    assert results[0] == {"status": 201} | kept
    assert len(storage.files) == 2


def test_two_files_under_one_name_are_two_uploads(client: FlaskClient) -> None:
    files = [(BytesIO(png(digit)), "digit.png") for digit in "45"]
    response = client.post("/uploads", data={"file": files})
    assert response.status_code == 207
    assert [result["number"] for result in response.get_json()["uploads"]] == ["4", "5"]


def test_more_than_twenty_files_are_refused_whole(client: FlaskClient, storage: MemoryStorage) -> None:
    files = [(BytesIO(png("1")), "digit.png") for _ in range(21)]
    response = client.post("/uploads", data={"file": files})
    assert response.status_code == 400
    assert "at most 20" in response.get_json()["detail"]
    assert storage.files == {}


def test_twenty_files_are_read(client: FlaskClient) -> None:
    response = client.post("/uploads", data=form(*[b"text"] * 20), content_type=FORM)
    assert response.status_code == 207
    assert [result["status"] for result in response.get_json()["uploads"]] == [415] * 20


def test_what_is_not_stored_has_no_id_and_leaves_nothing(
    client: FlaskClient, storage: MemoryStorage, records: MemoryRecords
) -> None:
    response = post(client, png("7"), query="?store=false")
    assert response.status_code == 200
    assert response.get_json()["number"] == "7"
    assert "Location" not in response.headers
    assert not {"id", "created_at", "label", "links"} & set(response.get_json())
    assert storage.files == {}
    assert records.rows == {}


def test_a_parameter_in_the_body_is_refused_and_nothing_is_kept(client: FlaskClient, storage: MemoryStorage) -> None:
    fields = {"store": "false", "file": (BytesIO(png("7")), "digit.png")}
    for sent in (
        client.post("/uploads", data=fields, content_type="multipart/form-data"),
        client.post("/uploads", json={"image": base64.b64encode(png("7")).decode(), "store": False}),
    ):
        assert_problem(sent, 400, "bad-request", "`store` belongs in the URL, as in /uploads?store=false.")
    assert storage.files == {}


@pytest.mark.parametrize("store", ["true", "false"])
def test_previews_show_what_the_model_saw(client: FlaskClient, store: str) -> None:
    digits = post(client, png("42"), query=f"?preview=true&store={store}").get_json()["digits"]
    for digit in digits:
        head, _, content = digit["preview"].partition(",")
        assert head == "data:image/png;base64"
        assert Image.open(BytesIO(base64.b64decode(content))).size == (28, 28)


def test_previews_are_sent_only_when_asked_for(client: FlaskClient) -> None:
    assert "preview" not in post(client, png("4")).get_json()["digits"][0]


@pytest.mark.parametrize("query", ["", "&store=false"])
def test_other_numbers_are_ranked_when_asked_for(client: FlaskClient, query: str) -> None:
    answer = post(client, png("42"), query=f"?alternatives=3{query}").get_json()
    first, *others = answer["alternatives"]
    assert first == {"number": "42", "confidence": answer["confidence"]}
    assert len(others) <= 2
    assert all(0 < each["confidence"] <= first["confidence"] for each in others)
    assert "alternatives" not in post(client, png("42")).get_json()


def test_an_upload_that_is_kept_tells_the_same_alternatives(client: FlaskClient) -> None:
    kept = post(client, png("42"), query="?alternatives=10").get_json()
    assert client.get(f"{kept['links']['self']}?alternatives=10").get_json() == kept
    answer = client.get(f"{kept['links']['self']}?alternative=10")
    assert_problem(answer, 400, "bad-request", "Did you mean `alternatives`?")


@pytest.mark.parametrize("most", ["0", "11", "", "three"])
def test_one_to_ten_numbers_are_ranked(client: FlaskClient, most: str) -> None:
    response = post(client, png(), query=f"?alternatives={most}")
    assert_problem(response, 400, "bad-request", "`alternatives` is a whole number from 1 to 10.")


def test_an_answer_explains_itself_as_the_upload_does_that_is_kept(client: FlaskClient) -> None:
    data = png("42")
    links = post(client, data).get_json()["links"]
    response = post(client, data, query="?explanation=true&store=false")
    head, _, content = response.get_json()["explanation"].partition(",")
    assert head == "data:image/png;base64"
    assert base64.b64decode(content) == client.get(links["explanation"]).data
    assert "explain;dur=" in response.headers["Server-Timing"]


def test_an_upload_is_found_again(client: FlaskClient) -> None:
    kept = keep(client)
    assert client.get(kept["links"]["self"]).get_json() == kept


def test_the_picture_comes_back_as_it_was_sent(client: FlaskClient) -> None:
    data = png("7")
    kept = post(client, data).get_json()
    response = client.get(kept["links"]["image"])
    assert response.data == data
    assert response.content_type == "image/png"
    assert response.headers["ETag"] == f'"{kept["image"]["sha256"]}"'
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    again = client.get(kept["links"]["image"], headers={"If-None-Match": response.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_a_picture_is_shown_as_nothing_else(client: FlaskClient) -> None:
    headers = client.get(keep(client)["links"]["image"]).headers
    assert headers["Content-Security-Policy"] == "default-src 'none'; sandbox"


def test_no_proxy_keeps_what_was_kept_and_browsers_ask_each_time(client: FlaskClient) -> None:
    for path in ("/uploads", *keep(client)["links"].values(), f"/uploads/{UNKNOWN}"):
        assert client.get(path).headers["Cache-Control"] == "private, no-cache"


def test_a_picture_that_the_browser_has_is_not_read_from_the_storage(
    client: FlaskClient, storage: MemoryStorage
) -> None:
    kept = keep(client)
    storage.delete([kept["id"]])
    url, sha256 = kept["links"]["image"], kept["image"]["sha256"]
    assert client.get(url, headers={"If-None-Match": f'"{sha256}"'}).status_code == 304
    assert client.get(url, headers={"If-None-Match": '"another"'}).status_code == 404


def test_the_preview_shows_all_digits_side_by_side(client: FlaskClient) -> None:
    response = client.get(keep(client, "123")["links"]["preview"])
    assert response.content_type == "image/png"
    assert Image.open(BytesIO(response.data)).size == (3 * 28, 28)


def test_the_explanation_is_the_picture_in_colours(client: FlaskClient) -> None:
    kept = keep(client, "123")
    response = client.get(kept["links"]["explanation"])
    assert response.content_type == "image/png"
    shown = Image.open(BytesIO(response.data))
    assert (shown.mode, shown.size) == ("RGB", (kept["image"]["width"], kept["image"]["height"]))


def test_a_deleted_upload_is_gone(client: FlaskClient, storage: MemoryStorage) -> None:
    links = keep(client)["links"]
    response = client.delete(links["self"])
    assert (response.status_code, response.data) == (204, b"")
    assert storage.files == {}
    for url in links.values():
        assert client.get(url).status_code == 404
    assert client.delete(links["self"]).status_code == 404


def test_the_list_runs_from_the_newest_page_by_page(client: FlaskClient) -> None:
    for number in "12345":
        keep(client, number)
    seen = []
    url = "/uploads?limit=2"
    while url:
        page = client.get(url).get_json()
        assert len(page["uploads"]) <= 2
        seen += [upload["number"] for upload in page["uploads"]]
        url = page["next"]
    assert seen == list("54321")


def test_an_empty_list_is_a_list(client: FlaskClient) -> None:
    assert client.get("/uploads").get_json() == {"uploads": [], "next": None}


def truncated(image_format: str) -> bytes:
    noise = np.random.default_rng(0).integers(0, 255, (60, 60), np.uint8)
    data = encode(noise, image_format)
    return data[: len(data) // 2]


@pytest.mark.parametrize(
    ("data", "status", "slug", "sentence"),
    [
        (b"", 400, "bad-request", "The file is empty"),
        (b"Seven", 415, "not-a-picture", "Send PNG, JPEG, WebP, GIF, BMP, TIFF, AVIF or HEIC"),
        (truncated("PNG"), 415, "not-a-picture", "damaged or incomplete"),
        (truncated("JPEG"), 415, "not-a-picture", "damaged or incomplete"),
        (enormous_png(), 413, "too-many-pixels", "at most 25,000,000"),
        (BLANK, 422, "no-ink", "nothing written"),
    ],
    ids=["empty", "text", "truncated PNG", "truncated JPEG", "enormous", "blank"],
)
def test_a_bad_picture_is_refused_with_a_sentence_and_leaves_nothing(
    client: FlaskClient,
    storage: MemoryStorage,
    records: MemoryRecords,
    data: bytes,
    status: int,
    slug: str,
    sentence: str,
) -> None:
    response = post(client, data)
    assert_problem(response, status, slug, sentence)
    assert storage.files == {}
    assert records.rows == {}


def assert_problem(response: TestResponse, status: int, slug: str, sentence: str) -> None:
    assert response.status_code == status
    assert response.content_type == "application/problem+json"
    assert response.get_json()["type"] == f"/problems/{slug}"
    assert response.get_json()["status"] == status
    assert sentence in response.get_json()["detail"]
    assert response.get_json()["request_id"] == response.headers["X-Request-ID"]


@pytest.mark.parametrize(
    ("body", "content_type", "status", "sentence"),
    [
        (b"", "application/json", 400, "has no body. Send the picture as multipart field `file`"),
        (b"", "multipart/form-data; boundary=x", 400, "holds no file"),  # Of an empty form, its end is sent.
        (b"--x\r\nrubbish", "multipart/form-data; boundary=x", 400, "cannot be read"),
        (
            b'{"image":\n "a" "b"}',
            "application/json",
            400,
            "not valid JSON. Line 2, column 6: Expecting ',' delimiter.",
        ),
        (b'{"image": "\n"}', "application/json", 400, "Line 1, column 12: Invalid control character."),
        (b"[" * 100_000, "application/json", 400, "not valid JSON"),
        (b"[]", "application/json", 400, "not an object"),
        (b"{}", "application/json", 400, 'needs a field "image"'),
        (b'{"image": 7}', "application/json", 400, 'needs a field "image"'),
        (b'{"image": "*** no base64 ***"}', "application/json", 400, "not valid base64"),
        (b'{"image": "\xff"}', "application/json", 400, "not valid JSON"),
        (b'{"image": ""}', "application/json", 400, "empty"),
        (b"", None, 400, "has no body. Send the picture as multipart field `file`"),
        (b"a=b", "application/x-www-form-urlencoded", 415, "not understood. Send the picture as multipart"),
        (b"Seven", "text/plain", 415, "not understood"),
    ],
)
def test_a_request_put_together_wrongly_is_told_how_to_do_it(
    client: FlaskClient, body: bytes, content_type: str | None, status: int, sentence: str
) -> None:
    response = client.post("/uploads", data=body, content_type=content_type)
    slug = "bad-request" if status == 400 else "unsupported-request"
    assert_problem(response, status, slug, sentence)


def test_a_content_type_set_by_hand_is_told_to_leave_it_out(client: FlaskClient) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="7.png"\r\n\r\n' + png() + b"\r\n--x--\r\n"
    response = client.post("/uploads", data=body, environ_overrides={"CONTENT_TYPE": "multipart/form-data"})
    assert_problem(response, 400, "bad-request", "names no boundary. Set no Content-Type yourself")


def test_a_file_in_the_wrong_field_is_told_the_right_one(client: FlaskClient) -> None:
    assert_problem(post(client, png(), "picture"), 400, "bad-request", "in the field `picture`. Name it `file`.")


def test_a_compressed_body_is_told_to_be_sent_as_it_is(client: FlaskClient) -> None:
    response = client.post("/uploads", data=b"\x1f\x8b", headers={"Content-Encoding": "gzip"})
    assert_problem(response, 415, "unsupported-request", "The Content-Encoding gzip is not understood.")


def test_a_path_sent_as_text_is_told_what_curl_wants(client: FlaskClient) -> None:
    response = client.post("/uploads", data={"file": "digit.png"}, content_type="multipart/form-data")
    assert_problem(response, 400, "bad-request", "write -F file=@digit.png")


@pytest.mark.parametrize("key", ["7", "..", "%2e%2e%2fuploads.db", UNKNOWN, UNKNOWN.upper(), UNKNOWN + "%00"])
@pytest.mark.parametrize("path", ["", "/image", "/preview.png", "/explanation.png"])
def test_an_unknown_or_malformed_id_is_not_found(client: FlaskClient, key: str, path: str) -> None:
    response = client.get(f"/uploads/{key}{path}")
    assert response.status_code == 404
    assert response.content_type == "application/problem+json"


def test_what_is_no_id_is_told_what_ids_look_like(client: FlaskClient) -> None:
    for response in (
        client.get("/uploads/7"),
        client.patch("/uploads/7", json={"label": "7"}),
        client.delete("/uploads/7"),
    ):
        assert_problem(response, 404, "not-found", "Ids look like 0199f3a2-")


def test_a_traversal_in_the_id_is_not_found(client: FlaskClient) -> None:
    for key in ("../../etc/passwd", "..%2f..%2fetc%2fpasswd", "....//etc/passwd"):
        assert client.get(f"/uploads/{key}/image").status_code in (308, 404)


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=101",
        "limit=ten",
        "limit=",
        "cursor=7",
        "cursor=",
        "limit=²",
        "limit=0000000011000000",
        "limit=" + "9" * 40,
    ],
)
def test_a_bad_page_is_refused(client: FlaskClient, query: str) -> None:
    assert client.get(f"/uploads?{query}").status_code == 400


@pytest.mark.parametrize("query", ["?store=no", "?preview=1", "?store="])
def test_a_flag_is_true_or_false(client: FlaskClient, query: str) -> None:
    assert_problem(post(client, png(), query=query), 400, "bad-request", "either true or false")


def test_of_a_flag_that_comes_twice_the_first_counts(client: FlaskClient) -> None:
    assert post(client, png(), query="?store=false&store=true").status_code == 200
    assert post(client, png(), query="?store=true&store=false").status_code == 201


def test_a_request_over_the_limit_is_told_the_limit(client_of: Callable[..., FlaskClient]) -> None:
    response = post(client_of(max_bytes=2000), bytes(3000))
    assert_problem(response, 413, "too-large", "at most 1.95 kB")


def test_a_form_of_too_many_parts_is_told_the_limit(client: FlaskClient) -> None:
    response = client.post("/uploads", data={f"part{i}": "x" for i in range(1100)}, content_type="multipart/form-data")
    assert_problem(response, 413, "too-large", "more than 1,000 parts")


def test_without_a_database_recognition_goes_on_and_nothing_is_half_kept(
    client_of: Callable[..., FlaskClient], storage: MemoryStorage
) -> None:
    client = client_of(records=AbsentRecords())
    response = post(client, png())
    assert_problem(response, 503, "unavailable", "?store=false")
    assert int(response.headers["Retry-After"]) > 0
    assert storage.files == {}
    assert post(client, png(), query="?store=false").status_code == 200


def test_an_unexpected_error_leaks_nothing(client_of: Callable[..., FlaskClient]) -> None:
    class BrokenRecords(MemoryRecords):
        def add(self, records: Sequence[Record]) -> Sequence[Record]:
            raise RuntimeError("the secret of the house")

    response = post(client_of(records=BrokenRecords()), png())
    assert_problem(response, 500, "internal", "request_id")
    assert "secret" not in json.dumps(response.get_json())
