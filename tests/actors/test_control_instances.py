"""Several instances on one state: each names all of them, which one leads, and which is silent or gone."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from actors.control.member_watch import SILENT_AFTER
from common import heartbeat, instance_lock, leader_file
from common.heartbeat import Heartbeat
from common.instances import FORGOTTEN_AFTER
from common.store.lease_contract import Leader
from tests.actors.control_lab import GROUPS, NOW, Lab, serving


class Other:
    """Another instance on the state of a lab."""

    def __init__(self, lab: Lab, name: str = "there") -> None:
        self.directory = lab.settings.instance_dir.with_name(name)
        self._lab = lab
        heartbeat.heartbeat_directory(self.directory).mkdir(parents=True)
        self._touch()

    def beat(self, *processes: str, **changes: Any) -> None:
        """Write heartbeats, of the coordinator and control if not told otherwise."""
        for process in processes or ("coordinator", "control"):
            row = {"process": process, "actor": process, "pid": 7, "boot": "b", "at": self._lab.clock.at, "started_at": NOW - 9}
            heartbeat.write_heartbeat(self.directory, Heartbeat(**{**row, "restarts": 0, "instance": "x", **changes}))
        self._touch()

    def lead(self, epoch: int) -> None:
        """It takes over, and our coordinator learns of that."""
        leader_file.write_leader(self.directory, Leader(self.directory.name, "b", epoch, "ipc:///bus", "ipc:///feed"))
        self._touch()
        self._lab.lead(self.directory.name, epoch)

    def _touch(self) -> None:
        """The time of the files is that of the lab."""
        for path in (*self.directory.rglob("*"), self.directory):
            os.utime(path, (self._lab.clock.at, self._lab.clock.at))


def stage(story: Callable[[Lab, Other], Awaitable[None]], tmp_path: Path) -> None:
    """Run a story with a control process that started 100 s ago, and one other instance."""

    async def run() -> None:
        async with serving(Lab(tmp_path)) as lab:
            lab.clock.at += 100
            await story(lab, Other(lab))

    asyncio.run(run())


async def problems(lab: Lab) -> dict[str, dict[str, Any]]:
    """Every problem of /health, by code."""
    return {row["code"]: row for row in (await lab.get("/health"))[1]["problems"]}


def test_every_instance_is_named(tmp_path: Path) -> None:
    """At /health and /status: how each is doing, which leads, and which one answers."""

    async def story(lab: Lab, other: Other) -> None:
        lab.all_beat()
        other.beat()
        other.beat("notifier-0", stopping=True)
        status, health = await lab.get("/health")
        assert (status, health["status"]) == (200, "ok")
        row = {"status": "ok", "heartbeat_age": 0.0}
        here = {**row, "instance": "here", "own": True, "role": "leader", "processes": len(GROUPS), "started_at": NOW}
        here |= {"egress": "default", "host": os.uname().nodename}
        there = {**row, "instance": "there", "own": False, "role": "follower", "processes": 3, "started_at": NOW - 9}
        there |= {"egress": None, "host": None}
        assert health["instances"] == [here, there | {"status": "stopping"}]
        assert (await lab.get("/status"))[1]["instances"] == health["instances"]
        lab.clock.at += 2
        other.lead(2)
        lab.all_beat()
        rows = (await lab.get("/health"))[1]["instances"]
        assert [(row["role"], row["heartbeat_age"]) for row in rows] == [("follower", 0.0), ("leader", 2.0)]

    stage(story, tmp_path)


@pytest.mark.parametrize("paused", [False, True])
def test_an_instance_that_says_nothing_is_a_problem_for_as_long_as_it_is_shown(tmp_path: Path, paused: bool) -> None:
    """A paused one holds its lock and is shown for ever; one that died for ten minutes, then its directory is deleted."""

    async def story(lab: Lab, other: Other) -> None:
        held = instance_lock.take_lock(other.directory) if paused else None
        shown = []
        for seconds in (0.0, SILENT_AFTER - 1, 2.0, 2.0, FORGOTTEN_AFTER - SILENT_AFTER - 4, 2.0):
            lab.clock.at += seconds
            lab.all_beat()
            if not shown:
                other.beat()
            status, health = await lab.get("/health")
            rows = {row["instance"]: row for row in health["instances"]}
            shown.append((status, health["status"], rows.get("there", {}).get("status")))
            if health["problems"]:
                (problem,) = health["problems"]
                assert (problem["code"], problem["about"], problem["since"]) == ("instance_silent", "there", NOW + 100)
                assert not problem["unwatched"]
                assert ("ended" if not paused else "silent for") in problem["what"]
                assert ("It is forgotten 10 minutes after" in problem["remedy"]) is not paused
                assert rows["there"]["processes"] == 0

        lost = "silent" if paused else "gone"
        end = (200, "degraded", "silent") if paused else (200, "ok", None)
        assert shown == [(200, "ok", "ok")] * 2 + [(200, "ok", lost)] + [(200, "degraded", lost)] * 2 + [end]
        for exists in (True, paused):  # it is deleted where two looks find it without a sign of life
            lab.clock.at += 61
            lab.all_beat()
            await lab.get("/health")
            assert other.directory.exists() is exists
        assert ("there" in lab.control._instances._heard) is paused, "nothing is remembered of what is gone"
        if held is not None:
            os.close(held)

    stage(story, tmp_path)


def test_an_instance_whose_clock_is_behind_is_seen_to_live(tmp_path: Path) -> None:
    """Its heartbeats change: how long ago that was is measured here."""

    async def story(lab: Lab, other: Other) -> None:
        for _ in range(5):
            lab.all_beat()
            other.beat(at=lab.clock.at - 3600)
            health = (await lab.get("/health"))[1]
            lab.clock.at += 2
            assert health["problems"] == []
        assert [(row["status"], row["heartbeat_age"]) for row in health["instances"]] == [("ok", 0.0)] * 2

    stage(story, tmp_path)


def test_a_pause_of_our_own_makes_no_other_instance_silent(tmp_path: Path) -> None:
    """After it every heartbeat is old for a moment, as all were paused with their host."""

    async def story(lab: Lab, other: Other) -> None:
        other.beat()
        lab.all_beat()
        await lab.get("/health")
        lab.clock.at += 500
        lab.all_beat()
        assert await problems(lab) == {}
        lab.clock.at += 1.5
        lab.all_beat()
        other.beat()
        assert await problems(lab) == {}

    stage(story, tmp_path)


def test_a_step_of_the_clock_deletes_nothing(tmp_path: Path) -> None:
    """After it the last sign of life of another instance is old, until its next one: that is no end."""

    async def story(lab: Lab, other: Other) -> None:
        for seconds in (61, 5000, 61, 5000, 61):
            lab.all_beat()
            other.beat()
            lab.clock.at += seconds
            lab.beat("control")
            await lab.get("/health")
        assert other.directory.exists()

    stage(story, tmp_path)


def test_a_coordinator_that_stands_by_is_no_problem(tmp_path: Path) -> None:
    """The status of the one that leads is heard; that our own fails leaves the names watched."""

    async def story(lab: Lab, other: Other) -> None:
        other.lead(2)
        other.beat()
        lab.all_beat()
        assert await problems(lab) == {}
        (lab.settings.instance_dir / "heartbeats" / "coordinator.json").unlink()
        (lab.settings.instance_dir / "heartbeats" / "checker-fast-0.json").unlink()
        for _ in range(5):
            await lab.get("/health")
            lab.clock.at += 9
            other.beat()
            lab.speak()
            for process in set(GROUPS) - {"coordinator", "checker-fast-0"}:
                lab.beat(process)
        health = (await lab.get("/health"))[1]["problems"]
        assert [(row["code"], row["about"], row["unwatched"]) for row in health] == [
            ("process_missing", "checker-fast", False),
            ("process_missing", "coordinator", False),
        ]
        assert (await lab.get("/ready"))[0] == 200
        lab.all_beat()
        lab.beat("coordinator", waiting_until=lab.clock.at + 99, failed="OSError: x")
        lab.beat("checker-fast-0", at=lab.clock.at - 31)
        lab.clock.at += 2
        await lab.get("/health")
        lab.clock.at += 5.5
        found = await problems(lab)
        assert {row["code"]: row["unwatched"] for row in found.values()} == {"process_failing": False, "process_silent": False}

    stage(story, tmp_path)


def test_where_none_leads_names_go_unwatched(tmp_path: Path) -> None:
    """The one that led is silent or gone, and none took over: told after fifteen seconds, once, without a wish to restart."""

    async def story(lab: Lab, other: Other) -> None:
        other.lead(2)
        other.beat()
        lab.all_beat()
        assert await problems(lab) == {}
        for seconds in (14.0, 2.0, 2.0):
            lab.clock.at += seconds
            for process in GROUPS:
                lab.beat(process)
            found = await problems(lab)
        status, health = await lab.get("/health")
        assert (status, set(found)) == (200, {"no_leader", "instance_silent"})
        what = "The instance there leads and is silent for 18 s, and no other one has taken over."
        assert (found["no_leader"]["what"], found["no_leader"]["since"]) == (what, NOW + 100)
        assert found["no_leader"]["unwatched"]
        assert what in (await lab.get("/ready"))[1]["reasons"]
        assert health["instances"][1]["role"] == "leader"
        lab.clock.at += 25
        for process in GROUPS:
            lab.beat(process)
        assert set(await problems(lab)) == {"no_leader", "instance_silent"}, "that its status is old says nothing more"
        lab.lead("here", 3)
        lab.clock.at += 2
        lab.all_beat()
        assert set(await problems(lab)) == {"instance_silent"}

    stage(story, tmp_path)


def test_a_leader_that_is_heard_here_or_beats_there_leads(tmp_path: Path) -> None:
    """One of both is enough: it may be on another host, and it may read its names. A coordinator that hangs is not one."""

    async def story(lab: Lab, other: Other) -> None:
        lab.lead("elsewhere", 2)
        for _ in range(10):
            lab.all_beat()
            assert await problems(lab) == {}
            lab.clock.at += 5
        other.lead(3)
        for _ in range(5):
            other.beat()
            for process in GROUPS:
                lab.beat(process)
            assert await problems(lab) == {}
            lab.clock.at += 5
        for _ in range(5):
            other.beat("control")
            for process in GROUPS:
                lab.beat(process)
            found = await problems(lab)
            lab.clock.at += 5
        assert set(found) == {"no_leader"}

    stage(story, tmp_path)


def test_what_a_lost_instance_noted_of_the_leader_counts_for_nothing(tmp_path: Path) -> None:
    """It knows no better, even with a higher epoch: another database has begun anew since."""

    async def story(lab: Lab, other: Other) -> None:
        leader_file.write_leader(other.directory, Leader("there", "b", 9, "ipc:///bus", "ipc:///feed"))
        for roles in (["follower", "leader"], ["leader", "follower"]):
            lab.all_beat()
            if roles == ["follower", "leader"]:
                other.beat()
            rows = (await lab.get("/health"))[1]["instances"]
            assert [row["role"] for row in rows] == roles
            lab.clock.at += SILENT_AFTER + 1

    stage(story, tmp_path)


def test_that_no_leader_is_known_is_told_after_a_while(tmp_path: Path) -> None:
    """A first start has fifteen seconds to appoint one."""

    async def story(lab: Lab, _other: Other) -> None:
        (lab.settings.instance_dir / "leader.json").unlink()
        for process in GROUPS:
            lab.beat(process)
        assert await problems(lab) == {}
        lab.clock.at += 14
        assert await problems(lab) == {}
        lab.clock.at += 1
        assert (await problems(lab))["no_leader"]["what"] == "No instance leads."
        lab.lead("elsewhere", 2)
        lab.clock.at += 2
        what = "The instance elsewhere leads and is gone, and no other one has taken over."
        assert (await problems(lab))["no_leader"]["what"] == what
        lab.beat("coordinator", at=lab.clock.at - 40)
        lab.clock.at += 2
        assert "no_leader" not in await problems(lab), "our own coordinator hangs, which says it all"

    stage(story, tmp_path)


@pytest.mark.parametrize("follows", [False, True])
def test_a_coordinator_that_took_over_reads_its_names_in_peace(tmp_path: Path, follows: bool) -> None:
    """Its process stood by for hours: the time that reading may take begins when it took over."""

    async def story(lab: Lab, other: Other) -> None:
        lab.all_beat()
        lab.clock.at += 9
        if follows:
            other.lead(2)
        else:
            lab.lead("here", 2)
        for seconds, helps in ((40, False), (250, False), (20, True)):
            lab.clock.at += seconds
            other.beat(started_at=NOW - 9999)
            for process in GROUPS:
                lab.beat(process, started_at=NOW - 9999)
            found = await problems(lab)
            assert set(found) == {"coordinator_silent"}
            assert found["coordinator_silent"]["restart_helps"] is helps

    stage(story, tmp_path)
