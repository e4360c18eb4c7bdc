"""What a plan costs: CPU, memory, store, questions and time, each line with the figure that it was worked out from. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import ceil

from common.core.checks.window_pace import IMMINENT
from common.core.domains.last_look import BLOCK, SIZE
from common.core.model.limit import Limit
from common.core.rate_limits.bucket import DAY
from common.core.schedule.cadence import IN_WINDOW
from tests.bench.scale_costs import Cost, Costs
from tests.bench.scale_mix import REGISTERED, ZONE_BYTES, ZONE_PACKED
from tests.bench.scale_model import STEADY, Operator, Plan, Traffic, find_traffic, names_in_window

#: Share of a core that a process is planned to use, so that what is urgent finds it free.
FULL = 0.7
#: What lets every registry be asked as often as the intervals want.
FREE = {"*": Limit("*", 1e9, 1e9, None)}
#: Bytes of all names together that one coordinator holds (`NameIndex.add_names`), and of a name as the benchmarks have them.
NAME_TEXT, NAME_LENGTH = 1 << 32, 15
#: Times that a store writes a byte: once into its log, once into its files.
WRITTEN = 2.0
#: Bits a second at which the fetching of a zone is reckoned.
LINE = 100e6
#: Most names of a size that was measured; beyond it a figure is extrapolated.
MEASURED = 1_000_000


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the bill. `basis`: "measured", "extrapolated" (a measured figure beyond its sizes), "rule" or "estimate"."""

    key: str
    text: str
    value: float
    unit: str
    source: str
    basis: str


def make_bill(plan: Plan, costs: Costs) -> list[Line]:
    """All lines of a plan."""
    traffic = find_traffic(plan)
    return [
        *_questions(plan, traffic, costs),
        *_cpu(plan, traffic, costs),
        *_places(plan, traffic, costs),
        *_news(plan, traffic, costs),
        *_limits(plan, costs),
    ]


def coordinator_cores(names: int, traffic: Traffic, costs: Costs) -> float:
    """Cores of the coordinator: looks with their messages and their place in the store, single checks with their rows."""
    parts = (
        (traffic.swept, costs.look), (traffic.sweeps, costs.sweep), (traffic.wakes, costs.wake), (traffic.rows, costs.single),
        (traffic.blocks, costs.block),
    )  # fmt: skip
    return names / 1e6 * costs.scan.value + sum(rate * cost.value for rate, cost in parts)


def most_names(plan: Plan, costs: Costs) -> float:
    """How many names the CPU of one coordinator carries, where the registries take every question that the intervals want."""
    low, high = 1_000.0, 1e10
    while high / low > 1.001:
        middle = (low * high) ** 0.5
        traffic = find_traffic(replace(plan, names=int(middle), limits=FREE))
        low, high = (middle, high) if coordinator_cores(int(middle), traffic, costs) <= FULL else (low, middle)
    return low


def window_pace(plan: Plan, operator: Operator) -> float:
    """Seconds between two questions about a name that may drop today, where all that drop under a registry share its window."""
    names, allowed = names_in_window(plan, operator.names), plan.egresses * operator.allowed
    return max(IN_WINDOW, names / (IMMINENT * allowed)) if allowed else float("inf")


def zone_lines(plan: Plan) -> list[tuple[str, float, float, float]]:
    """Of each suffix whose zone can be had: its name, DNS questions a day that it replaces, bytes, and seconds to fetch it."""
    found = []
    total = sum(row.share for row in plan.mix)
    for row in plan.mix:
        if row.zone:
            asked = plan.names * row.share / total * (1 - plan.gone) / plan.interval * DAY
            size = REGISTERED[row.suffix] * ZONE_PACKED
            found.append((row.suffix, asked, size, 8 * size / LINE))
    return found


def unpacked_size(suffix: str) -> float:
    """Bytes of a zone file as text."""
    return REGISTERED[suffix] * ZONE_BYTES


def _line(key: str, text: str, value: float, unit: str, cost: Cost, names: int) -> Line:
    basis = "estimate" if not cost.measured else "measured" if names <= MEASURED else "extrapolated"
    return Line(key, text, value, unit, cost.source, basis)


def _rule(key: str, text: str, value: float, unit: str, source: str) -> Line:
    return Line(key, text, value, unit, source, "rule")


