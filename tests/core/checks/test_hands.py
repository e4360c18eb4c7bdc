"""Hands are shared: what waits at one registry keeps no name of another one waiting."""

from __future__ import annotations

import numpy as np
import pytest

from common.core.checks import check_starts
from common.core.checks.admission import AdmissionQueue, CheckRequest
from common.core.domains import working_set
from common.core.model.entry import Check, DropWindow, Entry, Rank
from common.core.model.evidence import Outcome
from common.core.model.limit import Limit
from common.core.model.query import Query
from common.core.model.states import State
from common.core.rate_limits import query_queue
from common.core.rate_limits.budgets import Budgets
from common.core.rate_limits.query_queue import LONGEST, MOST_FROM_SWEEPS, MOST_ROUTINE, QueryQueue
from common.core.sweeps import sweep_results
from tests.sim.truth import Name
from tests.sim.world import World

#: Drives a simulated world.
pytestmark = pytest.mark.simulation

NOW = 1_790_000_000.0
FREE = {"*": Limit("*", 1e6, 10**6, None)}
SLOW = {"rdap/rdap.com.test": Limit("x", 0.02, 1, None), "whois/whois.com.test": Limit("y", 0.02, 1, None)}


def waiting(line: QueryQueue, operator: str, rank: int, count: int) -> Limit:
    """So many questions wait in the line of an operator with a large budget."""
    limit = Limit(operator, 10.0, 10, None)
    for number in range(count):
        line.add_query(Query("rdap", "intermediate", f"n{number}.com", "com", "", limit, rank, NOW, 5.0))
    return limit


def crowd(monkeypatch: pytest.MonkeyPatch, count: int) -> World:
    """Far more free names of com, whose registry is slow, than there are hands; a few registered ones of org."""
    for module in (working_set, sweep_results, check_starts):
        monkeypatch.setattr(module, "MOST_LOADED", 40)
    monkeypatch.setattr(working_set, "MOST_AT_REST", 30, raising=False)
    monkeypatch.setattr(query_queue, "MOST_ROUTINE", 20, raising=False)
    world = World(interval=600.0)
    rooms = world.core.rooms
    object.__setattr__(board.policy, "limits", FREE)
    names = [f"free{number}.com" for number in range(count)]
    world.names.update({name: Name([(0.0, None)]) for name in names})
    world.watch(*names, *[f"o{number}.org" for number in range(20)])
    world.run(1200)
    assert rooms.domains.by_state["AVAILABLE"] > 0.9 * count
    object.__setattr__(board.policy, "limits", {**FREE, **SLOW})
    rooms.registries._limits.clear()
    world.run(1500)
    return world


def test_a_slow_registry_with_many_names_keeps_no_drop_of_another_one_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its line fills and its own names wait; hands are left for the others, and the drop is told within seconds."""
    world = crowd(monkeypatch, 120)
    rooms = world.core.rooms
    world.names["o7.org"].changes.append((world.now, None))
    row = rooms.domains.table.find_id("o7.org")
    if np.isfinite(rooms.domains.table.schedule.due_at(row)):
        rooms.domains.table.schedule.set_time(row, world.now, priority=False)
    world.run(90)

    assert [status for _, status in world.notices("o7.org")] == ["available"]
    assert len(rooms.domains.working_set.loaded) < 80


def test_names_of_a_slow_registry_are_still_looked_at_in_the_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever catches one of them shows up there, whether or not the registry's line has room."""
    world = crowd(monkeypatch, 120)
    began = world.now
    world.run(1800)

    assert len({name for at, method, name in world.asked if method == "dns" and at > began and name.startswith("free")}) == 120


def test_a_line_takes_no_more_routine_than_it_leaves_room_for() -> None:
    """One operator may have half of it, two a third each; the last one always finds some."""
    line = QueryQueue()
    one = waiting(line, "rdap/one", Rank.ORDINARY, MOST_ROUTINE // 2)
    assert line.room_for_queries(one, Rank.ORDINARY) == 0
    two = waiting(line, "rdap/two", Rank.BACKGROUND, 100)
    assert line.room_for_queries(two, Rank.ORDINARY) == MOST_ROUTINE // 2 - 100
    assert line.room_for_queries(two, Rank.BACKGROUND) == line.room_for_queries(two, Rank.ORDINARY) - 100
    assert line.room_for_queries(one, Rank.NEWS) == line.room_for_queries(one, Rank.URGENT) > LONGEST[Rank.ORDINARY]
    assert line.room_for_sweeps(one, Rank.NEWS, Budgets(), ["default"], NOW) >= MOST_FROM_SWEEPS

    line.take_operator("rdap/one")
    assert line.room_for_queries(one, Rank.ORDINARY) == MOST_ROUTINE - 100


@pytest.mark.parametrize("sign", ["window", "said", "purged"])
def test_a_name_that_may_have_dropped_goes_before_routine_in_its_registrys_line(sign: str) -> None:
    """By its forecast, or because one channel denies it; a full line does not turn it away."""
    rooms = World().core.rooms
    entry = Entry("gone.com", "com", "gone", state=State.PENDING_DELETE)
    entry.check = Check(NOW, asked={"rdap"})
    if sign == "window":
        entry.drop = DropWindow(NOW - 60, NOW, NOW + 60, 0.9)
    elif sign == "said":
        entry.check.outcomes["rdap"] = Outcome.UNREGISTERED
    else:
        entry.detail.purged_at = NOW - 600
    waiting(rooms.rate_limits.queue, "whois/whois.com.test", Rank.ORDINARY, MOST_ROUTINE)

    assert board.planner.put(entry, entry.check, "whois", NOW)
    assert rooms.rate_limits.queue.take_operator("whois/whois.com.test")[0].domain == "gone.com"


def test_who_left_the_zone_begins_before_routine_and_after_priority() -> None:
    """However many wait, and although it came last."""
    wants = AdmissionQueue()
    wants.add_planned("com", np.arange(100), np.full(100, 5.0))
    wants.add_request(CheckRequest(200), "com")
    wants.add_request(CheckRequest(300, news=True), "com")
    wants.add_request(CheckRequest(400, urgent=True), "com")
    begun = [wanted.row for wanted in iter(lambda: wants.next(ordinary=True), None)]

    assert begun[:2] == [400, 300]
    assert len(begun) == 103


def test_a_suffix_whose_line_is_full_is_passed_over() -> None:
    """Its planned visits wait; what a sweep found of it, and other suffixes, go on."""
    wants = AdmissionQueue()
    wants.add_planned("com", np.arange(3), np.full(3, 5.0))
    wants.add_planned("org", np.array([10, 11]), np.full(2, 9.0))
    wants.add_request(CheckRequest(20), "com")
    begun = [wanted.row for wanted in iter(lambda: wants.next(ordinary=True, full=lambda suffix: suffix == "com"), None)]

    assert begun == [20, 10, 11]
    assert wants.has_waiting()
    assert [wanted.row for wanted in iter(lambda: wants.next(ordinary=True), None)] == [0, 1, 2]
