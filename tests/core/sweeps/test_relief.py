"""Names in line for a sweep are not lost where no sweep comes: the registry is asked, and windows are not slept through."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from common.core.domains.domain_table import Flag
from common.core.model.batch import Batch
from common.core.model.evidence import Observation, Outcome, Phase, Reading, unknown_reading
from common.core.model.limit import Limit
from tests.core.sweeps.sweep_tales import limited, told_world
from tests.core.sweeps.test_sweeps import big_world, everybody_due
from tests.sim.truth import Name
from tests.sim.world import World

#: Drives a simulated world.
pytestmark = pytest.mark.simulation

HOURS = 3600.0
THROTTLED = Reading(Outcome.THROTTLED, "dns_refused", "refused", retry_after=8 * HOURS)


def shut(world: World, method: str, server: str, observation: Observation, *suffixes: str) -> None:
    """A server turns us away."""
    for suffix in suffixes:
        limit = world.core.rooms.registries.limit_of(method, server, suffix)
        world.core.rooms.rate_limits.budgets.note_answer(limit, "default", observation, world.now)


def quiet_world(trouble: Callable[[World], None] = lambda _: None) -> tuple[World, list[str]]:
    """Sixty names of one suffix that were looked at, with slow registries, after this befell the world."""
    world = World(interval=600.0)
    free = {f"{kind}/*": Limit(f"{kind}/*", 1e6, 10**6, None) for kind in ("dns", "http")}
    object.__setattr__(world.core.rooms.policy, "limits", {**free, "*": Limit("*", 1.0, 2, None)})
    world.run(1)
    trouble(world)
    names = [f"n{number}.com" for number in range(60)]
    world.watch(*names)
    world.run(900)
    return world, names


def drop(world: World, names: list[str]) -> float:
    """These are purged now, and everybody is due at once a little later, as after an outage."""
    at = world.now
    for name in names:
        world.names[name] = Name([(0.0, Phase.ACTIVE), (at, None)])
    world._queue = [(due + 900, order, act) for due, order, act in world._queue]
    world.now += 900
    return at


def told_after(world: World, at: float, names: list[str]) -> list[float]:
    """Seconds from then to the first notice that a name can be had, of each for which there is one."""
    told = ([moment - at for moment, status in world.notices(name) if status == "available"] for name in names)
    return sorted(found[0] for found in told if found)


@pytest.mark.parametrize("trouble", ["shut", "gone"])
def test_where_rdap_cannot_be_asked_leavers_are_asked_for_over_whois(trouble: str) -> None:
    """A crowd that left the zone together is told by the other channel, as one name alone would be."""

    def begin(world: World) -> None:
        if trouble == "gone":
            world.kill_worker("intermediate")
            world.run(60)
        else:
            refusal = Observation("rdap", unknown_reading("rdap_403", "forbidden", retry_after=6 * HOURS), status=403)
            shut(world, "rdap", "rdap.com.test", refusal, "com")

    world, names = quiet_world(begin)
    at = drop(world, names[:20])
    world.run(HOURS)

    assert len(told_after(world, at, names[:20])) == 20
    assert told_after(world, at, names[:20])[-1] < 900 + 300


def test_where_nobody_is_left_to_sweep_names_are_visited() -> None:
    """The registries are asked then, as far as their budgets go; nothing stays in line."""
    world, names = quiet_world()
    world.kill_worker("fast")
    world.run(60)
    at = drop(world, names[:20])
    world.run(3 * HOURS)

    assert len(told_after(world, at, names[:20])) == 20
    assert len(world.core.rooms.sweep_queues) == 0


def test_a_window_that_opens_while_its_name_is_in_a_closed_line_is_not_slept_through() -> None:
    """The zone turned us away for hours: what may drop is visited when its time comes, not when its month does."""
    world, _ = big_world(300, registry=2.0, until=2000)
    table, closed_at = world.core.rooms.domains.table, world.now
    shut(world, "dns", "com", Observation("dns", THROTTLED), "com")
    name, other, wide = quiet(world)[:3]
    table.earliest[table.find_id(name)], table.latest[table.find_id(name)] = closed_at + 2 * HOURS, closed_at + 4 * HOURS
    table.earliest[table.find_id(wide)], table.latest[table.find_id(wide)] = closed_at - 240 * HOURS, closed_at + 480 * HOURS
    everybody_due(world)
    world.run(2 * HOURS)

    visited = {asked: at - closed_at for at, _, asked in reversed(world.asked) if at > closed_at}
    assert HOURS - 300 < visited[name] < HOURS + 60
    assert other not in visited
    assert wide not in visited


def test_a_closed_zone_does_not_keep_registry_records_from_being_renewed() -> None:
    """Names whose record has become too old to plan with are visited, as the registry has room for them."""
    world, _ = big_world(60, registry=2.0, until=2000)
    table = world.core.rooms.domains.table
    names = quiet(world)
    due = table.registry_due[[table.find_id(name) for name in names]]
    world.now = float(due.min()) - 300.0
    shut(world, "dns", "com", Observation("dns", THROTTLED), "com")
    begun = world.now
    world.run(1200)

    asked = {name for at, method, name in world.asked if at > begun and method == "rdap"}
    assert len(asked & set(names)) > 0.9 * len(names)
    assert not [at for at, method, name in world.asked if at > begun and method == "dns" and name in names]


def quiet(world: World) -> list[str]:
    """The names of one suffix that go by sweep."""
    table = world.core.rooms.domains.table
    return [
        table.name_of(row)
        for row in range(len(table))
        if table.suffix_of(row) == "com" and not table.has_flag(row, Flag.LOADED)
    ]


def lose_a_sweep(world: World, names: list[str]) -> None:
    """A sweep of these is asked, and its answer gets lost on the way."""
    world.arrives = lambda _: False
    everybody_due(world, *names)
    world.run(2.0)
    world.arrives = lambda _: True


def first_asked(world: World, names: list[str], since: float) -> list[float]:
    """Seconds from then to the first question about each of these names, whatever the method."""
    found: dict[str, float] = {name: at - since for at, _, name in reversed(world.asked) if name in names}
    return sorted(found.values())


def test_a_lost_sweep_does_not_go_before_names_with_priority() -> None:
    """Tokens come one a second: they are for those that cannot wait."""
    world, _ = told_world(60)
    slow = Limit("dns/com", 1.0, 10, None)
    limited(world, dns_com=slow)
    world.run(3)
    [(_, line)] = world.core.rooms.sweep_queues.all_queues()
    line.lost.append(Batch(*line.ordinary.take_ids(60), "com", slow, tries=1))
    assert len(line.lost[0].ids) > 40
    begun, hurried = world.now, [f"p{number}.com" for number in range(20)]
    world.watch(*hurried, priority=True)
    world.run(40)

    assert len(first_asked(world, hurried, begun)) == 20


def test_a_lost_sweep_of_a_closed_zone_keeps_nobody_waiting() -> None:
    """Names with priority are asked about elsewhere at once."""
    world = World(interval=600.0)
    ordinary = [f"o{number}.com" for number in range(40)]
    world.watch(*ordinary)
    world.run(120)
    lose_a_sweep(world, ordinary)
    shut(world, "dns", "com", Observation("dns", THROTTLED), "com")
    world.run(60)
    begun, hurried = world.now, [f"p{number}.com" for number in range(30)]
    world.watch(*hurried, priority=True)
    world.run(120)

    times = first_asked(world, hurried, begun)
    assert len(times) == 30
    assert times[-1] < 60


def test_a_lost_sweep_goes_again_as_far_as_the_day_allows() -> None:
    """Where fewer questions are left for today than it has names, the first of them need not wait for midnight."""
    world, names = told_world(100)
    limited(world, dns_com=Limit("dns/com", 1000.0, 1000, 150))
    lose_a_sweep(world, names)
    lost_at = world.now
    world.run(600)

    # Of the rest of the day a canary and the question for a wildcard took some.
    asked = {name for at, method, name in world.asked if method == "dns" and at > lost_at}
    assert len(asked.intersection(names)) > 40
