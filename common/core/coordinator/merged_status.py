"""The statuses of the coordinators of all shards as one map, which reads like that of a single coordinator.

What is counted is summed, a list has each row once, and where shards say different things the worst of it stands. Pure: the
maps came over the feed, so what is missing or of another kind is passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from msgspec import structs

from common.core.coordinator.merged_rows import (
    count_dead_channels,
    list_rows,
    merge_accuracy,
    merge_budgets,
    merge_calendar,
    merge_channels,
    merge_gaps,
    merge_publications,
    merge_starved,
    merge_trust,
    sum_values,
    take_numbers,
)
from common.core.coordinator.merged_sources import merge_sources
from common.core.telemetry.metrics import MAX_SERIES, Metrics, snapshot_rows
from common.core.telemetry.problems import Problem, parse_problems

#: Most budgets and servers shown (limited and quarantined ones first), silent channels, suffixes without a working canary, and
#: publications.
SHOWN, MOST_CHANNELS, MOST_GAPS, MOST_PUBLICATIONS = 200, 100, 100, 200
#: Gauges that end so are the longest of something; all others are numbers of something.
_LONGEST = "_max_seconds"


class ShardStatus(NamedTuple):
    """The last status of a shard's coordinator, and the seconds since it was heard."""

    age: float
    content: Mapping[str, Any]


def merge_statuses(heard: Sequence[ShardStatus | None]) -> dict[str, Any]:
    """The status of all shards, by their numbers; None for one that was never heard. Only what a shard has said is in it.

    All but `metrics`, of which `merge_metrics` makes one.
    """
    parts = [status.content for status in heard if status is not None]
    merged = {key: merge(parts) for key, merge in _MERGES.items() if any(key in part for part in parts)}
    if heard[0] is not None and "leader" in heard[0].content:
        merged["leader"] = heard[0].content["leader"]
    merged["ready"] = all(status is not None and status.content.get("ready") is True for status in heard)
    told = [() if status is None else parse_problems(status.content.get("problems")) for status in heard]
    merged["problems"] = [problem.to_map() for problem in merge_problems(told)]
    if any("channels_dead" in part for part in parts):
        merged["channels_dead"] = count_dead_channels(parts)
    merged["shards"] = [show_shard(number, status) for number, status in enumerate(heard)]
    return merged


def show_shard(number: int, status: ShardStatus | None) -> dict[str, Any]:
    """One shard: which instance leads it, how many names it has, and how late its checks are; null where it was never heard."""
    content: Mapping[str, Any] = {} if status is None else status.content
    leader = _map(content.get("leader"))
    return {
        "shard": number,
        "leader": leader.get("instance"),
        "epoch": leader.get("epoch"),
        "age": None if status is None else round(status.age, 3),
        "names": _map(content.get("domains")).get("total"),
        "ready": content.get("ready") is True,
        "late_ms": _map(content.get("queue")).get("late_ms"),
    }


def merge_problems(told: Sequence[Sequence[Problem]]) -> list[Problem]:
    """The problems that the shards tell, by their numbers: each once, and in which shards it holds where that is not all."""
    found: dict[tuple[str, str], list[tuple[int, Problem]]] = {}
    for shard, problems in enumerate(told):
        for problem in problems:
            found.setdefault((problem.code, problem.about), []).append((shard, problem))
    merged = []
    for rows in found.values():
        shards, first = [shard for shard, _ in rows], rows[0][1]
        merged.append(
            structs.replace(
                first,
                what=first.what if len(shards) == len(told) else f"{name_shards(shards)}: {first.what}",
                since=min(problem.since for _, problem in rows),
                restart_helps=any(problem.restart_helps for _, problem in rows),
                unwatched=any(problem.unwatched for _, problem in rows),
            )
        )
    return sorted(merged, key=lambda problem: (problem.since, problem.code, problem.about))


def name_shards(shards: Sequence[int]) -> str:
    """Shards at the begin of a sentence."""
    return f"Shard{'s' if len(shards) > 1 else ''} {', '.join(map(str, shards))}"


