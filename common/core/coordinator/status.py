"""The status map of the coordinator, as published every two seconds and shown on the status page."""

from __future__ import annotations

from typing import Any

from msgspec import to_builtins

from common.core.checks.starvation import DAY, StarvedSuffix
from common.core.coordinator.merged_status import MOST_CHANNELS, MOST_GAPS, MOST_PUBLICATIONS, SHOWN
from common.core.coordinator.source_report import Setup, list_sources
from common.core.coordinator.source_state import SourceState
from common.core.coordinator.wiring import Policy, Rooms
from common.core.model.channel import ChannelKey
from common.core.trust.canary_gaps import SuffixWithoutCanary

#: Methods whose channels are counted, and most servers of a suffix without a working canary that are shown.
CHANNELS, MOST_SERVERS = ("dns", "rdap", "whois"), 10
#: Fields of the list's state that are shown.
LIST_SHOWN = ("source", "loaded_at", "seen_at", "names", "problems", "held", "error")


class Status:
    """Builds and publishes the status map."""

    def __init__(self, rooms: Rooms, policy: Policy) -> None:
        self._rooms = rooms
        self._policy = policy

    def publish_status(self, now: float) -> None:
        """Publish the status on the feed, and log which suffixes have been without a working canary for long."""
        rooms = self._rooms
        for gap in rooms.canaries.gaps.take_warnings(now):
            rooms.telemetry.write_log("warning", "no_canary_works", **self.show_gap(gap, now))
        rooms.feed.publish_system("coordinator", "status", now, lambda: {"status": self.build_status(now)})

    def build_status(self, now: float) -> dict[str, Any]:
        """Build the status map: plain values, bounded in size, without domain names."""
        rooms, domains = self._rooms, self._rooms.domains
        channels, problems = self._show_channels(now), rooms.telemetry.problems.active_problems()
        known = bool(rooms.intake.state.loaded_at) or len(domains) > 0
        return {
            "started_at": domains.started,
            "leader": {"instance": self._policy.instance, "epoch": self._policy.epoch},
            **self._show_shard(),
            "ready": known and not any(problem.unwatched for problem in problems),
            "problems": [problem.to_map() for problem in problems],
            "missing": list(self._policy.missing),
            "domains": {
                "total": sum(domains.by_state.values()),
                "priority": domains.table.count_priority(),
                "by_state": {state: count for state, count in sorted(domains.by_state.items()) if count},
                "problems": rooms.intake.state.problems or 0,
            },
            "list": {key: getattr(rooms.intake.state, key) for key in LIST_SHOWN},
            "queue": self._show_queues(now),
            "workers": rooms.workers.snapshot(now),
            "budgets": sorted(rooms.rate_limits.budgets.snapshot(now), key=_limited_first)[:SHOWN],
            "trust": self._show_trust(now),
            "sources": self._show_sources(now),
            "trust_gaps": [self.show_gap(gap, now) for gap in rooms.canaries.gaps.find_open(now)[:MOST_GAPS]],
            "publications": rooms.publications.show_rows(now)[:MOST_PUBLICATIONS],
            "starvation": [self.show_starved(row) for row in rooms.starvation.find_starved(now)],
            "channels": channels[:MOST_CHANNELS],
            "channels_dead": {name: sum(row["dead"] for row in channels if row["method"] == name) for name in CHANNELS},
            "accuracy": rooms.audit.accuracy.to_plain(),
            "calendar": domains.calendar.to_plain(),
            "deliveries": {"configured": self._policy.callbacks, **rooms.deliveries.snapshot(now)},
            "metrics": rooms.telemetry.metrics.snapshot(),
        }

    def show_gap(self, gap: SuffixWithoutCanary, now: float) -> dict[str, Any]:
        """Show a suffix without a working canary: what is wrong at each server, and the remedy."""
        servers = [
            {"method": key.method, "server": key.server, "reason": self._explain_unverified(key, now)}
            for key in gap.keys[:MOST_SERVERS]
        ]
        return {
            "suffix": gap.suffix,
            "since": gap.since,
            "names": gap.names,
            "servers": servers,
            "remedy": f"CANARIES_FILE has to list names that are surely registered under .{gap.suffix}",
        }

    def show_starved(self, row: StarvedSuffix) -> dict[str, Any]:
        """Show a suffix whose registry allows fewer queries than its names need, and the remedy."""
        remedy = f"{row.operator} has to allow {row.needed * DAY:.0f} routine queries a day, or the list to be shorter"
        return {**to_builtins(row), "remedy": remedy}

    def _show_shard(self) -> dict[str, int]:
        """Show which part of a divided list this is the status of; nothing of a whole one."""
        shards = self._policy.layout.shards
        return {"shard": self._policy.shard, "shards": shards} if shards > 1 else {}

    def _show_queues(self, now: float) -> dict[str, Any]:
        """Count the names and queries in each queue."""
        rooms, domains = self._rooms, self._rooms.domains
        admission, schedule = rooms.starts.admission, domains.table.schedule
        return {
            "due": schedule.count_overdue(now),
            "in_line": len(rooms.sweep_queues),
            "wanted": len(admission) + admission.planned_count(),
            "in_hand": len(domains.working_set),
            "unwritten": domains.journal.backlog_size(),
            "waiting": len(rooms.rate_limits.queue),
            "leased": rooms.workers.lease_count(),
            "quarantined": rooms.poison.isolated_count(now),
            "late_ms": round(schedule.lateness(now) * 1000, 1),
        }

    def _show_channels(self, now: float) -> list[dict[str, Any]]:
        """Show the silent channels, the longest silent first: since when (epoch seconds), how many answers, whether dead."""
        channels = self._rooms.channels
        return [
            {
                "method": key.method,
                "server": key.server,
                "suffix": key.suffix,
                "silent_since": row.silent_since,
                "dead": channels.is_known_dead(key, now),
                "answers": row.silent,
                "reason": row.reason,
            }
            for key, row in channels.silent_in_use()
        ]

    def _show_sources(self, now: float) -> list[dict[str, Any]]:
        """Show the configured sources: whether each serves us, is believed, and what is left of its budget."""
        rooms, registries = self._rooms, self._rooms.registries
        state = SourceState(
            now,
            budgets=rooms.rate_limits.budgets.snapshot(now),
            trust=rooms.trust.all_rows(),
            proved=rooms.channels.healths.proved_times(),
            started=rooms.domains.started,
            resets=rooms.rate_limits.budgets.reset_times,
        )
        sources = registries.sources.all_sources()
        setup = Setup(directory=registries.directory, sources=sources, overrides=registries.overrides)
        return [to_builtins(row) for row in list_sources(setup, state)]

    def _explain_unverified(self, key: ChannelKey, now: float) -> str:
        row = self._rooms.trust.row_of(key)
        if now < row.quarantined_until:
            return f"in quarantine: {row.reason}"
        if not row.registered_ok:
            return "has not found a name known to be registered yet"
        if not row.free_ok:
            return "has not denied a random name yet"
        return f"found a name known to be registered {now - row.registered_ok:.0f} s ago and not since"

    def _show_trust(self, now: float) -> list[dict[str, Any]]:
        trust = self._rooms.trust
        rows = sorted(trust.all_rows(), key=lambda row: (row.quarantined_until <= now, -max(row.registered_ok, row.free_ok)))
        return [
            {
                "method": row.method,
                "server": row.server,
                "suffix": row.suffix,
                "green": trust.is_verified(ChannelKey(row.method, row.server, row.suffix), now),
                "registered_ok": row.registered_ok or None,
                "free_ok": row.free_ok or None,
                "quarantined_until": row.quarantined_until if row.quarantined_until > now else None,
                "reason": row.reason,
            }
            for row in rows[:SHOWN]
        ]


def _limited_first(row: dict[str, object]) -> tuple[bool, str]:
    return (row["blocked_until"] is None, str(row["operator"]))
