"""What gets into the log: changes always, a complaint once a minute, checks and callbacks as a sum."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from common.core.model.effects import Effect, LogLine
from common.core.model.evidence import Observation, Outcome, Phase, Reading
from common.core.telemetry.log_summary import MOST_APART, LogSummary
from common.core.telemetry.metrics import Metrics
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


def test_a_complaint_is_written_once_a_minute_with_how_often_it_came() -> None:
    """The first at once, the others as a number, and nothing more once it is over."""
    chatter = LogSummary()

    assert [chatter.writes_line("warning", "callback", "result 5xx", float(second)) for second in range(30)] == [True] + [
        False
    ] * 29
    assert chatter.take_repeated(59.9) == []
    assert chatter.take_repeated(60.0) == [("warning", "callback", {"about": "result 5xx", "again": 29, "seconds": 60})]
    assert chatter.writes_line("warning", "callback", "result 5xx", 61.0) is False
    assert chatter.take_repeated(120.0) == [("warning", "callback", {"about": "result 5xx", "again": 1, "seconds": 60})]
    assert chatter.take_repeated(180.0) == []
    assert chatter.writes_line("warning", "callback", "result 5xx", 181.0) is True


def test_a_fault_at_a_thousand_places_is_bounded_too() -> None:
    """Some are told apart, the others together; another event is none of theirs."""
    chatter = LogSummary()
    said = sum(chatter.writes_line("warning", "channel_dead", f"dns {n}", 0.0) for n in range(1000))

    assert said == MOST_APART + 1
    assert chatter.writes_line("warning", "operator_shut", "x", 0.0) is True
    assert chatter.take_repeated(60.0) == [("warning", "channel_dead", {"about": "others", "again": 979, "seconds": 60})]


def test_a_minute_of_work_is_one_line() -> None:
    """What was done since the last one, also after a reset of the metrics; a minute without work has none."""
    chatter, metrics = LogSummary(), Metrics()
    assert chatter.sum_up_work(metrics, 100.0) is None
    metrics.count("checks", 5, method="dns", outcome="registered")
    metrics.count("callbacks", 2, lane="notice", status="200", state="done")
    metrics.count("callbacks", 1, lane="notice", status="204", state="done")
    assert chatter.sum_up_work(metrics, 159.0) is None
    assert chatter.sum_up_work(metrics, 160.0) == {"checks": {"dns registered": 5}, "callbacks": {"notice done": 3}}
    assert chatter.sum_up_work(metrics, 220.0) is None
    metrics.reset(230.0)
    metrics.count("checks", 3, method="dns", outcome="registered")
    assert chatter.sum_up_work(metrics, 280.0) == {"checks": {"dns registered": 3}, "callbacks": {}}


def test_a_quiet_hour_is_about_a_line_a_minute() -> None:
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
    """Its complaint is a warning with the reason and until when it is left alone."""
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
