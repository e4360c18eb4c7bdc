"""Unusual answers of a sweep that do not fit into one message, in a simulated world: none is lost or taken for silence."""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest

from common.core.coordinator.inputs import MessageArrived
from common.core.model.evidence import Observation, Outcome, Reading
from common.core.model.limit import Limit
from common.core.sweeps import sweep_results
from common.messages import MAX_BATCH, Credit, Sweep, SweepDetails, SweepResult
from common.worker_sweeps import split_answer
from tests.core.checks.changed_limits import set_limits
from tests.core.sweeps.swept_world import make_due
from tests.sim.worker import SimWorker
from tests.sim.world import World

#: Drives a simulated world.
pytestmark = pytest.mark.simulation

COUNT = 4 * MAX_BATCH + 40
NODATA = Observation("dns", Reading(Outcome.REGISTERED, "dns_auth_nodata", "without name servers"), server="com")


def unusual_world(world: World | None = None, count: int = COUNT) -> tuple[World, list[str]]:
    """So many names of com, due at once, all of which are in the zone without a delegation, as .de and .uk have them."""
    world = world or World(interval=3600.0)
    free = {f"{kind}/*": Limit(f"{kind}/*", 1e6, 10**6, None) for kind in ("dns", "http")}
    set_limits(world, {**free, "*": Limit("*", 0.0, 0, None)})
    names = [f"n{number}.com" for number in range(count)]
    listed = set(names)
    world.lie = lambda method, domain, _: NODATA if method == "dns" and domain in listed else None
    world.watch(*names)
    make_due(world, names)
    return world, names


def queried(world: World, names: list[str]) -> Counter[str]:
    """How many DNS queries were sent for each of these names."""
    listed = set(names)
    return Counter(name for _, method, name in world.asked if method == "dns" and name in listed)


def most_inconclusive(world: World) -> int:
    """The longest run of inconclusive checks."""
    table = world.core.rooms.domains.table
    return int(table.inconclusive[: len(world.core.rooms.domains)].max())


def assert_settled(world: World, names: list[str]) -> None:
    """Every name was found, by its details, and none of them counts as inconclusive."""
    assert {world.entry(name).detail.evidence["dns"].observation.reading.finding for name in names} == {"dns_auth_nodata"}
    assert world.core.rooms.domains.by_state["REGISTERED"] == len(names)
    assert most_inconclusive(world) == 0
    world.check()


def test_every_unusual_answer_costs_one_query() -> None:
    """A thousand details of one sweep come in several messages; each name is queried once and checked by its details."""
    world, names = unusual_world()
    world.run(60)

    assert max(count for _, _, count in world.swept) > 3 * MAX_BATCH
    assert queried(world, names) == dict.fromkeys(names, 1)
    assert_settled(world, names)


@pytest.mark.parametrize("lost", [SweepDetails, SweepResult])
def test_a_message_that_is_lost_costs_only_its_names(lost: type) -> None:
    """They are queried again: at once where the sweep ends all the same, when its lease is over where the end is lost."""
    world, names = unusual_world()
    gone: list[set[int]] = []

    def arrives(message: SweepDetails | SweepResult) -> bool:
        if gone or not isinstance(message, lost) or len(message.observations) < MAX_BATCH:
            return True
        gone.append(set(message.observations))
        return False

    world.arrives = arrives
    world.run(90)

    again = [name for name, count in queried(world, names).items() if count > 1]
    assert len(again) == len(gone[0]) == MAX_BATCH
    assert set(queried(world, names).values()) == {1, 2}
    assert_settled(world, names)


class Dying(World):
    """A world whose fast worker dies once, between two messages of one sweep."""

    left: int = 2
    sent: int = 0

    def _sweep(self, worker: SimWorker, sweep: Sweep) -> None:
        self.arrives = lambda message: self._before_death(message, worker)
        super()._sweep(worker, sweep)

    def _before_death(self, message: SweepDetails | SweepResult, worker: SimWorker) -> bool:
        if worker.alive and self.sent == 2 and self.left and isinstance(message, SweepDetails):
            self.left = 0
            self.kill_worker("fast")
            self.after(0.1, lambda: self.start_worker("fast"))
        self.sent += isinstance(message, SweepDetails) and worker.alive
        return worker.alive


def test_a_worker_that_dies_in_between_loses_no_name() -> None:
    """What it had sent counts; the rest is queried again, and none of it twice."""
    world, names = unusual_world(Dying(interval=3600.0))
    world.run(90)

    again = [name for name, count in queried(world, names).items() if count > 1]
    assert isinstance(world, Dying)
    assert not world.left
    assert 0 < len(again) <= COUNT - 2 * MAX_BATCH
    assert_settled(world, names)


class Repeating(World):
    """A world in which every message of a sweep arrives twice, and the details once more after its end."""

    def _sweep(self, worker: SimWorker, sweep: Sweep) -> None:
        messages: list[SweepDetails | SweepResult] = []
        self.arrives = lambda message: bool(messages.append(message))
        super()._sweep(worker, sweep)
        credit = worker.credit()
        for message in [*(copy for one in messages for copy in (one, one)), *messages]:
            self.event(MessageArrived(msgspec.structs.replace(message, credit=credit)))


def test_what_arrives_twice_counts_once() -> None:
    """Neither a second check nor a second query follows."""
    world, names = unusual_world(Repeating(interval=3600.0))
    world.run(60)
    published = Counter(topic for topic, _ in world.published if topic.startswith("result.dns.n"))

    assert queried(world, names) == dict.fromkeys(names, 1)
    assert set(published.values()) <= {1}
    assert_settled(world, names)


def test_details_without_room_are_queried_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checks that wait are bounded; a name beyond that is swept again a little later, and is not inconclusive."""
    monkeypatch.setattr(sweep_results, "MOST_UNUSUAL", 300)
    world, names = unusual_world()
    most = 0
    for _ in range(4000):
        world.run(0.1)
        most = max(most, len(world.core.rooms.starts.admission))
        if world.core.rooms.domains.by_state.get("REGISTERED") == len(names):
            break

    assert most <= 300
    assert max(queried(world, names).values()) > 1
    assert_settled(world, names)


def test_messages_of_a_sweep_end_with_the_one_that_ends_it() -> None:
    """All details travel once, within the bounds of a message; few of them need only one."""
    credit = Credit(2, "w", "b", "fast", "default", ("dns",), 1, 1, 0)
    answer = SweepResult(credit, "a.1", bytes(COUNT), bytes(COUNT), observations=dict.fromkeys(range(COUNT), NODATA))
    messages = split_answer(answer)

    assert [type(message) for message in messages] == [SweepDetails] * 4 + [SweepResult]
    assert sorted(place for message in messages for place in message.observations) == list(range(COUNT))
    assert max(len(message.observations) for message in messages) == MAX_BATCH
    assert split_answer(messages[-1]) == [messages[-1]]
