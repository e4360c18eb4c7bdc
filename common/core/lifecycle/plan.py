"""What would a list cost? The pace, the waits and the latency that budgets leave to so many names of each suffix. Pure.

Worst figures hold where every operator stays at the pace that it starts with, typical ones where clean answers have led it to
its ceiling. They come from the intervals, limits and shares that the scheduler uses. How many are out of the zone, and how
many drop in a day, is not known of names that were never asked about: these are shares of com, with their source.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import inf

import numpy as np

from common.core.builtin.lifecycles import cycle_for
from common.core.lifecycle.registry_due import record_interval
from common.core.model.channel import ChannelKey
from common.core.model.evidence import Observation, Outcome, Reading
from common.core.model.limit import Limit
from common.core.rate_limits.bucket import DAY
from common.core.rate_limits.budgets import POLLS, ROUTINE, Budgets
from common.core.rate_limits.query_queue import TOKENS
from common.core.registries.registries import Registries
from common.core.schedule.cadence import IN_WINDOW, JITTER, Cadence
from common.core.schedule.calm import IN_REDEMPTION
from common.core.schedule.drop_hours import PUBLISHED
from common.core.schedule.window_value import Windows, find_level, finest_steps, step_at, weigh_windows

#: Share of the names in redemption or pending delete: com, January 2012 (blog.domaintools.com); share deleted within a year:
#: com, December 2018 to December 2019 (circleid.com, "The Ghosts of Deletions Future", 10 December 2019).
OUT_OF_ZONE, DELETED_A_YEAR = 0.0206, 0.1733
#: Days of a year, over which the record of a name is asked for at different intervals.
YEAR = 365
#: Name server addresses that are known without asking; of all others the guess of `Registries` is used.
ADDRESSES = {"com": 26, "net": 26}
#: Seconds until an answer is there, and longest virtual time in which a pace is followed to its ceiling.
ANSWER, LONGEST_CLIMB = 1.0, 7200
_ANSWERED = Observation("dns", Reading(Outcome.REGISTERED, "dns_auth_referral", "a sweep was answered"))


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRules:
    """`rate_share` and `quota_share` are the shares of a registry's rate and of its day for names inside windows.

    They are those of `checks.window_shares`.

    `days`: all names drop within so many days; None: as many as are deleted of com. `egresses`: addresses that are asked from.
    """

    cadence: Cadence
    rate_share: float
    quota_share: float
    days: float | None = None
    egresses: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What names call for. Names that are out of the zone, names inside windows at one time, and registry queries a day."""

    gone: float
    inside: float
    records: float  # about names in the zone
    polls: float  # about names inside windows, at a look a minute; closer ones are made of what is left
    looks: float  # about the other names out of the zone

    @property
    def a_day(self) -> float:
        """All registry queries a day."""
        return self.records + self.polls + self.looks


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A duration in seconds: where paces stay where they start, and where they have climbed to their ceilings."""

    worst: float
    typical: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SuffixPlan:
    """The plan of one suffix. Rates in queries per second of the whole operator, all spans in seconds.

    `narrow` is the budget that makes names wait most, "" where none does: then the intervals decide.
    """

    suffix: str
    names: int
    dns: str
    dns_rate: float
    dns_ceiling: float
    addresses: int
    registry: str  # "" where no registry channel can be asked
    method: str
    registry_rate: float
    registry_ceiling: float
    per_day: int | None
    registry_queries: float  # a day, that the budget allows
    wanted_queries: float  # a day, by all names of the operator
    first_look: Span
    calm: Span  # between two looks at a name in the zone
    out_of_zone: Span  # between two registry queries about a name out of it
    in_window: Span  # between two registry queries about a name that may drop about now
    unseen: Span  # the longest time without a look
    latency: Span  # from the purge to the verdict, for a name whose window is known
    narrow: str


@dataclass(slots=True)
class _Operator:
    """One operator while its suffixes are added up."""

    limit: Limit
    names: int = 0
    inside: dict[str, float] = field(default_factory=dict)  # names inside windows, by suffix
    demand: Demand = field(default_factory=lambda: Demand(gone=0, inside=0, records=0, polls=0, looks=0))

    def add(self, suffix: str, names: int, more: Demand) -> None:
        """Add the names of a suffix."""
        self.names += names
        self.inside[suffix] = more.inside
        self.demand = Demand(
            gone=self.demand.gone + more.gone,
            inside=self.demand.inside + more.inside,
            records=self.demand.records + more.records,
            polls=self.demand.polls + more.polls,
            looks=self.demand.looks + more.looks,
        )


def plan_list(counts: Mapping[str, int], registries: Registries, rules: PlanRules) -> list[SuffixPlan]:
    """The plan of so many names of each suffix, those with most names first. Suffixes are A-labels; counts are above 0."""
    for suffix in counts.keys() & ADDRESSES.keys():
        registries.note_address_count(suffix, ADDRESSES[suffix])
    zones, servers = dict[str, _Operator](), dict[str, _Operator]()
    for suffix, names in counts.items():
        demand = find_demand(suffix, names, rules)
        zone = registries.limit_of("dns", suffix, suffix)
        _widest(zones, zone).add(suffix, names, demand)
        if (key := _registry_channel(registries, suffix)) is not None:
            _widest(servers, registries.limit_of(*key)).add(suffix, names, demand)
    return [
        _plan_suffix(suffix, names, registries, rules, zones, servers)
        for suffix, names in sorted(counts.items(), key=lambda item: -item[1])
    ]


def find_demand(suffix: str, names: int, rules: PlanRules) -> Demand:
    """What so many names of one suffix call for: each drops within `rules.days`, or a share of them within a year."""
    dropping = names / rules.days if rules.days else names * DELETED_A_YEAR / YEAR
    gone = min(float(names), max(names * OUT_OF_ZONE, dropping))
    inside = min(float(names), dropping)
    _, open_for = PUBLISHED.hours_of(suffix)
    return Demand(
        gone=gone,
        inside=inside,
        records=(names - gone) * records_a_day(),
        polls=inside * open_for / min(rules.cadence.interval, IN_WINDOW),
        looks=max(0.0, gone - inside) * DAY / calm_step(suffix, rules.cadence),
    )


def calm_step(suffix: str, cadence: Cadence) -> float:
    """Seconds between looks at a name out of the zone that cannot drop yet: as in redemption, which is longest (`calm`)."""
    return IN_REDEMPTION if cycle_for(suffix) is not None else cadence.interval


def records_a_day() -> float:
    """Registry queries a day about a name in the zone, averaged over the year before its expiry; without a date as many."""
    return sum(DAY / record_interval(-day * DAY) for day in range(YEAR)) / YEAR


def first_look_seconds(limit: Limit, names: float) -> float:
    """How long DNS queries about so many names take where every answer is clean: the pace climbs as the real buckets let it."""
    if limit.rate <= 0:
        return inf
    budgets, now, left = Budgets(), DAY, names
    while left > 0 and now < DAY + LONGEST_CLIMB:
        if (rate := budgets.learned_rate(limit, "", now)) >= limit.highest_rate:
            return now - DAY + left / rate
        now += ANSWER
        count = int(min(left, budgets.available_tokens(limit, "", now)))
        budgets.take_tokens(limit, "", count, now)
        budgets.note_answer(limit, "", _ANSWERED, now)
        left -= count
    return now - DAY + left / budgets.learned_rate(limit, "", now)


def polling_periods(inside: Mapping[str, float], limit: Limit, rules: PlanRules) -> dict[str, float]:
    """Seconds between two queries about a name inside its window, by suffix, in this budget's part for such names.

    `inside`: how many there are of each suffix. The rule is that of `checks.window_shares` and `cadence.next_check_at`, for
    windows of a day's hours that are all open at one time, and drops that are all as likely. No wait is longer than the base
    interval; what the operator then cannot take waits in its queue.
    """
    rate = limit.rate * rules.egresses
    if rate <= 0:
        return dict.fromkeys(inside, inf)
    windows, names = _windows_of(list(inside)), np.array(list(inside.values()))
    waits = float(names.sum()) / rate
    weights = weigh_windows(windows, np.ones(len(names)), np.zeros(len(names), np.bool_))
    finest = finest_steps(windows, 0.0)
    level = find_level(weights, 1.0 / finest, names, rules.rate_share * rate)
    if limit.per_day is not None:
        quota, seconds = max(1, limit.per_day) * rules.egresses, names * windows.widths()
        level = min(level, find_level(weights, 1.0 / finest, seconds, rules.quota_share * POLLS.share * quota))
        waits = max(waits, float(seconds.sum()) / quota)
    steps = [step_at(level, weight, least) for weight, least in zip(weights.tolist(), finest.tolist(), strict=True)]
    return {suffix: max(min(rules.cadence.interval, step), waits) for suffix, step in zip(inside, steps, strict=True)}


def _polls_a_day(inside: Mapping[str, float], periods: Mapping[str, float]) -> float:
    """Queries a day about names inside windows, while these are open."""
    return sum(names * PUBLISHED.hours_of(suffix)[1] / periods[suffix] for suffix, names in inside.items())


def _windows_of(suffixes: list[str]) -> Windows:
    """The hours of a day in which names of each suffix drop, on the day that begins at 0."""
    start, length = np.array([PUBLISHED.hours_of(suffix) for suffix in suffixes]).reshape(-1, 2).T
    return Windows(start, start + length, start, length)


def _plan_suffix(
    suffix: str,
    names: int,
    registries: Registries,
    rules: PlanRules,
    zones: Mapping[str, _Operator],
    servers: Mapping[str, _Operator],
) -> SuffixPlan:
    zone, key = zones[registries.limit_of("dns", suffix, suffix).operator], _registry_channel(registries, suffix)
    server = servers[registries.limit_of(*key).operator] if key is not None else None
    limit = server.limit if server is not None else Limit("", 0.0, 0.0)
    slow = _find_spans(suffix, zone.limit, limit, zone, server, rules)
    fast = _find_spans(suffix, _climbed(zone.limit), _climbed(limit), zone, server, rules)
    first = Span(worst=zone.names / _per_second(zone.limit, rules), typical=first_look_seconds(zone.limit, zone.names))
    return SuffixPlan(
        suffix=suffix,
        names=names,
        dns=zone.limit.operator,
        dns_rate=zone.limit.rate,
        dns_ceiling=zone.limit.highest_rate,
        addresses=zone.limit.address_count,
        registry=limit.operator,
        method=key.method if key is not None else "",
        registry_rate=limit.rate,
        registry_ceiling=limit.highest_rate,
        per_day=limit.per_day,
        registry_queries=_per_second(limit, rules) * DAY,
        wanted_queries=server.demand.a_day if server is not None else 0.0,
        first_look=first,
        latency=Span(
            worst=_latency(slow["in_window"] * (1 + JITTER), limit, rules) + 2 * TOKENS / max(limit.rate, 1e-12),
            typical=_latency(fast["in_window"] / 2, limit, rules),
        ),
        narrow=_find_narrow(zone, server, rules),
        **{name: Span(worst=slow[name], typical=fast[name]) for name in slow},
    )


def _latency(wait: float, limit: Limit, rules: PlanRules) -> float:
    """Seconds from a purge to the verdict: the wait for the next query, its answer, and the confirming pass."""
    return wait + rules.cadence.gap_close + 2 * ANSWER if limit.rate > 0 else inf


def _find_spans(
    suffix: str, dns: Limit, registry: Limit, zone: _Operator, server: _Operator | None, rules: PlanRules
) -> dict[str, float]:
    """The spans of one suffix in seconds, by their names in `SuffixPlan`, at the rates of these limits."""
    interval = rules.cadence.interval
    calm = max(interval, (zone.names - zone.demand.gone) / _per_second(dns, rules))
    if server is None:
        return {"calm": calm, "out_of_zone": inf, "in_window": inf, "unseen": calm * (1 + JITTER)}
    demand, rate = server.demand, _per_second(registry, rules)
    periods = polling_periods(server.inside, registry, rules)
    left = rate - _polls_a_day(server.inside, periods) / DAY
    waiting = max(0.0, demand.gone - demand.inside)
    step = calm_step(suffix, rules.cadence)
    looks = max(step, waiting / min(left, _routine(registry, rules))) if left > 0 else inf
    return {
        "calm": calm,
        "out_of_zone": looks,
        "in_window": periods[suffix],
        "unseen": max(calm, looks) * (1 + JITTER),
    }


def _climbed(limit: Limit) -> Limit:
    """The limit at its ceiling."""
    return replace(limit, rate=limit.highest_rate)


def _per_second(limit: Limit, rules: PlanRules) -> float:
    """Queries a second that a budget allows over a day, at its rate, from all egresses; tiny where it allows none."""
    rate = limit.rate if limit.per_day is None else min(limit.rate, limit.per_day / DAY)
    return max(rate * rules.egresses, 1e-12)


def _routine(limit: Limit, rules: PlanRules) -> float:
    """The same for queries that can wait: they leave a part of a day's quota to others."""
    part = None if limit.per_day is None else int(limit.per_day * ROUTINE.share)
    return _per_second(replace(limit, per_day=part), rules)


