"""The comparison as a picture, `docs/drops.svg`: how soon drops are told, and at what age of a name it is asked about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import inf, log10
from pathlib import Path

from tests.sim.drops.figures import average_ages, latencies_of
from tests.sim.drops.outcomes import Outcome

PICTURE = Path(__file__).resolve().parents[3] / "docs" / "drops.svg"
WIDE, HIGH, LEFT, TOP, GAP = 380, 280, 70, 50, 100
FONT = 'role="img" font-family="sans-serif" font-size="12" fill="#222"'
COLOURS = ("#6a51a3", "#238b45", "#a50f15", "#08519c")
#: Powers of ten of the seconds on the left, and days from the purge on the right.
FIRST, LAST, EARLIEST, LATEST = 0.0, 6.0, -40, 15
MARKS = ((1.0, "1 s"), (60.0, "1 min"), (600.0, "10 min"), (3600.0, "1 h"), (86_400.0, "1 d"), (604_800.0, "7 d"))


def draw_runs(runs: Mapping[str, Outcome], days: int) -> str:
    """The picture as SVG, one curve for each run of so many days."""
    right = LEFT + WIDE + GAP
    ages = {title: average_ages(outcome, days) for title, outcome in runs.items()}
    most = [asked for found in ages.values() for age, asked in found.items() if EARLIEST <= age <= LATEST]
    highest = float(int(max(most, default=0.0)) + 1)  # the end of the axis: a whole number of questions a day
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {right + WIDE + 40} {TOP + HIGH + 60}" {FONT}>',
        "<title>How soon drops are told, and when in the life of a name questions are asked</title>",
        '<rect width="100%" height="100%" fill="#fff"/>',
        f'<text x="{LEFT}" y="{TOP - 24}" font-weight="bold">drops told after so long, of those free for two days</text>',
        *_left_axes(),
        f'<text x="{right}" y="{TOP - 24}" font-weight="bold">registry questions a day about a name that drops</text>',
        *_right_axes(right, highest),
    ]
    for number, (title, outcome) in enumerate(runs.items()):
        colour = COLOURS[number % len(COLOURS)]
        parts.append(_line(_told_points(outcome), colour))
        parts.append(_line(_asked_points(ages[title], right, highest), colour))
        parts.append(f'<text x="{LEFT + 8}" y="{TOP + 16 + 16 * number}" fill="{colour}">{title}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _line(points: list[tuple[float, float]], colour: str) -> str:
    text = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{text}" fill="none" stroke="{colour}" stroke-width="2"/>'


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


def _asked_points(ages: dict[int, float], left: int, highest: float) -> list[tuple[float, float]]:
    return [
        (left + (age - EARLIEST) / (LATEST - EARLIEST) * WIDE, _up(asked / highest))
        for age, asked in sorted(ages.items())
        if EARLIEST <= age <= LATEST
    ]


def _left_axes() -> Iterator[str]:
    for seconds, word in MARKS:
        x = _across(seconds)
        yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{TOP + HIGH}" stroke="#ddd"/>'
        yield f'<text x="{x:.1f}" y="{TOP + HIGH + 20}" text-anchor="middle">{word}</text>'
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        yield f'<line x1="{LEFT}" x2="{LEFT + WIDE}" y1="{_up(share):.1f}" y2="{_up(share):.1f}" stroke="#ddd"/>'
        yield f'<text x="{LEFT - 8}" y="{_up(share) + 4:.1f}" text-anchor="end">{share:.0%}</text>'


def _right_axes(left: int, highest: float) -> Iterator[str]:
    for day in range(EARLIEST, LATEST + 1, 5):
        x = left + (day - EARLIEST) / (LATEST - EARLIEST) * WIDE
        colour = "#a50f15" if day == 0 else "#ddd"
        yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{TOP + HIGH}" stroke="{colour}"/>'
        yield f'<text x="{x:.1f}" y="{TOP + HIGH + 20}" text-anchor="middle">{day}</text>'
    for part in (0.0, 0.5, 1.0):
        yield f'<text x="{left - 8}" y="{_up(part) + 4:.1f}" text-anchor="end">{highest * part:g}</text>'
    yield f'<text x="{left + WIDE / 2}" y="{TOP + HIGH + 42}" text-anchor="middle">days from the purge</text>'


def _across(seconds: float) -> float:
    return LEFT + (min(LAST, max(FIRST, log10(max(seconds, 1.0)))) - FIRST) / (LAST - FIRST) * WIDE


def _up(share: float) -> float:
    return TOP + HIGH - share * HIGH
