"""What is seen of registries' life cycles is counted, learned from once enough agrees, and survives a restart."""

from __future__ import annotations

import pytest

from common.core.builtin.lifecycles import Days
from common.core.lifecycle.observed import (
    CLOSE,
    DAY,
    ENOUGH,
    LENGTHS,
    PENDING_DELETE,
    PURGES,
    REDEMPTION,
    SUFFIXES,
    WEEKDAY_ENOUGH,
    LearnedDays,
    LearnedHours,
    ObservedSuffix,
    ObservedTransitions,
    Span,
    count_days,
    decode_observed,
    join_observed,
)

MIDNIGHT = 1_789_948_800.0  # 2026-09-21T00:00:00Z, a Monday
HOUR = 3600.0


def suffix_with(lengths: list[int], span: str = REDEMPTION) -> ObservedSuffix:
    """A suffix with these lengths of one phase."""
    seen = ObservedSuffix()
    for days in lengths:
        seen.add_length(span, days, MIDNIGHT)
    return seen


def purged(*hours: float, blur: float = 600.0) -> ObservedSuffix:
    """A suffix with purges at these hours of a Monday, each known to `blur` seconds."""
    seen = ObservedSuffix()
    for hour in hours:
        at = MIDNIGHT + hour * HOUR
        seen.add_purge(at - blur / 2, at + blur / 2)
    return seen


@pytest.mark.parametrize(
    ("lengths", "learned"),
    [
        ([], None),
        ([30] * (ENOUGH - 1), None),
        ([30] * ENOUGH, LearnedDays(Days(30, 30), 5)),
        ([30, 31, 30, 31, 30], LearnedDays(Days(30, 31), 5)),
        ([30, 31, 32, 33, 34], None),  # they do not agree
        ([30] * 8 + [45] * 2, LearnedDays(Days(30, 30), 8)),
        ([30] * 7 + [45] * 3, None),
    ],
)
def test_a_length_is_learned_from_enough_observations_that_agree(lengths: list[int], learned: LearnedDays | None) -> None:
    """Give or take a day; some may be otherwise."""
    assert suffix_with(lengths).learned_days(REDEMPTION) == learned


def test_of_lengths_the_newest_are_kept() -> None:
    """A registry that changed its rules is learned anew."""
    seen = suffix_with([30] * LENGTHS + [15] * LENGTHS)

    assert seen.lengths[REDEMPTION] == [15] * LENGTHS
    assert seen.newest == MIDNIGHT
    assert seen.learned_days(PENDING_DELETE) is None


def test_lengths_are_calendar_days_between_two_moments_that_are_known_closely() -> None:
    """The middle of each uncertainty counts."""
    began = Span(MIDNIGHT + HOUR, MIDNIGHT + 2 * HOUR)

    assert count_days(began, Span(MIDNIGHT + 30 * DAY, MIDNIGHT + 30 * DAY + HOUR)) == 30
    assert count_days(began, Span(MIDNIGHT + 5 * DAY, MIDNIGHT + 5 * DAY + CLOSE)) == 5
    assert count_days(began, Span(MIDNIGHT + 5 * DAY, MIDNIGHT + 5 * DAY + CLOSE + 1)) is None
    assert count_days(Span(None, MIDNIGHT), began) is None
    assert count_days(began, Span(None, MIDNIGHT + DAY)) is None
    assert count_days(Span(MIDNIGHT, MIDNIGHT - 1), began) is None
    assert count_days(Span(MIDNIGHT + 5 * DAY, MIDNIGHT + 5 * DAY), began) is None  # it ended before it began


@pytest.mark.parametrize(
    ("hours", "learned"),
    [
        ((19.1, 19.2, 19.3, 19.4), None),
        ((19.1, 19.2, 19.3, 19.4, 19.1), LearnedHours((18 * 60 + 30, 20 * 60), 5)),
        ((19.1, 19.2, 19.6, 19.4, 20.1), LearnedHours((18 * 60 + 30, 21 * 60), 5)),
        ((23.6, 23.7, 0.1, 0.2, 23.9), LearnedHours((23 * 60, 25 * 60), 5)),  # over midnight
        ((0.1, 6.0, 12.0, 18.0, 21.0), None),  # at any time of the day
        ((19.1,) * 19 + (3.0,), LearnedHours((18 * 60 + 30, 20 * 60), 20)),  # one of many may be otherwise
        ((19.1,) * 7 + (3.0, 11.0), None),  # of few none may: their window is wider than half a day
    ],
)
def test_the_hours_of_release_are_learned_from_purges_known_to_half_an_hour(
    hours: tuple[float, ...], learned: LearnedHours | None
) -> None:
    """The smallest window with enough of them, and half an hour on both sides."""
    assert purged(*hours).learned_hours() == learned


def test_purges_that_are_known_roughly_say_no_hour_and_outnumber_the_others() -> None:
    """Where most names go outside the hours in which they are looked at closely, those are not the hours of release."""
    seen = purged(*[19.1] * 5)
    for _ in range(5):
        seen.add_purge(MIDNIGHT, MIDNIGHT + 2 * HOUR)
    assert seen.learned_hours() is not None
    seen.add_purge(MIDNIGHT, MIDNIGHT + 2 * HOUR)

    assert (seen.blurred, seen.learned_hours()) == (6, None)


