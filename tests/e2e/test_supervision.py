"""The whole stack, its processes stopped or killed: full service again in ten seconds, and nothing left in the end."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from common import heartbeat
from common.socket_paths import socket_directory
from tests.actors.supervised import gone
from tests.e2e.site import Site, until
from tests.lab import net

pytestmark = pytest.mark.timeout(120)

#: Seconds until full service.
BACK = 10.0


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A stack without names and without a network."""
    directory: Path = tmp_path_factory.mktemp("supervision")
    (directory / "domains.txt").write_text("", encoding="utf-8")
    dead = str(net.free_port())
    settings = {
        "DOMAIN_LIST_FILE": str(directory / "domains.txt"),
        "DNS_ROOT_SERVERS": f"{net.HOST}:{dead}",
        "RDAP_BOOTSTRAP_URL": f"http://{net.HOST}:{dead}/dns.json",
    }
    with Site.open(directory, settings) as opened:
        until(lambda: "running" in events(opened), 20, "the end of the start", 0.1)
        yield opened


def events(site: Site) -> list[str]:
    """The events of its log so far; a line that is no JSON fails the test."""
    return [json.loads(line)["event"] for line in site.stack.log_tail(10_000)]


def beats(site: Site) -> dict[str, heartbeat.Heartbeat]:
    """Every heartbeat."""
    return heartbeat.read_heartbeats(site.stack.instance_dir)


def working(site: Site, name: str, but: int) -> bool:
    """Whether another process in its place works, and control says that all is well."""
    beat = beats(site).get(name)
    if beat is None or beat.pid == but or time.time() - beat.at > 2.0:
        return False
    try:
        health = site.call("/health")
    except OSError:
        return False
    rows = {row["process"]: row for row in health.json()["processes"]}
    return health.status == 200 and rows[name]["pid"] == beat.pid


@pytest.mark.parametrize("name", ["coordinator", "checker-fast-0", "control", "watchdog"])
def test_a_stopped_process_is_back_in_ten_seconds(site: Site, name: str) -> None:
    """SIGSTOP of any of them, the watchdog too: killed, started again, at work, and the restart is counted."""
    pid = beats(site)[name].pid
    restarts = beats(site)[name].restarts
    os.kill(pid, signal.SIGSTOP)

    until(lambda: working(site, name, pid), BACK, f"{name} is back", 0.05)
    assert beats(site)[name].restarts == restarts + 1


def test_nothing_else_was_restarted(site: Site) -> None:
    """One kill each, of what was stopped alone; every line of the log is JSON."""
    killed = [json.loads(line)["process"] for line in site.stack.log_tail(10_000) if '"process_silent"' in line]

    assert sorted(killed) == ["checker-fast-0", "control", "coordinator", "watchdog"]
    assert [name for name, beat in beats(site).items() if beat.restarts != (name in killed)] == []
    assert set(events(site)) & {"output", "bug", "crashed"} == set()


def test_every_process_ends_with_supervisord(site: Site) -> None:
    """Kill -9: all end in seconds, hung or not, the parent with an exit code that asks for a new start."""
    pids = [beat.pid for beat in beats(site).values()]
    supervisord = int((socket_directory(site.stack.instance_dir) / "supervisord.pid").read_text())
    assert len(pids) == 9
    os.kill(beats(site)["notifier-0"].pid, signal.SIGSTOP)
    os.kill(supervisord, signal.SIGKILL)

    until(lambda: all(map(gone, pids)) and not site.stack.running, BACK, "the end of everything", 0.05)
    assert events(site)[-1] == "supervisord_lost"
