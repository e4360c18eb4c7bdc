"""Questions that wait for their token: one heap per operator, the most urgent first.

Nothing waits for ever: an operator that shut us out, a pool without workers or a line that is too long turns questions
away, so the name goes back to its schedule and its cheaper checks go on.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from common.core.budgets import Budgets
from common.core.domains import BACKGROUND, ORDINARY, Entry
from common.core.limits import Limit
from common.core.trust import Probe
from common.core.workers import Suspicion, Worker, Workers

#: Longest line in front of a question of each rank, in seconds of the operator's budget.
LONGEST = {BACKGROUND: 1800.0, ORDINARY: 6 * 3600.0}
#: Questions of these ranks that wait in all lines together, at most: each keeps a name in hand. No line takes more of them than
#: it leaves room for others, so that a slow registry holds up its own names and nobody else's.
MOST_ROUTINE = 2000
#: Longest line that sweeps may fill, in questions and in seconds of the operator's budget on top: names in line are in memory.
MOST_FROM_SWEEPS, SECONDS_FROM_SWEEPS = 1000, 60.0
#: A shut operator turns away what would wait longer than this, in seconds.
PATIENCE = 30.0


@dataclass(slots=True)
class Ask:
    """One question on its way: about a watched name (`entry`) or a canary (`probe`)."""

    method: str
    pool: str
    domain: str
    suffix: str
    server: str
    limit: Limit
    rank: int
    queued: float
    budget: float
    entry: Entry | None = None
    probe: Probe | None = None
    confirm: bool = False
    tries: int = 0
    avoid: str = ""
    egress: str = ""


@dataclass(slots=True)
class _Line:
    limit: Limit
    heap: list[tuple[int, float, int, Ask]] = field(default_factory=list)
    routine: Counter[int] = field(default_factory=Counter)  # how many of each rank in LONGEST wait

    def count(self, rank: int) -> int:
        """How many routine questions of this rank, or a better one, wait."""
        return sum(number for other, number in self.routine.items() if other <= rank)


class Queue:
    """Every waiting question."""

    def __init__(self) -> None:
        self._lines: dict[str, _Line] = {}
        self._count = 0
        self._order = 0
        self._routine: Counter[int] = Counter()  # how many of each rank in LONGEST wait, in all lines

    def __len__(self) -> int:
        return self._count

    def admits(self, limit: Limit, rank: int, budgets: Budgets, egresses: list[str], now: float) -> bool:
        """Whether a question of this rank would get its turn in reasonable time."""
        if limit.rate <= 0 or not egresses:
            return False
        if min(budgets.blocked_until(limit, egress, now) for egress in egresses) - now > PATIENCE:
            return False
        return rank not in LONGEST or self._in_time(limit, rank) > 0

    def room(self, limit: Limit, rank: int) -> int:
        """How many more questions of this rank an operator's line takes; a million for ranks that it never turns away."""
        if rank not in LONGEST:
            return 1_000_000
        line = self._lines.get(limit.operator)
        left = MOST_ROUTINE - sum(self._routine.values())
        return max(0, min(self._in_time(limit, rank), left - (line.count(rank) if line else 0)))

    def room_for_sweeps(self, limit: Limit, rank: int) -> int:
        """How many names more may come from sweeps into an operator's line; what ranks behind them takes nobody's place."""
        line = self._lines.get(limit.operator)
        ahead = sum(1 for item in line.heap if item[0] <= rank) if line else 0
        return max(0, min(self.room(limit, rank), MOST_FROM_SWEEPS + int(SECONDS_FROM_SWEEPS * limit.rate) - ahead))

    def put(self, ask: Ask) -> None:
        """Add a question."""
        line = self._lines.setdefault(ask.limit.operator, _Line(ask.limit))
        line.limit = ask.limit
        self._order += 1
        self._note(line, ask, 1)
        heapq.heappush(line.heap, (ask.rank, ask.queued, self._order, ask))

    def take(self, budgets: Budgets, workers: Workers, suspicion: Suspicion, now: float) -> Iterator[tuple[Ask, Worker]]:
        """Every question whose token and worker are there, with the worker. The caller leases each before taking the next."""
        for operator in [name for name, line in self._lines.items() if line.heap]:
            line = self._lines[operator]
            while line.heap:
                ask = line.heap[0][3]
                worker = self._place(ask, budgets, workers, now, alone=suspicion.alone(ask.domain))
                if worker is None:
                    break
                heapq.heappop(line.heap)
                self._note(line, ask, -1)
                ask.egress = worker.egress
                yield ask, worker
            if not line.heap:
                del self._lines[operator]

    def next_at(self, budgets: Budgets, workers: Workers, now: float) -> float | None:
        """When the first line may move on, in epoch seconds, as far as budgets decide; a worker's credit may come before."""
        there = {pool: workers.egresses(pool, free=True) for pool in {line.heap[0][3].pool for line in self._lines.values()}}
        heads = [line.heap[0][3] for line in self._lines.values()]
        return min((budgets.next_at(ask.limit, egress, now) for ask in heads for egress in there[ask.pool]), default=None)

    def flush(self, operator: str) -> list[Ask]:
        """Turn away everybody in one operator's line."""
        line = self._lines.pop(operator, None)
        if line is None:
            return []
        out = [item[3] for item in line.heap]
        for ask in out:
            self._note(line, ask, -1)
        return out

    def flush_pool(self, pool: str, older_than: float) -> list[Ask]:
        """Turn away what waits for a pool since before `older_than`: nobody there works."""
        out: list[Ask] = []
        for operator in list(self._lines):
            line = self._lines[operator]
            keep = [item for item in line.heap if item[3].pool != pool or item[3].queued >= older_than]
            if len(keep) != len(line.heap):
                gone = [item[3] for item in line.heap if item[3].pool == pool and item[3].queued < older_than]
                for ask in gone:
                    self._note(line, ask, -1)
                out.extend(gone)
                heapq.heapify(keep)
                line.heap = keep
                if not keep:
                    del self._lines[operator]
        return out

    def _in_time(self, limit: Limit, rank: int) -> int:
        """How many more questions of a rank in LONGEST would get their turn in reasonable time."""
        line = self._lines.get(limit.operator)
        return max(0, int(LONGEST[rank] * limit.rate) + 1 - (len(line.heap) if line else 0))

    def _note(self, line: _Line, ask: Ask, number: int) -> None:
        """Count a question that comes (1) or goes (-1)."""
        self._count += number
        if ask.rank in LONGEST:
            line.routine[ask.rank] += number
            self._routine[ask.rank] += number

    def _place(self, ask: Ask, budgets: Budgets, workers: Workers, now: float, *, alone: bool) -> Worker | None:
        for egress in workers.egresses(ask.pool, free=True):
            worker = workers.choose(ask.pool, ask.method, ask.avoid, egress, alone=alone)
            if worker is not None and budgets.take(ask.limit, egress, now):
                worker.exclusive = alone
                return worker
        return None
