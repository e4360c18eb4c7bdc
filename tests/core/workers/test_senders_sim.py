"""Senders of messages, through the whole core: no key answers or leaves for the worker of another."""

from __future__ import annotations

import pytest

from common.core.coordinator.inputs import MessageArrived, WorkerLeft
from common.core.model.records import DeliveryRow
from common.messages import Bye, Command, Credit, DeliveryResult, DeliveryResults, Result, Results, Upward
from tests.core.coordinator.sample_messages import CREDIT, SEEN
from tests.sim.world import World

#: Drives a simulated world.
pytestmark = pytest.mark.simulation

NOTIFIER = Credit(CREDIT.version, "notifier-9@sim", "b", "notifier", "default", (), 16, 16, 0)


@pytest.mark.parametrize("message", [Command("refresh"), NOTIFIER, DeliveryResults(NOTIFIER, (DeliveryResult("a", 200),))])
def test_messages_of_this_host_alone_have_no_effect_with_a_key(message: Upward) -> None:
    """They are dropped, and no worker is known by them."""
    world = World()
    before = len(world.core.rooms.workers.snapshot(world.now))
    assert world.core.handle(MessageArrived(message, "key"), world.now) == []
    assert len(world.core.rooms.workers.snapshot(world.now)) == before


def test_no_key_answers_or_leaves_for_a_worker_of_another() -> None:
    """Not even with its name, its start and the attempt id of its lease."""
    world = World(interval=20.0, priority=2.0)
    world.watch("a.com", priority=True)
    world.run(1.0)
    workers = world.core.rooms.workers
    worker = next(each for each in workers._workers.values() if each.pool == "fast")
    lease = workers.grant_lease(worker, DeliveryRow("id", "notice", "a.com", 1, b""), 10.0, world.now)
    forged = Credit(CREDIT.version, worker.name, worker.boot, "fast", "default", ("dns",), 9, 9, 0)
    world.core.handle(MessageArrived(Results(forged, (Result(lease.attempt, SEEN),)), "key"), world.now)
    world.core.handle(MessageArrived(Bye(worker.name, worker.boot), "key"), world.now)

    assert workers.lease_subject(lease.attempt) is lease.ref
    assert workers._workers[worker.name] is worker
    assert not worker.draining


def test_a_worker_of_another_key_works_and_leaves_by_its_topic() -> None:
    """Its topic has no mark; its answers do: the second pass has to know which worker it confirms."""
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
