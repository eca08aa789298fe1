"""How requests are counted, in memory and in Redis alike."""

import secrets
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from redis import Redis

from digits.admission import rates
from digits.admission.rates import (
    Counter,
    MemoryCounter,
    RateLimit,
    RedisCounter,
    Standing,
    open_rate_limit,
    sender_of,
)
from digits.settings import Settings

REDIS = pytest.param("redis", marks=pytest.mark.slow)


@pytest.fixture(params=["memory", REDIS])
def counter(request: pytest.FixtureRequest) -> Counter:
    if request.param == "memory":
        return MemoryCounter()
    return RedisCounter(Redis.from_url(request.getfixturevalue("redis_url")))


@pytest.fixture
def sender() -> str:
    return secrets.token_hex(6)


def test_each_sender_may_send_so_many_requests_in_a_window(counter: Counter, sender: str) -> None:
    limit = RateLimit(2, 60, counter)
    standings = [limit.hit(sender) for _ in range(3)]
    assert standings == [Standing(2, used, 60) for used in (1, 2, 3)]
    assert [each.remaining for each in standings if each] == [1, 0, 0]
    assert [each.is_exceeded for each in standings if each] == [False, False, True]
    other = limit.hit(f"{sender}-other")
    assert other is not None
    assert other.used == 1


def test_after_a_window_comes_another(counter: Counter, sender: str) -> None:
    limit = RateLimit(1, 1, counter)
    for _ in range(2):
        standing = limit.hit(sender)
        assert standing is not None
        assert not standing.is_exceeded
        time.sleep(1.1)


def test_of_many_at_once_as_many_pass_as_may(counter: Counter, sender: str) -> None:
    limit = RateLimit(50, 60, counter)
    with ThreadPoolExecutor(8) as threads:
        standings = list(threads.map(lambda _: limit.hit(sender), range(200)))
    assert sum(not each.is_exceeded for each in standings if each) == 50


@pytest.mark.slow
def test_in_redis_the_limit_is_that_of_all_machines(redis_url: str, sender: str) -> None:
    settings = Settings.read(rate="10/minute", rate_storage=redis_url, workers=4)
    limits = [open_rate_limit(settings) for _ in range(4)]
    standings = [limit.hit(sender) for limit in limits if limit for _ in range(5)]
    assert sum(not each.is_exceeded for each in standings if each) == 10


def test_without_redis_each_worker_allows_its_share(sender: str) -> None:
    limit = open_rate_limit(Settings.read(rate="10/minute", workers=4))
    assert limit is not None
    assert limit.hit(sender) == Standing(3, 1, 60)
    assert not limit.waits


def test_without_a_rate_nothing_is_counted() -> None:
    assert open_rate_limit(Settings.read()) is None


def test_while_redis_does_not_answer_all_pass_and_the_log_says_so(
    sender: str, caplog: pytest.LogCaptureFixture
) -> None:
    limit = open_rate_limit(Settings.read(rate="1/minute", rate_storage="unix:///nowhere/redis.sock"))
    assert limit is not None
    assert limit.waits
    assert [limit.hit(sender) for _ in range(3)] == [None, None, None]
    (line,) = caplog.messages
    assert line.startswith("Requests are not limited, since Redis does not answer: ")


def test_the_memory_stays_small_however_many_senders_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "MOST_COUNTED", 3)
    counter = MemoryCounter()
    for number in range(10):
        counter.hit(str(number), 60)
    assert len(counter._windows) == 3
    assert counter.hit("9", 60)[0] == 2


def test_windows_that_have_ended_are_dropped() -> None:
    counter = MemoryCounter()
    for number in range(10):
        counter.hit(str(number), 0)
    assert len(counter._windows) == 1


@pytest.mark.parametrize(
    ("address", "sender"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_an_ipv6_address_counts_as_its_network(address: str, sender: str) -> None:
    assert sender_of(address) == sender
