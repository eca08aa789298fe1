"""How keys are made and known, and the contract of what keeps them, which every database fulfils."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from digits.admission.database import SqlKeys
from digits.admission.keys import ApiKey, Keys, Scope, copy_keys, find_key, new_key
from digits.errors import NotFound
from tests.fakes import MemoryKeys

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def keys(engine: sa.Engine | None) -> Keys:
    return SqlKeys(engine) if engine else MemoryKeys()


def made_key(minutes: int = 0, *scopes: Scope, days: int | None = None) -> ApiKey:
    return new_key("school", scopes or list(Scope), NOON + timedelta(minutes=minutes), days)[1]


def test_a_key_is_known_by_its_id_and_its_secret_alone() -> None:
    token, key = new_key("school", [Scope.READ], NOON)
    _, other = new_key("school", [Scope.READ], NOON)
    known = {key.id: key, other.id: other}
    assert find_key(token, known) == key
    changed = token[:-1] + ("0" if token[-1] != "0" else "1")
    for wrong in (changed, token.replace(key.id, other.id), token.upper(), f"{token} ", token[:-1], "", "digits__"):
        assert find_key(wrong, known) is None
    assert find_key(token, {other.id: other}) is None


def test_what_is_kept_of_a_key_does_not_let_anybody_in() -> None:
    token, key = new_key("school", [Scope.READ], NOON)
    assert token.rpartition("_")[2] not in repr(key)
    assert find_key(f"digits_{key.id}_{key.hash}", {key.id: key}) is None


def test_a_key_is_valid_until_it_expires() -> None:
    key = made_key(days=1)
    assert key.is_valid(NOON + timedelta(days=1, microseconds=-1))
    assert not key.is_valid(NOON + timedelta(days=1))


def test_a_key_comes_back_as_it_was(keys: Keys) -> None:
    made = [made_key(2, Scope.READ), made_key(1, Scope.WRITE, Scope.RECOGNISE, days=90), made_key(0)]
    for key in made:
        keys.add(key)
    assert keys.every() == made[::-1]


def test_a_key_is_revoked_once_and_for_good(keys: Keys) -> None:
    key, other = made_key(), made_key(1)
    keys.add(key)
    keys.add(other)
    revoked = keys.revoke(key.id, NOON)
    assert not revoked.is_valid(NOON)
    assert keys.revoke(key.id, NOON + timedelta(days=1)) == revoked
    assert keys.every() == [revoked, other]
    with pytest.raises(NotFound):
        keys.revoke("000000000000", NOON)


def test_after_each_change_the_version_is_another(keys: Keys) -> None:
    key, other = made_key(), made_key()
    versions = [keys.version()]
    for change in (
        lambda: keys.add(key),
        lambda: keys.add(other),
        lambda: keys.revoke(other.id, NOON),
        lambda: keys.revoke(key.id, NOON),
        keys.clear,
    ):
        change()
        assert keys.version() not in versions[-1:]
        assert keys.version() == keys.version()
        versions.append(keys.version())


def test_all_keys_can_be_deleted(keys: Keys) -> None:
    keys.add(made_key())
    assert keys.clear() == 1
    assert keys.every() == []


def test_the_secret_of_signatures_stays_the_same(keys: Keys) -> None:
    secret = keys.signing_secret()
    assert len(secret) > 8
    keys.add(made_key())
    keys.clear()
    assert keys.signing_secret() == secret


def test_keys_are_copied_and_what_was_revoked_since_then_too(keys: Keys) -> None:
    key, other = made_key(), made_key(1)
    source = MemoryKeys(key)
    copy_keys(source, keys)
    source.add(other)
    source.revoke(key.id, NOON)
    keys.revoke(key.id, NOON)
    copy_keys(source, keys)
    assert keys.every() == source.every()
