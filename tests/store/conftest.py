"""One fixture per implementation of the store: the contract suite runs over all of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from common.config import Settings, load
from common.store.reader import open_reader
from common.store.store_contract import Reader, Writer
from tests.store.builders import open_next


@pytest.fixture(params=["sqlite"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Settings with an empty store of each kind."""
    urls = {"sqlite": f"sqlite:///{tmp_path}/store.db"}
    return load({"STATE_DIR": str(tmp_path), "INSTANCE_ID": "here", "STORE_URL": urls[request.param]})


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
