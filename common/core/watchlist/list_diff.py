"""Compute what a new domain list changes: its summary, and the difference to the watched names, in bounded chunks.

The difference is computed in a process beside the coordinator, against the store; the coordinator only applies it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from common.core.model.records import ProblemRow
from common.core.watchlist.list_names import PackedNames, Rows, StoreBatch, WatchedNames, match_digests

if TYPE_CHECKING:  # at run time domain_list imports this module
    from common.core.watchlist.domain_list import ParsedList

#: Most names in one chunk: what the coordinator applies without delaying its other messages.
CHUNK_SIZE = 2000


class ListSummary(Struct, frozen=True, kw_only=True):
    """The figures of a list by which it is accepted or held back.

    `names` are those that can be watched, `total` all entries; `problems` the first of `problem_count`; `fingerprint` is the
    same for the same names and priorities in any order. `added` and `removed` count what accepting it would change.
    """

    names: int
    total: int
    problem_count: int
    problems: tuple[ProblemRow, ...]
    fingerprint: str
    added: int = 0
    removed: int = 0


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
