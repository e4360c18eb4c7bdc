"""The coordinator's view of itself, as published every two seconds and shown on the status page."""

from __future__ import annotations

from typing import Any

from common.core.coordinator.board import Board
from common.core.trust.canary_gaps import Gap
from common.core.trust.server_trust import Key

#: Most budgets and servers shown: the busiest and the most troubled first.
SHOWN = 200
#: Methods whose channels are counted, and most silent channels shown.
CHANNELS, MOST_CHANNELS = ("dns", "rdap", "whois"), 100
#: Most suffixes shown whose alarms wait for canaries in vain, and most servers of each.
MOST_GAPS, MOST_SERVERS = 100, 10


def publish(board: Board, now: float) -> None:
    """Put the status on the feed, and say which suffixes have waited for a canary for long."""
    for gap in board.gaps.to_warn(now):
        board.say("warning", "no_canary_works", **gap_shown(board, gap, now))
    board.publish(f"system.coordinator.{board.policy.instance}", "status", now, lambda: {"status": status(board, now)})


def status(board: Board, now: float) -> dict[str, Any]:
    """Plain and bounded; no domain names in it."""
    channels, problems = _channels(board, now), board.problems.active_problems()
    return {
        "started_at": board.started,
        "ready": (bool(board.list_state.get("loaded_at")) or len(board.book) > 0) and not any(p.unwatched for p in problems),
        "problems": [problem.to_map() for problem in problems],
        "missing": list(board.policy.missing),
        "domains": {
            "total": sum(board.by_state.values()),
            "priority": board.book.table.urgent(),
            "by_state": {state: count for state, count in sorted(board.by_state.items()) if count},
            "problems": board.list_state.get("problems", 0),
        },
        "list": {
            key: board.list_state.get(key) for key in ("source", "loaded_at", "seen_at", "names", "problems", "held", "error")
        },
        "queue": {
            "due": board.book.table.schedule.waiting(now),
            "in_line": len(board.lines),
            "wanted": len(board.wants) + board.wants.planned(),
            "in_hand": len(board.book.in_hand),
            "unwritten": board.backlog.size(),
            "waiting": len(board.queue),
            "leased": board.workers.leased(),
            "quarantined": sum(1 for entry in board.aside.values() if entry.aside_until > now),
            "late_ms": round(board.book.table.schedule.late(now) * 1000, 1),
        },
        "workers": board.workers.snapshot(now),
        "budgets": sorted(board.budgets.snapshot(now), key=_troubled)[:SHOWN],
        "trust": _trust(board, now),
        "trust_gaps": [gap_shown(board, gap, now) for gap in board.gaps.open(now)[:MOST_GAPS]],
        "channels": channels[:MOST_CHANNELS],
        "channels_dead": {name: sum(row["dead"] for row in channels if row["method"] == name) for name in CHANNELS},
        "accuracy": board.accuracy.plain(),
        "deliveries": {"configured": board.policy.callbacks, **board.deliveries.snapshot(now)},
        "metrics": board.metrics.snapshot(),
    }


def gap_shown(board: Board, gap: Gap, now: float) -> dict[str, Any]:
    """A suffix whose alarms wait for canaries, with what is wrong at each server and what helps."""
    return {
        "suffix": gap.suffix,
        "since": gap.since,
        "names": gap.names,
        "servers": [{"method": key[0], "server": key[1], "reason": _doubt(board, key, now)} for key in gap.keys[:MOST_SERVERS]],
        "remedy": f"CANARIES_FILE has to list names that are surely registered under .{gap.suffix}",
    }


def _channels(board: Board, now: float) -> list[dict[str, Any]]:
    """The silent channels, the longest silent first: since when (epoch seconds), after how many answers, whether dead."""
    return [
        {
            "method": key[0],
            "server": key[1],
            "suffix": key[2],
            "silent_since": row.silent_since,
            "dead": board.dead(key, now),
            "answers": row.silent,
            "reason": row.reason,
        }
        for key, row in board.silent_channels()
    ]


def _doubt(board: Board, key: Key, now: float) -> str:
    row = board.trust.row(key)
    if now < row.quarantined_until:
        return f"in quarantine: {row.reason}"
    if not row.registered_ok:
        return "has not found a name known to be registered yet"
    if not row.free_ok:
        return "has not denied a random name yet"
    return f"found a name known to be registered {now - row.registered_ok:.0f} s ago and not since"


def _trust(board: Board, now: float) -> list[dict[str, Any]]:
    rows = sorted(board.trust.rows(), key=lambda row: (row.quarantined_until <= now, -max(row.registered_ok, row.free_ok)))
    return [
        {
            "method": row.method,
            "server": row.server,
            "suffix": row.suffix,
            "green": board.trust.green((row.method, row.server, row.suffix), now),
            "registered_ok": row.registered_ok or None,
            "free_ok": row.free_ok or None,
            "quarantined_until": row.quarantined_until if row.quarantined_until > now else None,
            "reason": row.reason,
        }
        for row in rows[:SHOWN]
    ]


def _troubled(row: dict[str, object]) -> tuple[bool, str]:
    return (row["blocked_until"] is None, str(row["operator"]))
