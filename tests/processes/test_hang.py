"""Which process hangs and which only waits for a CPU, in virtual time: a sample each second of processes with a script."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from common.processes.hang import HangDetector, Hung, ProcessSample, Vitals

#: State, CPU seconds and seconds of waiting for a CPU, each second; the last one goes on for ever.
Life = Callable[[int], Vitals | None]


def steady(state: str, cpu: float = 0.0, delayed: float | None = 0.0) -> Life:
    """A process that spends every second alike."""
    return lambda second: Vitals(state, cpu * second, None if delayed is None else delayed * second)


def unknown(_second: int) -> Vitals | None:
    """A system without /proc."""
    return None


def hung_after(life: Life, *, beats_until: int | None = 3, looks: int = 300, patience: float = 30.0) -> tuple[int, str] | None:
    """Seconds from the last heartbeat to the verdict, and why; None where none comes. No beats without `beats_until`."""
    watch = HangDetector()
    for second in range(looks):
        beat = None if beats_until is None else float(min(second, beats_until))
        for hung in watch.find_hung([ProcessSample("worker", 100, beat, patience, life(second))], float(second)):
            return second - (beats_until or 0), hung.why
    return None


@pytest.mark.parametrize(
    ("life", "after", "why"),
    [
        pytest.param(steady("T"), 1, "stopped", id="stopped by a signal"),
        pytest.param(steady("S"), 3, "idle", id="waits for a lock for ever"),
        pytest.param(steady("S", cpu=0.01), 4, "idle", id="waits for ever while a thread beside it works a little"),
        pytest.param(steady("R", cpu=1.0), 4, "busy", id="computes for ever on a CPU of its own"),
        pytest.param(steady("R", cpu=0.2, delayed=0.8), 20, "busy", id="computes for ever with a fifth of a CPU"),
        pytest.param(steady("R", cpu=0.0, delayed=1.0), 31, "silent", id="gets no CPU at all"),
        pytest.param(steady("R"), 31, "silent", id="gets no CPU at all, and the kernel counts its wait once it is over"),
        pytest.param(steady("D"), 31, "silent", id="waits for a disk that does not answer"),
        pytest.param(steady("S", delayed=None), 3, "idle", id="waits for a lock, kernel without schedstat"),
        pytest.param(steady("R", delayed=None), 31, "silent", id="wants to run and does not, kernel without schedstat"),
        pytest.param(unknown, 11, "silent", id="silent, system without /proc"),
    ],
)
def test_a_process_that_hangs_is_found(life: Life, after: int, why: str) -> None:
    """Each way to hang is told apart, and takes as many seconds as are needed to be sure, 30 at most."""
    assert hung_after(life, beats_until=3 if why != "stopped" else 0) == (after, why)


@pytest.mark.parametrize("life", [steady("S"), steady("R", cpu=1.0), steady("D"), steady("R", delayed=1.0), unknown])
def test_a_process_that_sends_heartbeats_does_not_hang(life: Life) -> None:
    """Whatever it does between two heartbeats."""
    assert hung_after(life, beats_until=10_000) is None


def test_heartbeats_every_other_second_are_enough() -> None:
    """A loop that is late by a second is no hung loop."""
    watch = HangDetector()

    for second in range(200):
        assert watch.find_hung([ProcessSample("w", 1, float(second // 2), 30.0, Vitals("S", 0.0, 0.0))], float(second)) == []


def test_a_starved_process_of_a_loaded_machine_lives() -> None:
    """At load 8 on two CPUs a turn of two CPU-seconds takes twenty seconds, in which there is no heartbeat."""
    watch = HangDetector()

    for second in range(600):
        sight = ProcessSample("w", 1, float(second // 20), 30.0, Vitals("R", second * 0.1, second * 0.9))
        assert watch.find_hung([sight], float(second)) == []


def test_a_thread_that_waits_for_a_cpu_excuses_the_one_that_waits_for_it() -> None:
    """The loop sleeps until another thread gives up Python's lock, and that thread is starved."""
    assert hung_after(lambda second: Vitals("S", second * 0.1, second * 0.85), looks=28) is None


def test_a_long_wait_for_a_cpu_is_told_when_it_is_over() -> None:
    """A container with a thousandth of a CPU: five seconds without a turn, which the kernel then counts at once."""
    watch = HangDetector()

    for second in range(600):
        turns = second // 5
        sight = ProcessSample("w", 1, float(turns), 30.0, Vitals("S" if second % 5 == 0 else "R", 0.01 * turns, 4.9 * turns))
        assert watch.find_hung([sight], float(second)) == []


@pytest.mark.parametrize(
    ("life", "after"),
    [
        (steady("S"), 15),
        (steady("R", cpu=1.0), 15),
        (steady("R", cpu=0.05, delayed=0.95), 121),
        (steady("T"), 1),
        (unknown, 31),
    ],
)
def test_a_process_that_starts_has_longer(life: Life, after: int) -> None:
    """Before its first heartbeat a process loads its modules, on a busy machine for a minute; for ever is still too long."""
    found = hung_after(life, beats_until=None)

    assert found is not None
    assert found[0] == after


def test_a_process_may_ask_for_more_patience() -> None:
    """What a heartbeat says about silence counts where nothing else can be seen."""
    assert hung_after(steady("D"), patience=100.0) == (101, "silent")


def test_a_pause_of_the_detector_is_no_silence_of_the_processes() -> None:
    """A paused container, a suspended machine: an hour passed for the detector, none for the processes."""
    watch = HangDetector()
    sight = ProcessSample("w", 1, 1.0, 30.0, Vitals("S", 0.0, 0.0))
    moments = [0.0, 1.0, 2.0, 3600.0, 3601.0, 3602.0]

    assert [watch.find_hung([sight], moment) for moment in moments] == [[]] * 6


def test_a_detector_that_is_starved_itself_counts_slowly() -> None:
    """Samples every four seconds find what hangs, and count no more than two seconds each."""
    watch = HangDetector()
    sight = ProcessSample("w", 1, 1.0, 30.0, Vitals("S", 0.0, 0.0))

    assert [bool(watch.find_hung([sight], moment)) for moment in (0.0, 4.0, 8.0)] == [False, False, True]


def test_a_moment_of_being_stopped_is_forgiven() -> None:
    """A debugger or a snapshot that stops a process for less than a second costs it nothing."""
    watch = HangDetector()
    states = ["S", "T", "S", "T", "S", "S"]

    for second, state in enumerate(states):
        assert watch.find_hung([ProcessSample("w", 1, float(second), 30.0, Vitals(state, 0.0, 0.0))], float(second)) == []


def test_the_next_process_begins_afresh() -> None:
    """What was found once is not found again for what its predecessor did."""
    watch = HangDetector()
    found = [watch.find_hung([ProcessSample("w", 1, 1.0, 30.0, Vitals("S", 0.0, 0.0))], float(second)) for second in range(5)]

    assert found == [[], [], [], [Hung("w", 1, "idle")], []]
    assert watch.find_hung([ProcessSample("w", 2, None, 30.0, Vitals("S", 0.0, 0.0))], 5.0) == []
