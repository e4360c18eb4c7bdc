"""Whether the instance that leads may go on while the server of the database is away, and its lease cannot be renewed.

Only while it is certain that no other instance leads. Each other one promises again and again not to take a lease for a while,
as long as it finds the server away too. One that does not, because it reaches the server, is cut off from the leader, or is of
a version that knows no promises, may take the lease: then the leader stops.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

#: Seconds for which a promise binds, from its sending, and seconds between two of them.
BINDS, PROMISE_EVERY = 15.0, 1.0
#: Seconds for which the leader counts a promise, from its arrival, and by which the clock in it may differ from its own: one
#: that waited in a buffer may have run out. Both and clocks that differ by so much once more are less than it binds.
COUNTS, CLOCK_DIFFERS = 5.0, 3.0


class Lead(NamedTuple):
    """Whose lead a promise is about: the epoch of its lease, and the run of its coordinator."""

    epoch: int
    boot: str


class Consents:
    """The promises of the others to one leader. `wall` is in epoch seconds, `steady` of a clock that cannot be set."""

    def __init__(self, lead: Lead) -> None:
        self._lead = lead
        self._others: frozenset[str] | None = None
        self._given: dict[str, float] = {}

    def set_others(self, names: Collection[str]) -> None:
        """Note which other instances there were when the store was read last. Until then nothing is certain."""
        self._others = frozenset(names)
        self._given = {name: at for name, at in self._given.items() if name in self._others}

    def note_promise(self, name: str, lead: Lead, sent_at: float, *, wall: float, steady: float) -> bool:
        """Note the promise of an instance; whether it counts."""
        known = self._others is not None and name in self._others
        counts = known and lead == self._lead and abs(wall - sent_at) <= CLOCK_DIFFERS
        if counts:
            self._given[name] = steady
        return counts

    def are_given(self, steady: float) -> bool:
        """Whether every other instance has promised just now; also where there is no other."""
        return self._others is not None and all(self._counts(name, steady) for name in self._others)

    def _counts(self, name: str, steady: float) -> bool:
        at = self._given.get(name)
        return at is not None and steady - at <= COUNTS


class Word:
    """What one that stands by has promised. Times are of a clock that cannot be set."""

    def __init__(self) -> None:
        self._lead: Lead | None = None
        self._until = 0.0

    def give(self, lead: Lead, steady: float) -> None:
        """Note a promise before it is sent."""
        self._lead, self._until = lead, steady + BINDS

    def end(self) -> None:
        """The leader has given its lease up."""
        self._lead = None

    def binding(self, steady: float) -> Lead | None:
        """Whose lease may not be taken yet; None where no promise binds."""
        return self._lead if steady < self._until else None
