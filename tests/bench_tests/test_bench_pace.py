"""The picture of an operator's pace comes from the budgets as they are."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.bench.pace import EVENTS, HOUR, LIMIT, PICTURE, ROUND_TRIP, STEP, Point, day, main
from tests.bench.pace_climb import DAYS, climb


@pytest.fixture(scope="module")
def points() -> list[Point]:
    """The simulated day."""
    return list(day())


def at(points: list[Point], hour: float) -> Point:
    """A minute of it."""
    return points[round(hour * HOUR / STEP)]


def test_the_committed_picture_is_what_the_script_draws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`python -m tests.bench.pace` draws it anew after a change of the rules."""
    target = tmp_path / "pace.svg"
    monkeypatch.setattr("sys.argv", ["pace", "--to", str(target)])
    main()

    assert target.read_text() == PICTURE.read_text()
    texts = [node.text for node in ET.parse(target).iter("{http://www.w3.org/2000/svg}text")]  # noqa: S314  # our own
    assert {what for _, what in EVENTS} <= set(texts)


def test_the_pace_is_back_within_the_hour_after_a_burst(points: list[Point]) -> None:
    """Though the server refused for twenty minutes."""
    assert at(points, 2.1).learned < 0.5
    assert at(points, 3.0).learned == LIMIT.rate


def test_a_block_and_a_ban_outlive_restarts_and_end_with_the_reset(points: list[Point]) -> None:
    """No restart opens the block or brings the pace back that was banned; the reset does."""
    assert all(at(points, hour).blocked for hour in (8.1, 8.2))
    assert {at(points, hour).learned for hour in (8.5, 10.0, 15.0, 16.0, 19.9)} == {LIMIT.rate / 2}
    assert at(points, 20.1).learned == LIMIT.rate


def test_no_more_is_asked_than_the_pace_allows(points: list[Point]) -> None:
    """Of the minute before, where it falls; while the operator is left alone no more than leaves until the next refusal."""
    for before, point in pairwise(points):
        allowed = max(before.learned, point.learned) * STEP + LIMIT.burst
        assert point.asked * STEP <= allowed
        assert not (before.blocked and point.blocked and point.asked * STEP > ROUND_TRIP)


def test_a_pace_climbs_to_what_is_welcome_with_a_complaint_a_day_at_most() -> None:
    """To its ceiling within half an hour where that is welcome, and not at all beyond it."""
    much, little = list(climb(50.0)), list(climb(3.0))

    assert next(one.day for one in much if one.rate == 50.0) < 30 / 1440
    assert not any(one.complained for one in much)
    times = [one.day for one in little if one.complained]
    assert 2 <= len(times) <= DAYS
    assert all(later - earlier >= 1 for earlier, later in pairwise(times))
