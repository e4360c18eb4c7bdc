"""What was true when: every change with its wall-clock time, so that false, missed and late can be told apart."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from enum import StrEnum


class Truth(StrEnum):
    """Whether an ordinary registrar could create the name, and if not, why."""

    REGISTERED = "registered"
    UNREGISTERED = "unregistered"
    RESERVED = "reserved"
    BLOCKED = "blocked"
    PREMIUM = "premium"
    DROPZONE = "dropzone"


@dataclass(frozen=True, slots=True)
class Change:
    """One change of the truth about one name. `at` in wall-clock epoch seconds."""

    at: float
    name: str
    truth: Truth
    deed: str  # the operation that did it


class TruthLog:
    """Append-only; a name without a change is unregistered."""

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self._by_name: dict[str, list[Change]] = {}

    def add(self, at: float, name: str, truth: Truth, deed: str) -> None:
        """Note that `truth` holds for `name` from `at` on."""
        change = Change(at, name, truth, deed)
        self.changes.append(change)
        self._by_name.setdefault(name, []).append(change)

    def at(self, name: str, when: float) -> Truth:
        """The truth about `name` at wall-clock time `when`."""
        changes = self._by_name.get(name, [])
        index = bisect_right(changes, when, key=lambda change: change.at)
        return changes[index - 1].truth if index else Truth.UNREGISTERED

    def during(self, name: str, begin: float, end: float) -> set[Truth]:
        """Every truth that held at some moment in [begin, end]; what was before the first change does not count."""
        changes = self._by_name.get(name, [])
        inside = {change.truth for change in changes if begin < change.at <= end}
        return inside | {self.at(name, begin)} if changes and changes[0].at <= begin else inside

    def freed_at(self, name: str, by: float = math.inf) -> float | None:
        """When `name` last became free, at the wall-clock time `by` at the latest; None if it never did until then."""
        before = Truth.UNREGISTERED
        freed = None
        for change in self._by_name.get(name, []):
            if change.at > by:
                break
            if change.truth is Truth.UNREGISTERED and before is not Truth.UNREGISTERED:
                freed = change.at
            before = change.truth
        return freed

    def of(self, name: str) -> list[Change]:
        """All changes of one name, oldest first."""
        return list(self._by_name.get(name, []))
