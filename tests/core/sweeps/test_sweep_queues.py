"""Queues of names that wait for a sweep: first in first out, priority apart, suffixes in turns."""

from __future__ import annotations

import numpy as np

from common.core.model.batch import Batch
from common.core.model.limit import Limit
from common.core.sweeps.sweep_queues import SweepQueues

NOW = 1_790_000_000.0
LIMIT = Limit("dns/com", 10.0, 10, None)


def add(queues: SweepQueues, suffix: str, *ids: int, urgent: bool = False) -> None:
    """Queue these names."""
    queues.add_names(suffix, np.array(ids), np.full(len(ids), NOW), NOW, urgent=urgent)


def waiting(queues: SweepQueues, *, urgent: bool) -> list[str]:
    """The suffixes with names that wait, in the order of their turns."""
    return [suffix for suffix, _ in queues.waiting_queues(urgent=urgent)]


def test_names_with_priority_have_a_queue_of_their_own() -> None:
    """Both count."""
    queues = SweepQueues()
    add(queues, "com", 1, 2)
    add(queues, "com", 3, urgent=True)
    ((suffix, queue),) = queues.all_queues()

    assert suffix == "com"
    assert (queue.ordinary.all_ids().tolist(), queue.urgent.all_ids().tolist()) == ([1, 2], [3])
    assert (len(queue), len(queues)) == (3, 3)


def test_a_search_for_priority_passes_over_the_others() -> None:
    """A thousand suffixes without priority are not searched; one whose priority names left is forgotten."""
    queues = SweepQueues()
    add(queues, "com", 1)
    add(queues, "org", 2, urgent=True)
    assert waiting(queues, urgent=True) == ["org"]

    dict(queues.all_queues())["org"].urgent.take_ids(1)
    assert waiting(queues, urgent=True) == []
    assert waiting(queues, urgent=False) == ["com"]


def test_suffixes_take_turns() -> None:
    """Each that was yielded goes to the end, also where the search stops early."""
    queues = SweepQueues()
    for number, suffix in enumerate(("a", "b", "c")):
        add(queues, suffix, number)
    next(queues.waiting_queues(urgent=False))

    assert waiting(queues, urgent=False) == ["b", "c", "a"]


def test_a_lost_sweep_stays_together_and_keeps_its_priority() -> None:
    """It is sent again before other names, and counts as waiting."""
    queues = SweepQueues()
    add(queues, "com", 1)
    queues.requeue_batch(Batch(np.array([7, 8]), np.full(2, NOW), "com", LIMIT, urgent=True))
    ((_, queue),) = queues.all_queues()

    assert waiting(queues, urgent=True) == ["com"]
    assert len(queues) == 3
    assert [batch.ids.tolist() for batch in queue.take_lost()] == [[7, 8]]
    assert len(queues) == 1


def test_all_names_can_be_taken_out_with_their_due_times() -> None:
    """Lost ones included; nothing waits afterwards."""
    queues = SweepQueues()
    add(queues, "com", 1, 2)
    add(queues, "org", 3, urgent=True)
    queues.requeue_batch(Batch(np.array([7]), np.array([NOW - 5]), "com", LIMIT))
    taken = {
        name_id: due for ids, times in queues.take_all() for name_id, due in zip(ids.tolist(), times.tolist(), strict=True)
    }

    assert taken == {1: NOW, 2: NOW, 3: NOW, 7: NOW - 5}
    assert len(queues) == 0
    assert waiting(queues, urgent=True) == waiting(queues, urgent=False) == []
