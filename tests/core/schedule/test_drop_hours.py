"""The hours in which registries delete names, and the days of their last phase: published, or learned."""

from __future__ import annotations

from dataclasses import replace

from common.core.builtin.lifecycles import ALL_DAY, Days, row_for
from common.core.schedule.drop_hours import DAY, PUBLISHED, DropHours

HOUR = 3600.0
#: Noon of some day.
NOW = 1_790_000_000.0 // DAY * DAY + DAY / 2
MIDNIGHT = NOW // DAY * DAY


def test_a_registry_may_delete_at_certain_hours() -> None:
    """Where the table says so; not where it counts from another moment."""
    assert PUBLISHED.hours_of("org") == (805 * 60.0, 160 * 60.0)
    assert [PUBLISHED.hours_of(suffix) for suffix in ("fr", "nl", "jp", "zzz", "at")] == [(0.0, DAY)] * 5
    assert [PUBLISHED.are_open("org", MIDNIGHT + minute * 60.0) for minute in (799, 801, 900, 969, 971)] == [
        False,
        True,
        True,
        True,
        False,
    ]
    assert PUBLISHED.are_open("fr", MIDNIGHT)


def test_a_window_opens_anew_every_day() -> None:
    """With the hours of its registry, to its end."""
    opens = PUBLISHED.next_opening
    assert opens("org", NOW + 60, NOW + DAY, NOW) == NOW + 60
    assert opens("org", NOW - DAY, NOW + DAY, NOW) == MIDNIGHT + 805 * 60
    assert opens("org", NOW - DAY, NOW + 2 * DAY, NOW + 2 * HOUR + 60) == MIDNIGHT + DAY + 805 * 60
    assert opens("org", NOW - DAY, NOW + HOUR, NOW) == float("inf")
    assert opens("fr", NOW - DAY, NOW + DAY, NOW) == float("inf")


def test_redemption_may_be_followed_by_days_of_pending_delete() -> None:
    """None where a name may drop from redemption, where the words do not tell the phases apart, or nothing is known."""
    assert [PUBLISHED.pending_days(suffix) for suffix in ("com", "de", "uk", "at", "ca")] == [5, 0, 0, 0, 2]


def test_what_was_learned_takes_the_place_of_the_row_until_it_is_withdrawn() -> None:
    """Of one suffix, at once; hours may reach over midnight."""
    hours = DropHours()
    hours.set_cycle("fr", replace(row_for("fr"), window=(1380, 1500), pending=Days(3, 4)))

    assert hours.hours_of("fr") == (23 * HOUR, 2 * HOUR)
    assert [hours.are_open("fr", MIDNIGHT + hour * HOUR) for hour in (22, 23.5, 0.5, 2)] == [False, True, True, False]
    assert hours.next_opening("fr", NOW - DAY, NOW + DAY, NOW) == MIDNIGHT + 23 * HOUR
    assert hours.pending_days("fr") == 3
    assert (hours.is_learned("fr"), hours.is_learned("org")) == (True, False)
    assert hours.hours_of("org") == PUBLISHED.hours_of("org")
    hours.set_cycle("org", replace(row_for("org"), window=ALL_DAY))
    assert hours.hours_of("org") == (0.0, DAY)
    for suffix in ("fr", "com"):
        hours.set_cycle(suffix, None)
    assert (hours.hours_of("fr"), hours.pending_days("fr"), hours.is_learned("fr")) == ((0.0, DAY), 0, False)
