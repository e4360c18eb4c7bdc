"""Metrics for /metrics: the coordinator's and our own counts together, and gauges made from what is known right now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from common.core.coordinator.merged_status import ShardStatus, show_shard
from common.core.model.states import State
from common.core.telemetry.declared_counters import APIS, declare_counters
from common.core.telemetry.metrics import Metrics, format_series, snapshot_rows, timer_quantile
from common.core.telemetry.problems import CODES, Problem
from common.heartbeat import Heartbeat

#: Most servers and operators shown as gauges.
MOST_SERVERS, MOST_OPERATORS, MOST_GAPS = 300, 200, 100
#: Names of the API's own counter and timer, and of the counter of check results.
API_COUNTER, API_TIMER, CHECK_RESULTS = "api_requests", "api_request_seconds", "checks"
#: Kinds of rows of a snapshot.
KINDS = ("counters", "gauges", "timers")
#: Of calls to the customer's interfaces; statuses that are no error.
UPSTREAM_COUNTER, UPSTREAM_TIMER, FINE = "upstream_requests", "upstream_request_seconds", frozenset({"2xx", "3xx"})


def render_metrics(snapshot: Mapping[str, Any], now: float, started_at: float, wanted: Mapping[str, bool]) -> dict[str, Any]:
    """The JSON form; `wanted` says which of timers, counters, gauges, api and check_results to include.

    `since` is when counting began, `started_at` when the instance did: that one no reset changes.
    """
    uptime = max(0.0, now - started_at)
    report: dict[str, Any] = {"timestamp": now, "since": snapshot["since"], "started_at": started_at, "uptime_seconds": uptime}
    if wanted["timers"]:
        report["timers"] = {
            format_series(name, labels): _timer(timer)
            for name, labels, timer in snapshot_rows(snapshot, "timers")
            if name != API_TIMER
        }
    if wanted["counters"]:
        report["counters"] = {
            format_series(name, labels): value
            for name, labels, value in snapshot_rows(snapshot, "counters")
            if name not in {API_COUNTER, CHECK_RESULTS}
        }
        report["counters"]["series_dropped"] = snapshot["series_dropped"]
    if wanted["api"]:
        report["api"] = _api(snapshot)
    if wanted["check_results"]:
        report["check_results"] = _check_results(snapshot)
    if wanted["gauges"]:
        report["gauges"] = {format_series(name, labels): value for name, labels, value in snapshot_rows(snapshot, "gauges")}
    return report


def add_status(metrics: Metrics, status: Mapping[str, Any], heard_at: float) -> None:
    """Gauges from the coordinator's status."""
    metrics.gauge("coordinator_status_timestamp_seconds", heard_at)
    metrics.gauge("coordinator_ready", 1 if status.get("ready") is True else 0)
    domains = _map(status.get("domains"))
    by_state = _map(domains.get("by_state"))
    for each in State:
        _gauge(metrics, "domains", by_state.get(each.value, 0), state=each.value)
    _gauge(metrics, "domains_priority", domains.get("priority"))
    listed = _map(status.get("list"))
    _gauge(metrics, "list_loaded_timestamp_seconds", listed.get("loaded_at"))
    _gauge(metrics, "list_problems", listed.get("problems"))
    queue = _map(status.get("queue"))
    for place in ("due", "waiting", "leased", "quarantined"):
        _gauge(metrics, "queue_tasks", queue.get(place), place=place)
    late = queue.get("late_ms")
    _gauge(metrics, "queue_late_seconds", late / 1000 if isinstance(late, int | float) else None)
    deliveries = _map(status.get("deliveries"))
    for state in ("pending", "parked", "done"):
        _gauge(metrics, "deliveries_waiting" if state != "done" else "deliveries_kept", deliveries.get(state), state=state)
    _gauge(metrics, "deliveries_oldest_seconds", deliveries.get("oldest_age") or 0)
    _add_servers(metrics, status)


def add_shards(metrics: Metrics, statuses: Sequence[ShardStatus | None]) -> None:
    """How each shard is doing, and what its coordinator has counted, with the label `shard`."""
    for shard, status in enumerate(statuses):
        _gauge(metrics, "shard_ready", 1 if status is not None and status.content.get("ready") is True else 0, shard=shard)
        if status is None:
            continue
        row = show_shard(shard, status)
        _gauge(metrics, "shard_status_age_seconds", row["age"], shard=shard)
        _gauge(metrics, "shard_domains", row["names"], shard=shard)
        _gauge(
            metrics,
            "shard_late_seconds",
            row["late_ms"] / 1000 if isinstance(row["late_ms"], int | float) else None,
            shard=shard,
        )
        counted = Metrics()
        declare_counters(counted)
        counted.merge_snapshot(_map(status.content.get("metrics")))
        metrics.merge_snapshot(_label_rows(counted.snapshot(), shard))


def _label_rows(snapshot: Mapping[str, Any], shard: int) -> dict[str, Any]:
    rows = {
        kind: [[name, {**labels, "shard": shard}, value] for name, labels, value in snapshot_rows(snapshot, kind)]
        for kind in KINDS
    }
    return {**snapshot, **rows}


