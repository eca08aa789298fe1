"""Databases for the tests of what is kept in them."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from digits.uploads.engine import create_engine
from digits.uploads.schema import migrate

POSTGRESQL = pytest.param("postgresql", marks=pytest.mark.slow)


@contextmanager
def made(url: str) -> Iterator[sa.Engine]:
    engine = create_engine(url)
    migrate(engine)
    yield engine
    engine.dispose()
