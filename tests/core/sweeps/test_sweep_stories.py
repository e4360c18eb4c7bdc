"""Odd answers of a sweep that do not fit into one message, on a virtual clock: none is lost, none is taken for silence."""

from __future__ import annotations

from collections import Counter

import msgspec
import numpy as np
import pytest

from common.core.coordinator.inputs import MessageArrived
from common.core.model.evidence import Observation, Outcome, Reading
from common.core.model.limit import Limit
from common.messages import MAX_BATCH, Credit, Sweep, SweepDetails, SweepResult
from common.worker_sweeps import split_answer
from tests.sim.world import SimWorker, World

#: Drives a simulated world.
pytestmark = pytest.mark.simulation

COUNT = 4 * MAX_BATCH + 40
NODATA = Observation("dns", Reading(Outcome.REGISTERED, "dns_auth_nodata", "without name servers"), server="com")


def odd_world(world: World | None = None, count: int = COUNT) -> tuple[World, list[str]]:
    """So many names of com, due at once, every one of which is in the zone without a delegation, as .de and .uk know them."""
    world = world or World(interval=3600.0)
    free = {f"{kind}/*": Limit(f"{kind}/*", 1e6, 10**6, None) for kind in ("dns", "http")}
    object.__setattr__(world.core.rooms.policy, "limits", {**free, "*": Limit("*", 0.0, 0, None)})
    names = [f"n{number}.com" for number in range(count)]
    listed = set(names)
    world.lie = lambda method, domain, _: NODATA if method == "dns" and domain in listed else None
    world.watch(*names)
    rows = np.array([world.core.rooms.domains.table.find_id(name) for name in names])
    world.core.rooms.domains.table.schedule.set_times(rows, np.full(count, world.now), np.zeros(count, np.bool_))
    return world, names


def asked(world: World, names: list[str]) -> Counter[str]:
    """How often DNS was asked about each of these names."""
    listed = set(names)
    return Counter(name for _, method, name in world.asked if method == "dns" and name in listed)


def blind(world: World) -> int:
    """The longest run of looks that proved nothing."""
    table = world.core.rooms.domains.table
    return int(table.blind[: len(world.core.rooms.domains)].max())


def settled(world: World, names: list[str]) -> None:
    """Every name was found, by its story, and none of them counts as silent."""
    assert {world.entry(name).detail.evidence["dns"].observation.reading.finding for name in names} == {"dns_auth_nodata"}
    assert world.core.rooms.domains.by_state["REGISTERED"] == len(names)
    assert blind(world) == 0
    world.check()


def test_every_odd_answer_is_heard_with_one_question() -> None:
    """A thousand stories of one sweep come in several messages; each name is asked about once and visited by its story."""
    world, names = odd_world()
    world.run(60)

    assert max(count for _, _, count in world.swept) > 3 * MAX_BATCH
    assert asked(world, names) == dict.fromkeys(names, 1)
    settled(world, names)


@pytest.mark.parametrize("lost", [SweepDetails, SweepResult])
def test_a_message_that_is_lost_costs_only_its_names(lost: type) -> None:
    """They are asked about again: at once where the sweep ends all the same, when its lease is over where the end is lost."""
    world, names = odd_world()
    gone: list[set[int]] = []

    def arrives(message: SweepDetails | SweepResult) -> bool:
        if gone or not isinstance(message, lost) or len(message.observations) < MAX_BATCH:
            return True
        gone.append(set(message.observations))
        return False

    world.arrives = arrives
    world.run(90)

    again = [name for name, count in asked(world, names).items() if count > 1]
    assert len(again) == len(gone[0]) == MAX_BATCH
    assert set(asked(world, names).values()) == {1, 2}
    settled(world, names)


class Dying(World):
    """A world whose fast worker dies once, between two messages of one sweep."""

    left: int = 2
    told: int = 0

    def _sweep(self, worker: SimWorker, sweep: Sweep) -> None:
        self.arrives = lambda message: self._before_death(message, worker)
        super()._sweep(worker, sweep)

    def _before_death(self, message: SweepDetails | SweepResult, worker: SimWorker) -> bool:
        if worker.alive and self.told == 2 and self.left and isinstance(message, SweepDetails):
            self.left = 0
            self.kill_worker("fast")
            self.after(0.1, lambda: self.start_worker("fast"))
        self.told += isinstance(message, SweepDetails) and worker.alive
        return worker.alive


def test_a_worker_that_dies_in_between_leaves_nothing_untold() -> None:
    """What it had told counts; the rest is asked about again, and nothing of it twice."""
    world, names = odd_world(Dying(interval=3600.0))
    world.run(90)

    again = [name for name, count in asked(world, names).items() if count > 1]
    assert isinstance(world, Dying)
    assert not world.left
    assert 0 < len(again) <= COUNT - 2 * MAX_BATCH
    settled(world, names)


class Stammering(World):
    """A world in which every message of a sweep arrives twice, and the stories once more after its end."""

    def _sweep(self, worker: SimWorker, sweep: Sweep) -> None:
        heard: list[SweepDetails | SweepResult] = []
        self.arrives = lambda message: bool(heard.append(message))
        super()._sweep(worker, sweep)
        credit = worker.credit()
        for message in [*(copy for one in heard for copy in (one, one)), *heard]:
            self.event(MessageArrived(msgspec.structs.replace(message, credit=credit)))


def test_what_arrives_twice_counts_once() -> None:
    """Neither a second visit nor a second question follows."""
    world, names = odd_world(Stammering(interval=3600.0))
    world.run(60)
    told = Counter(topic for topic, _ in world.published if topic.startswith("result.dns.n"))

    assert asked(world, names) == dict.fromkeys(names, 1)
    assert set(told.values()) <= {1}
    settled(world, names)


def test_stories_that_find_no_room_are_heard_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Visits that wait are bounded; whoever is over that is asked again a little later, and is not silent."""
    monkeypatch.setattr(sweep_results, "MOST_ODD", 300)
    world, names = odd_world()
    most = 0
    for _ in range(4000):
        world.run(0.1)
        most = max(most, len(world.core.rooms.starts.admission))
        if world.core.rooms.domains.by_state.get("REGISTERED") == len(names):
            break

    assert most <= 300
    assert max(asked(world, names).values()) > 1
    settled(world, names)


def test_messages_of_a_sweep_end_with_the_one_that_ends_it() -> None:
    """Every story travels once, within the bounds of a message; few of them need only one."""
    credit = Credit(2, "w", "b", "fast", "default", ("dns",), 1, 1, 0)
    answer = SweepResult(credit, "a.1", bytes(COUNT), bytes(COUNT), observations=dict.fromkeys(range(COUNT), NODATA))
    messages = split_answer(answer)

    assert [type(message) for message in messages] == [SweepDetails] * 4 + [SweepResult]
    assert sorted(place for message in messages for place in message.observations) == list(range(COUNT))
    assert max(len(message.observations) for message in messages) == MAX_BATCH
    assert split_answer(messages[-1]) == [messages[-1]]
