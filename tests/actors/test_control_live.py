"""The HTTP interface over time: status, metrics, and connections that misbehave."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from actors.control.request_limit import TokenBucket
from common.core.telemetry.metrics import Metrics
from tests.actors.control_lab import NOW, Lab, domain_row, event_row, serving


def test_status_merges_what_is_known(tmp_path: Path) -> None:
    """Counts come from the coordinator, and from the store only while it was never heard."""

    async def story() -> None:
        async with serving(Lab(tmp_path)) as lab:
            lab.reader.rows = [domain_row()]
            lab.reader.log = [event_row(7)]
            before = (await lab.get("/status"))[1]
            lab.control.live.take_message("system.coordinator.there", {"status": {"ready": True}})
            lab.speak(metrics={"secret": 1}, missing=["DOMAIN_API_URL is not set."])
            lab.control.live.take_message("system.coordinator.broken", {"status": "no map"})
            after = (await lab.get("/status"))[1]

            assert before["coordinator"]["domains"] == {"total": 1, "by_state": {"PENDING_DELETE": 1}}
            assert after["coordinator"]["domains"]["by_state"] == {"REGISTERED": 2}
            assert after["store"] == {"available": True, "last_seq": 7, "engine": "lists"}
            assert after["not_configured"] == ["DOMAIN_API_URL is not set."]
            assert "metrics" not in after["coordinator"]
            assert after["instances"] == []
            assert after["versions"]["python"]

    asyncio.run(story())


def full_status() -> dict[str, Any]:
    """A status with something in every part."""
    metrics = Metrics(NOW - 100)
    metrics.count("checks", 3, method="whois", outcome="registered")
    metrics.count("checks", 1, method="dns", outcome="unknown")
    metrics.count("leases_lost", 2)
    metrics.observe("check", 0.2, method="dns")
    return {
        "list": {"loaded_at": NOW - 5, "problems": 1},
        "queue": {"due": 1, "waiting": 2, "leased": 3, "quarantined": 0, "late_ms": 250.0},
        "deliveries": {"pending": 4, "parked": 1, "done": 9, "oldest_age": None},
        "budgets": [{"operator": "verisign", "egress": "default", "tokens": 5.5, "blocked_until": None, "used_today": 7}],
        "trust": [
            {"method": "rdap", "server": "rdap.example", "suffix": "com", "green": True, "registered_ok": NOW, "free_ok": None},
            "junk",
        ],
        "metrics": metrics.snapshot(),
    }


def test_metrics_as_json_can_be_narrowed(tmp_path: Path) -> None:
    """Every part is included unless switched off; check results are sorted by method and outcome."""

    async def story() -> None:
        async with serving(Lab(tmp_path)) as lab:
            lab.all_beat()
            lab.speak(**full_status())
            await lab.get("/domain/unknown.com")
            report = (await lab.get("/metrics"))[1]
            assert report["since"] == NOW - 100
            results = {method: {k: n for k, n in found.items() if n} for method, found in report["check_results"].items()}
            assert {method: found for method, found in results.items() if found} == {
                "whois": {"registered": 3},
                "dns": {"unknown": 1},
            }
            assert report["counters"]["leases_lost"] == 2
            assert report["timers"]['check{method="dns"}']["count"] == 1
            assert report["api"]["requests"]["GET /domain/{name}"] == {"404": 1}
            assert report["api"]["durations"]["GET /domain/{name}"]["count"] == 1
            assert report["gauges"]["queue_late_seconds"] == 0.25
            assert "unknown.com" not in json.dumps(report)
            narrow = (
                await lab.get(
                    "/metrics?include_timers=false&include_counters=0&include_gauges=0&include_api=FALSE&include_check_results=0"
                )
            )[1]
            assert narrow.keys() == {"timestamp", "since", "started_at", "uptime_seconds"}

    asyncio.run(story())


def test_metrics_for_prometheus_by_accept_and_by_path(tmp_path: Path) -> None:
    """Prometheus gets its text by its own Accept header or by path; browsers and curl get JSON."""

    async def story() -> None:
        async with serving(Lab(tmp_path)) as lab:
            lab.all_beat()
            lab.speak(**full_status())
            scraper = "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
            for path, accept, kind in (
                ("/metrics", scraper, "text/plain"),
                ("/metrics", "text/plain", "text/plain"),
                ("/metrics/prometheus", "*/*", "text/plain"),
                ("/metrics", "*/*", "application/json"),
                ("/metrics", "application/json, text/plain;q=0.5", "application/json"),
                ("/metrics", "text/plain;q=junk", "application/json"),
            ):
                async with lab.http.get(lab.url + path, headers={"Accept": accept}) as answer:
                    assert (path, accept, answer.content_type) == (path, accept, kind)
                    text = await answer.text()
                    if kind == "text/plain":
                        assert 'domain_monitor_server_trusted{method="rdap",server="rdap.example",suffix="com"} 1\n' in text
                        assert 'domain_monitor_domains{state="REGISTERED"} 2\n' in text
            promtool = shutil.which("promtool")
            if promtool is None:
                pytest.skip("promtool is not installed")
            async with lab.http.get(lab.url + "/metrics/prometheus") as answer:
                text = await answer.text()
            done = await asyncio.to_thread(
                subprocess.run,
                [promtool, "check", "metrics"],
                input=text,
                capture_output=True,
                text=True,
                check=False,
                timeout=30,
            )
            assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

    asyncio.run(story())


def test_a_reset_begins_again(tmp_path: Path) -> None:
    """After a reset our own counts hold nothing but the reset itself."""

    async def story() -> None:
        async with serving(Lab(tmp_path)) as lab:
            await lab.get("/domains")
            lab.clock.at += 5
            await lab.post("/metrics/reset")
            report = (await lab.get("/metrics"))[1]
            assert report["since"] == NOW + 5
            assert report["api"]["requests"] == {"POST /metrics/reset": {"202": 1}}

    asyncio.run(story())


def test_half_a_request_is_closed(tmp_path: Path) -> None:
    """A connection that sends no complete request in time is closed, so that slow ones cannot fill the table."""

    async def story() -> None:
        lab = Lab(tmp_path)
        lab.limits = {"first_request": 0.05}
        async with serving(lab):
            reader, writer = await asyncio.open_connection("127.0.0.1", int(lab.url.rpartition(":")[2]))
            writer.write(b"GET /domains HTTP/1.1\r\nHost: x\r\n")
            assert await reader.read() == b""
            writer.close()

    asyncio.run(story())


def test_connections_are_bounded(tmp_path: Path) -> None:
    """One connection too many gets 503 for its request, and its place is free again after another has left."""

    async def story() -> None:
        lab = Lab(tmp_path)
        lab.limits = {"most": 2}
        async with serving(lab):
            port = int(lab.url.rpartition(":")[2])
            pairs = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
            pairs[2][1].write(b"GET /domains HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert (await pairs[2][0].read()).startswith(b"HTTP/1.1 503 ")
            for _, writer in pairs:
                writer.close()
            await asyncio.gather(*(writer.wait_closed() for _, writer in pairs))
            assert (await lab.get("/domains"))[0] == 200

    asyncio.run(story())


@pytest.mark.parametrize(
    "junk", [b"\x16\x03\x01\x02\x00\x01\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET /" + b"a" * 20_000 + b"\r\n\r\n"]
)
def test_bytes_that_are_no_http_are_a_problem(junk: bytes, tmp_path: Path) -> None:
    """Garbage gets a 400 problem and the end of its connection."""

    async def story() -> None:
        async with serving(Lab(tmp_path)) as lab:
            reader, writer = await asyncio.open_connection("127.0.0.1", int(lab.url.rpartition(":")[2]))
            writer.write(junk)
            answer = await reader.read()
            writer.close()
            assert answer.startswith(b"HTTP/1.")
            assert b" 400 " in answer.split(b"\r\n")[0]
            assert b"application/problem+json" in answer

    asyncio.run(story())


def test_a_bucket_refills_up_to_its_burst() -> None:
    """One call a second on average; waiting longer saves no more than the burst."""
    bucket = TokenBucket(1.0, 2.0)

    assert [bucket.take(0.0), bucket.take(0.0)] == [0.0, 0.0]
    assert bucket.take(0.5) == pytest.approx(0.5)
    assert bucket.take(1.0) == 0.0
    assert [bucket.take(100.0), bucket.take(100.0)] == [0.0, 0.0]
    assert bucket.take(100.0) > 0
    assert bucket.take(50.0) > 0  # a clock that went back gives nothing away
