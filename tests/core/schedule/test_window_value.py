"""How looks are shared by windows: by density and worth, no closer than they are worth, within a budget."""

from __future__ import annotations

import numpy as np
import pytest

from common.core.schedule.drop_hours import EDGE
from common.core.schedule.window_value import (
    OFF_HOURS,
    Windows,
    find_level,
    finest_steps,
    off_hours_ratios,
    step_at,
    weigh_windows,
)

HOUR, DAY = 3600.0, 86_400.0
#: Noon of some day.
NOW = 1_790_000_000.0 // DAY * DAY + DAY / 2
NO = np.array([False])


def window(first: float, last: float, hours: tuple[float, float] = (0.0, 24.0)) -> Windows:
    """A window from and to so many hours from now, open from an hour of the day on for so many hours."""
    return Windows(*(np.array([value]) for value in (NOW + first * HOUR, NOW + last * HOUR, hours[0] * HOUR, hours[1] * HOUR)))


def test_a_weight_is_the_root_of_density_and_worth() -> None:
    """Four times the chance, or a quarter of the width, or priority, is twice the weight."""
    usual = weigh_windows(window(0, 8), np.array([0.2]), NO)[0]

    assert weigh_windows(window(0, 8), np.array([0.8]), NO)[0] == pytest.approx(2 * usual)
    assert weigh_windows(window(0, 2), np.array([0.2]), NO)[0] == pytest.approx(2 * usual)
    assert weigh_windows(window(0, 8), np.array([0.2]), ~NO)[0] == pytest.approx(2 * usual)
    assert weigh_windows(window(0, 0), np.array([0.0]), NO)[0] < 1.0  # no forecast is certain


def test_a_window_of_several_days_is_as_wide_as_its_hours() -> None:
    """Two days of two hours each."""
    assert window(-20, 10, (18.0, 2.0)).widths().tolist() == [4 * HOUR]
    assert window(6, 8, (18.0, 2.0)).widths().tolist() == [2 * HOUR]
    assert window(-20, 10).widths().tolist() == [30 * HOUR]
    assert window(6, 6.5, (18.0, 2.0)).widths().tolist() == [HOUR / 2]


@pytest.mark.parametrize(
    ("first", "last", "hours", "is_open"),
    [
        (-1, 1, (0.0, 24.0), True),
        (0.2, 1, (0.0, 24.0), False),
        (-2, -0.2, (0.0, 24.0), False),
        (0.05, 1, (0.0, 24.0), True),  # nearly
        (-2, -0.05, (0.0, 24.0), True),
        (-20, 20, (11.0, 2.0), True),
        (-20, 20, (12.05, 2.0), True),
        (-20, 20, (12.2, 2.0), False),
        (-20, 20, (9.0, 2.95), True),
        (-20, 20, (9.0, 2.8), False),
        (-1, 1, (15.0, 2.0), True),  # not longer than the hours
        (-1, 1.2, (15.0, 2.0), True),  # give or take what the table rounds
        (-1, 1.3, (15.0, 2.0), False),
    ],
)
def test_a_window_is_open_in_the_hours_of_its_registry(
    first: float, last: float, hours: tuple[float, float], *, is_open: bool
) -> None:
    """And for five minutes around them."""
    assert window(first, last, hours).are_open(NOW).tolist() == [is_open]


