"""`domain-monitor plan`: what a list would cost under these budgets, before anything runs and without any network."""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import asdict
from math import isinf
from pathlib import Path

from actors.cli.name_arguments import LARGEST, read_source
from common.config import Settings
from common.core.checks.window_shares import QUOTA_SHARE, RATE_SHARE
from common.core.lifecycle.plan import PlanRules, Span, SuffixPlan, plan_list
from common.core.model.limit import Limit
from common.core.registries.operators import parse_budgets
from common.core.registries.registrable_names import to_ascii
from common.core.registries.registries import Registries
from common.core.registries.sources import Sources
from common.core.watchlist.domain_list import ListBuilder
from common.core_settings import build_policy
from common.errors import ConfigError, ListError, NameProblem
from common.registry_directory import load_directory
from common.suffixes import load_suffixes

#: Most names of a list that is counted, and most suffixes that are shown as text.
MOST_NAMES, SHOWN = 10_000_000, 40
BAD_USAGE = 2


def run(source: str, limits: str | None, days: float | None, as_json: bool, settings: Settings) -> int:  # noqa: FBT001  # a flag
    """Print the plan of a list: a file, "-" for standard input, or counts as "com=100000,uk=500". Returns the exit code.

    Raises ConfigError for a budgets file that cannot be used.
    """
    try:
        counts = read_counts(source)
    except ListError as error:
        print(f"domain-monitor: {error}", file=sys.stderr)
        return BAD_USAGE
    policy = build_policy(settings)
    registries = Registries(
        directory=load_directory(settings),
        overrides=policy.limits if limits is None else _read_limits(Path(limits)),
        recursive_dns=policy.recursive_dns,
        iana_host=policy.iana_host,
        sources=Sources(policy.sources),
    )
    rules = PlanRules(cadence=policy.cadence, rate_share=RATE_SHARE, quota_share=QUOTA_SHARE, days=days)
    plans = plan_list(counts, registries, rules)
    print(json.dumps({"suffixes": [_to_json(plan) for plan in plans]}) if as_json else "\n".join(render_plans(plans)))
    return 0


def read_counts(source: str) -> dict[str, int]:
    """How many names of each suffix there are. Raises ListError for a list or counts that cannot be read, or without a name."""
    if "=" in source and not Path(source).exists():
        return _parse_counts(source)
    builder, suffix_of = ListBuilder(load_suffixes(), MOST_NAMES), load_suffixes()
    read_source(source, builder)
    counts = Counter(suffix_of(name) or "" for name in builder.build_list().names)
    if not counts:
        raise ListError("there is no name in what was given")
    return dict(counts)


def render_plans(plans: list[SuffixPlan]) -> list[str]:
    """The lines that a person reads: a table, and what the columns mean."""
    head = ("suffix", "names", "first look", "in zone", "out of zone", "in window", "purge to verdict", "unseen", "narrow")
    rows = [head, *(_row_of(plan) for plan in plans[:SHOWN])]
    widths = [max(len(row[place]) for row in rows) for place in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    if len(plans) > SHOWN:
        lines.append(f"and {len(plans) - SHOWN} more suffixes: --json shows all")
    return [
        *lines,
        "",
        "first look: until DNS was asked about every name; in zone, out of zone, in window: between two looks at such a name;",
        "unseen: the longest time without a look; narrow: the budget that makes names wait. Typical / worst: with the pace at",
        "the operator's ceiling, and at its start. Names out of the zone and drops are shares of com unless --days is given.",
    ]


def _row_of(plan: SuffixPlan) -> tuple[str, ...]:
    spans = (plan.first_look, plan.calm, plan.out_of_zone, plan.in_window, plan.latency, plan.unseen)
    return (plan.suffix, f"{plan.names:,}", *(_show_both(span) for span in spans), plan.narrow or "-")


def _show_both(span: Span) -> str:
    typical, worst = _show(span.typical), _show(span.worst)
    return typical if typical == worst else f"{typical} / {worst}"


def _show(seconds: float) -> str:
    """A span in the unit that fits it; "never" for one without an end."""
    for size, unit in ((86_400.0, "d"), (3600.0, "h"), (60.0, "min")):
        if seconds >= 2 * size:
            return "never" if isinf(seconds) or seconds > 1e9 else f"{seconds / size:.3g} {unit}"
    return f"{seconds:.0f} s"


def _to_json(plan: SuffixPlan) -> dict[str, object]:
    """The plan with None for spans without an end: JSON has no infinity."""
    found: dict[str, object] = asdict(plan)
    for name, value in found.items():
        if isinstance(value, dict):
            found[name] = {key: None if isinf(span) or span > 1e9 else round(span, 1) for key, span in value.items()}
    return found


def _parse_counts(text: str) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for part in text.split(","):
        suffix, _, number = part.partition("=")
        try:
            count = int(number)
            name = to_ascii(suffix.strip().strip(".").lower())
        except (ValueError, NameProblem):
            count, name = 0, ""
        if not 0 < count <= 10**10 or not name:
            raise ListError(f'"{part[:80]}" is no SUFFIX=NUMBER')
        counts[name] += count
    return dict(counts)


def _read_limits(path: Path) -> dict[str, Limit]:
    try:
        with path.open("rb") as stream:
            return parse_budgets(stream.read(LARGEST))
    except OSError as error:
        raise ConfigError([f"--limits: {path}: {error.strerror or error}"]) from None
