"""Canaries queried before they are needed: inside a drop window, and where a channel was silent or not queried for hours.

A positive answer waits for the canaries of its server, and an alarm for a channel that may be dead. Both cost seconds at a
drop, and nothing where they are known beforehand. A registrar that refuses its key is found out the same way.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from common.core.channels.channels import Channels
from common.core.model.channel import ChannelKey, Probe
from common.core.model.entry import Entry, Rank
from common.core.model.methods import is_registrar
from common.core.rate_limits.rate_limits import RateLimits
from common.core.registries.registries import Registries
from common.core.schedule.drop_hours import DropHours
from common.core.telemetry.reach import SILENT, SILENT_SPAN
from common.core.telemetry.telemetry import Telemetry
from common.core.trust.canaries import Canaries
from common.core.trust.conditions import Conditions
from common.core.trust.server_trust import VERIFIED_FOR, Trust

#: Seconds around a drop window in which servers are kept verified, and the age of a canary that is queried anew then.
WINDOW_MARGIN, KEEP_WINDOW = 300.0, VERIFIED_FOR * 0.75
#: Queries that a server must be able to take in that time, so that two of them for canaries hold nothing up.
KEEP_COST = 16
#: The same for one canary, and parts of a day's quota of which one may go into such canaries in the hours of a window.
KEEP_LEAST, QUOTA_PARTS, WINDOW_HOURS = 4, 5, 4.0
DAY = 86_400.0
#: Seconds after its last answer at which a channel is probed, and one that is dead, or lied.
PROBE_EVERY, PROBE_SILENT_EVERY = 6 * 3600.0, 900.0
#: The same for one that fell silent: whether it is dead should be known within minutes, before the next drop.
PROBE_DOUBTED_EVERY = 15.0
#: Most seconds between two tries of a registrar that was caught lying.
RETRY_LONGEST = 7 * 86_400.0
#: Share of an operator's queries for such probes.
PROBE_SHARE = 0.05


@dataclass(slots=True, kw_only=True)
class EarlyCanaries:
    """Keeps servers verified inside drop windows, and finds out which channels still speak."""

    registries: Registries
    rate_limits: RateLimits
    channels: Channels
    trust: Trust
    conditions: Conditions
    canaries: Canaries
    hours: DropHours
    telemetry: Telemetry
    rng: Random
    _probe_after: dict[str, float] = field(init=False, default_factory=dict)  # by operator, in epoch seconds
    _retries: dict[ChannelKey, tuple[int, float]] = field(init=False, default_factory=dict)  # of liars: how many, the next
    _hidden_after: dict[str, float] = field(init=False, default_factory=dict)  # by method, in epoch seconds
    _registrar_turns: dict[str, int] = field(init=False, default_factory=dict)  # by method: how often it was probed

    def keep_verified(self, entry: Entry, now: float) -> None:
        """Verify beforehand the servers of a name that may drop at any moment: at the drop a canary costs seconds.

        A server that is too slow for both canaries is asked about a random name alone: about the known one it is asked after
        the drop in any case. Where these queries would be worth more as answers, none is sent. In the middle of its passes a
        name asks for the canaries it needs.
        """
        drop = entry.drop
        if entry.detail.passes or drop is None or not entry.in_window(now, margin=WINDOW_MARGIN):
            return
        if drop.latest - drop.earliest > DAY and not self.hours.are_open(entry.suffix, now):
            return
        for key in self.registries.channels_of(entry.suffix):
            pace = self.rate_limits.current_pace(key.method, entry.suffix, now)
            cheap = pace * KEEP_WINDOW >= KEEP_COST and not self._is_short(key, now, parts=2 * QUOTA_PARTS)
            if not cheap and (pace * KEEP_WINDOW < KEEP_LEAST or self._is_short(key, now, parts=QUOTA_PARTS)):
                continue
            if self.canaries.is_on_way(key) or self.trust.is_distrusted(key, now) or self.channels.is_known_dead(key, now):
                continue
            names = self.canaries.known_names.canaries_for(key, entry.name)
            for probe in self.trust.find_probes(key, 0.0, names, now, self.rng, window=KEEP_WINDOW):
                if cheap or not probe.registered:
                    self.telemetry.metrics.count("canaries_beforehand", method=key.method)
                    self.canaries.ask_canary(probe, now)

    def _is_short(self, key: ChannelKey, now: float, *, parts: int) -> bool:
        """Whether a canary every `KEEP_WINDOW` seconds takes more than one of so many parts of the queries left for an hour."""
        limit, budgets = self.registries.limit_of(*key), self.rate_limits.budgets
        if limit.per_day is None:
            return False
        left = sum(budgets.quota_left(limit, egress, now, now) for egress in self.rate_limits.egresses_of(key.method, now))
        hours = max(1.0, (DAY - now % DAY) / 3600.0)
        return parts * 3600.0 / KEEP_WINDOW > left / min(hours, WINDOW_HOURS)

    def probe_channels(self, suffixes: list[str], now: float) -> None:
        """Query a canary of each channel without an answer for hours: whether it speaks has to be known before a drop.

        A server that lied is asked about both canaries: it is left out until it was right about them, and a drop may be far.
        Each operator gives a twentieth of its queries for that, and only while its queue has room.
        """
        for suffix in suffixes:
            for key in self.registries.channels_of(suffix):
                due = self.channels.healths.health_of(key).heard_at + self._probe_interval(key, now)
                if now >= due and not self.canaries.is_on_way(key) and not self.trust.is_quarantined(key, now):
                    self._probe_channel(key, now)

    def probe_registrars(self, suffixes: list[str], now: float) -> None:
        """Query a known name at each registrar that was not queried for hours, under one suffix after the other.

        Whether it takes our key should be known before its word is needed.
        """
        for source in self.registries.sources.all_sources():
            method = source.method
            served = [suffix for suffix in suffixes if self.registries.server_of(method, suffix)]
            if not is_registrar(method) or not source.proof or not served:
                continue
            channels = [self.registries.channel_of(method, suffix) for suffix in served]
            next((key for key in channels if self._verify_again(key, now)), None)  # a few canaries at a time
            for key in channels:
                self._probe_hidden(key, now)
            if now < self._probe_after.get(method, 0.0):
                continue
            turn = self._registrar_turns.get(method, 0)
            key = self.registries.channel_of(method, served[turn % len(served)])
            if not self._admits_probe(key, now):
                continue
            self._registrar_turns[method], self._probe_after[method] = turn + 1, now + PROBE_EVERY
            for name in self.canaries.known_names.canaries_for(key, "")[:1]:
                self.canaries.ask_canary(Probe(key, name, registered=True), now, Rank.BACKGROUND)

    def _probe_hidden(self, key: ChannelKey, now: float) -> None:
        """Query a name that the registry shows and the zone does not, once one is known and every six hours after that."""
        name = self.canaries.known_names.hidden.find_name(key.suffix, now)
        due = max(self.trust.hidden_asked_at(key) + PROBE_EVERY, self._hidden_after.get(key.method, 0.0))
        if name is None or now < due or not self._admits_probe(key, now):
            return
        self._hidden_after[key.method] = now + PROBE_SILENT_EVERY
        self.canaries.ask_canary(Probe(key, name, registered=True, hidden=True), now, Rank.BACKGROUND)

    def _admits_probe(self, key: ChannelKey, now: float) -> bool:
        """Whether a query in the background may go to the operator of a channel now."""
        limit = self.registries.limit_of(key.method, key.server, key.suffix)
        return self.rate_limits.admits_query(key.method, limit, Rank.BACKGROUND, now)

    def _verify_again(self, key: ChannelKey, now: float) -> bool:
        """Query both canaries of a registrar that was caught lying: after a quarter of an hour, then ever more rarely.

        Returns whether they were queried.
        """
        if not self.trust.is_distrusted(key, now):
            self._retries.pop(key, None)
            return False
        tries, due = self._retries.get(key, (0, self.trust.row_of(key).failed_at + PROBE_SILENT_EVERY))
        if now < due or self.trust.is_quarantined(key, now) or self.canaries.is_on_way(key) or not self._admits_probe(key, now):
            return False
        self._retries[key] = tries + 1, now + min(PROBE_SILENT_EVERY * 2.0 ** min(tries + 1, 10), RETRY_LONGEST)
        names = self.canaries.known_names.canaries_for(key, "")
        for probe in self.trust.find_probes(key, now, names, now, self.rng):
            self.canaries.ask_canary(probe, now, Rank.BACKGROUND)
        return True

    def _probe_interval(self, key: ChannelKey, now: float) -> float:
        """Seconds after its last answer at which a channel is probed."""
        silent = self.telemetry.reach.methods[key.method].has_lasted(SILENT, SILENT_SPAN)
        if self.trust.is_distrusted(key, now) or self.channels.is_known_dead(key, now) or silent:
            return PROBE_SILENT_EVERY  # where a method is silent it tells one server that is down from all of them
        return PROBE_DOUBTED_EVERY if self.channels.healths.health_of(key).silent else PROBE_EVERY

    def _probe_channel(self, key: ChannelKey, now: float) -> None:
        limit = self.registries.limit_of(key.method, key.server, key.suffix)
        if now < self._probe_after.get(limit.operator, 0.0):
            return
        full = not self.rate_limits.queue.room_for_queries(limit, Rank.BACKGROUND)
        if full or not self.rate_limits.admits_query(key.method, limit, Rank.BACKGROUND, now):
            return
        probes = self.trust.find_probes(key, now, self.canaries.known_names.canaries_for(key, ""), now, self.rng)
        asked = probes if self.trust.is_distrusted(key, now) else probes[:1]
        rate = limit.rate if limit.per_day is None else min(limit.rate, limit.per_day / 86_400.0)
        self._probe_after[limit.operator] = now + len(asked) / (PROBE_SHARE * rate)
        for probe in asked:
            self.canaries.ask_canary(probe, now, Rank.BACKGROUND)
