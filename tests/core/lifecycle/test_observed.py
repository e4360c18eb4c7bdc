"""What is seen of registries' life cycles is counted, learned from once enough agrees, and survives a restart."""

from __future__ import annotations

import pytest

from common.core.builtin.lifecycles import Days
from common.core.lifecycle.observed import (
    A_DAY,
    BLURRED,
    DAY,
    LENGTHS,
    PENDING_DELETE,
    PURGES,
    REDEMPTION,
    SUFFIXES,
    VAGUE,
    WEEKDAY_DAYS,
    WEEKDAY_ENOUGH,
    LearnedDays,
    ObservedSuffix,
    ObservedTransitions,
    Span,
    count_days,
    decode_observed,
    join_observed,
)
from common.core.lifecycle.purge_hours import ENOUGH, MOVED, LearnedHours, Purge, learn_hours

MIDNIGHT = 1_789_948_800.0  # 2026-09-21T00:00:00Z, a Monday
HOUR = 3600.0


def suffix_with(lengths: list[int | tuple[int, int]], span: str = REDEMPTION) -> ObservedSuffix:
    """A suffix with these lengths of one phase, each known to the day, or to least and most."""
    seen = ObservedSuffix()
    for days in lengths:
        seen.add_length(span, (days, days) if isinstance(days, int) else days, MIDNIGHT)
    return seen


def purged(*hours: float, blur: float = 600.0, days: int = 1) -> ObservedSuffix:
    """A suffix with purges at these hours, each known to `blur` seconds and `days` after the one before, from a Monday on."""
    seen = ObservedSuffix()
    for number, hour in enumerate(hours):
        at = MIDNIGHT + number * days * DAY + hour * HOUR
        seen.add_purge(at - blur / 2, at + blur / 2)
    return seen


@pytest.mark.parametrize(
    ("lengths", "learned"),
    [
        ([], None),
        ([30] * (ENOUGH - 1), None),
        ([30] * ENOUGH, LearnedDays(Days(30, 30), 5)),
        ([30, 31, 30, 31, 30], LearnedDays(Days(30, 31), 5, varies=True)),
        ([30, 30, 30, 31, 31], LearnedDays(Days(30, 31), 5, varies=True)),
        ([30, 30, 30, 30, 32], None),
        ([30] * ENOUGH + [32], LearnedDays(Days(30, 30), 5)),
        ([(30, 31)] * ENOUGH, LearnedDays(Days(30, 31), 5)),
        ([(29, 30), (30, 31)] * 3, LearnedDays(Days(30, 30), 6)),
        ([(29, 30), (31, 32)] * 3, LearnedDays(Days(30, 31), 6, varies=True)),
        ([(0, 2), (2, 4)] * 3, LearnedDays(Days(2, 2), 6)),
        ([(0, 1), (3, 4)] * 3, None),
        ([30, 31, 32, 33, 34], None),  # they do not agree
        ([30] * 8 + [45] * 2, LearnedDays(Days(30, 30), 8)),
        ([30] * 7 + [45] * 3, None),
    ],
)
def test_a_length_is_learned_from_enough_observations_that_agree(
    lengths: list[int | tuple[int, int]], learned: LearnedDays | None
) -> None:
    """Give or take a day; some may be otherwise."""
    assert suffix_with(lengths).learned_days(REDEMPTION) == learned


def test_of_lengths_the_newest_are_kept() -> None:
    """A registry that changed its rules is learned anew."""
    seen = suffix_with([30] * LENGTHS + [15] * LENGTHS)

    assert seen.lengths[REDEMPTION] == [(15, 15)] * LENGTHS
    assert seen.newest == MIDNIGHT
    assert seen.learned_days(PENDING_DELETE) is None


def test_lengths_are_calendar_days_between_two_looks_each() -> None:
    """Least and most: what is not known is left open, up to two days."""
    began = Span(MIDNIGHT + HOUR, MIDNIGHT + 2 * HOUR)
    late = Span(MIDNIGHT - HOUR, MIDNIGHT + HOUR)

    assert count_days(began, Span(MIDNIGHT + 30 * DAY, MIDNIGHT + 30 * DAY + HOUR)) == (30, 30)
    assert count_days(began, Span(MIDNIGHT + 5 * DAY - HOUR, MIDNIGHT + 5 * DAY + HOUR)) == (4, 5)
    assert count_days(late, Span(MIDNIGHT + 5 * DAY, MIDNIGHT + 5 * DAY + HOUR)) == (5, 6)
    assert count_days(late, Span(MIDNIGHT + 5 * DAY - HOUR, MIDNIGHT + 5 * DAY)) == (4, 6)
    assert count_days(late, Span(MIDNIGHT + 4 * DAY - HOUR, MIDNIGHT + 5 * DAY)) is None
    assert VAGUE == 2
    assert count_days(late, late) == (0, 1)
    assert count_days(Span(None, MIDNIGHT), began) is None
    assert count_days(began, Span(None, MIDNIGHT + DAY)) is None
    assert count_days(Span(MIDNIGHT + 1, MIDNIGHT), began) is None
    assert count_days(began, Span(MIDNIGHT + DAY + 1, MIDNIGHT + DAY)) is None
    assert count_days(Span(MIDNIGHT + 5 * DAY, MIDNIGHT + 5 * DAY), began) is None  # it ended before it began


