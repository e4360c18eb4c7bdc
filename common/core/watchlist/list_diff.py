"""Compute what a new domain list changes: its summary, and the difference to the watched names, in bounded chunks.

The difference is computed in a process beside the coordinator, against the store; the coordinator only applies it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from common.core.model.records import ProblemRow
from common.core.watchlist.domain_list import ParsedList
from common.core.watchlist.list_names import PackedNames, Rows, StoreBatch, WatchedNames, match_digests

#: Most names in one chunk: what the coordinator applies without delaying its other messages.
CHUNK_SIZE = 2000


class ListSummary(Struct, frozen=True, kw_only=True):
    """The figures of a list by which it is accepted or held back.

    `names` are those that can be watched, `total` all entries; `problems` the first of `problem_count`; `fingerprint` is the
    same for the same names and priorities in any order. `added` and `removed` count what accepting it would change.
    Of a list that is divided into shards all this is one shard's part, but for `total`; `whole` counts the names of the list,
    and `watched` those that are watched now, of all shards.
    """

    names: int
    total: int
    problem_count: int
    problems: tuple[ProblemRow, ...]
    fingerprint: str
    added: int = 0
    removed: int = 0
    whole: int | None = None
    watched: int = 0


class ListChunk(Struct, frozen=True):
    """A chunk of the difference, at most `CHUNK_SIZE` names.

    `added` are names to watch from now on that are not watched, as parallel tuples of A-labels, suffixes and priorities; they
    may be known from before. `removed` are ids of names that are no longer listed, `priorities` ids with their new priority.
    """

    added: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = ()
    urgent: tuple[bool, ...] = ()
    removed: tuple[int, ...] = ()
    priorities: tuple[tuple[int, bool], ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """What accepting a list would change: `added` are rows of the list, in its order; the others ids of names, ascending."""

    added: Rows
    removed: Rows
    changed: Rows
    urgent: NDArray[np.bool_]  # the new priorities of `changed`


def compare_lists(listed: PackedNames, known: WatchedNames) -> Difference:
    """The difference between a list and the watched names: new names, names that are gone, and changed priorities."""
    ours, theirs = match_digests(listed.digest_keys(), known.keys)
    added, removed = np.ones(len(listed), bool), np.ones(len(known.ids), bool)
    added[ours] = removed[theirs] = False
    urgent = listed.urgent_flags()[ours]
    differs = urgent != known.urgent[theirs]
    changed = known.ids[theirs[differs]]
    order = np.argsort(changed)
    return Difference(np.flatnonzero(added), np.sort(known.ids[removed]), changed[order], urgent[differs][order].astype(bool))


def iter_list_chunks(
    listed: PackedNames, difference: Difference, suffix_of: Callable[[str], str | None]
) -> Iterator[ListChunk]:
    """The difference in chunks: removed names first, so that their place is free for new ones."""
    removed = difference.removed.tolist()
    for start in range(0, len(removed), CHUNK_SIZE):
        yield ListChunk(removed=tuple(removed[start : start + CHUNK_SIZE]))
    changes = list(zip(difference.changed.tolist(), difference.urgent.tolist(), strict=True))
    for start in range(0, len(changes), CHUNK_SIZE):
        yield ListChunk(priorities=tuple(changes[start : start + CHUNK_SIZE]))
    for names, urgent in listed.iter_chunks(difference.added, CHUNK_SIZE):
        yield ListChunk(names, tuple([suffix_of(name) or "" for name in names]), urgent)


def summarise_list(
    listed: PackedNames, difference: Difference, problems: Iterable[ProblemRow], problem_count: int, total: int
) -> ListSummary:
    """The figures of a list, see `ListSummary`."""
    return ListSummary(
        names=len(listed),
        total=total,
        problem_count=problem_count,
        problems=tuple(problems),
        fingerprint=listed.fingerprint(),
        added=len(difference.added),
        removed=len(difference.removed),
    )


def summarise_small_list(
    parsed: ParsedList, suffix_of: Callable[[str], str | None], known: Iterable[StoreBatch]
) -> tuple[ListSummary, list[ListChunk]]:
    """The summary of a list of a few names, and what it changes. `known` is what `Reader.names` of the store returns."""
    listed = PackedNames()
    for name, urgent in parsed.names.items():
        listed.add_name(name, urgent=urgent)
    difference = compare_lists(listed, WatchedNames(known))
    head = summarise_list(listed, difference, parsed.problems, parsed.problem_count, parsed.total)
    return head, list(iter_list_chunks(listed, difference, suffix_of))


#: A list that loses more than this share of the names is held back.
LARGEST_LOSS = 0.5


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a list is held back, and the fingerprint with which it is accepted when it is read again."""

    reason: str
    fingerprint: str


def hold_back(current_count: int, new: ListSummary, held_fingerprint: str | None) -> Hold | None:
    """Why a list looks like an accident: it is empty, or lacks more than half of the names. None: accept it.

    `current_count` is how many names are watched now, `held_fingerprint` the fingerprint of the list held back before: the
    same list read again is accepted. A list that is divided is judged as a whole: it may have no name for a shard.
    """
    if new.fingerprint == held_fingerprint:
        return None
    count = new.names
    if new.whole is not None:
        count, current_count = new.whole, new.watched
    again = "it is taken if it comes again unchanged"
    if count == 0:
        what = f"none of its {new.total} entries can be watched" if new.total else "it is empty"
        return Hold(f"the new list is held back: {what}; {again}", new.fingerprint)
    if count < current_count * (1 - LARGEST_LOSS):
        return Hold(f"the new list is held back: {count} names instead of {current_count}; {again}", new.fingerprint)
    return None
