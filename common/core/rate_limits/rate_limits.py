"""The room's door: what may be asked of an operator now, and what follows when one limits us."""

from __future__ import annotations

from typing import NamedTuple

from common.core.model.entry import Rank
from common.core.model.evidence import Observation
from common.core.model.limit import Limit
from common.core.model.methods import POOL_OF
from common.core.model.query import Query
from common.core.rate_limits.budgets import Budgets
from common.core.rate_limits.policy import is_limiting
from common.core.rate_limits.query_queue import QueryQueue
from common.core.rate_limits.saved import decode_saved, encode_saved
from common.core.registries.directory import host_of
from common.core.registries.registries import Registries
from common.core.telemetry.telemetry import Telemetry
from common.core.workers.leases import Workers


class Displaced(NamedTuple):
    """Queries that lost their place in the queue of an operator that limits us, why, and for how many seconds."""

    queries: list[Query]
    why: str
    wait: float


class RateLimits:
    """Budgets by operator and egress, and the queries that wait for their tokens."""

    def __init__(self, registries: Registries, workers: Workers, telemetry: Telemetry, interval: float) -> None:
        """`interval`: the base interval of names without priority, in seconds."""
        self.budgets = Budgets()
        self.queue = QueryQueue(interval)
        self._registries = registries
        self._workers = workers
        self._telemetry = telemetry

    def egresses_of(self, method: str, now: float) -> list[str]:
        """The egresses from which a method can be asked."""
        return self._workers.egresses_offering(POOL_OF[method], method, now)

    def current_pace(self, method: str, suffix: str, now: float) -> float:
        """How many queries a second the server of a suffix can be asked from the best egress; 0 while it limits us."""
        server = self._registries.server_of(method, suffix)
        if server is None:
            return 0.0
        limit = self._registries.limit_of(method, host_of(server), suffix)
        return max((self.budgets.current_pace(limit, egress, now) for egress in self.egresses_of(method, now)), default=0.0)

    def has_token(self, method: str, suffix: str, now: float) -> bool:
        """Whether the server of a suffix could be asked this moment, from any egress."""
        server = self._registries.server_of(method, suffix)
        if server is None:
            return False
        limit = self._registries.limit_of(method, host_of(server) or suffix, suffix)
        return any(self.budgets.available_tokens(limit, egress, now) > 0 for egress in self.egresses_of(method, now))

    def learned_rate(self, method: str, limit: Limit, now: float) -> float:
        """How many queries a second an operator takes as learned, from the best egress, whether or not it limits us now."""
        return max((self.budgets.learned_rate(limit, egress, now) for egress in self.egresses_of(method, now)), default=0.0)

    def is_limited(self, limit: Limit, pool: str, now: float, egress: str = "") -> bool:
        """Whether an operator limits a pool from all of its egresses, for longer than a query waits.

        `egress` stands for those of a pool without workers.
        """
        egresses = self._workers.egresses_of(pool) or ([egress] if egress else [])
        return is_limiting(limit, egresses, self.budgets, now)

    def admits_query(self, method: str, limit: Limit, rank: Rank, now: float) -> bool:
        """Whether a query of this rank would get its turn in reasonable time."""
        return self.queue.admits_query(limit, rank, self.budgets, self.egresses_of(method, now), now)

    def room_for_sweeps(self, method: str, limit: Limit, rank: Rank, now: float) -> int:
        """How many names more may come from sweeps into an operator's queue."""
        return self.queue.room_for_sweeps(limit, rank, self.budgets, self.egresses_of(method, now), now)

    def note_query_answer(self, query: Query, observation: Observation, now: float) -> Displaced | None:
        """Learn from the answer to a query. Returns what lost its place where the operator limits us by it."""
        complaint = self.budgets.note_answer(query.limit, query.egress, observation, now, query.sent_at, query.domain)
        return None if complaint is None else self._note_limit(query.limit, query.egress, query.pool, complaint, now)

    def note_sweep_answer(self, limit: Limit, egress: str, answer: Observation, sent: float, now: float) -> Displaced | None:
        """The same for the one answer that stands for a sweep (`policy.sum_up`) that left at `sent`."""
        complaint = self.budgets.note_answer(limit, egress, answer, now, sent)
        return None if complaint is None else self._note_limit(limit, egress, "fast", complaint, now)

    def restore_learned(self, text: str) -> None:
        """Take over what was learned before a restart; what is damaged is left out."""
        self.budgets = Budgets(decode_saved(text))

    def take_changed(self, *, last: bool) -> str | None:
        """What was learned, for `restore`, if it is to be written; `last`: the coordinator stops, so counts are too."""
        if not (self.budgets.changed or (last and self.budgets.counted)):
            return None
        return encode_saved(self.budgets.take_saved())

    def _note_limit(self, limit: Limit, egress: str, pool: str, complaint: str, now: float) -> Displaced | None:
        """Tell of a complaint; what waits for the operator loses its place, unless it can soon be asked again."""
        until = self.budgets.limited_until(limit, egress, now)
        fields = {"operator": limit.operator, "until": until, "reason": complaint}
        self._telemetry.write_limited("warning", "operator_shut", limit.operator, now, **fields)
        self._telemetry.metrics.count("operator_complaints", operator=limit.operator)
        if not self.is_limited(limit, pool, now, egress):
            return None
        why = f"{limit.operator} limits us: {complaint}"
        return Displaced(self.queue.take_operator(limit.operator), why, max(0.0, until - now))
