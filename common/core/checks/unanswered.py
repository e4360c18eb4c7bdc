"""Notes beside the evidence of a name why a method says nothing, where no query was answered.

Answers that prove nothing are noted when they arrive (`Entry.note_observation`). Here is the rest: a queue that is too long, an
operator that limits us, a pool without workers, a lost worker, a server that is unknown or distrusted.
"""

from __future__ import annotations

from common.core.channels.channels import Channels
from common.core.model.channel import ChannelKey
from common.core.model.entry import Entry
from common.core.model.evidence import Observation, Reading, unknown_reading
from common.core.model.limit import Limit
from common.core.model.methods import RECORD_METHODS
from common.core.model.query import Query
from common.core.rate_limits.policy import is_limiting
from common.core.rate_limits.rate_limits import RateLimits
from common.core.registries.directory import host_of
from common.core.registries.registries import REGISTRY_CHANNELS, Registries
from common.core.telemetry.error_kinds import LEFT_ALONE, NO_SERVER, NOT_ANSWERED, NOT_ASKED, UNASKED, kind_of
from common.core.telemetry.telemetry import Telemetry
from common.core.trust.server_trust import Trust
from common.core.verdict.assessor import SUFFIX_GONE


class Unanswered:
    """Notes queries that were not answered."""

    def __init__(
        self, registries: Registries, rate_limits: RateLimits, channels: Channels, trust: Trust, telemetry: Telemetry
    ) -> None:
        self._registries = registries
        self._rate_limits = rate_limits
        self._channels = channels
        self._trust = trust
        self._telemetry = telemetry

    def note_query(
        self, query: Query, why: str, now: float, *, finding: str = NOT_ASKED, retry_after: float | None = None
    ) -> None:
        """Note that a query will not be answered: it never left, or its worker was lost."""
        reading = unknown_reading(finding, why, retry_after=retry_after)
        kind = kind_of(Observation(query.method, reading))
        self._telemetry.metrics.count("check_errors", method=query.method, kind=kind)
        if query.entry is not None and (finding == NOT_ANSWERED or not query.tries):
            _note_trouble(query.entry, query.method, query.server, reading, now)

    def note_refused_place(self, entry: Entry, method: str, server: str, limit: Limit, now: float) -> None:
        """Note that a query was not admitted to the queue of its operator, and why."""
        self._telemetry.metrics.count("questions_turned_away", method=method)
        budgets, egresses = self._rate_limits.budgets, self._rate_limits.egresses_of(method, now)
        wait = None
        if not egresses:
            why = f"no worker is there that asks {method}"
        elif limit.rate <= 0:
            why = f"the budget of {limit.operator} allows no questions"
        elif is_limiting(limit, egresses, budgets, now):
            wait = min(budgets.limited_until(limit, egress, now) for egress in egresses) - now
            why = f"{limit.operator} limits us, for another {wait:.0f} s"
        elif limit.per_day is not None and not any(budgets.available_tokens(limit, egress, now) for egress in egresses):
            why = f"the day's quota of {limit.operator} is used up"
        else:
            why = f"the line of {limit.operator} is too long"
        self._telemetry.metrics.count("check_errors", method=method, kind=NOT_ASKED)
        _note_trouble(entry, method, server, unknown_reading(NOT_ASKED, why, retry_after=wait), now)

    def note_left_out(self, entry: Entry, queried: set[str], now: float) -> None:
        """Note which registry channels a check did not query, and why."""
        for method in REGISTRY_CHANNELS:
            if method in queried:
                continue
            server = self._registries.server_of(method, entry.suffix)
            if server is None and method not in RECORD_METHODS:
                continue  # few registries have one, so that it is missing explains nothing
            if server is None:
                _note_trouble(entry, method, "", unknown_reading(NO_SERVER, f"no server is known for .{entry.suffix}"), now)
                continue
            key = ChannelKey(method, host_of(server), entry.suffix)
            row, health = self._trust.find_row(key), self._channels.healths.health_of(key)
            if row is not None and self._trust.is_distrusted(key, now):
                _note_trouble(
                    entry, method, server, unknown_reading(LEFT_ALONE, f"its server is not believed: {row.reason}"), now
                )
            elif self._channels.healths.is_resting(key, now):
                since = now - health.silent_since
                silence = f"silent for {since:.0f} s: {health.reason}" if health.silent else "it owes an answer"
                _note_trouble(entry, method, server, unknown_reading(LEFT_ALONE, silence), now)


def _note_trouble(entry: Entry, method: str, server: str, reading: Reading, now: float) -> None:
    """Note why a method says nothing; what its server answered in this check, or that the suffix is gone, is kept instead."""
    known = entry.detail.trouble.get(method)
    if known is not None and known.observation.reading.finding not in UNASKED:
        current = entry.check is not None and known.at >= entry.check.started
        if current or known.observation.reading.finding in SUFFIX_GONE:
            return
    entry.note_observation(Observation(method, reading, server=host_of(server) or entry.suffix), now)
