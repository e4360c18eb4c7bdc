"""What a new list changes: compared with plain sets, in pieces, and the same for a few names and for many."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from common.core.watchlist.domain_list import BulkBuilder, ListBuilder
from common.core.watchlist.list_diff import (
    CHUNK_SIZE,
    ListChunk,
    ListSummary,
    compare_lists,
    iter_list_chunks,
    summarise_list,
    summarise_small_list,
)
from common.core.watchlist.list_names import StoreBatch, WatchedNames
from common.suffixes import load_suffixes

SUFFIX_OF = load_suffixes()
#: name -> (id, watched, priority), as a store has it.
Store = dict[str, tuple[int, bool, bool]]

names = st.integers(0, 30).map(lambda number: f"name{number}.{('com', 'co.uk')[number % 2]}")
stores = st.dictionaries(names, st.tuples(st.booleans(), st.booleans())).map(
    lambda found: {name: (number * 7 + 1, *flags) for number, (name, flags) in enumerate(found.items())}
)


def batches(store: Store, size: int) -> Iterable[StoreBatch]:
    """The names of a store as its reader gives them."""
    rows = list(store.items())
    for start in range(0, len(rows), size):
        piece = rows[start : start + size]
        yield (
            [number for _, (number, _, _) in piece],
            [name for name, _ in piece],
            [int(watched) for _, (_, watched, _) in piece],
            [int(urgent) for _, (_, _, urgent) in piece],
        )


def bulk(entries: Iterable[tuple[str, bool]], store: Store, size: int = 3) -> tuple[ListSummary, list[ListChunk]]:
    """A list on the way that long ones take."""
    builder = BulkBuilder(SUFFIX_OF)
    for name, urgent in entries:
        builder.add_entry({"domain": name, "priority": urgent})
    listed = builder.build_list()
    difference = compare_lists(listed.names, WatchedNames(batches(store, size)))
    head = summarise_list(listed.names, difference, listed.problems, listed.problem_count, listed.total)
    return head, list(iter_list_chunks(listed.names, difference, SUFFIX_OF))


def few(entries: Iterable[tuple[str, bool]], store: Store) -> tuple[ListSummary, list[ListChunk]]:
    """The same on the way of short ones."""
    builder = ListBuilder(SUFFIX_OF)
    for name, urgent in entries:
        builder.add_entry({"domain": name, "priority": urgent})
    return summarise_small_list(builder.build_list(), SUFFIX_OF, batches(store, 3))


def taken(store: Store, pieces: Iterable[ListChunk]) -> dict[str, bool]:
    """What is watched, with its priority, once the difference was applied as the coordinator would."""
    watched = {name: urgent for name, (_, on, urgent) in store.items() if on}
    name_of = {number: name for name, (number, _, _) in store.items()}
    for part in pieces:
        assert 0 < len(part.added) + len(part.removed) + len(part.priorities) <= CHUNK_SIZE
        for number in part.removed:
            del watched[name_of[number]]
        for number, urgent in part.priorities:
            assert watched[name_of[number]] != urgent
            watched[name_of[number]] = urgent
        for name, suffix, urgent in zip(part.added, part.suffixes, part.urgent, strict=True):
            assert name not in watched
            assert name.endswith(f".{suffix}")
            watched[name] = urgent
    return watched


@given(st.lists(st.tuples(names, st.booleans())), stores, st.integers(1, 8))
@settings(deadline=None)
def test_the_difference_turns_what_is_watched_into_the_list(entries: list[tuple[str, bool]], store: Store, size: int) -> None:
    """For any list and any store, whatever the batches; nothing is said that is already so."""
    wanted: dict[str, bool] = {}
    for name, urgent in entries:
        wanted[name] = urgent or wanted.get(name, False)
    watched = {name for name, (_, on, _) in store.items() if on}

    head, pieces = bulk(entries, store, size)

    assert taken(store, pieces) == wanted
    assert (head.names, head.total) == (len(wanted), len(entries))
    assert (head.added, head.removed) == (len(wanted.keys() - watched), len(watched - wanted.keys()))
    assert (head, pieces) == few(entries, store)


@given(st.lists(st.tuples(names, st.booleans())), st.randoms())
@settings(deadline=None)
def test_a_fingerprint_is_of_names_and_priorities_not_of_their_order(entries: list[tuple[str, bool]], rng: Random) -> None:
    """Nor of what is watched; a priority or a name more makes another."""
    mixed = rng.sample(entries, len(entries))
    fingerprint = bulk(entries, {})[0].fingerprint

    assert bulk(mixed, {"x.com": (1, True, False)})[0].fingerprint == fingerprint
    assert bulk([*entries, ("one-more.com", False)], {})[0].fingerprint != fingerprint
    for name in {name for name, _ in entries} - {name for name, urgent in entries if urgent}:
        assert bulk([*entries, (name, True)], {})[0].fingerprint != fingerprint


def test_two_hundred_thousand_names_are_compared_like_sets() -> None:
    """Half of them new, a quarter gone, some with another priority; added ones come in the order of the list."""
    store: Store = {f"n{number}.com": (number + 1, number % 5 != 0, number % 3 == 0) for number in range(100_000)}
    entries = [(f"n{number}.com", number % 4 == 0) for number in range(25_000, 200_000)]

    head, pieces = bulk(entries, store, 10_000)

    added = [name for part in pieces for name in part.added]
    removed = [number for part in pieces for number in part.removed]
    assert taken(store, pieces) == dict(entries)
    assert added == [name for name, _ in entries if name not in store or not store[name][1]]
    assert removed == sorted(number for number, watched, _ in store.values() if number <= 25_000 and watched)
    assert (head.names, head.added, head.removed) == (175_000, len(added), len(removed))


def test_the_loss_of_every_name_is_known_before_a_list_is_accepted() -> None:
    """The summary counts what accepting it would change."""
    store: Store = {"a.com": (1, True, False), "b.com": (2, True, True), "c.com": (3, False, False)}

    head, pieces = bulk([], store)

    assert (head.names, head.added, head.removed) == (0, 0, 2)
    assert pieces == [ListChunk(removed=(1, 2))]
