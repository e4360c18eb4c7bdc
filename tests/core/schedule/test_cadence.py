"""When a name is checked next: by its base interval, its state, its forecast, and what its last check found."""

from __future__ import annotations

import numpy as np
import pytest

from common.core.model.entry import DropWindow, Entry
from common.core.model.states import State
from common.core.schedule.cadence import (
    AFTER_ALARM,
    CLOSED,
    DAY,
    FIRST_SPREAD,
    IN_WINDOW,
    INCONCLUSIVE_FIRST,
    INCONCLUSIVE_LONGEST,
    JITTER,
    LONGEST_STEP,
    MARGIN,
    SOONEST,
    STRETCHED,
    WIDE,
    YOUNG_RUN,
    YOUNG_STEP,
    Cadence,
    Pace,
    are_imminent,
    base_interval,
    first_check_times,
    inconclusive_check_times,
    is_imminent,
    longest_calm_wait,
    longest_unguarded_wait,
    longest_wait,
    next_check_at,
    next_check_times,
    pass_gap_of,
    spread_check_times,
    unguarded_check_at,
    window_steps,
)
from common.core.schedule.drop_hours import EDGE, PUBLISHED

NOW = 1_790_000_000.0
CADENCE = Cadence(interval=3600.0, priority_interval=300.0, gap=30.0, gap_close=2.0)
NONE = np.array([np.nan])


def entry_of(*, priority: bool = False, window: tuple[float, float] | None = None) -> Entry:
    """A registered name, with a drop window that begins and ends so many seconds from now."""
    entry = Entry("a.com", "com", "a", priority=priority, state=State.REGISTERED)
    if window is not None:
        earliest, latest = NOW + window[0], NOW + window[1]
        entry.drop = DropWindow(earliest, (earliest + latest) / 2, latest, 0.8)
    return entry


def wait_of(entry: Entry, *, confirming: bool = False, inconclusive: bool = False, stretch: float = 1.0) -> float:
    """Seconds until the next check."""
    return wait_at(entry, Pace(stretch), confirming=confirming, inconclusive=inconclusive)


def wait_at(entry: Entry, pace: Pace, *, confirming: bool = False, inconclusive: bool = False) -> float:
    """The same at a pace."""
    return next_check_at(entry, CADENCE, NOW, PUBLISHED, confirming=confirming, inconclusive=inconclusive, pace=pace) - NOW


def near(wait: float) -> object:
    """Equal to this wait but for jitter."""
    return pytest.approx(wait, rel=JITTER)


# -- one name --------------------------------------------------------------------------------------------------------------


def test_a_stable_name_is_checked_at_its_base_interval() -> None:
    """That of names with priority is another one."""
    assert (base_interval(entry_of(), CADENCE), base_interval(entry_of(priority=True), CADENCE)) == (3600.0, 300.0)
    assert wait_of(entry_of()) == near(3600.0)
    assert wait_of(entry_of(priority=True)) == near(300.0)


def test_names_checked_together_are_not_due_together() -> None:
    """Their waits differ by their names, and the same wait is computed again."""
    waits = [wait_of(Entry(f"n{number}.com", "com", f"n{number}")) for number in range(50)]

    assert len(set(waits)) == 50
    assert min(waits) < 0.9 * 3600 < 1.1 * 3600 < max(waits)
    assert waits[7] == wait_of(Entry("n7.com", "com", "n7"))


def test_inconclusive_checks_are_repeated_soon_and_then_rarer() -> None:
    """Twice the wait each time, up to the base interval."""
    waits = []
    for count in (1, 2, 3, 40):
        entry = entry_of()
        entry.detail.unknown_rounds = count
        waits.append(wait_of(entry, inconclusive=True))

    assert waits == [near(INCONCLUSIVE_FIRST), near(2 * INCONCLUSIVE_FIRST), near(4 * INCONCLUSIVE_FIRST), near(3600.0)]


def test_passes_of_an_alarm_follow_each_other_at_the_gap() -> None:
    """At the short one where the name has priority, or may drop at any moment."""
    assert pass_gap_of(entry_of(), CADENCE, NOW) == 30.0
    assert pass_gap_of(entry_of(priority=True), CADENCE, NOW) == 2.0
    assert pass_gap_of(entry_of(window=(-60, 60)), CADENCE, NOW) == 2.0
    assert wait_of(entry_of(), confirming=True) == 30.0


