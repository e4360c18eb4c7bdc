"""Names that wait for a sweep that does not come, in a simulated world: the registry is queried, and no window is missed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from common.core.domains.domain_table import Flag
from common.core.model.batch import Batch
from common.core.model.evidence import Observation, Outcome, Phase, Reading, unknown_reading
from common.core.model.limit import Limit
from tests.core.sweeps.swept_world import limit_operators, swept_world
from tests.core.sweeps.test_sweeps_sim import big_world, make_stable_due
from tests.sim.truth import Name
from tests.sim.world import World

#: Drives a simulated world.
pytestmark = pytest.mark.simulation

HOURS = 3600.0
THROTTLED = Reading(Outcome.THROTTLED, "dns_refused", "refused", retry_after=8 * HOURS)


def limit_server(world: World, method: str, server: str, observation: Observation, *suffixes: str) -> None:
    """Let a server limit us by this answer."""
    for suffix in suffixes:
        limit = world.core.rooms.registries.limit_of(method, server, suffix)
        world.core.rooms.rate_limits.budgets.note_answer(limit, "default", observation, world.now)


def stable_world(trouble: Callable[[World], None] = lambda _: None) -> tuple[World, list[str]]:
    """Sixty names of one suffix that were checked, with slow registries, after this befell the world."""
    free = {f"{kind}/*": Limit(f"{kind}/*", 1e6, 10**6, None) for kind in ("dns", "http")}
    world = World(interval=600.0, limits={**free, "*": Limit("*", 1.0, 2, None)})
    world.run(1)
    trouble(world)
    names = [f"n{number}.com" for number in range(60)]
    world.watch(*names)
    world.run(900)
    return world, names


def drop(world: World, names: list[str]) -> float:
    """Purge these names now, and let time pass without the coordinator, as in an outage: all are due at once."""
    at = world.now
    for name in names:
        world.names[name] = Name([(0.0, Phase.ACTIVE), (at, None)])
    world._queue = [(due + 900, order, act) for due, order, act in world._queue]
    world.now += 900
    return at


def announced_after(world: World, at: float, names: list[str]) -> list[float]:
    """Seconds from then to the first notice that a name is available, of each for which there is one."""
    announced = ([moment - at for moment, status in world.notices(name) if status == "available"] for name in names)
    return sorted(found[0] for found in announced if found)


@pytest.mark.parametrize("trouble", ["limited", "gone"])
def test_where_rdap_cannot_be_queried_whois_is(trouble: str) -> None:
    """A crowd that left the zone together is announced by the other channel, as one name alone would be."""

    def begin(world: World) -> None:
        if trouble == "gone":
            world.kill_worker("intermediate")
            world.run(60)
        else:
            refusal = Observation("rdap", unknown_reading("rdap_403", "forbidden", retry_after=6 * HOURS), status=403)
            limit_server(world, "rdap", "rdap.com.test", refusal, "com")

    world, names = stable_world(begin)
    at = drop(world, names[:20])
    world.run(HOURS)

    assert len(announced_after(world, at, names[:20])) == 20
    assert announced_after(world, at, names[:20])[-1] < 900 + 300


def test_where_no_worker_sweeps_names_are_checked_one_by_one() -> None:
    """The registries are queried then, as far as their budgets go; no name stays queued."""
    world, names = stable_world()
    world.kill_worker("fast")
    world.run(60)
    at = drop(world, names[:20])
    world.run(3 * HOURS)

    assert len(announced_after(world, at, names[:20])) == 20
    assert len(world.core.rooms.sweep_queues) == 0


def test_a_window_that_opens_while_its_name_waits_for_a_sweep_is_not_missed() -> None:
    """The zone limits us for hours: a name that may drop is checked when its day comes, not when its month does."""
    world, _ = big_world(300, registry=2.0, until=2000)
    table, limited_at = world.core.rooms.domains.table, world.now
    limit_server(world, "dns", "com", Observation("dns", THROTTLED), "com")
    narrow, other, wide = stable_names(world)[:3]
    table.earliest[table.find_id(narrow)], table.latest[table.find_id(narrow)] = limited_at + 2 * HOURS, limited_at + 4 * HOURS
    table.earliest[table.find_id(wide)], table.latest[table.find_id(wide)] = limited_at - 240 * HOURS, limited_at + 480 * HOURS
    make_stable_due(world)
    world.run(2 * HOURS)

    checked = {name: at - limited_at for at, _, name in reversed(world.asked) if at > limited_at}
    assert HOURS - 300 < checked[narrow] < HOURS + 60
    assert other not in checked
    assert wide not in checked


def test_a_zone_that_limits_us_does_not_keep_registry_records_from_being_renewed() -> None:
    """Names whose record has become too old to plan with are checked, as far as the registry has room for them."""
    world, _ = big_world(60, registry=2.0, until=2000)
    table = world.core.rooms.domains.table
    names = stable_names(world)
    due = table.registry_due[[table.find_id(name) for name in names]]
    world.now = float(due.min()) - 300.0
    limit_server(world, "dns", "com", Observation("dns", THROTTLED), "com")
    begun = world.now
    world.run(1200)

    queried = {name for at, method, name in world.asked if at > begun and method == "rdap"}
    assert len(queried & set(names)) > 0.9 * len(names)
    assert not [at for at, method, name in world.asked if at > begun and method == "dns" and name in names]


def stable_names(world: World) -> list[str]:
    """The names of one suffix that are swept."""
    table = world.core.rooms.domains.table
    return [
        table.name_of(name_id)
        for name_id in range(len(table))
        if table.suffix_of(name_id) == "com" and not table.has_flag(name_id, Flag.LOADED)
    ]


def lose_a_sweep(world: World, names: list[str]) -> None:
    """Send a sweep of these whose result is lost on the way."""
    world.arrives = lambda _: False
    make_stable_due(world, *names)
    world.run(2.0)
    world.arrives = lambda _: True


def first_queried(world: World, names: list[str], since: float) -> list[float]:
    """Seconds from then to the first query about each of these names, whatever the method."""
    found: dict[str, float] = {name: at - since for at, _, name in reversed(world.asked) if name in names}
    return sorted(found.values())


def test_a_lost_sweep_does_not_go_before_names_with_priority() -> None:
    """Tokens come one a second: they are for names that cannot wait."""
    world, _ = swept_world(60)
    slow = Limit("dns/com", 1.0, 10, None)
    limit_operators(world, dns_com=slow)
    world.run(3)
    [(_, queue)] = world.core.rooms.sweep_queues.all_queues()
    queue.lost.append(Batch(*queue.ordinary.take_ids(60), "com", slow, tries=1))
    assert len(queue.lost[0].ids) > 40
    begun, urgent = world.now, [f"p{number}.com" for number in range(20)]
    world.watch(*urgent, priority=True)
    world.run(40)

    assert len(first_queried(world, urgent, begun)) == 20


def test_a_lost_sweep_of_a_zone_that_limits_us_delays_no_priority_name() -> None:
    """Names with priority are checked by other channels at once."""
    world = World(interval=600.0)
    ordinary = [f"o{number}.com" for number in range(40)]
    world.watch(*ordinary)
    world.run(120)
    lose_a_sweep(world, ordinary)
    limit_server(world, "dns", "com", Observation("dns", THROTTLED), "com")
    world.run(60)
    begun, urgent = world.now, [f"p{number}.com" for number in range(30)]
    world.watch(*urgent, priority=True)
    world.run(120)

    times = first_queried(world, urgent, begun)
    assert len(times) == 30
    assert times[-1] < 60


def test_a_lost_sweep_is_sent_again_as_far_as_the_quota_allows() -> None:
    """Where fewer queries are left for today than it has names, the first of them need not wait for midnight."""
    world, names = swept_world(100)
    limit_operators(world, dns_com=Limit("dns/com", 1000.0, 1000, 150))
    lose_a_sweep(world, names)
    lost_at = world.now
    world.run(600)

    # A canary and the measurement for a wildcard took some of the rest of the day.
    queried = {name for at, method, name in world.asked if method == "dns" and at > lost_at}
    assert len(queried.intersection(names)) > 40
