"""The pace of an address of com over its first days, where its name servers welcome much and where they welcome little.

The real budgets, asked without end: the lower panel of `docs/pace.svg`, which `python -m tests.bench.pace` draws.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import log
from typing import NamedTuple

from common.core.model.evidence import Observation, Outcome, Reading, unknown_reading
from common.core.rate_limits.bucket import DAY
from common.core.rate_limits.budgets import Budgets
from common.core.registries.operators import limit_for

ADDRESSES, DAYS = 26, 6
#: Seconds between two sweeps, and so large a burst that each uses the whole pace.
STEP, BURST = 10.0, 20_000.0
#: Queries a second that an address welcomes, and the colour of its line.
WELCOMES = ((50.0, "#08519c"), (10.0, "#238b45"), (3.0, "#d94801"))
LOWEST, HIGHEST = 1.0, 64.0
ANSWERED = Observation("dns", Reading(Outcome.REGISTERED, "dns_auth_referral", "a sweep was answered"))
REFUSED = Observation("dns", unknown_reading("dns_refused", "too many questions"), refused=True)
LEGEND = "the pace learned for one address of com, where it welcomes 50, 10 and 3 questions a second; dots: complaints; days"


class Moment(NamedTuple):
    """A time in days, the pace then in questions a second and address, and whether it was complained of."""

    day: float
    rate: float
    complained: bool


def climb(welcome: float) -> Iterator[Moment]:
    """The moments at which the pace changes, and one every hour."""
    limit = replace(limit_for("dns", "com", {}).multiply(ADDRESSES), burst=BURST)
    budgets, now, last, told = Budgets(), DAY, DAY, 0.0
    yield Moment(0.0, budgets.learned_rate(limit, "", now) / ADDRESSES, complained=False)
    while now < DAY * (1 + DAYS):
        now += STEP
        count = budgets.available_tokens(limit, "", now)
        if count < 1:
            continue
        budgets.take_tokens(limit, "", count, now)
        over = count > welcome * ADDRESSES * (now - last) + 1
        last, before = now, told
        complaint = budgets.note_answer(limit, "", REFUSED if over else ANSWERED, now)
        told = budgets.learned_rate(limit, "", now)
        if told != before or not (now - DAY) % 3600:
            yield Moment(now / DAY - 1, told / ADDRESSES, complaint is not None)


def draw_climbs(left: float, top: float, wide: float, high: float) -> Iterator[str]:
    """The panel as parts of an SVG; the axis of the pace is logarithmic."""

    def x(day: float) -> float:
        return left + day / DAYS * wide

    def y(rate: float) -> float:
        return top + high - log(max(LOWEST, rate) / LOWEST) / log(HIGHEST / LOWEST) * high

    for day in range(DAYS + 1):
        yield f'<text x="{x(day):.1f}" y="{top + high + 20}" text-anchor="middle">{day}</text>'
    for rate in (1, 2, 5, 10, 20, 50):
        yield f'<line x1="{left}" x2="{left + wide}" y1="{y(rate):.1f}" y2="{y(rate):.1f}" stroke="#ccc"/>'
        yield f'<text x="{left - 8}" y="{y(rate) + 4:.1f}" text-anchor="end">{rate}/s</text>'
    for welcome, colour in WELCOMES:
        moments = list(climb(welcome))
        places = [f"{x(one.day):.1f},{y(one.rate):.1f}" for one in _steps(moments)]
        yield f'<polyline points="{" ".join(places)}" fill="none" stroke="{colour}" stroke-width="2"/>'
        for one in moments:
            if one.complained:
                yield f'<circle cx="{x(one.day):.1f}" cy="{y(one.rate):.1f}" r="4" fill="{colour}"/>'
    yield f'<text x="{left}" y="{top + high + 55}">{LEGEND}</text>'


def _steps(moments: list[Moment]) -> Iterator[Moment]:
    """With a corner before each change: between two moments the pace stays."""
    for place, moment in enumerate(moments):
        if place and moment.rate != moments[place - 1].rate:
            yield moment._replace(rate=moments[place - 1].rate)
        yield moment
