"""Calls that carry several names: which waiting queries leave with the one that has the token.

The rate limit of such a server counts calls, so whatever leaves in one costs nothing more. No query waits for a call to be
full: what is there when the token is there leaves with it.
"""

from __future__ import annotations

from collections.abc import Iterator

from common.core.model.query import Call, Query
from common.core.rate_limits.operator_queue import SHARE, OperatorQueue, Waiting
from common.core.workers import second_pass
from common.core.workers.leases import Worker, Workers
from common.core.workers.poison import PoisonDetector
from common.messages import MAX_BATCH

#: Most waiting queries that one call passes over: others are behind them, but to look for those takes time.
MOST_PASSED_OVER = 1000


def names_per_call(query: Query) -> int:
    """How many names the call of a query may carry; its tasks have to fit into one message."""
    return min(query.limit.batch, MAX_BATCH)


def take_riders(
    queue: OperatorQueue, call: Call, head: Query, worker: Worker, workers: Workers, poison: PoisonDetector, now: float
) -> Iterator[Query]:
    """Take out the queries that leave with `head` in its call to this worker, as long as the worker has free slots.

    They come in the order in which tokens would be theirs. The caller leases each before it takes the next.
    """
    passed: list[Waiting] = []
    try:
        while len(call.names) < names_per_call(head) and worker.free_slots() > 0 and len(passed) < MOST_PASSED_OVER:
            heads = queue.first_by_rank(by_age=len(call.names) % SHARE == SHARE - 1)
            if not heads:
                return
            item = queue.take_first(heads[0].rank)
            if not _may_ride(item.query, call, head, worker, workers, poison, now):
                passed.append(item)
                continue
            call.names.add(item.query.domain)
            item.query.call = call
            yield item.query
    finally:
        for item in passed:
            queue.add_item(item)


def _may_ride(
    query: Query, call: Call, head: Query, worker: Worker, workers: Workers, poison: PoisonDetector, now: float
) -> bool:
    """Whether a query can leave in the call of another one to this worker.

    Not where the answer would not tell it apart, where it must run alone, or where a worker that suits it better may be free.
    """
    if (query.method, query.server) != (head.method, head.server) or query.domain in call.names:
        return False
    if query.limit.one_suffix and query.suffix != head.suffix:
        return False
    if poison.must_run_alone(query.domain):
        return False
    if query.avoid == worker.name != head.avoid:
        return False
    return not query.confirm or _may_confirm(query, worker, workers, now)


def _may_confirm(query: Query, worker: Worker, workers: Workers, now: float) -> bool:
    """Whether this worker may get the query of a second pass: none is better, or the query has waited long enough for it."""
    before = second_pass.worker_to_confirm(query, now)
    if before and not (query.waiting_since and now - query.waiting_since >= second_pass.WAIT):
        far = workers.farthest_distance(query.pool, query.method, before)
        if workers.distance_to(worker, before) < far:
            return False
    last = query.entry.asked_from.get(query.method) if query.entry is not None else None
    return last != worker.egress or workers.egresses_of(query.pool, free=True) == [worker.egress]