@pytest.mark.parametrize(
    ("first", "last", "hours", "left"),
    [
        (-1, 3, (0.0, 24.0), 3 * HOUR + EDGE),
        (2, 3, (0.0, 24.0), HOUR + 2 * EDGE),
        (2, 2, (0.0, 24.0), 2 * EDGE),  # one whose second is published
        (-30, 40, (0.0, 24.0), 12 * HOUR),
        (-30, 40, (18.0, 2.0), 2 * HOUR + 2 * EDGE),
        (-2, 0, (0.0, 24.0), EDGE),  # it has just closed, and is looked at for a while
        (-2, -0.1, (0.0, 24.0), 0),
        (-30, 40, (11.0, 2.0), HOUR + EDGE),
        (-30, 40, (23.0, 2.0), HOUR + EDGE),
        (-30, 40, (23.0, 14.0), 2 * HOUR + 2 * EDGE),  # those of yesterday, until one o'clock, and of today
        (-30, -13, (23.0, 14.0), 0),
        (-1, 3, (20.0, 5.0), 3 * HOUR + EDGE),  # shorter than the hours: it says itself when it is open
        (13, 14, (0.0, 24.0), 0),
    ],
)
def test_of_a_window_the_rest_of_the_day_counts(first: float, last: float, hours: tuple[float, float], left: float) -> None:
    """To midnight UTC, when the quota begins anew; with the minutes around it, in which names are looked at as often."""
    assert window(first, last, hours).open_today(NOW).tolist() == [left]


@pytest.mark.parametrize(
    ("first", "last", "seconds"),
    [(0, 1, 5.0), (0, 24, 10.0), (-24, 24, 20.0), (-24, 24 * 29, 3600.0), (-24 * 29, 23, 20.0)],
)
def test_no_window_is_looked_at_more_closely_than_it_is_worth(first: float, last: float, seconds: float) -> None:
    """Five seconds at least; a wide one says little until its last day."""
    assert finest_steps(window(first, last), NOW).tolist() == [seconds]


@pytest.mark.parametrize(
    ("first", "last", "hours", "left"),
    [
        (2, 4, (14.0, 2.0), 10),
        (-4, -2, (8.0, 2.0), 12),
        (-1, 1, (11.0, 2.0), 11),
        (-22, 4, (14.0, 2.0), 10),
        (26, 28, (14.0, 2.0), 0),
        (-28, -26, (8.0, 2.0), 0),
        (10.9, 12.9, (22.9, 2.0), 10.9),  # mostly before midnight
        (11, 13, (23.0, 2.0), 0),  # as much after it
        (-13, -11, (23.0, 2.0), 12),
        (-13.1, -11.1, (22.9, 2.0), 0),
    ],
)
def test_the_rest_of_the_day_of_a_window_is_off_hours(
    first: float, last: float, hours: tuple[float, float], left: float
) -> None:
    """To midnight UTC, of the day in which the middle of its hours lies."""
    assert window(first, last, hours).off_hours_today(NOW).tolist() == [pytest.approx(left * HOUR, abs=2 * EDGE)]


def test_a_part_of_the_looks_of_a_day_is_kept_for_other_hours() -> None:
    """Whatever the hours are; where they are all day there are no others."""
    length = np.array([HOUR, 12 * HOUR, DAY])
    outside = off_hours_ratios(length) * (DAY - length)

    assert (outside / (outside + length)).tolist() == pytest.approx([OFF_HOURS, OFF_HOURS, 0.0])


def test_a_budget_is_used_up_by_the_names_that_need_it() -> None:
    """What a name at its finest step does not take is left to the others."""
    weights, most, times = np.array([1.0, 1.0, 2.0]), np.array([0.1, 9.0, 9.0]), np.ones(3)
    level = find_level(weights, most, times, 1.0)

    assert np.minimum(level * weights, most).sum() == pytest.approx(1.0)
    assert level == pytest.approx(0.3)


def test_a_budget_may_be_plenty_or_nothing() -> None:
    """Without names it is plenty."""
    one = np.ones(1)
    assert find_level(one, one, one, 2.0) == find_level(one, one, one, float("inf")) == find_level(one, one, 0 * one, 0.0)
    assert find_level(one, one, one, 0.0) == 0.0
    assert (step_at(0.0, 1.0, 5.0), step_at(float("inf"), 1.0, 5.0), step_at(0.1, 1.0, 5.0)) == (float("inf"), 5.0, 10.0)


def test_a_quota_counts_the_seconds_of_each_window() -> None:
    """Two windows of an hour and of two."""
    level = find_level(np.ones(2), np.ones(2), np.array([HOUR, 2 * HOUR]), 108.0)

    assert level * 3 * HOUR == pytest.approx(108.0)
