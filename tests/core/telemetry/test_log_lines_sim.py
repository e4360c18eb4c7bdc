"""What gets into the log: changes always, failures once a minute, checks and callbacks as a sum; on a virtual clock."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from common.core.model.effects import Effect, LogLine
from common.core.model.evidence import Observation, Outcome, Phase, Reading
from tests.sim.truth import Name
from tests.sim.world import World

#: Drives a simulated world.
pytestmark = pytest.mark.simulation


class Logged(World):
    """A world whose coordinator's log lines are kept."""

    def __init__(self, **options: Any) -> None:
        self.lines: list[LogLine] = []
        super().__init__(**options)

    def _perform(self, command: Effect) -> None:
        if isinstance(command, LogLine):
            self.lines.append(command)
        super()._perform(command)

    def told(self, event: str = "", *, debug: bool = False) -> list[LogLine]:
        """The lines of an event, those for DEBUG left out."""
        return [line for line in self.lines if event in {"", line.event} and (debug or line.level != "debug")]


def test_an_hour_without_changes_is_about_a_line_a_minute() -> None:
    """Hundreds of names, thousands of checks; each of them is still there for DEBUG."""
    world = Logged(interval=120.0)
    world.watch(*(f"n{n}.com" for n in range(300)))
    world.run(3600)
    lines = Counter(line.event for line in world.told())

    assert 55 <= lines["work_done"] <= 61
    assert sum(lines.values()) <= 80
    assert sum(sum(line.fields["checks"].values()) for line in world.told("work_done")) > 5000
    assert len(world.told("check_done", debug=True)) > 0


def test_changes_of_state_are_never_left_out() -> None:
    """However many names change in the same second, each has its line."""
    world = Logged(interval=60.0, priority=10.0)
    begin = world.now
    names = [f"n{n}.com" for n in range(60)]
    for name in names:
        world.names[name] = Name([(0.0, Phase.ACTIVE), (begin + 100, Phase.PENDING_DELETE)])
    world.watch(*names, priority=True)
    world.run(400)
    changed = [line.fields["domain"] for line in world.told("state_changed") if line.fields["state"] == "PENDING_DELETE"]

    assert sorted(changed) == sorted(names)


def test_an_endpoint_that_refuses_every_notice_does_not_fill_the_log() -> None:
    """The first refusal is written with all about it, then a number a minute; one that is given up is always told."""
    world = Logged(interval=60.0, priority=10.0)
    begin = world.now
    world.endpoint = lambda _: 503
    for n in range(50):
        world.names[f"n{n}.com"] = Name([(0.0, Phase.ACTIVE), (begin + 100, Phase.PENDING_DELETE)])
    world.watch(*(f"n{n}.com" for n in range(50)), priority=True)
    world.run(1000)
    lines = world.told("callback")

    assert lines[0].fields["status"] == 503
    assert lines[0].fields["domain"].endswith(".com")
    assert len(lines) <= 18
    assert sum(line.fields.get("again", 0) for line in lines) > 50


def test_a_registry_that_limits_us_is_told_at_once_and_not_for_each_name() -> None:
    """One warning with the reason, and until when it is left alone."""
    world = Logged(interval=60.0)
    throttled = Reading(Outcome.THROTTLED, "rdap_throttled", "429 Too Many Requests", retry_after=2.0)

    def lie(method: str, *_: object) -> Observation | None:
        return Observation("rdap", throttled, server="rdap.com.test", status=429) if method == "rdap" else None

    world.lie = lie
    for n in range(100):
        world.names[f"n{n}.com"] = Name([(0.0, None)])
    world.watch(*(f"n{n}.com" for n in range(100)))
    world.run(600)
    lines = world.told("operator_shut")

    assert lines[0].level == "warning"
    assert lines[0].fields["operator"] == "rdap/rdap.com.test"
    assert "429" in lines[0].fields["reason"]
    assert len(lines) <= 12
