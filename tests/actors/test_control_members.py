"""Control processes of two hosts over one PostgreSQL: each names both instances, with the same fields as on one host."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from actors.control.member_watch import CLOCK_AFTER, GONE_AFTER, SILENT_AFTER
from actors.coordinator.membership import describe_member
from common import instances
from common.clock import now
from common.instances import FORGOTTEN_AFTER
from common.store.file_members import open_members
from common.store.member_contract import Members
from common.store.reader import open_reader
from tests.actors.control_lab import GROUPS, NOW, Lab, serving
from tests.store.builders import open_next
from tests.store.postgres_server import PostgresServer, require_programs


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """The database."""
    with closing(PostgresServer(require_programs())) as opened:
        yield opened


class Host(Lab):
    """A lab on a host of its own, whose control process reads the database."""

    def __init__(self, state_dir: Path, name: str, url: str) -> None:
        super().__init__(state_dir / name, INSTANCE_ID=name, EGRESS_ID=f"from-{name}", STORE_URL=url)
        self.opens = lambda: open_reader(self.settings)
        self.members: Members = open_members(self.settings)

    def announce(self) -> None:
        """What its coordinator does every few seconds."""
        settings = self.settings
        found = instances.read_instance(settings.instance_dir)
        assert self.members.announce(describe_member(settings, "i", found, self.clock.at)) is None

    async def rows(self) -> dict[str, dict[str, Any]]:
        """The instances of /health, by name."""
        return {row["instance"]: row for row in (await self.get("/health"))[1]["instances"]}

    async def problems(self) -> dict[str, dict[str, Any]]:
        """The problems of /health, by code; the clock of a lab stands still, and not at the present."""
        rows = (await self.get("/health"))[1]["problems"]
        return {row["code"]: row for row in rows if row["code"] != "clock_differs"}


Story = Callable[[Host, Host], Awaitable[None]]
Play = Callable[[Story], None]


@pytest.fixture
def play(server: PostgresServer, tmp_path: Path) -> Play:
    """Run a story of two hosts, of which `here` leads."""
    url = server.url(server.new_schema())

    def run(story: Story) -> None:
        async def main() -> None:
            here, there = (Host(tmp_path, name, url) for name in ("here", "there"))
            open_next(here.settings).close()
            try:
                async with serving(here), serving(there):
                    for host in (here, there):
                        host.clock.at += 100
                        host.all_beat()
                        host.announce()
                    await story(here, there)
            finally:
                for host in (here, there):
                    host.members.close()

        asyncio.run(main())

    return run


def test_each_of_two_hosts_names_both_instances(play: Play) -> None:
    """At /health and /status, with role, egress and host; of its own it knows the heartbeats."""

    async def story(here: Host, there: Host) -> None:
        for host, other in ((here, there), (there, here)):
            health = (await host.get("/health"))[1]
            rows = {row["instance"]: row for row in health["instances"]}
            assert [*rows] == ["here", "there"]
            for lab in (here, there):
                name = lab.settings.instance_id
                row = {**rows[name]}
                assert 0.0 <= row.pop("heartbeat_age") < 10.0
                assert row == {
                    "instance": name, "own": lab is host, "role": "leader" if lab is here else "follower", "status": "ok",
                    "processes": len(GROUPS), "started_at": NOW, "egress": f"from-{name}", "host": os.uname().nodename,
                }  # fmt: skip
            assert (await host.get("/status"))[1]["instances"] == health["instances"]
            assert not (host.settings.state_dir / "instances" / other.settings.instance_id).exists()
            assert await host.problems() == {}
        there.beat("notifier-0", stopping=True)
        there.announce()
        here.clock.at += 2
        here.all_beat()
        assert (await here.rows())["there"]["status"] == "stopping"
        there.members.withdraw(describe_member(there.settings, "i", None, NOW))
        here.clock.at += 2
        assert [*await here.rows()] == ["here"]

    play(story)


def test_an_instance_of_another_host_that_says_nothing_is_silent_and_then_gone(play: Play) -> None:
    """It is a problem for ten minutes; once it announces itself again all is well."""

    async def story(here: Host, there: Host) -> None:
        shown = []
        await here.get("/health")
        for seconds in (SILENT_AFTER + 1, 3.0, GONE_AFTER - SILENT_AFTER - 3, FORGOTTEN_AFTER - GONE_AFTER - 20):
            here.clock.at += seconds
            here.all_beat()
            row = (await here.rows()).get("there", {})
            shown.append((row.get("status"), row.get("processes"), row.get("role"), [*await here.problems()]))
        lost = ["instance_silent"]
        assert shown == [
            ("silent", 0, "follower", []),
            ("silent", 0, "follower", lost),
            ("gone", 0, "follower", lost),
            ("gone", 0, "follower", lost),
        ]
        problem = (await here.problems())["instance_silent"]
        assert problem["about"] == "there"
        assert "was heard last" in problem["what"]
        assert "It is forgotten 10 minutes after its end." in problem["remedy"]
        here.clock.at += 40
        here.all_beat()
        assert [*await here.rows()] == ["here"]
        there.announce()
        here.clock.at += 2
        here.all_beat()
        assert (await here.rows())["there"]["status"] == "ok"
        here.clock.at += 11
        here.all_beat()
        assert await here.problems() == {}

    play(story)


def test_where_the_leader_of_another_host_is_lost_none_leads(play: Play) -> None:
    """Its own announcement says so, and that the status of its coordinator is heard no more."""

    async def story(here: Host, there: Host) -> None:
        assert await there.problems() == {}
        for _ in range(6):
            there.clock.at += 5
            for process in GROUPS:
                there.beat(process)
            here.announce()
            assert await there.problems() == {}, "it reads its names, and is announced"
        for _ in range(5):
            there.clock.at += 5
            for process in GROUPS:
                there.beat(process)
            found = await there.problems()
        assert set(found) == {"no_leader", "instance_silent"}
        assert found["no_leader"]["what"].startswith("The instance here leads and is silent for ")
        there.lead("there", 2)
        there.announce()
        there.clock.at += 2
        there.all_beat()
        assert set(await there.problems()) == {"instance_silent"}
        here.clock.at += 2
        here.all_beat()
        roles = {name: row["role"] for name, row in (await here.rows()).items()}
        assert roles == {"here": "follower", "there": "leader"}

    play(story)


def test_while_the_database_is_away_what_was_seen_last_is_shown(play: Play, server: PostgresServer) -> None:
    """With ages that grow; no instance is said to be silent, as none can announce itself."""

    async def story(here: Host, there: Host) -> None:
        before = (await here.rows())["there"]
        server.execute("CHECKPOINT")  # announcements are not waited for, and those of the last moment go with a crash
        server.stop()
        try:
            here.clock.at += 2
            await here.get("/health")
            here.clock.at += GONE_AFTER + 8
            here.all_beat()
            row = (await here.rows())["there"]
            assert row["status"] == "ok"
            assert row["heartbeat_age"] == pytest.approx(before["heartbeat_age"] + GONE_AFTER + 10, abs=0.01)
            assert [*await here.problems()] == ["store_away"]
        finally:
            server.start()
        here.clock.at += 2
        here.all_beat()
        assert (await here.rows())["there"]["status"] == "ok"
        there.members.close()
        there.announce()
        here.clock.at += 2
        assert (await here.rows())["there"]["heartbeat_age"] < 1.0

    play(story)


def test_a_clock_that_differs_from_that_of_the_database_is_a_problem(play: Play) -> None:
    """Told with the remedy, and gone once it is set."""

    async def story(here: Host, _there: Host) -> None:
        async def told(at: float) -> list[str]:
            here.clock.at = at
            here.all_beat()
            rows = (await here.get("/health"))[1]["problems"]
            return [f"{row['what']} {row['remedy']}" for row in rows if row["code"] == "clock_differs"]

        ahead = now() + 3600.0
        assert await told(ahead) == []
        (text,) = await told(ahead + CLOCK_AFTER + 1.0)
        assert "s ahead of that of the database. Have NTP set the clocks" in text
        status, health = await here.get("/health")
        assert (status, health["status"]) == (200, "degraded")

    play(story)


def test_a_row_of_another_program_breaks_nothing(play: Play) -> None:
    """What it shows is not understood, so it shows nothing."""

    async def story(here: Host, there: Host) -> None:
        with closing(psycopg.connect(there.settings.store_url, autocommit=True)) as connection:
            connection.execute("UPDATE member SET shown = '[1', seen_at = seen_at + interval '1 s' WHERE name = 'there'")
        here.clock.at += 2
        row = (await here.rows())["there"]
        assert (row["status"], row["processes"], row["host"]) == ("ok", 0, None)

    play(story)
