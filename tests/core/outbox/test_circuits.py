"""The circuits of both lanes: what a Retry-After counts for in each, whose probe goes first, and what the status shows."""

from __future__ import annotations

import pytest

from common.core.model.records import LANES, NOTICE, RESULT
from common.core.outbox.circuits import Circuits, bound_retry_after

ROOM = {NOTICE: 1, RESULT: 1}


def failed(**failures: int) -> Circuits:
    """Circuits after so many failures in a row in each lane, at time 0."""
    circuits = Circuits()
    for lane, count in failures.items():
        for _ in range(count):
            circuits[lane].note_failure(0.0)
    return circuits


@pytest.mark.parametrize("lane", LANES)
@pytest.mark.parametrize(("asked", "counted"), [(None, None), (0.0, 1.0), (0.5, 1.0), (1.5, 1.5), (300.0, 300.0)])
def test_a_retry_after_counts_from_a_second_on(lane: str, asked: float | None, counted: float | None) -> None:
    """In either lane; where nothing was asked for, nothing counts."""
    assert bound_retry_after(lane, asked) == counted


def test_the_probe_that_is_due_first_goes_first() -> None:
    """Whichever lane it is of, if its time has come, there is a place for it, and no probe is under way."""
    circuits = Circuits()
    circuits.restore_open(NOTICE, 20.0)
    circuits.restore_open(RESULT, 10.0)

    assert circuits.find_probe_lanes(9.9, ROOM) == []
    assert circuits.find_probe_lanes(10.0, ROOM) == [RESULT]
    assert circuits.find_probe_lanes(20.0, ROOM) == [RESULT, NOTICE]
    assert circuits.find_probe_lanes(20.0, {NOTICE: 1, RESULT: 0}) == [NOTICE]
    circuits.probing = 1
    assert circuits.find_probe_lanes(20.0, ROOM) == []


def test_a_lane_that_is_not_held_up_sends_no_probe() -> None:
    """Its attempts go out as they are due."""
    assert failed(notice=10, result=9).find_probe_lanes(1.0, ROOM) == [NOTICE]


@pytest.mark.parametrize(
    ("notices", "results", "shown"), [(1, 3, (None, 1)), (12, 3, (1.0, 12)), (1, 13, (1.0, 13)), (12, 13, (1.0, 12))]
)
def test_the_status_shows_the_notices_unless_only_results_are_held_up(
    notices: int, results: int, shown: tuple[float | None, int]
) -> None:
    """A drop that is not told weighs more."""
    shown_lanes = failed(notice=notices, result=results).show_lanes({NOTICE: 5, RESULT: 6})

    assert (shown_lanes["circuit_open_until"], shown_lanes["failures_in_a_row"]) == shown
    lanes = {lane: (row["pending"], row["failures_in_a_row"]) for lane, row in shown_lanes["lanes"].items()}
    assert lanes == {NOTICE: (5, notices), RESULT: (6, results)}


def test_what_was_open_is_saved_and_opened_again() -> None:
    """Both lanes, one, or none."""
    for failures in ({}, {NOTICE: 10}, {RESULT: 10}, {NOTICE: 10, RESULT: 10}):
        again = Circuits()
        again.restore_open(failed(**failures).open_lanes(), 7.0)

        assert [lane for lane in LANES if again[lane].is_open] == list(failures)
        assert {again[lane].probe_at for lane in failures} <= {7.0}


def test_open_circuits_are_saved_once_for_each_change() -> None:
    """Changes since the last call, or since the restart."""
    circuits = failed(notice=10)
    assert (circuits.take_changed(), circuits.take_changed()) == (NOTICE, None)
    circuits[NOTICE].note_success(1.0)
    assert (circuits.take_changed(), circuits.take_changed()) == ("", None)

    again = Circuits()
    assert again.take_changed() is None
    again.restore_open(NOTICE, 0.0)
    assert again.take_changed() is None