def _questions(plan: Plan, traffic: Traffic, costs: Costs) -> Iterator[Line]:
    budgets = "common/core/builtin/operator_limits.py" if plan.limits is STEADY else "the budgets file"
    wanted, slowest = sum(one.wanted * one.copies for one in traffic.dns), traffic.round_trip
    yield _rule("dns.wanted", "DNS questions that the intervals want", wanted, "/s", "the list and its intervals")
    yield _rule("dns.asked", "DNS questions that the budgets let through", traffic.looks, "/s", budgets)
    yield _line(
        "dns.band",
        "... their bandwidth, both ways",
        8 * traffic.looks * costs.question.value,
        "bit/s",
        costs.question,
        plan.names,
    )
    yield _rule("dns.round", "... between two looks at a name, where that takes longest", slowest, "s", budgets)
    yield _rule(
        "dns.egresses",
        "addresses needed to keep the intervals, at the operator with the most names",
        _most(traffic.dns),
        "",
        budgets,
    )
    yield _rule(
        "registry.wanted", "registry questions wanted", traffic.wanted * DAY, "/day", "common/core/lifecycle/registry_due.py"
    )
    yield _rule("registry.asked", "registry questions that the budgets let through", traffic.records * DAY, "/day", budgets)
    yield _rule(
        "registry.egresses",
        "addresses needed for all of them, at the operator with the most names",
        _most(traffic.registry),
        "",
        budgets,
    )
    first = max((one.names / (plan.egresses * one.allowed) for one in traffic.registry if one.allowed), default=0.0)
    yield _rule(
        "registry.first", "until every name has its first registry record, at the slowest operator", first, "s", budgets
    )
    if traffic.registry:
        largest = traffic.registry[0]
        text = f"between two questions about a name in its drop window, at {largest.name}"
        yield _rule("window.pace", text, window_pace(plan, largest), "s", "common/core/checks/window_pace.py")


def _most(operators: tuple[Operator, ...]) -> float:
    return float(operators[0].egresses) if operators else 0.0


def _cpu(plan: Plan, traffic: Traffic, costs: Costs) -> Iterator[Line]:
    names = plan.names
    fast = traffic.looks * costs.fast.value
    registry = sum(
        one.asked * one.copies * (costs.whois if one.name.startswith("whois/") else costs.rdap).value
        for one in traffic.registry
    )
    yield _line("cpu.coordinator", "coordinator", coordinator_cores(names, traffic, costs), "cores", costs.look, names)
    yield _line("cpu.fast", "fast checkers", fast, "cores", costs.fast, names)
    yield _line("cpu.registry", "checkers of registries", registry, "cores", costs.rdap, names)
    yield _line("cpu.idle", "all processes at rest", costs.idle.value, "cores", costs.idle, names)
    yield _line("checkers", "fast checkers to start", max(1, ceil(fast / FULL)), "", costs.fast, names)


def _places(plan: Plan, traffic: Traffic, costs: Costs) -> Iterator[Line]:
    names = plan.names
    memory = costs.memory_base.value + names * costs.memory_name.value
    yield _line("memory", "memory of all processes", memory, "B", costs.memory_name, names)
    size = names * (costs.row.value + costs.detail.value)
    yield _line("store", "store, once every registry record is known", size, "B", costs.detail, names)
    yield _line("store.young", "... while none is", names * costs.row.value, "B", costs.row, names)
    size = names * (costs.postgres_row.value + costs.postgres_detail.value)
    yield _line("postgres", "PostgreSQL in its place, once every record is known", size, "B", costs.postgres_detail, names)
    logged = traffic.blocks * costs.postgres_block_log.value + traffic.rows * costs.postgres_row_log.value
    yield _line("postgres.written", "PostgreSQL writes, log included", WRITTEN * logged, "B/s", costs.postgres_row_log, names)
    written = WRITTEN * (traffic.blocks * BLOCK * SIZE + traffic.rows * costs.detail.value)
    yield _line("store.written", "SQLite writes, log included", written, "B/s", costs.detail, names)
    yield _line(
        "start",
        "start until /health is 200",
        costs.start_base.value + names * costs.start_name.value,
        "s",
        costs.start_name,
        names,
    )
    takeover = costs.takeover_base.value + names * costs.takeover_name.value
    yield _line("takeover", "from the death of the coordinator to the next check", takeover, "s", costs.takeover_name, names)


def _news(plan: Plan, traffic: Traffic, costs: Costs) -> Iterator[Line]:
    drops = traffic.drops * DAY
    yield _rule("drops", "names that drop", drops, "/day", "tests/bench/scale_mix.py: DELETED_A_YEAR")
    yield _line(
        "drops.questions",
        "registry questions about them",
        drops * costs.drop_questions.value,
        "/day",
        costs.drop_questions,
        plan.names,
    )
    yield _line(
        "drops.bytes",
        "events, callbacks and ledger of a year",
        365 * drops * costs.drop_rows.value,
        "B",
        costs.drop_rows,
        plan.names,
    )
    posted = traffic.looks if plan.results == "all" else 2 * traffic.drops if plan.results == "changes" else 0.0
    yield _rule("callbacks", "check results posted, besides notices", posted, "/s", "CALLBACK_RESULTS")
    yield _line("callbacks.cpu", "... their CPU", posted * costs.callback.value, "cores", costs.callback, plan.names)
    yield _line(
        "feed", "feed, to a subscriber of every result", traffic.looks * costs.feed.value, "B/s", costs.feed, plan.names
    )
    new = plan.churn * plan.names
    yield _line("new", "CPU of the names that are new on a day", new * costs.new.value, "s", costs.new, plan.names)


def _limits(plan: Plan, costs: Costs) -> Iterator[Line]:
    carried = most_names(plan, costs)
    yield _line(
        "shard.cpu",
        f"names that {FULL:g} of the coordinator's core carries at these intervals",
        carried,
        "",
        costs.look,
        int(carried),
    )
    yield _rule(
        "shard.text",
        "names that one coordinator holds at all",
        NAME_TEXT // NAME_LENGTH,
        "",
        "common/core/domains/name_index.py",
    )
