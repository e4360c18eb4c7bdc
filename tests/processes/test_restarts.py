"""One restart is at once, rapid cycling is slowed and never given up, and the record of it outlives the stack."""

from __future__ import annotations

import pytest

from common.processes.restarts import (
    FREE_DEATHS,
    LONGEST_PAUSE,
    Starts,
    pause_before_start,
    record_failure,
    record_next_run,
    record_start,
    record_stop,
)

BEGIN = 1_000_000.0


def test_pauses_double_up_to_five_minutes() -> None:
    """From a second on, with a quarter of jitter, always within the bounds."""
    assert [pause_before_start(times) for times in range(12)] == [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    for times in (1, 2, 5, 9, 10_000):
        waits = [pause_before_start(times, spread) for spread in (-1.0, -0.3, 0.0, 0.8, 1.0)]
        assert waits == sorted(waits)
        assert all(1.0 <= wait <= LONGEST_PAUSE for wait in waits)


def kill(record: Starts, ran: float, stack: str = "one") -> Starts:
    """The record of the process that follows one that was killed after `ran` seconds."""
    end = record.started_at + ran
    return record_start(record, stack, end, end)


def test_a_killed_process_begins_at_once() -> None:
    """Seven kills in a row, each a second after the start, delay nothing and are counted."""
    record = record_start(None, "one", BEGIN, 0.0)
    for times in range(1, FREE_DEATHS + 1):
        record = kill(record, 1.0)
        assert (record.until - record.started_at, record.restarts) == (0.0, times)


def test_a_process_that_dies_at_its_start_waits_longer_and_longer() -> None:
    """A process that the kernel kills a second after each start is tried every five minutes, for ever."""
    record, waits = record_start(None, "one", BEGIN, 0.0), []
    for _ in range(30):
        end = record.started_at + 1.0
        record = record_start(record, "one", end, end)
        waits.append(record.started_at - end)

    assert waits == [0.0] * FREE_DEATHS + [1, 2, 4, 8, 16, 32, 64, 128, 256] + [300.0] * 14


def test_kills_of_a_process_that_works_never_delay_it() -> None:
    """Killed every quarter of a minute for a day, it is back at once each time."""
    record = record_start(None, "one", BEGIN, 0.0)
    for _ in range(5000):
        record = kill(record, 15.0)
        assert record.until <= record.started_at


def test_a_minute_of_work_forgives_what_was_before() -> None:
    """After it the next death or failure counts as the first."""
    record = record_start(None, "one", BEGIN, 0.0)
    for _ in range(12):
        record = kill(record, 1.0)
    assert record.deaths == 12

    assert kill(record, 60.0).deaths == 0
    assert record_failure(record_failure(record, BEGIN, 5.0), BEGIN, 61.0).failures == 1


def test_a_failure_that_is_told_slows_the_next_run_at_once() -> None:
    """An exception or a wrong setting: 1 s, 2 s, 4 s and so on, whether the process stays or is started again."""
    record = record_failure(record_start(None, "one", BEGIN, 0.0), BEGIN + 1, 1.0)
    assert record.until == BEGIN + 2
    record = record_failure(record_next_run(record), BEGIN + 3, 1.0)
    assert (record.until, record.restarts) == (BEGIN + 5, 1)

    successor = record_start(record, "one", BEGIN + 3.5, BEGIN + 3)
    assert (successor.until, successor.started_at, successor.restarts) == (BEGIN + 5, BEGIN + 5, 2)


def test_the_pause_outlives_the_stack() -> None:
    """A container that is started again and again does not forget; only its restarts are counted anew."""
    record = record_start(None, "one", BEGIN, 0.0)
    for _ in range(20):
        record = record_failure(record_next_run(record), record.until, 1.0)
    successor = record_start(record, "two", record.until - 250.0, 0.0)

    assert successor.started_at - (record.until - 250.0) == 250.0
    assert (successor.failures, successor.restarts) == (20, 0)


def test_a_kill_while_it_waits_changes_nothing() -> None:
    """The pause that was left is left."""
    record = record_failure(record_start(None, "one", BEGIN, 0.0), BEGIN, 1.0)
    for _ in range(7):
        record = record_failure(record_next_run(record), record.until, 1.0)
    waiting = record_next_run(record)
    middle = waiting.until - 100.0

    assert record_start(waiting, "one", middle, middle).until == waiting.until
    assert record_start(waiting, "one", middle, middle).deaths == 0


def test_a_death_right_after_the_pause_counts() -> None:
    """Too early for a heartbeat of its own run, the process died at its start all the same."""
    record = record_next_run(record_failure(record_start(None, "one", BEGIN, 0.0), BEGIN, 1.0))

    assert record_start(record, "one", record.until + 0.5, record.until - 0.6).deaths == 1
    assert record_start(record, "one", record.until + 0.5, 0.0).deaths == 1


def test_an_orderly_stop_lets_the_next_start_begin_at_once() -> None:
    """After a requested stop the start is at once; a cause that is still there is met with the old pause."""
    record = record_start(None, "one", BEGIN, 0.0)
    for _ in range(9):
        record = record_failure(record_next_run(record), record.until, 1.0)
    successor = record_start(record_stop(record, 0.0), "two", BEGIN, 0.0)

    assert successor.until == 0.0
    assert record_failure(successor, BEGIN, 1.0).until == BEGIN + 300.0
    assert record_stop(record, 61.0).failures == 0


def test_an_end_with_the_supervisor_keeps_the_pause() -> None:
    """The end of the whole stack is no requested stop after which the cause is mended."""
    record = record_failure(record_start(None, "one", BEGIN, 0.0), BEGIN, 1.0)
    lost = record_stop(record, 0.0, asked=False)

    assert (lost.running, lost.until, lost.failures) == (False, record.until, 1)
    assert record_start(lost, "two", BEGIN + 0.2, BEGIN).until == record.until
    assert record_stop(record, 61.0, asked=False).until == 0.0


@pytest.mark.parametrize("clock", [0.0, 5e9])
def test_a_clock_that_was_wrong_holds_nothing_up(clock: float) -> None:
    """A record from the future delays by five minutes at most, one from the past not at all."""
    record = record_failure(record_start(None, "one", clock, 0.0), clock, 1.0)

    assert record_start(record, "two", BEGIN, 0.0).started_at <= BEGIN + LONGEST_PAUSE
