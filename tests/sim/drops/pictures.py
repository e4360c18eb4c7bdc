"""The comparison as a picture, `docs/drops.svg`: how soon drops are told, and what questions are spent on.

Above, for each way to watch, how soon drops are told and at what age of a name it is asked about; below, in which phases of
their lives names are asked about.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from math import inf, log10
from pathlib import Path
from typing import NamedTuple

from tests.sim.drops.figures import average_ages, count_phases, latencies_of, say_seconds
from tests.sim.drops.outcomes import Outcome

PICTURE = Path(__file__).resolve().parents[3] / "docs" / "drops.svg"
WIDE, HIGH, LEFT, TOP, GAP = 400, 280, 70, 100, 100
RIGHT = LEFT + WIDE + GAP
#: Where the bars begin, how high one is, and how far they are apart; the room for their titles.
BARS, THICK, ROW, TITLES = TOP + HIGH + 130, 20, 30, 100
FONT = 'role="img" font-family="sans-serif" font-size="12" fill="#222"'
#: Colour and dashes of each way; the last one is drawn thick.
STYLES = (("#777777", "2 3"), ("#238b45", "7 4"), ("#d95f0e", "9 3 2 3"), ("#08519c", ""))
#: Powers of ten of the seconds on the left, and days from the purge on the right.
FIRST, LAST, EARLIEST, LATEST = 0.0, 6.5, -40, 15
MARKS = (
    (1.0, "1 s"),
    (10.0, "10 s"),
    (60.0, "1 min"),
    (600.0, "10 min"),
    (3600.0, "1 h"),
    (21_600.0, "6 h"),
    (86_400.0, "1 d"),
    (604_800.0, "7 d"),
)
#: The phases in the order of a life, with their colours; what is not about a name comes last.
PHASES = {
    "active": ("in use", "#c6dbef"),
    "expired_grace": ("expired", "#fdd0a2"),
    "redemption": ("redemption", "#fdae6b"),
    "pending_restore": ("being restored", "#d9d9d9"),
    "pending_delete": ("pending delete", "#e6550d"),
    "no object": ("no object", "#31a354"),
    "canaries": ("canaries", "#756bb1"),
}


class _Axes(NamedTuple):
    """Of the right panel: the first day from the purge, and the most questions a day, a whole number."""

    first: int
    highest: float

    def across(self, age: int) -> float:
        """Where a day is."""
        return RIGHT + (age - self.first) / (LATEST - self.first) * WIDE


def draw_runs(runs: Mapping[str, Outcome], days: int) -> str:
    """The picture as SVG, one curve for each run of so many days in the upper panels, and one bar below."""
    ages = {title: average_ages(outcome, days) for title, outcome in runs.items()}
    seen = {age: asked for found in ages.values() for age, asked in found.items() if EARLIEST <= age <= LATEST}
    most = max((asked for found in ages.values() for age, asked in found.items() if age in seen), default=0.0)
    axes = _Axes(min(seen, default=0) // 5 * 5, float(int(most) + 1))
    wide, high = RIGHT + WIDE + 40, BARS + ROW * len(runs) + 15
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" width="{wide}" height="{high}" {FONT}>',
        "<title>How soon drops are told, and what registry questions are spent on</title>",
        '<rect width="100%" height="100%" fill="#fff"/>',
        *_legend(runs),
        _heading(LEFT, TOP - 14, "drops told within so long, of those free for two days"),
        *_left_axes(),
        _heading(RIGHT, TOP - 14, "registry questions a day about a name that drops"),
        *_right_axes(axes),
    ]
    for number, (title, outcome) in enumerate(runs.items()):
        parts.append(_line(_told_points(outcome), number, len(runs)))
        parts.append(_line(_asked_points(ages[title], axes), number, len(runs)))
    return "\n".join([*parts, *_bars(runs), "</svg>"]) + "\n"


def _legend(runs: Mapping[str, Outcome]) -> Iterator[str]:
    """Each way with its line, and the middle of its latencies."""
    apart = (RIGHT + WIDE - LEFT) / max(1, len(runs))
    for number, (title, outcome) in enumerate(runs.items()):
        x, latencies = LEFT + number * apart, latencies_of(outcome)
        middle = f", median {say_seconds(latencies[len(latencies) // 2])}" if latencies else ""
        yield f'<line x1="{x:.1f}" x2="{x + 34:.1f}" y1="36" y2="36" {_stroke(number, len(runs))}/>'
        yield f'<text x="{x + 42:.1f}" y="40">{escape(title)}{middle}</text>'


def _heading(x: float, y: float, text: str) -> str:
    return f'<text x="{x}" y="{y}" font-weight="bold">{text}</text>'


def _stroke(number: int, count: int) -> str:
    colour, dashes = STYLES[-1] if number == count - 1 else STYLES[number % (len(STYLES) - 1)]
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'stroke="{colour}" stroke-width="{2 if dashes else 3}"{dashed}'


def _line(points: list[tuple[float, float]], number: int, count: int) -> str:
    text = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{text}" fill="none" stroke-linejoin="round" {_stroke(number, count)}/>'


def _told_points(outcome: Outcome) -> list[tuple[float, float]]:
    """A step upward for each drop that was told."""
    latencies = latencies_of(outcome)
    points = [(_across(1.0), _up(0.0))]
    for number, seconds in enumerate(latencies):
        if seconds < inf:
            points += [
                (_across(seconds), _up(number / len(latencies))),
                (_across(seconds), _up((number + 1) / len(latencies))),
            ]
    return [*points, (_across(10**LAST), points[-1][1])]


def _asked_points(ages: dict[int, float], axes: _Axes) -> list[tuple[float, float]]:
    return [(axes.across(age), _up(asked / axes.highest)) for age, asked in sorted(ages.items()) if EARLIEST <= age <= LATEST]


def _left_axes() -> Iterator[str]:
    for seconds, word in MARKS:
        x = _across(seconds)
        yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{TOP + HIGH}" stroke="#ddd"/>'
        yield f'<text x="{x:.1f}" y="{TOP + HIGH + 20}" text-anchor="middle" font-size="11">{word}</text>'
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        yield f'<line x1="{LEFT}" x2="{LEFT + WIDE}" y1="{_up(share):.1f}" y2="{_up(share):.1f}" stroke="#ddd"/>'
        yield f'<text x="{LEFT - 8}" y="{_up(share) + 4:.1f}" text-anchor="end">{share:.0%}</text>'
    yield f'<text x="{LEFT + WIDE / 2}" y="{TOP + HIGH + 42}" text-anchor="middle">from free to told, log scale</text>'


def _right_axes(axes: _Axes) -> Iterator[str]:
    for day in range(axes.first, LATEST + 1, 5):
        x, colour = axes.across(day), "#a50f15" if day == 0 else "#ddd"
        yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{TOP + HIGH}" stroke="{colour}"/>'
        yield f'<text x="{x:.1f}" y="{TOP + HIGH + 20}" text-anchor="middle" font-size="11">{day}</text>'
    for part in (0.0, 0.25, 0.5, 0.75, 1.0):
        yield f'<line x1="{RIGHT}" x2="{RIGHT + WIDE}" y1="{_up(part):.1f}" y2="{_up(part):.1f}" stroke="#ddd"/>'
        yield f'<text x="{RIGHT - 8}" y="{_up(part) + 4:.1f}" text-anchor="end">{axes.highest * part:g}</text>'
    yield f'<text x="{RIGHT + WIDE / 2}" y="{TOP + HIGH + 42}" text-anchor="middle">days from the purge</text>'


def _bars(runs: Mapping[str, Outcome]) -> Iterator[str]:
    """One bar for each way: its registry questions by the phase in which names were asked about."""
    phases = {title: count_phases(outcome.asked) for title, outcome in runs.items()}
    most = max([sum(found[phase] for phase in PHASES) for found in phases.values()], default=0) or 1
    left, wide = LEFT + TITLES, RIGHT + WIDE - LEFT - TITLES - 70
    yield _heading(LEFT, BARS - 44, "registry questions by the phase of the name")
    for number, (word, colour) in enumerate(PHASES.values()):
        x = left + number * wide / (len(PHASES) - 0.5)
        yield f'<rect x="{x:.1f}" y="{BARS - 30}" width="12" height="12" fill="{colour}"/>'
        yield f'<text x="{x + 17:.1f}" y="{BARS - 20}" font-size="11">{word}</text>'
    for number, (title, found) in enumerate(phases.items()):
        x, y = float(left), BARS + number * ROW
        yield f'<text x="{left - 8}" y="{y + 15}" text-anchor="end">{escape(title)}</text>'
        for phase, (word, colour) in PHASES.items():
            width = found[phase] / most * wide
            if width:
                tip = f"<title>{escape(title)}, {word}: {found[phase]:,}</title>"
                yield f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{THICK}" fill="{colour}">{tip}</rect>'
            x += width
        yield f'<text x="{x + 6:.1f}" y="{y + 15}">{sum(found[phase] for phase in PHASES):,}</text>'


def _across(seconds: float) -> float:
    return LEFT + (min(LAST, max(FIRST, log10(max(seconds, 1.0)))) - FIRST) / (LAST - FIRST) * WIDE


def _up(share: float) -> float:
    return TOP + HIGH - share * HIGH
