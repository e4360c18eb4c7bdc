"""Visits that are about to begin: who overtakes whom, and that nobody is overtaken for ever."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.core.checks import check_starts
from common.core.checks.admission import SHARE, AdmissionQueue, CheckRequest
from common.core.domains.domain_table import Flag
from common.core.sweeps import due
from tests.sim.world import World

#: Drives a simulated world.
pytestmark = pytest.mark.simulation


def held_up(monkeypatch: pytest.MonkeyPatch) -> tuple[World, list[str]]:
    """A world in which no ordinary visit begins, and names that wait for theirs."""
    world = World(interval=3600.0)
    names = ["one.com", "two.com", "three.com"]
    world.watch(*names)
    world.run(60)
    monkeypatch.setattr(check_starts, "MOST_LOADED", -1)
    table = world.core.rooms.domains.table
    for name in names:
        row = table.find_id(name)
        table.set_flag(row, Flag.SINGLE, on=True)
        table.schedule.set_time(row, world.now, priority=False)
    world.run(5)
    assert all(table.has_flag(table.find_id(name), Flag.ADMITTED) for name in names)
    return world, names


def test_a_check_on_demand_of_a_name_that_waits_begins_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """By every method, and once; the others go on waiting."""
    world, names = held_up(monkeypatch)
    before = len(world.asked)
    world.order("check", names[1])
    world.order("check", names[1])
    world.run(5)
    asked = [(name, method) for _, method, name in world.asked[before:] if name in names]

    assert sorted(asked) == [(names[1], "dns"), (names[1], "rdap"), (names[1], "whois")]


def test_a_name_that_gains_priority_while_it_waits_begins_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not wait behind those without."""
    world, names = held_up(monkeypatch)
    before = len(world.asked)
    world.watch(names[2], priority=True)
    world.run(5)

    assert {name for _, _, name in world.asked[before:] if name in names} == {names[2]}


def test_a_name_that_is_being_fetched_is_hurried_too() -> None:
    """What was asked of the store for an ordinary visit serves the urgent one."""
    wants = AdmissionQueue()
    wants.fetching[7] = CheckRequest(7, due=5.0)
    wants.hurry(CheckRequest(7, manual=True, urgent=True), "com")

    assert wants.fetching[7] == CheckRequest(7, due=5.0, manual=True, urgent=True)
    assert wants.next(ordinary=True) is None
    assert len(wants) == 1


def test_those_that_wait_longest_begin_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many wait: before names that became due later, whatever their numbers."""
    monkeypatch.setattr(due, "MOST_WAITING", 2)
    world = World(interval=3600.0)
    names = [f"n{number}.com" for number in range(20)]
    world.watch(*names)
    world.run(60)
    board, table = world.core.rooms, world.core.rooms.domains.table
    for place, name in enumerate(names):  # the last one is the latest; some become due while the others wait
        row = table.find_id(name)
        table.set_flag(row, Flag.SINGLE, on=True)
        table.schedule.set_time(row, world.now - place if place >= 5 else world.now + 2 + place, priority=False)
    begun: list[CheckRequest] = []
    for second in range(120):
        board.due.move_due_names(world.now + second)
        wanted = rooms.starts.admission.next(ordinary=True) if not second % 4 else None
        begun += [wanted] if wanted is not None else []

    assert [table.name_of(wanted.row) for wanted in begun] == [*names[:4:-1], *names[:5]]
    assert [wanted.due for wanted in begun] == sorted(wanted.due for wanted in begun)


def test_suffixes_take_turns() -> None:
    """A thousand names of one do not keep one of another waiting; planned and found ones of the same suffix take turns too."""
    wants = AdmissionQueue()
    wants.add_planned("com", np.arange(1000), np.full(1000, 5.0))
    for row in range(2000, 2003):
        wants.add_request(CheckRequest(row), "com")
    wants.add_planned("org", np.array([3000]), np.array([9.0]))
    begun = [wanted.row for wanted in iter(lambda: wants.next(ordinary=True), None)]

    assert begun[:7] == [0, 3000, 2000, 1, 2001, 2, 2002]
    assert len(begun) == 1004
    assert not wants.has_waiting()


def test_news_leaves_a_quarter_of_the_beginnings_to_planned_visits() -> None:
    """Names that leave the zone all the time do not keep the others waiting for ever."""
    wants = AdmissionQueue()
    wants.add_planned("com", np.arange(5), np.full(5, 5.0))
    for row in range(1000, 1020):
        wants.add_request(CheckRequest(row, news=True), "com")
    begun = [wanted.row for wanted in iter(lambda: wants.next(ordinary=True), None)]

    assert [place for place, row in enumerate(begun) if row < 5] == [3, 7, 11, 15, 19]
    assert sorted(begun) == [*range(5), *range(1000, 1020)]


def test_priority_leaves_a_quarter_of_the_beginnings_to_the_others() -> None:
    """As long as they may begin at all."""
    wants = AdmissionQueue()
    for row in range(1000, 1020):
        wants.add_request(CheckRequest(row, urgent=True), "com")
        wants.add_request(CheckRequest(row + 1000, news=True), "com")
    begun = [wants.next(ordinary=True) for _ in range(8)]
    crowded = [wants.next(ordinary=False) for _ in range(8)]

    assert [wanted.urgent for wanted in begun if wanted] == [True, True, True, False] * 2
    assert all(wanted is not None and wanted.urgent for wanted in crowded)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), st.booleans()), max_size=80))
def test_the_next_planned_visit_begins_after_sixteen_others_at_most(arrivals: list[tuple[int, int, bool]]) -> None:
    """Whatever comes, of priority and news, between any two beginnings."""
    wants, rows, since = AdmissionQueue(), itertools.count(), 0
    for urgent, news, planned in [*arrivals, *[(6, 6, False)] * 20]:
        for _ in range(urgent):
            wants.add_request(CheckRequest(next(rows), urgent=True), "com")
        for _ in range(news):
            wants.add_request(CheckRequest(next(rows), news=True), "com")
        if planned:
            wants.add_planned("com", np.array([next(rows)]), np.full(1, 5.0))
        waits = wants.planned_count()
        wanted = wants.next(ordinary=True)
        since = since + 1 if waits and wanted is not None and (wanted.urgent or wanted.news) else 0
        assert since < SHARE**2
