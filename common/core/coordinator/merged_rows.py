"""Rows of the statuses of several shards as one list: each row once, with what is counted summed and of the rest the worst."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from common.core.audit.tallies import SHOWN, Alarms, Tally, show_tally
from common.core.lifecycle.scores import show_means

Row = Mapping[str, Any]
Rows = Sequence[Row]
#: What tells the rows of servers apart.
_SERVER = ("method", "server", "suffix")
#: Figures of a budget that its parts add up to.
_PARTS = ("start", "rate", "ceiling", "burst", "tokens", "used_today")


def list_rows(parts: Rows, key: str) -> list[Row]:
    """The rows that the shards have under one key."""
    found = (part.get(key) for part in parts)
    return [row for rows in found if isinstance(rows, list | tuple) for row in rows if isinstance(row, Mapping)]


def sum_values(rows: Rows) -> dict[str, Any]:
    """The sums of what is a number in these maps, by key."""
    return {
        key: sum(take_numbers(rows, key))
        for key in dict.fromkeys(key for row in rows for key in row)
        if take_numbers(rows, key)
    }


def take_numbers(rows: Rows, key: str) -> list[Any]:
    """The numbers under one key."""
    return [row[key] for row in rows if isinstance(row.get(key), int | float) and not isinstance(row[key], bool)]


def merge_budgets(rows: Rows) -> list[dict[str, Any]]:
    """What the shards may ask of each operator from each egress, together: limited ones first.

    One that limits a part of them is shown as blocked, until the last of these ends. `banned_at` counts what a shard without a
    ban may ask at most as its part. The last complaint is that of the shard that got it, at its part of the rate.
    """
    merged = _merge_groups(rows, ("operator", "egress"), _merge_budget)
    return sorted(merged, key=lambda row: (row.get("blocked_until") is None, str(row.get("operator"))))


def _merge_budget(rows: Rows) -> dict[str, Any]:
    blocked = [row for row in rows if take_numbers([row], "blocked_until")]
    last = max(blocked, key=lambda row: float(row["blocked_until"]), default=rows[0])
    told = max(rows, key=lambda row: max([0.0, *take_numbers([row], "complained_at")]))
    banned = [row["banned_at"] if take_numbers([row], "banned_at") else row.get("ceiling", 0.0) for row in rows]
    return {
        **rows[0],
        **{key: round(sum(take_numbers(rows, key)), 4) for key in _PARTS if key in rows[0]},
        "banned_at": round(sum(banned), 4) if take_numbers(rows, "banned_at") else None,
        "blocked_until": last.get("blocked_until"),
        "reason": last.get("reason", ""),
        **{key: told[key] for key in ("last_complaint", "complained_at", "complained_rate") if key in told},
        "complaint": next((row["complaint"] for row in rows if row.get("complaint")), ""),
    }


def merge_trust(rows: Rows) -> list[dict[str, Any]]:
    """How far each server is believed about each suffix: as in the shard where that is least; what is quarantined first."""
    merged = _merge_groups(rows, _SERVER, _merge_believed)
    return sorted(merged, key=lambda row: (row.get("quarantined_until") is None, -max([0.0, *_proofs(row)])))


def _merge_believed(rows: Rows) -> dict[str, Any]:
    worst = min(rows, key=lambda row: (-max([0.0, *take_numbers([row], "quarantined_until")]), row.get("green") is True))
    proved = {key: take_numbers(rows, key) for key in ("registered_ok", "free_ok")}
    return {
        **worst,
        "green": all(row.get("green") is True for row in rows),
        **{key: min(times) if len(times) == len(rows) else None for key, times in proved.items()},
    }


def _proofs(row: Row) -> list[float]:
    return [*take_numbers([row], "registered_ok"), *take_numbers([row], "free_ok")]


def merge_channels(rows: Rows) -> list[dict[str, Any]]:
    """The channels that are silent in some shard, the longest silent first."""
    return sorted(
        _merge_groups(rows, _SERVER, _merge_channel), key=lambda row: min(take_numbers([row], "silent_since"), default=0.0)
    )


def _merge_channel(rows: Rows) -> dict[str, Any]:
    return {
        **rows[0],
        "silent_since": min(take_numbers(rows, "silent_since"), default=None),
        "dead": any(row.get("dead") is True for row in rows),
        "answers": sum(take_numbers(rows, "answers")),
    }


def count_dead_channels(parts: Rows) -> dict[str, int]:
    """How many channels are dead, by method: one that is so in several shards counts once, as far as they show it."""
    counted = sum_values([part["channels_dead"] for part in parts if isinstance(part.get("channels_dead"), Mapping)])
    dead = Counter(_key(row, _SERVER) for row in list_rows(parts, "channels") if row.get("dead") is True)
    for (method, *_), count in dead.items():
        counted[method] = counted.get(method, count - 1) - (count - 1)
    return counted


def merge_gaps(rows: Rows) -> list[dict[str, Any]]:
    """The suffixes without a working canary, with their names in all shards."""
    return _merge_groups(rows, ("suffix",), _merge_gap)


def _merge_gap(rows: Rows) -> dict[str, Any]:
    since = min(take_numbers(rows, "since"), default=None)
    return {**rows[0], "since": since, "names": sum(take_numbers(rows, "names"))}


def merge_publications(rows: Rows) -> list[dict[str, Any]]:
    """The publications that the shards were told about, with the names that each of them joined."""
    return _merge_groups(rows, ("name",), _merge_publication)


def _merge_publication(rows: Rows) -> dict[str, Any]:
    joined = take_numbers(rows, "joined")
    problem = next((row["problem"] for row in rows if row.get("problem")), None)
    return {**rows[0], "joined": sum(joined) if joined else None, "problem": problem}


def merge_starved(rows: Rows) -> list[dict[str, Any]]:
    """The suffixes that get fewer looks than they need; what the shards need adds up."""
    return _merge_groups(rows, ("suffix", "operator"), _merge_starved)


def _merge_starved(rows: Rows) -> dict[str, Any]:
    return {**rows[0], **{key: sum(take_numbers(rows, key)) for key in ("names", "needed", "allowed")}}


def merge_accuracy(parts: Rows) -> dict[str, Any]:
    """The tallies of all shards, in the form of `Accuracy.to_plain`."""
    alarms = sum_values([part["alarms"] for part in parts if isinstance(part.get("alarms"), Mapping)])
    methods = _merge_groups(list_rows(parts, "methods"), ("method",), _merge_tally)
    servers = _merge_groups(list_rows(parts, "servers"), _SERVER, _merge_tally)
    servers.sort(key=lambda row: (-row["contradicted"], -row["confirmed"], _key(row, _SERVER)))
    counted = {key: alarms.get(key, 0) for key in ("announced", "confirmed", "retracted")}
    return {
        "since": min(take_numbers(parts, "since"), default=None),
        "alarms": Alarms(**counted).to_plain(),
        "methods": sorted(methods, key=lambda row: str(row["method"])),
        "servers": servers[:SHOWN],
        "servers_known": sum(take_numbers(parts, "servers_known")),
    }


def _merge_tally(rows: Rows) -> dict[str, Any]:
    tally = Tally(sum(take_numbers(rows, "confirmed")), sum(take_numbers(rows, "contradicted")))
    return {**rows[0], **show_tally(tally)}


def merge_calendar(parts: Rows) -> dict[str, Any]:
    """What all shards learned of registries' life cycles, in the form of `LearnedCalendar.to_plain`."""
    deviations = _merge_groups(list_rows(parts, "deviations"), ("suffix", "what"), _take_most_seen)
    hours = _merge_groups(list_rows(parts, "hours"), ("suffix",), _take_most_seen)
    forecasts = _merge_groups(list_rows(parts, "forecasts"), ("suffix",), _merge_score)
    forecasts.sort(key=lambda row: (-row["scored"], _key(row, ("suffix",))))
    return {
        "deviations": deviations[:SHOWN],
        "hours": hours[:SHOWN],
        "observed": max(take_numbers(parts, "observed"), default=0),
        "forecasts": forecasts[:SHOWN],
    }


def _take_most_seen(rows: Rows) -> dict[str, Any]:
    """Of several shards the one that saw the most."""
    most = max(rows, key=lambda row: float(max(take_numbers([row], "n"), default=0)))
    return {**most}


def _merge_score(rows: Rows) -> dict[str, Any]:
    sums = sum_values(rows)
    means = show_means(sums.get("scored", 0), sums.get("dropped", 0), sums.get("error_sum", 0), sums.get("brier_sum", 0))
    return {**rows[0], **sums, **means}


def _merge_groups(rows: Rows, names: tuple[str, ...], merge: Callable[[Rows], dict[str, Any]]) -> list[dict[str, Any]]:
    """One row for each that these columns tell apart, in the order of their first."""
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(_key(row, names), []).append(row)
    return [merge(group) if len(group) > 1 else dict(group[0]) for group in groups.values()]


def _key(row: Row, names: Iterable[str]) -> tuple[str, ...]:
    return tuple([str(row.get(name, "")) for name in names])