def merge_metrics(heard: Sequence[ShardStatus | None]) -> dict[str, Any]:
    """The metrics of all shards as one snapshot: counters, histograms and gauges summed, of the longest times the longest."""
    snapshots = _maps([status.content for status in heard if status is not None], "metrics")
    total = Metrics(series=MAX_SERIES * len(snapshots))
    gauges: dict[tuple[str, tuple[tuple[str, str], ...]], list[float]] = {}
    for snapshot in snapshots:
        total.merge_snapshot(snapshot)
        for name, labels, value in snapshot_rows(snapshot, "gauges"):
            held = gauges.setdefault((name, tuple(sorted(labels.items()))), [])
            held += [value] if isinstance(value, int | float) else []
    for (name, pairs), held in gauges.items():
        total.gauge(name, max(held, default=0.0) if name.endswith(_LONGEST) else sum(held), **dict(pairs))
    return total.snapshot()


def _merge_domains(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    rows = _maps(parts, "domains")
    by_state = sum_values([_map(row.get("by_state")) for row in rows])
    return {**sum_values(rows), "by_state": dict(sorted(by_state.items()))}


def _merge_list(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Every shard reads the whole list and keeps its names; the oldest look counts, and the first trouble."""
    rows = _maps(parts, "list")
    merged: dict[str, Any] = {key: _first(rows, key) for row in rows for key in row}
    for key in ("loaded_at", "seen_at"):
        merged[key] = min(take_numbers(rows, key), default=None)
    for key in ("names", "problems"):
        merged[key] = sum(take_numbers(rows, key)) if take_numbers(rows, key) else None
    return merged


def _merge_queue(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    rows = _maps(parts, "queue")
    return {**sum_values(rows), "late_ms": max(take_numbers(rows, "late_ms"), default=0.0)}


def _merge_deliveries(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The callbacks of all shards. Each has circuits of its own: that which is open longest, and the most failures, stand."""
    rows = _maps(parts, "deliveries")
    merged: dict[str, Any] = {key: _first(rows, key) for row in rows for key in row}
    merged |= sum_values(rows)
    merged["configured"] = any(row.get("configured") is True for row in rows)
    merged["oldest_age"] = max(take_numbers(rows, "oldest_age"), default=None)
    merged["misconfigured"] = max(take_numbers(rows, "misconfigured"), default=0)
    merged |= _show_circuit(rows)
    lanes: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        for lane, circuit in _map(row.get("lanes")).items():
            lanes.setdefault(str(lane), []).append(_map(circuit))
    merged["lanes"] = {
        lane: {"pending": sum(take_numbers(circuits, "pending")), **_show_circuit(circuits)} for lane, circuits in lanes.items()
    }
    return merged


def _show_circuit(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "circuit_open_until": max(take_numbers(rows, "circuit_open_until"), default=None),
        "failures_in_a_row": max(take_numbers(rows, "failures_in_a_row"), default=0),
    }


def _list_missing(parts: Sequence[Mapping[str, Any]]) -> list[str]:
    lists = [part["missing"] for part in parts if isinstance(part.get("missing"), list | tuple)]
    return list(dict.fromkeys(text for texts in lists for text in texts if isinstance(text, str)))


_MERGES: dict[str, Callable[[Sequence[Mapping[str, Any]]], Any]] = {
    "started_at": lambda parts: min(take_numbers(parts, "started_at"), default=None),
    "missing": _list_missing,
    "domains": _merge_domains,
    "list": _merge_list,
    "queue": _merge_queue,
    "workers": lambda parts: [{**row, "shard": part.get("shard")} for part in parts for row in list_rows([part], "workers")],
    "budgets": lambda parts: merge_budgets(list_rows(parts, "budgets"))[:SHOWN],
    "trust": lambda parts: merge_trust(list_rows(parts, "trust"))[:SHOWN],
    "sources": lambda parts: merge_sources(list_rows(parts, "sources")),
    "trust_gaps": lambda parts: merge_gaps(list_rows(parts, "trust_gaps"))[:MOST_GAPS],
    "starvation": lambda parts: merge_starved(list_rows(parts, "starvation"))[:MOST_GAPS],
    "channels": lambda parts: merge_channels(list_rows(parts, "channels"))[:MOST_CHANNELS],
    "publications": lambda parts: merge_publications(list_rows(parts, "publications"))[:MOST_PUBLICATIONS],
    "accuracy": lambda parts: merge_accuracy(_maps(parts, "accuracy")),
    "calendar": lambda parts: merge_calendar(_maps(parts, "calendar")),
    "deliveries": _merge_deliveries,
}


def _map(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _maps(parts: Sequence[Mapping[str, Any]], key: str) -> list[Mapping[str, Any]]:
    return [part[key] for part in parts if isinstance(part.get(key), Mapping)]


def _first(rows: Sequence[Mapping[str, Any]], key: str) -> Any:
    return next((row[key] for row in rows if row.get(key) is not None), None)
