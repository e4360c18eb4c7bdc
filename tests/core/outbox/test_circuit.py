"""The circuit breaker: opens, probes, and comes back gently."""

from __future__ import annotations

import pytest

from common.core.outbox.circuit import Circuit


def opened(now: float = 0.0) -> Circuit:
    """A circuit after ten failures in a row."""
    circuit = Circuit(600.0)
    assert [circuit.note_failure(now) for _ in range(10)] == [False] * 9 + [True]
    return circuit


def test_failures_that_are_not_in_a_row_do_not_open_it() -> None:
    """A single success starts the count anew."""
    circuit = Circuit(600.0)
    for _ in range(5):
        for _ in range(9):
            circuit.note_failure(0.0)
        assert not circuit.note_success(0.0)

    assert not circuit.is_open
    assert circuit.allowed_attempts(0.0, 500) == 500


def test_while_open_single_probes_go_out_ever_more_rarely() -> None:
    """After one second, two, four, eight, then every fifteen, whatever else is wanted."""
    circuit = opened()
    sent = []
    for now in range(100):
        if circuit.allowed_attempts(now, 50):
            circuit.note_attempt(now)
            circuit.note_failure(now)
            sent.append(now)

    assert sent == [1, 3, 7, 15, 30, 45, 60, 75, 90]


def test_retry_after_delays_the_next_probe_within_reason() -> None:
    """It lengthens the pause, at most to what its lane allows."""
    circuit = Circuit(600.0)
    for _ in range(10):
        circuit.note_failure(0.0, 40.0)
    assert circuit.allowed_attempts(39.0, 1) == 0
    assert circuit.allowed_attempts(40.0, 1) == 1

    circuit.note_attempt(40.0)
    circuit.note_failure(41.0, 1e9)
    assert circuit.probe_at == 641.0


def test_after_it_closes_the_pace_grows_from_ten_a_second() -> None:
    """The endpoint that just came back is not run over; a minute later nothing holds back."""
    circuit = opened()
    circuit.note_attempt(15.0)
    assert circuit.note_success(15.0)
    sent: dict[int, int] = {}
    for tick in range(150, 900):
        allowed = circuit.allowed_attempts(tick / 10, 1000)
        for _ in range(allowed):
            circuit.note_attempt(tick / 10)
        sent[tick // 10] = sent.get(tick // 10, 0) + allowed

    assert 8 <= sent[15] <= 12
    assert 18 <= sent[25] <= 24
    assert 150 <= sent[55] <= 180
    assert sent[80] == 10_000


def test_a_clock_that_steps_back_gives_nothing_away() -> None:
    """The allowance does not grow from going back and forth."""
    circuit = opened()
    circuit.note_success(15.0)
    total = 0
    for now in (15.0, 14.0, 15.0, 14.0, 15.5):
        allowed = circuit.allowed_attempts(now, 1000)
        for _ in range(allowed):
            circuit.note_attempt(now)
        total += allowed

    assert total <= 7


def test_a_circuit_that_was_open_begins_with_a_single_probe() -> None:
    """After a restart one attempt goes out at once, and until it succeeds the pauses grow as ever."""
    circuit = Circuit(600.0)
    circuit.reopen_circuit(100.0)
    assert circuit.allowed_attempts(100.0, 50) == 1
    circuit.note_attempt(100.0)
    circuit.note_failure(100.0)

    assert circuit.allowed_attempts(101.9, 50) == 0
    assert circuit.allowed_attempts(102.0, 50) == 1


def test_after_a_success_ten_failures_in_a_row_open_it_again() -> None:
    """Nothing of the first time counts: neither its failures nor how far apart its probes were."""
    circuit = opened()
    for now in (1.0, 3.0, 7.0):
        circuit.note_attempt(now)
    circuit.note_success(8.0)
    assert not circuit.is_open
    assert [circuit.note_failure(8.0) for _ in range(10)] == [False] * 9 + [True]
    assert circuit.is_open
    assert (circuit.failures, circuit.probe_at) == (10, 9.0)

    circuit.note_attempt(9.0)
    assert circuit.probe_at == 11.0


@pytest.mark.parametrize(
    ("moments", "allowed"),
    [
        ((0.0,), 1),
        ((0.845,), 9),  # ten a second, which grow from the first moment
        ((2.0, -2.0), 10),  # no more than the rate of the moment, no less for a clock that steps back
        ((0.0, -1.0), 1),
        ((59.999,), 639),
        ((60.0,), 5000),
        ((60.0, 30.0), 5000),  # once lifted, the limit does not come back
    ],
)
def test_the_pace_after_it_closed(moments: tuple[float, ...], allowed: int) -> None:
    """One attempt at once, ten in the first second, twice as many each ten seconds, any number after a minute."""
    circuit = opened()
    circuit.note_success(100.0)

    assert [circuit.allowed_attempts(100.0 + moment, 5000) for moment in moments][-1] == allowed


@pytest.mark.parametrize(("failures", "known"), [(0, 10), (3, 10), (12, 12)])
def test_a_circuit_that_is_opened_again_shows_at_least_the_failures_that_open_one(failures: int, known: int) -> None:
    """The status page tells why almost nothing is sent."""
    circuit = Circuit(600.0)
    for _ in range(failures):
        circuit.note_failure(0.0)
        circuit.note_attempt(0.0)
    circuit.reopen_circuit(100.0)

    assert (circuit.failures, circuit.probe_at) == (known, 100.0)
    circuit.note_attempt(100.0)
    assert circuit.probe_at == 102.0
