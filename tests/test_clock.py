"""The clock never runs backwards and follows corrections without jumping."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import clock
from common.clock import SLEW, STEP, SlewedClock


class Hands:
    """A wall clock and a steady clock that a test moves."""

    def __init__(self) -> None:
        self.wall = 1_800_000_000.0
        self.steady = 50.0
        self.clock = SlewedClock(lambda: self.wall, lambda: self.steady)

    def pass_time(self, seconds: float) -> float:
        """Let time pass on both."""
        self.wall += seconds
        self.steady += seconds
        return self.clock.now()


def test_it_starts_at_the_wall_clock_and_keeps_pace() -> None:
    """Without corrections it is the wall clock."""
    hands = Hands()

    assert hands.pass_time(10) == pytest.approx(1_800_000_010.0)


@pytest.mark.parametrize("step", [-30.0, 30.0])
def test_a_correction_is_worked_off_slowly(step: float) -> None:
    """A step of half a minute is caught up with over a minute, at half the speed of time."""
    hands = Hands()
    hands.wall += step

    assert hands.pass_time(10) == pytest.approx(1_800_000_010.0 + (SLEW * 10 if step > 0 else -SLEW * 10))
    assert hands.pass_time(60) == pytest.approx(hands.wall)


def test_a_clock_that_was_not_set_at_the_start_is_believed_at_once() -> None:
    """A clock in 1970 does not catch up slowly."""
    hands = Hands()
    hands.wall += 2 * STEP

    assert hands.pass_time(1) == pytest.approx(hands.wall)


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(-1e6, 1e6)), max_size=50))
def test_it_never_runs_backwards(moves: list[tuple[float, float]]) -> None:
    """Whatever is done to the wall clock."""
    hands = Hands()
    before = hands.clock.now()
    for seconds, step in moves:
        hands.wall += step
        after = hands.pass_time(seconds)
        assert after >= before
        before = after


def test_times_are_written_as_iso_8601() -> None:
    """UTC, milliseconds, Z."""
    assert clock.iso(1_801_353_600.1234) == "2027-01-31T00:00:00.123Z"


def test_the_real_clocks_run() -> None:
    """Both functions that the program uses go forward."""
    assert clock.now() <= clock.now()
    assert clock.monotonic() <= clock.monotonic()
