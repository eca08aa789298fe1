"""`digits keys`."""

import re
from collections.abc import Callable

import pytest
from click.testing import Result

from digits.admission.keys import Scope, find_key
from digits.uploads.service import now
from tests.fakes import MemoryKeys


def test_a_new_key_is_shown_once_and_lets_its_holder_in(run: Callable[..., Result], keys: MemoryKeys) -> None:
    done = run("keys", "new", "--owner", "school-app", "--scope", "recognise, read", "--days", "90")
    assert done.exit_code == 0
    token = done.stdout.strip()
    key = find_key(token, keys.rows)
    assert key is not None
    assert (key.owner, key.scopes) == ("school-app", frozenset({Scope.RECOGNISE, Scope.READ}))
    assert key.expires_at is not None
    assert (key.expires_at - key.created_at).days == 90
    assert done.stderr.startswith(f"This is the key {key.id} of school-app. It is shown only now")
    assert token.rpartition("_")[2] not in run("keys", "list").output


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--owner", "two words", "--scope", "read"), "'two words' is no owner"),
        (("--owner", "", "--scope", "read"), "'' is no owner"),
        (("--owner", "me", "--scope", "reed"), "'reed' are no scopes. Give some of recognise, read, write"),
        (("--owner", "me", "--scope", ""), "are no scopes"),
        (("--owner", "me"), "Missing option '--scope'"),
        (("--owner", "me", "--scope", "read", "--days", "0"), "'--days'"),
    ],
)
def test_a_key_that_cannot_be_made_is_told(
    run: Callable[..., Result], keys: MemoryKeys, words: tuple[str, ...], told: str
) -> None:
    done = run("keys", "new", *words)
    assert done.exit_code == 2
    assert told in done.stderr
    assert not keys.rows


def test_keys_are_listed_with_what_has_become_of_them(
    run: Callable[..., Result], keys: MemoryKeys, make_key: Callable[..., str]
) -> None:
    make_key("first", Scope.READ)
    token = make_key("second", Scope.WRITE, Scope.READ, days=1)
    assert run("keys", "revoke", token.split("_")[1]).stdout.startswith("Revoked: ")
    heads, first, second = run("keys", "list").stdout.splitlines()
    assert re.split("  +", heads) == ["ID", "OWNER", "SCOPES", "MADE (UTC)", "EXPIRES", "REMARK"]
    assert re.fullmatch(r"[0-9a-f]{12}  first   read        \d{4}-\d\d-\d\d \d\d:\d\d  never", first)
    assert re.fullmatch(r"[0-9a-f]{12}  second  read,write  .{16}  \d{4}-\d\d-\d\d \d\d:\d\d  revoked", second)
    assert not keys.rows[token.split("_")[1]].is_valid(now())


def test_without_keys_the_list_says_so(run: Callable[..., Result]) -> None:
    done = run("keys", "list")
    assert (done.stdout, done.stderr) == ("", "There are no keys, so nobody needs one.\n")


def test_an_unknown_key_cannot_be_revoked(run: Callable[..., Result]) -> None:
    assert run("keys", "revoke", "000000000000").exit_code == 1


def test_all_keys_are_deleted_only_by_one_who_is_sure(
    run: Callable[..., Result], keys: MemoryKeys, make_key: Callable[..., str]
) -> None:
    make_key()
    assert run("keys", "clear").exit_code == 1
    assert len(keys.rows) == 1
    assert run("keys", "clear", "--yes").stdout == "Keys deleted: 1.\n"
    assert not keys.rows


def test_a_user_without_a_name_is_told_by_number(
    run: Callable[..., Result], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def getuser() -> str:
        raise KeyError("getpwuid(): uid not found: 4321")

    monkeypatch.setattr("digits.cli.command.getuser", getuser)
    monkeypatch.setattr("os.getuid", lambda: 4321)
    run("keys", "clear", "--yes")
    assert caplog.messages == ["keys deleted: count=0 by=4321"]


def test_the_audit_log_tells_who_made_and_revoked_a_key(
    run: Callable[..., Result], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "operator")
    key = run("keys", "new", "--owner", "me", "--scope", "write,read").stdout.split("_")[1]
    run("keys", "revoke", key)
    run("keys", "clear", "--yes")
    assert caplog.messages == [
        f"key made: key_id={key} owner=me scopes=read,write by=operator",
        f"key revoked: key_id={key} owner=me by=operator",
        "keys deleted: count=1 by=operator",
    ]
