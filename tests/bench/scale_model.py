"""How much a list of names asks, writes and costs, worked out from its size, its suffixes and the product's own rules. Pure.

The budgets, intervals and sizes are the product's: they are read from it, not repeated here. `make bench ARGS="longlist"` and
`tests/bench_tests/test_bench_scale.py` hold the outcome against the simulated core.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import ceil, exp, inf
from typing import NamedTuple

from common.core.domains.journal import TOUCH_EVERY
from common.core.domains.last_look import BLOCK
from common.core.model.limit import Limit
from common.core.rate_limits.bucket import DAY
from common.core.rate_limits.budgets import ROUTINE
from common.core.registries.directory import Directory, host_of
from common.core.registries.operators import limit_for
from common.core.registries.registries import Registries
from common.core.schedule.registry_pace import IN_ZONE
from common.core.sweeps.sweep_dispatch import FEWEST, GOOD_SIZE, HOLD, HOLD_PER_NAME
from tests.bench.scale_mix import DELETED_A_YEAR, OTHERS, OUT_OF_ZONE, PUBLIC, Share

YEAR = 365.0


class RecordAges(NamedTuple):
    """How old a registry record may be, in days: by the days that are left until the name expires, and without a date."""

    dated: tuple[tuple[float, float], ...]
    undated: float


#: Those of the product, of a name in the zone (`lifecycle.registry_due`).
TODAY = RecordAges(((YEAR, IN_ZONE / DAY),), IN_ZONE / DAY)
#: The host that stands for each of those of which nothing is known.
UNKNOWN_HOST = "rdap.example"
#: Turns of the coordinator's loop in a second at most, see `Coordinator.next_wake`.
MOST_WAKES = 50.0
#: Sweeps without priority that are under way at once with one checker, and seconds that one takes where no budget slows it.
PLACES, SWEEP_SECONDS = 3, 1.0
#: Paces of name servers that stay where they are: how far those of a list climb is known once they have been asked.
STEADY = {"dns/gtld-servers": Limit("dns/gtld-servers", 2.0, 5), "dns/*": Limit("dns/*", 1.0, 3)}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The list and the settings. Intervals in seconds; `priority`, `gone` (out of the zone) and `churn` (new a day) are shares.

    `egresses`: addresses that checkers ask from. `limits`: budgets as `BUDGETS_FILE` sets them, beside the built-in ones of
    registries. `results`: CALLBACK_RESULTS.
    """

    names: int
    mix: tuple[Share, ...] = PUBLIC
    interval: float = 3600.0
    priority_interval: float = 300.0
    priority: float = 0.0
    gone: float = OUT_OF_ZONE
    deleted: float = DELETED_A_YEAR
    churn: float = 0.0
    results: str = "none"
    egresses: int = 1
    limits: Mapping[str, Limit] = field(default_factory=lambda: STEADY)
    record_ages: RecordAges = TODAY


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator of name servers or registry: questions a second that the plan wants, that one address is allowed, and asked.

    `copies`: how many operators like this there are; all other figures are those of one. `names` are those under it.
    """

    name: str
    copies: int
    names: float
    wanted: float
    allowed: float
    asked: float

    @property
    def egresses(self) -> int:
        """How many addresses could ask all that is wanted; 0 where none may ask."""
        return ceil(self.wanted / self.allowed - 1e-9) if self.allowed > 0 else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What leaves and what is written, each a second. `looks` are names asked about by DNS: `swept` together, `singles` alone.

    `records` are registry questions, of those `wanted`; `wakes` turns of the coordinator's loop, `rows` names written with
    their evidence, `blocks` 256 last looks each. `round_trip`: seconds between two looks at the name that waits longest.
    """

    dns: tuple[Operator, ...]
    registry: tuple[Operator, ...]
    looks: float
    swept: float
    singles: float
    sweeps: float
    wanted: float
    records: float
    wakes: float
    rows: float
    blocks: float
    round_trip: float
    drops: float


@dataclass(slots=True)
class _Sum:
    """One operator while its suffixes are added up."""

    copies: int
    allowed: float
    limit: Limit
    names: float = 0.0
    wanted: float = 0.0
    checks: float = 0.0  # of names out of the zone, each second


