"""Visits that are about to begin: each name once, those that matter first, a bounded number at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from common.core.model.batch import IdQueue
from common.core.model.evidence import Observation
from common.core.model.ids import Ids, Times

#: Suffixes that have to wait, passed over in one look for the next visit.
MOST_PASSED = 200
#: One of so many beginnings goes to those without priority, and of these one of so many to those that are no news.
SHARE = 4


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """A visit to begin. `due`: when it was planned, 0 if it was not; `observation`: the DNS answer of a sweep to go on from.

    `left_zone`: the name left the zone, or may drop at any moment: it goes before those that are looked at as a matter of routine.
    Times in epoch seconds.
    """

    name_id: int
    due: float = 0.0
    observation: Observation | None = None
    seen_at: float = 0.0  # when the observation came
    by: str = ""  # the worker that swept
    manual: bool = False
    urgent: bool = False
    left_zone: bool = False


@dataclass(slots=True)
class _SuffixQueue:
    """Names of one suffix without priority: what sweeps found of some, and those whose time has come, the latest first."""

    found: deque[int] = field(default_factory=deque)
    planned: IdQueue = field(default_factory=IdQueue)
    turn: bool = False  # of the planned ones

    def __len__(self) -> int:
        return len(self.found) + self.planned.count


class AdmissionQueue:
    """Who waits for its visit, and who waits for the store to say what it holds.

    Priority goes first, then news; the suffixes of all the others take turns. None of the three keeps another waiting for ever:
    whatever has priority, a quarter of the beginnings is left to the others, and of these a quarter to what is no news, so that
    the next of them begins after at most `SHARE` squared beginnings. Planned visits are in arrays, so that any number of them
    may wait; the length counts the others.
    """

    def __init__(self) -> None:
        self._waiting: dict[int, CheckRequest] = {}  # what is request of names that were not planned
        self._urgent: deque[int] = deque()
        self._left_zone: deque[int] = deque()
        self._piles: dict[str, _SuffixQueue] = {}  # by suffix, whose turn is next first
        self._since_ordinary = self._since_routine = 0  # beginnings with priority, and of news, since the others had their turn
        self.held = False  # whether everybody who waits has to, until a line moves on or somebody comes
        self.held_at = (0, 0, 0)  # what had moved by then
        self.fetching: dict[int, CheckRequest] = {}

    def __len__(self) -> int:
        return len(self._waiting) + len(self.fetching)

    def planned_count(self) -> int:
        """How many planned visits wait."""
        return sum(pile.planned.count for pile in self._piles.values())

    def has_waiting(self) -> bool:
        """Whether anybody waits for the beginning of a visit."""
        return bool(self._urgent or self._left_zone or self._piles)

    def add_request(self, request: CheckRequest, suffix: str) -> None:
        """Add a name that does not wait."""
        self._waiting[request.name_id] = request
        self.held = False
        if request.urgent:
            self._urgent.append(request.name_id)
        elif request.left_zone:
            self._left_zone.append(request.name_id)
        else:
            self._piles.setdefault(suffix, _SuffixQueue()).found.append(request.name_id)

    def add_planned(self, suffix: str, ids: Ids, times: Times) -> None:
        """Add names of one suffix that do not wait and were due at `times`."""
        self._piles.setdefault(suffix, _SuffixQueue()).planned.add_ids(ids, times, 0.0)
        self.held = False

    def promote_request(self, request: CheckRequest, suffix: str) -> None:
        """A name that waits already is request once more: it becomes as urgent as this, and asked about by as many methods."""
        name_id, pile = request.name_id, self.fetching if request.name_id in self.fetching else self._waiting
        known = pile.get(name_id)
        if known is None:  # a planned one
            if request.urgent:
                self.add_request(request, suffix)
            return
        manual, urgent = known.manual or request.manual, known.urgent or request.urgent
        pile[name_id] = replace(known, manual=manual, urgent=urgent, observation=None if manual else known.observation)
        if urgent and not known.urgent and pile is self._waiting:
            self._urgent.append(name_id)
            self.held = False

    def take_next_request(self, *, ordinary: bool, is_full: Callable[[str], bool] = lambda _: False) -> CheckRequest | None:
        """The next one to begin; those without priority only where `ordinary` says so.

        `is_full` tells of a suffix that planned visits under it have to wait.
        """
        request = self._take_ordinary(is_full) if ordinary and self._since_ordinary >= SHARE - 1 else None
        if request is not None:
            self._since_ordinary = 0
            return request
        while self._urgent:
            request = self._waiting.pop(self._urgent.popleft(), None)
            if request is not None:
                self._since_ordinary += 1
                return request
        return self._take_ordinary(is_full) if ordinary else None

    def _take_ordinary(self, is_full: Callable[[str], bool]) -> CheckRequest | None:
        """The next one of those without priority: news, but one of `SHARE` is a name whose suffix has its turn."""
        request = self._take_routine(is_full) if self._since_routine >= SHARE - 1 else None
        if request is not None:
            self._since_routine = 0
            return request
        while self._left_zone:
            request = self._take_first(self._left_zone)
            if request is not None:
                self._since_routine += 1
                return request
        return self._take_routine(is_full)

    def _take_routine(self, is_full: Callable[[str], bool]) -> CheckRequest | None:
        """The next one of the suffix whose turn it is."""
        passed = 0
        while passed < min(len(self._piles), MOST_PASSED):
            suffix = next(iter(self._piles))
            pile = self._piles.pop(suffix)
            planned = bool(pile.planned.count) and not is_full(suffix)
            request = self._take_from(pile, planned=planned) if pile.found or planned else None
            passed = 0 if pile.found or planned else passed + 1
            if len(pile):
                self._piles[suffix] = pile  # to the end: the others get their turn
            if request is not None:
                return request
        return None

    def _take_from(self, pile: _SuffixQueue, *, planned: bool) -> CheckRequest | None:
        """The next one of a pile, found and planned ones in turn; None where it went ahead of its pile."""
        pile.turn = planned and (not pile.turn or not pile.found)
        if not pile.turn:
            return self._take_first(pile.found)
        ids, times = pile.planned.take_ids(1)
        name_id = int(ids[0])
        return None if name_id in self._waiting or name_id in self.fetching else CheckRequest(name_id, float(times[0]))

    def _take_first(self, ids: deque[int]) -> CheckRequest | None:
        """The first of these; None where it went ahead of them."""
        name_id = ids.popleft()
        known = self._waiting.get(name_id)
        return None if known is None or known.urgent else self._waiting.pop(name_id)
