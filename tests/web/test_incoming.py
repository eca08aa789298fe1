"""Pictures taken out of requests: the short road for usual forms, beside the parser for all."""

import pytest
from hypothesis import given

from digits.web.incoming import FIELDS, only_file, parts_of
from support.drawing import png
from support.forms import BOUNDARY, FORM, form
from tests.fuzz.mutating import mutated

CURL = form(png(), name='filename="IMG 2026 (1).png"').replace(b"image/png", b"application/octet-stream")


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("file", [png(), b"", b"\r\n", b"\r\n--", b"--" + BOUNDARY.encode()])
def test_the_only_file_of_a_usual_form_is_found(field: str, file: bytes) -> None:
    assert only_file(FORM, form(file, field=field)) == file


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (FORM.replace("boundary", "charset=utf-8; boundary"), form(png())),
        (FORM + "x", form(png())),
        (FORM, form(png(), png())),
        (FORM, form(png(), field="picture")),
        (FORM, form(png(), name='filename=""')),
        (FORM, form(png(), name='filename*="7.png"')),
        (FORM, form(png())[:-4]),
        (FORM, form(png()) + b"more"),
        (FORM, b""),
    ],
)
def test_all_else_is_left_to_the_parser(content_type: str, body: bytes) -> None:
    assert only_file(content_type, body) is None


@given(mutated([form(b"picture"), form(b"one", b"two"), form(b"", name='filename="a"'), CURL]))
def test_what_is_found_is_what_the_parser_finds(body: bytes) -> None:
    file = only_file(FORM, body)
    if file is not None:
        (part,) = parts_of(body, BOUNDARY)
        assert part.field in FIELDS
        assert (part.is_file, part.content) == (True, file)
