"""Reads of the store in threads: what comes after its caller has left."""

from __future__ import annotations

import asyncio
import gc
import threading
from typing import Any

import pytest

from actors.control import store_readers
from actors.control.store_readers import StoreReaders
from common.errors import StoreError
from common.store.store_contract import Reader


def test_a_look_that_fails_after_its_deadline_is_no_forgotten_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that is away answers late: the look says nothing, and the loop has no exception to complain about."""
    monkeypatch.setattr(store_readers, "LOOK_DEADLINE", 0.01)
    late, complaints = threading.Event(), list[dict[str, Any]]()

    def open_reader() -> Reader:
        late.wait(5.0)
        raise StoreError("it cannot be reached")

    async def story() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        readers = StoreReaders(open_reader)
        assert await readers.probe(lambda reader: reader.last_seq()) == (None, None)
        late.set()
        await readers.close()
        await asyncio.sleep(0)
        gc.collect()

    asyncio.run(story())

    assert complaints == []
