"""Questions in lines, and the workers that they wait for."""

from __future__ import annotations

from typing import Any

from common.core.model.entry import URGENT, Entry
from common.core.model.evidence import Observation, Outcome, Reading
from common.core.model.records import Evidence
from common.core.rate_limits.budgets import DAY, Budgets
from common.core.rate_limits.query_queue import (
    Ask,
    Queue,
)
from common.core.registries.operators import Limit
from common.core.workers.leases import SUSPICIOUS, Suspicion, Workers
from common.messages import VERSION, Credit

NOW = 20_718 * DAY
LIMIT = Limit("whois/example", 1.0, 1)
OTHER = Limit("rdap/other", 1.0, 1)
DAILY = Limit("whois/daily", 1.0, 1, 240)
HOST_A, HOST_B, HOST_C = "deep-0@a", "deep-0@b", "deep-0@c"


def ask(domain: str = "a.com", rank: int = URGENT, queued: float = NOW, limit: Limit = LIMIT, **changes: Any) -> Ask:
    """A question at a registry."""
    return Ask(**{"method": "whois", "pool": "deep", "suffix": "com", "server": "whois.example", "budget": 20.0, **changes},
               domain=domain, limit=limit, rank=rank, queued=queued)  # fmt: skip


def confirming(by: str = HOST_A, egress: str = "", **changes: Any) -> Ask:
    """The question of a second pass: the first was answered by this worker, from this egress."""
    entry = Entry("a.com", "com", "a")
    reading = Reading(Outcome.UNREGISTERED, "whois_free", "no object")
    entry.detail.evidence["whois"] = Evidence(Observation("whois", reading), NOW - 60, NOW - 60, by=by)
    entry.asked_from["whois"] = egress
    return ask(entry=entry, confirm=True, **changes)


def staffed(*names: str, free: int = 9, pool: str = "deep", **egresses: str) -> Workers:
    """Workers with free slots; each asks from its own egress where one is named (by the host's letter), else from "home"."""
    workers = Workers("boot")
    for name in names or (HOST_A,):
        egress = egresses.get(name[-1], "home")
        workers.heard(Credit(VERSION, name, f"b{name}", pool, egress, ("whois",), free, free, 0), NOW)
    return workers


def line_of(*asks: Ask, interval: float = DAY) -> Queue:
    """Lines with these questions in them."""
    queue = Queue(interval)
    for item in asks:
        queue.put(item)
    return queue


def taken(queue: Queue, workers: Workers, now: float = NOW, **tools: Any) -> list[tuple[str, str]]:
    """What leaves the lines, with the worker that gets it, and takes a slot of it."""
    found = []
    for item, worker in queue.take(tools.get("budgets") or Budgets(), workers, tools.get("suspicion") or Suspicion(), now):
        workers.lease(worker, item, item.budget, now)
        found.append((item.domain, worker.name))
    return found


def suspicious(*names: str) -> Suspicion:
    """What killed workers so often that it has to run alone."""
    suspicion = Suspicion()
    for _ in range(SUSPICIOUS):
        suspicion.died(list(names), alone=False, now=NOW)
    return suspicion