def test_passes_become_rarer_while_an_alarm_lacks_something() -> None:
    """Up to the base interval, but within a minute until the run is a quarter of an hour old."""
    old, young = entry_of(), entry_of()
    old.detail.passes = tuple(NOW - YOUNG_RUN - 600 + 60 * number for number in range(10))
    young.detail.passes = tuple(NOW - YOUNG_RUN + 1 + 60 * number for number in range(10))

    assert wait_of(old, confirming=True) == 30.0 * 2.0**6
    assert wait_of(young, confirming=True) == YOUNG_STEP
    old.detail.passes = (NOW - 2 * YOUNG_RUN, *(NOW - 60.0,) * 40)
    assert wait_of(old, confirming=True) == 3600.0


@pytest.mark.parametrize("state", [State.AVAILABLE, State.UNREGISTERED])
def test_an_announced_name_is_followed_closely_at_first(state: State) -> None:
    """A new registration is to be seen soon; afterwards the base interval is enough."""
    entry = entry_of()
    entry.state = state
    waits = []
    for age in (0.0, 2 * AFTER_ALARM[0], 2 * AFTER_ALARM[1], 2 * AFTER_ALARM[2], 2 * AFTER_ALARM[3]):
        entry.since = NOW - age
        waits.append(wait_of(entry))

    assert waits == [near(AFTER_ALARM[0]), near(AFTER_ALARM[1]), near(AFTER_ALARM[2]), near(AFTER_ALARM[3]), near(3600.0)]


def unguarded_wait(entry: Entry, wait: float) -> float:
    """Seconds until the next check of a name whose zone answers for every name, and that is next asked about so much later."""
    return unguarded_check_at(entry, CADENCE, NOW + wait, NOW) - NOW


def test_a_name_that_no_zone_guards_is_checked_when_its_registry_is_to_be_asked() -> None:
    """Not at its base interval; but no sooner than that."""
    assert unguarded_wait(entry_of(), 7 * 86_400.0) == near(7 * 86_400.0)
    assert unguarded_wait(entry_of(), 60.0) == near(3600.0)
    assert unguarded_wait(entry_of(), -60.0) == near(3600.0)


def test_an_unlikely_window_does_not_count_where_no_zone_guards_a_name() -> None:
    """Neither its steps nor its opening: every look would be a query to the registry."""
    for window in ((-60.0, 600.0), (600.0, 86_400.0)):
        assert unguarded_wait(entry_of(window=window), 86_400.0) == near(86_400.0)


def test_an_announced_name_that_no_zone_guards_is_followed_closely_at_first() -> None:
    """As every other one, and then as seldom as it is worth."""
    entry = entry_of()
    entry.state, entry.since = State.AVAILABLE, NOW
    assert unguarded_wait(entry, 21_600.0) == near(AFTER_ALARM[0])
    entry.since = NOW - 2 * AFTER_ALARM[3]
    assert unguarded_wait(entry, 21_600.0) == near(21_600.0)


def test_a_name_is_checked_every_minute_in_its_drop_window() -> None:
    """And at its edges; not before, nor after."""
    assert wait_of(entry_of(window=(-60, 600))) == near(IN_WINDOW)
    assert wait_of(entry_of(window=(-600, -EDGE + 1))) == near(IN_WINDOW)
    assert wait_of(entry_of(window=(-600, -EDGE - 1))) == near(3600.0)


def test_a_check_is_there_when_the_window_opens() -> None:
    """However long the base interval, and however soon that is."""
    assert wait_of(entry_of(window=(1000, 2000))) == 1000.0
    assert wait_of(entry_of(window=(EDGE + 1, 2000))) == EDGE + 1
    assert wait_of(entry_of(window=(10, 2000))) == 10.0
    assert wait_of(entry_of(window=(SOONEST / 2, 2000))) == SOONEST


