"""Queues the queries of checks at their operators, and says how much room there is for more."""

from __future__ import annotations

from common.core.channels.channel_health import FRESH
from common.core.channels.channels import Channels
from common.core.checks.escalation import ChannelOffer
from common.core.checks.unanswered import Unanswered
from common.core.model.channel import ChannelKey
from common.core.model.entry import Check, Entry, Rank
from common.core.model.evidence import Outcome
from common.core.model.methods import RECORD_METHODS, REGISTRY_METHODS, budget_of, is_registrar, pool_of
from common.core.model.query import Query
from common.core.model.states import OWNED, State
from common.core.rate_limits.rate_limits import RateLimits
from common.core.registries.directory import host_of
from common.core.registries.registries import REGISTRY_CHANNELS, Registries
from common.core.schedule.cadence import is_imminent
from common.core.schedule.calm import is_in_hours, is_off_hours
from common.core.schedule.drop_hours import DropHours
from common.core.trust.conditions import Conditions
from common.core.trust.server_trust import Trust

#: Seconds for which the denial of a channel without a token stands while an alarm is confirmed: half as long as it is fresh.
STANDS_FOR = FRESH / 2
DAY = 86_400.0
#: Seconds after its purge in which looks at a name in a release procedure are not routine: most procedures take no longer.
SHORT_HOLD = 3 * DAY


