"""Epochs that race: the later one has all that the earlier one was answered, and shuts it out."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack

import pytest

from common.config import Settings
from common.core.model.records import Changes
from common.errors import LeaseLost, StoreError
from common.store.postgres import fence
from common.store.postgres.postgres_writer import PostgresWriter
from tests.store.builders import open_next


def test_a_later_epoch_finds_all_that_the_earlier_one_was_answered(settings: Settings) -> None:
    """However they race: not one write of the earlier one comes after the later one has loaded."""
    for _ in range(15):
        earlier, answered = open_next(settings), [0]

        def write(writer: PostgresWriter = earlier, answered: list[int] = answered) -> None:  # type: ignore[assignment]
            try:
                while True:
                    writer.apply(Changes(meta={"n": str(answered[0] + 1)}))
                    answered[0] += 1
            except LeaseLost:
                answered.append(0)

        thread = threading.Thread(target=write)
        thread.start()
        while answered[0] < 3:
            time.sleep(0.001)
        later = open_next(settings)
        found = int(later.load().meta["n"])
        thread.join()

        assert answered == [found, 0]
        assert int(later.load().meta["n"]) == found
        earlier.close()
        later.close()


def test_a_transaction_that_is_paused_does_not_keep_a_successor_out(
    settings: Settings, writer: PostgresWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its session is ended, and nothing of it is written."""
    monkeypatch.setattr(fence, "PATIENCE_MS", 50)
    with ExitStack() as stack:
        paused = stack.enter_context(writer._transaction("write"))
        paused.execute("INSERT INTO meta(key, value) VALUES ('k', 'v')")
        later = open_next(settings)
        with pytest.raises(StoreError, match="cannot be reached"):
            stack.close()
    assert later.load().meta == {}
    with pytest.raises(LeaseLost):
        writer.apply(Changes(meta={"k": "v"}))
    later.close()
