"""Wildcard suffixes: measured by a query for a random label, known beforehand until then."""

from __future__ import annotations

from common.core.builtin.suffix_rules import rules_for
from common.core.registries.wildcards import FIRST_WAIT, MEASURE_AGAIN, MEASURE_EVERY, Wildcards

NOW = 1_790_000_000.0


def test_a_suffix_is_measured_once_a_day() -> None:
    """Each one by itself."""
    found = Wildcards()

    assert found.start_measuring("com", NOW)
    assert not found.start_measuring("com", NOW + MEASURE_EVERY)
    assert found.start_measuring("org", NOW)
    assert found.start_measuring("com", NOW + MEASURE_EVERY + 1)


def test_what_was_measured_replaces_what_is_known_beforehand() -> None:
    """A zone may have got a wildcard, or lost it."""
    found = Wildcards()
    known = next(suffix for suffix in ("ws", "ph", "vg", "fm") if rules_for(suffix).wildcard_known)
    assert (found.is_wildcard(known), found.was_measured_wildcard(known)) == (True, False)
    assert not found.is_wildcard("com")

    found.note_measured(known, wildcard=False)
    found.note_measured("com", wildcard=True)
    assert (found.is_wildcard(known), found.is_wildcard("com"), found.was_measured_wildcard("com")) == (False, True, True)


def test_a_first_check_waits_for_a_measurement_for_seconds() -> None:
    """Not for one of a suffix that was measured before, nor for one that takes too long."""
    found = Wildcards()
    found.start_measuring("com", NOW)
    assert found.is_awaited("com", NOW + FIRST_WAIT - 1)
    assert not found.is_awaited("com", NOW + FIRST_WAIT)
    found.note_measured("com", wildcard=False)
    assert not found.is_awaited("com", NOW)


def test_a_measurement_without_an_answer_is_repeated_after_a_minute() -> None:
    """Unless an earlier one had an answer."""
    found = Wildcards()
    for suffix in ("com", "org"):
        found.start_measuring(suffix, NOW)
    found.note_measured("org", wildcard=False)
    for suffix in ("com", "org"):
        found.note_no_answer(suffix, NOW)

    assert not found.start_measuring("com", NOW + MEASURE_AGAIN)
    assert found.start_measuring("com", NOW + MEASURE_AGAIN + 1)
    assert not found.start_measuring("org", NOW + MEASURE_AGAIN + 1)


def test_measured_wildcards_outlive_a_restart() -> None:
    """Others are measured again."""
    found, again = Wildcards(), Wildcards()
    for suffix, wildcard in (("zz", True), ("com", False), ("yy", True)):
        found.note_measured(suffix, wildcard=wildcard)
    assert found.to_text() == "yy,zz"
    again.restore_text(found.to_text())

    assert [again.was_measured_wildcard(suffix) for suffix in ("yy", "zz", "com")] == [True, True, False]
    again = Wildcards()
    again.restore_text("")
    assert again.to_text() == ""