class QueryPlanner:
    """Chooses channels and queues queries."""

    def __init__(
        self,
        *,
        registries: Registries,
        rate_limits: RateLimits,
        channels: Channels,
        trust: Trust,
        conditions: Conditions,
        unanswered: Unanswered,
        hours: DropHours,
    ) -> None:
        self._registries = registries
        self._hours = hours
        self._rate_limits = rate_limits
        self._channels = channels
        self._trust = trust
        self._conditions = conditions
        self._unanswered = unanswered

    def offer_channels(self, entry: Entry, now: float) -> ChannelOffer:
        """The channels through which a name can be checked now."""
        suffix = entry.suffix
        resting = {key.method for key in self._registries.channels_of(suffix) if self._channels.is_left_alone(key, now)}
        if self._channels.is_zone_left_alone(suffix, now):
            resting.add("dns")
        return ChannelOffer(
            registry=tuple(method for method in REGISTRY_CHANNELS if self._is_offered(method, suffix, now)),
            wildcard=self._registries.wildcards.is_wildcard(suffix),
            resting=frozenset(resting),
            slow=frozenset(self.slow_methods(entry, now)),
            registrars=tuple(self._usable_registrars(suffix, now)),
            spent=self._spent_methods(entry, now),
        )

    def slow_methods(self, entry: Entry, now: float) -> set[str]:
        """The registry methods that are too slow for an alarm to wait for, where another one is fast enough.

        None for a name never seen registered: the slow one may be the one that would say "reserved".
        """
        conditions, _ = self._conditions.find_conditions(entry.suffix, now)
        if not conditions or entry.detail.registered_seen is None:
            return set()
        waited_for = {condition.method for condition in conditions}
        return {key.method for key in self._registries.channels_of(entry.suffix) if key.method not in waited_for}

    def _spent_methods(self, entry: Entry, now: float) -> frozenset[str]:
        """The registry methods whose denial of this run is young enough to stand, and whose operator has no token left."""
        since, evidence = entry.detail.purged_at, entry.detail.evidence
        return frozenset(
            key.method
            for key in (self._registries.channels_of(entry.suffix) if entry.detail.passes else ())
            if (known := evidence.get(key.method)) is not None
            and known.observation.reading.outcome is Outcome.UNREGISTERED
            and known.at >= (now if since is None else since)
            and now - known.at <= STANDS_FOR
            and not self._rate_limits.has_token(key.method, entry.suffix, now)
        )

    def has_token(self, key: ChannelKey, now: float) -> bool:
        """Whether a query could be sent through a channel now."""
        return self._rate_limits.has_token(key.method, key.suffix, now)

    def distrusted_channels(self, entry: Entry, now: float) -> list[ChannelKey]:
        """The registry channels of a name whose server lied and was not verified since."""
        return [key for key in self._registries.channels_of(entry.suffix) if self._trust.is_left_out(key, now)]

    def registry_room(self, suffix: str, rank: Rank, now: float) -> int | None:
        """How many names of a sweep the queue of the suffix's registry takes; of its channels RDAP counts first.

        0 where no channel can be queried now, None where there is none.
        """
        room = None
        for method in REGISTRY_CHANNELS:
            server = self._usable_server(method, suffix, now)
            if server is None:
                continue
            limit = self._registries.limit_of(method, self._registries.payer_of(method, server, suffix), suffix)
            if self._rate_limits.admits_query(method, limit, rank, now):
                return self._rate_limits.room_for_sweeps(method, limit, rank, now)
            room = 0
        return room

    def is_full(self, suffix: str, now: float) -> bool:
        """Whether the queue that a routine check under this suffix enters first is full, so that it should not begin yet.

        False while the operator limits us: the check goes on without its answer, so there is nothing to wait for.
        """
        wildcard = self._registries.wildcards.is_wildcard(suffix)
        for method in REGISTRY_CHANNELS if wildcard else ("dns",):
            server = self._usable_server(method, suffix, now)
            if server is None:
                continue
            limit = self._registries.limit_of(method, self._registries.payer_of(method, server, suffix), suffix)
            full = self._rate_limits.queue.room_for_queries(limit, Rank.ORDINARY) <= 0
            return full and self._rate_limits.admits_query(method, limit, Rank.ORDINARY, now)
        return False

    def queue_query(self, entry: Entry, check: Check, method: str, now: float, *, unawaited: bool = False) -> bool:
        """Queue one query. False where its operator or pool would not answer in reasonable time.

        `unawaited`: no check waits for the answer, so it goes behind all others.
        """
        suffix, queue = entry.suffix, self._rate_limits.queue
        server = self._registries.server_or_referral(method, suffix, now)
        if server is None:
            return False
        limit = self._registries.limit_of(method, self._registries.payer_of(method, server, suffix), suffix)
        rank = Rank.BACKGROUND if unawaited else _rank_of(entry, check, method)
        if not unawaited and rank > Rank.NEWS and self._is_dropping(entry, check, now):
            rank = Rank.NEWS if self._rate_limits.room_for_sweeps(method, limit, Rank.NEWS, now) > 0 else rank
        full = method != "dns" and not queue.room_for_queries(limit, rank)  # a check begins where DNS has room: `is_full`
        if full or not self._rate_limits.admits_query(method, limit, rank, now):
            self._unanswered.note_refused_place(entry, method, server, limit, now)
            return False
        if method == "whois" and not server:
            self._registries.referrals.note_query(suffix, now)
        query = Query(
            method=method,
            pool=pool_of(method),
            domain=entry.name,
            suffix=suffix,
            server=server,
            limit=limit,
            rank=rank,
            queued=now,
            budget=budget_of(method),
            entry=entry,
            confirm=check.confirm,
            rate=self._rate_limits.learned_rate(method, limit, now),
            unawaited=unawaited,
        )
        queue.add_query(query)
        if is_registrar(method):
            entry.queued_until[method] = query.deadline
        return True

    def _is_offered(self, method: str, suffix: str, now: float) -> bool:
        """Whether a method has a server that can be queried; a method that needs settings, also a worker that has them."""
        if self._usable_server(method, suffix, now) is None:
            return False
        return method in RECORD_METHODS or bool(self._rate_limits.egresses_of(method, now))

    def _usable_registrars(self, suffix: str, now: float) -> list[str]:
        """The registrars that can be asked now, those that need not be waited for first; a dead one is tried after a rest."""
        usable = [
            method
            for method in self._registries.sources.registrar_methods(suffix)
            if self._usable_server(method, suffix, now) is not None
            and self._rate_limits.current_pace(method, suffix, now) > 0
            and not self._channels.healths.is_resting(self._registries.channel_of(method, suffix), now)
        ]
        return sorted(usable, key=lambda method: not self._rate_limits.has_token(method, suffix, now))

    def _usable_server(self, method: str, suffix: str, now: float) -> str | None:
        """The server of a method, None where there is none or it is distrusted."""
        server = self._registries.server_or_referral(method, suffix, now)
        if server is None or self._trust.is_left_out(ChannelKey(method, host_of(server), suffix), now):
            return None
        return server

    def _is_dropping(self, entry: Entry, check: Check, now: float) -> bool:
        """Whether a name may drop at any moment, or one registry channel says that it did."""
        gone = Outcome.UNREGISTERED in check.outcomes.values() or entry.detail.purged_at is not None
        gone = (gone and entry.state in OWNED) or _is_released_soon(entry, now)
        by_hours = is_in_hours(entry, now, self._hours) or is_off_hours(entry, now, self._hours)
        return gone or is_imminent(entry, now) or by_hours


def _is_released_soon(entry: Entry, now: float) -> bool:
    """Whether a name's release procedure may end about now: it began lately, ends within a day, or its end is not known."""
    if entry.state is not State.DROPPING:
        return False
    since, until = entry.detail.purged_at, entry.held_until
    return since is None or now - since <= SHORT_HOLD or until is None or until - now <= DAY


def _rank_of(entry: Entry, check: Check, method: str) -> Rank:
    """How urgent a query of this check is."""
    if check.confirm or check.manual:
        return Rank.URGENT
    if entry.priority:
        return Rank.PRIORITY
    if check.asks_registry or (check.outcomes.get("dns") is Outcome.UNREGISTERED and entry.state in OWNED):
        return Rank.NEWS
    if check.outcomes.get("dns") is Outcome.UNREGISTERED and not entry.detail.evidence.keys() & REGISTRY_METHODS:
        return Rank.FIRST
    known = entry.detail.evidence.get("dns")
    delegated = known is not None and known.observation.reading.outcome is Outcome.REGISTERED
    return Rank.BACKGROUND if pool_of(method) != "fast" and delegated else Rank.ORDINARY
