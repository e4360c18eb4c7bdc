"""When a name is checked next: by its state, and inside a drop window by the width of that."""

from __future__ import annotations

import numpy as np
import pytest

from common.core.model.entry import DropWindow, Entry
from common.core.model.evidence import Phase
from common.core.model.states import State
from common.core.schedule.cadence import (
    FIRST_SPREAD,
    Cadence,
    Pace,
    first_check_times,
    is_imminent,
    next_check_at,
    next_check_times,
    window_steps,
)
from common.core.schedule.drop_hours import PUBLISHED

NOW = 1_790_000_000.0
DAY, HOUR = 86_400.0, 3600.0
CADENCE = Cadence(3600.0, 60.0, 30.0, 2.0)
WIDE, NARROW = (NOW - 10 * DAY, NOW + 20 * DAY), (NOW - HOUR, NOW + 12 * HOUR)


def entry(state: State = State.REGISTERED, phase: Phase = Phase.ACTIVE) -> Entry:
    """A name in this phase that expires in 200 days."""
    made = Entry("example.com", "com", "example", state=state)
    made.detail.phase = phase.value
    made.detail.expires_epoch = NOW + 200 * DAY
    return made


def ending(window: tuple[float, float], *, priority: bool = False) -> Entry:
    """A name in redemption that drops in this window."""
    made = Entry("gone.com", "com", "gone", state=State.REDEMPTION, priority=priority)
    made.drop = DropWindow(window[0], sum(window) / 2, window[1], 0.9)
    return made


def wait(name: Entry, stretch: float = 1.0) -> float:
    """Seconds until the next check, jitter included."""
    return next_check_at(name, CADENCE, NOW, PUBLISHED, confirming=False, inconclusive=False, pace=Pace(stretch)) - NOW


def test_an_alarm_is_confirmed_after_exactly_the_gap() -> None:
    """No jitter there: the customer waits."""
    name = entry(State.PENDING_DELETE, Phase.PENDING_DELETE)
    assert next_check_at(name, CADENCE, NOW, PUBLISHED, confirming=True, inconclusive=False) == NOW + 30
    name.priority = True
    assert next_check_at(name, CADENCE, NOW, PUBLISHED, confirming=True, inconclusive=False) == NOW + 2


def test_inconclusive_checks_are_repeated_soon_then_more_and_more_rarely() -> None:
    """An outage is retried without a storm, never much later than the base interval."""
    name, waits = entry(), []
    for checks in range(1, 15):
        name.detail.unknown_rounds = checks
        waits.append(next_check_at(name, CADENCE, NOW, PUBLISHED, confirming=False, inconclusive=True) - NOW)

    assert waits[0] < 20
    assert max(waits) <= 3600 * 1.2


def test_the_window_of_a_forecast_is_watched_closely() -> None:
    """Inside it every minute, and from the moment that it opens."""
    name = entry(State.PENDING_DELETE, Phase.PENDING_DELETE)
    name.drop = DropWindow(NOW - 100, NOW, NOW + 3600, 0.95)
    assert next_check_at(name, CADENCE, NOW, PUBLISHED, confirming=False, inconclusive=False) <= NOW + 72
    name.drop = DropWindow(NOW + 600, NOW + 900, NOW + 1200, 0.95)
    assert next_check_at(name, CADENCE, NOW, PUBLISHED, confirming=False, inconclusive=False) <= NOW + 600


def test_first_checks_are_spread_and_priority_names_go_first() -> None:
    """A big list does not hit the registries in one second."""
    ids, urgent = np.arange(200), np.arange(200) == 150
    times = first_check_times(ids, urgent, CADENCE, NOW)

    assert FIRST_SPREAD / 2 < times.max() - times.min() <= FIRST_SPREAD
    assert times[150] == NOW
    assert len(set(times.tolist())) == 200


@pytest.mark.parametrize(
    ("window", "seconds"),
    [
        (NARROW, 60.0),
        ((NOW - DAY, NOW + DAY), 60.0),
        ((NOW - DAY, NOW + 3 * DAY), 120.0),
        (WIDE, 900.0),
        ((NOW - 29 * DAY, NOW + DAY), 60.0),  # its last day
        ((NOW - 28 * DAY, NOW + 2 * DAY), 900.0),
        ((NOW - 100 * DAY, NOW + 200 * DAY), 3600.0),  # the base interval
    ],
)
def test_a_window_is_watched_the_more_rarely_the_wider_it_is(window: tuple[float, float], seconds: float) -> None:
    """A minute up to two days and in the last one, never rarer than outside; one name and many alike, and none in step."""
    ids, bounds = np.arange(500), [np.full(500, at) for at in window]
    waits = next_check_times(ids, np.full(500, 3600.0), *bounds, NOW) - NOW

    assert 0.8 * seconds <= wait(ending(window)) <= 1.2 * seconds
    assert waits.min() < 0.85 * seconds
    assert waits.max() > 1.15 * seconds
    assert waits.min() >= 0.8 * seconds
    assert waits.max() <= 1.2 * seconds


def test_a_stretch_makes_checks_rarer_up_to_the_base_interval() -> None:
    """Inside the window alone; of a quicker interval up to a quarter of an hour: the queries of a day have to last."""
    ids, inside = np.arange(3), np.array([True, True, False])
    earliest, latest = np.where(inside, NARROW[0], np.nan), np.where(inside, NARROW[1], np.nan)
    waits = next_check_times(ids, np.full(3, 3600.0), earliest, latest, NOW, np.array([4.0, np.inf, 4.0])) - NOW

    assert 192 <= wait(ending(NARROW), 4.0) <= 288
    assert 2880 <= wait(ending(NARROW), float("inf")) <= 4320
    assert 192 <= wait(ending(NARROW, priority=True), 4.0) <= 288
    assert 720 <= wait(ending(NARROW, priority=True), 100.0) <= 1080
    assert 192 <= waits[0] <= 288
    assert waits[1:].min() >= 2880


def test_the_step_of_a_window_does_not_depend_on_how_many_are_computed() -> None:
    """One or many."""
    assert window_steps(np.array([WIDE[0], NARROW[0]]), np.array([WIDE[1], NARROW[1]]), NOW).tolist() == [900.0, 60.0]


@pytest.mark.parametrize(
    ("window", "soon"),
    [
        (NARROW, True),
        ((NOW + HOUR, NOW + 2 * HOUR), True),
        ((NOW + 1.1 * HOUR, NOW + 2 * HOUR), False),
        ((NOW - 2 * HOUR, NOW - HOUR), True),
        ((NOW - 2 * HOUR, NOW - 1.1 * HOUR), False),
        (WIDE, False),
        ((NOW - 29 * DAY, NOW + DAY), True),
    ],
)
def test_a_name_may_drop_about_now_in_a_window_that_tells_the_day(window: tuple[float, float], *, soon: bool) -> None:
    """An hour around it; of a wide one in its last day."""
    assert is_imminent(ending(window), NOW) is soon