def add_heartbeats(metrics: Metrics, beats: Mapping[str, Heartbeat]) -> None:
    """Gauges from the heartbeats."""
    for process, beat in sorted(beats.items()):
        metrics.gauge("process_heartbeat_timestamp_seconds", beat.at, process=process)
        metrics.gauge("process_restarts", beat.restarts, process=process)
        metrics.gauge("process_start_time_seconds", beat.started_at, process=process)
        if beat.rss_bytes:
            metrics.gauge("process_resident_memory_bytes", beat.rss_bytes, process=process)
        metrics.count("process_cpu_seconds", beat.cpu_seconds, process=process)


def add_problems(metrics: Metrics, problems: Iterable[Problem]) -> None:
    """A series for every code, also where all is well: an alert can be written before there is a problem."""
    since: dict[str, float] = {}
    for problem in problems:
        since[problem.code] = min(problem.since, since.get(problem.code, problem.since))
    for code in CODES:
        metrics.gauge("problem_active", 1 if code in since else 0, code=code)
        metrics.gauge("problem_since_timestamp_seconds", since.get(code, 0), code=code)


def _add_servers(metrics: Metrics, status: Mapping[str, Any]) -> None:
    for row in _list(status.get("budgets"))[:MOST_OPERATORS]:
        labels = {"operator": str(row.get("operator", "")), "egress": str(row.get("egress", ""))}
        _gauge(metrics, "operator_tokens", row.get("tokens"), **labels)
        _gauge(metrics, "operator_rate", row.get("rate"), **labels)
        _gauge(metrics, "operator_used_today", row.get("used_today"), **labels)
        _gauge(metrics, "operator_blocked", 1 if row.get("blocked_until") else 0, **labels)
        _gauge(metrics, "operator_blocked_until_timestamp_seconds", row.get("blocked_until") or 0, **labels)
    for row in _list(status.get("trust"))[:MOST_SERVERS]:
        labels = {name: str(row.get(name, "")) for name in ("method", "server", "suffix")}
        metrics.gauge("server_trusted", 1 if row.get("green") is True else 0, **labels)
        proven = [value for value in (row.get("registered_ok"), row.get("free_ok")) if isinstance(value, int | float)]
        _gauge(metrics, "server_last_success_timestamp_seconds", max(proven, default=0), **labels)
    gaps = _list(status.get("trust_gaps"))
    metrics.gauge("trust_gaps", len(gaps))
    for row in gaps[:MOST_GAPS]:
        _gauge(metrics, "trust_gap_names", row.get("names"), suffix=str(row.get("suffix", "")))
    for method, count in _map(status.get("channels_dead")).items():
        _gauge(metrics, "channels_dead", count, method=method)


def _api(snapshot: Mapping[str, Any]) -> dict[str, Any]:
    requests: dict[str, dict[str, float]] = {}
    for name, labels, value in snapshot_rows(snapshot, "counters"):
        if name == API_COUNTER:
            by_status = requests.setdefault(_route(labels), {})
            by_status[labels.get("status", "")] = by_status.get(labels.get("status", ""), 0) + value
    durations = {
        _route(labels): _timer(timer) for name, labels, timer in snapshot_rows(snapshot, "timers") if name == API_TIMER
    }
    return {"requests": requests, "durations": durations, "upstream": _upstream(snapshot)}


def _upstream(snapshot: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Calls of the customer's interfaces: how many, by status, how many of them failed, and how long they took."""
    durations = {
        labels.get("api"): _timer(timer) for name, labels, timer in snapshot_rows(snapshot, "timers") if name == UPSTREAM_TIMER
    }
    found: dict[str, dict[str, Any]] = {}
    for api in APIS:
        by_status = {
            labels.get("status", ""): value
            for name, labels, value in snapshot_rows(snapshot, "counters")
            if name == UPSTREAM_COUNTER and labels.get("api") == api
        }
        calls = sum(by_status.values())
        errors = sum(value for status, value in by_status.items() if status not in FINE)
        found[api] = {
            "requests": calls,
            "errors": errors,
            "error_rate": errors / calls if calls else 0.0,
            "by_status": by_status,
            "durations": durations.get(api),
        }
    return found


def _check_results(snapshot: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for name, labels, value in snapshot_rows(snapshot, "counters"):
        if name == CHECK_RESULTS:
            by_outcome = found.setdefault(labels.get("method", ""), {})
            outcome = labels.get("outcome", "")
            by_outcome[outcome] = by_outcome.get(outcome, 0) + value
    return found


def _route(labels: Mapping[str, str]) -> str:
    return f"{labels.get('method', '')} {labels.get('route', '')}"


def _timer(timer: Mapping[str, Any]) -> dict[str, float]:
    count = timer["count"]
    return {
        "count": count,
        "sum": timer["sum"],
        "mean": timer["sum"] / count if count else 0.0,
        "min": timer["min"],
        "max": timer["max"],
        "p50": timer_quantile(timer, 0.5),
        "p95": timer_quantile(timer, 0.95),
        "p99": timer_quantile(timer, 0.99),
    }


def _gauge(metrics: Metrics, name: str, value: object, **labels: object) -> None:
    if isinstance(value, int | float):
        metrics.gauge(name, value, **labels)


def _map(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[Mapping[str, Any]]:
    return list(_maps(value))


def _maps(value: object) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, list | tuple):
        yield from (item for item in value if isinstance(item, Mapping))
