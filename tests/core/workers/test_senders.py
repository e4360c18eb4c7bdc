"""Whose word counts on a bus with keys: a sender speaks for the workers of its own key only, and never for this host."""

from __future__ import annotations

import pytest

from common.core.coordinator.inputs import MessageArrived, WorkerLeft
from common.core.workers.leases import MOST_OF_KEY, Workers
from common.core.workers.senders import key_of, mark_sender, name_without_key
from common.messages import Bye, Command, Credit, DeliveryResult, DeliveryResults, Result, Results, Upward
from tests.core.coordinator.sample_messages import CREDIT, SEEN
from tests.sim.world import World

#: Drives a simulated world.
pytestmark = pytest.mark.simulation

NOTIFIER = Credit(CREDIT.version, "notifier-9@sim", "b", "notifier", "default", (), 16, 16, 0)


@pytest.mark.parametrize("message", [CREDIT, Bye("fast-0@sim", "b1"), Results(CREDIT, ())])
def test_a_sender_is_called_by_its_own_word_and_its_key(message: Upward) -> None:
    """Two keys with one name are two workers; the coordinator's own key adds nothing."""
    assert mark_sender(message, "") == message
    found = mark_sender(message, "k#@1")
    assert isinstance(found, Credit | Bye | Results)
    worker = found.credit.worker if isinstance(found, Results) else found.worker
    assert (name_without_key(worker), key_of(worker)) == ("fast-0@sim", "k#@1")


@pytest.mark.parametrize("message", [Command("refresh"), NOTIFIER, DeliveryResults(NOTIFIER, (DeliveryResult("a", 200),))])
def test_what_only_this_host_may_say_is_refused_from_elsewhere(message: Upward) -> None:
    """A worker's key neither gives orders nor takes callbacks, which it could say were delivered."""
    world = World()
    assert mark_sender(message, "key") is None
    before = len(world.core.rooms.workers.snapshot(world.now))
    assert world.core.handle(MessageArrived(message, "key"), world.now) == []
    assert len(world.core.rooms.workers.snapshot(world.now)) == before


def test_nobody_answers_or_leaves_for_a_worker_of_another_key() -> None:
    """It knows everything of the other: its name, its start and what it was asked."""
    world = World(interval=20.0, priority=2.0)
    world.watch("a.com", priority=True)
    world.run(1.0)
    workers = world.core.rooms.workers
    worker = next(each for each in workers._workers.values() if each.pool == "fast")
    lease = workers.grant_lease(worker, object(), 10.0, world.now)
    forged = Credit(CREDIT.version, worker.name, worker.boot, "fast", "default", ("dns",), 9, 9, 0)
    world.core.handle(MessageArrived(Results(forged, (Result(lease.attempt, SEEN),)), "key"), world.now)
    world.core.handle(MessageArrived(Bye(worker.name, worker.boot), "key"), world.now)

    assert workers.lease_subject(lease.attempt) is lease.ref
    assert workers._workers[worker.name] is worker
    assert not worker.draining


def test_a_worker_of_another_key_works_is_known_by_it_and_leaves_by_its_topic() -> None:
    """Its topic has no mark; what it answered has: the second pass has to know whose answer it confirms."""
    world = World(interval=20.0, priority=2.0)
    for worker in world.workers.values():
        worker.key = "" if worker.pool == "notifier" else "key"
    world.run(10.0)
    world.watch("a.com", priority=True)
    world.run(30.0)
    workers = world.core.rooms.workers
    assert b"fast-0@sim#key" in b"".join(row.detail or b"" for row in world.stored.rows.values())
    boot = workers._workers["fast-0@sim#key"].boot
    world.core.handle(WorkerLeft("fast-0@sim", boot), world.now)
    assert "fast-0@sim#key" not in workers._workers


def test_one_key_takes_no_places_from_the_others() -> None:
    """Even where each of its workers has answered something, and none of them could make room."""
    workers = Workers("boot")
    for number in range(MOST_OF_KEY):
        credit = mark_sender(Credit(CREDIT.version, f"fast-{number}@evil", "b", "fast", "e", ("dns",), 9, 9, 0), "key")
        assert isinstance(credit, Credit)
        assert workers.admits_worker(credit)
        workers.note_credit(credit, 0.0)
    one_more = Credit(CREDIT.version, "fast-x@evil", "b", "fast", "e", ("dns",), 9, 9, 0)
    more = mark_sender(one_more, "key")
    assert isinstance(more, Credit)
    assert not workers.admits_worker(more)
    assert workers.admits_worker(one_more)
