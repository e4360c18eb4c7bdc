"""Counters that are there before their first event, and the names by which calls of the customer's interfaces are counted."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from common import core
from common.core.telemetry.declared_counters import declare_counters, status_class
from common.core.telemetry.metrics import MAX_SERIES, Metrics, format_series, snapshot_rows


def counters(metrics: Metrics) -> dict[str, float]:
    """Every counter by its readable name."""
    return {format_series(name, labels): value for name, labels, value in snapshot_rows(metrics.snapshot(), "counters")}


def test_counters_are_shown_before_their_first_event() -> None:
    """With 0, so that the first alarm, error or lost worker is a rise."""
    metrics = Metrics()
    declare_counters(metrics)
    found = counters(metrics)

    for name in (
        'events{kind="available"}',
        'events{kind="retracted"}',
        'checks{method="rdap",outcome="throttled"}',
        'check_errors{kind="timeout",method="dns"}',
        'check_errors{kind="rate_limited",method="whois"}',
        'upstream_requests{api="list",status="none"}',
        'upstream_requests{api="callback",status="5xx"}',
        'callbacks{lane="notice",state="done",status="200"}',
        "workers_lost",
        'alarms{result="retracted"}',
    ):
        assert found[name] == 0.0


def test_every_counter_of_the_core_is_declared() -> None:
    """Read from the source; those whose labels are operators, servers and suffixes come with their first."""
    by_suffix = {"forecasts_scored", "forecast_brier_sum", "forecast_drops", "forecast_error_seconds"}
    by_name = {"answers_confirmed", "answers_contradicted", "operator_complaints", *by_suffix}
    sources = (path.read_text(encoding="utf-8") for path in Path(core.__file__).parent.rglob("*.py"))
    named = {name for text in sources for name in re.findall(r'metrics\.count\(\s*"([a-z_]+)"', text)}
    metrics = Metrics()
    declare_counters(metrics)

    assert {"workers_refused", "checks"} <= named
    assert named - by_name <= {name for name, _, _ in snapshot_rows(metrics.snapshot(), "counters")}


def test_declaring_counts_nothing_and_leaves_room() -> None:
    """A counter that has counted keeps its value; the declared ones are few beside what may be kept."""
    metrics = Metrics()
    metrics.count("workers_lost", 3)
    declare_counters(metrics)

    assert counters(metrics)["workers_lost"] == 3
    assert len(counters(metrics)) < MAX_SERIES / 5


@pytest.mark.parametrize(
    ("status", "shown"),
    [(200, "2xx"), (204, "2xx"), (304, "3xx"), (429, "4xx"), (599, "5xx"), (0, "none"), (999, "none")],
)
def test_a_status_is_counted_by_its_class(status: int, shown: str) -> None:
    """Thousands of statuses are no thousands of series."""
    assert status_class(status) == shown
