"""What of thousands of equal log lines is written: the first of a minute at once, the others as a number, work as a sum."""

from __future__ import annotations

from common.core.model.effects import Effects, LogLine
from common.core.telemetry.log_summary import MOST_SUBJECTS, LogSummary
from common.core.telemetry.metrics import Metrics
from common.core.telemetry.telemetry import Telemetry


def test_a_repeated_line_is_written_once_a_minute_with_how_often_it_came() -> None:
    """The first at once, the others as a number, and nothing more once it is over."""
    summary = LogSummary()

    assert [summary.writes_line("warning", "callback", "result 5xx", float(second)) for second in range(30)] == [True] + [
        False
    ] * 29
    assert summary.take_repeated(59.9) == []
    assert summary.take_repeated(60.0) == [("warning", "callback", {"about": "result 5xx", "again": 29, "seconds": 60})]
    assert summary.writes_line("warning", "callback", "result 5xx", 61.0) is False
    assert summary.take_repeated(120.0) == [("warning", "callback", {"about": "result 5xx", "again": 1, "seconds": 60})]
    assert summary.take_repeated(180.0) == []
    assert summary.writes_line("warning", "callback", "result 5xx", 181.0) is True


def test_a_fault_at_a_thousand_places_is_bounded_too() -> None:
    """Some are told apart, the others together; another event is none of theirs."""
    summary = LogSummary()
    said = sum(summary.writes_line("warning", "channel_dead", f"dns {n}", 0.0) for n in range(1000))

    assert said == MOST_SUBJECTS + 1
    assert summary.writes_line("warning", "operator_shut", "x", 0.0) is True
    assert summary.take_repeated(60.0) == [("warning", "channel_dead", {"about": "others", "again": 979, "seconds": 60})]


def test_a_minute_of_work_is_one_line() -> None:
    """What was done since the last one, also after a reset of the metrics; a minute without work has none."""
    summary, metrics = LogSummary(), Metrics()
    assert summary.sum_up_work(metrics, 100.0) is None
    metrics.count("checks", 5, method="dns", outcome="registered")
    metrics.count("callbacks", 2, lane="notice", status="200", state="done")
    metrics.count("callbacks", 1, lane="notice", status="204", state="done")
    assert summary.sum_up_work(metrics, 159.0) is None
    assert summary.sum_up_work(metrics, 160.0) == {"checks": {"dns registered": 5}, "callbacks": {"notice done": 3}}
    assert summary.sum_up_work(metrics, 220.0) is None
    metrics.reset(230.0)
    metrics.count("checks", 3, method="dns", outcome="registered")
    assert summary.sum_up_work(metrics, 280.0) == {"checks": {"dns registered": 3}, "callbacks": {}}


def test_limited_lines_are_written_at_once_and_as_a_number_with_the_summary() -> None:
    """Others always; what is about something else has a line of its own."""
    effects = Effects()
    telemetry = Telemetry(effects, 0.0)
    telemetry.write_log("info", "state_changed", domain="a.com")
    for second in range(3):
        telemetry.write_limited("warning", "operator_shut", "rdap", float(second), reason="429")
        telemetry.write_log("info", "state_changed", domain="b.com")
    telemetry.write_limited("warning", "operator_shut", "whois", 3.0, reason="busy")
    telemetry.write_summary(59.0)
    telemetry.write_summary(60.0)
    lines = [(line.event, line.fields) for line in effects.take_planned() if isinstance(line, LogLine)]

    assert [event for event, _ in lines].count("state_changed") == 4
    assert [fields for event, fields in lines if event == "operator_shut"] == [
        {"reason": "429"},
        {"reason": "busy"},
        {"about": "rdap", "again": 2, "seconds": 60},
    ]


def test_the_summary_tells_what_was_done_once_a_minute() -> None:
    """By method and outcome; the first minute after a start begins with the first look at the counters."""
    effects = Effects()
    telemetry = Telemetry(effects, 0.0)
    telemetry.write_summary(100.0)
    telemetry.metrics.count("checks", 5, method="dns", outcome="registered")
    for now in (159.0, 160.0, 161.0):
        telemetry.write_summary(now)

    assert effects.take_planned() == [LogLine("info", "work_done", {"checks": {"dns registered": 5}, "callbacks": {}})]
