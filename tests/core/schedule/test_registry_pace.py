"""How often the registry is asked about a name that its zone guards, that was announced, or of which only it can tell."""

from __future__ import annotations

import numpy as np
import pytest

from common.core.model.entry import DropWindow, Entry
from common.core.model.evidence import Observation, Outcome, Phase, Reading
from common.core.model.records import Evidence
from common.core.model.states import State
from common.core.schedule.registry_pace import (
    DAY,
    FOLLOWED,
    LIKELY,
    LONGEST_UNGUARDED,
    NEARER,
    TOLD,
    is_look_due,
    is_near_expiry,
    told_intervals,
    unguarded_look_at,
)

NOW, HOUR = 1_790_000_000.0, 3600.0


def asked_name(state: State, phase: Phase | None, asked: float | None, *, priority: bool = False) -> Entry:
    """A name in this state and phase whose registry answered so many seconds ago, if ever."""
    entry = Entry("a.com", "com", "a", priority=priority, state=state)
    entry.detail.phase = phase.value if phase is not None else None
    if asked is not None:
        answer = Observation("rdap", Reading(Outcome.REGISTERED, "rdap_200", ""), server="rdap.com.test")
        entry.detail.evidence["rdap"] = Evidence(answer, NOW - asked, NOW - asked)
    return entry


def held(asked: float, expires: float | None, *, priority: bool = False) -> Entry:
    """A name without a delegation whose registry was asked so many seconds ago; it expires in that many days."""
    entry = asked_name(State.UNDELEGATED, Phase.UNDELEGATED, asked, priority=priority)
    entry.detail.expires_epoch = None if expires is None else NOW + expires * DAY
    return entry


def told(age: float, asked: float, state: State = State.AVAILABLE, *, priority: bool = False) -> Entry:
    """A name that was announced so many seconds ago."""
    entry = asked_name(state, Phase.PENDING_DELETE, asked, priority=priority)
    entry.since = NOW - age
    return entry


# -- held ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "expires", "due"),
    [
        (DAY - 1, 200, False),
        (DAY, 200, True),
        (DAY / 2 - 1, 14, False),
        (DAY / 2, 14, True),
        (DAY / 2, 15, False),
        (DAY / 2, -45, True),
        (DAY / 2, -46, False),
        (DAY / 2, None, True),
    ],
)
def test_the_zone_guards_a_held_name(asked: float, expires: float | None, *, due: bool) -> None:
    """The registry is asked once a day, twice around its expiry."""
    assert is_look_due(held(asked, expires), NOW) is due


def test_a_held_name_is_asked_about_where_it_may_drop_or_was_never_asked_about() -> None:
    """And with priority four times as often; names in other phases always."""
    entry = held(60.0, 200)
    assert not is_look_due(entry, NOW)
    entry.drop = DropWindow(NOW, NOW, NOW + HOUR, 0.9)
    assert is_look_due(entry, NOW)
    assert is_look_due(held(DAY / 4, 200, priority=True), NOW)
    assert is_look_due(asked_name(State.UNDELEGATED, Phase.UNDELEGATED, None), NOW)
    assert is_look_due(asked_name(State.REDEMPTION, Phase.REDEMPTION, 1.0), NOW)


def test_expiry_is_near_from_a_fortnight_before() -> None:
    """Until six weeks after it, when registrars have deleted what was not paid."""
    near = [-14.01, -14.0, 0.0, 45.0, 45.01]

    assert [is_near_expiry(day * DAY) for day in near] == [False, True, True, True, False]
    assert not is_near_expiry(None)


# -- announced -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age", "asked", "due"),
    [
        (FOLLOWED - 1, 1.0, True),
        (FOLLOWED, 6 * HOUR - 1, False),
        (FOLLOWED, 6 * HOUR, True),
        (7 * DAY - 1, 6 * HOUR, True),
        (7 * DAY, DAY - 1, False),
        (7 * DAY, DAY, True),
        (60 * DAY - 1, DAY, True),
        (60 * DAY, 7 * DAY - 1, False),
        (60 * DAY, 7 * DAY, True),
        (1000 * DAY, 7 * DAY, True),
    ],
)
def test_an_announced_name_is_left_to_its_zone(age: float, asked: float, *, due: bool) -> None:
    """A catch that is not delegated is found in six hours in the first week, in a day for two months, then in a week."""
    assert is_look_due(told(age, asked), NOW) is due


@pytest.mark.parametrize("state", sorted(TOLD))
def test_every_state_without_an_object_is_left_to_its_zone(state: State) -> None:
    """A reservation, too, is seldom lifted."""
    assert not is_look_due(told(DAY, HOUR, state), NOW)


def test_an_announced_name_with_priority_is_asked_about_four_times_as_often() -> None:
    """Of the same registry."""
    assert not is_look_due(told(DAY, 1.5 * HOUR - 1, priority=True), NOW)
    assert is_look_due(told(DAY, 1.5 * HOUR, priority=True), NOW)