def stepped_wait(step: float, window: tuple[float, float]) -> float:
    """Seconds until the next check inside a window where the registry allows one look in so many seconds."""
    entry = Entry("a.example", "example", "a", state=State.REGISTERED)
    entry.drop = DropWindow(NOW + window[0], NOW, NOW + window[1], 0.8)
    return next_check_at(entry, CADENCE, NOW, PUBLISHED, confirming=False, inconclusive=False, pace=Pace(step=step)) - NOW


def test_inside_a_window_the_share_of_the_budget_counts() -> None:
    """Also where it pays for fewer looks than the base interval; where it pays for hardly any, that interval does."""
    assert stepped_wait(60.0, (-60.0, 36_000.0)) == near(60.0)
    assert stepped_wait(7200.0, (-60.0, 36_000.0)) == near(7200.0)
    assert stepped_wait(LONGEST_STEP, (-60.0, 86_400.0)) == near(LONGEST_STEP)
    assert stepped_wait(LONGEST_STEP + 1, (-60.0, 86_400.0)) == near(3600.0)
    assert stepped_wait(float("inf"), (-60.0, 86_400.0)) == near(3600.0)


def test_a_look_follows_the_end_of_a_window() -> None:
    """It finds what dropped in it, however few looks the budget allows."""
    assert stepped_wait(3000.0, (0.0, 60.0)) == 60.0 + CLOSED
    assert stepped_wait(3000.0, (-60.0, 0.0)) == CLOSED
    assert stepped_wait(3000.0, (-60.0, 0.5 - CLOSED)) == SOONEST
    assert stepped_wait(3000.0, (-60.0, -CLOSED)) == near(3000.0)
    assert wait_of(entry_of(window=(-60.0, 30.0)), stretch=20.0) == near(20.0 * IN_WINDOW)  # the zone is asked


def test_a_check_is_there_when_a_release_procedure_ends() -> None:
    """The registry may delete the name at that moment; an end in the past changes nothing."""
    entry = entry_of()
    entry.held_until = NOW + 100
    assert wait_of(entry) == 100.0
    entry.held_until = NOW - 1
    assert wait_of(entry) == near(3600.0)


def test_outside_of_learned_hours_looks_are_no_closer_than_their_share() -> None:
    """Where nothing is left for them the base interval counts."""
    entry = entry_of(window=(8 * 3600.0, 9 * 3600.0))

    assert wait_at(entry, Pace(step=5000.0, off_hours=True)) == near(5000.0)
    assert wait_at(entry, Pace(step=float("inf"), off_hours=True)) == near(3600.0)
    assert wait_at(entry, Pace(step=LONGEST_STEP + 1, off_hours=True)) == near(LONGEST_STEP)
    assert wait_at(entry, Pace(step=LONGEST_STEP + 1)) == near(3600.0)


def test_checks_in_a_window_are_stretched_where_the_budget_is_short() -> None:
    """Up to a quarter of an hour also beyond the base interval of names with priority."""
    window = (-60.0, 600.0)
    assert wait_of(entry_of(window=window), stretch=5.0) == near(5 * IN_WINDOW)
    assert wait_of(entry_of(window=window), stretch=1000.0) == near(3600.0)
    assert wait_of(entry_of(priority=True, window=window), stretch=1000.0) == near(STRETCHED)


@pytest.mark.parametrize(
    ("window", "imminent"),
    [
        (None, False),
        ((-60.0, 60.0), True),
        ((MARGIN, 2 * MARGIN), True),
        ((MARGIN + 1, 2 * MARGIN), False),
        ((-2 * MARGIN, -MARGIN), True),
        ((-2 * MARGIN, -MARGIN - 1), False),
        ((-60.0, WIDE + 60.0), False),  # too wide to say much
        ((-WIDE, DAY), True),  # its last day
    ],
)
def test_a_drop_is_imminent_in_and_near_a_window_that_says_enough(window: tuple[float, float] | None, imminent: bool) -> None:
    """For one name and for many alike."""
    assert is_imminent(entry_of(window=window), NOW) is imminent
    earliest, latest = (NOW + window[0], NOW + window[1]) if window is not None else (np.nan, np.nan)
    assert are_imminent(np.array([earliest]), np.array([latest]), NOW).tolist() == [imminent]


