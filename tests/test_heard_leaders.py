"""Which coordinator a worker works for, by the pulses that it hears."""

from __future__ import annotations

from common.bus.heard_leaders import FORGET, SILENT, Heard, HeardLeaders


def test_none_is_heard_at_first() -> None:
    """Nothing is taken for granted."""
    assert HeardLeaders().find_leader(0.0) is None


def test_a_coordinator_leads_until_it_falls_silent() -> None:
    """Three of its pulses may be lost."""
    heard = HeardLeaders()
    heard.note_pulse(0, 3, 100.0)

    assert heard.find_leader(100.0 + SILENT) == Heard(0, 3)
    assert heard.find_leader(100.1 + SILENT) is None
    heard.note_pulse(0, 3, 107.0)
    assert heard.find_leader(107.0) == Heard(0, 3)


def test_the_highest_epoch_leads_as_soon_as_it_is_heard() -> None:
    """Whatever the place, and whatever the earlier leader goes on saying."""
    heard = HeardLeaders()
    heard.note_pulse(0, 3, 100.0)
    heard.note_pulse(1, 4, 101.0)
    assert heard.find_leader(101.0) == Heard(1, 4)

    heard.note_pulse(0, 3, 102.0)
    assert heard.find_leader(102.0) == Heard(1, 4)


def test_an_earlier_epoch_is_not_gone_back_to_while_the_later_one_is_silent() -> None:
    """Its leader lost its lease for good."""
    heard = HeardLeaders()
    heard.note_pulse(1, 4, 100.0)
    for moment in (102.0, 108.0, 100.0 + FORGET):
        heard.note_pulse(0, 3, moment)
        assert heard.find_leader(moment) == (Heard(1, 4) if moment == 102.0 else None)


def test_a_store_that_begins_anew_is_followed_after_a_minute() -> None:
    """Its epochs count from 1 again."""
    heard = HeardLeaders()
    heard.note_pulse(0, 900, 100.0)
    heard.note_pulse(0, 1, 100.1 + FORGET)

    assert heard.find_leader(100.1 + FORGET) == Heard(0, 1)


def test_of_two_ways_to_one_leader_the_first_found_is_kept_while_it_works() -> None:
    """Two addresses of one host, in any order of their pulses."""
    heard = HeardLeaders()
    heard.note_pulse(1, 5, 100.0)
    assert heard.find_leader(100.0) == Heard(1, 5)
    heard.note_pulse(0, 5, 101.0)
    assert heard.find_leader(101.0) == Heard(1, 5)

    heard.note_pulse(0, 5, 107.0)
    assert heard.find_leader(107.0) == Heard(0, 5)
