"""How often names in the zone are checked inside their drop windows, by what the operator that answers them allows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from common.core.builtin.lifecycles import row_for
from common.core.checks.window_shares import COUNT_EVERY
from common.core.domains.domain_table import Flag
from common.core.model.entry import DropWindow
from common.core.model.records import Detail
from common.core.model.states import State
from common.core.schedule.cadence import Pace
from tests.core.checks.checks_room import NOW, ChecksRoom, credit
from tests.core.checks.drop_windows import DAY, HOUR, NARROW, WIDE, add_windows, load_dying, slow_room


def stretch(room: ChecksRoom, suffix: str, now: float = NOW, *, soon: bool = True) -> float:
    """How many times rarer such names are checked."""
    numbers = room.domains.table.suffix_numbers
    return room.window_pace.count_stretches(now)[numbers[suffix], soon]


def zone_room(rate: float = 0.5) -> ChecksRoom:
    """A room in which the two servers of .com take so many queries a second."""
    room = slow_room(dns_com=(rate / 2, None))
    room.registries.note_address_count("com", 2)
    return room


def test_names_that_may_drop_take_half_of_what_their_zone_allows() -> None:
    """Sixty at half a query a second: each every four minutes, and fifteen every minute."""
    room = zone_room()
    add_windows(room, "com", 15, NARROW, registry=False)
    assert stretch(room, "com") == 1.0
    add_windows(room, "com", 45, NARROW, registry=False)

    assert stretch(room, "com") == pytest.approx(4.0)


def test_names_in_wide_windows_take_a_quarter_and_delay_none_that_may_drop() -> None:
    """Nine hundred of them call for one query a second; fifteen others keep their minute."""
    room = zone_room()
    add_windows(room, "com", 900, WIDE, registry=False)
    add_windows(room, "com", 15, NARROW, registry=False)

    assert stretch(room, "com", soon=False) == pytest.approx(1.0 / (0.25 * 0.5), rel=0.01)
    assert stretch(room, "com") == 1.0


def test_the_learned_rate_of_a_zone_counts() -> None:
    """The rate now, not the configured one."""
    room = zone_room()
    add_windows(room, "com", 15, NARROW, registry=False)
    limit = room.registries.limit_of("dns", "com", "com")
    room.rate_limits.budgets._bucket_now(limit, "default", NOW).rate = 0.125

    assert stretch(room, "com") == pytest.approx(4.0)


def test_names_out_of_the_zone_do_not_count() -> None:
    """Their registry alone knows more of them."""
    room = slow_room(dns_com=(0.25, None))
    room.registries.note_address_count("com", 2)
    add_windows(room, "com", 60, NARROW, registry=False)
    add_windows(room, "com", 60, NARROW)

    assert stretch(room, "com") == pytest.approx(4.0)


def test_where_the_zone_answers_for_everything_the_registry_pays() -> None:
    """For every name, and no more than the quota of the day allows."""
    room = slow_room(rdap_com=(0.5, None), whois_se=(1000.0, 500))
    room.registries.wildcards.note_measured("com", wildcard=True)
    room.registries.wildcards.note_measured("se", wildcard=True)
    now = NOW // DAY * DAY + DAY / 2
    add_windows(room, "com", 60, (now - HOUR, now + 12 * HOUR), registry=False)
    add_windows(room, "se", 10, (now - HOUR, now + 4 * HOUR), registry=False)

    assert stretch(room, "com", now) == pytest.approx(4.0)
    assert stretch(room, "se", now) == pytest.approx(10 * 240 / 250, rel=0.02)
    limit = room.registries.limit_of("whois", "whois.se.test", "se")
    room.rate_limits.budgets.take_tokens(limit, "default", 500, now)
    assert stretch(room, "se", now) == float("inf")


def test_two_egresses_allow_twice_as_much() -> None:
    """Budgets belong to an operator and an egress."""
    room = zone_room()
    add_windows(room, "com", 60, NARROW, registry=False)
    room.workers.note_credit(credit("fast", worker="f-1@b", egress="other"), NOW)

    assert stretch(room, "com") == pytest.approx(2.0)


def test_only_watched_names_inside_their_windows_are_counted() -> None:
    """Not those before or after it, nor those off the list."""
    room = zone_room()
    add_windows(room, "com", 15, NARROW, registry=False)
    add_windows(room, "com", 50, (NOW + HOUR, NOW + 2 * HOUR), registry=False)
    add_windows(room, "com", 50, (NOW - 2 * HOUR, NOW - HOUR), registry=False)
    room.domains.table.flags[add_windows(room, "com", 50, NARROW)] = Flag.DETAILED

    assert stretch(room, "com") == 1.0


def test_the_count_is_kept_for_some_seconds() -> None:
    """A million names are not counted for each of them; outside of a window nothing is counted at all."""
    room = zone_room()
    entry = room.domains.working_set.load_entry(int(add_windows(room, "com", 15, NARROW, registry=False)[0]), Detail())
    entry.state = State.REGISTERED
    assert room.window_pace.stretch_of(entry, NOW) == 1.0
    add_windows(room, "com", 45, NARROW, registry=False)
    assert room.window_pace.stretch_of(entry, NOW + COUNT_EVERY - 1) == 1.0
    assert room.window_pace.stretch_of(entry, NOW + COUNT_EVERY + 1) == pytest.approx(4.0)
    entry.drop = DropWindow(NOW + HOUR, NOW + HOUR, NOW + 2 * HOUR, 0.9)

    assert room.window_pace.stretch_of(entry, NOW + COUNT_EVERY + 1) == 1.0


def test_names_that_are_swept_are_stretched_too() -> None:
    """Each by its kind of window, those outside of one not at all."""
    room = slow_room(dns_com=(0.25, None))
    room.registries.note_address_count("com", 2)
    add_windows(room, "com", 60, NARROW, registry=False)
    add_windows(room, "com", 450, WIDE, registry=False)
    bounds = np.array([NARROW, WIDE, (NOW + 9 * DAY, NOW + 10 * DAY), (np.nan, np.nan)])
    found = room.window_pace.stretches_of(np.arange(4), bounds[:, 0], bounds[:, 1], NOW)
    assert isinstance(found, np.ndarray)

    assert found[:2].tolist() == pytest.approx([4.0, 4.0], rel=0.01)
    assert room.window_pace.stretches_of(np.arange(2), bounds[2:, 0], bounds[2:, 1], NOW) == 1.0


def test_outside_of_learned_hours_the_pace_says_so() -> None:
    """On the day of a drop, with the seconds between looks that are kept for it."""
    room, window = slow_room(whois_se=(1000.0, 400)), (NOW // DAY * DAY + HOUR, NOW // DAY * DAY + 2 * HOUR)
    entry = load_dying(room, int(add_windows(room, "se", 1, window)[0]), window)
    assert room.window_pace.pace_of(entry, NOW) == Pace()
    room.domains.calendar.hours.set_cycle("se", replace(row_for("se"), window=(60, 120)))
    pace = room.window_pace.pace_of(entry, NOW)

    assert pace == Pace(step=room.window_shares.step_of(entry, NOW), off_hours=True)
    assert pace.step is not None
    inside = room.window_pace.pace_of(entry, window[0])
    assert (inside.off_hours, inside.step is not None) == (False, True)
