"""The statuses of several shards as one: what is counted is summed, lists have each row once, of the rest the worst stands."""

from __future__ import annotations

from typing import Any

import pytest

from common.core.coordinator.merged_status import (
    MOST_CHANNELS,
    MOST_GAPS,
    MOST_PUBLICATIONS,
    SHOWN,
    ShardStatus,
    merge_metrics,
    merge_problems,
    merge_statuses,
)
from common.core.coordinator.status import Status
from common.core.model.limit import Limit
from common.core.telemetry.metrics import MAX_SERIES, Metrics, snapshot_rows
from common.core.telemetry.problems import Problem
from tests.core.coordinator.cores import NOW, policy_of
from tests.core.coordinator.test_status import busy_rooms


def merged(*parts: dict[str, Any] | None) -> dict[str, Any]:
    """The statuses of these shards as one."""
    return merge_statuses([None if part is None else ShardStatus(1.0, part) for part in parts])


def merged_rows(key: str, *parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows under one key."""
    rows: list[dict[str, Any]] = merged(*({key: part} for part in parts))[key]
    return rows


def test_the_status_of_a_single_shard_is_itself() -> None:
    """Whatever a coordinator says; all that is added is the shard."""
    rooms = busy_rooms()
    rooms.rate_limits.budgets.available_tokens(Limit("whois/a", 1.0, 1, None), "default", NOW)
    rooms.telemetry.metrics.gauge("loop_stall_max_seconds", 0.25)
    status = Status(rooms, policy_of()).build_status(NOW)
    shown = merged(status)
    assert merge_metrics([ShardStatus(1.0, status)]) == status.pop("metrics")
    assert shown.pop("shards")[0]["names"] == status["domains"]["total"]
    for row in shown["workers"]:
        assert row.pop("shard") is None
    assert shown == status


def test_what_no_shard_says_is_not_there() -> None:
    """Nor is anything made up where a value is of another kind."""
    assert set(merged({}, None)) == {"ready", "problems", "shards"}
    odd = merged(dict.fromkeys(Status(busy_rooms(), policy_of()).build_status(NOW), 7))
    assert (odd["domains"], odd["budgets"], odd["sources"], odd["ready"]) == ({"by_state": {}}, [], [], False)


def test_each_shard_is_shown_and_the_first_one_gives_the_leader() -> None:
    """With its instance, epoch, age, names and lateness; nothing of one that was never heard."""
    one = {"leader": {"instance": "a", "epoch": 4}, "ready": True, "domains": {"total": 7}, "queue": {"late_ms": 12.0}}
    two = {**one, "leader": {"instance": "b", "epoch": 9}, "ready": False}
    found = merge_statuses([ShardStatus(0.5, one), None, ShardStatus(1.23456, two)])
    assert found["leader"] == {"instance": "a", "epoch": 4}
    assert found["shards"] == [
        {"shard": 0, "leader": "a", "epoch": 4, "age": 0.5, "names": 7, "ready": True, "late_ms": 12.0},
        {"shard": 1, "leader": None, "epoch": None, "age": None, "names": None, "ready": False, "late_ms": None},
        {"shard": 2, "leader": "b", "epoch": 9, "age": 1.235, "names": 7, "ready": False, "late_ms": 12.0},
    ]
    assert "leader" not in merged(None, one)


@pytest.mark.parametrize(
    ("parts", "ready"),
    [(({"ready": True},) * 2, True), (({"ready": True}, {"ready": 1}), False), (({"ready": True}, None), False)],
)
def test_all_is_ready_where_every_shard_is(parts: tuple[dict[str, Any] | None, ...], ready: bool) -> None:
    """One that was not heard is not."""
    assert merged(*parts)["ready"] is ready


def test_names_and_queues_are_summed_and_the_latest_shard_says_how_late_it_is() -> None:
    """By state as well, in the order of the states' names."""
    found = merged(
        {
            "started_at": 9.0,
            "domains": {"total": 3, "priority": 1, "by_state": {"UNKNOWN": 1, "AVAILABLE": 2}, "problems": 4},
            "queue": {"due": 1, "leased": 5, "late_ms": 8.0},
        },
        {
            "started_at": 5.0,
            "domains": {"total": 2, "priority": 0, "by_state": {"UNKNOWN": 2}, "problems": 0},
            "queue": {"due": 10, "leased": 50, "late_ms": 3.0},
        },
    )
    assert found["domains"] == {"total": 5, "priority": 1, "by_state": {"AVAILABLE": 2, "UNKNOWN": 3}, "problems": 4}
    assert list(found["domains"]["by_state"]) == ["AVAILABLE", "UNKNOWN"]
    assert found["queue"] == {"due": 11, "leased": 55, "late_ms": 8.0}
    assert found["started_at"] == 5.0


def test_the_list_is_as_old_as_its_oldest_look() -> None:
    """Its names are those of all shards; the first word on what is wrong stands."""
    one = {"source": "file", "loaded_at": 20.0, "seen_at": 30.0, "names": 5, "problems": 2, "held": None, "error": None}
    two = {**one, "loaded_at": 10.0, "seen_at": 31.0, "names": 6, "problems": 0, "held": "shrank", "error": "gone"}
    expected = {
        "source": "file",
        "loaded_at": 10.0,
        "seen_at": 30.0,
        "names": 11,
        "problems": 2,
        "held": "shrank",
        "error": "gone",
    }
    assert merged({"list": one}, {"list": two})["list"] == expected
    assert merged({"list": dict.fromkeys(one)})["list"] == dict.fromkeys(one)


def test_what_is_missing_is_said_once() -> None:
    """In the order of the shards."""
    assert merged({"missing": ["a", "b"]}, {"missing": ("b", "c", 7)})["missing"] == ["a", "b", "c"]


def test_workers_of_all_shards_are_listed() -> None:
    """Each with its shard."""
    found = merged({"shard": 0, "workers": [{"worker": "fast-0@a"}]}, {"shard": 1, "workers": [{"worker": "fast-1@a"}]})
    assert found["workers"] == [{"worker": "fast-0@a", "shard": 0}, {"worker": "fast-1@a", "shard": 1}]


def budget(operator: str = "rdap/x", **changes: Any) -> dict[str, Any]:
    """One row of the budgets."""
    row = {"operator": operator, "egress": "here", "rate": 1.5, "ceiling": 2.0, "banned_at": None, "burst": 4.0, "tokens": 3.25}
    return {**row, "blocked_until": None, "reason": "", "complaint": "", "used_today": 10, **changes}


def test_parts_of_a_budget_add_up() -> None:
    """Of one operator from one egress; another egress has a budget of its own."""
    first, other = merged_rows("budgets", [budget()], [budget(), budget(egress="there")])
    assert first == budget(rate=3.0, ceiling=4.0, burst=8.0, tokens=6.5, used_today=20)
    assert other == budget(egress="there")


def test_the_last_complaint_of_all_shards_is_shown() -> None:
    """With its time and rate; rows of an older version have none."""
    old = {"last_complaint": "early", "complained_at": 5.0, "complained_rate": 1.0, "start": 1.0}
    new = {"last_complaint": "late", "complained_at": 9.0, "complained_rate": 2.0, "start": 1.0}
    none = {"last_complaint": "", "complained_at": None, "complained_rate": None, "start": 1.0}
    (row,) = merged_rows("budgets", [budget(**old)], [budget(**new)], [budget(**none)])
    assert {key: row[key] for key in new} == {**new, "start": 3.0}
    assert merged_rows("budgets", [budget()], [budget()])[0].get("last_complaint") is None


def test_an_operator_that_limits_a_shard_is_shown_first_until_the_last_pause_ends() -> None:
    """With the reason of that pause, and the first complaint; at most as many rows as one coordinator shows."""
    limited = [budget("whois/z", blocked_until=50.0, reason="early", complaint="c", banned_at=0.25)]
    later = [budget("whois/z", blocked_until=60.0, reason="late", complaint="d")]
    others = [budget(f"rdap/{number:03}") for number in range(SHOWN)]
    rows = merged_rows("budgets", [*others, budget("whois/z")], limited, later)
    assert len(rows) == SHOWN
    assert rows[1]["operator"] == "rdap/000"
    shown = {key: rows[0][key] for key in ("operator", "blocked_until", "reason", "complaint", "banned_at")}
    assert shown == {"operator": "whois/z", "blocked_until": 60.0, "reason": "late", "complaint": "c", "banned_at": 4.25}


def trusted(server: str = "x", **changes: Any) -> dict[str, Any]:
    """One row of the trust."""
    row = {"method": "rdap", "server": server, "suffix": "com", "green": True, "registered_ok": 10.0, "free_ok": 20.0}
    return {**row, "quarantined_until": None, "reason": "", **changes}


def test_a_server_is_believed_as_in_the_shard_that_believes_it_least() -> None:
    """Proofs are as old as the oldest, and none where a shard has none."""
    doubted = trusted(green=False, registered_ok=5.0, free_ok=None, reason="no proof")
    assert merged_rows("trust", [trusted()], [doubted]) == [doubted]
    assert merged_rows("trust", [trusted()], [trusted(registered_ok=4.0)]) == [trusted(registered_ok=4.0)]


def test_what_is_quarantined_in_any_shard_comes_first() -> None:
    """Until the last quarantine ends; the rest by its newest proof, and no more than one coordinator shows."""
    caught = [trusted("z", green=False, quarantined_until=when, reason=f"until {when}") for when in (70.0, 90.0)]
    rows = merged_rows(
        "trust", [trusted(f"s{number:03}", free_ok=float(number)) for number in range(SHOWN)], *([row] for row in caught)
    )
    assert len(rows) == SHOWN
    assert (rows[0]["quarantined_until"], rows[0]["reason"]) == (90.0, "until 90.0")
    assert [row["server"] for row in rows[1:3]] == [f"s{SHOWN - 1}", f"s{SHOWN - 2}"]


def channel(server: str = "x", **changes: Any) -> dict[str, Any]:
    """One silent channel."""
    row = {
        "method": "whois",
        "server": server,
        "suffix": "com",
        "silent_since": 50.0,
        "dead": False,
        "answers": 3,
        "reason": "r",
    }
    return {**row, **changes}


def test_a_channel_that_is_silent_in_several_shards_is_one() -> None:
    """Silent since the first of them, dead where one says so, and counted once."""
    one = {"channels": [channel(dead=True), channel("w", dead=True), channel("y", silent_since=60.0)]}
    two = {
        "channels": [channel(dead=True, silent_since=40.0, answers=4, reason="s"), channel("z", dead=True), one["channels"][2]]
    }
    one["channels_dead"], two["channels_dead"] = {"rdap": 0, "whois": 5}, {"whois": 2}
    found = merged(one, two)
    assert found["channels"] == [
        channel(dead=True, silent_since=40.0, answers=7),
        channel("w", dead=True),
        channel("z", dead=True),
        channel("y", silent_since=60.0, answers=6),
    ]
    assert found["channels_dead"] == {"rdap": 0, "whois": 6}
    assert merged({"channels": [channel(dead=True)], "channels_dead": {}})["channels_dead"] == {"whois": 0}
    many = [channel(f"s{number}") for number in range(MOST_CHANNELS + 1)]
    assert len(merged_rows("channels", many, [])) == MOST_CHANNELS


def test_a_suffix_without_a_canary_is_one_gap_with_the_names_of_all_shards() -> None:
    """Since the first of them."""
    row = {"suffix": "com", "since": 9.0, "names": 2, "servers": [{"server": "x"}], "remedy": "r"}
    assert merged_rows("trust_gaps", [row], [{**row, "since": 5.0, "names": 3, "servers": []}]) == [
        {**row, "since": 5.0, "names": 5}
    ]
    assert len(merged_rows("trust_gaps", [{**row, "suffix": str(number)} for number in range(MOST_GAPS + 1)])) == MOST_GAPS


def test_a_publication_is_one_row_with_the_names_that_all_shards_joined() -> None:
    """A problem of any shard is shown; before a reading was applied nothing is joined."""
    row = {"name": "uk-drops", "joined": 2, "problem": None}

    assert merged_rows("publications", [row], [{**row, "joined": 3, "problem": "late"}]) == [
        {**row, "joined": 5, "problem": "late"}
    ]
    assert merged_rows("publications", [{**row, "joined": None}], [{**row, "joined": None}]) == [{**row, "joined": None}]
    many = [{**row, "name": str(number)} for number in range(MOST_PUBLICATIONS + 1)]
    assert len(merged_rows("publications", many)) == MOST_PUBLICATIONS


def test_tallies_and_alarms_are_counted_together() -> None:
    """Shares and the precision are those of the sums; the most contradicted server comes first."""
    server = {"method": "rdap", "server": "x", "suffix": "com", "confirmed": 4, "contradicted": 1, "share": 0.0}
    tally = {"method": "rdap", "confirmed": 4, "contradicted": 1, "share": 0.75}
    alarms = {"announced": 5, "confirmed": 2, "retracted": 1, "unsettled": 2, "precision": 0.66}
    one = {"since": 9.0, "alarms": alarms, "methods": [tally], "servers": [server], "servers_known": 1}
    other = {**server, "suffix": "net", "contradicted": 3}
    two = {**one, "since": None, "methods": [tally, {**tally, "method": "dns"}], "servers": [server, other], "servers_known": 2}
    found = merged({"accuracy": one}, {"accuracy": two})["accuracy"]
    assert found["since"] == 9.0
    assert found["alarms"] == {"announced": 10, "confirmed": 4, "retracted": 2, "unsettled": 4, "precision": 0.6667}
    assert [(row["method"], row["confirmed"], row["contradicted"], row["share"]) for row in found["methods"]] == [
        ("dns", 4, 1, 0.75),
        ("rdap", 8, 2, 0.7727),
    ]
    assert [(row["suffix"], row["contradicted"]) for row in found["servers"]] == [("net", 3), ("com", 2)]
    assert found["servers_known"] == 3


def test_callbacks_of_all_shards_wait_together() -> None:
    """The oldest is that of any; a receiver that is paused for one is shown as such."""
    lane = {"pending": 2, "circuit_open_until": None, "failures_in_a_row": 0}
    one = {"configured": False, "pending": 3, "pending_notices": 2, "in_flight": 1, "parked": 0, "done": 7, "superseded": 1}
    one |= {
        "oldest_age": 4.0,
        "circuit_open_until": 50.0,
        "failures_in_a_row": 2,
        "lanes": {"notice": lane},
        "misconfigured": 401,
    }
    two = {
        **one,
        "configured": True,
        "oldest_age": 9.0,
        "circuit_open_until": 99.0,
        "failures_in_a_row": 6,
        "misconfigured": 401,
    }
    two["lanes"] = {"notice": {**lane, "circuit_open_until": 99.0, "failures_in_a_row": 6}}
    found = merged({"deliveries": one}, {"deliveries": two})["deliveries"]
    assert {key: found[key] for key in ("pending", "pending_notices", "in_flight", "parked", "done", "superseded")} == {
        "pending": 6,
        "pending_notices": 4,
        "in_flight": 2,
        "parked": 0,
        "done": 14,
        "superseded": 2,
    }
    assert (found["configured"], found["oldest_age"], found["misconfigured"]) == (True, 9.0, 401)
    assert (found["circuit_open_until"], found["failures_in_a_row"]) == (99.0, 6)
    assert found["lanes"] == {"notice": {"pending": 4, "circuit_open_until": 99.0, "failures_in_a_row": 6}}
    assert merged({"deliveries": {**one, "oldest_age": None}})["deliveries"]["oldest_age"] is None


def test_a_problem_is_told_once_and_names_its_shards_where_not_all_have_it() -> None:
    """The oldest first; it is as grave as in the worst shard."""
    list_failing = Problem("list_failing", "The list cannot be read.", "See it.", since=9.0)
    silent = Problem("dns_silent", "DNS says nothing.", "Wait.", since=8.0)
    told = [
        [list_failing],
        [Problem("list_failing", "The list cannot be read.", "See it.", since=7.0, unwatched=True), silent],
        [Problem("list_failing", "In other words.", "See it.", since=9.5, restart_helps=True), silent],
    ]
    first, second = merge_problems(told)
    assert first == Problem(
        "list_failing", "The list cannot be read.", "See it.", since=7.0, unwatched=True, restart_helps=True
    )
    assert second == Problem("dns_silent", "Shards 1, 2: DNS says nothing.", "Wait.", since=8.0)
    assert merge_problems([[silent], []])[0].what == "Shard 0: DNS says nothing."
    shown = merged(*({"problems": [problem.to_map() for problem in problems]} for problems in told))["problems"]
    assert shown == [first.to_map(), second.to_map()]


def test_counters_histograms_and_gauges_are_summed() -> None:
    """Of the longest stalls the longest stays; counting began with the first of them."""
    snapshots = []
    for since, stall in ((100.0, 0.5), (90.0, 0.25)):
        metrics = Metrics(since)
        metrics.count("checks", 3, method="dns")
        metrics.observe("check", 0.02, method="dns")
        metrics.observe("check", 2.0, method="dns")
        metrics.gauge("unpacked_blocks", 4)
        metrics.gauge("loop_stall_max_seconds", stall)
        snapshots.append(metrics.snapshot())
    snapshots[1]["series_dropped"] = 2.0
    found = merge_metrics([ShardStatus(1.0, {"metrics": snapshot}) for snapshot in snapshots] + [None, ShardStatus(1.0, {})])
    assert list(snapshot_rows(found, "counters")) == [("checks", {"method": "dns"}, 6)]
    ((_, _, timer),) = snapshot_rows(found, "timers")
    assert (timer["count"], timer["sum"], timer["min"], timer["max"]) == (4, 4.04, 0.02, 2.0)
    assert sorted(timer["buckets"])[-2:] == [2, 2]
    assert {name: value for name, _, value in snapshot_rows(found, "gauges")} == {
        "unpacked_blocks": 8,
        "loop_stall_max_seconds": 0.5,
    }
    assert (found["since"], found["series_dropped"]) == (90.0, 2.0)


def test_no_series_of_a_shard_is_lost_where_each_is_full() -> None:
    """All of them together have as much room as they have alone."""
    snapshots = []
    for shard in range(2):
        metrics = Metrics()
        for number in range(MAX_SERIES):
            metrics.count("checks", server=f"{shard}.{number}")
        snapshots.append(metrics.snapshot())
    heard = [ShardStatus(1.0, {"metrics": snapshot}) for snapshot in snapshots]
    assert len(merge_metrics(heard)["counters"]) == 2 * MAX_SERIES


def test_what_shards_learned_of_registries_is_shown_together() -> None:
    """Scores are added up; of two deviations the one that was seen more often stands."""
    few = {"suffix": "com", "what": "hours", "row": "a", "observed": "b", "n": 5}
    many, other = {**few, "observed": "c", "n": 9}, {**few, "what": "weekday"}
    score = {
        "suffix": "com", "scored": 2, "dropped": 1, "inside": 1, "missed": 0, "error_sum": 10.0, "brier_sum": 0.5,
        "mean_error": 10.0, "brier": 0.25,
    }  # fmt: skip
    hours = {"suffix": "com", "hours": "18:30 to 20:00", "n": 5}
    one = {"deviations": [few], "hours": [hours], "observed": 3, "forecasts": [{**score, "suffix": "de"}, score]}
    two = {"deviations": [many, other], "observed": 2, "forecasts": [{**score, "error_sum": 30.0, "brier_sum": 0.1}]}
    found = merged({"calendar": one}, {"calendar": two})["calendar"]

    assert found["deviations"] == [many, other]
    assert found["hours"] == [hours]
    assert found["observed"] == 3
    assert [row["suffix"] for row in found["forecasts"]] == ["com", "de"]
    assert found["forecasts"][0] == {
        **score, "scored": 4, "dropped": 2, "inside": 2, "error_sum": 40.0, "brier_sum": 0.6, "mean_error": 20.0, "brier": 0.15,
    }  # fmt: skip
