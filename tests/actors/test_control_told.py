"""A problem that the coordinator and control both see is one problem."""

from __future__ import annotations

from actors.control.coordinator_health import Heard
from actors.control.instance_health import HealthAssessor
from common.core.telemetry.problems import Problem

NOW = 1_800_000_000.0
FULL = Problem("disk_full", "x", "y", unwatched=True, after=5.0)
TOLD = Problem("disk_full", "x", "y", unwatched=True, since=NOW)


def test_what_the_coordinator_tells_is_said_once() -> None:
    """A full disk is seen by both; one of them alone writes its begin and its end, and it is shown once."""
    found = HealthAssessor({}, NOW - 3600)
    changes = []
    for second in range(40):
        told = [TOLD] if 2 <= second < 20 else []
        report = found.assess(NOW + second, {}, [Heard(0.0)], told, [FULL] if second < 20 else [])
        changes += report.changes
        assert sum(problem.code == "disk_full" for problem in report.problems) == (2 <= second < 20)

    assert not changes


def test_what_the_coordinator_does_not_tell_is_said_here() -> None:
    """A coordinator that is not there to tell of a full disk leaves it to control; what it tells later is no second begin."""
    found = HealthAssessor({}, NOW - 3600)
    changes = []
    for second in range(40):
        told = [TOLD] if 10 <= second < 20 else []
        changes += found.assess(NOW + second, {}, [Heard(0.0)], told, [FULL] if second < 20 else []).changes

    assert [(change.log_event, change.problem.code) for change in changes] == [
        ("problem_began", "disk_full"),
        ("problem_ended", "disk_full"),
    ]
