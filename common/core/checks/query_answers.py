"""Takes the answer of a checker to a single query: its budget, its channel and its check learn from it."""

from __future__ import annotations

from dataclasses import dataclass

from common.core.channels.channels import Channels
from common.core.checks.checks import Checks
from common.core.checks.unanswered import Unanswered
from common.core.domains.domains import Domains
from common.core.model.evidence import Observation
from common.core.model.query import Query
from common.core.rate_limits.rate_limits import Displaced, RateLimits
from common.core.registries.directory import host_of
from common.core.registries.registries import Registries
from common.core.telemetry.error_kinds import kind_of
from common.core.telemetry.telemetry import Telemetry
from common.core.workers.leases import Workers
from common.core.workers.poison import PoisonDetector
from common.messages import Credit, Result


@dataclass(slots=True, kw_only=True)
class QueryAnswers:
    """Takes answers to single queries."""

    domains: Domains
    registries: Registries
    workers: Workers
    poison: PoisonDetector
    rate_limits: RateLimits
    channels: Channels
    checks: Checks
    unanswered: Unanswered
    telemetry: Telemetry

    def take_result(self, result: Result, credit: Credit, now: float) -> None:
        """Take the answer to a query, sent with this credit; one whose lease is over, or held by another worker, is dropped."""
        lease = self.workers.finish_lease(result.attempt, credit)
        if lease is None or not isinstance(lease.ref, Query):
            self.telemetry.metrics.count("late_results")
            return
        query, observation = lease.ref, result.observation
        self.telemetry.reach.note_worker_answer(query.pool, now)
        if result.returned or observation is None or observation.method != query.method:
            self.rate_limits.return_token(query, now)
            self.checks.retry_lost_query(query, lease.worker, now)
            return
        self.poison.note_survived(query.domain)
        self._count_answer(query, observation, result.attempt, now)
        self.resume_displaced(self.rate_limits.note_query_answer(query, observation, now), now)
        self.channels.note_answer(query, observation, now)
        self._learn_registry(query, observation, now)
        if query.probe is not None:
            self.checks.take_canary_answer(query.probe, observation, now)
        elif (entry := self.domains.find_loaded(query.domain)) is not None:  # its check may be over, and another one under way
            self.checks.take_answer(entry, observation, now, lease.worker)

    def resume_displaced(self, displaced: Displaced | None, now: float) -> None:
        """Continue the checks whose queries lost their place because their operator limits us."""
        if displaced is None:
            return
        for query in displaced.queries:
            self.unanswered.note_query(query, displaced.why, now, retry_after=displaced.wait)
            self.checks.take_no_answer(query, now)

    def _learn_registry(self, query: Query, observation: Observation, now: float) -> None:
        """Learn what an answer says about its suffix: the addresses of its zone, the WHOIS server that IANA names."""
        if observation.width is not None and query.method == "dns":
            self.registries.note_address_count(query.suffix, observation.width)
        if observation.reading.referral and query.method == "whois":
            self.registries.learn_referral(query.suffix, observation.reading.referral, now)

    def _count_answer(self, query: Query, observation: Observation, attempt: str, now: float) -> None:
        """Count and log an answer."""
        reading, metrics = observation.reading, self.telemetry.metrics
        said, where = (reading.outcome, reading.finding), (host_of(query.server), query.suffix)
        self.telemetry.reach.note_answer(query.method, said, where, now)
        metrics.count("checks", method=query.method, outcome=reading.outcome.value)
        metrics.observe("check_seconds", observation.duration_ms / 1000, method=query.method)
        if (kind := kind_of(observation)) is not None:
            metrics.count("check_errors", method=query.method, kind=kind)
        self.telemetry.write_log(
            "debug", "check_done", domain=query.domain, method=query.method,
            outcome=reading.outcome.value, finding=reading.finding, server=observation.server, address=observation.address,
            ms=round(observation.duration_ms, 1), attempt=attempt, canary=query.probe is not None, reason=reading.reason,
        )  # fmt: skip
