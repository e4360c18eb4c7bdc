"""The pure half of the reader of publications: which it reads, when, and which readings look like an accident."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from common.core.builtin.publication_rows import BY_NAME, PUBLICATIONS
from common.core.model.publication import Form, Kind
from common.core.publications.catalogue import (
    concerns,
    find_publication,
    publications_for,
    unknown_names,
    url_of,
    zone_file_publication,
)
from common.core.publications.guard import AHEAD, Known, Reading, date_reading, find_accident, note_reading
from common.core.publications.next_reading import (
    FIRST_RETRY,
    FIRST_SPREAD,
    LONGEST_RETRY,
    SPREAD,
    LastReading,
    next_reading_at,
)

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC).timestamp()
DAY, HOUR = 86_400.0, 3600.0
UK, IT, SE_ZONE, SK = (BY_NAME[name] for name in ("uk-drops", "it-drops-09", "se-zone", "sk-names"))


def test_publications_of_watched_suffixes_are_read() -> None:
    """Those that are on by default; second-level suffixes count, and no other one."""
    found = [row.name for row in publications_for({"co.uk", "se", "com"})]

    assert found == ["uk-drops", "se-drops", "se-zone"]
    assert publications_for({"com", "xse", "uk.com"}) == []
    assert concerns(UK, "uk")


def test_one_may_be_enabled_or_disabled_by_name() -> None:
    """A form that is not known is never read."""
    assert [row.name for row in publications_for({"ch"})] == []
    assert [row.name for row in publications_for({"ch"}, enabled={"ch-zone"})] == ["ch-zone"]
    assert [row.name for row in publications_for({"se"}, disabled={"se-zone"})] == ["se-drops"]
    assert publications_for({"ca", "cz", "au"}, enabled={"ca-drops", "cz-auctions", "au-drops"}) == []
    assert unknown_names(["x", "uk-drops", "a"]) == ["a", "x"]


def test_zone_files_of_a_folder_are_publications() -> None:
    """By their names, packed or not; other files are none."""
    packed, plain = zone_file_publication("com.zone.gz"), zone_file_publication("xn--p1ai.txt")

    assert packed is not None
    assert plain is not None
    assert (packed.name, packed.suffixes, packed.packed, packed.kind) == ("com-zone-file", ("com",), True, Kind.ZONE)
    assert (plain.suffixes, plain.packed) == (("xn--p1ai",), False)
    assert [zone_file_publication(name) for name in ("com", "com.gz", ".zone", "a.b.zone", "README.md", "COM.zone")] == [
        None
    ] * 6
    assert find_publication("com-zone-file") == replace(packed, packed=False)
    assert find_publication("uk-drops") is UK
    assert (find_publication("x"), find_publication("-zone-file"), find_publication("com-zone-file2")) == (None, None, None)


def test_a_file_of_the_day_is_that_of_the_local_day() -> None:
    """23:30 UTC is the next day in Rome, in winter and in summer time."""
    summer = datetime(2026, 7, 1, 22, 30, tzinfo=UTC).timestamp()

    assert url_of(IT, NOON + 11.5 * HOUR).endswith("/2026120109.txt")
    assert url_of(IT, NOON + 10.5 * HOUR).endswith("/2026113009.txt")
    assert url_of(IT, summer).endswith("/2026070209.txt")
    assert url_of(UK, NOON) == UK.url


def test_every_row_is_whole() -> None:
    """Each has a place, terms and a source; a rate of at most one reading an hour; a known form where it is on."""
    for row in PUBLICATIONS:
        assert bool(row.url) != bool(row.server), row.name
        assert row.every >= HOUR, row.name
        assert row.terms, row.name
        assert row.source, row.name
        assert row.suffixes, row.name
        assert not (row.on and row.form is Form.UNKNOWN), row.name
        assert (row.form in (Form.CSV, Form.JSON)) == bool(row.columns), row.name
        assert (row.form is Form.JSON) == bool(row.rows), row.name
    assert len(BY_NAME) == len(PUBLICATIONS)


def test_a_first_reading_comes_soon() -> None:
    """Spread, so that not all of them begin together."""
    assert next_reading_at(UK, None, NOON, 0.0) == NOON
    assert next_reading_at(UK, None, NOON, 0.5) == NOON + FIRST_SPREAD / 2


def test_a_list_with_an_hour_is_read_soon_after_it_is_renewed() -> None:
    """And not twice for one renewal."""
    row = replace(UK, hour=6 * 60)
    first = next_reading_at(row, LastReading(NOON), NOON, 0.0)

    assert first == NOON + 18 * HOUR + DAY  # at noon a day is not over by the next renewal
    assert next_reading_at(row, LastReading(first), first, 0.9) == first + DAY + 0.9 * SPREAD
    assert next_reading_at(row, LastReading(first + SPREAD), first, 0.0) == first + DAY


def test_a_list_without_an_hour_is_read_at_its_interval() -> None:
    """Never more often."""
    assert next_reading_at(SE_ZONE, LastReading(NOON), NOON, 0.0) == NOON + HOUR
    assert next_reading_at(replace(SE_ZONE, hour=0), LastReading(NOON), NOON, 1.0) == NOON + 1.1 * HOUR


def test_after_errors_it_is_tried_more_and_more_rarely() -> None:
    """Up to a bound."""
    waits = [next_reading_at(UK, LastReading(NOON, failures), NOON, 0.0) - NOON for failures in (1, 2, 3, 50)]

    assert waits == [FIRST_RETRY, 2 * FIRST_RETRY, 4 * FIRST_RETRY, LONGEST_RETRY]


@pytest.mark.parametrize(
    ("known", "new", "problem"),
    [
        (Known(), Reading(NOON, 300_000, "a"), ""),
        (Known(NOON, 300_000), Reading(NOON, 300_000, "a"), ""),
        (Known(NOON, 300_000), Reading(NOON + 1, 150_000, "a"), ""),
        (Known(NOON, 300_000), Reading(NOON + 1, 149_999, "a"), "149999 names instead of 300000"),
        (Known(NOON, 300_000, "a"), Reading(NOON + 1, 149_999, "a"), ""),
        (Known(NOON, 300_000, "b"), Reading(NOON + 1, 149_999, "a"), "comes again"),
        (Known(), Reading(NOON, 0, "a"), "0 names, fewer than 100000"),
        (Known(NOON, 300_000), Reading(NOON - 60, 300_000, "a"), "60 s older"),
        (Known(NOON, 300_000, "a"), Reading(NOON - 60, 300_000, "a"), "60 s older"),
        (Known(), Reading(NOON + AHEAD + 1, 300_000, "a"), "future"),
        (Known(), Reading(NOON + AHEAD, 100_000, "a"), ""),
        (Known(), Reading(NOON, 99_999, "a"), "fewer than"),
    ],
)
def test_a_reading_that_looks_like_an_accident_is_held_back(known: Known, new: Reading, problem: str) -> None:
    """Older, empty, or less than half of the one before; the last two are taken when they come again."""
    found = find_accident(SK, known, new, NOON)

    assert problem in found
    assert bool(problem) == bool(found)


def test_what_does_not_say_when_it_was_made_is_as_old_as_it_can_be() -> None:
    """A zone that is renewed hourly is up to an hour old; none is from later than its reading."""
    assert date_reading(SE_ZONE, None, NOON) == NOON - HOUR
    assert date_reading(SE_ZONE, NOON - 60, NOON) == NOON - 60
    assert date_reading(SE_ZONE, NOON + 60, NOON) == NOON
    assert date_reading(SE_ZONE, NOON + 2 * AHEAD, NOON) == NOON + 2 * AHEAD


def test_lists_of_one_day_may_shrink() -> None:
    """Other names are released each day."""
    assert find_accident(IT, Known(NOON, 5000), Reading(NOON + 1, 10, "a"), NOON) == ""
    assert "names instead" in find_accident(UK, Known(NOON, 5000), Reading(NOON + 1, 1500, "a"), NOON)


def test_what_is_known_after_a_reading() -> None:
    """One that was held back leaves the last one as it was, and is remembered; one that is older is not even that."""
    known = Known(NOON, 1000)

    assert note_reading(known, Reading(NOON + 1, 10, "a"), "held") == Known(NOON, 1000, "a")
    assert note_reading(known, Reading(NOON - 1, 10, "a"), "older") == known
    assert note_reading(Known(NOON, 1000, "a"), Reading(NOON + 1, 10, "a"), "") == Known(NOON + 1, 10)
    assert note_reading(known, Reading(NOON, 10, "a"), "held").held == "a"
    assert note_reading(Known(), Reading(NOON, 0, "a"), "held") == Known(None, 0, "a")
