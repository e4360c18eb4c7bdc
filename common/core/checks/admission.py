"""The queue of single checks that are about to begin: each name once, the most urgent first, a bounded number at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from common.core.model.batch import IdQueue
from common.core.model.evidence import Observation
from common.core.model.ids import Ids, Times
from common.core.model.publication import Listing

#: Suffixes that have to wait, passed over in one search for the next check.
MOST_PASSED = 200
#: One of so many checks that begin has no priority, and of these one of so many is a routine check.
SHARE = 4


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """A check that is to begin. `due`: when it was planned, 0 if it was not; `observation`: the DNS answer it starts from.

    `left_zone`: the name left the zone, or may drop at any moment: its check begins before routine ones. `listing`: what a
    publication of the registry says about the name, to be taken first. Times in epoch seconds.
    """

    name_id: int
    due: float = 0.0
    observation: Observation | None = None
    seen_at: float = 0.0  # when the observation arrived
    by: str = ""  # the worker that swept
    manual: bool = False
    urgent: bool = False
    left_zone: bool = False
    listing: Listing | None = None


@dataclass(slots=True)
class _SuffixQueue:
    """Routine checks of one suffix: requests one by one (`found` by sweeps), and ids that were due, the longest due first."""

    found: deque[int] = field(default_factory=deque)
    planned: IdQueue = field(default_factory=IdQueue)
    planned_turn: bool = False  # whether the last one came from `planned`

    def __len__(self) -> int:
        return len(self.found) + self.planned.count


class AdmissionQueue:
    """Names that wait for their check to begin, and names whose evidence is being read from the store.

    Priority goes first, then names that left the zone; the suffixes of all the others take turns. None of the three starves
    another: however many have priority, a quarter of the checks that begin is left to the others, and a quarter of these to
    routine checks, so that the next routine check begins after at most `SHARE` squared others. Planned checks are kept in
    arrays, so that any number of them may wait; the length counts the others.
    """

    def __init__(self) -> None:
        self._waiting: dict[int, CheckRequest] = {}  # the requests of names that were not planned
        self._urgent: deque[int] = deque()
        self._left_zone: deque[int] = deque()
        self._suffixes: dict[str, _SuffixQueue] = {}  # the suffix whose turn is next first
        self._since_ordinary = self._since_routine = 0  # checks begun since the last ordinary, and the last routine one
        self.held = False  # whether no waiting check could begin, and none was added since
        self.held_at = (0, 0, 0)  # what had moved by then, see `CheckStarts.next_at`
        self.fetching: dict[int, CheckRequest] = {}
        self.unread: dict[int, CheckRequest] = {}  # names whose evidence cannot be read at the moment

    def __len__(self) -> int:
        return len(self._waiting) + len(self.fetching)

    def has_room_to_read(self, most_fetching: int, most_unread: int) -> bool:
        """Whether fewer names than that are being read, and fewer wait until they can be."""
        return len(self.fetching) < most_fetching and len(self.unread) < most_unread

    def hold_fetching(self) -> None:
        """Let the names whose evidence is being read wait until it can be: they take no room of others."""
        self.unread.update(self.fetching)
        self.fetching.clear()

    def take_unread(self) -> list[CheckRequest]:
        """The requests of names that waited to be read; they wait no more."""
        found = [*self.unread.values()]
        self.unread.clear()
        return found

    def planned_count(self) -> int:
        """How many planned checks wait."""
        return sum(queue.planned.count for queue in self._suffixes.values())

    def has_waiting(self) -> bool:
        """Whether any check waits to begin."""
        return bool(self._urgent or self._left_zone or self._suffixes)

    def add_request(self, request: CheckRequest, suffix: str) -> None:
        """Add a name that does not wait yet."""
        self._waiting[request.name_id] = request
        self.held = False
        if request.urgent:
            self._urgent.append(request.name_id)
        elif request.left_zone:
            self._left_zone.append(request.name_id)
        else:
            self._suffixes.setdefault(suffix, _SuffixQueue()).found.append(request.name_id)

    def add_planned(self, suffix: str, ids: Ids, times: Times) -> None:
        """Add names of one suffix that do not wait yet and were due at `times`."""
        self._suffixes.setdefault(suffix, _SuffixQueue()).planned.add_ids(ids, times, 0.0)
        self.held = False

    def promote_request(self, request: CheckRequest, suffix: str) -> None:
        """Merge a second request for a name that waits: its check becomes as urgent as this one, and by as many methods."""
        name_id = request.name_id
        requests = next((held for held in (self.fetching, self.unread) if name_id in held), self._waiting)
        known = requests.get(name_id)
        if known is None:  # a planned one
            if request.urgent or request.listing is not None:
                self.add_request(request, suffix)
            return
        manual, urgent = known.manual or request.manual, known.urgent or request.urgent
        observation, listing = None if manual else known.observation, request.listing or known.listing
        requests[name_id] = replace(known, manual=manual, urgent=urgent, observation=observation, listing=listing)
        if urgent and not known.urgent and requests is self._waiting:
            self._urgent.append(name_id)
            self.held = False

    def take_next_request(self, *, ordinary: bool, is_full: Callable[[str], bool] = lambda _: False) -> CheckRequest | None:
        """The next check to begin; one without priority only where `ordinary` allows it.

        `is_full` tells whether planned checks of a suffix have to wait.
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
        """The next check without priority: of a name that left the zone, but one of `SHARE` is a routine check."""
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
        """The next routine check, of the suffix whose turn it is."""
        passed = 0
        while passed < min(len(self._suffixes), MOST_PASSED):
            suffix = next(iter(self._suffixes))
            queue = self._suffixes.pop(suffix)
            planned = bool(queue.planned.count) and not is_full(suffix)
            request = self._take_from(queue, planned=planned) if queue.found or planned else None
            passed = 0 if queue.found or planned else passed + 1
            if len(queue):
                self._suffixes[suffix] = queue  # to the end: the others get their turn
            if request is not None:
                return request
        return None

    def _take_from(self, queue: _SuffixQueue, *, planned: bool) -> CheckRequest | None:
        """The next check of a suffix, found and planned ones in turn; None where that name has begun or was promoted."""
        queue.planned_turn = planned and (not queue.planned_turn or not queue.found)
        if not queue.planned_turn:
            return self._take_first(queue.found)
        ids, times = queue.planned.take_ids(1)
        name_id = int(ids[0])
        return None if name_id in self._waiting or name_id in self.fetching else CheckRequest(name_id, float(times[0]))

    def _take_first(self, ids: deque[int]) -> CheckRequest | None:
        """The request of the first of these names; None where it has begun or was promoted."""
        name_id = ids.popleft()
        known = self._waiting.get(name_id)
        return None if known is None or known.urgent else self._waiting.pop(name_id)
