"""The pending callbacks: which is sent when, and what follows from its outcome.

Promised is: every notice is POSTed until the endpoint answers 2xx, with the same id and body each time, the notices of one
name in order, and none is dropped silently. So a delivery is in exactly one place (waiting, in flight, done, parked,
superseded), an attempt that is not answered in time goes back, and nothing here shortens the list but an answer or seven days.

Check results share the way but not the promise: they go after the notices, their number is bounded, and a result that is
still waiting when a newer one of the same check arrives is superseded by it. Each lane has a circuit of its own, so that how
results fare delays no notice. Of both lanes together one probe is under way at a time.
"""

from __future__ import annotations

import heapq
from bisect import insort
from collections import deque
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any, NamedTuple, Protocol

import msgspec

from common.core.model.records import LANES, NOTICE, RESULT, DeliveryRow
from common.core.outbox.circuits import Circuits, bound_retry_after
from common.core.outbox.retry_times import DAY, JITTER, retry_delay

#: Seconds after which a row that was never accepted is parked.
GIVE_UP = 7 * DAY
#: Statuses that mean a wrong URL or token rather than a bad moment. They keep the schedule: an operator may repair it.
MISCONFIGURED = frozenset({401, 403, 404, 410, 422})
#: Most results that wait at the same time.
RESULT_LIMIT = 10_000
#: Attempts that ran out of time and are still remembered: their late success spares a duplicate.
REMEMBERED = 1024


class Rng(Protocol):
    """`random.Random`, as far as it is needed."""

    def random(self) -> float:
        """A number in [0, 1)."""
        ...


class _Body(msgspec.Struct):
    check_type: str = ""


_check_type = msgspec.json.Decoder(_Body)


class _Place(NamedTuple):
    """Where a row stands in the queue of its name and lane."""

    order: int
    number: int
    id: str


class _Turn(NamedTuple):
    """When the first row of a queue is due, in epoch seconds; `number` tells the rows of one moment apart."""

    at: float
    number: int
    id: str


class _Pending:
    """One pending row, and the attempt that is in flight."""

    __slots__ = ("attempt", "lost_by", "number", "probe", "replay", "row", "since")

    def __init__(self, row: DeliveryRow, number: int, since: float, *, replay: bool) -> None:
        self.row = row
        self.number = number  # rises with each one added
        self.since = since
        self.replay = replay
        self.attempt: str | None = None  # set while in flight
        self.probe = False
        self.lost_by = ""  # the worker that had the last attempt and did not report


