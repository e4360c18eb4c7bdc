"""What the metrics say of the instance: its age, what it uses, which servers it calls, and zeros before the first event."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from mmap import mmap
from pathlib import Path
from typing import Any

import pytest

from actors.control.status_handlers import library_versions
from actors.coordinator.list_sources import note_list_call
from common import heartbeat
from common.core.coordinator.inputs import ListFailed, ListSame
from common.core.model.states import State
from common.core.telemetry.metrics import Metrics
from tests.actors.control_lab import NOW, Lab, serving


def spoken() -> dict[str, Any]:
    """A status of a coordinator that runs for an hour, called the list's interface four times and posted five callbacks."""
    metrics = Metrics(NOW - 100)
    for event in (
        ListSame("x"),
        ListFailed("x: it answered HTTP 503, also when asked again", "x"),
        ListFailed("no connection", "x"),
    ):
        note_list_call(lambda measured: measured.add_to(metrics), event, 0.5)
    for status in ("2xx", "2xx", "4xx", "none", "2xx"):
        metrics.count("upstream_requests", api="callback", status=status)
        metrics.observe("upstream_request_seconds", 0.2, api="callback")
    domains = {"total": 3, "priority": 2, "by_state": {"REGISTERED": 3}, "problems": 0}
    return {"started_at": NOW - 3600, "domains": domains, "metrics": metrics.snapshot()}


def report_of(tmp_path: Path, query: str = "") -> dict[str, Any]:
    """GET /metrics of an instance like that."""

    async def story() -> dict[str, Any]:
        async with serving(Lab(tmp_path)) as lab:
            lab.all_beat()
            lab.beat("coordinator", started_at=NOW - 3600, rss_bytes=80_000_000, cpu_seconds=12.5)
            lab.speak(**spoken())
            status, found = await lab.get("/metrics" + query)
            assert status == 200
            return found

    return asyncio.run(story())


def test_uptime_outlives_a_reset(tmp_path: Path) -> None:
    """`since` begins again, when the instance was started does not."""

    async def story() -> None:
        async with serving(Lab(tmp_path)) as lab:
            lab.all_beat()
            lab.speak(**spoken())
            before = (await lab.get("/metrics"))[1]
            await lab.post("/metrics/reset")
            metrics = Metrics(NOW)
            lab.speak(**{**spoken(), "metrics": metrics.snapshot()})
            after = (await lab.get("/metrics"))[1]

            assert (before["since"], after["since"]) == (NOW - 100, NOW)
            assert before["uptime_seconds"] == after["uptime_seconds"] == 3600
            assert before["started_at"] == after["started_at"] == NOW - 3600

    asyncio.run(story())


def test_each_process_tells_its_start_memory_and_processor_time(tmp_path: Path) -> None:
    """As its heartbeat says; a process that does not know its memory says nothing of it."""
    found = report_of(tmp_path)

    assert found["gauges"]['process_start_time_seconds{process="coordinator"}'] == NOW - 3600
    assert found["gauges"]['process_resident_memory_bytes{process="coordinator"}'] == 80_000_000
    assert found["counters"]['process_cpu_seconds{process="coordinator"}'] == 12.5
    assert 'process_resident_memory_bytes{process="notifier-0"}' not in found["gauges"]


def test_a_process_knows_what_it_uses() -> None:
    """Memory in bytes, and processor time that grows with work."""
    before = heartbeat.resource_usage()
    block = mmap(-1, 32 << 20)  # fresh pages, unlike memory that an earlier test has freed
    for place in range(0, len(block), 4096):
        block[place] = 1
    end = os.times().user + os.times().system + 0.05
    while os.times().user + os.times().system < end:
        pass
    after = heartbeat.resource_usage()
    block.close()

    assert after[0] - before[0] > 24 << 20
    assert after[1] - before[1] >= 0.04


def test_every_state_is_there_even_at_zero(tmp_path: Path) -> None:
    """All thirteen, and how many names have priority."""
    gauges = report_of(tmp_path)["gauges"]

    assert {f'domains{{state="{state.value}"}}' for state in State} <= gauges.keys()
    assert (gauges['domains{state="REGISTERED"}'], gauges['domains{state="AVAILABLE"}']) == (3, 0)
    assert gauges["domains_priority"] == 2


def test_the_build_is_named(tmp_path: Path) -> None:
    """A constant 1 whose labels are the versions."""
    known = library_versions()

    assert report_of(tmp_path)["gauges"][f'build_info{{python="{known["python"]}",version="{known["domain-monitor"]}"}}'] == 1


def test_calls_of_the_list_and_the_callbacks_have_rates_of_errors(tmp_path: Path) -> None:
    """How many, by class of status, how many failed, how long they took."""
    found = report_of(tmp_path)["api"]["upstream"]

    assert (found["list"]["requests"], found["list"]["errors"]) == (3, 2)
    assert found["list"]["by_status"] == {"2xx": 1, "3xx": 0, "4xx": 0, "5xx": 1, "none": 1}
    assert (found["callback"]["requests"], found["callback"]["error_rate"]) == (5, 0.4)
    assert found["callback"]["durations"]["count"] == 5


def test_gauges_can_be_left_out_like_the_rest(tmp_path: Path) -> None:
    """include_gauges, as the others."""
    assert "gauges" not in report_of(tmp_path, "?include_gauges=false")
    assert "counters" in report_of(tmp_path, "?include_gauges=false")


def test_prometheus_gets_all_of_it_with_help(tmp_path: Path) -> None:
    """Counters end in _total, each new name explains itself, and the reference linter has nothing to say."""

    async def story() -> str:
        async with serving(Lab(tmp_path)) as lab:
            lab.all_beat()
            lab.beat("coordinator", started_at=NOW - 3600, rss_bytes=80_000_000, cpu_seconds=12.5)
            lab.speak(**spoken())
            async with lab.http.get(lab.url + "/metrics/prometheus") as answer:
                return await answer.text()

    text = asyncio.run(story())
    for name, kind in (
        ("build_info", "gauge"),
        ("process_start_time_seconds", "gauge"),
        ("process_resident_memory_bytes", "gauge"),
        ("process_cpu_seconds_total", "counter"),
        ("check_errors_total", "counter"),
        ("upstream_requests_total", "counter"),
        ("upstream_request_seconds", "histogram"),
        ("domains_priority", "gauge"),
    ):
        assert f"# TYPE domain_monitor_{name} {kind}\n" in text
        help_line = next(line for line in text.splitlines() if line.startswith(f"# HELP domain_monitor_{name} "))
        assert len(help_line.split(" ", 3)[3].split()) > 3
    assert 'domain_monitor_events_total{kind="available"} 0\n' in text
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed")
    done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False, timeout=30)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
