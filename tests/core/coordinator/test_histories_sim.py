"""Whole histories in a simulated world: crashes in between, and the same announcements with sweeps and without."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.core.domains.domain_table import Flag
from common.core.model.evidence import Phase
from common.core.model.limit import Limit
from tests.sim.truth import Name
from tests.sim.world import World

#: Drives a simulated world.
pytestmark = pytest.mark.simulation

HOUR = 3600.0


def make_all_due(world: World) -> None:
    """Make every name due now that is scheduled and not loaded: enough of them for sweeps."""
    domains = world.core.rooms.domains
    times, loaded = domains.table.schedule.times_of(np.arange(len(domains))), domains.working_set.loaded
    ids = np.array([name_id for name_id in np.flatnonzero(np.isfinite(times)).tolist() if name_id not in loaded], np.int64)
    domains.table.schedule.set_times(ids, np.full(len(ids), world.now), domains.table.have_flag(ids, Flag.PRIORITY))


def announced(world: World) -> list[tuple[str, str]]:
    """What arrived at the endpoint, without repetitions of the same notice."""
    bodies = {identity: json.loads(body) for _, identity, body in world.posted}
    return sorted((body["domain"], body["status"]) for body in bodies.values())


@settings(max_examples=5, deadline=None)
@given(st.lists(st.floats(0.05, 3.0), min_size=1, max_size=5), st.integers(1, 1000))
def test_a_coordinator_that_dies_in_the_middle_of_sweeps_forgets_no_name(pauses: list[float], seed: int) -> None:
    """From whatever was committed so far every name ends registered, and nothing is announced."""
    world = World(seed, interval=1800.0)
    names = [f"n{number}.{('com', 'org')[number % 2]}" for number in range(400)]
    world.watch(*names)
    for pause in pauses:
        world.run(pause)
        world.restart()
        make_all_due(world)
    world.run(60)
    world.check()
    table = world.core.rooms.domains.table

    assert {state: count for state, count in world.core.rooms.domains.by_state.items() if count} == {"REGISTERED": 400}
    assert table.watched_count == 400
    assert {world.stored.rows[table.find_id(name)].state for name in names} == {"REGISTERED"}
    assert announced(world) == []


def test_a_name_that_drops_around_a_crash_is_announced_once() -> None:
    """The alarm in the making is in the store, or made again; the notice has one id."""
    world = World(interval=300.0)
    names = [f"n{number}.com" for number in range(60)]
    world.watch(*names)
    world.run(120)
    world.names[names[5]] = Name([(0.0, Phase.ACTIVE), (world.now + 1, None)])
    for _ in range(30):
        world.run(20)
        world.restart()
    world.run(600)

    assert announced(world) == [(names[5], "available")]


def test_no_name_is_late_because_the_coordinator_was_down() -> None:
    """Names that were under way or never checked are due at the start, not since 1970."""
    world = World(interval=300.0)
    world.watch(*[f"n{number}.com" for number in range(300)])
    world.run(4.0)
    world.restart()

    assert world.core.rooms.domains.table.schedule.lateness(world.now) < HOUR


def test_pending_results_are_posted_after_a_crash() -> None:
    """What the endpoint did not take before the crash it gets after it, one result a name."""
    silent = {operator: Limit(operator, 0.0, 0, None) for operator in ("rdap/*", "whois/*")}
    world = World(interval=24 * HOUR, results="all", limits={"*": Limit("*", 1000.0, 1000, None), **silent})
    world.endpoint = lambda _: 503
    names = [f"n{number}.com" for number in range(3000)]
    world.watch(*names)
    world.run(60)
    assert int(np.count_nonzero(world.core.rooms.domains.table.pending)) > 500
    world.restart()
    assert int(np.count_nonzero(world.core.rooms.domains.table.pending)) > 500
    world.endpoint = lambda _: 200
    world.run(1200)

    assert {json.loads(body)["domain"] for _, _, body in world.posted} == set(names)


PHASES = st.sampled_from([None, Phase.ACTIVE, Phase.REDEMPTION, Phase.PENDING_DELETE])
TRUTHS = st.dictionaries(st.integers(0, 29), st.lists(st.tuples(st.integers(1, 9), PHASES), min_size=1, max_size=2), max_size=4)


@settings(max_examples=4, deadline=None)
@given(TRUTHS, st.integers(1, 1000))
def test_sweeps_and_single_checks_end_in_the_same_states_and_announcements(
    truths: dict[int, list[tuple[int, Phase | None]]], seed: int
) -> None:
    """For the same truth: what becomes of a name does not depend on how it was checked."""
    ends = []
    for places in (0, 4):
        world = World(seed, interval=400.0, sweeps=places)
        names = [f"n{number}.{('com', 'org')[number % 2]}" for number in range(30)]
        world.watch(*names)
        world.run(60)
        for number, changes in truths.items():
            moments = [(world.now + place * 700 + after, phase) for place, (after, phase) in enumerate(changes)]
            world.names[names[number]] = Name([(0.0, Phase.ACTIVE), *moments])
        for _ in range(2):
            world.run(10)
            make_all_due(world)
            world.run(690)
        assert bool(world.swept) == bool(places)
        ends.append(({name: world.state(name) for name in names}, announced(world)))

    assert ends[0] == ends[1]
