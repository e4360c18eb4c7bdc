"""What was observed takes the place of a row's figures, and is named."""

from __future__ import annotations

import pytest

from common.core.builtin.lifecycles import Days, row_for
from common.core.lifecycle.corrected_cycle import Deviation, correct_cycle, find_deviations
from common.core.lifecycle.observed import PENDING_DELETE, REDEMPTION, REDEMPTION_ALONE, ObservedSuffix
from common.core.model.evidence import Phase


def seen(hours: dict[int, int] | None = None, weekdays: dict[int, int] | None = None, **lengths: int) -> ObservedSuffix:
    """A suffix of which every length was seen six times."""
    return ObservedSuffix({span: [days] * 6 for span, days in lengths.items()}, hours or {}, weekdays or {})


def test_without_observations_the_row_stands() -> None:
    """As it is, for every phase."""
    for nothing in (None, ObservedSuffix()):
        found = correct_cycle("com", nothing)
        assert found is not None
        assert (found.cycle, found.observed, found.phases) == (row_for("com"), "", None)
        assert found.covers(Phase.EXPIRED_GRACE)
    assert correct_cycle("at", None) is correct_cycle("at", ObservedSuffix()) is None


def test_a_length_that_was_observed_replaces_the_rows() -> None:
    """As sure as six observations that agree: seven of eight."""
    found = correct_cycle("com", seen(redemption=40, pending_delete=2))

    assert found is not None
    assert (found.cycle.redemption, found.cycle.pending, found.cycle.sure) == (Days(40, 40), Days(2, 2), 0.875)
    assert found.observed == "redemption of 40 days seen 6 times, pending delete of 2 days seen 6 times"


def test_a_length_that_agrees_with_the_row_makes_it_surer() -> None:
    """Never less sure."""
    found = correct_cycle("cn", seen(redemption=15))
    assert found is not None
    assert (found.cycle.redemption, found.cycle.sure) == (Days(15, 15), 0.875)
    found = correct_cycle("com", seen(redemption=30))
    assert found is not None
    assert found.cycle.sure == 1.0


def test_a_redemption_that_ends_with_the_purge_leaves_no_pending_delete() -> None:
    """Where that was seen more often than one that does not."""
    found = correct_cycle("com", seen(redemption_alone=30))
    assert found is not None
    assert (found.cycle.redemption, found.cycle.pending) == (Days(30, 30), None)
    assert found.observed == "redemption of 30 days seen 6 times"
    found = correct_cycle("com", seen(redemption_alone=30, redemption=31))
    assert found is not None
    assert (found.cycle.redemption, found.cycle.pending) == (Days(31, 31), Days(5, 5))


def test_of_two_ways_out_of_redemption_the_one_seen_more_often_counts() -> None:
    """A registry may have dropped pending delete, or introduced it."""
    both = seen(redemption=31)
    both.lengths["redemption_alone"] = [30] * 7
    found = correct_cycle("com", both)

    assert found is not None
    assert (found.cycle.redemption, found.cycle.pending) == (Days(30, 30), None)


def test_a_length_that_varies_by_a_day_is_a_range_and_five_observations_are_less_sure() -> None:
    """Six of seven, by the rule of succession."""
    found = correct_cycle("cn", ObservedSuffix({"redemption": [15, 16, 15, 16, 15]}))
    assert found is not None
    assert (found.cycle.redemption, found.cycle.sure) == (Days(15, 16), 0.857)
    assert found.observed == "redemption of 15 to 16 days seen 5 times"
    found = correct_cycle("com", seen(pending_delete=1))
    assert found is not None
    assert found.observed == "pending delete of 1 day seen 6 times"


def test_a_registry_without_a_row_may_delete_at_once() -> None:
    """A length of no days is an observation as well."""
    found = correct_cycle("at", seen(redemption_alone=0))

    assert found is not None
    assert found.cycle.redemption == Days(0, 0)


def test_where_pending_delete_names_both_phases_redemption_is_taken_off() -> None:
    """Nominet says pendingDelete for both: 60 and 5 days."""
    found = correct_cycle("co.uk", seen(pending_delete=67))

    assert found is not None
    assert (found.cycle.redemption, found.cycle.pending) == (Days(60, 60), Days(7, 7))
    found = correct_cycle("co.uk", seen(pending_delete=40))
    assert found is not None
    assert found.cycle.pending == Days(0, 0)


