"""The figures of the benchmark: what each is called, in which unit, and which bounds it is held against. Pure.

`hold` is what must not be exceeded, `go_for` what is aimed at. A bound with `at` counts from that many names on: a start with
ten thousand names says nothing about one with a million.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.bench.numbers import spread

#: Figures of one size by key, one list entry for each round.
Rounds = Sequence[Mapping[str, float]]
MILLION = 1_000_000
#: The size under which figures that have none are kept.
NO_SIZE = 0
#: The run that needs no name where it stands alone.
NOW = "now"


@dataclass(frozen=True)
class Figure:
    """One row. `unit`: s, us, B, ratio, cores or /s; `more`: a larger value is the better one."""

    key: str
    text: str
    unit: str
    hold: float | None = None
    go_for: float | None = None
    at: int = 0
    more: bool = False


FIGURES = (
    Figure("second.wall", "sweep of known names, from first to last question", "s", 60, 30, MILLION),
    Figure("second.since_start", "... from the start of the processes", "s"),
    Figure("second.cpu", "... CPU per name, whole service", "us"),
    Figure("second.cpu.coordinator", "... of it the coordinator", "us"),
    Figure("second.cpu.fast", "... of it the fast checker", "us"),
    Figure("second.cpu.control", "... of it the interface, with 20 requests/s", "us"),
    Figure("second.cpu.others", "... of it all other processes", "us"),
    Figure("second.cpu.name server", "... besides: the name server", "us"),
    Figure("first.wall", "sweep of new names, from first to last question", "s"),
    Figure("first.since_list", "... from the list taken", "s"),
    Figure("first.cpu", "... CPU per name, whole service", "us"),
    Figure("first.cpu.coordinator", "... of it the coordinator", "us"),
    Figure("first.cpu.fast", "... of it the fast checker", "us"),
    Figure("settled", "... delegated names known to be registered after it", "ratio", 0.98, 1.0, more=True),
    Figure("rest.pss", "memory per name at rest, all processes (PSS)", "B", 1024, 400, MILLION),
    Figure("rest.rss", "... as RSS, shared pages counted for each", "B"),
    Figure("rest.pss.coordinator", "... of the PSS the coordinator", "B"),
    Figure("peak.pss", "... highest PSS in the second sweep", "B"),
    Figure("peak.pss.first", "... highest PSS in the first sweep, list included", "B"),
    Figure("start.health", "start with all names in the store until /health is 200", "s", 10, 4, MILLION),
    Figure("refresh.seconds", "changed list (1 % new, 1 % gone): until taken", "s"),
    Figure("refresh.stall", "... longest stall of the coordinator, round trip of a message", "s", 0.2, 0.05, MILLION),
    Figure("refresh.stall_told", "... as the coordinator measured it itself", "s", 0.2, 0.05, MILLION),
    Figure("second.stall", "longest stall in the second sweep, round trip of a message", "s"),
    Figure("late.p50", "lateness of priority checks in the sweep, median", "s"),
    Figure("late.p99", "... 99th percentile", "s", 1.0, 0.25, MILLION),
    Figure("api.page.p50", "GET /domains in the sweep, median", "s"),
    Figure("api.page.p99", "... 99th percentile", "s", 0.1, 0.02, MILLION),
    Figure("api.name.p50", "GET /domain/NAME in the sweep, median", "s"),
    Figure("api.name.p99", "... 99th percentile", "s", 0.1, 0.02, MILLION),
    Figure("kill.goes_on", "kill -9 of the coordinator in the sweep: until the next check", "s"),
    Figure("idle.cores", "CPU of the service at rest", "cores"),
    Figure("callbacks.rate", "callbacks of all results delivered", "/s", more=True),
    Figure("callbacks.cpu", "... CPU per name, sweep and delivery", "us"),
    Figure("dead.wall", "sweep while the receiver accepts nothing", "s"),
    Figure("dead.cpu", "... CPU per name", "us"),
)
#: Of the DNS engines alone, and between sizes: these have no size of their own.
OVERALL = (
    Figure("growth.cpu", "CPU per name, the largest size against the smallest", "ratio", 1.2, 1.0),
    Figure("dns.sweep", "DNS engine: CPU per answer", "us"),
    Figure("dns.to_dnsperf", "... against dnsperf", "ratio", 1.5, 1.1),
    Figure("dns.to_dnsperf.both", "... against dnsperf, name server included", "ratio", 1.5, 1.1),
    Figure("dns.dnspython", "dnspython asyncio against it", "ratio", 30, 50, more=True),
    Figure("dns.aiodns", "aiodns (c-ares) against it", "ratio", more=True),
    Figure("dns.checker", "checker's sweeps, as they travel: CPU per answer", "us"),
)


def verdict(figure: Figure, value: float) -> str:
    """How a value stands to the bounds: "goal", "held", "MISSED", or "" where there is none."""
    if figure.hold is None or math.isnan(value):
        return ""
    sign = -1 if figure.more else 1
    if figure.go_for is not None and sign * value <= sign * figure.go_for:
        return "goal"
    return "held" if sign * value <= sign * figure.hold else "MISSED"


def shown(value: float, unit: str) -> str:
    """A value for people: three digits, thousands separated."""
    if math.isnan(value):
        return "-"
    digits = 0 if unit == "B" or abs(value) >= 100 else 1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 3
    return f"{value:,.{digits}f}"


def cell(figure: Figure, rounds: Rounds) -> str:
    """Median and extremes: `4.2 (3.9-4.4)`; the median alone of one round, `-` where it was not measured."""
    values = [round_[figure.key] for round_ in rounds if figure.key in round_]
    middle, least, most = spread(values)
    text = shown(middle, figure.unit)
    return text if text == "-" or len(values) == 1 else f"{text} ({shown(least, figure.unit)}-{shown(most, figure.unit)})"


def with_growth(sizes: Mapping[int, Rounds]) -> dict[int, Rounds]:
    """The same with the growth of CPU per name between the smallest and the largest size."""
    counts = sorted(count for count in sizes if count != NO_SIZE)
    medians = [spread([row["second.cpu"] for row in sizes[count] if "second.cpu" in row])[0] for count in counts]
    known = [value for value in medians if not math.isnan(value)]
    if len(known) < 2:
        return dict(sizes)
    return {**sizes, NO_SIZE: [*sizes.get(NO_SIZE, []), {"growth.cpu": known[-1] / known[0]}]}


def table(columns: Mapping[str, Mapping[int, Rounds]]) -> str:
    """The figures as a Markdown table: one column for each run and size, bounds, and how the last run stands to them."""
    runs = {name: with_growth(sizes) for name, sizes in columns.items()}
    counts = sorted({count for sizes in runs.values() for count in sizes if count != NO_SIZE})
    places = [(name, count) for count in counts for name in runs if count in runs[name]]
    heads = [f"{count:,}" if list(runs) == [NOW] else f"{count:,}, {name}" for name, count in places]
    lines = [_line("figure", "unit", *heads, "hold", "go for", ""), _line(*["---"] * (len(heads) + 5))]
    last = list(runs)[-1]
    for figure in FIGURES:
        cells = [cell(figure, runs[name][count]) for name, count in places]
        if any(text != "-" for text in cells):
            lines.append(_line(figure.text, figure.unit, *cells, *_bounds(figure), _standing(figure, runs[last])))
    return "\n".join([*lines, "", *_overall(runs, last)])


def _overall(runs: Mapping[str, Mapping[int, Rounds]], last: str) -> list[str]:
    heads = ["all sizes" if list(runs) == [NOW] else name for name in runs]
    lines = [_line("figure", "unit", *heads, "hold", "go for", ""), _line(*["---"] * (len(heads) + 5))]
    for figure in OVERALL:
        cells = [cell(figure, sizes.get(NO_SIZE, [])) for sizes in runs.values()]
        if any(text != "-" for text in cells):
            lines.append(_line(figure.text, figure.unit, *cells, *_bounds(figure), _standing(figure, runs[last])))
    return lines if len(lines) > 2 else []


def _bounds(figure: Figure) -> tuple[str, str]:
    sign = ">=" if figure.more else "<="
    texts = [f"{sign} {value:g}" if value is not None else "" for value in (figure.hold, figure.go_for)]
    return texts[0], texts[1]


def _standing(figure: Figure, sizes: Mapping[int, Rounds]) -> str:
    """The verdict at the largest size that was measured, where the bound counts there."""
    for count in sorted(sizes, reverse=True):
        values = [round_[figure.key] for round_ in sizes[count] if figure.key in round_]
        if values:
            return verdict(figure, spread(values)[0]) if count >= figure.at or count == NO_SIZE else ""
    return ""


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
