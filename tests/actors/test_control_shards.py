"""A watch list in shards: one picture of all of them, commands to the right one, and what is said of one that is silent."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from actors.control.coordinator_health import READING_LIMIT, STATUS_LIMIT
from actors.control.member_watch import SILENT_AFTER
from common import heartbeat, leader_file
from common.core.model.records import DeliveryRow
from common.core.rate_limits.saved import Saved, encode_saved
from common.core.shards.layout import Layout, build_layout
from common.core.telemetry.metrics import Metrics
from common.errors import StoreAway
from common.store.lease_contract import Leader
from common.store.member_contract import Member, Roster, SeenMember, Shown, ShownShard
from tests.actors.control_lab import NOW, Lab, domain_row, serving
from tests.actors.test_control_openapi import DOCUMENT, described, troubles

SHARDS = 3
LAYOUT = build_layout(SHARDS, ("com",), {})
POOLS = ("checker-fast", "checker-intermediate", "checker-deep", "notifier")
PROCESSES = (
    *("coordinator", "coordinator-1", "coordinator-2", "control", "feed"),
    *(f"{pool}-{number}" for pool in POOLS for number in range(SHARDS)),
)


class ShardLab(Lab):
    """The lab of an instance that leads all three shards."""

    def __init__(self, state_dir: Path) -> None:
        super().__init__(state_dir, SHARDS=str(SHARDS), STORE_URL="postgresql://db.example/dm")
        self.control.find_layout = lambda: LAYOUT
        for shard in range(SHARDS):
            self.lead_shard(shard, "here")

    def lead_shard(self, shard: int, instance: str, epoch: int = 1) -> None:
        """Our coordinator of a shard has learned that `instance` leads it."""
        leader = Leader(instance, "b", epoch, "ipc:///bus", "ipc:///feed")
        leader_file.write_leader(self.settings.instance_dir, leader, shard)
        for path in self.settings.instance_dir.glob("leader*.json"):
            os.utime(path, (self.clock.at, self.clock.at))

    def speak_of(self, shard: int, names: int = 5, **status: Any) -> None:
        """The status of a shard arrives."""
        content = {
            "shard": shard,
            "shards": SHARDS,
            "ready": True,
            "leader": {"instance": "here", "epoch": 1},
            "domains": {"total": names, "by_state": {"REGISTERED": names}, "problems": 0},
            "queue": {"due": 1, "late_ms": 10.0 * shard},
            **status,
        }
        self.control.live.take_message("system.coordinator.here", {"v": 1, "shard": shard, "status": content}, shard)

    def all_beat(self, *silent: int) -> None:
        """Every process is alive, and every shard speaks but the silent ones."""
        for process in PROCESSES:
            self.beat(process)
        for shard in set(range(SHARDS)) - set(silent):
            self.speak_of(shard)


def stage(story: Callable[[ShardLab], Awaitable[None]], tmp_path: Path) -> None:
    """Run a story with a control process that started 100 s ago."""

    async def run() -> None:
        async with serving(ShardLab(tmp_path)) as lab:
            assert isinstance(lab, ShardLab)
            lab.clock.at += 100
            await story(lab)

    asyncio.run(run())


async def problems(lab: Lab) -> dict[tuple[str, str], dict[str, Any]]:
    """Every problem of /health, by code and what it is about."""
    return {(row["code"], row["about"]): row for row in (await lab.get("/health"))[1]["problems"]}


def test_all_shards_are_one_picture(tmp_path: Path) -> None:
    """At /status and /health: sums, the shards with their leaders, and which of them each instance leads."""

    async def story(lab: ShardLab) -> None:
        lab.all_beat()
        lab.clock.at += 3
        lab.speak_of(1, 7)
        status = (await lab.get("/status"))[1]
        assert status["health"]["status"] == "ok"
        assert status["health"]["coordinator_status_age"] == status["coordinator"]["age"] == 3.0
        assert status["coordinator"]["domains"]["total"] == 17
        assert status["coordinator"]["queue"] == {"due": 3, "late_ms": 20.0}
        assert [(row["shard"], row["leader"], row["names"], row["age"]) for row in status["coordinator"]["shards"]] == [
            (0, "here", 5, 3.0),
            (1, "here", 7, 0.0),
            (2, "here", 5, 3.0),
        ]
        assert "metrics" not in status["coordinator"]
        (row,) = status["instances"]
        assert (row["role"], row["leads"]) == ("leader", [0, 1, 2])
        groups = {row["group"]: (row["expected"], row["alive"]) for row in status["health"]["groups"]}
        assert groups == {"coordinator": (3, 3), "control": (1, 1), "feed": (1, 1)} | dict.fromkeys(POOLS, (3, 3))
        assert (await lab.get("/ready")) == (200, {"ready": True, "reasons": [], "problems": []})

    stage(story, tmp_path)


def test_what_is_shown_of_shards_is_what_is_described(tmp_path: Path) -> None:
    """At /status, /health and /ready, also while a shard was never heard."""

    async def story(lab: ShardLab) -> None:
        lab.all_beat(1)
        for path in ("/status", "/health", "/ready"):
            status, answer = await lab.get(path)
            content = described(DOCUMENT["paths"][path]["get"], status)
            assert troubles(content["application/json"]["schema"], answer) == []
        shards = DOCUMENT["components"]["schemas"]["Shard"]["properties"]
        assert shards.keys() == (await lab.get("/status"))[1]["coordinator"]["shards"][0].keys()

    stage(story, tmp_path)


def test_an_instance_that_leads_another_shard_is_a_leader(tmp_path: Path) -> None:
    """Each is shown with its shards; of one on another host its announcement tells."""

    async def story(lab: ShardLab) -> None:
        far = Shown(host="h", leader="here", epoch=1, shards=(ShownShard(1, "far", 2, 0.0), ShownShard(2, "here", 1, 0.0)))
        lab.reader.roster = Roster((SeenMember(Member("far", "i", "north", "1", NOW, far), NOW),), NOW)
        lab.all_beat()
        await lab.get("/health")
        rows = (await lab.get("/health"))[1]["instances"]
        assert [(row["instance"], row["role"], row["leads"]) for row in rows] == [
            ("far", "leader", [1]),
            ("here", "leader", [0, 2]),
        ]

    stage(story, tmp_path)


def test_a_shard_that_is_silent_is_named_with_its_names(tmp_path: Path) -> None:
    """The others go on: the age is that of the oldest status, and the problem says what goes unwatched."""

    async def story(lab: ShardLab) -> None:
        lab.all_beat()
        lab.speak_of(1, 41_203)
        lab.clock.at += STATUS_LIMIT + 1
        lab.all_beat(1)
        found = await problems(lab)
        (problem,) = found.values()
        assert list(found) == [("coordinator_silent", "shard 1")]
        assert problem["what"] == "The last status of the coordinator of shard 1 (41,203 names) is 31 s old."
        assert (problem["unwatched"], problem["restart_helps"], problem["since"]) == (True, True, NOW + 100)
        assert (await lab.get("/ready"))[0] == 503
        status, health = await lab.get("/health")
        assert (status, health["coordinator_status_age"]) == (503, STATUS_LIMIT + 1)
        lab.speak_of(1)
        lab.clock.at += 2
        assert await problems(lab) == {}

    stage(story, tmp_path)


def test_a_shard_that_was_never_heard_is_a_problem_after_a_while(tmp_path: Path) -> None:
    """Until then it is not ready, and each reason names its shards."""

    async def story(lab: ShardLab) -> None:
        lab.all_beat(1, 2)
        lab.speak_of(2, ready=False)
        assert (await lab.get("/ready"))[1]["reasons"] == [
            "The coordinator of shard 1 has not been heard yet.",
            "The list of names of shard 2 has not been read yet.",
        ]
        assert (await lab.get("/health"))[1]["coordinator_status_age"] is None
        lab.clock.at += READING_LIMIT
        lab.all_beat(1)
        found = await problems(lab)
        assert (
            found["coordinator_silent", "shard 1"]["what"] == "The coordinator of shard 1 has not been heard on the feed yet."
        )
        shown = (await lab.get("/status"))[1]["coordinator"]["shards"][1]
        assert (shown["age"], shown["names"], shown["ready"]) == (None, None, False)

    stage(story, tmp_path)


def test_a_coordinator_that_reads_the_names_of_its_shard_is_left_alone(tmp_path: Path) -> None:
    """Its heartbeat and the time of its own leadership count."""

    async def story(lab: ShardLab) -> None:
        lab.all_beat()
        lab.clock.at += 5
        lab.lead_shard(1, "here", 2)
        lab.clock.at += STATUS_LIMIT
        lab.all_beat(1)
        (problem,) = (await problems(lab)).values()
        assert problem["what"] == "The coordinator of shard 1 (5 names) was started and still reads its names."
        assert problem["about"] == "shard 1"
        assert not problem["restart_helps"]

    stage(story, tmp_path)


def test_a_shard_that_none_leads_is_named(tmp_path: Path) -> None:
    """The instance that led it is gone, ours stands by; it leads the others."""

    async def story(lab: ShardLab) -> None:
        lab.all_beat()
        lab.lead_shard(2, "far", 4)
        for _ in range(3):
            lab.clock.at += SILENT_AFTER
            lab.all_beat(2)
            found = await problems(lab)
        (problem,) = found.values()
        assert list(found) == [("no_leader", "shard 2")]
        assert problem["what"] == "The instance far leads shard 2 and is silent for 45 s, and no other one has taken over."
        assert (await lab.get("/ready"))[1]["reasons"] == [problem["what"]]
        (lab.settings.instance_dir / "leader-2.json").unlink()
        lab.clock.at += 2
        assert (await problems(lab))["no_leader", "shard 2"]["what"] == "No instance leads shard 2."

    stage(story, tmp_path)


@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_coordinator_of_a_shard_that_fails_leaves_names_unwatched_unless_another_leads_them(
    tmp_path: Path, elsewhere: bool
) -> None:
    """Where it is missing, silent or fails."""

    async def story(lab: ShardLab) -> None:
        if elsewhere:
            lab.lead_shard(1, "far", 2)
        lab.all_beat()
        lab.beat("coordinator-1", waiting_until=lab.clock.at + 99, failed="OSError: x")
        await lab.get("/health")
        lab.clock.at += 6
        lab.all_beat()
        lab.beat("coordinator-1", waiting_until=lab.clock.at + 99, failed="OSError: x")
        found = await problems(lab)
        assert found["process_failing", "coordinator-1"]["unwatched"] is not elsewhere
        (heartbeat.heartbeat_directory(lab.settings.instance_dir) / "coordinator-1.json").unlink()
        for _ in range(5):
            lab.clock.at += 9
            for process in set(PROCESSES) - {"coordinator-1"}:
                lab.beat(process)
            for shard in range(SHARDS):
                lab.speak_of(shard)
            found = await problems(lab)
        problem = found["process_missing", "coordinator"]
        assert (problem["what"], problem["unwatched"]) == ("coordinator: 2 of 3 processes are there.", not elsewhere)

    stage(story, tmp_path)


def test_a_problem_of_several_shards_is_told_once(tmp_path: Path) -> None:
    """With the shards that it holds in; what a silent shard told before is not told any more."""

    async def story(lab: ShardLab) -> None:
        row = {"code": "dns_silent", "about": "", "what": "DNS says nothing.", "remedy": "Wait.", "since": NOW}
        lab.all_beat()
        for shard in (0, 2):
            lab.speak_of(shard, problems=[row])
        assert [row["what"] for row in (await problems(lab)).values()] == ["Shards 0, 2: DNS says nothing."]
        lab.clock.at += STATUS_LIMIT + 1
        lab.all_beat(2)
        assert {row["code"] for row in (await problems(lab)).values()} == {"coordinator_silent"}

    stage(story, tmp_path)


def test_a_name_is_checked_by_the_coordinator_of_its_shard(tmp_path: Path) -> None:
    """So is a callback sent again; what is for all goes to all."""

    async def story(lab: ShardLab) -> None:
        names = ["a.com", "b.com", "c.com", "d.de"]
        lab.reader.rows = [domain_row(name) for name in names]
        lab.reader.callbacks = [
            DeliveryRow("d1", "notice", "b.com", 1, b"{}", state="parked", attempts=1, next_at=NOW),
        ]
        for name in names:
            assert (await lab.post(f"/domain/{name}/check"))[0] == 202
        assert (await lab.post("/deliveries/d1/replay"))[0] == 202
        assert lab.coordinator.sent == [
            *(("check", name, LAYOUT.shard_of(name)) for name in names),
            ("replay", "d1", LAYOUT.shard_of("b.com")),
        ]
        assert len({shard for _, _, shard in lab.coordinator.sent}) > 1
        lab.coordinator.sent.clear()
        assert (await lab.post("/refresh"))[0] == 202
        assert (await lab.post("/metrics/reset"))[0] == 202
        assert lab.coordinator.sent == [(verb, "", shard) for verb in ("refresh", "reset_metrics") for shard in range(SHARDS)]

    stage(story, tmp_path)


def test_while_the_layout_cannot_be_read_nothing_is_sent_anywhere(tmp_path: Path) -> None:
    """The caller is told to come back; once it was read it is known for ever."""

    async def story(lab: ShardLab) -> None:
        def away() -> Layout:
            raise StoreAway("gone")

        lab.reader.rows = [domain_row("a.com")]
        for find in (away, lambda: None):
            lab.control.find_layout = find
            assert (await lab.post("/domain/a.com/check"))[0] == 503
        assert lab.coordinator.sent == []
        lab.control.find_layout = lambda: LAYOUT
        assert (await lab.post("/domain/a.com/check"))[0] == 202
        lab.control.find_layout = away
        assert (await lab.post("/domain/a.com/check"))[0] == 202

    stage(story, tmp_path)


def test_a_command_for_all_that_one_shard_does_not_take_is_to_be_repeated(tmp_path: Path) -> None:
    """The others have it already; to repeat it does no harm."""

    async def story(lab: ShardLab) -> None:
        lab.coordinator.absent = {1}
        status, answer = await lab.post("/refresh")
        assert (status, answer["detail"]) == (503, "The coordinator of shard 1 cannot be reached at the moment.")
        assert [shard for _, _, shard in lab.coordinator.sent] == [0, 2]

    stage(story, tmp_path)


def test_a_budget_is_reset_in_all_shards_where_one_has_asked_the_operator(tmp_path: Path) -> None:
    """By its status, or by what the store keeps of any shard."""

    async def story(lab: ShardLab) -> None:
        lab.reader.noted["budgets"] = encode_saved({"whois/y|here": Saved(0.0, 1.0)})
        lab.all_beat()
        lab.speak_of(2, budgets=[{"operator": "rdap/z"}])
        for operator, wanted in (("whois/y", 202), ("rdap/z", 202), ("rdap/unknown", 404)):
            assert (await lab.post(f"/budgets/{operator}/reset"))[0] == wanted
        assert lab.coordinator.sent == [
            ("reset_budget", operator, shard) for operator in ("whois/y", "rdap/z") for shard in range(SHARDS)
        ]

    stage(story, tmp_path)


def test_metrics_are_summed_and_prometheus_has_each_shard(tmp_path: Path) -> None:
    """A counter of one shard begins anew with its leader, so that a sum would fall; JSON has the sums."""

    async def story(lab: ShardLab) -> None:
        lab.all_beat()
        for shard in (0, 2):
            metrics = Metrics(NOW - shard)
            metrics.count("checks", 3 + shard, method="dns", outcome="registered")
            metrics.observe("check", 0.02)
            metrics.gauge("unpacked_blocks", 4)
            lab.speak_of(shard, metrics=metrics.snapshot(), started_at=NOW - 50.0 - shard)
        found = (await lab.get("/metrics"))[1]
        assert found["check_results"]["dns"]["registered"] == 8
        assert (found["timers"]["check"]["count"], found["gauges"]["unpacked_blocks"]) == (2, 8)
        assert (found["since"], found["started_at"]) == (NOW - 2, NOW - 52.0)
        assert found["gauges"]['domains{state="REGISTERED"}'] == 15
        async with lab.http.get(lab.url + "/metrics/prometheus") as answer:
            lines = (await answer.text()).splitlines()
        for line in (
            'domain_monitor_checks_total{method="dns",outcome="registered",shard="0"} 3',
            'domain_monitor_checks_total{method="dns",outcome="registered",shard="2"} 5',
            'domain_monitor_check_seconds_count{shard="2"} 1',
            'domain_monitor_unpacked_blocks{shard="0"} 4',
            'domain_monitor_shard_ready{shard="1"} 1',
            'domain_monitor_shard_domains{shard="1"} 5',
            'domain_monitor_shard_late_seconds{shard="2"} 0.02',
            'domain_monitor_shard_status_age_seconds{shard="2"} 0',
            'domain_monitor_domains{state="REGISTERED"} 15',
        ):
            assert line in lines

    stage(story, tmp_path)