def find_traffic(plan: Plan) -> Traffic:
    """Work out the traffic of a plan."""
    registries = Registries(directory=Directory(), overrides=plan.limits, recursive_dns=False, iana_host="")
    total = sum(row.share for row in plan.mix)
    counts = {row.suffix: plan.names * row.share / total / row.copies for row in plan.mix}
    zones, servers = dict[str, _Sum](), dict[str, _Sum]()
    for row in plan.mix:
        registries.note_address_count(row.suffix, row.addresses)
        limit = registries.limit_of("dns", row.suffix, row.suffix)
        zone = zones.setdefault(limit.operator, _Sum(row.copies, limit.rate, limit))
        zone.names += counts[row.suffix]
        zone.wanted += _look_rate(plan, counts[row.suffix])
    swept = singles = sweeps = arrivals = 0.0
    slowest = 0.0
    for row in plan.mix:
        zone = zones[registries.limit_of("dns", row.suffix, row.suffix).operator]
        part = min(1.0, plan.egresses * zone.allowed / zone.wanted) if zone.wanted else 1.0
        rate = _look_rate(plan, counts[row.suffix]) * part
        between = counts[row.suffix] * (1 - plan.gone) / rate if rate else inf
        slowest = max(slowest, between)
        together, alone, times = _split_looks(plan, rate, zone.limit, limited=part < 1.0)
        swept, singles, sweeps = swept + together * row.copies, singles + alone * row.copies, sweeps + times * row.copies
        arrivals += together * row.copies
        _add_registry(plan, row, counts[row.suffix], between, registries, servers)
    sweeps = min(sweeps, PLACES / SWEEP_SECONDS)
    wanted = sum(one.wanted * one.copies for one in servers.values())
    for row in plan.mix:
        _add_overflow(plan, row, counts[row.suffix], registries, servers)
    dns, registry = _operators(zones, plan.egresses), _operators(servers, plan.egresses)
    records = sum(one.asked * one.copies for one in registry)
    # A name out of the zone is checked at its interval, and written, whether or not the registry could be asked.
    rows = singles + sum(one.copies * max(one.checks, min(one.wanted, plan.egresses * one.allowed)) for one in servers.values())
    blocks = plan.names / BLOCK
    touched = (swept + rows) * TOUCH_EVERY
    return Traffic(
        dns=dns,
        registry=registry,
        looks=swept + singles,
        swept=swept,
        singles=singles,
        sweeps=sweeps,
        wanted=wanted,
        records=records,
        wakes=MOST_WAKES * (1 - exp(-(arrivals + 3 * rows + 2 * sweeps + 1) / MOST_WAKES)),
        rows=rows,
        blocks=blocks * (1 - exp(-touched / blocks)) / TOUCH_EVERY if blocks else 0.0,
        round_trip=slowest,
        drops=plan.names * plan.deleted / YEAR / DAY,
    )


def record_period(age: float, between: float) -> float:
    """Seconds between two registry questions about a name whose record may be `age` seconds old, looked at every `between`.

    It is asked for at the first look after that, so half of `between` later on average, and not before the next one.
    """
    return max(between, age + between / 2)


def record_rate(between: float, *, dated: bool, ages: RecordAges = TODAY) -> float:
    """Registry questions a second about a delegated name: by its expiry date, or as where the registry shows none."""
    if not dated:
        return 1.0 / record_period(ages.undated * DAY, between)
    rate = begun = 0.0
    for until, days in ages.dated:
        rate += (until - begun) / YEAR / record_period(days * DAY, between)
        begun = until
    return rate


def names_in_window(plan: Plan, names: float) -> float:
    """How many of these names drop on one day: where the registry deletes once a day, all of them within its window."""
    return names * plan.deleted / YEAR


def _look_rate(plan: Plan, names: float) -> float:
    """DNS questions a second that the intervals call for."""
    return names * (1 - plan.gone) * ((1 - plan.priority) / plan.interval + plan.priority / plan.priority_interval)


