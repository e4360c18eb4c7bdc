"""A list of which one shard keeps its part: what is kept and counted, and when the list is held back."""

from __future__ import annotations

import pytest

from common.core.shards.layout import Layout
from common.core.watchlist.distinct_count import DistinctCounter
from common.core.watchlist.domain_list import BulkBuilder
from common.core.watchlist.list_diff import ListSummary, hold_back
from common.errors import ListError
from common.suffixes import load_suffixes

SUFFIX_OF = load_suffixes()
LAYOUT = Layout(3, spread=("com",))


def summary(names: int, whole: int | None, watched: int, total: int = 100, fingerprint: str = "new") -> ListSummary:
    """That of a shard."""
    return ListSummary(
        names=names, total=total, problem_count=0, problems=(), fingerprint=fingerprint, whole=whole, watched=watched
    )


def test_a_shard_keeps_its_names_and_counts_all() -> None:
    """The shards together keep each name once; a name that is given twice counts once, and so do problems in each."""
    entries = [*(f"n{number}.com" for number in range(100)), "n1.com", "a.org", "b.de", "no name"]
    kept = []
    for shard in range(3):
        builder = BulkBuilder(SUFFIX_OF, keeps=lambda name, shard=shard: LAYOUT.shard_of(name) == shard)  # type: ignore[misc]  # a bound default
        for entry in entries:
            builder.add_entry(entry)
        found = builder.build_list()
        assert (found.whole, found.total, found.problem_count) == (102, 104, 1)
        (names, _), *_ = found.names.iter_chunks(range(len(found.names)), 1000)  # type: ignore[arg-type]  # as rows
        assert all(LAYOUT.shard_of(name) == shard for name in names)
        kept += names
    assert sorted(kept) == sorted(set(entries) - {"no name"})


def test_a_list_that_is_not_divided_is_not_counted() -> None:
    """It is known by what is kept."""
    builder = BulkBuilder(SUFFIX_OF)
    builder.add_entry("a.com")
    assert builder.build_list().whole is None


def test_the_limit_is_for_the_names_of_a_shard() -> None:
    """A whole list may be longer than what one shard can hold."""
    builder = BulkBuilder(SUFFIX_OF, 10, keeps=lambda name: name.startswith("n1"))
    for number in range(30):
        builder.add_entry(f"n{number}.com")
    with pytest.raises(ListError, match="more than 10 names"):
        builder.build_list()
    builder = BulkBuilder(SUFFIX_OF, 11, keeps=lambda name: name.startswith("n1"))
    for number in range(30):
        builder.add_entry(f"n{number}.com")
    assert (len(builder.build_list().names), builder.build_list().whole) == (11, 30)


@pytest.mark.parametrize(
    ("names", "whole", "watched", "held"),
    [
        (10, 100, 100, ""),
        (0, 100, 100, ""),
        (0, 51, 100, ""),
        (0, 50, 100, ""),
        (10, 49, 100, "49 names instead of 100"),
        (0, 0, 0, "none of its 100 entries can be watched"),
        (0, 0, 7, "none of its 100 entries can be watched"),
    ],
)
def test_a_divided_list_is_held_back_as_a_whole(names: int, whole: int, watched: int, held: str) -> None:
    """Not by what one shard has of it: that may be nothing. What a shard watches itself is of no account."""
    for own in (0, 10, 1000):
        found = hold_back(own, summary(names, whole, watched), None)
        assert (found is None) == (not held)
        assert found is None or held in found.reason
    assert hold_back(10, summary(names, whole, watched), "new") is None


def test_an_undivided_list_is_held_back_by_its_names() -> None:
    """As without shards."""
    assert hold_back(100, summary(50, None, 0), None) is None
    assert hold_back(100, summary(49, None, 0), None) is not None


def test_few_names_are_counted_exactly_and_many_closely() -> None:
    """Whatever the order, and however often each comes; what is kept stays small."""
    counter = DistinctCounter(most_kept=1000)
    for number in (*range(900), *range(900)):
        counter.add_name(f"n{number}.com")
    assert counter.count_names() == 900
    for number in range(200_000):
        counter.add_name(f"n{number}.com")
    assert counter.count_names() == pytest.approx(200_000, rel=0.12)
    before = counter.count_names()
    for number in range(1000):
        counter.add_name(f"n{number}.com")
    assert counter.count_names() == before
    assert len(counter._kept) <= 1000
