"""Visits that are about to begin: each name once, those that matter first, a bounded number at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from common.core.domains.name_index import Rows
from common.core.model.evidence import Observation
from common.core.schedule.due_times import Times
from common.core.sweeps.sweep_queues import Pile

#: Suffixes that have to wait, passed over in one look for the next visit.
MOST_PASSED = 200
#: One of so many beginnings goes to those without priority, and of these one of so many to those that are no news.
SHARE = 4


@dataclass(frozen=True, slots=True)
class Wanted:
    """A visit to begin. `due`: when it was planned, 0 if it was not; `observation`: the DNS answer of a sweep to go on from.

    `news`: the name left the zone, or may drop at any moment: it goes before those that are looked at as a matter of routine.
    Times in epoch seconds.
    """

    row: int
    due: float = 0.0
    observation: Observation | None = None
    seen_at: float = 0.0  # when the observation came
    by: str = ""  # the worker that swept
    manual: bool = False
    urgent: bool = False
    news: bool = False


@dataclass(slots=True)
class _Pile:
    """Names of one suffix without priority: what sweeps found of some, and those whose time has come, the latest first."""

    found: deque[int] = field(default_factory=deque)
    planned: Pile = field(default_factory=Pile)
    turn: bool = False  # of the planned ones

    def __len__(self) -> int:
        return len(self.found) + self.planned.count


class Wants:
    """Who waits for its visit, and who waits for the store to say what it holds.

    Priority goes first, then news; the suffixes of all the others take turns. None of the three keeps another waiting for ever:
    whatever has priority, a quarter of the beginnings is left to the others, and of these a quarter to what is no news, so that
    the next of them begins after at most `SHARE` squared beginnings. Planned visits are in arrays, so that any number of them
    may wait; the length counts the others.
    """

    def __init__(self) -> None:
        self._waiting: dict[int, Wanted] = {}  # what is wanted of names that were not planned
        self._urgent: deque[int] = deque()
        self._news: deque[int] = deque()
        self._piles: dict[str, _Pile] = {}  # by suffix, whose turn is next first
        self._hurried = self._told = 0  # beginnings with priority, and of news, since the others had their turn
        self.held = False  # whether everybody who waits has to, until a line moves on or somebody comes
        self.held_at = (0, 0, 0)  # what had moved by then
        self.fetching: dict[int, Wanted] = {}

    def __len__(self) -> int:
        return len(self._waiting) + len(self.fetching)

    def planned(self) -> int:
        """How many planned visits wait."""
        return sum(pile.planned.count for pile in self._piles.values())

    def waiting(self) -> bool:
        """Whether anybody waits for the beginning of a visit."""
        return bool(self._urgent or self._news or self._piles)

    def put(self, wanted: Wanted, suffix: str) -> None:
        """Add a name that does not wait."""
        self._waiting[wanted.row] = wanted
        self.held = False
        if wanted.urgent:
            self._urgent.append(wanted.row)
        elif wanted.news:
            self._news.append(wanted.row)
        else:
            self._piles.setdefault(suffix, _Pile()).found.append(wanted.row)

    def plan(self, suffix: str, rows: Rows, times: Times) -> None:
        """Add names of one suffix that do not wait and were due at `times`."""
        self._piles.setdefault(suffix, _Pile()).planned.put(rows, times, 0.0)
        self.held = False

    def hurry(self, wanted: Wanted, suffix: str) -> None:
        """A name that waits already is wanted once more: it becomes as urgent as this, and asked about by as many methods."""
        row, pile = wanted.row, self.fetching if wanted.row in self.fetching else self._waiting
        known = pile.get(row)
        if known is None:  # a planned one
            if wanted.urgent:
                self.put(wanted, suffix)
            return
        manual, urgent = known.manual or wanted.manual, known.urgent or wanted.urgent
        pile[row] = replace(known, manual=manual, urgent=urgent, observation=None if manual else known.observation)
        if urgent and not known.urgent and pile is self._waiting:
            self._urgent.append(row)
            self.held = False

    def next(self, *, ordinary: bool, full: Callable[[str], bool] = lambda _: False) -> Wanted | None:
        """The next one to begin; those without priority only where `ordinary` says so.

        `full` tells of a suffix that planned visits under it have to wait.
        """
        wanted = self._ordinary(full) if ordinary and self._hurried >= SHARE - 1 else None
        if wanted is not None:
            self._hurried = 0
            return wanted
        while self._urgent:
            wanted = self._waiting.pop(self._urgent.popleft(), None)
            if wanted is not None:
                self._hurried += 1
                return wanted
        return self._ordinary(full) if ordinary else None

    def _ordinary(self, full: Callable[[str], bool]) -> Wanted | None:
        """The next one of those without priority: news, but one of `SHARE` is a name whose suffix has its turn."""
        wanted = self._routine(full) if self._told >= SHARE - 1 else None
        if wanted is not None:
            self._told = 0
            return wanted
        while self._news:
            wanted = self._first(self._news)
            if wanted is not None:
                self._told += 1
                return wanted
        return self._routine(full)

    def _routine(self, full: Callable[[str], bool]) -> Wanted | None:
        """The next one of the suffix whose turn it is."""
        passed = 0
        while passed < min(len(self._piles), MOST_PASSED):
            suffix = next(iter(self._piles))
            pile = self._piles.pop(suffix)
            planned = bool(pile.planned.count) and not full(suffix)
            wanted = self._of(pile, planned=planned) if pile.found or planned else None
            passed = 0 if pile.found or planned else passed + 1
            if len(pile):
                self._piles[suffix] = pile  # to the end: the others get their turn
            if wanted is not None:
                return wanted
        return None

    def _of(self, pile: _Pile, *, planned: bool) -> Wanted | None:
        """The next one of a pile, found and planned ones in turn; None where it went ahead of its pile."""
        pile.turn = planned and (not pile.turn or not pile.found)
        if not pile.turn:
            return self._first(pile.found)
        rows, times = pile.planned.take(1)
        row = int(rows[0])
        return None if row in self._waiting or row in self.fetching else Wanted(row, float(times[0]))

    def _first(self, rows: deque[int]) -> Wanted | None:
        """The first of these; None where it went ahead of them."""
        row = rows.popleft()
        known = self._waiting.get(row)
        return None if known is None or known.urgent else self._waiting.pop(row)
