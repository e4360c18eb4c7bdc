"""/health and /ready: what is wrong, since when, what to do, and whether a restart can help."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from common import log
from common.core.telemetry.problems import CODES, HOLD, Problem
from tests.actors.control_lab import GROUPS, NOW, Lab, serving

OUTSIDE = Problem("no_answers", "Nothing answers.", "Check the route.", unwatched=True, since=NOW - 60)


def stage(story: Callable[[Lab], Awaitable[None]], tmp_path: Path, **environ: str) -> None:
    """Run a story with a control process that started 100 s ago."""

    async def run() -> None:
        async with serving(Lab(tmp_path, **environ)) as lab:
            lab.clock.at += 100
            await story(lab)

    asyncio.run(run())


def codes(health: dict[str, Any]) -> list[tuple[str, str]]:
    """(code, about) of every problem."""
    assert {problem["code"] for problem in health["problems"]} <= CODES.keys()
    assert all(problem["what"].endswith(".") and problem["remedy"].endswith(".") for problem in health["problems"])
    return [(problem["code"], problem["about"]) for problem in health["problems"]]


def test_health_is_ok_when_everything_beats(tmp_path: Path) -> None:
    """All heartbeats and a fresh status answer 200 with ages and restarts."""

    async def story(lab: Lab) -> None:
        lab.all_beat()
        status, health = await lab.get("/health")
        assert (status, health["status"], health["problems"]) == (200, "ok", [])
        assert {row["process"] for row in health["processes"]} == set(GROUPS)
        assert health["processes"][0]["restarts"] == 2
        assert health["processes"][0]["age"] == 0

    stage(story, tmp_path)


def test_health_says_starting_and_then_what_is_missing(tmp_path: Path) -> None:
    """In the first seconds an empty instance is starting; later it is unhealthy and names each missing part."""

    async def story() -> None:
        async with serving(Lab(tmp_path, FAST_CHECKERS="2")) as lab:
            status, health = await lab.get("/health")
            assert (status, health["status"], health["problems"]) == (503, "starting", [])
            lab.clock.at += 31
            for process in GROUPS:
                lab.beat(process)
            status, health = await lab.get("/health")

            assert (status, health["status"]) == (503, "unhealthy")
            assert codes(health) == [("coordinator_silent", ""), ("process_missing", "checker-fast")]
            assert health["problems"][1]["what"] == "checker-fast: 1 of 2 processes are there."
            assert health["problems"][1]["since"] == NOW
            assert health["problems"][1]["restart_helps"] is True

    asyncio.run(story())


def test_an_instance_that_follows_is_as_healthy_as_its_leader(tmp_path: Path) -> None:
    """The status of the leader counts, also after this instance led before; /status says which it is."""

    async def story(lab: Lab) -> None:
        lab.all_beat()
        lab.clock.at += 40
        for process in GROUPS:
            lab.beat(process)
        status = {"ready": True, "domains": {"total": 2}, "leader": {"instance": "there", "epoch": 3}}
        lab.control.live.take_message("system.coordinator.there", {"status": status})
        assert (await lab.get("/health"))[0] == 200
        assert (await lab.get("/ready"))[0] == 200
        assert (await lab.get("/status"))[1]["coordinator"]["leader"] == {"instance": "there", "epoch": 3}

    stage(story, tmp_path)


def test_a_silent_process_is_unhealthy_at_once_and_a_missing_one_after_a_while(tmp_path: Path) -> None:
    """Older than its own bound is 503; a file that is gone (a restart) gets 30 s."""

    async def story(lab: Lab) -> None:
        def without_notifier() -> None:
            lab.all_beat()
            (lab.settings.instance_dir / "heartbeats" / "notifier-0.json").unlink()

        for seconds, expected in ((0.0, 200), (22.0, 200), (9.0, 503)):
            lab.clock.at += seconds
            without_notifier()
            assert (await lab.get("/health"))[0] == expected
        assert codes((await lab.get("/health"))[1]) == [("process_missing", "notifier")]
        lab.clock.at += 2
        lab.all_beat()
        assert (await lab.get("/health"))[0] == 200
        lab.clock.at += 2
        lab.beat("checker-fast-0", at=lab.clock.at - 40)
        status, health = await lab.get("/health")
        assert (status, codes(health)) == (503, [("process_silent", "checker-fast-0")])
        assert health["problems"][0]["since"] == lab.clock.at - 40

    stage(story, tmp_path)


@pytest.mark.parametrize("heard", [False, True])
def test_a_coordinator_that_reads_its_names_is_left_to_it(tmp_path: Path, heard: bool) -> None:
    """A million names on a busy machine take longer than its silence may last: a restart would only begin that again."""

    async def story(lab: Lab) -> None:
        if heard:
            lab.all_beat()
            lab.speak()
            lab.clock.at += 10
        started = lab.clock.at
        await lab.get("/health")
        for seconds, expected in ((40, 200), (250, 200), (20, 503)):
            lab.clock.at += seconds
            for process in GROUPS:
                lab.beat(process, started_at=started)
            status, health = await lab.get("/health")
            assert (status, codes(health)) == (expected, [("coordinator_silent", "")])
            assert health["problems"][0]["restart_helps"] is (expected == 503)
            assert (await lab.get("/ready"))[0] == 503

    stage(story, tmp_path)


def test_an_old_status_of_the_coordinator_is_unhealthy_and_its_problems_are_old_news(tmp_path: Path) -> None:
    """Heartbeats alone are not enough: a coordinator that stopped speaking is reported, not what it said last."""

    async def story(lab: Lab) -> None:
        lab.all_beat()
        lab.speak(problems=[OUTSIDE.to_map()])
        lab.clock.at += 40
        for process in GROUPS:
            lab.beat(process)
        status, health = await lab.get("/health")
        assert (status, codes(health)) == (503, [("coordinator_silent", "")])
        assert (await lab.get("/ready"))[1]["reasons"] == ["The coordinator's last status is 40 s old."]

    stage(story, tmp_path)


def test_leftovers_of_a_larger_configuration_harm_nothing(tmp_path: Path) -> None:
    """A stale heartbeat beyond the configured count is shown as left over."""

    async def story(lab: Lab) -> None:
        lab.beat("checker-fast-1", at=NOW - 9999)
        lab.all_beat()
        status, health = await lab.get("/health")
        assert (status, health["problems"]) == (200, [])
        assert {row["process"]: row["status"] for row in health["processes"]}["checker-fast-1"] == "left over"

    stage(story, tmp_path)


def test_a_stopped_watchdog_is_told_where_there_is_one(tmp_path: Path) -> None:
    """Without it a hung process stays hung. Where none ever beat, none is missed."""

    async def story(lab: Lab) -> None:
        lab.all_beat()
        assert (await lab.get("/health"))[1]["problems"] == []
        lab.beat("watchdog", at=lab.clock.at - 5)
        lab.clock.at += 2
        assert (await lab.get("/health"))[0] == 200
        lab.clock.at += 29
        lab.all_beat()
        status, health = await lab.get("/health")
        assert (status, codes(health)) == (503, [("process_silent", "watchdog")])

    stage(story, tmp_path)


def test_what_is_wrong_outside_is_degraded_and_what_a_restart_can_end_is_not(tmp_path: Path) -> None:
    """A missing route is no reason to restart the container, a wedged worker is."""

    async def story(lab: Lab) -> None:
        lab.all_beat()
        lab.speak(problems=[OUTSIDE.to_map(), {"code": 7}, "junk"])
        status, health = await lab.get("/health")
        assert (status, health["status"]) == (200, "degraded")
        assert health["problems"] == [OUTSIDE.to_map()]
        wedged = Problem("workers_wedged", "They do nothing.", "Restart.", "fast", restart_helps=True, since=NOW)
        lab.speak(problems=[OUTSIDE.to_map(), wedged.to_map()])
        status, health = await lab.get("/health")
        assert (status, health["status"]) == (503, "unhealthy")
        assert (await lab.get("/status"))[1]["health"]["problems"] == health["problems"]

    stage(story, tmp_path)


def test_a_process_that_fails_again_and_again_says_why(tmp_path: Path) -> None:
    """While it waits for its next start, beyond the first short pauses, its last error is told."""

    async def story(lab: Lab) -> None:
        lab.all_beat()
        lab.beat("notifier-0", failed="StoreError: it is in use by another instance", waiting_until=NOW + 109)
        assert (await lab.get("/health"))[1]["problems"] == []
        lab.clock.at += 4
        lab.beat("notifier-0", started_at=NOW + 104, failed="StoreError: it is in use by another instance", boot="b")
        lab.clock.at += 2
        status, health = await lab.get("/health")
        assert (status, codes(health)) == (503, [("process_failing", "notifier-0")])
        assert "in use by another instance" in health["problems"][0]["what"]
        lab.clock.at += 2
        lab.beat("notifier-0", started_at=NOW + 104, failed="StoreError: x", boot="b")
        assert (await lab.get("/health"))[1]["problems"] == []

    stage(story, tmp_path)


def test_a_process_that_ends_without_a_word_and_waits_is_failing(tmp_path: Path) -> None:
    """It beats while it waits, and does no work; the pauses between are no starts."""

    async def story(lab: Lab) -> None:
        lab.all_beat()
        for boot in "wxyz":
            lab.beat("notifier-0", waiting_until=NOW + 400, boot=boot)
            lab.clock.at += 3
            status, health = await lab.get("/health")
        assert (status, codes(health)) == (503, [("process_failing", "notifier-0")])
        assert "without a word" in health["problems"][0]["what"]

    stage(story, tmp_path)


@pytest.mark.parametrize(
    ("kind", "code", "status"),
    [
        ("StoreDamaged", "store_damaged", 503),
        ("StoreLost", "store_lost", 503),
        ("StoreFull", "disk_full", 200),
        ("StoreLocked", "store_locked", 200),
        ("StoreAway", "store_away", 200),
        ("InstanceTaken", "instance_taken", 200),
    ],
)
def test_a_coordinator_that_cannot_use_the_store_says_so_at_once(kind: str, code: str, status: int, tmp_path: Path) -> None:
    """Damage and loss are 503; no restart makes room on a disk, or brings a server back. In each case names go unwatched."""

    async def story(lab: Lab) -> None:
        lab.all_beat()
        lab.beat("coordinator", failed=f"{kind}: the sentence", waiting_until=NOW + 150)
        found, health = await lab.get("/health")
        assert (found, codes(health)) == (status, [(code, "")])
        assert "the sentence" in health["problems"][0]["what"]
        assert (await lab.get("/ready"))[0] == 503

    stage(story, tmp_path)


def test_while_the_database_server_is_away_nothing_else_is_wrong(tmp_path: Path) -> None:
    """No coordinator is heard, and none leads: both follow from it, and no restart mends them. With its return all is well."""

    async def story(lab: Lab) -> None:
        lab.all_beat()
        await lab.get("/health")
        lab.reader.away = True
        for seconds in (2, 3, 30, 60):
            lab.clock.at += seconds
            for process in GROUPS:
                lab.beat(process)
            lab.beat("coordinator", failed="StoreAway: the sentence", waiting_until=lab.clock.at + 1)
            status, health = await lab.get("/health")
            assert (status, codes(health)) == (200, [("store_away", "")])
            ready, answer = await lab.get("/ready")
            assert (ready, [problem["code"] for problem in answer["problems"]]) == (503, ["store_away"])
            async with lab.http.get(f"{lab.url}/domains") as read:
                assert (read.status, read.headers["Retry-After"]) == (503, "2")
                assert "cannot be reached" in (await read.json(content_type=None))["detail"]
        lab.reader.away = False
        lab.clock.at += 2
        lab.all_beat()
        assert codes((await lab.get("/health"))[1]) == []
        assert (await lab.get("/domains"))[0] == 200

    stage(story, tmp_path, STORE_URL="postgresql://user@db/x")


def test_a_database_server_that_is_restarted_is_no_problem(tmp_path: Path) -> None:
    """It is back before the lease runs out; what control alone sees of it has to last."""

    async def story(lab: Lab) -> None:
        for lab.reader.away, seconds, expected in ((True, 4, []), (True, 2, ["store_away"]), (False, 2, [])):
            lab.all_beat()
            await lab.get("/health")
            lab.clock.at += seconds
            lab.all_beat()
            assert [code for code, _ in codes((await lab.get("/health"))[1])] == expected

    stage(story, tmp_path, STORE_URL="postgresql://user@db/x")


def test_restarts_in_a_row_are_degraded(tmp_path: Path) -> None:
    """Three starts of one process within ten minutes are too many; they are forgotten after that."""

    async def story(lab: Lab) -> None:
        for boot in "abcd":
            lab.all_beat()
            lab.beat("checker-deep-0", boot=boot)
            status, health = await lab.get("/health")
            lab.clock.at += 5
        assert (status, health["status"], codes(health)) == (200, "degraded", [("process_restarting", "checker-deep-0")])
        lab.clock.at += 700
        lab.all_beat()
        lab.beat("checker-deep-0", boot="d")
        assert (await lab.get("/health"))[1]["status"] == "ok"

    stage(story, tmp_path)


def test_each_problem_is_one_log_line_at_its_begin_and_one_at_its_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """However often it is asked; the coordinator's own are logged by the coordinator."""

    async def story(lab: Lab) -> None:
        log.setup(lab.settings, "control")
        lab.all_beat()
        lab.speak(problems=[OUTSIDE.to_map()])
        for _ in range(3):
            lab.clock.at += 2
            lab.beat("checker-fast-0", at=NOW)
            await lab.get("/health")
        for _ in range(3):
            lab.clock.at += HOLD
            lab.all_beat()
            await lab.get("/health")
        metrics = (await lab.get("/metrics"))[1]
        assert metrics["counters"]['problems_begun{code="process_silent"}'] == 1
        assert metrics["counters"]['problems_begun{code="store_lost"}'] == 0

    stage(story, tmp_path, LOG_FORMAT="json")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    told = [(line["event"], line["code"], line["about"]) for line in lines if line["event"].startswith("problem_")]
    assert told == [(event, "process_silent", "checker-fast-0") for event in ("problem_began", "problem_ended")]
    assert next(line for line in lines if line["event"] == "problem_ended")["seconds"] > 0


