"""The room's door: how many queries an operator takes now, and what follows when it limits us."""

from __future__ import annotations

from typing import NamedTuple

from common.core.model.entry import Rank
from common.core.model.evidence import Observation
from common.core.model.limit import Limit
from common.core.model.methods import pool_of
from common.core.model.query import Query
from common.core.rate_limits.budgets import Budgets
from common.core.rate_limits.credentials import (
    decode_digests,
    encode_digests,
    find_changed,
    forget_refusals,
    merge_digests,
)
from common.core.rate_limits.load_signs import Load
from common.core.rate_limits.policy import is_limiting, quota_of
from common.core.rate_limits.query_queue import QueryQueue
from common.core.rate_limits.saved import decode_saved, encode_saved
from common.core.registries.directory import host_of
from common.core.registries.registries import Registries
from common.core.telemetry.telemetry import Telemetry
from common.core.workers.leases import Workers


class Displaced(NamedTuple):
    """Queries taken out of the queue of an operator that limits us: why, and for how many seconds the pause lasts."""

    queries: list[Query]
    why: str
    wait: float


class RateLimits:
    """Budgets by operator and egress, and the queries that wait for their tokens. Times in epoch seconds.

    `interval` is the base interval of names without priority, in seconds.
    """

    def __init__(self, registries: Registries, workers: Workers, telemetry: Telemetry, interval: float) -> None:
        self.budgets = Budgets()
        self.queue = QueryQueue(interval)
        self._registries = registries
        self._workers = workers
        self._telemetry = telemetry
        self._digests: str | None = None  # to be stored

    def egresses_of(self, method: str, now: float) -> list[str]:
        """The egresses from which queries of a method can be sent."""
        return self._workers.egresses_offering(pool_of(method), method, now)

    def current_pace(self, method: str, suffix: str, now: float) -> float:
        """How many queries a second the server of a suffix takes from the best egress; 0 while it limits us."""
        server = self._registries.server_of(method, suffix)
        if server is None:
            return 0.0
        limit = self._registries.limit_of(method, host_of(server), suffix)
        egresses = self.egresses_of(method, now)
        if len(egresses) == 1:  # the usual case, many times a check
            return self.budgets.current_pace(limit, egresses[0], now)
        return max((self.budgets.current_pace(limit, egress, now) for egress in egresses), default=0.0)

    def has_token(self, method: str, suffix: str, now: float) -> bool:
        """Whether a query could be sent to the server of a suffix now, from any egress."""
        server = self._registries.server_of(method, suffix)
        if server is None:
            return False
        limit = self._registries.limit_of(method, host_of(server) or suffix, suffix)
        return any(self.budgets.available_tokens(limit, egress, now) > 0 for egress in self.egresses_of(method, now))

    def learned_rate(self, method: str, limit: Limit, now: float) -> float:
        """The learned rate in queries per second from the best egress, whether or not the operator limits us now."""
        return max((self.budgets.learned_rate(limit, egress, now) for egress in self.egresses_of(method, now)), default=0.0)

    def is_limited(self, limit: Limit, pool: str, now: float, egress: str = "") -> bool:
        """Whether an operator limits a pool from all of its egresses, for longer than a query waits.

        `egress` stands for those of a pool without workers.
        """
        egresses = self._workers.egresses_of(pool) or ([egress] if egress else [])
        return is_limiting(limit, egresses, self.budgets, now)

    def admits_query(self, method: str, limit: Limit, rank: Rank, now: float) -> bool:
        """Whether a query of this rank would be sent in reasonable time, see `QueryQueue.admits_query`."""
        return self.queue.admits_query(limit, rank, self.budgets, self.egresses_of(method, now), now)

    def room_for_sweeps(self, method: str, limit: Limit, rank: Rank, now: float) -> int:
        """How many more queries sweeps may add to an operator's queue."""
        return self.queue.room_for_sweeps(limit, rank, self.budgets, self.egresses_of(method, now), now)

    def note_query_answer(self, query: Query, observation: Observation, now: float) -> Displaced | None:
        """Learn from the answer to a query. Returns the queries to give up where the operator limits us by it, else None.

        One answer of a server is told once for each name of its call, and taught from once.
        """
        if query.call is not None and not query.call.note_finding(observation.reading.finding):
            return None
        limit, egress = query.limit, query.egress
        complaint = self.budgets.note_answer(limit, egress, observation, now, query.sent_at, query.domain)
        if complaint is not None:
            return self._note_limit(limit, egress, query.pool, complaint, now)
        quota = quota_of(observation)
        if quota is None or not quota.wait:
            return None
        return self._displace_queries(limit, egress, query.pool, f"{limit.operator} takes no call for a while", now)

    def return_token(self, query: Query, now: float) -> None:
        """Return the token of a query that was never sent; that of a call once all of its queries came back."""
        if query.call is None or query.call.note_unasked():
            self.budgets.return_tokens(query.limit, query.egress, now)

    def note_sweep_answer(
        self, limit: Limit, egress: str, answer: Observation, sent: float, now: float, load: Load | None = None
    ) -> Displaced | None:
        """The same for the answer that stands for a sweep (`policy.sweep_answer`) that was sent at `sent`, and for its load."""
        complaint = self.budgets.note_answer(limit, egress, answer, now, sent, load=load)
        return None if complaint is None else self._note_limit(limit, egress, "fast", complaint, now)

    def restore_learned(self, text: str, credentials: str = "") -> None:
        """Take over the texts that `take_changed` and `take_digests` returned before a restart; damaged rows are left out.

        A refusal is forgotten where the operator has other credentials now.
        """
        rows, before, digests = decode_saved(text), decode_digests(credentials), self._registries.credential_digests()
        kept = forget_refusals(rows, find_changed(before, digests))
        self.budgets = Budgets(kept)
        self.budgets.changed = kept != rows
        stored = merge_digests(before, digests, kept)
        self._digests = encode_digests(stored) if stored != before else None
        for key in rows:
            if kept.get(key) != rows[key]:
                operator, _, egress = key.partition("|")
                self._telemetry.write_log("info", "refusal_forgotten", operator=operator, egress=egress, why="another key")

    def take_digests(self) -> str | None:
        """The digests of credentials as text if they have to be stored, else None."""
        text, self._digests = self._digests, None
        return text

    def take_changed(self, *, last: bool) -> str | None:
        """What was learned as text if it has to be stored, else None; `last`: the coordinator stops, so counts are too."""
        if not (self.budgets.changed or (last and self.budgets.counted)):
            return None
        return encode_saved(self.budgets.take_saved())

    def _note_limit(self, limit: Limit, egress: str, pool: str, complaint: str, now: float) -> Displaced | None:
        """Log a complaint, and give up the queries that it holds up for long."""
        until = self.budgets.limited_until(limit, egress, now)
        fields = {"operator": limit.operator, "until": until, "reason": complaint}
        self._telemetry.write_limited("warning", "operator_shut", limit.operator, now, **fields)
        self._telemetry.metrics.count("operator_complaints", operator=limit.operator)
        return self._displace_queries(limit, egress, pool, f"{limit.operator} limits us: {complaint}", now)

    def _displace_queries(self, limit: Limit, egress: str, pool: str, why: str, now: float) -> Displaced | None:
        """Empty the operator's queue, unless the pause is short."""
        if not self.is_limited(limit, pool, now, egress):
            return None
        wait = max(0.0, self.budgets.limited_until(limit, egress, now) - now)
        return Displaced(self.queue.take_operator(limit.operator), why, wait)
