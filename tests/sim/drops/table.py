"""The comparison as text: one column for each way to watch."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.sim.drops.figures import Figures, count_phases, measure_outcome, measure_suffixes, say_seconds
from tests.sim.drops.outcomes import Outcome

_WIDE, _COLUMN = 44, 16
SECONDS_OF_DAY = 86_400.0


def write_table(runs: Mapping[str, Outcome]) -> str:
    """The figures of every run, one below the other."""
    figures = {title: measure_outcome(outcome) for title, outcome in runs.items()}
    lines = [_line("", list(figures)), *(_line(text, [show(one) for one in figures.values()]) for text, show in _ROWS)]
    phases = {title: count_phases(outcome.asked) for title, outcome in runs.items()}
    kinds = sorted({kind for found in phases.values() for kind in found} - {"could not drop that day"})
    lines += [_line(f"  questions: {kind}", [f"{found[kind]:,}" for found in phases.values()]) for kind in kinds]
    return "\n".join(lines)


def write_suffixes(outcome: Outcome) -> str:
    """One line for each suffix: its drops, how soon they were told, and what was asked; of a calm name a day."""
    head = ("suffix", "drops", "told median", "p90", "of a minute", "false", "questions", "canaries", "calm", "over")
    rows = [
        (
            suffix, str(one.drops), say_seconds(one.told[0]), say_seconds(one.told[1]), f"{one.minute:.0%}",
            str(one.false_alarms), f"{one.questions:,}", f"{one.canaries:,}", f"{one.calm:.3f}", str(one.over),
        )
        for suffix, one in measure_suffixes(outcome).items()
    ]  # fmt: skip
    return "\n".join("".join(f"{cell:>13}" for cell in row) for row in (head, *rows))


def calm_costs(product: Figures, names: int) -> str:
    """What a list of so many calm names adds, by arithmetic alone: questions a name and day, times the names."""
    a_day = product.calm * names
    return (
        f"{names:,} calm names beside these would add {a_day:,.0f} registry questions a day ({a_day / SECONDS_OF_DAY:.2f} a "
        f"second) by the {product.calm:.4f} measured for each; this is a multiplication, they are not simulated."
    )


def _line(text: str, cells: list[str]) -> str:
    return f"{text:<{_WIDE}}" + "".join(f"{cell:>{_COLUMN}}" for cell in cells)


_ROWS: tuple[tuple[str, Callable[[Figures], str]], ...] = (
    ("drops; of these free for two days", lambda one: f"{one.drops} / {one.lasting}"),
    ('purge to first "no object", median', lambda one: say_seconds(one.seen[0])),
    ("  p90", lambda one: say_seconds(one.seen[1])),
    ("  p99", lambda one: say_seconds(one.seen[2])),
    ("free to verdict, median", lambda one: say_seconds(one.told[0])),
    ("  p90", lambda one: say_seconds(one.told[1])),
    ("  p99", lambda one: say_seconds(one.told[2])),
    ("told of drops that live 60 s", lambda one: f"{one.minute:.1%}"),
    ("told of drops that live 10 min", lambda one: f"{one.minutes:.1%}"),
    ("told of drops that live a day", lambda one: f"{one.step:.1%}"),
    ("seen of drops that live a day", lambda one: f"{one.seen_step:.1%}"),
    ("false alarms", lambda one: f"{one.false_alarms}"),
    ("registry questions", lambda one: f"{one.questions:,}"),
    ("  about names that could not drop that day", lambda one: f"{one.idle:,}"),
    ("registry questions a calm name and day", lambda one: f"{one.calm:.3f}"),
    ("  under the suffix where they are most", lambda one: f"{one.calm_most:.3f}"),
    ("over a budget; bans", lambda one: f"{one.over}; {one.bans}"),
    ("CPU seconds", lambda one: f"{one.cpu:.0f}"),
)