def test_a_weekday_is_learned_where_all_of_many_purges_share_it() -> None:
    """Chance would give five of a kind now and then."""
    assert purged(*[19.1] * (WEEKDAY_ENOUGH - 1)).learned_weekday() is None
    seen = purged(*[19.1] * WEEKDAY_ENOUGH)
    assert seen.learned_weekday() == LearnedDays(Days(0, 0), WEEKDAY_ENOUGH)
    seen.add_purge(MIDNIGHT + DAY, MIDNIGHT + DAY + 60)
    assert seen.learned_weekday() is None
    assert seen.weekdays == {0: WEEKDAY_ENOUGH, 1: 1}


def test_of_many_purges_the_older_half_is_forgotten() -> None:
    """So that a new hour wins in the end."""
    seen = purged(*[19.1] * PURGES)
    seen.add_purge(MIDNIGHT, MIDNIGHT + 2 * HOUR)

    assert (seen.slots, seen.weekdays, seen.blurred) == ({38: PURGES // 2}, {0: PURGES // 2}, 0)


def test_only_what_is_known_closely_is_kept() -> None:
    """Nothing of a purge that was never preceded by a look, nor of one known to more than half a day."""
    seen = ObservedTransitions()
    seen.note_purge("com", Span(None, MIDNIGHT))
    seen.note_purge("com", Span(MIDNIGHT, MIDNIGHT + DAY / 2 + 1))
    seen.note_purge("com", Span(MIDNIGHT, MIDNIGHT - 1))
    seen.note_length("com", REDEMPTION, Span(None, MIDNIGHT), Span(MIDNIGHT, MIDNIGHT))
    assert (seen.suffixes, seen.changed, seen.version) == ({}, False, 0)
    seen.note_purge("com", Span(MIDNIGHT, MIDNIGHT + DAY / 2))
    seen.note_length("com", REDEMPTION, Span(MIDNIGHT, MIDNIGHT), Span(MIDNIGHT + DAY, MIDNIGHT + DAY))

    assert (seen.changed, seen.version) == (True, 2)
    assert seen.find_suffix("com") == ObservedSuffix({REDEMPTION: [1]}, {}, {}, 1, MIDNIGHT + DAY)
    assert seen.find_suffix("net") is None


def test_suffixes_are_bounded_and_the_one_not_seen_for_longest_goes() -> None:
    """A list of names may have thousands."""
    seen = ObservedTransitions()
    for number in range(SUFFIXES + 1):
        seen.note_purge(f"s{number}", Span(MIDNIGHT + number, MIDNIGHT + number))

    assert len(seen.suffixes) == SUFFIXES
    assert "s0" not in seen.suffixes


def test_what_was_seen_survives_as_text() -> None:
    """A damaged row is left out, a damaged text says nothing."""
    seen = ObservedTransitions()
    seen.note_purge("com", Span(MIDNIGHT, MIDNIGHT + 60))
    seen.note_length("com", REDEMPTION, Span(MIDNIGHT, MIDNIGHT), Span(MIDNIGHT + 30 * DAY, MIDNIGHT + 30 * DAY))
    again = ObservedTransitions()
    again.restore_text(seen.encode_text())

    assert again.suffixes == seen.suffixes
    assert again.version == 1
    assert not again.changed
    assert decode_observed("[") == decode_observed("[" * 9999) == decode_observed("") == {}


@pytest.mark.parametrize(
    "row",
    ['{"x":1}', '[{},{"48":1}]', '[{},{"-1":1}]', '[{},{},{"7":1}]', "[{},{},{},-1]", '[{"redemption":[-1]}]', '[{},{"1":-1}]'],
)
def test_a_damaged_row_is_left_out(row: str) -> None:
    """The others count."""
    assert decode_observed(f'{{"bad":{row},"com":[{{}},{{"1":2}}]}}') == {"com": ObservedSuffix(slots={1: 2})}


def test_a_row_with_too_many_lengths_is_left_out_and_so_are_too_many_rows() -> None:
    """A text is bounded like what it was made of."""
    long = ",".join(["1"] * (LENGTHS + 1))
    assert decode_observed(f'{{"bad":[{{"redemption":[{long}]}}]}}') == {}
    many = ",".join(f'"s{number}":[]' for number in range(SUFFIXES + 1))
    assert len(decode_observed(f"{{{many}}}")) == SUFFIXES


def test_texts_of_shards_are_added_up() -> None:
    """Of lengths the newest."""
    one = '{"com":[{"redemption":[30]},{"1":2},{"0":2},1,5.0]}'
    other = '{"com":[{"redemption":[31]},{"1":1,"2":1},{"0":1,"3":1},2,4.0],"de":[{},{},{},1,1.0]}'

    assert decode_observed(join_observed([one, other, "["])) == {
        "com": ObservedSuffix({REDEMPTION: [30, 31]}, {1: 3, 2: 1}, {0: 3, 3: 1}, 3, 5.0),
        "de": ObservedSuffix(blurred=1, newest=1.0),
    }
