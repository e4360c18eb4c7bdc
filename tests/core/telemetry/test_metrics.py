"""Metrics stay bounded, add up and read well."""

import json
import os
import shutil
import subprocess

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.core.telemetry.metrics import MAX_SERIES, Metrics, format_series, snapshot_rows, timer_quantile
from common.core.telemetry.prometheus import render_exposition

#: The machine may be busy: time says nothing about a property.
PATIENT = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])


def sample() -> Metrics:
    """A process that has counted a little of everything."""
    metrics = Metrics(1000.0)
    metrics.count("checks", method="dns")
    metrics.count("checks", 4, method="dns")
    metrics.count("checks", method="whois", outcome="registered")
    metrics.gauge("domains", 12, state="REGISTERED")
    metrics.gauge("queue_late_seconds", 0.25)
    for seconds in (0.01, 0.02, 0.03, 2.0):
        metrics.observe("check", seconds, method="dns")
    return metrics


def merged(*snapshots: dict) -> dict:
    """The snapshots of several processes as one."""
    total = Metrics()
    for snapshot in snapshots:
        total.merge_snapshot(snapshot)
    return total.snapshot()


def value(snapshot: dict, kind: str, name: str) -> object:
    """The content of the first row of that name."""
    return next(content for row_name, _, content in snapshot_rows(snapshot, kind) if row_name == name)


def test_counts_add_up_and_survive_json() -> None:
    """A snapshot is plain data: counters add, gauges replace, timers keep their extremes."""
    snapshot = json.loads(json.dumps(sample().snapshot()))

    assert value(snapshot, "counters", "checks") == 5
    assert value(snapshot, "gauges", "domains") == 12
    timer = value(snapshot, "timers", "check")
    assert (timer["count"], timer["min"], timer["max"]) == (4, 0.01, 2.0)
    assert timer["sum"] == pytest.approx(2.06)


def test_reset_forgets_everything() -> None:
    """After a reset only the new start time is left."""
    metrics = sample()
    metrics.reset(2000.0)

    assert metrics.snapshot() == {"since": 2000.0, "counters": [], "gauges": [], "timers": [], "series_dropped": 0.0}


def test_series_are_bounded_and_the_loss_is_counted() -> None:
    """A label with endless values costs bounded memory, and known series go on counting."""
    metrics = Metrics()
    for index in range(MAX_SERIES + 50):
        metrics.count("checks", method=str(index))
    metrics.count("checks", method="0")
    metrics.observe("check", 1.0)
    snapshot = metrics.snapshot()

    assert len(snapshot["counters"]) == MAX_SERIES
    assert snapshot["series_dropped"] == 51
    assert snapshot["counters"][0][2] == 2
    assert "domain_monitor_series_dropped_total 51" in render_exposition(snapshot)


def test_impossible_values_are_ignored() -> None:
    """NaN, infinities and negative counts change nothing; a negative duration counts as zero."""
    metrics = Metrics()
    metrics.count("a", -1)
    metrics.count("a", float("nan"))
    metrics.gauge("b", float("inf"))
    metrics.observe("c", float("nan"))
    metrics.observe("d", -0.5)
    snapshot = metrics.snapshot()

    assert snapshot["counters"] == []
    assert snapshot["gauges"] == []
    assert [(row[0], row[2]["max"]) for row in snapshot["timers"]] == [("d", 0.0)]


def test_merge_adds_processes() -> None:
    """Two processes merge into sums, the widest extremes and the earliest start."""
    other = Metrics(500.0)
    other.count("checks", 2, method="dns")
    other.observe("check", 9.0, method="dns")
    both = merged(sample().snapshot(), other.snapshot())

    assert both["since"] == 500.0
    assert value(both, "counters", "checks") == 7
    assert value(both, "timers", "check")["max"] == 9.0
    assert value(both, "timers", "check")["count"] == 5


@PATIENT
@given(
    st.dictionaries(
        st.sampled_from(["since", "counters", "gauges", "timers", "series_dropped", "x"]),
        st.recursive(
            st.none() | st.integers() | st.floats() | st.text(max_size=5) | st.booleans(),
            lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
            max_leaves=12,
        ),
    )
)
def test_merge_takes_any_map(junk: dict) -> None:
    """A malformed snapshot is skipped row by row, and what is left can be rendered."""
    assert render_exposition(merged(junk, sample().snapshot())).endswith("\n")


@PATIENT
@given(st.lists(st.floats(0, 10_000), min_size=1, max_size=60))
def test_quantiles_stay_within_the_extremes_and_rise(seconds: list[float]) -> None:
    """p50 <= p95 <= p99, all between the smallest and the largest duration."""
    metrics = Metrics()
    for duration in seconds:
        metrics.observe("check", duration)
    timer = value(metrics.snapshot(), "timers", "check")
    p50, p95, p99 = (timer_quantile(timer, q) for q in (0.5, 0.95, 0.99))

    assert min(seconds) <= p50 <= p95 <= p99 <= max(seconds)


def test_quantile_of_nothing_is_zero() -> None:
    """No observations, or no timer at all, give 0."""
    assert timer_quantile({}, 0.5) == 0.0


def test_series_names_are_readable() -> None:
    """Labels are sorted, a series without labels is its name."""
    assert format_series("checks", {}) == "checks"
    assert format_series("checks", {"b": "2", "a": "1"}) == 'checks{a="1",b="2"}'


def test_exposition_has_types_suffixes_and_cumulative_buckets() -> None:
    """Counters end in _total, timers are cumulative histograms in seconds."""
    text = render_exposition(sample().snapshot())

    assert '# TYPE domain_monitor_checks_total counter\ndomain_monitor_checks_total{method="dns"} 5\n' in text
    assert 'domain_monitor_check_seconds_bucket{method="dns",le="0.025"} 2\n' in text
    assert 'domain_monitor_check_seconds_bucket{method="dns",le="+Inf"} 4\n' in text
    assert 'domain_monitor_check_seconds_count{method="dns"} 4\n' in text
    assert "domain_monitor_queue_late_seconds 0.25\n" in text


def test_label_values_cannot_break_out() -> None:
    """Quotes, backslashes and line breaks in a label value are escaped."""
    metrics = Metrics()
    metrics.count("checks", method='a"\n} 99\\')

    assert 'domain_monitor_checks_total{method="a\\"\\n} 99\\\\"} 1\n' in render_exposition(metrics.snapshot())


def test_promtool_finds_nothing_to_say() -> None:
    """The reference linter accepts the text without a remark."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed")
    metrics = sample()
    metrics.count("api_requests", route="/domain/{name}", method="GET", status=200)
    metrics.observe("api_request_seconds", 0.2, route="/domain/{name}", method="GET")
    done = subprocess.run(
        [promtool, "check", "metrics"],
        input=render_exposition(metrics.snapshot()),
        capture_output=True,
        text=True,
        check=False,
        env=os.environ,
        timeout=30,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
