"""What a new domain list changes: the head by which it is judged, and the difference to what is watched, in bounded pieces.

The difference is worked out beside the coordinator, against what the store holds; the coordinator only applies it.
"""

from __future__ import annotations

from msgspec import Struct

from common.core.records import ProblemRow

#: Most names in one piece: what the coordinator takes over without keeping anybody waiting.
PIECE = 5000


class ListHead(Struct, frozen=True):
    """A list as a whole, enough to decide whether it is taken.

    `names` are those that can be watched, `total` all entries; `problems` the first of `problem_count`; `fingerprint` is the
    same for the same names and priorities in any order. `added` and `removed` count what taking it would change.
    """

    names: int
    total: int
    problem_count: int
    problems: tuple[ProblemRow, ...]
    fingerprint: str
    added: int = 0
    removed: int = 0


class Part(Struct, frozen=True):
    """A piece of the difference, at most `PIECE` names.

    `added` are names to watch from now on that are not watched, as parallel tuples of A-labels, suffixes and priorities; they
    may be known from before. `removed` are ids of names that are no longer listed, `priorities` ids with their new priority.
    """

    added: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = ()
    urgent: tuple[bool, ...] = ()
    removed: tuple[int, ...] = ()
    priorities: tuple[tuple[int, bool], ...] = ()
