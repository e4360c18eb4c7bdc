"""The pace of an operator over a simulated day, as a picture: `python -m tests.bench.pace` draws `docs/pace.svg`.

The real budgets are used whenever they allow it, at one query a second. At two the server refuses for twenty minutes, at
eight the operator bans us; the process is killed in that block, and again in the afternoon. In the evening what was learned is
reset. Below that it shows how the pace of an address of com climbs (`pace_climb`). Nothing of it depends on the machine.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from common.core.model.evidence import Observation, Outcome, Reading, unknown_reading
from common.core.model.limit import Limit
from common.core.rate_limits.bucket import DAY
from common.core.rate_limits.budgets import Budgets
from common.core.rate_limits.saved import decode_saved, encode_saved
from tests.bench.pace_climb import draw_climbs

PICTURE = Path(__file__).resolve().parents[2] / "docs" / "pace.svg"
MIDNIGHT, HOUR = 20_718 * DAY, 3600.0
LIMIT = Limit("rdap/example", 1.0, 2)
#: Seconds from a question to its answer, and between two points of the picture.
ROUND_TRIP, STEP = 5.0, 60.0
CLEAN = Observation("rdap", Reading(Outcome.REGISTERED, "rdap_200_match", "found"), status=200)
THROTTLED = Observation("rdap", Reading(Outcome.THROTTLED, "rdap_429", "too many questions"), status=429)
BANNED = Observation("rdap", unknown_reading("rdap_403", "the server refuses us"), status=403, refused=True)
#: What the operator answers to questions that leave between two hours of the day, where that is not clean.
TROUBLE = ((2.0, 2.0 + 1200 / HOUR, THROTTLED), (8.0, 8.0 + 60 / HOUR, BANNED))
#: What else happens, at which hour.
EVENTS = ((2.0, "a burst of 429"), (8.0, "a ban"), (8.1, "restart"), (15.0, "restart"), (20.0, "reset"))
LEFT, TOP, WIDE, HIGH, GAP = 60, 50, 960, 260, 110
FONT = 'role="img" font-family="sans-serif" font-size="12"'
LEGEND = "line: the pace learned; area: questions asked; red: left alone; hours of the day in UTC"


class Point(NamedTuple):
    """A minute of the day: the pace learned and the pace asked, in questions a second, and whether it is left alone."""

    hour: float
    learned: float
    asked: float
    blocked: bool


def main() -> None:
    """Draw it."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.pace", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--to", type=Path, default=PICTURE, metavar="FILE", help="where to")
    parser.parse_args().to.write_text(drawn(list(day())), encoding="utf-8")


def day() -> Iterator[Point]:
    """The day, minute by minute."""
    budgets, asked = Budgets(), 0
    under_way: list[float] = []
    happenings = [(MIDNIGHT + hour * HOUR, what) for hour, what in EVENTS if what in ("restart", "reset")]
    for second in range(int(DAY)):
        now = MIDNIGHT + second
        while happenings and happenings[0][0] <= now:
            budgets, under_way = _happen(budgets, under_way, happenings.pop(0)[1], now)
        while under_way and under_way[0] <= now - ROUND_TRIP:
            sent = under_way.pop(0)
            budgets.note_answer(LIMIT, "default", _answer(sent), now, sent)
        if budgets.take_token(LIMIT, "default", now):
            asked += 1
            under_way.append(now)
        if not (second + 1) % STEP:
            blocked = budgets.limited_until(LIMIT, "default", now) > now
            yield Point((second + 1 - STEP) / HOUR, budgets.learned_rate(LIMIT, "default", now), asked / STEP, blocked)
            asked = 0


def drawn(points: list[Point]) -> str:
    """The picture as SVG."""
    learned = " ".join(f"{_x(point.hour):.1f},{_y(point.learned):.1f}" for point in points)
    asked = " ".join(f"{_x(point.hour):.1f},{_y(point.asked):.1f}" for point in points)
    floor, below = _y(0.0), TOP + HIGH + GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDE + 30} {below + HIGH + 70}" {FONT}>',
        "<title>The pace of an operator over a day: a burst, a ban, two restarts and a reset; and how paces climb</title>",
        '<rect width="100%" height="100%" fill="#fff"/>',
        *_blocks(points),
        f'<polygon points="{LEFT},{floor:.1f} {asked} {LEFT + WIDE},{floor:.1f}" fill="#c6dbef"/>',
        f'<polyline points="{learned}" fill="none" stroke="#08519c" stroke-width="2"/>',
        *_axes(),
        *_events(),
        f'<text x="{LEFT}" y="{TOP + HIGH + 55}">{LEGEND}</text>',
        *draw_climbs(LEFT, below, WIDE, HIGH),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _happen(budgets: Budgets, under_way: list[float], what: str, now: float) -> tuple[Budgets, list[float]]:
    """A kill loses what is under way; what was learned comes back from the store."""
    if what == "reset":
        budgets.reset_operator(LIMIT.operator, now)
        return budgets, under_way
    return Budgets(decode_saved(encode_saved(budgets.take_saved()))), []


def _answer(sent: float) -> Observation:
    hour = (sent - MIDNIGHT) / HOUR
    return next((answer for begin, end, answer in TROUBLE if begin <= hour < end), CLEAN)


def _x(hour: float) -> float:
    return LEFT + hour / 24 * WIDE


def _y(rate: float) -> float:
    return TOP + HIGH - rate / 1.2 * HIGH


def _blocks(points: list[Point]) -> Iterator[str]:
    """A red stripe for each minute in which the operator is left alone."""
    wide = _x(STEP / HOUR) - LEFT
    for point in points:
        if point.blocked:
            yield f'<rect x="{_x(point.hour):.1f}" y="{TOP}" width="{wide:.2f}" height="{HIGH}" fill="#fcbba1"/>'


def _axes() -> Iterator[str]:
    for hour in range(0, 25, 2):
        yield f'<text x="{_x(hour):.1f}" y="{TOP + HIGH + 20}" text-anchor="middle">{hour}</text>'
    for rate in (0.0, 0.25, 0.5, 0.75, 1.0):
        dash = ' stroke-dasharray="4 3"' if rate == LIMIT.rate else ""
        yield f'<line x1="{LEFT}" x2="{LEFT + WIDE}" y1="{_y(rate):.1f}" y2="{_y(rate):.1f}" stroke="#999"{dash}/>'
        yield f'<text x="{LEFT - 8}" y="{_y(rate) + 4:.1f}" text-anchor="end">{rate:g}/s</text>'


def _events() -> Iterator[str]:
    """A mark for each; those near each other are told one above the other."""
    last, level = -2.0, 0
    for hour, what in EVENTS:
        level = (level + 1) % 2 if hour - last < 1.0 else 0
        last = hour
        yield f'<line x1="{_x(hour):.1f}" x2="{_x(hour):.1f}" y1="{TOP}" y2="{TOP + HIGH}" stroke="#a50f15"/>'
        yield f'<text x="{_x(hour):.1f}" y="{TOP - 8 - 16 * level}" fill="#a50f15">{what}</text>'


if __name__ == "__main__":
    main()
