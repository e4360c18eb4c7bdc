"""What was observed takes the place of a row's figures, and is named."""

from __future__ import annotations

import pytest

from common.core.builtin.lifecycles import Days, row_for
from common.core.lifecycle.corrected_cycle import Deviation, correct_cycle, find_deviations
from common.core.lifecycle.observed import PENDING_DELETE, REDEMPTION, REDEMPTION_ALONE, ObservedSuffix
from common.core.lifecycle.purge_hours import Purge
from common.core.model.evidence import Phase

#: A Wednesday, at midnight UTC.
WEDNESDAY = 1_790_121_600


def seen(hour: float | None = None, step: int = 1, width: int = 60, **lengths: int | tuple[int, int]) -> ObservedSuffix:
    """A suffix of which every length was seen six times, and ten purges until that hour, one every `step` days."""
    both = {span: (days, days) if isinstance(days, int) else days for span, days in lengths.items()}
    purges = [Purge(int(WEDNESDAY + number * step * 86_400 + (hour or 0) * 3600), width) for number in range(10)]
    return ObservedSuffix({span: [days] * 6 for span, days in both.items()}, purges if hour is not None else [])


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
    both.lengths["redemption_alone"] = [(30, 30)] * 7
    found = correct_cycle("com", both)

    assert found is not None
    assert (found.cycle.redemption, found.cycle.pending) == (Days(30, 30), None)


def test_a_length_that_varies_by_a_day_is_a_range_and_five_observations_are_less_sure() -> None:
    """Six of seven, by the rule of succession."""
    found = correct_cycle("cn", ObservedSuffix({"redemption": [(15, 15), (16, 16), (15, 15), (16, 16), (15, 15)]}))
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
    hours = seen(19.25, 7)
    found = correct_cycle("com", hours)
    assert found is not None
    assert (found.cycle.window, found.cycle.weekday) == ((18 * 60 + 55, 19 * 60 + 35), 2)
    assert found.observed == "purges seen 18:55 to 19:35 UTC 10 times, on a Wednesday 10 times"
    found = correct_cycle("com", seen(23.75))
    assert found is not None
    assert found.observed == "purges seen 23:25 to 00:05 UTC 10 times"
    for suffix in ("nl", "jp"):
        found = correct_cycle(suffix, hours)
        assert found is not None
        assert (found.cycle, found.observed) == (row_for(suffix), "")


def test_hours_alone_are_no_life_cycle() -> None:
    """Of a registry that publishes nothing."""
    assert correct_cycle("at", seen(19.25)) is None


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
    assert find_deviations("com", seen(3.25, 7, redemption=40, pending_delete=9)) == [
        Deviation("redemption", "30 days", "40 days", 6),
        Deviation("pending_delete", "5 days", "9 days", 6),
        Deviation("hours", "17:55 to 22:05", "02:55 to 03:35", 10),
        Deviation("weekday", "any day", "Wednesday", 10),
    ]


@pytest.mark.parametrize(("days", "deviates"), [(28, True), (29, False), (30, False), (31, False), (32, True)])
def test_a_day_more_or_less_is_no_deviation(days: int, deviates: bool) -> None:
    """The middle of what is known may fall on either side of a midnight."""
    assert bool(find_deviations("com", seen(redemption=days))) is deviates


@pytest.mark.parametrize(
    ("suffix", "hour", "deviates"),
    [
        ("com", 17.5, True),  # until 17:50; the row begins at 17:55
        ("com", 17.7, False),
        ("com", 22.25, False),
        ("com", 22.5, True),  # from 22:10; the row ends at 22:05
        ("kr", 0.6, True),  # until 00:55; the row begins at 01:00
        ("kr", 0.7, True),  # until 01:00
        ("kr", 0.75, False),
        ("kr", 8.25, False),
        ("kr", 8.3, True),  # from 08:00, when the row ends
        ("kr", 0.1, True),  # from 23:45 on, of the day before
        ("xyz", 0.0, False),
        ("xyz", 23.9, False),
    ],
)
def test_hours_deviate_that_have_none_in_common_with_the_row(suffix: str, hour: float, deviates: bool) -> None:
    """With the margins that leave open what was not seen."""
    assert bool(find_deviations(suffix, seen(hour))) is deviates


@pytest.mark.parametrize(
    ("suffix", "learned"),
    [
        ("com", (18 * 60 + 55, 19 * 60 + 35)),
        ("es", (150, 250)),  # between 02:30 and 04:10, of purges known to be between 01:00 and 06:00
        ("fr", (-50, 470)),
    ],
)
def test_hours_that_say_less_than_the_row_do_not_replace_it(suffix: str, learned: tuple[int, int]) -> None:
    """They agree with it; of a row without hours they say more."""
    found = correct_cycle(suffix, seen(19.25) if suffix == "com" else seen(6.0, width=5 * 3600))

    assert found is not None
    assert found.cycle.window == learned
    assert bool(found.observed) is (suffix != "es")


@pytest.mark.parametrize(
    ("suffix", "lengths", "days"),
    [
        ("com", {"pending_delete": (4, 6)}, (Days(30, 30), Days(5, 5))),
        ("com", {"redemption": (30, 31)}, (Days(30, 30), Days(5, 5))),
        ("com", {"redemption": (31, 32)}, (Days(31, 32), Days(5, 5))),
        ("com", {"redemption_alone": (30, 31)}, (Days(30, 31), None)),
        ("fr", {"redemption_alone": (29, 30)}, (Days(30, 30), None)),
        ("fr", {"redemption": (29, 30)}, (Days(29, 30), None)),
        ("co.uk", {"pending_delete": (63, 64)}, (Days(60, 60), Days(3, 4))),
        ("co.uk", {"pending_delete": (64, 66)}, (Days(60, 60), Days(5, 5))),
        ("nl", {"redemption_alone": 41}, (Days(40, 40), None)),
        ("nl", {"redemption_alone": 42}, (Days(42, 42), None)),
        ("at", {"redemption_alone": (7, 8)}, (Days(7, 8), None)),
    ],
)
def test_a_row_that_may_be_right_is_not_made_less_exact(
    suffix: str, lengths: dict[str, tuple[int, int]], days: tuple[Days, Days | None]
) -> None:
    """What two looks leave open does not speak against it; nor days, where the registry counts hours."""
    found = correct_cycle(suffix, seen(**lengths))

    assert found is not None
    assert (found.cycle.redemption, found.cycle.pending) == days
    assert found.observed


def test_a_row_whose_days_differ_is_corrected() -> None:
    """Some were seen shorter, some longer, and none of them can be both."""
    found = correct_cycle("com", ObservedSuffix({"pending_delete": [(4, 4), (5, 5)] * 3}))

    assert found is not None
    assert found.cycle.pending == Days(4, 5)


@pytest.mark.parametrize(
    ("suffix", "observed"),
    [
        ("com", seen(19.25, redemption=30, pending_delete=5)),
        ("com", seen(redemption=31, pending_delete=4)),  # a day more or less is how days are counted
        ("de", seen(redemption_alone=30)),
        ("co.uk", seen(pending_delete=65)),
        ("xyz", seen(3.25)),  # no hour is published
        ("nl", seen(3.25)),
        ("jp", seen(3.25)),
        ("ca", seen(20.0, 7)),
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