def test_hours_and_weekday_that_were_observed_replace_the_rows() -> None:
    """Not where the registry counts the seconds from the deletion, nor where it follows the month."""
    hours = seen(hours={38: 10}, weekdays={2: 10})
    found = correct_cycle("com", hours)
    assert found is not None
    assert (found.cycle.window, found.cycle.weekday) == ((37 * 30, 40 * 30), 2)
    assert found.observed == "purges seen 18:30 to 20:00 UTC 10 times, on a Wednesday 10 times"
    found = correct_cycle("com", seen(hours={47: 10}))
    assert found is not None
    assert found.observed == "purges seen 23:00 to 00:30 UTC 10 times"
    for suffix in ("nl", "jp"):
        found = correct_cycle(suffix, hours)
        assert found is not None
        assert (found.cycle, found.observed) == (row_for(suffix), "")


def test_hours_alone_are_no_life_cycle() -> None:
    """Of a registry that publishes nothing."""
    assert correct_cycle("at", seen(hours={38: 10})) is None


@pytest.mark.parametrize(
    ("lengths", "covered"),
    [
        ({"pending_delete": 5}, {Phase.PENDING_DELETE}),
        ({"redemption_alone": 30}, {Phase.REDEMPTION}),
        ({"redemption": 30, "pending_delete": 5}, {Phase.REDEMPTION, Phase.PENDING_DELETE}),
        ({"redemption": 30}, set()),
    ],
)
def test_without_a_row_only_the_phases_that_were_observed_are_forecast(lengths: dict[str, int], covered: set[Phase]) -> None:
    """What was not seen stays unknown."""
    found = correct_cycle("at", seen(**lengths))

    assert found is not None
    assert {phase for phase in Phase if found.covers(phase)} == covered
    assert found.cycle.published


def test_deviations_name_both_figures() -> None:
    """Of lengths, hours and the weekday."""
    assert find_deviations("com", seen(hours={6: 10}, weekdays={2: 10}, redemption=40, pending_delete=9)) == [
        Deviation("redemption", "30 days", "40 days", 6),
        Deviation("pending_delete", "5 days", "9 days", 6),
        Deviation("hours", "17:55 to 22:05", "02:30 to 04:00", 10),
        Deviation("weekday", "any day", "Wednesday", 10),
    ]


@pytest.mark.parametrize(("days", "deviates"), [(28, True), (29, False), (30, False), (31, False), (32, True)])
def test_a_day_more_or_less_is_no_deviation(days: int, deviates: bool) -> None:
    """The middle of what is known may fall on either side of a midnight."""
    assert bool(find_deviations("com", seen(redemption=days))) is deviates


@pytest.mark.parametrize(
    ("suffix", "slot", "deviates"),
    [
        ("com", 34, True),  # until 17:30; the row begins at 17:55
        ("com", 35, False),
        ("com", 44, False),
        ("com", 45, True),  # from 22:30; the row ends at 22:05
        ("kr", 1, True),  # until 01:00, when the row begins
        ("kr", 2, False),
        ("kr", 15, False),
        ("kr", 16, True),  # from 08:00, when the row ends
        ("xyz", 0, False),
        ("xyz", 47, False),
    ],
)
def test_hours_deviate_that_have_none_in_common_with_the_row(suffix: str, slot: int, deviates: bool) -> None:
    """The half hours that were seen, without what is added on both sides."""
    assert bool(find_deviations(suffix, seen(hours={slot: 10}))) is deviates


@pytest.mark.parametrize(
    ("suffix", "observed"),
    [
        ("com", seen(hours={38: 10}, redemption=30, pending_delete=5)),
        ("com", seen(redemption=31, pending_delete=4)),  # a day more or less is how days are counted
        ("de", seen(redemption_alone=30)),
        ("co.uk", seen(pending_delete=65)),
        ("xyz", seen(hours={6: 10})),  # no hour is published
        ("nl", seen(hours={6: 10})),
        ("jp", seen(hours={6: 10})),
        ("ca", seen(weekdays={2: 10})),
        ("com", ObservedSuffix()),
    ],
)
def test_what_agrees_with_the_row_is_no_deviation(suffix: str, observed: ObservedSuffix) -> None:
    """Nor is what the row leaves open."""
    assert find_deviations(suffix, observed) == []


def test_a_registry_without_a_row_deviates_from_nothing_published_and_is_shown() -> None:
    """Its figures are worth knowing most of all."""
    assert find_deviations("at", seen(redemption_alone=8)) == [Deviation("redemption_alone", "not published", "8 days", 6)]
    assert find_deviations("at", seen(redemption_alone=1)) == [Deviation("redemption_alone", "not published", "1 day", 6)]
    assert find_deviations("de", seen(redemption=30)) == [Deviation("redemption", "none", "30 days", 6)]
    assert find_deviations("de", seen(pending_delete=5)) == [Deviation("pending_delete", "none", "5 days", 6)]


def test_the_names_of_lengths_are_those_of_the_status() -> None:
    """They are part of the interface."""
    assert (REDEMPTION, REDEMPTION_ALONE, PENDING_DELETE) == ("redemption", "redemption_alone", "pending_delete")