def test_a_name_in_another_state_is_not_left_to_its_zone() -> None:
    """One in a release procedure is free any moment, of one whose state is unknown nothing tells."""
    assert is_look_due(told(DAY, 1.0, State.DROPPING), NOW)
    assert is_look_due(told(DAY, 1.0, State.UNKNOWN), NOW)


def test_the_intervals_of_many_names_are_those_of_each() -> None:
    """By the age of the announcement."""
    ages = np.array([0.0, FOLLOWED, 7 * DAY, 60 * DAY])

    assert told_intervals(ages).tolist() == [0.0, 6 * HOUR, DAY, 7 * DAY]


# -- under a zone that answers for every name ------------------------------------------------------------------------------


def unguarded(expires: float | None, asked: float = 0.0, *, priority: bool = False, phase: Phase = Phase.ACTIVE) -> Entry:
    """A registered name of which its zone tells nothing; it expires in so many days."""
    state = State.EXPIRED_GRACE if phase is Phase.EXPIRED_GRACE else State.REGISTERED
    entry = asked_name(state, phase, asked, priority=priority)
    entry.detail.expires_epoch = None if expires is None else NOW + expires * DAY
    return entry


@pytest.mark.parametrize(
    ("expires", "days"),
    [
        (200.0, 7.0),
        (61.0, 2.0),  # a day after it comes near
        (60.0, 1.0),
        (15.0, 1.0),
        (14.0, 0.5),
        (0.25, 0.25),  # at its expiry
        (-45.0, 0.5),
        (-46.0, 1.0),
        (None, 1.0),
    ],
)
def test_the_calendar_tells_when_to_ask_where_no_zone_guards_a_name(expires: float | None, days: float) -> None:
    """Weekly far from expiry, then daily, and twice a day around it; daily where no date is known."""
    assert unguarded_look_at(unguarded(expires), NOW) == pytest.approx(NOW + days * DAY)


def test_the_wait_counts_from_the_last_answer() -> None:
    """With priority a quarter of it; one that was never asked about is due."""
    assert unguarded_look_at(unguarded(None, HOUR), NOW) == NOW + DAY - HOUR
    assert unguarded_look_at(unguarded(None, priority=True), NOW) == NOW + DAY / 4
    assert unguarded_look_at(unguarded(200.0, 8 * DAY), NOW) == NOW - DAY
    assert unguarded_look_at(asked_name(State.REGISTERED, Phase.ACTIVE, None), NOW) == DAY


def test_in_its_grace_a_name_is_asked_about_twice_a_day() -> None:
    """Whatever date the registry shows by then."""
    assert unguarded_look_at(unguarded(300.0, phase=Phase.EXPIRED_GRACE), NOW) == NOW + DAY / 2


def test_an_announced_name_is_asked_about_by_its_age_there_too() -> None:
    """Nothing else tells that it was caught."""
    assert unguarded_look_at(told(DAY, 0.0), NOW) == NOW + 6 * HOUR
    assert unguarded_look_at(told(DAY, 0.0, priority=True), NOW) == NOW + 1.5 * HOUR
    assert unguarded_look_at(told(100 * DAY, 0.0, State.RESERVED), NOW) == NOW + 7 * DAY


@pytest.mark.parametrize(
    ("state", "phase"),
    [
        (State.REDEMPTION, Phase.REDEMPTION),
        (State.PENDING_DELETE, Phase.PENDING_DELETE),
        (State.REGISTERED, Phase.DROPPING),
        (State.UNKNOWN, None),
        (State.DROPPING, Phase.PENDING_DELETE),
    ],
)
def test_a_name_on_its_way_out_is_looked_at_as_everywhere(state: State, phase: Phase | None) -> None:
    """The zone of others says nothing of it either."""
    assert unguarded_look_at(asked_name(state, phase, 0.0), NOW) is None


def test_a_likely_window_counts_from_a_day_before_on() -> None:
    """An unlikely one does not: a name that may be renewed is not polled for weeks."""
    entry = unguarded(200.0)
    entry.drop = DropWindow(NOW + 3 * DAY, NOW + 4 * DAY, NOW + 5 * DAY, LIKELY)
    assert unguarded_look_at(entry, NOW) == NOW + 2 * DAY
    entry.drop = DropWindow(NOW + DAY, NOW + 2 * DAY, NOW + 3 * DAY, LIKELY)
    assert unguarded_look_at(entry, NOW) is None
    entry.drop = DropWindow(NOW, NOW + 2 * DAY, NOW + 3 * DAY, LIKELY - 0.01)
    assert unguarded_look_at(entry, NOW) == NOW + 7 * DAY


def test_no_such_wait_is_longer_than_the_longest() -> None:
    """At a start later due times are those of a wrong clock."""
    names = [unguarded(200.0), unguarded(None), told(100 * DAY, 0.0), unguarded(NEARER / DAY + 6.9)]

    assert max(unguarded_look_at(entry, NOW) or NOW for entry in names) == NOW + LONGEST_UNGUARDED
