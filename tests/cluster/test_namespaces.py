"""A checker in a network namespace of its own: packets that are lost, a slow line, a cable that is pulled. Needs root."""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from common import heartbeat
from tests.cluster.remote_scene import CLUSTER, WORKER, PlayedCoordinator, until
from tests.lab.stack import ROOT

pytestmark = pytest.mark.timeout(150)

_NUMBERS = itertools.count(os.getpid() % 60 * 4)


def ip(*words: str, checked: bool = True) -> None:
    """Change the network (ip(8)); `checked`: whether it has to work."""
    subprocess.run(["ip", *words], check=checked, capture_output=True)


class Elsewhere:
    """A host beside this one, on a line of its own. It has no other network, so that what it asks of DNS fails at once."""

    def __init__(self) -> None:
        number = next(_NUMBERS) % 250
        self.name, self.line = f"dmfar{os.getpid()}", f"dmf{os.getpid() % 10_000_000}"
        self.here, self.there = f"10.91.{number}.1", f"10.91.{number}.2"
        ip("netns", "add", self.name)
        ip("link", "add", self.line, "type", "veth", "peer", "name", "far", "netns", self.name)
        ip("addr", "add", f"{self.here}/30", "dev", self.line)
        ip("link", "set", self.line, "up")
        for words in (
            ("addr", "add", f"{self.there}/30", "dev", "far"),
            ("link", "set", "far", "up"),
            ("link", "set", "lo", "up"),
        ):
            ip("netns", "exec", self.name, "ip", *words)

    def run(self, *words: str) -> None:
        """Run a command there."""
        ip("netns", "exec", self.name, *words)

    def close(self) -> None:
        """Take all of it down."""
        ip("link", "del", self.line, checked=False)
        ip("netns", "del", self.name, checked=False)


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    """Another host; skipped without root, which continuous integration has."""
    if os.geteuid() and not os.environ.get("CI"):
        pytest.skip("network namespaces need root")
    host = Elsewhere()
    try:
        yield host
    finally:
        host.close()


class FarChecker:
    """A real checker process there, and the coordinator here that it works for."""

    def __init__(self, path: Path, elsewhere: Elsewhere) -> None:
        self.coordinator = PlayedCoordinator(path / "a", host=elsewhere.here)
        environ = {
            "STATE_DIR": str(path / "far"),
            "INSTANCE_ID": "far",
            "EGRESS_ID": "far",
            "BUS_SECRET_KEY": WORKER.secret,
            "BUS_SERVER_KEY": CLUSTER.public,
            "COORDINATOR": f"tcp://{elsewhere.here}:{self.coordinator.port}",
            "DNS_ROOT_SERVERS": "192.0.2.1",
            "DOMAIN_MONITOR_ENV_FILE": "",
            "PATH": os.environ["PATH"],
        }
        self.instance_dir = path / "far" / "instances" / "far"
        command = ["ip", "netns", "exec", elsewhere.name, sys.executable, "-m", "actors.cli.main", "checker", "--pool", "fast"]
        with (path / "far.log").open("wb") as out:
            self.process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=out, stderr=out)

    def trouble(self) -> str:
        """What its heartbeat says is wrong."""
        beat = heartbeat.read_heartbeat(self.instance_dir, "checker-fast-0")
        return beat.trouble if beat is not None else ""

    async def ask(self, first: int, last: int, seconds: float) -> None:
        """Ask about something, and wait until each task was answered."""
        await until(lambda: self.coordinator.ask(*range(first, last + 1)))
        wanted = {f"boot.{number}" for number in range(first, last + 1)}
        await until(lambda: wanted <= self.coordinator.answered(), seconds)

    def close(self) -> None:
        """End both."""
        self.process.terminate()
        self.process.wait(60)
        self.coordinator.close()


def test_a_line_that_loses_a_fifth_of_its_packets_and_is_slow_works(elsewhere: Elsewhere, tmp_path: Path) -> None:
    """Each way; every task is answered."""
    if shutil.which("iptables") is None and not os.environ.get("CI"):
        pytest.skip("packets are lost by iptables")
    loss = ("-m", "statistic", "--mode", "random", "--probability", "0.2", "-j", "DROP")
    elsewhere.run("iptables", "-A", "INPUT", "-i", "far", *loss)
    elsewhere.run("iptables", "-A", "OUTPUT", "-o", "far", *loss)
    elsewhere.run("tc", "qdisc", "add", "dev", "far", "root", "tbf", "rate", "128kbit", "burst", "4kb", "latency", "400ms")

    async def scene() -> None:
        far = FarChecker(tmp_path, elsewhere)
        try:
            await until(lambda: bool(far.coordinator.credits), 60)
            await far.ask(1, 20, 60)
        finally:
            far.close()

    asyncio.run(scene())


def test_a_cable_that_is_pulled_is_noticed_by_both_sides(elsewhere: Elsewhere, tmp_path: Path) -> None:
    """No packet tells of it. The worker says so and is back once it is plugged in, without a new start."""

    async def scene() -> None:
        far = FarChecker(tmp_path, elsewhere)
        try:
            await until(lambda: bool(far.coordinator.credits))
            boot = far.coordinator.credits[-1].boot
            elsewhere.run("ip", "link", "set", "far", "down")
            assert far.coordinator.ask(1)  # lost: its lease runs out
            await until(lambda: "nothing answers" in far.trouble() or "is heard" in far.trouble(), 45)
            await until(lambda: bool(far.coordinator.left), 45)
            far.coordinator.credits.clear()
            elsewhere.run("ip", "link", "set", "far", "up")
            await until(lambda: bool(far.coordinator.credits), 60)
            assert far.coordinator.credits[-1].boot == boot
            await far.ask(2, 5, 30)
            await until(lambda: far.trouble() == "")
        finally:
            far.close()

    asyncio.run(scene())
