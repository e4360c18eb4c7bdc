"""Queues of ids: first in, first out, in arrays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.core.model.batch import IdQueue

NOW = 1_790_000_000.0


@settings(deadline=None)
@given(st.lists(st.one_of(st.integers(1, 40), st.integers(-40, -1)), max_size=30))
def test_ids_leave_in_the_order_they_came(steps: list[int]) -> None:
    """Whatever the sizes of what comes (above zero) and of what is taken (below)."""
    queue, waiting, given_out = IdQueue(), list[int](), 0
    for step in steps:
        if step > 0:
            ids = np.arange(given_out, given_out + step)
            queue.add_ids(ids, NOW + ids, NOW)
            waiting += ids.tolist()
            given_out += step
        elif waiting:
            ids, times = queue.take_ids(-step)
            assert ids.tolist() == waiting[:-step]
            assert times.tolist() == [NOW + name_id for name_id in waiting[:-step]]
            del waiting[:-step]
        assert queue.count == len(waiting)
        assert queue.all_ids().tolist() == waiting


def test_an_empty_queue_has_nothing_to_take() -> None:
    """It says so, instead of an array of nothing."""
    with pytest.raises(ValueError, match="concatenate"):
        IdQueue().take_ids(1)


def test_picked_ids_leave_the_others_in_order() -> None:
    """As many as wanted, from anywhere in the queue, with their times."""
    queue = IdQueue()
    for start in (0, 5, 10):
        ids = np.arange(start, start + 5)
        queue.add_ids(ids, NOW + ids, NOW)
    ids, times = queue.pick_ids(lambda piece: piece % 3 == 0, 4)

    assert (ids.tolist(), (times - NOW).tolist()) == ([0, 3, 6, 9], [0, 3, 6, 9])
    assert queue.all_ids().tolist() == [1, 2, 4, 5, 7, 8, 10, 11, 12, 13, 14]
    assert queue.pick_ids(lambda piece: piece > 99, 4)[0].tolist() == []
    assert queue.count == 11


def test_the_oldest_wait_begins_when_the_queue_was_last_empty() -> None:
    """It is at least as long as that of the first name."""
    queue = IdQueue()
    queue.add_ids(np.array([1]), np.array([NOW]), NOW)
    queue.add_ids(np.array([2]), np.array([NOW]), NOW + 5)
    assert queue.since == NOW
    queue.take_ids(2)
    queue.add_ids(np.array([3]), np.array([NOW]), NOW + 9)
    assert queue.since == NOW + 9
