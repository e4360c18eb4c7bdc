"""Slots of workers for sweeps: how many are taken, and by which names."""

from __future__ import annotations

import numpy as np

from common.core.model.batch import Batch
from common.core.model.limit import Limit
from common.core.workers.leases import GRACE, MOST_NAMES_UNDER_WAY, Workers
from common.messages import VERSION, Credit

NOW = 1_790_000_000.0
SUBJECT = Batch(np.arange(1), np.array([NOW]), "com", Limit("dns/com", 100.0, 400, None))


def credit(name: str = "fast-0@h", *, sweeps: int = 2, seen: int = 0, egress: str = "default", free: int = 4) -> Credit:
    """A credit message of a worker that sweeps."""
    return Credit(VERSION, name, f"boot of {name}", "fast", egress, ("dns",), 4, free, seen, 0, sweeps)


def test_a_sweep_takes_a_slot_for_sweeps_and_none_for_tasks() -> None:
    """Until the worker has seen it; then the figures of its credit count."""
    workers = Workers("boot")
    workers.note_credit(credit(), NOW)
    worker = workers.choose_sweepers()[0]
    sent = workers.grant_lease(worker, SUBJECT, 5, NOW, sweep=True)
    assert (worker.sweep_places(), worker.free_slots()) == (1, 4)

    workers.note_credit(credit(sweeps=1, seen=sent.seq), NOW)
    assert (worker.sweep_places(), worker.free_slots()) == (1, 4)


def test_a_lease_that_ran_out_takes_no_slot_any_more() -> None:
    """A lost message is not under way for ever: neither a task nor a sweep."""
    workers = Workers("boot")
    workers.note_credit(credit(), NOW)
    worker = workers.choose_sweepers()[0]
    for _ in range(2):
        workers.grant_lease(worker, SUBJECT, 5, NOW, sweep=True)
    for _ in range(4):
        workers.grant_lease(worker, SUBJECT, 5, NOW)
    assert workers.choose_sweepers() == []
    assert worker.free_slots() == 0

    assert len(workers.take_expired(NOW + 5 + GRACE)) == 6
    assert (worker.sweep_places(), worker.free_slots()) == (2, 4)


def test_sweeps_go_to_the_worker_with_most_slots_of_each_egress() -> None:
    """Those with most come first; a worker that is draining, or has none, gets none."""
    workers = Workers("boot")
    for name, places, egress in (("a", 1, "x"), ("b", 3, "x"), ("c", 2, "y"), ("d", 0, "z"), ("e", 9, "w")):
        workers.note_credit(credit(name, sweeps=places, egress=egress), NOW)
    workers.note_draining("e", "boot of e")

    assert [worker.name for worker in workers.choose_sweepers()] == ["b", "c"]


def test_names_without_priority_leave_a_slot_and_wait_while_many_are_under_way() -> None:
    """Slow zones with few names each do not delay a name with priority, and the work under way is bounded by names."""
    workers = Workers("boot")
    workers.note_credit(credit(sweeps=3), NOW)
    (worker,) = workers.choose_sweepers(urgent=False)
    small = [workers.grant_lease(worker, SUBJECT, 5, NOW, sweep=True, names=12) for _ in range(2)]
    assert (workers.choose_sweepers(urgent=False), workers.choose_sweepers()) == ([], [worker])

    workers.note_credit(credit(sweeps=1, seen=small[-1].seq), NOW)
    for lease in small:
        workers.finish_lease(lease.attempt)
    workers.note_credit(credit(sweeps=3, seen=small[-1].seq), NOW)
    large = workers.grant_lease(worker, SUBJECT, 5, NOW, sweep=True, names=MOST_NAMES_UNDER_WAY)
    assert (workers.choose_sweepers(urgent=False), workers.choose_sweepers()) == ([], [worker])

    workers.finish_lease(large.attempt)
    assert (worker.names_under_way, workers.choose_sweepers(urgent=False)) == (0, [worker])


def test_a_full_socket_takes_no_sweep_until_the_next_credit() -> None:
    """Where one message was not taken no other is."""
    workers = Workers("boot")
    workers.note_credit(credit(), NOW)
    lease = workers.grant_lease(workers.choose_sweepers()[0], SUBJECT, 5, NOW, sweep=True)
    workers.undo_lease(lease.attempt)
    assert workers.choose_sweepers() == []

    workers.note_credit(credit(), NOW)
    assert workers.choose_sweepers()[0].sweep_places() == 2
