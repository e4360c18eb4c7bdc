"""Checkers of another host work for the real stack, behind links that break: no name waits, and nothing is told twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from common.bus import generate_keys
from common.core.workers.leases import SILENT
from tests.cluster.bad_link import BadLink
from tests.cluster.remote_scene import Links, free_ports
from tests.e2e.site import Site, until
from tests.lab import story
from tests.lab.lab import Lab
from tests.lab.stack import ROOT
from tests.lab.story import Alarm, Role, Scene

pytestmark = pytest.mark.timeout(240)

CLUSTER, FAR = generate_keys(), generate_keys()
POOLS = ("fast", "intermediate", "deep")
CADENCE = {
    "CHECK_INTERVAL": "3",
    "PRIORITY_CHECK_INTERVAL": "1",
    "CONFIRM_GAP": "2",
    "CONFIRM_GAP_CLOSE": "1",
    "CALLBACK_RESULTS": "none",
}
CUT, HEALED, RESTARTED = "cut-the-cord.com", "whole-again.org", "new-captain.com"
DROPS = [CUT, HEALED, RESTARTED]
STAYING = ["granite-press.com", "harvest-moon.org", "harbour-books.co.uk", "blaue-stunde.de"]
#: Seconds from a purge to its notice; with a partition on top.
DROP_SECONDS = 40.0
#: Seconds that a partition lasts: longer than any lease.
PARTITION = 25.0


class Remote:
    """Checker processes, one of each pool, that reach the stack through links of ours alone."""

    def __init__(
        self, site: Site, links: Links, directory: Path, name: str = "far", egress: str = "far", pools: tuple[str, ...] = POOLS
    ) -> None:
        self.links = links
        environ = {
            **{name: os.environ[name] for name in ("PATH", "HOME", "CI") if name in os.environ},
            **site.do(lambda lab: lab.environment()),
            "PYTHONPATH": str(ROOT),
            "STATE_DIR": str(directory / name),
            "INSTANCE_ID": name,
            "EGRESS_ID": egress,
            "BUS_SECRET_KEY": FAR.secret,
            "BUS_SERVER_KEY": CLUSTER.public,
            "DOMAIN_MONITOR_ENV_FILE": "",
        }
        self.log = (directory / f"{name}.log").open("wb")
        coordinator = f"tcp://127.0.0.1:{links.port}"
        self.processes = [
            subprocess.Popen(
                [sys.executable, "-m", "actors.cli.main", "checker", "--pool", pool, "--coordinator", coordinator],
                cwd=ROOT,
                env=environ,
                stdout=self.log,
                stderr=subprocess.STDOUT,
            )
            for pool in pools
        ]

    def stop(self) -> None:
        """End them as an operator does."""
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            process.wait(60)
        self.log.close()


def _furnish(lab: Lab) -> None:
    story.stage(
        lab.registry, [Role(name, Scene.LAST_DAY, Alarm.MUST, priority=True) for name in DROPS] + list(map(Role, STAYING))
    )
    lab.customer.set_watch([*DROPS, *STAYING], priority=DROPS)


@contextmanager
def _links(site: Site, target: int) -> Iterator[Links]:
    async def start() -> Links:
        return await Links(target).start()

    links = site._run(start())
    try:
        yield links
    finally:
        site._run(links.close())


@pytest.fixture(scope="module")
def port() -> int:
    """Where the bus of the stack is."""
    return free_ports()


@pytest.fixture(scope="module")
def site(port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A stack that lets checkers of another host in."""
    bus = {
        "BUS_ENDPOINT": f"tcp://127.0.0.1:{port}",
        "BUS_SECRET_KEY": CLUSTER.secret,
        "BUS_CLIENT_KEYS": FAR.public,
    }
    with Site.open(tmp_path_factory.mktemp("stack"), {**CADENCE, **bus}, _furnish) as opened:
        yield opened


@pytest.fixture(scope="module")
def remote(site: Site, port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Remote]:
    """Its checkers elsewhere."""
    with _links(site, port) as links:
        far = Remote(site, links, tmp_path_factory.mktemp("far"))
        try:
            yield far
        finally:
            site.do(lambda _: links.each(BadLink.heal))
            far.stop()


