"""The keys as a worker knows them."""

import time
from collections.abc import Callable
from datetime import timedelta

import pytest

from digits.admission.keyring import Keyring
from digits.admission.keys import ApiKey, Scope, new_key
from digits.errors import KeyNeeded, Unavailable
from digits.uploads.service import now
from support.server import until
from tests.fakes import AbsentKeys, MemoryKeys


@pytest.fixture
def keyring(keys: MemoryKeys) -> Keyring:
    keyring = Keyring(keys)
    keyring.refresh()
    return keyring


def test_without_keys_none_is_needed(keyring: Keyring) -> None:
    assert not keyring.are_needed


def test_a_new_key_is_known_after_a_refresh_and_a_revoked_one_no_more(
    keyring: Keyring, keys: MemoryKeys, make_key: Callable[..., str]
) -> None:
    token = make_key("school")
    with pytest.raises(KeyNeeded):
        keyring.known().key_of(token)
    keyring.refresh()
    assert keyring.are_needed
    assert keyring.known().key_of(token).owner == "school"
    keys.revoke(token.split("_")[1], now())
    keyring.refresh()
    with pytest.raises(KeyNeeded, match="unknown, expired or revoked"):
        keyring.known().key_of(token)
    assert keyring.are_needed, "Else everybody would be let in."


def test_an_expired_key_is_refused(keyring: Keyring, keys: MemoryKeys) -> None:
    token, key = new_key("school", list(Scope), now() - timedelta(days=2), days=1)
    keys.add(key)
    keyring.refresh()
    with pytest.raises(KeyNeeded):
        keyring.known().key_of(token)


def test_keys_that_have_not_changed_are_not_read_again(make_key: Callable[..., str], keys: MemoryKeys) -> None:
    read: list[int] = []

    class Counting(MemoryKeys):
        def every(self) -> list[ApiKey]:
            read.append(1)
            return list(super().every())

    keyring = Keyring(Counting())
    for _ in range(3):
        keyring.refresh()
    assert len(read) == 1


def test_until_the_database_has_answered_nobody_is_let_in() -> None:
    keyring = Keyring(AbsentKeys())
    keyring.follow()
    assert keyring.are_needed
    with pytest.raises(Unavailable):
        keyring.known().key_of("digits")
    keyring.close()


def test_without_the_database_keys_stay_as_they_were_and_that_is_told_once(
    make_key: Callable[..., str], keys: MemoryKeys, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("digits.admission.keyring.REFRESH_SECONDS", 0.01)
    token, keyring = make_key("school"), Keyring(keys)
    keyring.follow()
    looks: list[float] = []

    def version() -> object:
        looks.append(time.monotonic())
        raise Unavailable("The database does not answer.")

    monkeypatch.setattr(keys, "version", version)
    until(lambda: len(looks) > 2, seconds=10)
    assert keyring.known().key_of(token).owner == "school"
    assert caplog.messages == ["The API keys stay as they were: The database does not answer."]
    keyring.close()
