"""`digits history` and `digits label`."""

import json
from collections.abc import Callable

import pytest
from click.testing import Result

from support.records import record
from tests.fakes import MemoryRecords

UNKNOWN = "0199f3a2-7c41-7b5e-9d3f-0123456789ab"


def test_uploads_are_listed_newest_first_with_what_a_person_said(
    run: Callable[..., Result], keep: Callable[..., str]
) -> None:
    keys = keep("7"), keep("45", "45\n6"), keep("3", "")
    done = run("history")
    assert done.exit_code == 0
    heads, *rows = done.output.splitlines()
    assert heads.split() == ["ID", "TIME", "(UTC)", "NUMBER", "CONFIDENCE", "LABEL", "REMARK"]
    assert [row.split()[0] for row in rows] == list(keys[::-1])
    assert rows[0].endswith("no digit")
    assert rows[1].endswith("45 / 6")


def test_a_doubtful_number_is_said_to_be(run: Callable[..., Result], records: MemoryRecords) -> None:
    records.add([record(text="7\n1", recognised=False)])
    row = run("history").output.splitlines()[1]
    assert "  7 / 1  " in row
    assert row.endswith("not recognised")


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["--digit", "7"], ["7"]),
        (["--number", "45"], ["45"]),
        (["--labelled"], ["45"]),
        (["--unlabelled"], ["3", "7"]),
        (["--not-recognised"], ["3"]),
        (["--recognised", "--limit", "1"], ["45"]),
        (["--confidence-below", "0.5"], ["3"]),
        (["--order", "confidence", "--limit", "1"], ["3"]),
        (["--since", "2999-01-01"], []),
        (["--until", "2999-01-01T12:00:00Z"], ["3", "45", "7"]),
    ],
)
def test_uploads_are_filtered_as_over_http(
    run: Callable[..., Result], keep: Callable[..., str], records: MemoryRecords, words: list[str], found: list[str]
) -> None:
    keep("7"), keep("45", "46")
    records.add([record(number="3", confidence=0.2, recognised=False)])
    done = run("history", "--json", *words)
    assert done.exit_code == 0
    assert [json.loads(line)["number"] for line in done.stdout.splitlines()] == found


def test_an_upload_in_json_is_what_the_server_answers_but_for_its_links(
    run: Callable[..., Result], keep: Callable[..., str]
) -> None:
    key = keep("7", "1")
    said = json.loads(run("history", "--json").output)
    assert (said["id"], said["number"], said["label"]) == (key, "7", "1")
    assert said["created_at"].endswith("Z")
    assert said["image"]["format"] == "PNG"
    assert "links" not in said


@pytest.mark.parametrize(
    ("option", "value", "sentence"),
    [
        ("--digit", "77", "`digit` is one digit, from 0 to 9."),
        ("--confidence-below", "2", "`confidence_below` is a number from 0 to 1, such as 0.5."),
        ("--since", "yesterday", "`since` is a day or a time, such as 2026-11-20"),
        ("--limit", "0", "0 is not in the range x>=1."),
        ("--order", "oldest", "'oldest' is not one of 'newest', 'confidence'."),
    ],
)
def test_a_filter_that_is_wrong_is_told(run: Callable[..., Result], option: str, value: str, sentence: str) -> None:
    done = run("history", option, value)
    assert done.exit_code == 2
    assert sentence in done.output


def test_an_empty_history_says_so(run: Callable[..., Result]) -> None:
    done = run("history")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "There are no such uploads.\n")


@pytest.mark.parametrize(
    ("words", "label"), [(["42"], "42"), ([r"45\n6"], "45\n6"), (["--none"], ""), (["--remove"], None)]
)
def test_a_label_is_kept_and_taken_back(
    run: Callable[..., Result], keep: Callable[..., str], records: MemoryRecords, words: list[str], label: str | None
) -> None:
    key = keep("7", "1")
    done = run("label", key, *words)
    assert (done.exit_code, records.get(key).label) == (0, label)
    assert (records.get(key).labelled_at is None) == (label is None)
    assert done.output.startswith(f"{key}: ")
    assert done.output.endswith("; it was read as 7.\n")


@pytest.mark.parametrize("words", [[], ["7", "--none"], ["--none", "--remove"], ["seven"], [""], ["7" * 1001], ["7\n"]])
def test_a_label_that_is_wrong_is_refused(
    run: Callable[..., Result], keep: Callable[..., str], records: MemoryRecords, words: list[str]
) -> None:
    key = keep("7", "1")
    done = run("label", key, *words)
    assert (done.exit_code, records.get(key).label) == (2, "1")
    assert "Error: " in done.output


@pytest.mark.parametrize("key", [UNKNOWN, "7", "../uploads.db"])
def test_an_upload_that_does_not_exist_is_told(run: Callable[..., Result], key: str) -> None:
    done = run("label", key, "7")
    assert (done.exit_code, done.output.count("\n")) == (1, 1)
    assert "There is no upload with this id." in done.output