def test_metrics_have_a_series_for_every_code(tmp_path: Path) -> None:
    """An alert can be written before the first problem."""

    async def story(lab: Lab) -> None:
        lab.all_beat()
        lab.speak(problems=[OUTSIDE.to_map()])
        gauges = (await lab.get("/metrics"))[1]["gauges"]
        active = {code: gauges[f'problem_active{{code="{code}"}}'] for code in CODES}
        assert active == {code: int(code == "no_answers") for code in CODES}
        assert gauges['problem_since_timestamp_seconds{code="no_answers"}'] == NOW - 60
        async with lab.http.get(lab.url + "/metrics/prometheus") as answer:
            assert 'domain_monitor_problem_active{code="no_answers"} 1\n' in await answer.text()

    stage(story, tmp_path)


def test_ready_waits_for_coordinator_and_store(tmp_path: Path) -> None:
    """Ready is 503 with reasons until the coordinator says so and the store can be read."""

    async def story() -> None:
        async with serving(Lab(tmp_path)) as lab:
            lab.missing = True
            status, answer = await lab.get("/ready")
            assert (status, len(answer["reasons"])) == (503, 2)
            lab.missing = False
            lab.speak(ready=False, missing=["SENTRY_DSN is not set"])
            assert (await lab.get("/ready"))[1]["reasons"] == ["The list of names has not been read yet."]
            lab.speak()
            assert await lab.get("/ready") == (200, {"ready": True, "reasons": [], "problems": []})

    asyncio.run(story())


def test_ready_names_the_cause_and_never_what_is_optional(tmp_path: Path) -> None:
    """Where names go unwatched the problems are the reasons, and those that leave them watched are not."""

    async def story(lab: Lab) -> None:
        lab.all_beat()
        optional = Problem("callbacks_failing", "The endpoint accepts nothing.", "Mend it.", since=NOW)
        lab.speak(ready=False, missing=["SENTRY_DSN is not set"], problems=[OUTSIDE.to_map(), optional.to_map()])
        status, answer = await lab.get("/ready")
        assert (status, answer["reasons"]) == (503, ["Nothing answers."])
        assert [problem["code"] for problem in answer["problems"]] == ["no_answers"]
        lab.speak(problems=[optional.to_map()])
        assert (await lab.get("/ready"))[0] == 200

    stage(story, tmp_path)


def test_health_shows_no_names(tmp_path: Path) -> None:
    """It answers every client without a token, so it shows no watched names."""

    async def story(lab: Lab) -> None:
        lab.all_beat()
        lab.speak(aside=["watched-name.com"], problems=[OUTSIDE.to_map()])
        assert "watched-name" not in json.dumps((await lab.get("/health"))[1])

    stage(story, tmp_path)
