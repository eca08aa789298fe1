"""Three instances on one PostgreSQL and one S3, behind nginx as docs/scaling.md has it: they behave as one."""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
import sqlalchemy as sa

from digits.admission.keyring import REFRESH_SECONDS
from digits.uploads.blobs import open_storage
from digits.uploads.database import SqlRecords
from digits.uploads.engine import create_engine
from digits.uploads.models import Wanted, every
from support import backends
from support.drawing import png
from support.nginx import PROGRAM
from support.server import until
from tests.e2e.cluster import Cluster, Sent, Shared, load, shared_s3, started
from tests.e2e.test_keys import keys

_POSTGRESQL = backends.postgresql_programs()
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PROGRAM, reason="nginx is not installed"),
    pytest.mark.skipif(not _POSTGRESQL, reason="PostgreSQL is not installed"),
]
SOME = 20
"""Uploads that show that it works."""
SECONDS = 60
"""In which it must."""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    assert _POSTGRESQL
    with (
        backends.postgresql(_POSTGRESQL) as database,
        backends.s3() as objects,
        shared_s3(tmp_path_factory.mktemp("shared"), objects) as (s3, environment),
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in environment.items():
            patch.setenv(name, value)
        yield Shared(database, s3, objects.bucket("digits") + "/uploads")


@pytest.fixture(scope="module")
def cluster(shared: Shared, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with started(tmp_path_factory.mktemp("cluster"), **shared.settings) as cluster:
        yield cluster


def post(url: str, **headers: str) -> requests.Response:
    return requests.post(f"{url}/uploads", data=png("7"), headers=headers, timeout=60)


@pytest.mark.usefixtures("cluster")
def test_they_make_one_of_each_table_and_secret_when_all_start_at_once(shared: Shared) -> None:
    engine = create_engine(shared.database.url)
    with engine.connect() as connection:
        for table in ("alembic_version", "signing_secrets", "storages"):
            assert connection.scalar(sa.select(sa.func.count()).select_from(sa.table(table))) == 1
    engine.dispose()


def test_an_upload_to_one_is_read_corrected_and_deleted_on_the_others(cluster: Cluster) -> None:
    first, second, third = (instance.url for instance in cluster.instances)
    kept = post(first).json()
    itself = kept["links"]["self"]
    assert requests.get(second + itself, timeout=30).json() == kept
    assert requests.get(third + kept["links"]["image"], timeout=30).content == png("7")
    corrected = requests.patch(second + itself, json={"label": "1"}, timeout=30).json()
    assert requests.get(f"{third}/uploads?labelled=true", timeout=30).json()["uploads"] == [corrected]
    assert requests.delete(third + itself, timeout=30).status_code == 204
    assert {requests.get(url + itself, timeout=30).status_code for url in (first, second, third)} == {404}


def test_an_idempotency_key_that_is_sent_to_all_at_once_keeps_one_upload(cluster: Cluster, shared: Shared) -> None:
    before = records_of(shared)
    urls = [instance.url for instance in cluster.instances] * 4
    with ThreadPoolExecutor(len(urls)) as threads:
        answers = list(threads.map(lambda url: post(url, **{"Idempotency-Key": "once"}).json(), urls))
    assert [answers[0]] * len(urls) == answers
    assert records_of(shared) - before == {answers[0]["id"]}


def test_keys_and_signed_links_of_one_work_on_all(cluster: Cluster, shared: Shared, tmp_path: Path) -> None:
    token = keys(tmp_path, "new", "--owner", "me", "--scope", "recognise,read", **shared.settings)
    headers = {"X-API-Key": token}
    urls = [instance.url for instance in cluster.instances]
    until(lambda: {post(url).status_code for url in urls} == {401}, 4 * REFRESH_SECONDS)
    for url in urls:
        link = post(url, **headers).json()["links"]["image"]
        for other in urls:
            assert requests.get(other + link, timeout=30).content == png("7")
            assert requests.get(other + link[:-1], timeout=30).status_code == 401
    keys(tmp_path, "clear", "--yes", **shared.settings)
    until(lambda: {post(url).status_code for url in urls} == {201}, 4 * REFRESH_SECONDS)


@pytest.mark.skipif(not shutil.which("redis-server"), reason="Redis is not installed")
def test_a_rate_is_exact_over_all(shared: Shared, tmp_path: Path) -> None:
    with (
        backends.redis() as redis,
        started(tmp_path, rate="20/hour", rate_storage=redis, **shared.settings) as cluster,
        ThreadPoolExecutor(8) as threads,
    ):
        urls = [cluster.url, *(instance.url for instance in cluster.instances)] * 15
        statuses = list(threads.map(lambda url: post(url).status_code, urls))
    assert sorted(statuses) == [201] * 20 + [429] * 40


def test_a_rolling_restart_answers_all_and_keeps_each_once(cluster: Cluster, shared: Shared) -> None:
    before = records_of(shared)
    with load(cluster.url) as sent:
        for instance in cluster.instances:
            instance.stop()
            instance.start()
            wait_for_more(sent)
    assert (sent.failed, sent.refused) == ([], [])
    assert records_of(shared) - before == sent.kept


def test_an_instance_that_is_killed_costs_no_request(cluster: Cluster, shared: Shared) -> None:
    before = records_of(shared)
    with load(cluster.url) as sent:
        wait_for_more(sent)
        cluster.instances[0].kill()
        wait_for_more(sent)
        cluster.instances[0].start()
    assert (sent.failed, sent.refused) == ([], [])
    assert records_of(shared) - before == sent.kept


@pytest.mark.parametrize("part", ["database", "s3"])
def test_without_a_shared_part_uploads_are_503_until_it_is_back(cluster: Cluster, shared: Shared, part: str) -> None:
    away = getattr(shared, part)
    with load(cluster.url) as sent:
        wait_for_more(sent)
        away.stop()
        until(lambda: len(sent.refused) > SOME, SECONDS)
        away.start()
        wait_for_more(sent)
    assert sent.failed == []
    assert {(response.status_code, response.headers["Retry-After"]) for response in sent.refused} == {(503, "5")}
    assert sent.kept <= records_of(shared) <= set(open_storage(shared.storage).every_key())


def wait_for_more(sent: Sent) -> None:
    """Waits until some more uploads are acknowledged."""
    kept = len(sent.kept)
    until(lambda: len(sent.kept) > kept + SOME, SECONDS)


def records_of(shared: Shared) -> set[str]:
    """Ids of all that is kept."""
    engine = create_engine(shared.database.url)
    ids = {record.id for record in every(SqlRecords(engine), Wanted())}
    engine.dispose()
    return ids
