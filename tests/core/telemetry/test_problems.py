"""When a problem begins and ends, since when it is, and what comes over the feed."""

from __future__ import annotations

import pytest

from common.core.telemetry.problems import CODES, HOLD, MOST, Problem, ProblemLog, parse_problems

DOWN = Problem("no_answers", "Nothing answers.", "Check the route.", unwatched=True)
SLOW = Problem("process_missing", "It is not there.", "Wait.", "notifier", restart_helps=True, after=30.0)


def told(log: ProblemLog, now: float, *present: Problem) -> list[tuple[str, str, float]]:
    """(event, code, seconds) of every change."""
    return [(change.log_event, change.problem.code, change.seconds) for change in log.note_conditions(present, now)]


def test_a_problem_is_told_once_at_its_begin_and_once_at_its_end() -> None:
    """However often it is noted, there is one begin and one end, with its duration."""
    log = ProblemLog()

    assert told(log, 100.0, DOWN) == [("problem_began", "no_answers", 0.0)]
    assert told(log, 102.0, DOWN) == []
    assert log.active_problems()[0].since == 100.0
    assert told(log, 110.0) == []
    assert log.active_problems() == []
    assert told(log, 102.0 + HOLD + 1) == [("problem_ended", "no_answers", 2.0)]
    assert told(log, 200.0) == []


def test_a_condition_that_comes_and_goes_is_one_problem() -> None:
    """A short break neither ends a problem nor moves its since."""
    log = ProblemLog()
    changes = [change for second in range(60) for change in told(log, 100.0 + second, *([DOWN] if second % 5 else []))]

    assert changes == [("problem_began", "no_answers", 0.0)]
    assert log.active_problems()[0].since == 101.0


def test_a_condition_counts_once_it_has_lasted() -> None:
    """What must last 30 s is no problem before, and is one since its first moment."""
    log = ProblemLog()

    assert told(log, 100.0, SLOW) == told(log, 129.0, SLOW) == []
    assert log.active_problems() == []
    assert told(log, 130.0, SLOW) == [("problem_began", "process_missing", 0.0)]
    assert log.active_problems()[0].since == 100.0


def test_what_was_over_in_time_is_never_told() -> None:
    """A condition shorter than it has to be leaves neither a begin nor an end."""
    log = ProblemLog()

    assert [told(log, at, *present) for at, present in ((100.0, [SLOW]), (120.0, []), (140.0, []))] == [[], [], []]


def test_several_with_one_code_are_told_apart() -> None:
    """Two processes are two problems; the older one comes first."""
    log = ProblemLog()
    log.note_conditions([Problem("process_silent", "a", "b", "control")], 10.0)
    log.note_conditions(
        [Problem("process_silent", "a", "b", "notifier-0", since=5.0), Problem("process_silent", "a", "b", "control")], 11.0
    )

    assert [(problem.about, problem.since) for problem in log.active_problems()] == [("notifier-0", 5.0), ("control", 10.0)]


def test_a_clock_that_goes_back_keeps_nothing_alive() -> None:
    """What has ended ends, even where the clock is before its last moment."""
    log = ProblemLog()
    log.note_conditions([DOWN], 100.0)

    assert told(log, 50.0) == [("problem_ended", "no_answers", 0.0)]


def test_problems_are_bounded() -> None:
    """A mistake that makes ever new ones costs no memory."""
    log = ProblemLog()
    log.note_conditions([Problem("process_silent", "a", "b", str(number)) for number in range(2 * MOST)], 1.0)

    assert len(log.active_problems()) == MOST


def test_problems_survive_the_feed() -> None:
    """What was published is read back as it was."""
    log = ProblemLog()
    log.note_conditions([DOWN], 100.0)

    assert parse_problems([problem.to_map() for problem in log.active_problems()]) == log.active_problems()


@pytest.mark.parametrize("junk", [None, "x", 7, [None], [{}], [{"code": 1}], [{**DOWN.to_map(), "since": "x"}]])
def test_what_is_no_problem_is_left_out(junk: object) -> None:
    """A feed that sends something else cannot break the report."""
    assert parse_problems(junk) == []


def test_every_code_says_what_it_is() -> None:
    """The codes are words of the metrics, so they are plain and each has a meaning."""
    assert all(code.replace("_", "").isalpha() and code.islower() and meaning for code, meaning in CODES.items())
