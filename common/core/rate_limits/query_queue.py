"""Questions that wait for their token, in one line per operator: by rank, and none for ever.

Every question has a deadline, after which it leaves the line. An operator that shut us out, a pool without workers, a line that
is too long, or a day's quota that is used up, turns questions away. The name then goes back to its schedule, and its cheaper
checks go on.

Three of four tokens of an operator go to the best rank. The fourth goes to the question that has waited longest, whatever its
rank. So a question gets its turn after at most `SHARE` tokens for each that had waited longer in that line, and `SHARE` for
itself, whatever else arrives: as long as a worker is there, and the day's plan (`PLANS`) allows its rank.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field

from common.core.model.entry import Rank
from common.core.model.limit import Limit
from common.core.model.query import Query
from common.core.rate_limits.budgets import POLLS, ROUTINE, WHOLE, Budgets
from common.core.rate_limits.policy import is_limiting
from common.core.workers import second_pass
from common.core.workers.leases import Worker, Workers
from common.core.workers.poison import PoisonDetector

#: Longest wait of a routine question, in seconds, and longest line in front of it, in seconds of the operator's budget. Where
#: half of the base interval is less, that counts; but not less than the time in which a worker that is started again is back.
LONGEST, SHORTEST = {Rank.BACKGROUND: 1800.0, Rank.ORDINARY: 6 * 3600.0}, 15.0
#: Longest wait of the other questions: so many seconds, or so many tokens of a slow operator where those take longer. What left
#: the zone stands behind a crowd of its kind at times, and waits for as long as a routine question if that is more.
HURRIED, TOKENS = 300.0, 6
#: One of so many tokens goes to the question that has waited longest.
SHARE = 4
#: How far each rank may use up a day's quota.
PLANS = {Rank.URGENT: WHOLE, Rank.PRIORITY: POLLS, Rank.NEWS: POLLS, Rank.ORDINARY: ROUTINE, Rank.BACKGROUND: ROUTINE}
#: Questions of these ranks that wait in all lines together, at most: each keeps a name in hand. No line takes more of them than
#: it leaves room for others, so that a slow registry holds up its own names and nobody else's.
MOST_ROUTINE = 2000
#: Longest line that sweeps may fill, in questions and in seconds of the operator's budget on top: names in line are in memory.
MOST_FROM_SWEEPS, SECONDS_FROM_SWEEPS = 1000, 60.0
NEVER = float("inf")


_Item = tuple[float, int, Query]
_Heap = list[_Item]


@dataclass(slots=True)
class _OperatorQueue:
    """The questions at one operator: of each rank that is there a heap, those that wait longest first."""

    limit: Limit
    heaps: dict[Rank, _Heap] = field(default_factory=dict)
    turn: int = 0  # tokens since the one that went by age
    stalled: int = -1  # `Workers.news` when no worker could take what waits here; -1 where a token was missing

    def __len__(self) -> int:
        return sum(map(len, self.heaps.values()))

    def add_item(self, item: _Item) -> None:
        """Add a question, or put one back where it stood."""
        heapq.heappush(self.heaps.setdefault(item[2].rank, []), item)

    def take_first(self, rank: Rank) -> _Item:
        """Take the first question of a rank out."""
        item = heapq.heappop(self.heaps[rank])
        if not self.heaps[rank]:
            del self.heaps[rank]
        return item

    def all_queries(self) -> list[Query]:
        """All of them, the best ranks first, of each those that wait longest."""
        return [item[2] for rank in sorted(self.heaps) for item in sorted(self.heaps[rank], key=lambda item: item[:2])]

    def first_by_rank(self) -> list[Query]:
        """The first question of each rank, in the order in which they may have the next token."""
        heads = [self.heaps[rank][0] for rank in sorted(self.heaps)]
        if self.turn == SHARE - 1:
            heads.sort(key=lambda item: item[:2])
        return [item[2] for item in heads]

    def count_ahead(self, rank: Rank) -> int:
        """How many questions of this rank, or a better one, wait."""
        return sum(len(heap) for other, heap in self.heaps.items() if other <= rank)

    def count_routine(self, rank: Rank = Rank.BACKGROUND) -> int:
        """How many routine questions of this rank, or a better one, wait."""
        return sum(len(heap) for other, heap in self.heaps.items() if Rank.ORDINARY <= other <= rank)


class QueryQueue:
    """Every waiting question. `interval`: the base interval of names without priority, in seconds."""

    def __init__(self, interval: float = NEVER) -> None:
        self._interval = interval
        self._queues: dict[str, _OperatorQueue] = {}
        self._count = 0
        self._order = 0
        self._routine_count = 0  # how many of the ranks in LONGEST wait, in all lines
        self._next_deadline = NEVER  # no deadline is nearer
        self.left_count = 0  # questions that left a line, whatever became of them

    def __len__(self) -> int:
        return self._count

    def longest_wait(self, limit: Limit, rank: Rank, rate: float = 0.0) -> float:
        """How long a question of this rank waits in an operator's line at most, in seconds.

        `rate` is what was learned of the operator, in questions a second; 0 stands for what is configured.
        """
        rate = rate or limit.rate
        routine = max(SHORTEST, min(LONGEST.get(rank, LONGEST[Rank.BACKGROUND]), self._interval / 2))
        if rank in LONGEST:
            return routine
        return max(HURRIED, TOKENS / rate if rate > 0 else 0.0, routine if rank == Rank.NEWS else 0.0)

    def admits_query(self, limit: Limit, rank: Rank, budgets: Budgets, egresses: list[str], now: float) -> bool:
        """Whether a question of this rank would get its turn in reasonable time."""
        if limit.rate <= 0 or not egresses:
            return False
        if is_limiting(limit, egresses, budgets, now):
            return False
        if limit.per_day is not None and self._quota_room(limit, rank, budgets, egresses, now) <= 0:
            return False
        return rank not in LONGEST or self._in_time(limit, rank) > 0

    def room_for_queries(self, limit: Limit, rank: Rank) -> int:
        """How many more questions of this rank an operator's line takes; a million for ranks that it never turns away."""
        if rank not in LONGEST:
            return 1_000_000
        line = self._queues.get(limit.operator)
        left = MOST_ROUTINE - self._routine_count
        return max(0, min(self._in_time(limit, rank), left - (line.count_routine(rank) if line else 0)))

    def room_for_sweeps(self, limit: Limit, rank: Rank, budgets: Budgets, egresses: list[str], now: float) -> int:
        """How many names more may come from sweeps into an operator's line; what ranks behind them takes nobody's place."""
        line = self._queues.get(limit.operator)
        longest = min(MOST_FROM_SWEEPS + SECONDS_FROM_SWEEPS * limit.rate, 1 + self.longest_wait(limit, rank) * limit.rate)
        room = min(self.room_for_queries(limit, rank), int(longest) - (line.count_ahead(rank) if line else 0))
        return int(max(0, min(room, self._quota_room(limit, rank, budgets, egresses, now))))

    def add_query(self, query: Query) -> None:
        """Add a question; its deadline counts from when it was first asked for."""
        query.deadline = query.queued + self.longest_wait(query.limit, query.rank, query.rate)
        self._next_deadline = min(self._next_deadline, query.deadline)
        line = self._queues.setdefault(query.limit.operator, _OperatorQueue(query.limit))
        line.limit = query.limit
        line.stalled = -1
        self._order += 1
        self._count_query(query, 1)
        line.add_item((query.queued, self._order, query))

    def take_ready(
        self, budgets: Budgets, workers: Workers, poison: PoisonDetector, now: float
    ) -> Iterator[tuple[Query, Worker]]:
        """Every question whose token and worker are there, with the worker. The caller leases each before taking the next.

        What must run alone waits beside its line until a worker has nothing else to do; the others go on.
        """
        for operator, line in list(self._queues.items()):
            aside: list[_Item] = []
            try:
                while found := self._take_next(line, aside, budgets, workers, poison, now):
                    ask, worker = found
                    line.turn = (line.turn + 1) % SHARE
                    self._count_query(ask, -1)
                    ask.egress = worker.egress
                    yield ask, worker
            finally:
                for item in aside:
                    line.add_item(item)
            self._drop_empty(operator)

    def next_at(self, budgets: Budgets, workers: Workers, now: float) -> float | None:
        """When a line may move on, or the first deadline is over, in epoch seconds; a worker's credit may come before.

        None where no question waits.
        """
        if not self._count:
            return None
        there: dict[str, list[str]] = {}
        at = self._next_deadline
        for line in self._queues.values():
            if line.stalled == workers.capacity_changes:
                continue  # it waits for a worker, not for a time
            ask = line.heaps[min(line.heaps)][0][2]  # the plan of no other rank allows more
            if ask.pool not in there:
                there[ask.pool] = workers.egresses_of(ask.pool, free=True)
            plan = PLANS[ask.rank]
            at = min([at, *(budgets.next_at(ask.limit, egress, now, plan=plan) for egress in there[ask.pool])])
        return at

    def take_expired(self, now: float) -> list[Query]:
        """Take out the questions whose deadline is over; the lines are looked through only when one may be."""
        if now < self._next_deadline:
            return []
        out: list[Query] = []
        self._next_deadline = NEVER
        for operator, line in list(self._queues.items()):
            for rank in list(line.heaps):  # the one that waits longest has the first deadline
                while rank in line.heaps and line.heaps[rank][0][2].deadline <= now:
                    out.append(line.take_first(rank)[2])
                    self._count_query(out[-1], -1)
                if rank in line.heaps:
                    self._next_deadline = min(self._next_deadline, line.heaps[rank][0][2].deadline)
            self._drop_empty(operator)
        return out

    def take_operator(self, operator: str) -> list[Query]:
        """Turn away everybody in one operator's line."""
        line = self._queues.pop(operator, None)
        if line is None:
            return []
        out = line.all_queries()
        for ask in out:
            self._count_query(ask, -1)
        return out

    def take_pool(self, pool: str, older_than: float) -> list[Query]:
        """Turn away what waits for a pool since before `older_than`: nobody there works."""
        out: list[Query] = []
        for operator, line in list(self._queues.items()):
            for rank, heap in list(line.heaps.items()):
                keep = [item for item in heap if item[2].pool != pool or item[2].queued >= older_than]
                gone = [item[2] for item in heap if item[2].pool == pool and item[2].queued < older_than]
                for ask in gone:
                    self._count_query(ask, -1)
                out.extend(gone)
                heapq.heapify(keep)
                line.heaps[rank] = keep
                if not keep:
                    del line.heaps[rank]
            self._drop_empty(operator)
        return out

    def _in_time(self, limit: Limit, rank: Rank) -> int:
        """How many more questions of a rank in LONGEST would get their turn in reasonable time."""
        line = self._queues.get(limit.operator)
        return max(0, int(self.longest_wait(limit, rank) * limit.rate) + 1 - (len(line) if line else 0))

    def _quota_room(self, limit: Limit, rank: Rank, budgets: Budgets, egresses: list[str], now: float) -> float:
        """How many more questions of a rank the day's quota lets have their turn in reasonable time."""
        line, until = self._queues.get(limit.operator), now + self.longest_wait(limit, rank)
        left = sum(budgets.quota_left(limit, egress, now, until, PLANS[rank]) for egress in egresses)
        return left - (line.count_ahead(rank) if line else 0)

    def _count_query(self, query: Query, number: int) -> None:
        """Count a question that comes (1) or goes (-1)."""
        self._count += number
        self.left_count += number < 0
        self._routine_count += number * (query.rank in LONGEST)

    def _drop_empty(self, operator: str) -> None:
        """Forget a line that is empty."""
        line = self._queues.get(operator)
        if line is not None and not line.heaps:
            del self._queues[operator]

    def _take_next(
        self, queue: _OperatorQueue, aside: list[_Item], budgets: Budgets, workers: Workers, poison: PoisonDetector, now: float
    ) -> tuple[Query, Worker] | None:
        """Take out the next question, with a worker, where there is a token; what the day does not allow lets others go first.

        A question that finds no worker to run it alone, or waits for another one than those that are free, goes `aside`.
        """
        queue.stalled = workers.capacity_changes
        spent: set[Rank] = set()  # ranks that the day allows no more
        while ask := next((ask for ask in queue.first_by_rank() if ask.rank not in spent), None):
            alone = poison.must_run_alone(ask.domain)
            there, near = self._find_workers(ask, workers, now, alone=alone)
            waits = not there and any(budgets.available_tokens(ask.limit, one.egress, now) >= 1 for one in near)
            if waits:
                ask.waiting_since = ask.waiting_since or now
            if near and ask.waiting_since and now - ask.waiting_since >= second_pass.WAIT:
                there, waits = there + near, False
            worker = next((one for one in there if budgets.take_token(ask.limit, one.egress, now, PLANS[ask.rank])), None)
            if worker is not None:
                worker.exclusive = alone
                return queue.take_first(ask.rank)[2], worker
            if there:
                queue.stalled = -1
            if alone or waits:
                aside.append(queue.take_first(ask.rank))
            elif queue.limit.per_day is not None:
                spent.add(ask.rank)
            else:
                break
        return None

    def _find_workers(self, query: Query, workers: Workers, now: float, *, alone: bool) -> tuple[list[Worker], list[Worker]]:
        """A free worker of each egress, the best first; and those that are too near to the one whose answer is to be confirmed.

        What lost the question once comes last. What is to confirm leaves from another egress, where one is ready.
        """
        last = query.entry.asked_from.get(query.method) if query.confirm and query.entry is not None else None
        before = second_pass.worker_to_confirm(query, now)
        egresses = workers.egresses_of(query.pool, free=True)
        found = [
            workers.choose_worker(query.pool, query.method, query.avoid, egress, alone=alone, apart=before)
            for egress in egresses
        ]
        there = [worker for worker in found if worker is not None]
        there.sort(key=lambda worker: (worker.name == query.avoid, worker.egress == last))
        if not before:
            return there, []
        far = workers.farthest_distance(query.pool, query.method, before)
        near = [worker for worker in there if second_pass.worker_distance(worker.name, before) < far]
        return [worker for worker in there if worker not in near], near
