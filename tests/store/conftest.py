"""One fixture per implementation of the store: the contract suite runs over all of them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from common.config import Settings, load
from common.core.shards.layout import build_layout
from common.shard_settings import settings_of_shard
from common.store.reader import open_reader
from common.store.shards import settle_layout
from common.store.store_contract import Reader, Writer
from tests.store.builders import open_next
from tests.store.postgres_server import PostgresServer, require_programs
from tests.store.shard_scene import SHARDS as WRITTEN
from tests.store.shard_scene import Shards

SettingsFactory = Callable[..., Settings]
KINDS = ("sqlite", "postgresql")
#: With them the second of three shards: it is written alone, and read with the others.
ALL_KINDS = (*KINDS, "shards")
SHARDS, SHARD, FIRST = 3, 1, "shards, the first"
#: Suffixes of all names in these tests, and a word with which they lie in that shard.
SUFFIXES = ("com", "uk", "xuk", "de", "org", "xcom", "test", "net")
#: For a test that relies on the numbers which it gives to events itself.
UNDIVIDED = pytest.mark.parametrize("new_settings", KINDS, indirect=True)
_WORD = next(word for word in map(str, range(99)) if build_layout(SHARDS, (), {"a.b": word}).shards_of(["a.b"]) == {SHARD})


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL of the tests' own."""
    server = PostgresServer(require_programs())
    yield server
    server.close()


def empty_store(request: pytest.FixtureRequest, kind: str, where: Path, **further: str) -> Settings:
    """Settings with an empty store of a kind, and further settings by their names; `where` is the directory of the state."""
    url = f"sqlite:///{where}.db"
    if kind != "sqlite":
        server: PostgresServer = request.getfixturevalue("postgres")
        url = server.url(server.new_schema())
    settings = {"STATE_DIR": str(where), "INSTANCE_ID": "here", "STORE_URL": url, **further}
    if not kind.startswith("shards"):
        return load(settings)
    divided = load({**settings, "SHARDS": str(SHARDS), "SHARD_SPREAD": "zz"})
    settle_layout(divided, dict.fromkeys(SUFFIXES, _WORD))
    return settings_of_shard(divided, 0 if kind == FIRST else SHARD)


@pytest.fixture(params=ALL_KINDS)
def new_settings(request: pytest.FixtureRequest, tmp_path: Path) -> SettingsFactory:
    """Makes settings with an empty store of each kind, another one with each call; further settings by their names."""
    count = itertools.count()
    return lambda **further: empty_store(request, request.param, tmp_path / f"state-{next(count)}", **further)


@pytest.fixture
def settings(new_settings: SettingsFactory) -> Settings:
    """Settings with an empty store of each kind."""
    return new_settings()


@pytest.fixture
def writer(settings: Settings) -> Iterator[Writer]:
    """The store, opened to write."""
    opened = open_next(settings)
    yield opened
    opened.close()


@pytest.fixture
def reader(settings: Settings, writer: Writer) -> Iterator[Reader]:
    """A reader next to the writer."""
    assert writer.engine
    opened = open_reader(settings)
    yield opened
    opened.close()


@pytest.fixture
def divided(postgres: PostgresServer, tmp_path: Path) -> Settings:
    """Those of a database that is divided."""
    url = postgres.url(postgres.new_schema())
    return load({"STATE_DIR": str(tmp_path), "STORE_URL": url, "SHARDS": str(WRITTEN)})


@pytest.fixture
def shards(divided: Settings) -> Iterator[Shards]:
    """Its writers."""
    opened = Shards(divided)
    yield opened
    opened.close()


@pytest.fixture
def whole(shards: Shards) -> Iterator[Reader]:
    """A reader of all of them."""
    with closing(open_reader(shards.settings)) as opened:
        yield opened
