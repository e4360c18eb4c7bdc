"""Notices and check results go to one endpoint and do not hold each other up."""

from __future__ import annotations

import pytest

from common.core.model.records import NOTICE, RESULT
from common.core.outbox.circuits import Circuits
from common.core.outbox.deliveries import Deliveries
from tests.core.outbox.posted import Middle, attempt, ids, notice, outbox, result


def refused(lane: str, retry_after: float | None = None, at: float = 0.0) -> Deliveries:
    """An outbox whose endpoint has refused ten rows of one lane with 429; an eleventh of it waits."""
    make = notice if lane == NOTICE else result
    deliveries = outbox(*(make(f"{lane}{n}", f"{lane}{n}.com") for n in range(11)))
    for n in range(10):
        attempt(deliveries, f"{lane}{n}", 429, at, retry_after)
    assert deliveries.circuits[lane].is_open
    return deliveries


def test_a_429_on_results_does_not_hold_a_notice_back() -> None:
    """Whatever an endpoint asks for check results, a notice goes out at once, and goes on doing so."""
    deliveries = refused(RESULT, retry_after=594.0)
    for n in range(3):
        deliveries.add_delivery(notice(f"drop{n}", f"drop{n}.com", at=float(n)))
        assert ids(deliveries.due_rows(float(n), 50)) == [f"drop{n}"]
        attempt(deliveries, f"drop{n}", 200, float(n))

    assert deliveries.circuits[RESULT].is_open
    assert deliveries.due_rows(593.9, 50) == []
    assert [row.lane for row in deliveries.due_rows(594.0, 50)] == [RESULT]


def test_a_dead_lane_of_notices_does_not_hold_results_back() -> None:
    """The other way round the same: results flow while notices are probed."""
    deliveries = refused(NOTICE)
    deliveries.add_delivery(result("r", "r.com", at=0.5))

    assert ids(deliveries.due_rows(0.5, 50)) == ["r"]


@pytest.mark.parametrize(("lane", "longest"), [(NOTICE, 300.0), (RESULT, 3600.0)])
def test_retry_after_silences_a_lane_for_no_longer_than_it_may(lane: str, longest: float) -> None:
    """A day that an endpoint asks for is five minutes for notices and an hour for results, for the probe and for the row."""
    deliveries = refused(lane, retry_after=86_400.0)

    assert deliveries.due_rows(longest - 0.1, 50) == []
    (probe,) = deliveries.due_rows(longest, 50)
    assert attempt(deliveries, probe.id, 503, longest, 86_400.0).next_at == 2 * longest
    assert deliveries.due_rows(2 * longest - 0.1, 50) == []
    assert len(deliveries.due_rows(2 * longest, 50)) == 1


def test_a_single_row_waits_no_longer_than_its_lane_allows() -> None:
    """Also where the circuit is closed."""
    deliveries = outbox(notice("n"), result("r", "r.com"))

    assert attempt(deliveries, "n", 429, 0.0, 86_400.0).next_at == 300.0
    assert attempt(deliveries, "r", 429, 0.0, 86_400.0).next_at == 3600.0


def test_an_endpoint_that_is_down_gets_one_probe_at_a_time() -> None:
    """Both lanes together have one attempt under way, they take turns, and neither is forgotten."""
    deliveries = outbox(*(notice(f"n{n}", f"n{n}.com") for n in range(12)), *(result(f"r{n}", f"r{n}.com") for n in range(12)))
    for lane in ("n", "r"):
        for n in range(10):
            attempt(deliveries, f"{lane}{n}", 0, 0.0)
    under_way: list[tuple[float, str]] = []
    sent: list[str] = []
    for second in range(1, 601):
        for row in deliveries.due_rows(second, 50, 12):
            deliveries.note_sent(row.id, f"p{second}{row.id}", second)
            under_way.append((second + 20.0, f"p{second}{row.id}"))
            sent.append(row.lane)
        assert len(under_way) <= 1
        if under_way and under_way[0][0] <= second:
            deliveries.note_result(under_way.pop()[1], 0, "timed out", None, second, Middle())

    assert 28 <= len(sent) <= 31
    assert abs(sent.count(NOTICE) - sent.count(RESULT)) <= 1


def test_while_a_probe_is_under_way_nothing_is_due() -> None:
    """The coordinator is not woken for a probe that would have to wait for another one."""
    deliveries = refused(NOTICE)
    (probe,) = deliveries.due_rows(1.0, 50)
    deliveries.note_sent(probe.id, "t", 1.0)
    assert deliveries.next_at() is None

    deliveries.note_lost("t", 26.0)
    assert deliveries.next_at() == 3.0
    assert len(deliveries.due_rows(26.0, 50)) == 1


def test_a_lane_that_is_back_says_nothing_of_the_other() -> None:
    """A success closes the circuit of its own lane."""
    deliveries = refused(RESULT)
    for n in range(10):
        deliveries.add_delivery(notice(f"n{n}", f"n{n}.com"))
        attempt(deliveries, f"n{n}", 503, 0.0)
    attempt(deliveries, deliveries.due_rows(15.0, 50)[0].id, 200, 15.0)

    assert [deliveries.circuits[lane].is_open for lane in (NOTICE, RESULT)] == [False, True]


def test_an_open_circuit_outlives_a_restart_as_one_probe() -> None:
    """A coordinator that starts again and again does not send ten attempts each time to an endpoint that is down."""
    before = refused(NOTICE)
    after = outbox(*(notice(f"n{n}", f"n{n}.com") for n in range(50)))
    after.circuits.restore_open(before.circuits.open_lanes(), 7.0)
    assert ids(after.due_rows(7.0, 50)) == ["n0"]
    attempt(after, "n0", 200, 7.0)

    assert not after.circuits[NOTICE].is_open
    assert after.circuits.open_lanes() == ""


def test_senseless_text_opens_no_circuit() -> None:
    """What the store holds may be of another version."""
    circuits = Circuits()
    circuits.restore_open("x,,NOTICE,result ,\x00", 0.0)

    assert circuits.open_lanes() == ""


def test_the_status_tells_each_lane() -> None:
    """Figures by lane; the two beside them are those of the notices, and of the results where only those are held up."""
    shown = refused(RESULT, retry_after=594.0).snapshot(1.0)

    assert shown["lanes"]["notice"] == {"pending": 0, "circuit_open_until": None, "failures_in_a_row": 0}
    assert shown["lanes"]["result"] == {"pending": 11, "circuit_open_until": 594.0, "failures_in_a_row": 10}
    assert (shown["circuit_open_until"], shown["failures_in_a_row"]) == (594.0, 10)