def test_the_hours_of_release_are_learned_from_the_purges_of_some_days() -> None:
    """See `purge_hours`."""
    seen = purged(*[19.1] * ENOUGH)

    assert seen.learned_hours() == LearnedHours((18 * 60 + 40, 19 * 60 + 35), 5)
    assert seen.learned_hours() == learn_hours(seen.purges)
    assert seen.purges[0] == Purge(int(MIDNIGHT + 19.1 * HOUR) + 300, 600)
    assert seen.newest == MIDNIGHT + 4 * DAY + 19.1 * HOUR + 300


def test_no_single_day_teaches_the_hours() -> None:
    """Of many purges of a day some are kept, from all over the batch, so that its order plays no part."""
    seen = ObservedSuffix()
    for day in range(6):
        for number in range(200):
            at = MIDNIGHT + day * DAY + 19 * HOUR + number * 18.0
            seen.add_purge(at - 10, at)
    begins = sorted(purge.since % DAY for purge in seen.purges)

    assert len(seen.purges) == 6 * A_DAY
    assert all(sum(purge.since // DAY == MIDNIGHT // DAY + day for purge in seen.purges) == A_DAY for day in range(6))
    assert (begins[0], begins[-1]) == (pytest.approx(19 * HOUR, abs=600), pytest.approx(20 * HOUR, abs=600))
    assert seen.purges == sorted(seen.purges)


def test_of_purges_the_newest_are_kept() -> None:
    """So that a new hour wins in the end."""
    seen = purged(*[19.1] * (PURGES + 3))

    assert [purge.since // DAY - MIDNIGHT // DAY for purge in seen.purges] == list(range(3, PURGES + 3))


def test_a_registry_that_moved_is_learned_anew() -> None:
    """What was known of its other hours is forgotten."""
    seen = purged(*[19.1] * 12, *[5.2] * (MOVED - 1))
    assert len(seen.purges) == 12 + MOVED - 1
    seen = purged(*[19.1] * 12, *[5.2] * MOVED)

    assert len(seen.purges) == MOVED
    assert seen.learned_hours() == LearnedHours((4 * 60 + 45, 5 * 60 + 40), MOVED)


def test_a_weekday_is_learned_where_all_purges_of_some_weeks_share_it() -> None:
    """Chance would give five of a kind now and then; and the purges of one day say nothing of others."""
    assert purged(*[19.1] * (WEEKDAY_ENOUGH - 1), days=7).learned_weekday() is None
    seen = purged(*[19.1] * WEEKDAY_ENOUGH, days=7)
    assert seen.learned_weekday() == LearnedDays(Days(0, 0), WEEKDAY_ENOUGH)
    seen.add_purge(MIDNIGHT + DAY, MIDNIGHT + DAY + 60)
    assert seen.learned_weekday() is None
    seen = ObservedSuffix(purges=[Purge(int(MIDNIGHT + week * 7 * DAY) + 60, 0) for week in range(WEEKDAY_DAYS - 1)] * 3)
    assert seen.learned_weekday() is None
    seen.purges.append(Purge(int(MIDNIGHT + 70 * DAY) + 60, 180))  # the middle is on a Sunday
    assert seen.learned_weekday() is None
    seen.purges[-1] = Purge(int(MIDNIGHT + 70 * DAY) + 60, 100)
    assert seen.learned_weekday() == LearnedDays(Days(0, 0), 13)


def test_only_what_says_something_is_kept() -> None:
    """Nothing of a purge that was never preceded by a look, nor of one known to most of a day."""
    seen = ObservedTransitions()
    seen.note_purge("com", Span(None, MIDNIGHT))
    seen.note_purge("com", Span(MIDNIGHT, MIDNIGHT + BLURRED + 1))
    seen.note_purge("com", Span(MIDNIGHT, MIDNIGHT - 1))
    seen.note_length("com", REDEMPTION, Span(None, MIDNIGHT), Span(MIDNIGHT, MIDNIGHT))
    assert (seen.suffixes, seen.changed, seen.take_touched()) == ({}, False, set())
    seen.note_purge("com", Span(MIDNIGHT, MIDNIGHT + BLURRED))
    seen.note_length("com", REDEMPTION, Span(MIDNIGHT, MIDNIGHT), Span(MIDNIGHT + DAY, MIDNIGHT + DAY))

    assert (seen.changed, seen.take_touched(), seen.take_touched()) == (True, {"com"}, set())
    purge = Purge(int(MIDNIGHT + BLURRED), int(BLURRED))
    assert seen.find_suffix("com") == ObservedSuffix({REDEMPTION: [(1, 1)]}, [purge], MIDNIGHT + DAY)
    assert seen.find_suffix("net") is None


def test_suffixes_are_bounded_and_the_one_not_seen_for_longest_goes() -> None:
    """A list of names may have thousands."""
    seen = ObservedTransitions()
    for number in range(SUFFIXES + 1):
        seen.take_touched()
        seen.note_purge(f"s{number}", Span(MIDNIGHT + number, MIDNIGHT + number))

    assert len(seen.suffixes) == SUFFIXES
    assert "s0" not in seen.suffixes
    assert "s0" in seen.take_touched()
    seen.note_purge("s9", Span(MIDNIGHT, MIDNIGHT))
    assert seen.take_touched() == {"s9"}


def test_what_was_seen_survives_as_text() -> None:
    """A damaged row is left out, a damaged text says nothing."""
    seen = ObservedTransitions()
    seen.note_purge("com", Span(MIDNIGHT, MIDNIGHT + 60))
    seen.note_length("com", REDEMPTION, Span(MIDNIGHT, MIDNIGHT), Span(MIDNIGHT + 30 * DAY, MIDNIGHT + 30 * DAY))
    again = ObservedTransitions()
    again.note_purge("net", Span(MIDNIGHT, MIDNIGHT + 60))
    again.take_touched()
    again.changed = False
    again.restore_text(seen.encode_text())

    assert again.suffixes == seen.suffixes
    assert again.take_touched() == {"com", "net"}
    assert not again.changed
    assert decode_observed("[") == decode_observed("[" * 9999) == decode_observed("") == {}


@pytest.mark.parametrize(
    "row",
    [
        '{"x":1}',
        '[{},{"38":5},{"0":5},0,5.0]',  # as it was stored once
        "[{},[[1000000000,-1]]]",
        "[{},[[1000000000,72001]]]",
        "[{},[[60,60]]]",
        "[{},[[1000000000]]]",
        '[{"redemption":[[-1,1]]}]',
        '[{"redemption":[[2,1]]}]',
        '[{"redemption":[30]}]',
    ],
)
def test_a_damaged_row_is_left_out(row: str) -> None:
    """The others count."""
    known = ObservedSuffix(purges=[Purge(1_000_000_000, 60)])
    assert decode_observed(f'{{"bad":{row},"com":[{{}},[[1000000000,60]]]}}') == {"com": known}


def test_a_row_with_too_much_in_it_is_left_out_and_so_are_too_many_rows() -> None:
    """A text is bounded like what it was made of."""
    for many, parts in (("[1,1]", '{"redemption":[{}]},[]'), ("[1000000000,0]", "{},[{}]")):
        for most, known in ((LENGTHS, 1), (LENGTHS + 1, 0)):
            row = parts.replace("[{}]", f"[{','.join([many] * most)}]")
            assert len(decode_observed(f'{{"bad":[{row}]}}')) == known
    assert LENGTHS == PURGES
    rows = ",".join(f'"s{number}":[]' for number in range(SUFFIXES + 1))
    assert len(decode_observed(f"{{{rows}}}")) == SUFFIXES


def test_texts_of_shards_are_added_up() -> None:
    """The newest of each, in the order of their times."""
    one = '{"com":[{"redemption":[[30,30]]},[[1000000000,60],[1000000300,60]],5.0]}'
    other = '{"com":[{"redemption":[[31,32]]},[[1000000200,9]],4.0],"de":[{},[],1.0]}'
    known = [Purge(1_000_000_000, 60), Purge(1_000_000_200, 9), Purge(1_000_000_300, 60)]

    assert decode_observed(join_observed([one, other, "["])) == {
        "com": ObservedSuffix({REDEMPTION: [(30, 30), (31, 32)]}, known, 5.0),
        "de": ObservedSuffix(newest=1.0),
    }
    many = ObservedSuffix(purges=[Purge(1_000_000_000 + number, 0) for number in range(PURGES)])
    many.join_other(ObservedSuffix({REDEMPTION: [(1, 1)] * LENGTHS}, [Purge(1_000_001_000, 0)]))
    many.join_other(ObservedSuffix({REDEMPTION: [(2, 2)]}))
    assert (len(many.purges), many.purges[0].since, many.purges[-1].since) == (PURGES, 1_000_000_001, 1_000_001_000)
    assert many.lengths[REDEMPTION] == [*[(1, 1)] * (LENGTHS - 1), (2, 2)]
