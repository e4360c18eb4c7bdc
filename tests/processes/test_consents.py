"""When the leader may go on while the store is away, and how long a promise binds the one that gave it."""

from __future__ import annotations

import pytest

from common.processes.consents import BINDS, CLOCK_DIFFERS, COUNTS, Consents, Lead, Word

LEAD = Lead(7, "boot")
WALL = 1_800_000_000.0


def consents(*others: str) -> Consents:
    """The consents that a leader with these other instances needs."""
    made = Consents(LEAD)
    made.set_others(others)
    return made


def promise(given: Consents, name: str, at: float, lead: Lead = LEAD, late: float = 0.0) -> bool:
    """A promise that arrives at `at`, so many seconds after it was sent."""
    return given.note_promise(name, lead, WALL + at - late, wall=WALL + at, steady=at)


def test_nothing_is_certain_before_the_others_are_known() -> None:
    """A leader that never saw which instances there are stops with its lease, and a promise before that counts for nothing."""
    unknown = Consents(LEAD)
    assert not promise(unknown, "two", 0.0)
    assert not unknown.are_given(0.0)
    unknown.set_others(["two"])
    assert not unknown.are_given(0.0)


def test_a_leader_without_others_goes_on() -> None:
    """No other instance could take the lease."""
    assert consents().are_given(0.0)


def test_every_other_instance_has_to_promise() -> None:
    """One that does not is enough to stop."""
    given = consents("two", "three")
    assert promise(given, "two", 10.0)
    assert not given.are_given(10.0)
    assert promise(given, "three", 11.0)
    assert given.are_given(11.0)


def test_a_promise_counts_for_seconds() -> None:
    """From its arrival, and again with each new one."""
    given = consents("two")
    promise(given, "two", 10.0)
    assert given.are_given(10.0 + COUNTS)
    assert not given.are_given(10.1 + COUNTS)
    promise(given, "two", 16.0)
    assert given.are_given(16.0 + COUNTS)


@pytest.mark.parametrize("lead", [Lead(6, "boot"), Lead(8, "boot"), Lead(7, "other")])
def test_a_promise_to_another_leader_does_not_count(lead: Lead) -> None:
    """Of another epoch, or another run."""
    given = consents("two")
    assert not promise(given, "two", 10.0, lead)
    assert not given.are_given(10.0)


@pytest.mark.parametrize("late", [CLOCK_DIFFERS + 0.1, -CLOCK_DIFFERS - 0.1, float("nan"), float("inf"), float("-inf")])
def test_a_promise_that_was_held_up_does_not_count(late: float) -> None:
    """It may have run out already; nor one whose clock cannot be compared with ours."""
    given = consents("two")
    assert not promise(given, "two", 10.0, late=late)
    assert not given.are_given(10.0)


def test_a_promise_within_the_difference_of_clocks_counts() -> None:
    """In both directions."""
    for late in (CLOCK_DIFFERS, -CLOCK_DIFFERS):
        assert promise(consents("two"), "two", 10.0, late=late)


def test_an_instance_that_is_not_known_is_not_noted() -> None:
    """Whatever sends names fills no memory."""
    given = consents("two")
    assert not promise(given, "four", 10.0)
    given.set_others(["four"])
    assert not given.are_given(10.0)


def test_one_that_joins_has_to_promise_and_one_that_leaves_has_not() -> None:
    """The last list counts; what is known of those in both stays."""
    given = consents("two")
    promise(given, "two", 10.0)
    given.set_others(["two", "three"])
    assert not given.are_given(10.0)
    promise(given, "three", 10.0)
    assert given.are_given(10.0)
    given.set_others(["three"])
    given.set_others(["two", "three"])
    assert not given.are_given(10.0)


def test_what_is_counted_has_run_out_before_the_promise_has() -> None:
    """Also where it was under way for as long as may be, and clocks differ by as much."""
    assert CLOCK_DIFFERS + CLOCK_DIFFERS + COUNTS < BINDS


def test_a_word_binds_from_its_giving() -> None:
    """Each one anew, until it runs out or the leader has given its lease up."""
    word = Word()
    assert word.binding(0.0) is None
    word.give(LEAD, 10.0)
    word.give(LEAD, 12.0)
    assert word.binding(11.9 + BINDS) == LEAD
    assert word.binding(12.0 + BINDS) is None
    word.give(LEAD, 40.0)
    word.end()
    assert word.binding(40.0) is None
