"""The domain list: entries become names or problems, accidents are held back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.core.watchlist.domain_list import MAX_PROBLEMS, BulkBuilder, ListBuilder, ParsedList, parse_line
from common.core.watchlist.list_diff import Hold, ListSummary, hold_back, summarise_small_list
from common.errors import ListError
from common.suffixes import load_suffixes

SUFFIX_OF = load_suffixes()


def parsed(*entries: object, limit: int = 1000) -> ParsedList:
    """The list of these entries."""
    builder = ListBuilder(SUFFIX_OF, limit)
    for entry in entries:
        builder.add_entry(entry)
    return builder.build_list()


def head(*entries: object) -> ListSummary:
    """The summary of the list of these entries."""
    return summarise_small_list(parsed(*entries), SUFFIX_OF, ())[0]


def test_objects_and_strings_mix() -> None:
    """Both forms are taken; priority is off unless said."""
    found = parsed(
        {"domain": "Example.com", "priority": True}, "other.org", {"domain": "third.net"}, {"domain": "x.de", "priority": None}
    )

    assert found.names == {"example.com": True, "other.org": False, "third.net": False, "x.de": False}
    assert (found.problems, found.problem_count, found.total) == ([], 0, 4)


def test_a_name_given_twice_counts_once_and_keeps_its_priority() -> None:
    """Whatever the order and the spelling."""
    first = ({"domain": "STRASSE.de", "priority": True}, "strasse.de.", "straße.de")
    second = ("strasse.de", "straße.de", {"domain": "strasse.de", "priority": True})

    assert parsed(*first).names == {"strasse.de": True, "xn--strae-oqa.de": False}
    assert head(*first).fingerprint == head(*second).fingerprint
    assert head(*first).fingerprint != head("strasse.de", "straße.de").fingerprint


@pytest.mark.parametrize(
    ("entry", "shown", "code"),
    [
        ("www.example.com", "www.example.com", "subdomain"),
        ("co.uk", "co.uk", "public_suffix"),
        ("", "", "empty"),
        (7, "7", "bad_entry"),
        (None, "null", "bad_entry"),
        (["a.com"], "list", "bad_entry"),
        ({}, "object with nothing", "bad_entry"),
        ({"name": "a.com"}, "object with 'name'", "bad_entry"),
        ({"domain": 5}, "5", "bad_entry"),
        ({"domain": {"domain": "a.com"}}, "object with 'domain'", "bad_entry"),
        ("\ud800\n.com", "\ufffd\ufffd.com", "bad_character"),
        ("a" * 2000, "a" * 117 + "...", "too_long"),
    ],
)
def test_what_cannot_be_watched_is_listed_with_its_reason(entry: object, shown: str, code: str) -> None:
    """Never silently dropped, and shown in a form that every store can hold."""
    found = parsed(entry)

    assert found.names == {}
    assert [(row.entry, row.code) for row in found.problems] == [(shown, code)]
    assert found.problems[0].reason
    found.problems[0].entry.encode()


def test_a_wrong_priority_does_not_cost_the_name() -> None:
    """The name is watched, and the problem is listed."""
    found = parsed({"domain": "a.com", "priority": "yes"})

    assert found.names == {"a.com": False}
    assert [row.code for row in found.problems] == ["bad_priority"]


def test_only_the_first_problems_are_kept_but_all_are_counted() -> None:
    """A list of nonsense costs no memory."""
    found = parsed(*(f"www.name{number}.com" for number in range(MAX_PROBLEMS + 5)))

    assert len(found.problems) == MAX_PROBLEMS
    assert found.problem_count == found.total == MAX_PROBLEMS + 5


def test_a_list_above_the_limit_is_refused_as_a_whole() -> None:
    """Half a list would look like names removed."""
    parsed("a.com", "b.com", "a.com", limit=2)

    with pytest.raises(ListError, match="more than 2 names"):
        parsed("a.com", "b.com", "c.com", limit=2)


@pytest.mark.parametrize("repeats", [1, 3])
def test_a_long_list_above_the_limit_is_refused_at_the_latest_at_its_end(repeats: int) -> None:
    """Names that are given again and again do not count against it."""
    builder = BulkBuilder(SUFFIX_OF, 3)
    for _ in range(repeats):
        for name in ("a.com", "b.com", "c.com"):
            builder.add_entry(name)
    assert len(builder.build_list().names) == 3

    builder.add_entry("d.com")
    with pytest.raises(ListError, match="more than 3 names"):
        builder.build_list()


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=30),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=8) | st.just("domain"), inner),
        max_leaves=8,
    )
)
@settings(max_examples=200, deadline=None)
def test_any_entry_is_a_name_or_a_problem(entry: object) -> None:
    """Whatever JSON can hold."""
    found = parsed(entry)

    assert len(found.names) + found.problem_count >= 1


@pytest.mark.parametrize(
    ("line", "entry"),
    [
        ("example.com", "example.com"),
        ("  example.com \r\n", "example.com"),
        ("example.com # the shop", "example.com"),
        ("# all of this", None),
        ("", None),
        (" \t", None),
        ("example.com!", {"domain": "example.com", "priority": True}),
        ("example.com !  # soon", {"domain": "example.com", "priority": True}),
        ("example.com priority", {"domain": "example.com", "priority": True}),
        ("example.com   Priority", {"domain": "example.com", "priority": True}),
        ("priority", "priority"),
        ("two words", "two words"),
    ],
)
def test_a_plain_list_has_one_name_a_line(line: str, entry: object) -> None:
    """Comments and blank lines are skipped; "!" or "priority" behind a name marks it."""
    assert parse_line(line) == entry


def test_a_list_that_looks_like_an_accident_is_held_until_it_comes_again() -> None:
    """Empty, or more than half of the names gone."""
    empty, three = head(), head("a.com", "b.com", "c.com")

    held = hold_back(3, empty, None)

    assert held == Hold("the new list is held back: it is empty; it is taken if it comes again unchanged", empty.fingerprint)
    assert hold_back(3, empty, held.fingerprint) is None
    assert hold_back(0, empty, None) is not None
    assert hold_back(6, three, None) is None
    shrunk = hold_back(7, three, held.fingerprint)
    assert shrunk is not None
    assert "3 names instead of 7" in shrunk.reason
    assert hold_back(7, three, shrunk.fingerprint) is None
    assert hold_back(0, three, None) is None


def test_a_list_of_nothing_but_problems_is_as_good_as_empty() -> None:
    """The reason says that there were entries."""
    held = hold_back(3, head("www.a.com", "co.uk"), None)

    assert held is not None
    assert "none of its 2 entries" in held.reason
