"""The picture of the comparison is whole, and shows what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element

import pytest
from defusedxml.ElementTree import fromstring

from tests.sim.drops.families import DAY
from tests.sim.drops.outcomes import Asked, Drop, Outcome
from tests.sim.drops.pictures import FIRST, HIGH, LAST, LEFT, TOP, WIDE, draw_runs


def parse_picture(text: str) -> Element:
    """The picture as a tree, if it is one."""
    picture: Element = fromstring(text)
    return picture


def drawn_outcome(told: Sequence[float | None], **phases: int) -> Outcome:
    """Drops of com that are told so many seconds after they were free, and questions by the phase of the name."""
    drops = [Drop(f"{number}.com", 20 * DAY, 20 * DAY, None, None, at and 20 * DAY + at) for number, at in enumerate(told)]
    total = sum(phases.values())
    return Outcome(drops, [Asked("com", 9, total, phases, {-10: 4, 0: 8}, 0, 0.0, 0, 0, 9)], [])


def test_the_picture_shows_latencies_on_a_log_axis() -> None:
    """A curve is as high as the part that was told by then, and ends below the top where some never were."""
    picture = parse_picture(draw_runs({"way": drawn_outcome([1.0, 1000.0, None, None])}, 30))
    line, *_ = picture.iter("{http://www.w3.org/2000/svg}polyline")
    points = [tuple(map(float, point.split(","))) for point in line.get("points", "").split()]
    decade = WIDE / (LAST - FIRST)

    assert points[0] == (LEFT, TOP + HIGH)
    assert points[3] == pytest.approx((LEFT + 3 * decade, TOP + HIGH * 0.75), abs=0.1)
    assert points[-1] == (LEFT + WIDE, TOP + HIGH * 0.5)


def test_the_picture_names_every_way_and_draws_the_product_last_and_thick() -> None:
    """With the middle of its latencies; each has dashes of its own: colours alone tell some readers nothing."""
    ways = {title: drawn_outcome([60.0, 120.0, 180.0]) for title in ("fixed", "expiry", "before", "a < b")}
    text = draw_runs(ways, 30)
    parse_picture(text)
    strokes = [line.partition("stroke=")[2] for line in text.splitlines() if line.startswith("<polyline")]

    assert all(f">{title}, median 2.0 min</text>" in text for title in ("fixed", "expiry", "before", "a &lt; b"))
    assert len({stroke.partition("dasharray")[2] for stroke in strokes}) == 4
    assert ['stroke-width="3"' in stroke for stroke in strokes] == [False] * 6 + [True] * 2


def test_the_picture_shows_what_questions_are_spent_on() -> None:
    """A bar for each way: as long as its questions, those of each phase in the order of a life."""
    ways = {"one": drawn_outcome([1.0], active=300, canaries=100), "other": drawn_outcome([1.0], active=100, redemption=100)}
    bars = [line for line in draw_runs(ways, 30).splitlines() if line.startswith("<rect") and "<title>" in line]
    widths = [float(bar.partition('width="')[2].partition('"')[0]) for bar in bars]

    assert [bar.partition("<title>")[2].partition("</title>")[0] for bar in bars] == [
        "one, in use: 300",
        "one, canaries: 100",
        "other, in use: 100",
        "other, redemption: 100",
    ]
    assert [round(width / widths[1], 1) for width in widths] == [3.0, 1.0, 1.0, 1.0]


def test_a_picture_of_nothing_is_drawn() -> None:
    """No drops, no questions."""
    parse_picture(draw_runs({"way": Outcome([], [], [])}, 30))
