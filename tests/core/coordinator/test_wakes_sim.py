"""How often the loop of a simulated world wakes: what waits for something costs no ticks until that may have come."""

from __future__ import annotations

import pytest

from common.core.coordinator.inputs import Input, Tick
from common.core.model.entry import Rank
from common.core.model.limit import Limit
from common.core.model.query import Query
from tests.sim.world import World

#: Drives a simulated world.
pytestmark = pytest.mark.simulation

NAMES = [f"n{number}.com" for number in range(51)]


class Counting(World):
    """A world that counts how often the loop wakes, events aside."""

    ticks = 0

    def event(self, event: Input) -> None:
        """Count it, and go on."""
        self.ticks += isinstance(event, Tick)
        super().event(event)

    def count(self, seconds: float) -> int:
        """Ticks of so many seconds."""
        before = self.ticks
        self.run(seconds)
        return self.ticks - before


def query(domain: str, queued: float, pool: str = "deep") -> Query:
    """A WHOIS query about a name."""
    return Query(
        method="whois", pool=pool, domain=domain, suffix="com", server="whois.x", limit=Limit("whois/x", 1000.0, 1000, None),
        rank=Rank.ORDINARY, queued=queued, budget=5.0,
    )  # fmt: skip


@pytest.mark.parametrize("pool", ["fast", "intermediate", "deep"])
def test_a_pool_that_does_not_come_up_keeps_the_loop_from_nothing_else(pool: str) -> None:
    """Names are due, and checks do not begin yet."""
    world = Counting(interval=60.0)
    world.kill_worker(pool)
    world.run(0.1)
    world.watch(*NAMES, priority=True)

    assert world.count(8.0) <= 16


@pytest.mark.parametrize("pool", ["intermediate", "deep"])
def test_queries_to_a_pool_without_workers_wait_without_ticks(pool: str) -> None:
    """Their tokens are there, no worker is."""
    world = Counting(interval=86_400.0)
    world.kill_worker(pool)
    world.run(11.0)
    for domain in NAMES:
        world.core.rooms.rate_limits.queue.add_query(query(domain, world.now, pool))

    assert world.count(10.0) <= 20
    assert len(world.core.rooms.rate_limits.queue) == len(NAMES)


def test_a_pool_that_comes_back_is_used_at_once() -> None:
    """Its queries do not wait for the next of the rare ticks."""
    world = World(interval=60.0)
    world.kill_worker("deep")
    world.run(20.0)
    world.core.rooms.rate_limits.queue.add_query(query("a.com", world.now))
    world.run(1.0)
    world.start_worker("deep")
    world.run(0.3)

    assert len(world.core.rooms.rate_limits.queue) == 0
