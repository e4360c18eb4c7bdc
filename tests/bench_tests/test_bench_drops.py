"""Drops are told within one and a half polling steps by the real processes, and the measure of that is right."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from common.core.schedule.cadence import Cadence
from tests.bench import drops_cast
from tests.bench.drops import Outcome, measure, shown
from tests.bench.drops_bound import STEPS, Forecasts, Waiting, polling_step, steps_late
from tests.bench.drops_cast import Plan, calm_roles, plan_drops, stage
from tests.bench.drops_timeline import Questions, timeline_of
from tests.lab.clock import DAY, LabClock
from tests.lab.customer import Received
from tests.lab.model import OUT_OF_ZONE, Registry
from tests.lab.queries import Query
from tests.lab.scoring import Score
from tests.lab.suffixes import also

NOON = 20_000 * DAY + DAY / 2
CADENCE = Cadence(3600.0, 300.0, 30.0, 2.0)


@pytest.mark.timeout(150)
def test_drops_are_told_within_one_and_a_half_polling_steps(tmp_path: Path) -> None:
    """20 of 200 names drop before the whole stack: none is missed, none is false, the median notice is in time."""
    plan = Plan(names=200, drops=20, seconds=12.0, interval=5.0)
    found = asyncio.run(measure(plan, lambda _: None, tmp_path))

    assert (found.score.missed, found.score.false, found.trouble) == ([], [], [])
    assert found.score.due == 20
    assert found.good, "\n".join(shown(found))


def waiting(name: str, *, rate: float = 200.0, priority: bool = False, opens: float = -6.0, hours: float = 12.0) -> Waiting:
    """A name of .dev whose window opens `opens` hours from noon."""
    earliest = NOON + opens * 3600
    return Waiting(name, "dev", priority, earliest, earliest + hours * 3600, 0.9, "rdap/dev", rate)


def test_the_step_is_the_finest_where_the_registry_allows_any_number() -> None:
    """A window of half a day is worth 8,640 looks, so one every five seconds."""
    names = [waiting(f"n{number}.dev") for number in range(20)]

    assert polling_step(names[0], names, CADENCE, NOON) == 5.0


def test_names_in_their_windows_share_half_of_the_rate_of_their_operator() -> None:
    """Twenty names at one query a second get one in 40 seconds each; those not in their windows yet take nothing."""
    names = [waiting(f"n{number}.dev", rate=1.0) for number in range(20)]
    later = [waiting(f"l{number}.dev", rate=1.0, opens=3.0) for number in range(20)]

    assert polling_step(names[0], names + later, CADENCE, NOON) == pytest.approx(40.0)


def test_a_name_with_priority_is_looked_at_twice_as_often() -> None:
    """Its worth is four times that of others, and looks go by the root of it."""
    names = [waiting("urgent.dev", rate=1.0, priority=True), *(waiting(f"n{number}.dev", rate=1.0) for number in range(8))]
    urgent, other = (polling_step(name, names, CADENCE, NOON) for name in names[:2])

    assert other == pytest.approx(2 * urgent)
    assert 1 / urgent + 8 / other == pytest.approx(0.5)


def test_the_base_interval_counts_where_it_is_shorter_and_outside_the_window() -> None:
    """A slow registry does not make the step longer than the base interval."""
    slow = waiting("slow.dev", rate=0.001)
    early = waiting("early.dev", opens=3.0)
    urgent = waiting("urgent.dev", opens=3.0, priority=True)

    assert polling_step(slow, [slow], CADENCE, NOON) == 2000.0
    assert polling_step(slow, [slow], Cadence(60.0, 30.0, 30.0, 2.0), NOON) == 60.0
    assert polling_step(early, [early], CADENCE, NOON) == 3600.0
    assert polling_step(urgent, [urgent], CADENCE, NOON) == 300.0


def test_names_that_were_told_share_no_longer() -> None:
    """The step of a purge is that of the names still waiting then; a name that was never purged has none."""
    forecasts = Forecasts()
    for number in range(20):
        forecasts.note(waiting(f"n{number}.dev", rate=1.0), NOON - 60)
    told = {f"n{number}.dev": NOON - 1 for number in range(1, 11)}

    assert forecasts.steps_at_purges({"n0.dev": NOON}, told, CADENCE) == {"n0.dev": pytest.approx(20.0)}
    assert forecasts.steps_at_purges({"unknown.dev": NOON}, told, CADENCE) == {}


def test_the_forecast_of_a_purge_is_the_one_of_that_moment() -> None:
    """A window that was learned later does not count for it, and one that was known before does."""
    forecasts = Forecasts()
    forecasts.note(waiting("a.dev", hours=24.0), NOON - 60)
    forecasts.note(waiting("a.dev"), NOON - 30)
    forecasts.note(waiting("a.dev", opens=3.0), NOON + 30)

    for moment, step in ((NOON - 40, 10.0), (NOON, 5.0), (NOON + 40, CADENCE.interval)):
        assert forecasts.steps_at_purges({"a.dev": moment}, {}, CADENCE) == {"a.dev": pytest.approx(step)}
    assert len(forecasts) == 1


def test_no_run_goes_over_midnight() -> None:
    """It waits for midnight where that would come before its end."""
    assert drops_cast.wait_for_midnight(NOON, 400.0) == 0.0
    assert drops_cast.wait_for_midnight(NOON + DAY / 2 - 100, 400.0) == 100.0
    assert drops_cast.wait_for_midnight(NOON + DAY / 2 + 1, 400.0) == 0.0


def test_what_is_held_counts_in_steps_beyond_the_confirming_pass() -> None:
    """9.5 seconds are 1.5 steps of five and a pass after two; more is not held, nor is a run with a missed or a false one."""
    steps = {"one.dev": 5.0, "two.dev": 5.0, "three.dev": 60.0}
    told = {"one.dev": 9.5, "two.dev": 9.6, "three.dev": 2.0}
    score = Score(due=3, seen=[*steps], latencies=told)
    found = Outcome(2.0, score, steps, {})

    assert steps_late(9.5, 5.0, 2.0) == STEPS
    assert found.late == [pytest.approx(1.5), pytest.approx(1.52), 0.0]
    assert found.good
    assert not Outcome(2.0, Score(due=3, latencies=told | {"three.dev": 100.0}), steps, {}).good
    assert not Outcome(2.0, Score(due=3, latencies=told, missed=["four.dev"]), steps, {}).good
    assert not Outcome(2.0, Score(due=3, latencies=told, false=["five.dev"]), steps, {}).good
    assert not Outcome(2.0, score, steps, {}, ["a process crashed"]).good
    assert not Outcome(2.0, Score(), {}, {}).good
    assert shown(found)[-1] == "median 1.50 polling steps, at most 1.5: held"
    assert any(re.fullmatch(r"2 drops with a step of up to 10 s +9\.50 +9\.60 +9\.60", line) for line in shown(found))


def test_names_drop_where_and_when_their_registry_deletes_them() -> None:
    """At noon UTC neither com nor se do; a registry without hours may at any time, and no name drops twice."""
    with also(*drops_cast.FURTHER):
        at_noon = drops_cast.open_suffixes(NOON, 600.0)
        in_the_evening = drops_cast.open_suffixes(NOON + 7 * 3600, 600.0)
        near_the_end = drops_cast.open_suffixes(NOON + 10 * 3600, 600.0)
    drops = plan_drops(Plan(), at_noon)

    assert at_noon == ["uk", "co.uk", "de", "dev", "xyz", "fr"]
    assert set(in_the_evening) == {*at_noon, "com"}
    assert near_the_end == at_noon  # that of com would close before the run is over
    assert len({drop.name for drop in drops}) == 200
    assert {drop.name.partition(".")[2] for drop in drops} == set(at_noon)
    assert all(0 <= drop.at <= 240 for drop in drops)
    assert sum(drop.priority for drop in drops) == pytest.approx(40, abs=6)


def test_names_are_staged_as_their_registries_show_them() -> None:
    """Those that drop are out of the zone and due after their moment; nine of ten calm ones are delegated, none drops."""
    clock = LabClock(wall=lambda: NOON)
    registry = Registry(clock)
    with also(*drops_cast.FURTHER):
        drops, calm = plan_drops(Plan(), ["de", "uk", "dev"]), calm_roles(1800)
        stage(registry, drops, calm, 60.0)

    for drop in drops:
        entry = registry.find(drop.name)
        assert entry is not None
        assert entry.phase in OUT_OF_ZONE
        assert entry.ends == pytest.approx(NOON + 60.0 + drop.at + drops_cast.SPARE, abs=0.01)
    assert sum(registry.names[role.name].delegated for role in calm) > 0.9 * len(calm)
    assert len({registry.names[role.name].phase for role in calm}) == 3
    assert all((entry := registry.names[role.name]).ends is None or entry.ends > NOON + DAY for role in calm)


def test_a_time_line_counts_from_the_purge() -> None:
    """Questions before it, after the event, about other names and to other servers are not of the drop."""
    asked = [
        Query(NOON - 21, "rdap/dev", "a.dev", "GET"),
        Query(NOON - 20, "whois/dev", "a.dev", "tcp"),
        Query(NOON - 11, "rdap/dev", "a.dev", "GET"),
        Query(NOON - 1, "rdap/dev", "a.dev", "GET"),
        Query(NOON + 9, "dns/dev", "a.dev", "udp"),
        Query(NOON + 10, "rdap/dev", "a.dev", "GET"),
        Query(NOON + 11, "rdap/dev", "canary-one.dev", "GET"),
        Query(NOON + 11, "whois/dev", "canary-one.dev", "tcp"),
        Query(NOON + 12, "rdap/dev", "a.dev", "GET"),
        Query(NOON + 12.5, "rdap/dev", "b.dev", "GET"),
        Query(NOON + 13.5, "rdap/dev", "a.dev", "GET"),
    ]
    notice = Received(NOON + 14, {}, b"", {"domain": "a.dev", "timestamp": NOON + 13}, True, None, 204)
    line = timeline_of("a.dev", NOON, notice, Questions(asked), {"a.dev", "b.dev"})

    assert (line.looks, line.first_denied, line.canaries, line.last_denied, line.recorded, line.posted, line.questions) == (
        (10.0, 10.0, 11.0, 12.0, 13.0, 14.0, 2)
    )