class Deliveries:
    """All pending deliveries to one endpoint. Rows handed out are live: write them to the store, change nothing in them.

    `parked`, `done` and `superseded` count rows, those in the store included.
    """

    def __init__(self, *, result_limit: int = RESULT_LIMIT) -> None:
        self.parked = self.done = self.superseded = 0
        self.misconfigured = 0  # the last such status; 0 once anything was accepted
        self.circuits = Circuits()
        self._result_limit = result_limit
        self._numbers = 0
        self._lanes: dict[str, dict[str, _Pending]] = {lane: {} for lane in LANES}
        self._queues: dict[tuple[str, str], list[_Place]] = {}
        self._ready: dict[str, list[_Turn]] = {lane: [] for lane in LANES}
        self._attempts: dict[str, str] = {}
        self._late: dict[str, str] = {}
        self._latest: dict[tuple[str, str], str] = {}
        self._probes: dict[str, deque[str]] = {lane: deque() for lane in LANES}

    def restore_counts(self, counts: Mapping[str, int], circuits: str, now: float) -> None:
        """Take over how many deliveries are in each final state, and which circuits were open (`Circuits.take_changed`)."""
        self.parked, self.done = counts.get("parked", 0), counts.get("done", 0)
        self.superseded = counts.get("superseded", 0)
        self.circuits.restore_open(circuits, now)

    def add_delivery(self, row: DeliveryRow) -> list[DeliveryRow]:
        """Take a new or loaded row that is pending. Returns older results that it superseded: they need writing too."""
        if self._find_entry(row.id) is not None:
            return []
        entry = self._insert_row(row, replay=False)
        return self._supersede_older(entry) if row.lane == RESULT else []

    def take_over(self, row: DeliveryRow, now: float) -> DeliveryRow | None:
        """Take a delivery that another instance made, or was about to: the row to write, None where nothing changes."""
        entry = self._find_entry(row.id)
        if row.state == "pending":
            row.attempts, row.next_at, row.first_at = 0, now, None
            return row if entry is None else None
        if entry is None:
            self.done += row.state == "done"
            return row
        if entry.attempt is not None:
            return None  # it ends by itself
        entry.row.last_status, entry.row.last_error = row.last_status, row.last_error
        self._finish_delivery(entry, row.state, now)
        return entry.row

    def due_rows(self, now: float, free: int, reserved: int = 0) -> list[DeliveryRow]:
        """At most `free` rows to send now, at most one per name and lane. They stay due until `note_sent`.

        Results leave as many slots free as are `reserved`: a notice never waits for one to end.
        """
        room = {NOTICE: free, RESULT: max(0, free - reserved)}
        probes = (self._next_probe(lane) for lane in self.circuits.find_probe_lanes(now, room))
        found = [entry.row for entry in islice(filter(None, probes), 1)]
        for lane in LANES:
            if not self.circuits[lane].is_open:
                found += self._pick_due(lane, now, self.circuits[lane].allowed_attempts(now, max(0, room[lane] - len(found))))
        return found

    def results_waiting(self) -> int:
        """How many results are pending."""
        return len(self._lanes[RESULT])

    def note_sent(self, delivery_id: str, attempt: str, now: float) -> None:
        """Note that a row was sent as `attempt`, a text never used before; `note_lost` says that its lease is over."""
        entry = self._find_entry(delivery_id)
        if entry is None or entry.attempt is not None:
            return
        circuit, probes = self.circuits[entry.row.lane], self._probes[entry.row.lane]
        entry.attempt, entry.probe = attempt, circuit.is_open
        self.circuits.probing += entry.probe
        if entry.row.first_at is None:
            entry.row.first_at = now
        self._attempts[attempt] = delivery_id
        circuit.note_attempt(now)
        if probes and probes[0] == delivery_id:
            probes.popleft()

    def is_replay(self, delivery_id: str) -> bool:
        """Whether a row is being sent again on an operator's command."""
        entry = self._find_entry(delivery_id)
        return entry is not None and entry.replay

    def note_result(
        self, attempt: str, status: int, error: str, retry_after: float | None, now: float, rng: Rng
    ) -> DeliveryRow | None:
        """Note how an attempt ended; `status` 0 for no answer. Returns the row to write, None where the attempt is over."""
        accepted = 200 <= status < 300
        entry = self._take_attempt(attempt, accepted=accepted)
        if entry is None:
            return None
        entry.row.last_status, entry.row.last_error, entry.lost_by = status, "" if accepted else error, ""
        if accepted:
            entry.row.attempts += 1
            self.misconfigured = 0
            self._finish_delivery(entry, "done", now)
            if self.circuits[entry.row.lane].note_success(now):
                self._release_lane(entry.row.lane, now)
            return entry.row
        if status in MISCONFIGURED:
            self.misconfigured = status
        asked = bound_retry_after(entry.row.lane, retry_after)
        self.circuits[entry.row.lane].note_failure(now, asked)
        spread = 1.0 - JITTER + 2 * JITTER * rng.random()
        return self._plan_retry(entry, now, spread, asked or 0.0)

    def note_returned(self, attempt: str, now: float) -> None:
        """Note that a notifier handed an attempt back without trying it."""
        entry = self._take_attempt(attempt)
        if entry is not None:
            entry.row.next_at = min(entry.row.next_at, now)
            self._make_ready(entry)

    def lost_by(self, delivery_id: str) -> str:
        """The worker that had the last attempt and did not report; "" where there is none."""
        entry = self._find_entry(delivery_id)
        return entry.lost_by if entry is not None else ""

    def note_lost(self, attempt: str, now: float, worker: str = "") -> DeliveryRow | None:
        """Note that the lease of an attempt is over, or its notifier is gone. It counts, for it may have been made.

        Returns the row to write.
        """
        entry = self._take_attempt(attempt)
        if entry is None:
            return None
        self._late[attempt] = entry.row.id
        if len(self._late) > REMEMBERED:
            del self._late[next(iter(self._late))]
        entry.row.last_status, entry.row.last_error, entry.lost_by = 0, "the notifier did not report", worker
        return self._plan_retry(entry, now, 1.0, 0.0)

    def replay_row(self, row: DeliveryRow, now: float) -> DeliveryRow:
        """Send a row once more, whatever its state: same id, same body, the schedule from its beginning."""
        entry = self._find_entry(row.id)
        if entry is None:
            self.parked -= row.state == "parked"
            row.state, row.attempts, row.next_at, row.first_at, row.done_at = "pending", 0, now, None, None
            return self._insert_row(row, replay=True).row
        entry.replay = True
        if entry.attempt is None:
            entry.row.next_at = min(entry.row.next_at, now)
            self._make_ready(entry)
        return entry.row

    def next_at(self) -> float | None:
        """When `due_rows` may have something, in epoch seconds; None while nothing is pending."""
        times = [self._next_in(lane) for lane in LANES]
        return min((at for at in times if at is not None), default=None)

    def snapshot(self, now: float) -> dict[str, Any]:
        """Figures for the status. `oldest_age` in seconds, of the notice that has waited longest."""
        notices = self._lanes[NOTICE]
        oldest = next(iter(notices.values()), None)
        return {
            "pending": sum(len(lane) for lane in self._lanes.values()),
            "pending_notices": len(notices),
            "in_flight": len(self._attempts),
            "parked": self.parked,
            "done": self.done,
            "superseded": self.superseded,
            "oldest_age": None if oldest is None else max(0.0, now - oldest.since),
            **self.circuits.show_lanes({lane: len(rows) for lane, rows in self._lanes.items()}),
            "misconfigured": self.misconfigured,
        }

    def _find_entry(self, delivery_id: str) -> _Pending | None:
        return self._lanes[NOTICE].get(delivery_id) or self._lanes[RESULT].get(delivery_id)

    def _insert_row(self, row: DeliveryRow, *, replay: bool) -> _Pending:
        self._numbers += 1
        since = row.next_at if row.first_at is None else row.first_at
        entry = _Pending(row, self._numbers, since, replay=replay)
        self._lanes[row.lane][row.id] = entry
        insort(self._queues.setdefault((row.lane, row.domain), []), _Place(row.order, entry.number, row.id))
        self._make_ready(entry)
        return entry

    def _supersede_older(self, entry: _Pending) -> list[DeliveryRow]:
        row = entry.row
        topic = (row.domain, _check_type_of(row.body))
        older = self._lanes[RESULT].get(self._latest.get(topic, ""))
        self._latest[topic] = row.id
        found = [older] if older is not None and older.attempt is None else []
        if len(self._lanes[RESULT]) - len(found) > self._result_limit:
            found += [next(e for e in self._lanes[RESULT].values() if e.attempt is None and e not in found)]
        for old in found:
            self._finish_delivery(old, "superseded", row.next_at)
        return [old.row for old in found]

    def _head_of_queue(self, entry: _Pending) -> _Pending:
        """The entry that its queue has to send first."""
        queue = self._queues[entry.row.lane, entry.row.domain]
        return self._lanes[entry.row.lane][queue[0].id]

    def _make_ready(self, entry: _Pending) -> None:
        """Make an entry findable by `due_rows`, if it is the first of its queue."""
        if entry.attempt is not None or self._head_of_queue(entry) is not entry:
            return
        ready, lane = self._ready[entry.row.lane], self._lanes[entry.row.lane]
        heapq.heappush(ready, _Turn(entry.row.next_at, entry.number, entry.row.id))
        # Items that no longer hold are skipped when they come up; while the circuit is open none does.
        if len(ready) > 4 * len(lane) + 1024:
            self._rebuild_ready(entry.row.lane)

    def _rebuild_ready(self, lane: str) -> None:
        waiting = self._waiting_heads(lane)
        self._ready[lane] = [_Turn(entry.row.next_at, entry.number, entry.row.id) for entry in waiting]
        heapq.heapify(self._ready[lane])

    def _waiting_heads(self, lane: str) -> Iterable[_Pending]:
        entries = self._lanes[lane].values()
        return [entry for entry in entries if entry.attempt is None and self._head_of_queue(entry) is entry]

    def _entry_of_turn(self, lane: str, turn: _Turn) -> _Pending | None:
        """The entry that a turn is of; None where it has moved on."""
        entry = self._lanes[lane].get(turn.id)
        if entry is None or entry.attempt is not None or (entry.row.next_at, entry.number) != (turn.at, turn.number):
            return None
        return entry if self._head_of_queue(entry) is entry else None

    def _pick_due(self, lane: str, now: float, room: int) -> list[DeliveryRow]:
        ready = self._ready[lane]
        kept: dict[str, _Turn] = {}
        found: list[DeliveryRow] = []
        while ready and ready[0].at <= now and len(found) < room:
            turn = heapq.heappop(ready)
            entry = self._entry_of_turn(lane, turn)
            if entry is not None and turn.id not in kept:
                kept[turn.id] = turn
                found.append(entry.row)
        for turn in kept.values():
            heapq.heappush(ready, turn)
        return found

    def _next_in(self, lane: str) -> float | None:
        """When a lane may have something to send, in epoch seconds."""
        circuit, ready = self.circuits[lane], self._ready[lane]
        if circuit.is_open:
            return circuit.probe_at if self._lanes[lane] and not self.circuits.probing else None
        while ready and self._entry_of_turn(lane, ready[0]) is None:
            heapq.heappop(ready)
        return ready[0].at if ready else None

    def _next_probe(self, lane: str) -> _Pending | None:
        """The next one to try while the circuit of a lane is open: the oldest, then the others in turn.

        One that the endpoint will never take must not keep the circuit open for all.
        """
        probes = self._probes[lane]
        for _ in range(2):
            while probes:
                entry = self._lanes[lane].get(probes[0])
                if entry is not None and entry.attempt is None and self._head_of_queue(entry) is entry:
                    return entry
                probes.popleft()
            probes.extend(e.row.id for e in sorted(self._waiting_heads(lane), key=lambda e: e.number))
        return None

    def _release_lane(self, lane: str, now: float) -> None:
        """Make everything in a lane due: the endpoint accepts it again, and the circuit sets the pace."""
        self._probes[lane].clear()
        for entry in self._lanes[lane].values():
            entry.row.next_at = min(entry.row.next_at, now)
        self._rebuild_ready(lane)

    def _take_attempt(self, attempt: str, *, accepted: bool = False) -> _Pending | None:
        """The entry of an attempt in flight, or of a lost one whose success came late while it waits for the next."""
        key = self._attempts.pop(attempt, None)
        if key is None and accepted:
            entry = self._find_entry(self._late.pop(attempt, ""))
            return entry if entry is not None and entry.attempt is None else None
        entry = self._find_entry(key) if key is not None else None
        if entry is not None:
            entry.attempt = None
            self.circuits.probing -= entry.probe
        return entry

    def _plan_retry(self, entry: _Pending, now: float, spread: float, asked: float) -> DeliveryRow:
        row = entry.row
        row.attempts += not entry.probe  # a dead endpoint is probed more often than the schedule would
        age = now - (now if row.first_at is None else row.first_at)
        if age >= GIVE_UP:
            self._finish_delivery(entry, "parked", now)
        elif row.lane == RESULT and self._latest.get((row.domain, _check_type_of(row.body))) != row.id:
            self._finish_delivery(entry, "superseded", now)
        else:
            row.next_at = now + max(retry_delay(row.attempts, age) * spread, asked)
            self._make_ready(entry)
        return row

    def _finish_delivery(self, entry: _Pending, state: str, now: float) -> None:
        row = entry.row
        row.state = state
        row.done_at = None if state == "parked" else now
        self.done += state == "done"
        self.parked += state == "parked"
        self.superseded += state == "superseded"
        del self._lanes[row.lane][row.id]
        if row.lane == RESULT and self._latest.get(topic := (row.domain, _check_type_of(row.body))) == row.id:
            del self._latest[topic]
        queue = self._queues[row.lane, row.domain]
        queue.remove(_Place(row.order, entry.number, row.id))
        if queue:
            self._make_ready(self._lanes[row.lane][queue[0].id])
        else:
            del self._queues[row.lane, row.domain]


def _check_type_of(body: bytes) -> str:
    """The kind of check that a result is about; "" where the body does not say."""
    try:
        return _check_type.decode(body).check_type
    except (ValueError, RecursionError):
        return ""
