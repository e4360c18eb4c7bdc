"""Render a metrics snapshot (`common.core.telemetry.metrics`) in the Prometheus text exposition format, version 0.0.4.

Every name begins with `domain_monitor_`; counters end in `_total`, timers are histograms in seconds.
https://prometheus.io/docs/instrumenting/exposition_formats/ and https://prometheus.io/docs/practices/naming/
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from common.core.telemetry.metrics import BUCKETS, snapshot_rows

PREFIX = "domain_monitor_"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

#: Name -> HELP text; any other name gets a text made of its words.
HELP = {
    "alarms": "Alarms announced, confirmed by a younger registration, and retracted",
    "answers_confirmed": "Answers that the settled verdict agreed with; servers that were never wrong are summed as other",
    "answers_contradicted": "Answers that the settled verdict contradicted, or whose server failed a canary",
    "api_request": "Time to answer a request of the HTTP API",
    "api_requests": "Requests of the HTTP API by route, method and status",
    "bad_messages": "Frames on the bus that were no message of ours",
    "build_info": "1; version is of Domain Monitor, python of its interpreter",
    "callback": "Time until a callback was answered",
    "callbacks": "Attempts to deliver a callback by lane, status and what became of it",
    "canaries": "Questions whose answer is known: ok, lie, unanswered, wrong (no record of the name), wildcard",
    "channels_dead": "Channels (a method at a server for a suffix) that answer nothing that proves anything, by method",
    "check": "Duration of one check by method",
    "check_errors": "Answers that prove nothing, and questions without one, by method and kind of error",
    "checks": "Answers of checks by method and outcome",
    "coordinator_ready": "1 while the coordinator reports that it is ready",
    "coordinator_status_timestamp_seconds": "When the coordinator was last heard, in epoch seconds",
    "deliveries_oldest_seconds": "Age of the oldest callback that is not delivered",
    "deliveries_waiting": "Callbacks waiting for delivery, by state",
    "domains": "Watched names by state",
    "domains_priority": "Watched names with priority",
    "events": "Events recorded by kind",
    "gc": "Pauses of the coordinator's garbage collector",
    "late_results": "Answers that came after their lease had ended",
    "lateness": "How late names were asked, by lane: priority and ordinary",
    "leases_lost": "Tasks that no answer came for",
    "list_loaded_timestamp_seconds": "When the domain list was last loaded, in epoch seconds",
    "list_problems": "Entries of the domain list that cannot be monitored",
    "lists": "Domain lists by what became of them",
    "loop_stall": "How long the coordinator's loop was blocked",
    "unpacked_blocks": "Blocks of names that the next start would have to read row by row",
    "loop_stall_max_seconds": "Longest stall of the coordinator's loop within the last minute",
    "metrics_since_timestamp_seconds": "When counting began, in epoch seconds",
    "operator_blocked": "1 while an operator is left alone",
    "operator_blocked_until_timestamp_seconds": "Until when an operator is left alone, in epoch seconds; 0 is not blocked",
    "operator_complaints": "Answers by which an operator asked for less, by operator",
    "operator_rate": "Questions a second that an operator is asked at most, as learned",
    "problem_active": "1 while there is this problem (see /health)",
    "problem_since_timestamp_seconds": "Since when there is this problem, in epoch seconds; 0 is not now",
    "problems_begun": "Problems that began, by code",
    "process_cpu_seconds": "Processor time that a process has used since it was started, in seconds",
    "process_heartbeat_timestamp_seconds": "Last heartbeat of a process, in epoch seconds",
    "process_resident_memory_bytes": "Memory that a process has in use",
    "process_restarts": "Restarts of a process since it was started by its supervisor",
    "process_start_time_seconds": "When a process began its present run, in epoch seconds; a reset does not change it",
    "quarantines": "Servers caught lying, by method",
    "questions_expired": "Checks that could not be asked before their deadline in line, by method and rank",
    "questions_turned_away": "Checks refused because no worker could take them",
    "queue_late_seconds": "How late the oldest due check is",
    "queue_tasks": "Tasks by their place in the queue",
    "results_coalesced": "Results of sweeps replaced by a newer one before they were posted",
    "series_dropped": "Observations lost because too many different series were counted",
    "server_last_success_timestamp_seconds": "Last time a server answered its canaries rightly, in epoch seconds; 0 is never",
    "server_trusted": "1 while a server is trusted for a suffix: both its canaries are green",
    "shard_domains": "Names of a shard of the watch list",
    "shard_late_seconds": "How late the oldest due check of a shard is",
    "shard_ready": "Whether the coordinator of a shard has read its names and watches them (1)",
    "shard_status_age_seconds": "How long ago the coordinator of a shard was heard",
    "sse_clients": "Clients following the event stream",
    "sweep": "Duration of one sweep",
    "sweeps_lost": "Sweeps that no answer came for",
    "trust_gap_names": "Names whose alarm waits in vain for a canary of their suffix",
    "trust_gaps": "Suffixes in which no canary works, so that no drop would be told",
    "upstream_request": "Time until a call of the customer's interface was answered, by api: list and callback",
    "upstream_requests": "Calls of the customer's interfaces by api (list, callback) and class of the status",
    "workers_lost": "Workers that disappeared or fell silent",
}


def render_exposition(snapshot: Mapping[str, Any]) -> str:
    """The exposition text, sorted by name, so that equal snapshots give equal text."""
    lines: list[str] = []
    counters = [*snapshot_rows(snapshot, "counters"), ("series_dropped", {}, snapshot.get("series_dropped", 0))]
    gauges = [*snapshot_rows(snapshot, "gauges"), ("metrics_since_timestamp_seconds", {}, snapshot.get("since", 0))]
    taken: set[str] = set()
    for kind, group in (("counter", counters), ("gauge", gauges), ("histogram", snapshot_rows(snapshot, "timers"))):
        for base, members in _group_by_name(group).items():
            name = _full_name(base, kind)
            if name in taken:  # one name may have one type only
                continue
            taken.add(name)
            lines += [f"# HELP {name} {_help_text(base)}", f"# TYPE {name} {kind}"]
            for labels, value in members:
                lines += _histogram_lines(name, labels, value) if kind == "histogram" else _sample_line(name, labels, value)
    return "\n".join(lines) + "\n"


def _group_by_name(group: Iterable[tuple[str, dict[str, str], Any]]) -> dict[str, list[tuple[dict[str, str], Any]]]:
    names: dict[str, list[tuple[dict[str, str], Any]]] = {}
    for name, labels, value in sorted(group, key=lambda row: (row[0], sorted(row[1].items()))):
        names.setdefault(name, []).append((labels, value))
    return names


def _full_name(base: str, kind: str) -> str:
    text = "".join(char if char.isascii() and (char.isalnum() or char == "_") else "_" for char in base.lower())
    suffix = {"counter": "_total", "histogram": "_seconds"}.get(kind, "")
    return PREFIX + (text if text.endswith(suffix) else text + suffix)


def _help_text(base: str) -> str:
    known = HELP.get(base) or HELP.get(base.removesuffix("_total").removesuffix("_seconds"))
    return known or "".join(char if char.isascii() and char.isalnum() else " " for char in base).strip().capitalize()


def _sample_line(name: str, labels: Mapping[str, str], value: object) -> Iterator[str]:
    yield f"{name}{_label_text(labels)} {_format_value(value)}"


def _histogram_lines(name: str, labels: Mapping[str, str], timer: object) -> Iterator[str]:
    if not isinstance(timer, Mapping) or not isinstance(timer.get("buckets"), list | tuple):
        return
    seen = 0
    for bound, n in zip((*BUCKETS, math.inf), timer["buckets"], strict=False):
        seen += n if isinstance(n, int) else 0
        yield f"{name}_bucket{_label_text({**labels, 'le': '+Inf' if bound == math.inf else repr(bound)})} {seen}"
    yield f"{name}_sum{_label_text(labels)} {_format_value(timer.get('sum'))}"
    yield f"{name}_count{_label_text(labels)} {seen}"


def _label_text(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{_label_name(key)}="{_escape_label(value)}"' for key, value in labels.items()) + "}"


def _label_name(key: str) -> str:
    text = "".join(char if char.isascii() and (char.isalnum() or char == "_") else "_" for char in key.lower())
    return text if text[:1].isalpha() else f"label_{text.lstrip('_')}"


def _escape_label(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\r", " ").replace("\n", "\\n")


def _format_value(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "0"
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("+Inf" if value > 0 else "-Inf")
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
