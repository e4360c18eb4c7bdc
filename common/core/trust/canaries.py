"""Canaries: queries whose right answer is known, which show whether a server tells the truth.

A positive counts only after its server found a name known to be registered again (`server_trust` keeps the score). Here is when
canaries are asked, which names wait for them, and how a lie is undone: a lying server loses what it said (whether it was the
canary's fault is the matter of `canary_disputes`). Verdicts are taken and counted elsewhere, from the `CanaryOutcome`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random

from common.core.channels.channel_health import QUERIES_PER_PASS
from common.core.channels.channels import zone_of
from common.core.domains.domains import Domains
from common.core.model.channel import ChannelKey, Probe
from common.core.model.entry import Check, Entry, Rank
from common.core.model.evidence import Observation, Outcome
from common.core.model.methods import budget_of, pool_of
from common.core.model.query import Query
from common.core.rate_limits.bucket import DAY
from common.core.rate_limits.rate_limits import RateLimits
from common.core.registries.registries import REGISTRY_CHANNELS, Registries
from common.core.telemetry.telemetry import Telemetry
from common.core.trust.canary_disputes import CanaryDisputes
from common.core.trust.canary_gaps import SuffixesWithoutCanary
from common.core.trust.conditions import Conditions
from common.core.trust.known_names import KnownNames
from common.core.trust.lies import drop_evidence, trust_key
from common.core.trust.outcomes import CanaryOutcome, Failure, Reconsidered
from common.core.trust.server_trust import Trust, canary_window, grade_answer, last_right_at, random_label

#: How often a server that keeps saying "registered" about a name that should go is asked about a random label, in seconds;
#: and inside the forecast window.
SUSPECT_EVERY, SUSPECT_CLOSE = 3600.0, 600.0
#: Most of a day's quota that goes into such canaries, but for one a day: names in their windows need it for looks.
SUSPECT_SHARE = 0.05
#: Longest time for which the next pass of a name waits for canaries, in seconds.
LONGEST_WAIT = 7200.0
#: Seconds after its check for which a name waits for a canary at most: the next check asks for another one.
WAIT = 900.0


@dataclass(slots=True, kw_only=True)
class Canaries:
    """Queries canaries, and works out what follows from their answers; `gaps` are the suffixes where none works."""

    registries: Registries
    rate_limits: RateLimits
    domains: Domains
    trust: Trust
    conditions: Conditions
    known_names: KnownNames
    telemetry: Telemetry
    rng: Random
    disputes: CanaryDisputes
    gaps: SuffixesWithoutCanary = field(init=False, default_factory=SuffixesWithoutCanary)
    #: By server: the names that wait for its canaries, and since when their answers count, in epoch seconds.
    _waiting: dict[ChannelKey, dict[str, float]] = field(init=False, default_factory=dict)
    _on_way: dict[ChannelKey, int] = field(init=False, default_factory=dict)  # canaries that are not answered yet
    _suspected_at: dict[ChannelKey, float] = field(init=False, default_factory=dict)

    # -- asking ----------------------------------------------------------------------------------------------------------

    def await_canaries(self, entry: Entry, waiting: list[tuple[ChannelKey, float]], since: float, now: float) -> None:
        """Query canaries of the servers that a name's alarm waits for; each comes with the time of the answer to verify.

        Its verdict is taken again when they have answered, and its next pass waits for that, as long as one is on its way.
        """
        entry.awaited.clear()
        for key, at in waiting:
            self._waiting.setdefault(key, {})[entry.name] = since
            self.verify_server(key, entry.name, at, now)
            if self.is_on_way(key):
                entry.awaited.add(key)

    def follow_offers(self, entry: Entry, waiting: list[tuple[ChannelKey, float]], since: float, now: float) -> None:
        """Query canaries of sources whose offer counts once they are verified. The next pass of the name waits for none.

        Its verdict is taken again when they have answered.
        """
        for key, at in waiting:
            self._waiting.setdefault(key, {})[entry.name] = since
            self.verify_server(key, entry.name, at, now)

    def longest_wait(self, entry: Entry, now: float) -> float:
        """How long the next pass of a name waits for canaries on their way, in seconds: as the slowest of the servers needs."""
        slowest = 0.0
        for key in entry.awaited:
            pace = self.rate_limits.current_pace(key.method, key.suffix, now) if key.method != "dns" else 1.0
            slowest = max(slowest, budget_of(key.method) + (QUERIES_PER_PASS / pace if pace > 0 else 0.0))
        return min(slowest, LONGEST_WAIT)

    def verify_server(self, key: ChannelKey, name: str, at: float, now: float) -> None:
        """Query the canaries of a server that are needed so that its answer about `name` at `at` (epoch seconds) may count."""
        if self.is_on_way(key) or self.trust.is_quarantined(key, now):
            return
        _, fresh = self.conditions.find_conditions(key.suffix, now)
        names = self.known_names.canaries_for(key, name)
        for probe in self.trust.find_probes(key, at, names, now, self.rng, window=canary_window(fresh)):
            self.ask_canary(probe, now)

    def suspect_servers(self, entry: Entry, check: Check, now: float) -> None:
        """Query a canary of a server whose answer looks wrong: what it said about this name it may say about every name.

        One that still says "registered" of a name that should be gone is asked about a random label, one that denies what
        another answer of this check knows about a known name.
        """
        overdue = entry.is_ending() or entry.in_window(now)
        every = SUSPECT_CLOSE if entry.in_window(now) else SUSPECT_EVERY
        known = check.found_registered()
        for method in REGISTRY_CHANNELS:
            item, said = entry.detail.evidence.get(method), check.outcomes.get(method)
            if item is None:
                continue
            key = ChannelKey(method, item.observation.server, entry.suffix)
            row = self.trust.row_of(key)
            if said is Outcome.REGISTERED and overdue:
                random = Probe(key, f"{random_label(self.rng)}.{entry.suffix}", registered=False)
                self._suspect_server(random, row.free_ok, every, now)
            elif said is Outcome.UNREGISTERED and known:
                for name in self.known_names.canaries_for(key, entry.name)[:1]:
                    self._suspect_server(Probe(key, name, registered=True), row.registered_ok, SUSPECT_CLOSE, now)

    def measure_wildcard(self, suffix: str, now: float) -> bool:
        """Query a random label in a zone before its first use, and daily. True while a first check has to wait for it."""
        wildcards, key = self.registries.wildcards, zone_of(suffix)
        if not self.rate_limits.egresses_of("dns", now):
            return False
        if wildcards.start_measuring(suffix, now):
            self.ask_canary(Probe(key, f"{random_label(self.rng)}.{suffix}", registered=False), now)
        return wildcards.is_awaited(suffix, now) and self.is_on_way(key)

    def ask_canary(self, probe: Probe, now: float, rank: Rank = Rank.URGENT) -> None:
        """Put the query of a canary into its operator's queue."""
        key = probe.key
        server = self.registries.server_of(key.method, key.suffix)
        if server is None:
            return
        limit = self.registries.limit_of(key.method, key.server, key.suffix)
        self._on_way[key] = self._on_way.get(key, 0) + 1
        self.rate_limits.queue.add_query(
            Query(
                method=key.method,
                pool=pool_of(key.method),
                domain=probe.domain,
                suffix=key.suffix,
                server=server,
                limit=limit,
                rank=rank,
                queued=now,
                budget=budget_of(key.method),
                probe=probe,
                rate=self.rate_limits.learned_rate(key.method, limit, now),
            )
        )

    def is_on_way(self, key: ChannelKey) -> bool:
        """Whether a canary of a server is not answered yet."""
        return key in self._on_way

    # -- answers ---------------------------------------------------------------------------------------------------------

    def take_canary_outcome(self, probe: Probe, observation: Observation, now: float) -> CanaryOutcome:
        """Take the answer to a canary: its server is verified, or loses what it said since it was last right.

        The caller applies the outcome: it counts failures and takes verdicts anew.
        """
        key, found = probe.key, CanaryOutcome()
        last = self._count_arrived(key)
        if probe.hidden:
            self._note_hidden(probe, observation, now)
            found.released = self._release_names(key, self._waiting.pop(key, {})) if last else []
            return found
        wild = key.method == "dns" and not probe.registered and self._learn_wildcard(key.suffix, observation, now)
        self._retry_wildcard(probe, now)
        before = last_right_at(self.trust.row_of(key))
        is_dead, found.settled = self.disputes.settle_dispute(probe, observation, now)
        if is_dead:
            found.released = self._release_names(key, self._waiting.pop(key, {})) if last else []
            return found
        lie = self._grade_answer(probe, observation, now, wild=wild)
        names = self._waiting.pop(key, {}) if last or lie else {}
        if self.trust.is_verified(key, now):
            self.gaps.note_proven(key)
        doubted = lie is not None and self._note_lie(probe, lie, now)
        if lie is not None:
            found.failures.append(Failure(key, {}, doubted))
        for entry in filter(None, map(self.domains.find_loaded, sorted(names))):
            voided = drop_evidence(entry, key.method, before, now) if lie is not None else {}
            if voided:
                found.failures.append(Failure(key, voided, doubted))
            if entry.check is not None and voided:
                entry.check.voided, entry.check.lie = {**entry.check.voided, **voided}, lie or ""
            elif entry.watched and entry.check is None:
                found.reconsidered.append(Reconsidered(entry, names[entry.name], voided, lie or ""))
        found.released = self._release_names(key, names)
        return found

    def take_unanswered(self, probe: Probe, now: float) -> list[str]:
        """A canary will not be answered. Returns the names that need not wait for its server any more."""
        last = self._count_arrived(probe.key)
        self._retry_wildcard(probe, now)
        return self._release_names(probe.key, self._waiting.get(probe.key, {})) if last else []

    def drop_lies(self, entry: Entry, check: Check, now: float) -> list[Failure]:
        """Drop from the evidence of a name what servers in quarantine said in a check.

        It was on its way, or taken, when they were caught lying.
        """
        failures = []
        for method, item in list(entry.detail.evidence.items()):
            key = trust_key(entry, method, item)
            if not self.trust.is_quarantined(key, now):
                continue
            row = self.trust.row_of(key)
            voided = drop_evidence(entry, method, last_right_at(row), row.failed_at)
            if voided:
                check.voided, check.lie = {**check.voided, **voided}, row.reason
            if voided and item.at <= row.failed_at:
                failures.append(Failure(key, voided, self.disputes.is_disputed(key)))
        return failures

    # -- waiting ---------------------------------------------------------------------------------------------------------

    def waiting_names(self) -> set[str]:
        """The names that wait for a canary: they stay loaded, for its answer changes what is known of them."""
        return set().union(*self._waiting.values())

    def forget_waiting(self, now: float) -> None:
        """Forget names that waited for a canary in vain, and names that are not loaded any more."""
        for key, names in list(self._waiting.items()):
            left = {name: since for name, since in names.items() if self._still_waits(self.domains.find_loaded(name), key, now)}
            if left:
                self._waiting[key] = left
            else:
                del self._waiting[key]

    @staticmethod
    def _still_waits(entry: Entry | None, key: ChannelKey, now: float) -> bool:
        """Whether a name still waits for a canary: one on its way, however slow its operator, or one of a recent check."""
        return entry is not None and (key in entry.awaited or now - (entry.checked_at or 0.0) <= WAIT)

    def _release_names(self, key: ChannelKey, names: Iterable[str]) -> list[str]:
        """Let these names wait for a server no more; returns them."""
        released = sorted(names)
        for entry in filter(None, map(self.domains.find_loaded, released)):
            entry.awaited.discard(key)
        return released

    def _count_arrived(self, key: ChannelKey) -> bool:
        """Count a canary as no longer on its way. True if it was the last one of its server."""
        left = self._on_way.get(key, 1) - 1
        if left > 0:
            self._on_way[key] = left
            return False
        self._on_way.pop(key, None)
        return True

    # -- grading ---------------------------------------------------------------------------------------------------------

    def _grade_answer(self, probe: Probe, observation: Observation, now: float, *, wild: bool) -> str | None:
        """Note an answer for or against its server, and count it. Returns a sentence where the server lied."""
        certain = self.known_names.is_certain(probe, now)
        dead = self.known_names.is_dead(probe.domain)  # asked before that was known
        lie = None if wild or dead else self.trust.note_answer(probe, observation, now, certain=certain)
        graded = "wildcard" if wild else "lie" if lie else grade_answer(probe, observation.reading.outcome)
        self.telemetry.metrics.count("canaries", method=probe.key.method, result=graded)
        return lie

    def _note_lie(self, probe: Probe, lie: str, now: float) -> bool:
        """Log a lie, and query the other side. Returns whether the canary is in doubt until that has answered."""
        key = probe.key
        self.telemetry.metrics.count("quarantines", method=key.method)
        fields = {"method": key.method, "server": key.server, "suffix": key.suffix, "reason": lie}
        self.telemetry.write_limited("warning", "server_quarantined", " ".join(key), now, **fields)
        other = self.disputes.begin_dispute(probe, now)
        if other is not None:
            self.ask_canary(other, now)
        return other is not None

    def _note_hidden(self, probe: Probe, observation: Observation, now: float) -> None:
        """Note whether a source offers a name that is registered but not in the zone, and log it where it does.

        Of a name that was deleted meanwhile the answer shows nothing.
        """
        entry = self.domains.find_loaded(probe.domain)
        if entry is not None and entry.detail.purged_at is not None:
            return
        offers = self.trust.note_hidden_answer(probe, observation, now)
        graded = "lie" if offers else grade_answer(probe, observation.reading.outcome)
        self.telemetry.metrics.count("canaries", method=probe.key.method, result=graded)
        if offers:
            fields = {"method": probe.key.method, "server": probe.key.server, "suffix": probe.key.suffix, "reason": offers}
            self.telemetry.write_limited("warning", "source_answers_from_zone", " ".join(probe.key), now, **fields)

    def _suspect_server(self, probe: Probe, answered_at: float, every: float, now: float) -> None:
        """Query a canary, unless its server answered such a one rightly or failed less than `every` seconds ago.

        Where a day's quota is small it is longer ago.
        """
        key = probe.key
        per_day = self.registries.limit_of(key.method, key.server, key.suffix).per_day
        if per_day is not None:
            every = max(every, min(DAY, DAY / (SUSPECT_SHARE * per_day)))
        last = max(answered_at, self.trust.row_of(key).failed_at, self._suspected_at.get(key, 0.0))
        if not self.is_on_way(key) and now - last > every:
            self._suspected_at[key] = now
            self.ask_canary(probe, now)

    def _retry_wildcard(self, probe: Probe, now: float) -> None:
        """Where nothing came of the query of a random label, measure the zone again soon."""
        if probe.key.method == "dns" and not probe.registered:
            self.registries.wildcards.note_no_answer(probe.key.suffix, now)

    def _learn_wildcard(self, suffix: str, observation: Observation, now: float) -> bool:
        """Learn whether a zone has a wildcard; true if it has, and then its answer is no lie."""
        reading, wildcards = observation.reading, self.registries.wildcards
        if reading.outcome is Outcome.UNREGISTERED:
            if wildcards.is_wildcard(suffix):
                self.domains.resume_guard(suffix, now)
            wildcards.note_measured(suffix, wildcard=False)
        elif reading.outcome is Outcome.REGISTERED or reading.finding == "dns_auth_wildcard":
            wildcards.note_measured(suffix, wildcard=True)
            self.telemetry.write_log("info", "wildcard_suffix", suffix=suffix, reason=reading.reason)
        self.domains.journal.set_meta("wildcards", wildcards.to_text())
        return wildcards.was_measured_wildcard(suffix)
