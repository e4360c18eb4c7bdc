"""The second pass of an alarm, through the whole core: one worker that lies makes no alarm, and one that died delays none."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from common.core.model.evidence import Observation, Phase
from common.core.workers import second_pass
from common.messages import Task
from tests.sim.truth import reading_of
from tests.sim.worker import POOLS as METHODS
from tests.sim.worker import SimWorker
from tests.sim.world import START, World

#: Drives a simulated world.
pytestmark = pytest.mark.simulation

POOLS = ("fast", "intermediate", "deep")
MINUTE = 60.0


class Hosts(World):
    """A world with further workers, some of which say that every name is free except those that are known to be registered."""

    def __init__(self, seed: int = 1) -> None:
        super().__init__(seed, interval=60.0, priority=5.0, sweeps=0)
        self.liars: set[str] = set()

    def add(self, host: str, number: int = 0, *, lies: bool = False, slots: int = 16) -> list[SimWorker]:
        """A worker of each pool on this host."""
        made = []
        for pool in POOLS:
            name = f"{pool}-{number}@{host}"
            self.workers[name] = SimWorker(name, pool, f"b-{name}", METHODS[pool], slots=slots)
            self._beat(self.workers[name])
            if lies:
                self.liars.add(name)
            made.append(self.workers[name])
        return made

    def _answer(self, worker: SimWorker, item: object) -> None:
        if isinstance(item, Task) and worker.name in self.liars and not item.domain.startswith("known."):
            honest, self.lie = self.lie, self._lie
            super()._answer(worker, item)
            self.lie = honest
        else:
            super()._answer(worker, item)

    def _lie(self, method: str, domain: str, _now: float) -> Observation:
        suffix = domain.rpartition(".")[2]
        server = {"dns": suffix, "http": "web"}.get(method) or f"{method}.{suffix}.test"
        return Observation(method, reading_of(method, None, START - 1e8, reserved=False), server=server)


def notices(world: World, *names: str) -> Iterator[str]:
    """What was told about these names."""
    for name in names:
        yield from (status for _, status in world.notices(name))


@pytest.mark.parametrize("seed", range(2))
def test_a_lying_worker_beside_an_honest_one_makes_no_alarm(seed: int) -> None:
    """It says of everything that it is free, finds every canary, and has most room: it is chosen first. Nothing ever drops."""
    world = Hosts(seed)
    world.add("evil", lies=True, slots=64)
    names = [f"name{number}.com" for number in range(4)]
    world.watch(*names, priority=True)
    world.run(10 * MINUTE)

    assert [status for status in notices(world, *names) if status in ("available", "unregistered")] == []


def test_two_lying_workers_of_one_host_do_not_confirm_each_other() -> None:
    """A worker on another host gets the query, where there is one."""
    world = Hosts(3)
    world.add("evil", lies=True, slots=64)
    world.add("evil", 1, lies=True, slots=64)
    names = [f"name{number}.com" for number in range(4)]
    world.watch(*names, priority=True)
    world.run(10 * MINUTE)

    assert [status for status in notices(world, *names) if status in ("available", "unregistered")] == []


def _dropped(world: World, name: str = "gone.com") -> float:
    """Let a name drop ten seconds from now, days before its calendar says so, and order a check then; returns when."""
    world.watch(name, priority=True)
    world.run(30)
    world.names[name].changes += [(world.now - 60, Phase.PENDING_DELETE), (world.now + 10, None)]
    dropped = world.now + 10
    world.run(10)
    world.order("check", name)
    world.run(3 * MINUTE)
    return dropped


def _told_after(world: World, dropped: float) -> float:
    return min(at for at, status in world.notices("gone.com") if status == "available") - dropped


def test_one_worker_alone_tells_as_before() -> None:
    """There is no other worker to wait for."""
    world = Hosts()

    assert _told_after(world, _dropped(world)) < 20


def test_two_honest_workers_tell_as_fast_as_one() -> None:
    """The other one gets the query, and is not waited for."""
    world = Hosts()
    world.add("other")

    assert _told_after(world, _dropped(world)) < 20


def test_another_worker_that_died_delays_nothing() -> None:
    """It is not waited for."""
    world = Hosts()
    for worker in world.add("other"):
        worker.alive = False

    assert _told_after(world, _dropped(world)) < 25


def test_another_worker_that_never_has_room_is_waited_for_within_a_bound() -> None:
    """It is there and its slots are taken: each query of the second pass waits ten seconds at most."""
    world = Hosts()
    for worker in world.add("other"):
        worker.busy = worker.slots

    assert _told_after(world, _dropped(world)) < 20 + 3 * (second_pass.WAIT + 1)


def test_workers_of_one_key_are_one_liar_whatever_their_names() -> None:
    """Workers that authenticate with one key do not confirm each other, though they name different hosts."""
    world = Hosts(4)
    for host in ("evil", "other"):
        for worker in world.add(host, lies=True, slots=64):
            worker.key = "one key"
    names = [f"name{number}.com" for number in range(4)]
    world.watch(*names, priority=True)
    world.run(10 * MINUTE)

    assert [status for status in notices(world, *names) if status in ("available", "unregistered")] == []
