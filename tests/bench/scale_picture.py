"""What grows with a list, as a picture: `make scale ARGS=--write` draws `docs/scale.svg`.

Left, how long one look at every name takes under the built-in budgets and one address; right, what the service itself would
need if the registries took a question about every name each hour.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from math import log10

from tests.bench.scale_bill import FREE, coordinator_cores
from tests.bench.scale_costs import Costs
from tests.bench.scale_mix import ALL_COM, PUBLIC
from tests.bench.scale_model import Plan, find_traffic

#: Sizes that are drawn, the lowest and highest one by their powers of ten.
SMALLEST, LARGEST, STEPS = 5.7, 8.5, 60
WIDE, HIGH, LEFT, TOP, GAP = 380, 300, 70, 60, 130
FONT = 'font-family="sans-serif" font-size="12" fill="#222"'
HOUR = 3600.0
#: Lines across the left panel: hours, and what they are called.
MARKS = ((1.0, "an hour"), (24.0, "a day"), (168.0, "a week"), (720.0, "a month"), (8760.0, "a year"))
COLOURS = ("#08519c", "#a50f15", "#238b45", "#6a51a3")

Curve = tuple[str, Callable[[int], float]]


def drawn(costs: Costs) -> str:
    """The picture as SVG."""
    width = 2 * WIDE + 2 * LEFT + GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {TOP + HIGH + 60}" {FONT}>',
        "<title>What grows with the list: the time of one look at every name, and what the service needs</title>",
        '<rect width="100%" height="100%" fill="#fff"/>',
        *_panel(LEFT, "hours for one look at every name, built-in budgets, one address", _looks(), (-1.0, 5.0), MARKS),
        *_panel(LEFT + WIDE + GAP, "if every name were asked about once an hour", _needs(costs), (-3.0, 3.0), ()),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _looks() -> list[Curve]:
    def hours(plan: Plan, operator: str) -> Callable[[int], float]:
        def at(names: int) -> float:
            one = next(one for one in find_traffic(replace(plan, names=names)).dns if one.name == operator)
            return max(1.0, plan.interval / HOUR * one.wanted / one.asked)

        return at

    public, com = Plan(names=1, mix=PUBLIC), Plan(names=1, mix=ALL_COM)
    return [
        ("every name in com", hours(com, "dns/gtld-servers")),
        ("com and net of the public mix", hours(public, "dns/gtld-servers")),
        ("de of the public mix", hours(public, "dns/de")),
        ("each of the small suffixes", hours(public, "dns/others")),
    ]


def _needs(costs: Costs) -> list[Curve]:
    plan = Plan(names=1, mix=PUBLIC, limits=FREE)
    return [
        ("coordinator, cores", lambda names: coordinator_cores(names, find_traffic(replace(plan, names=names)), costs)),
        ("fast checkers, cores", lambda names: find_traffic(replace(plan, names=names)).looks * costs.fast.value),
        ("memory, GiB", lambda names: (costs.memory_base.value + names * costs.memory_name.value) / 2**30),
        ("store, 100 GB", lambda names: names * (costs.row.value + costs.detail.value) / 1e11),
    ]


def _panel(
    left: int, title: str, curves: Sequence[Curve], bounds: tuple[float, float], marks: Sequence[tuple[float, str]]
) -> Iterator[str]:
    low, high = bounds
    yield f'<text x="{left}" y="{TOP - 34}" font-weight="bold">{title}</text>'
    for power in range(int(low), int(high) + 1):
        y = _y(10.0**power, bounds)
        yield f'<line x1="{left}" x2="{left + WIDE}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>'
        yield f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{10.0**power:,g}</text>'
    for value, word in marks:
        y = _y(value, bounds)
        yield f'<line x1="{left}" x2="{left + WIDE}" y1="{y:.1f}" y2="{y:.1f}" stroke="#999" stroke-dasharray="4 3"/>'
        yield f'<text x="{left + WIDE + 6}" y="{y + 4:.1f}" fill="#666">{word}</text>'
    for names, text in ((1e6, "1M"), (3e6, "3M"), (1e7, "10M"), (3e7, "30M"), (1e8, "100M"), (3e8, "300M")):
        yield f'<text x="{left + _across(log10(names)):.1f}" y="{TOP + HIGH + 20}" text-anchor="middle">{text}</text>'
    yield f'<text x="{left + WIDE / 2}" y="{TOP + HIGH + 42}" text-anchor="middle">names</text>'
    for number, (text, value) in enumerate(curves):
        powers = [SMALLEST + (LARGEST - SMALLEST) * step / STEPS for step in range(STEPS + 1)]
        points = [f"{left + _across(power):.1f},{_y(value(round(10**power)), bounds):.1f}" for power in powers]
        colour = COLOURS[number]
        yield f'<polyline points="{" ".join(points)}" fill="none" stroke="{colour}" stroke-width="2"/>'
        yield f'<text x="{left + 8}" y="{TOP + 4 + 14 * number}" fill="{colour}">{text}</text>'


def _across(power: float) -> float:
    return (power - SMALLEST) / (LARGEST - SMALLEST) * WIDE


def _y(value: float, bounds: tuple[float, float]) -> float:
    low, high = bounds
    return TOP + HIGH - (min(high, max(low, log10(value))) - low) / (high - low) * HIGH