def _split_looks(plan: Plan, rate: float, limit: Limit, *, limited: bool) -> tuple[float, float, float]:
    """Of the looks a second under one suffix: those in sweeps, those one by one, and the sweeps.

    Names that wait for tokens go in sweeps of half a burst. Others are held back for a moment after the first, and are checked
    one by one where fewer than `FEWEST` came in it.
    """
    if rate <= 0:
        return 0.0, 0.0, 0.0
    if limited:
        return rate, 0.0, rate / min(GOOD_SIZE, max(1, int(limit.burst / 2)))
    urgent = (
        plan.priority / plan.priority_interval / ((1 - plan.priority) / plan.interval + plan.priority / plan.priority_interval)
    )
    rest = rate * (1 - urgent)
    hold = min(HOLD, HOLD_PER_NAME * plan.names)
    if rest * hold >= GOOD_SIZE:
        return rest, rate * urgent, rest / GOOD_SIZE
    few, more = _few(rest * hold)
    alone = few / (1 + rest * hold)
    return rest * (1 - alone), rest * alone + rate * urgent, more * rest / (1 + rest * hold)


def _few(mean: float) -> tuple[float, float]:
    """Of batches of 1 + Poisson(`mean`) names: the names in batches below `FEWEST`, and the chance of a larger batch."""
    chance, names, below = exp(-mean), 0.0, 0.0
    for more in range(FEWEST - 1):
        names, below = names + (more + 1) * chance, below + chance
        chance *= mean / (more + 1)
    return names, 1.0 - below


def _add_registry(
    plan: Plan, row: Share, names: float, between: float, registries: Registries, servers: dict[str, _Sum]
) -> None:
    """Add what is asked of the registry of one suffix: records of names in the zone, and every look at one that is not."""
    for methods, wanted in (
        (("rdap", "whois"), names * (1 - plan.gone) * record_rate(between, dated=row.dated, ages=plan.record_ages)),
        (("rdap", "das", "whois"), names * plan.gone / plan.interval),
    ):
        limit = _first_limit(row.suffix, methods, registries, plan.limits)
        if limit is None or not wanted:
            continue
        found = servers.setdefault(limit.operator, _Sum(row.copies, routine_rate(limit), limit))
        found.names += names if "das" not in methods else 0.0
        found.wanted += wanted
        found.checks += wanted if "das" in methods else 0.0


def _add_overflow(plan: Plan, row: Share, names: float, registries: Registries, servers: dict[str, _Sum]) -> None:
    """Add the names out of the zone that their RDAP server has no room for: WHOIS is asked about them, where there is one."""
    first = _first_limit(row.suffix, ("rdap",), registries, plan.limits)
    second = _first_limit(row.suffix, ("whois",), registries, plan.limits) if row.suffix != OTHERS else None
    if first is None or second is None:
        return
    asked = servers[first.operator]
    left = 1 - plan.egresses * asked.allowed / asked.checks if asked.checks else 0.0
    if left > 0:
        found = servers.setdefault(second.operator, _Sum(row.copies, routine_rate(second), second))
        found.wanted += left * names * plan.gone / plan.interval


def routine_rate(limit: Limit) -> float:
    """Questions a second that routine checks may ask from one address: the rate, and their share of a day's quota."""
    return limit.rate if limit.per_day is None else min(limit.rate, limit.per_day * ROUTINE.share / DAY)


def _first_limit(suffix: str, methods: Iterable[str], registries: Registries, overrides: Mapping[str, Limit]) -> Limit | None:
    """The budget of the first method that has a server; None where none has."""
    if suffix == OTHERS:
        return limit_for("rdap", UNKNOWN_HOST, overrides)
    for method in methods:
        server = registries.server_of(method, suffix)
        if server is not None:
            return registries.limit_of(method, host_of(server), suffix)
    return None


def _operators(sums: Mapping[str, _Sum], egresses: int) -> tuple[Operator, ...]:
    """The operators, those with the most names first."""
    found = [
        Operator(name, one.copies, one.names, one.wanted, one.allowed, min(one.wanted, egresses * one.allowed))
        for name, one in sums.items()
    ]
    return tuple(sorted(found, key=lambda one: -one.names * one.copies))