def workers(site: Site, host: str = "far") -> dict[str, dict[str, Any]]:
    """The workers of another host, as /status shows them, by pool."""
    rows = site.call("/status").json()["coordinator"].get("workers", [])
    return {row["pool"]: row for row in rows if row["host"] == host}


def all_there(site: Site) -> bool:
    """Whether every pool of the other host is at work."""
    return set(workers(site)) == set(POOLS)


def ids(site: Site, name: str) -> set[str]:
    """The ids under which a drop was told."""
    return {item.id for item in site.told(name)}


@pytest.mark.usefixtures("remote")
def test_the_status_shows_workers_of_another_host_and_their_egress(site: Site) -> None:
    """With since when they are there; they get work, from budgets of their own."""
    until(lambda: all_there(site), 40, "the workers of the other host", 0.2)
    row = workers(site)["intermediate"]
    assert (row["host"], row["egress"]) == ("far", "far")
    assert abs(time.time() - row["since"]) < 60

    def both() -> bool:
        rows = site.call("/status").json()["coordinator"]["budgets"]
        found = {(row["operator"].partition("/")[0], row["egress"]) for row in rows}
        return {("rdap", "far"), ("rdap", "default"), ("dns", "far")} <= found

    until(both, 30, "budgets of both egresses", 0.2)


def test_a_checker_with_the_egress_of_the_coordinators_host_shares_its_budgets(
    site: Site, remote: Remote, tmp_path: Path
) -> None:
    """It is at work, and no budget is new: there are as many as registries and egresses."""
    near = Remote(site, remote.links, tmp_path, "near", "default", ("intermediate",))
    try:
        until(lambda: "intermediate" in workers(site, "near"), 40, "the worker that shares", 0.2)
        for _ in range(3):
            site.until_asked(STAYING[0], time.time())
        rows = site.call("/status").json()["coordinator"]["budgets"]
        pairs = [(row["operator"], row["egress"]) for row in rows]
        assert len(pairs) == len(set(pairs))
        assert {egress for _, egress in pairs} == {"default", "far"}
    finally:
        near.stop()


def test_a_partition_costs_no_name_its_checks_and_no_drop_its_notice(site: Site, remote: Remote) -> None:
    """The tasks that were there are given to others within seconds; what the other host finds out late tells nothing again."""
    until(lambda: all_there(site), 40, "the workers of the other host", 0.2)
    site.do(lambda _: remote.links.each(BadLink.cut))
    began = time.time()
    site.purge(CUT)
    until(lambda: not workers(site), SILENT + 10, "the workers are dropped", 0.2)
    until(lambda: site.told(CUT), DROP_SECONDS, f"a notice about {CUT}")
    until(lambda: time.time() - began > PARTITION, PARTITION + 5, "the partition is over", 0.2)
    for name in STAYING:
        site.until_asked(name, time.time() - 6.0, 12)

    site.do(lambda _: remote.links.each(BadLink.heal))
    until(lambda: all_there(site), 40, "the workers are back", 0.2)
    assert all(process.poll() is None for process in remote.processes)
    site.purge(HEALED)
    until(lambda: site.told(HEALED), DROP_SECONDS, f"a notice about {HEALED}")
    assert len(ids(site, CUT)) == len(ids(site, HEALED)) == 1


@pytest.mark.usefixtures("remote")
def test_a_coordinator_that_starts_again_is_followed(site: Site) -> None:
    """In a new epoch, at the same address: the workers are back within seconds, and nothing was started anew."""
    until(lambda: all_there(site), 40, "the workers of the other host", 0.2)
    boots = {pool: row["boot"] for pool, row in workers(site).items()}
    pid = site.kill("coordinator")
    site.purge(RESTARTED)
    site.until_back("coordinator", pid)
    until(lambda: all_there(site), 40, "the workers are back", 0.2)
    assert {pool: row["boot"] for pool, row in workers(site).items()} == boots
    until(lambda: site.told(RESTARTED), DROP_SECONDS, f"a notice about {RESTARTED}")
    assert {name: len(ids(site, name)) for name in DROPS} == dict.fromkeys(DROPS, 1)
