"""Queries that wait for their tokens, in one queue for each operator: by rank, and none for ever.

Every query has a deadline, after which it leaves its queue. No query is admitted where the operator limits us, no worker has
the method, the queue is too long, or the daily quota is used up. The name is then scheduled again, and cheaper queries about
it go on.

Of four tokens of an operator three go to the highest rank, and one to the query that has waited longest, whatever its rank.
So a query is sent after at most `SHARE` tokens for each that had waited longer in its queue, and `SHARE` for itself, whatever
else arrives: as long as a worker is there, and the plan of its rank (`PLANS`) allows it.

Where a call carries several names, a token is one call (`calls`): other queries leave with the one that has it. How long a
query waits is told in tokens, how many there is room for in names.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator

from common.core.model.entry import Rank
from common.core.model.ids import NEVER
from common.core.model.limit import Limit
from common.core.model.query import Call, Query
from common.core.rate_limits.budgets import FIRST_LOOKS, POLLS, ROUTINE, WHOLE, Budgets
from common.core.rate_limits.calls import take_riders
from common.core.rate_limits.operator_queue import SHARE, OperatorQueue, Waiting
from common.core.rate_limits.policy import is_limiting
from common.core.workers import second_pass
from common.core.workers.leases import Worker, Workers
from common.core.workers.poison import PoisonDetector

#: Longest wait of a routine query, in seconds, and longest queue ahead of it, in seconds of the operator's budget. Where half
#: of the base interval is less, that counts; but not less than the time in which a restarted worker is back.
LONGEST, SHORTEST = {Rank.BACKGROUND: 1800.0, Rank.ORDINARY: 6 * 3600.0, Rank.FIRST: 6 * 3600.0}, 15.0
#: Longest wait of the other queries: so many seconds, or so many tokens of a slow operator where those take longer. Names that
#: left the zone may do so by the thousand; their queries wait for as long as routine ones, if that is more.
HURRIED, TOKENS = 300.0, 6
#: How far each rank may use up a day's quota.
PLANS = {
    Rank.URGENT: WHOLE,
    Rank.PRIORITY: POLLS,
    Rank.NEWS: POLLS,
    Rank.FIRST: FIRST_LOOKS,
    Rank.ORDINARY: ROUTINE,
    Rank.BACKGROUND: ROUTINE,
}
#: Most routine queries (of the ranks in `LONGEST`) that wait in all queues together: each keeps a name loaded. No queue takes
#: more of them than it leaves room for others, so that a slow registry delays its own names alone.
MOST_ROUTINE = 2000
#: Most queries that sweeps may fill a queue with, and seconds of the operator's budget on top: each keeps a name loaded.
MOST_FROM_SWEEPS, SECONDS_FROM_SWEEPS = 1000, 60.0


class QueryQueue:
    """All queries that wait. Times in epoch seconds.

    `interval` is the base interval of names without priority, in seconds; `left_count` counts the queries that left a queue,
    for whatever reason.
    """

    def __init__(self, interval: float = NEVER) -> None:
        self._interval = interval
        self._queues: dict[str, OperatorQueue] = {}
        self._count = 0
        self._order = 0
        self._calls = 0  # number of the last call
        self._routine_count = 0  # how many queries of the ranks in LONGEST wait, in all queues
        self._next_deadline = NEVER  # no deadline is earlier
        self.left_count = 0

    def __len__(self) -> int:
        return self._count

    def longest_wait(self, limit: Limit, rank: Rank, rate: float = 0.0) -> float:
        """The longest wait in seconds of a query of this rank in an operator's queue.

        `rate` is the learned rate of the operator, in queries per second; 0 stands for the configured one.
        """
        rate = rate or limit.rate
        routine = max(SHORTEST, min(LONGEST.get(rank, LONGEST[Rank.BACKGROUND]), self._interval / 2))
        if rank in LONGEST:
            return routine
        return max(HURRIED, TOKENS / rate if rate > 0 else 0.0, routine if rank == Rank.NEWS else 0.0)

    def admits_query(self, limit: Limit, rank: Rank, budgets: Budgets, egresses: list[str], now: float) -> bool:
        """Whether a query of this rank would be sent in reasonable time from one of these egresses."""
        if limit.rate <= 0 or not egresses:
            return False
        if is_limiting(limit, egresses, budgets, now):
            return False
        if limit.per_day is not None and self._quota_room(limit, rank, budgets, egresses, now) <= 0:
            return False
        return rank not in LONGEST or self._in_time(limit, rank) > 0

    def room_for_queries(self, limit: Limit, rank: Rank) -> int:
        """How many more queries of this rank an operator's queue takes; a million for ranks without a bound."""
        if rank not in LONGEST:
            return 1_000_000
        queue = self._queues.get(limit.operator)
        left = MOST_ROUTINE - self._routine_count
        return max(0, min(self._in_time(limit, rank), left - (queue.count_routine(rank) if queue else 0)))

    def room_for_sweeps(self, limit: Limit, rank: Rank, budgets: Budgets, egresses: list[str], now: float) -> int:
        """How many more queries of this rank sweeps may add to an operator's queue; those of lower ranks do not count."""
        queue = self._queues.get(limit.operator)
        rate = limit.rate * limit.batch
        longest = min(MOST_FROM_SWEEPS + SECONDS_FROM_SWEEPS * rate, limit.batch + self.longest_wait(limit, rank) * rate)
        room = min(self.room_for_queries(limit, rank), int(longest) - (queue.count_ahead(rank) if queue else 0))
        return int(max(0, min(room, self._quota_room(limit, rank, budgets, egresses, now))))

    def add_query(self, query: Query) -> None:
        """Add a query; its deadline counts from when it was first wanted."""
        query.deadline = query.queued + self.longest_wait(query.limit, query.rank, query.rate)
        self._next_deadline = min(self._next_deadline, query.deadline)
        queue = self._queues.setdefault(query.limit.operator, OperatorQueue(query.limit))
        queue.limit = query.limit
        queue.stalled = -1
        self._order += 1
        self._count_query(query, 1)
        queue.add_item(Waiting(query.queued, self._order, query))

    def take_ready(
        self, budgets: Budgets, workers: Workers, poison: PoisonDetector, now: float
    ) -> Iterator[tuple[Query, Worker]]:
        """Take out every query that has a token and a worker, with the worker. The caller leases each before it takes the next.

        Behind it come those that leave in the same call to the same worker, without a token of their own.
        A query that must be run alone waits until a worker has no lease, and does not delay the others of its queue.
        """
        for operator, queue in list(self._queues.items()):
            if self._lacks_token(queue, budgets, workers, now):
                queue.stalled = -1
                continue
            skipped: list[Waiting] = []
            try:
                while found := self._take_next(queue, skipped, budgets, workers, poison, now):
                    query, worker = found
                    queue.turn = (queue.turn + 1) % SHARE
                    query.call = call = self._open_call(query, worker) if query.limit.batch > 1 else None
                    yield self._send_query(query, worker), worker
                    if call is not None:
                        for rider in take_riders(queue, call, query, worker, workers, poison, now):
                            yield self._send_query(rider, worker), worker
            finally:
                for item in skipped:
                    queue.add_item(item)
            self._drop_empty(operator)

    def next_at(self, budgets: Budgets, workers: Workers, now: float) -> float | None:
        """When the next query may be sent or the first deadline is over, unless credit comes before; None without queries."""
        if not self._count:
            return None
        there: dict[str, list[str]] = {}
        at = self._next_deadline
        for queue in self._queues.values():
            if queue.stalled == workers.capacity_changes:
                continue  # it waits for a worker, not for a time
            query = queue.heaps[min(queue.heaps)][0].query  # the plan of no other rank allows more
            if query.pool not in there:
                there[query.pool] = workers.egresses_of(query.pool, free=True)
            plan = PLANS[query.rank]
            at = min([at, *(budgets.next_at(query.limit, egress, now, plan=plan) for egress in there[query.pool])])
        return at

    def take_expired(self, now: float) -> list[Query]:
        """Take out the queries whose deadline is over. The queues are searched only when there may be one."""
        if now < self._next_deadline:
            return []
        out: list[Query] = []
        self._next_deadline = NEVER
        for operator, queue in list(self._queues.items()):
            for rank in list(queue.heaps):  # the one that waits longest has the first deadline
                while rank in queue.heaps and queue.heaps[rank][0].query.deadline <= now:
                    out.append(queue.take_first(rank).query)
                    self._count_query(out[-1], -1)
                if rank in queue.heaps:
                    self._next_deadline = min(self._next_deadline, queue.heaps[rank][0].query.deadline)
            self._drop_empty(operator)
        return out

    def take_operator(self, operator: str) -> list[Query]:
        """Take out all queries of one operator's queue, the highest rank first, of each rank those that wait longest."""
        queue = self._queues.pop(operator, None)
        if queue is None:
            return []
        out = queue.all_queries()
        for query in out:
            self._count_query(query, -1)
        return out

    def take_pool(self, pool: str, older_than: float) -> list[Query]:
        """Take out the queries that wait for a pool since before `older_than` (epoch seconds): it has no workers."""
        out: list[Query] = []
        for operator, queue in list(self._queues.items()):
            for rank, heap in list(queue.heaps.items()):
                keep = [item for item in heap if item.query.pool != pool or item.queued >= older_than]
                gone = [item.query for item in heap if item.query.pool == pool and item.queued < older_than]
                for query in gone:
                    self._count_query(query, -1)
                out.extend(gone)
                heapq.heapify(keep)
                queue.heaps[rank] = keep
                if not keep:
                    del queue.heaps[rank]
            self._drop_empty(operator)
        return out

    def _in_time(self, limit: Limit, rank: Rank) -> int:
        """How many more queries of a rank in LONGEST would be sent in reasonable time."""
        queue = self._queues.get(limit.operator)
        tokens = int(self.longest_wait(limit, rank) * limit.rate) + 1
        return max(0, tokens * limit.batch - (len(queue) if queue else 0))

    def _quota_room(self, limit: Limit, rank: Rank, budgets: Budgets, egresses: list[str], now: float) -> float:
        """How many more queries of a rank the daily quota allows within their longest wait."""
        queue, until = self._queues.get(limit.operator), now + self.longest_wait(limit, rank)
        left = sum(budgets.quota_left(limit, egress, now, until, PLANS[rank]) for egress in egresses)
        return left * limit.batch - (queue.count_ahead(rank) if queue else 0)

    def _lacks_token(self, queue: OperatorQueue, budgets: Budgets, workers: Workers, now: float) -> bool:
        """Whether workers are free and no egress has a token for any query of an operator, so that none can leave."""
        if not queue.is_plain():
            return False
        rank = min(queue.heaps)
        query = queue.heaps[rank][0].query  # the plan of no other rank allows more
        egresses = workers.egresses_of(query.pool, free=True)
        return bool(egresses) and not any(budgets.allows_query(query.limit, egress, now, PLANS[rank]) for egress in egresses)

    def _open_call(self, query: Query, worker: Worker) -> Call | None:
        """The call that a query leaves in, where others may leave with it: not to a worker that runs it alone."""
        if worker.exclusive:
            return None
        self._calls += 1
        return Call(number=self._calls, names={query.domain})

    def _send_query(self, query: Query, worker: Worker) -> Query:
        """Count a query as gone to this worker."""
        self._count_query(query, -1)
        query.egress = worker.egress
        return query

    def _count_query(self, query: Query, number: int) -> None:
        """Count a query that is added (1) or taken out (-1)."""
        self._count += number
        self.left_count += number < 0
        self._routine_count += number * (query.rank in LONGEST)

    def _drop_empty(self, operator: str) -> None:
        """Remove the queue of an operator if it is empty."""
        queue = self._queues.get(operator)
        if queue is not None and not queue.heaps:
            del self._queues[operator]

    def _take_next(
        self,
        queue: OperatorQueue,
        skipped: list[Waiting],
        budgets: Budgets,
        workers: Workers,
        poison: PoisonDetector,
        now: float,
    ) -> tuple[Query, Worker] | None:
        """Take out the next query that has a token and a worker; one that the daily quota does not allow yet is passed over.

        Goes to `skipped`: a query that finds no worker to run it alone, or waits for another worker than those that are free.
        """
        queue.stalled = workers.capacity_changes
        by_age = queue.turn == SHARE - 1
        spent: set[Rank] = set()  # ranks that the daily quota allows no more
        while query := next((query for query in queue.first_by_rank(by_age=by_age) if query.rank not in spent), None):
            alone = poison.must_run_alone(query.domain)
            there, near = self._find_workers(query, workers, now, alone=alone)
            waits = _has_token(query, near, budgets, now) and not _has_token(query, there, budgets, now)
            if waits:
                query.waiting_since = query.waiting_since or now
            if near and query.waiting_since and now - query.waiting_since >= second_pass.WAIT:
                there, waits = there + near, False
            worker = next((one for one in there if budgets.take_token(query.limit, one.egress, now, PLANS[query.rank])), None)
            if worker is not None:
                worker.exclusive = alone
                return queue.take_first(query.rank).query, worker
            if there:
                queue.stalled = -1
            if alone or waits:
                skipped.append(queue.take_first(query.rank))
            elif queue.limit.per_day is not None:
                spent.add(query.rank)
            else:
                break
        return None

    def _find_workers(self, query: Query, workers: Workers, now: float, *, alone: bool) -> tuple[list[Worker], list[Worker]]:
        """A free worker of each egress, the best first; and those too near to the worker whose answer has to be confirmed.

        A worker whose lease of the query was lost comes last. A query that confirms leaves from another egress than the query
        before, where one is free.
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
        near = [worker for worker in there if workers.distance_to(worker, before) < far]
        return [worker for worker in there if worker not in near], near


def _has_token(query: Query, workers: list[Worker], budgets: Budgets, now: float) -> bool:
    """Whether the egress of one of these workers has a token for the query."""
    return any(budgets.available_tokens(query.limit, worker.egress, now) >= 1 for worker in workers)