# -- many names ------------------------------------------------------------------------------------------------------------


def test_a_wide_window_is_watched_less_often_until_its_last_day() -> None:
    """By as much as it is wider."""
    begins, ends = np.array([NOW - DAY, NOW - DAY, NOW - 3 * DAY]), np.array([NOW + 60, NOW + 3 * DAY, NOW + DAY])

    assert window_steps(begins, ends, NOW).tolist() == [IN_WINDOW, 2 * IN_WINDOW, IN_WINDOW]


def test_many_names_are_due_as_single_ones_would_be() -> None:
    """Without a forecast, in a window, before one that opens, and stretched."""
    ids, base = np.arange(4), np.full(4, 3600.0)
    earliest = np.array([np.nan, NOW - 60, NOW + 1000, NOW - 60])
    latest = np.array([np.nan, NOW + 600, NOW + 2000, NOW + 600])
    due = next_check_times(ids, base, earliest, latest, NOW, np.array([1.0, 1.0, 1.0, 1000.0])) - NOW

    assert due.tolist() == [near(3600.0), near(IN_WINDOW), 1000.0, near(3600.0)]


def test_many_names_are_spread_by_jitter() -> None:
    """Evenly over a fifth of their interval to each side, the same ids the same each time."""
    ids, base, none = np.arange(10_000), np.full(10_000, 3600.0), np.full(10_000, np.nan)
    due = next_check_times(ids, base, none, none, NOW)
    counts, _ = np.histogram(due, 10, (NOW + 0.8 * 3600, NOW + 1.2 * 3600))

    assert counts.sum() == 10_000
    assert counts.min() > 900
    assert due.tolist() == next_check_times(ids, base, none, none, NOW).tolist()


def test_inconclusive_checks_of_many_names_become_rarer() -> None:
    """As for single ones; a short base interval ends that sooner, and none waits for more than an hour."""
    inconclusive = np.array([1, 2, 255, 255, 255], np.uint8)
    base = np.array([3600.0, 3600.0, 3600.0, 60.0, DAY])
    due = inconclusive_check_times(np.arange(5), base, inconclusive, NOW) - NOW

    assert due.tolist() == [
        near(INCONCLUSIVE_FIRST),
        near(2 * INCONCLUSIVE_FIRST),
        near(3600.0),
        near(60.0),
        near(INCONCLUSIVE_LONGEST),
    ]


def test_new_names_are_checked_within_seconds_and_those_with_priority_at_once() -> None:
    """A short interval spreads them over less."""
    ids, priority = np.arange(1000), np.arange(1000) < 10
    due = first_check_times(ids, priority, CADENCE, NOW) - NOW
    quick = first_check_times(ids, priority, Cadence(5.0, 5.0, 30.0, 2.0), NOW) - NOW

    assert due[:10].tolist() == [0.0] * 10
    assert 0 <= due[10:].min() < due[10:].max() < FIRST_SPREAD
    assert quick.max() < 1.0


def test_names_that_were_lost_together_are_spread() -> None:
    """Over as long as they wait."""
    due = spread_check_times(np.arange(1000), 60.0, NOW) - NOW

    assert 30.0 <= due.min() < 33.0
    assert 87.0 < due.max() < 90.0


def test_no_wait_is_longer_than_the_longest() -> None:
    """At a start later due times are those of a wrong clock."""
    assert longest_wait(3600.0, CADENCE) == 3600.0 * (1 + JITTER)
    assert longest_wait(1.0, CADENCE) == 30.0 * (1 + JITTER)
    assert longest_calm_wait(priority=False) == 43_200.0 * (1 + JITTER)
    assert longest_calm_wait(priority=True) == 10_800.0 * (1 + JITTER)
    assert longest_unguarded_wait(priority=False) == 7 * 86_400.0 * (1 + JITTER)
    assert longest_unguarded_wait(priority=True) == 1.75 * 86_400.0 * (1 + JITTER)
    assert next_check_times(np.arange(1000), np.full(1000, 3600.0), NONE, NONE, NOW).max() <= NOW + longest_wait(
        3600.0, CADENCE
    )
