"""Queries in the queues of operators, and the workers that they wait for."""

from __future__ import annotations

from typing import Any

from common.core.model.entry import Entry, Rank
from common.core.model.evidence import Observation, Outcome, Reading
from common.core.model.limit import Limit
from common.core.model.query import Query
from common.core.model.records import Evidence
from common.core.rate_limits.budgets import DAY, Budgets
from common.core.rate_limits.query_queue import QueryQueue
from common.core.workers.leases import Workers
from common.core.workers.poison import SUSPICIOUS, PoisonDetector
from common.messages import VERSION, Credit

NOW = 20_718 * DAY
LIMIT = Limit("whois/example", 1.0, 1)
OTHER = Limit("rdap/other", 1.0, 1)
DAILY = Limit("whois/daily", 1.0, 1, 240)
HOST_A, HOST_B, HOST_C = "deep-0@a", "deep-0@b", "deep-0@c"


def query_of(
    domain: str = "a.com", rank: Rank = Rank.URGENT, queued: float = NOW, limit: Limit = LIMIT, **changes: Any
) -> Query:
    """A query at a registry."""
    return Query(**{"method": "whois", "pool": "deep", "suffix": "com", "server": "whois.example", "budget": 20.0, **changes},
               domain=domain, limit=limit, rank=rank, queued=queued)  # fmt: skip


def confirming_query(by: str = HOST_A, egress: str = "", **changes: Any) -> Query:
    """The query of a second pass: the first one was answered by this worker, from this egress."""
    entry = Entry("a.com", "com", "a")
    reading = Reading(Outcome.UNREGISTERED, "whois_free", "no object")
    entry.detail.evidence["whois"] = Evidence(Observation("whois", reading), NOW - 60, NOW - 60, by=by)
    entry.asked_from["whois"] = egress
    return query_of(entry=entry, confirm=True, **changes)


def staffed(*names: str, free: int = 9, pool: str = "deep", **egresses: str) -> Workers:
    """Workers with free slots; each has the egress that is named for it (by the host's letter), else "home"."""
    workers = Workers("boot")
    for name in names or (HOST_A,):
        egress = egresses.get(name[-1], "home")
        workers.note_credit(Credit(VERSION, name, f"b{name}", pool, egress, ("whois",), free, free, 0), NOW)
    return workers


def queue_of(*queries: Query, interval: float = DAY) -> QueryQueue:
    """Queues with these queries in them."""
    queue = QueryQueue(interval)
    for item in queries:
        queue.add_query(item)
    return queue


def taken(queue: QueryQueue, workers: Workers, now: float = NOW, **tools: Any) -> list[tuple[str, str]]:
    """The queries that leave the queues, with the worker that gets each, and a slot of it less."""
    found = []
    for item, worker in queue.take_ready(
        tools.get("budgets") or Budgets(), workers, tools.get("poison") or PoisonDetector(), now
    ):
        workers.grant_lease(worker, item, item.budget, now)
        found.append((item.domain, worker.name))
    return found


def suspicious(*names: str) -> PoisonDetector:
    """Names whose queries killed workers so often that they have to run alone."""
    poison = PoisonDetector()
    for _ in range(SUSPICIOUS):
        poison.note_death(list(names), NOW, alone=False)
    return poison
