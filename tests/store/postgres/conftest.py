"""An empty database, the store opened in it, and a session of another program beside it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from common.config import Settings
from common.store.postgres.postgres_writer import PostgresWriter
from tests.store.builders import open_next
from tests.store.conftest import empty_store


@pytest.fixture
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Settings with an empty database."""
    return empty_store(request, "postgresql", tmp_path / "state")


@pytest.fixture
def writer(settings: Settings) -> Iterator[PostgresWriter]:
    """The store, opened to write."""
    opened = open_next(settings)
    assert isinstance(opened, PostgresWriter)
    yield opened
    opened.close()


@pytest.fixture
def beside(settings: Settings, writer: PostgresWriter) -> Iterator[psycopg.Connection]:
    """A session of another program, beside the store."""
    assert writer.engine.startswith("PostgreSQL")
    with closing(psycopg.connect(settings.store_url, autocommit=True)) as connection:
        yield connection