def _find_narrow(zone: _Operator, server: _Operator | None, rules: PlanRules) -> str:
    """The budget of which most times as much is wanted as it allows; "" where none is wanted beyond what it allows."""
    looks = (zone.names - zone.demand.gone) / rules.cadence.interval
    found = {zone.limit.operator: looks / _per_second(_climbed(zone.limit), rules)}
    if server is not None:
        wanted, limit = server.demand.a_day / DAY, server.limit
        found[limit.operator] = wanted / max(limit.highest_rate * rules.egresses, 1e-12)
        if limit.per_day is not None:
            found[f"{limit.operator} per day"] = server.demand.a_day / max(1, limit.per_day * rules.egresses)
    name = max(found, key=lambda key: found[key])
    return name if found[name] > 1 else ""


def _registry_channel(registries: Registries, suffix: str) -> ChannelKey | None:
    """The channel that names out of the zone are asked about, the first that is used; None where the registry has none."""
    return next(iter(registries.channels_of(suffix)), None)


def _widest(found: dict[str, _Operator], limit: Limit) -> _Operator:
    """The operator of a limit; of several suffixes with different numbers of addresses the one with most counts."""
    operator = found.setdefault(limit.operator, _Operator(limit))
    if limit.rate > operator.limit.rate:
        operator.limit = limit
    return operator
