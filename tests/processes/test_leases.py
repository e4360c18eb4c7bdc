"""When a lease has run out, for its holder and for those that watch it, in virtual time."""

from __future__ import annotations

import pytest

from common.processes.leases import LOOP_SILENT, MARGIN, RENEW_EVERY, TTL, RenewalWatch, valid_until


def looks(*seen: tuple[object, float, float]) -> list[bool]:
    """What one that watches says after each look: record, begin and end."""
    watch = RenewalWatch()
    return [watch.note(*look) for look in seen]


def test_a_lease_that_is_renewed_never_runs_out() -> None:
    """However long it lasts: each record differs from the one before."""
    assert not any(looks(*((n, n * RENEW_EVERY, n * RENEW_EVERY) for n in range(1, 100))))


def test_a_lease_runs_out_when_it_was_not_renewed_for_its_time_to_live() -> None:
    """Not a moment before, and counted from the first look: what was before that is not known."""
    assert looks((1, 100.0, 100.0), (1, 100.0 + TTL - 0.01, 106.0), (1, 100.0 + TTL, 106.5)) == [False, False, True]


def test_a_renewal_begins_the_time_anew() -> None:
    """Also the first one after a long silence."""
    assert looks((1, 0.0, 0.0), (1, TTL, TTL), (2, TTL + 1, TTL + 1), (2, TTL + 2, TTL + 2)) == [False, True, False, False]


@pytest.mark.parametrize(("first", "second"), [((0.0, TTL), (TTL + 1, TTL + 2)), ((0.0, 0.0), (TTL - 1, TTL * 9))])
def test_a_pause_of_the_one_that_watches_makes_no_lease_older(first: tuple[float, float], second: tuple[float, float]) -> None:
    """Whether it was stopped during its first look or its last: what it read may be as young as the look's other end."""
    assert looks((1, *first), (1, *second)) == [False, False]


def test_what_cannot_be_read_runs_out_too() -> None:
    """A damaged record that no renewal repairs."""
    assert looks((None, 0.0, 0.0), (None, TTL, TTL)) == [False, True]


def test_the_holder_stops_before_any_other_may_begin() -> None:
    """One that saw the renewal at the very moment it began waits longer than its holder, by the margin."""
    assert valid_until(10.0) == 10.0 + TTL - MARGIN
    assert looks((1, 10.0, 10.0), (1, valid_until(10.0) + MARGIN - 0.01, 16.0)) == [False, False]


def test_the_figures_leave_room() -> None:
    """Two renewals may fail before a lease runs out, and a loop that hangs has lost its lease within ten seconds."""
    assert 2 * RENEW_EVERY < TTL - MARGIN
    assert LOOP_SILENT + RENEW_EVERY + TTL <= 10.0
