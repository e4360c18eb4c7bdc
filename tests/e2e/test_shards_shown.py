"""A watch list in two shards as it is seen from outside: one picture, one feed, and calls that reach the right coordinator."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from common.shard_settings import coordinator_name
from tests.e2e.reader import reading
from tests.e2e.site import Site, until
from tests.e2e.test_shards import CADENCE, DROPS, LAYOUT, STAYS, await_first_looks, furnish
from tests.lab.stack import INSTANCE, ROOT, bare_environment
from tests.store.postgres_server import PASSWORD, PostgresServer, require_programs

pytestmark = pytest.mark.timeout(300)

NAMES = {*DROPS, *STAYS}
#: Seconds within which something is shown, on a busy machine.
SHOWN = 30.0


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """The database server."""
    with closing(PostgresServer(require_programs())) as opened:
        yield opened


def commands(site: Site) -> list[tuple[str, str, str]]:
    """What coordinators say that they were told: process, verb and target."""
    lines = [line for line in site.stack.log_file.read_text(encoding="utf-8").splitlines() if '"event":"command"' in line]
    return [(row["actor"], row["verb"], row["target"]) for row in map(json.loads, lines)]


def test_two_shards_are_seen_as_one_service(server: PostgresServer, tmp_path: Path) -> None:
    """Counts are sums, the feed has both leaders' messages, and a name is checked where it belongs."""
    settings = {**CADENCE, "STORE_URL": server.url(server.new_schema(), password=PASSWORD)}
    with Site.open(tmp_path, settings, furnish) as site:
        await_first_looks(site)
        with reading(site.stack.feed, "state.", "system.") as reader:
            status = until(lambda: whole(site), SHOWN, "the status of both shards", 0.2)
            assert [row["names"] for row in status["coordinator"]["shards"]] == [
                sum(LAYOUT.shard_of(name) == shard for name in NAMES) for shard in range(2)
            ]
            assert status["instances"][0]["leads"] == [0, 1]
            assert {row["shard"] for row in status["coordinator"]["workers"]} == {0, 1}
            until(lambda: {heard.content.get("shard") for heard in reader.heard} == {0, 1}, SHOWN, "the feed of both", 0.2)
            for name in STAYS:
                assert site.call(f"/domain/{name}/check", "POST").status == 202
            assert site.call("/refresh", "POST").status == 202
            wanted = {(coordinator_name(LAYOUT.shard_of(name)), "check", name) for name in STAYS}
            wanted |= {(coordinator_name(shard), "refresh", "") for shard in range(2)}
            until(lambda: set(commands(site)) == wanted, SHOWN, "the commands", 0.2)

        metrics = site.call("/metrics/prometheus").body.decode()
        assert all(f'domain_monitor_shard_ready{{shard="{shard}"}} 1' in metrics for shard in range(2))
        assert any('shard="1"' in line and line.startswith("domain_monitor_checks_total") for line in metrics.splitlines())
        shown = run_tool(site, settings, "health")
        assert "healthy" in shown
        assert "registry" in run_tool(site, settings, "sources").lower()

        assert epochs(site) == [1, 1]
        site.kill("coordinator-1")
        until(lambda: epochs(site) == [1, 2], SHOWN, "the next leader of its shard is heard", 0.5)
        assert site.stop() == []


def epochs(site: Site) -> list[int]:
    """The epoch in which each shard is led."""
    return [row["epoch"] for row in site.call("/status").json()["coordinator"]["shards"]]


def whole(site: Site) -> dict[str, Any] | None:
    """The status, once both shards watch all names."""
    status: dict[str, Any] = site.call("/status").json()
    there = status["coordinator"].get("ready") is True and status["coordinator"]["domains"]["total"] == len(NAMES)
    return status if there else None


def run_tool(site: Site, settings: Mapping[str, str], command: str) -> str:
    """What a tool prints beside the stack."""
    place = {"STATE_DIR": str(site.stack.state_dir), "INSTANCE_ID": INSTANCE, "CONTROL_PORT": str(site.stack.control_port)}
    program = [sys.executable, "-m", "actors.cli.main", command]
    environment = {**bare_environment(), **settings, **place}
    done = subprocess.run(program, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout
