"""The planning model as Markdown: the bill of one plan, and the tables of docs/scale.md. Pure but for the kept rounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from math import isfinite

from tests.bench import longlist, longlist_units, records, scale_costs
from tests.bench.figures import NO_SIZE
from tests.bench.scale_bill import FREE, Line, make_bill, unpacked_size, zone_lines
from tests.bench.scale_costs import Cost, Costs
from tests.bench.scale_mix import ALL_COM, PUBLIC
from tests.bench.scale_model import Plan, Traffic, find_traffic

#: The sizes of the tables.
SIZES = (1_000_000, 3_000_000, 10_000_000, 30_000_000, 100_000_000, 300_000_000)
#: The lines that the tables of the document show, by table.
BUDGETED = (
    "dns.wanted", "dns.asked", "dns.round", "dns.egresses", "registry.wanted", "registry.asked",
    "registry.egresses", "registry.first", "window.pace", "cpu.coordinator", "cpu.fast", "memory", "store", "store.young",
    "store.written", "postgres", "postgres.written", "start", "takeover", "drops", "drops.bytes",
)  # fmt: skip
UNLIMITED = (
    "dns.asked", "dns.band", "registry.asked", "cpu.coordinator", "cpu.fast", "checkers", "cpu.registry", "store.written",
    "postgres.written", "feed", "shard.cpu",
)  # fmt: skip
_STEPS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_TIMES = ((365 * 86_400, "years"), (86_400, "days"), (3600, "h"), (60, "min"))


def parts(costs: Costs) -> dict[str, str]:
    """The tables of the document by their marker."""
    return {
        "budgets": sizes(Plan(names=1, mix=PUBLIC), costs, BUDGETED),
        "com": sizes(Plan(names=1, mix=ALL_COM), costs, BUDGETED[:9]),
        "unlimited": sizes(Plan(names=1, mix=PUBLIC, limits=FREE), costs, UNLIMITED),
        "operators": operators(find_traffic(Plan(names=1_000_000))),
        "zones": zones(),
        "checked": checked(),
        "costs": unit_costs(costs),
    }


def amount(value: float, unit: str) -> str:
    """A figure for people: two or three digits, with a prefix, or in hours and days."""
    if not isfinite(value):
        return "never" if unit == "s" else "-"
    if unit == "s":
        for step, word in _TIMES:
            if value >= 2 * step:
                return f"{_digits(value / step)} {word}"
        return f"{_digits(value)} s" if value >= 0.001 or not value else f"{_digits(1e6 * value)} us"
    for step, prefix in _STEPS:
        if abs(value) >= step:
            return f"{_digits(value / step)} {prefix}{unit}".strip()
    return f"{_digits(value)} {unit}".strip()


def bill(lines: Sequence[Line]) -> str:
    """One plan, line by line, with the basis and the source of each."""
    rows = [_row(line.text, amount(line.value, line.unit), line.basis, line.source) for line in lines]
    return "\n".join([_row("what", "figure", "basis", "from"), _row(*["---"] * 4), *rows])


def operators(traffic: Traffic) -> str:
    """What is wanted of each operator, what it allows from one address, and how many addresses that makes."""
    lines = [_row("operator", "names", "wanted", "allowed", "addresses"), _row(*["---"] * 5)]
    for one in (*traffic.dns, *traffic.registry):
        name = one.name if one.copies == 1 else f"{one.name} (each of {one.copies})"
        rates = (f"{_digits(one.wanted)} /s", f"{_digits(one.allowed)} /s")
        lines.append(_row(f"`{name}`", amount(one.names, ""), *rates, f"{one.egresses:,}" if one.allowed else "none"))
    return "\n".join(lines)


def sizes(plan: Plan, costs: Costs, keys: Sequence[str]) -> str:
    """Some lines of a plan at every size: those extrapolated in italics."""
    bills = [{line.key: line for line in make_bill(replace(plan, names=names), costs)} for names in SIZES]
    lines = [_row("", *(amount(names, "") for names in SIZES)), _row(*["---"] * (len(SIZES) + 1))]
    for key in keys:
        cells = [_cell(found[key]) for found in bills]
        if key in bills[0]:
            lines.append(_row(bills[0][key].text, *cells))
    return "\n".join(lines)


def zones() -> str:
    """What a whole zone replaces, at each size of the public mix, and what it costs to fetch."""
    head = [_row("zone", "packed", "as text", "at 100 Mbit/s", *(f"replaces, {amount(names, '')}" for names in SIZES[:4])),
            _row(*["---"] * 8)]  # fmt: skip
    rows = zip(*(zone_lines(Plan(names=names)) for names in SIZES[:4]), strict=True)
    lines = []
    for found in rows:
        suffix, _, size, seconds = found[0]
        asked = [f"{amount(wanted, '')}/day" for _, wanted, _, _ in found]
        lines.append(_row(f"`{suffix}`", amount(size, "B"), amount(unpacked_size(suffix), "B"), amount(seconds, "s"), *asked))
    return "\n".join([*head, *lines])


def checked() -> str:
    """Found in the simulation and said by the model, for every size that was kept."""
    kept = records.load(scale_costs.LONG_LISTS)
    units = longlist_units.middle(kept[NO_SIZE])
    return longlist.table(
        [row for count in sorted(kept) if count != NO_SIZE for row in longlist.compare(count, kept[count], units)]
    )


def unit_costs(costs: Costs) -> str:
    """The measured figures that everything is worked out from."""
    lines = [_row("what", "figure", "from"), _row(*["---"] * 3)]
    for field in fields(costs):
        cost: Cost = getattr(costs, field.name)
        lines.append(_row(WORDS[field.name], amount(cost.value, cost.unit), cost.source))
    return "\n".join(lines)


WORDS: Mapping[str, str] = {
    "memory_base": "memory of all processes without names",
    "memory_name": "... and for each name",
    "idle": "CPU of all processes at rest",
    "scan": "CPU of the coordinator for a million names, whatever happens to them",
    "look": "CPU of the coordinator for a name in a sweep",
    "sweep": "... for a sweep, whatever its size",
    "wake": "... for a turn of its loop",
    "single": "... for a name checked by itself, with its row in the store",
    "block": "... for 256 last looks in the store",
    "fast": "CPU of the checker for a name in a sweep",
    "rdap": "... for an RDAP answer",
    "whois": "... for a WHOIS answer",
    "new": "CPU of the service for a name that is new in the list",
    "callback": "CPU of the service for a result posted",
    "callback_rate": "most results posted in a second",
    "start_base": "start until /health is 200, without names",
    "start_name": "... and for each name",
    "takeover_base": "from a kill of the coordinator to the next check, without names",
    "takeover_name": "... and for each name",
    "row": "SQLite: a name without a registry record",
    "detail": "... its evidence, once there is one",
    "postgres_row": "PostgreSQL: a name without a registry record",
    "postgres_detail": "... its evidence, once there is one",
    "postgres_row_log": "... its log for a row with evidence that is written",
    "postgres_block_log": "... its log for 256 last looks",
    "drop_rows": "SQLite: what one drop leaves for good",
    "drop_questions": "registry questions of one drop",
    "feed": "a result on the feed",
    "question": "a DNS query and its answer",
}


def _cell(line: Line) -> str:
    text = amount(line.value, line.unit)
    return f"*{text}*" if line.basis in ("extrapolated", "estimate") else text


def _digits(value: float) -> str:
    size = abs(value)
    digits = 0 if size >= 100 or value == int(value) else 1 if size >= 10 else 2 if size >= 0.1 else 4
    return f"{value:,.{digits}f}"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
