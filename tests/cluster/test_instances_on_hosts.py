"""Two coordinators over one PostgreSQL that see no socket of each other: what the one that follows has works for the other."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from common import config, heartbeat, leader_file, state_dir
from common.bus import FeedSubscriber, InboxSender, LeaderWatch, generate_keys, inner_feed_keys
from common.config import Settings
from common.messages import Command
from tests.cluster.remote_scene import RemoteWorker, free_ports, until
from tests.lab.stack import ROOT
from tests.store.postgres_server import PASSWORD, PostgresServer, require_programs

pytestmark = pytest.mark.timeout(180)

KEYS = generate_keys()


class Coordinator:
    """The coordinator process of one instance on a host of its own."""

    def __init__(self, path: Path, url: str, **more: str) -> None:
        self.path = path
        path.mkdir()
        (path / "names.txt").write_text("a.com\n", encoding="utf-8")
        environ = {
            "STATE_DIR": str(path / "state"),
            "INSTANCE_ID": path.name,
            "DOMAIN_LIST_FILE": str(path / "names.txt"),
            "RDAP_BOOTSTRAP_URL": "http://127.0.0.1:1/",
            "STORE_URL": url,
            **more,
        }
        self.settings: Settings = config.load(environ)
        state_dir.create_directories(self.settings)
        with (path / "log").open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "actors.cli.main", "coordinator"],
                stdout=out, stderr=out, cwd=ROOT, env={"PATH": os.environ["PATH"], **environ},
            )  # fmt: skip

    def log(self) -> str:
        """What it said so far."""
        return (self.path / "log").read_text(encoding="utf-8")

    def hide(self) -> None:
        """Take its sockets out of the sight of others, as those of another host are; what is connected stays so."""
        (self.path / "state" / "run").rename(self.path / "state" / "hidden")

    def kill(self) -> None:
        """End it at once."""
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """The database."""
    with closing(PostgresServer(require_programs())) as opened:
        yield opened


def bus() -> dict[str, str]:
    """What instances on several hosts set; here each host has a port of its own."""
    return {
        "BUS_ENDPOINT": f"tcp://0.0.0.0:{free_ports()}",
        "BUS_SECRET_KEY": KEYS.secret,
        "BUS_CLIENT_KEYS": KEYS.public,
        "INSTANCE_ADDRESS": "127.0.0.1",
    }


def test_the_checkers_of_one_host_work_for_the_leader_on_another(server: PostgresServer, tmp_path: Path) -> None:
    """Over its address in the lease, as does its control process; when it dies they work for their own, which leads then."""

    async def scene() -> None:
        url = server.url(password=PASSWORD)
        one = Coordinator(tmp_path / "one", url, **bus())
        await until(lambda: "list_taken" in one.log())
        one.hide()
        two = Coordinator(tmp_path / "two", url, **bus())
        worker: RemoteWorker | None = None
        try:
            await until(lambda: leader_file.read_leader(two.settings.instance_dir) is not None)
            worker = RemoteWorker(two.settings)
            watch = LeaderWatch(two.settings)
            way = watch.addresses
            assert way.bus.startswith("tcp://127.0.0.1:")
            heard: list[dict[str, Any]] = []
            feed = FeedSubscriber(way.feed, ("system.",), keys=inner_feed_keys(two.settings, way), server_key=way.server_key)
            feed.attach(lambda _, payload: heard.append(payload))
            inbox = InboxSender(two.settings, way)
            await until(lambda: bool(heard) and "fast-0@two" in str(heard[-1]))
            await until(lambda: inbox.send(Command("refresh", sender="from-two")))
            await until(lambda: "from-two" in one.log())
            feed.close()
            inbox.close()

            one.kill()
            await until(lambda: '"instance_leads"' in two.log(), 60)
            watch = LeaderWatch(two.settings)
            assert watch.addresses.bus.startswith("ipc://")
            heard.clear()
            way = watch.addresses
            feed = FeedSubscriber(way.feed, ("system.",), keys=inner_feed_keys(two.settings, way), server_key=way.server_key)
            feed.attach(lambda _, payload: heard.append(payload))
            await until(lambda: bool(heard) and "fast-0@two" in str(heard[-1]))
            feed.close()
        finally:
            if worker is not None:
                await worker.end()
            one.kill()
            two.kill()

    asyncio.run(scene())


def test_an_instance_that_does_not_reach_the_leader_says_so(server: PostgresServer, tmp_path: Path) -> None:
    """It stands by all the same, and takes over; until then its heartbeat, and so /health, names the remedy."""

    async def scene() -> None:
        url = server.url(password=PASSWORD)
        one = Coordinator(tmp_path / "one", url)
        await until(lambda: "list_taken" in one.log())
        one.hide()
        two = Coordinator(tmp_path / "two", url)

        def trouble() -> str:
            beat = heartbeat.read_heartbeat(two.settings.instance_dir, "coordinator")
            return beat.trouble if beat is not None else ""

        try:
            await until(lambda: "BUS_ENDPOINT" in trouble())
            assert "leader_unreachable" in two.log()
            one.kill()
            await until(lambda: '"instance_leads"' in two.log(), 60)
            await until(lambda: trouble() == "")
        finally:
            one.kill()
            two.kill()

    asyncio.run(scene())
