"""Whether every process is there and alive, judged from heartbeats and the coordinator's last status."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from common.config import Settings
from common.heartbeat import Heartbeat

#: Seconds after our own start in which others may still be starting.
GRACE = 30.0
#: Seconds a process may be missing before the instance counts as unhealthy.
MISSING_LIMIT = 30.0
#: Seconds without a status from the coordinator after which it counts as silent; it speaks every 2 s.
STATUS_LIMIT = 30.0


@dataclass(frozen=True, slots=True)
class Report:
    """`status` is ok, starting or unhealthy; only ok answers 200."""

    status: str
    problems: list[str]
    groups: list[dict[str, Any]]
    processes: list[dict[str, Any]]
    coordinator_age: float | None

    @property
    def ok(self) -> bool:
        """Whether all is well."""
        return self.status == "ok"

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "status": self.status,
            "problems": self.problems,
            "groups": self.groups,
            "processes": self.processes,
            "coordinator_status_age": self.coordinator_age,
        }


def expected_groups(settings: Settings) -> dict[str, int]:
    """How many processes of each kind this instance should have."""
    return {
        "coordinator": 1,
        "control": 1,
        "feed": 1,
        "checker-fast": settings.fast_checkers,
        "checker-intermediate": settings.intermediate_checkers,
        "checker-deep": settings.deep_checkers,
        "notifier": settings.notifiers,
    }


class Health:
    """Remembers since when something is missing. Times in epoch seconds."""

    def __init__(self, expected: Mapping[str, int], started_at: float) -> None:
        self._expected = dict(expected)
        self._started_at = started_at
        self._short_since: dict[str, float] = {}

    def judge(self, now: float, beats: Mapping[str, Heartbeat], status_age: float | None) -> Report:
        """The present report; `status_age` is None while the coordinator was never heard."""
        problems: list[str] = []
        groups: list[dict[str, Any]] = []
        full: dict[str, bool] = {}
        for name, wanted in self._expected.items():
            members = [beat for process, beat in beats.items() if _belongs(process, name)]
            alive = sum(not beat.silent(now) for beat in members)
            full[name] = alive >= wanted
            trouble = self._trouble(name, wanted, members, now)
            if trouble:
                problems.append(trouble)
            groups.append({"group": name, "expected": wanted, "alive": alive, "status": "ok" if full[name] else "short"})
        if status_age is None and now - self._started_at > GRACE:
            problems.append("The coordinator has not been heard on the feed yet.")
        elif status_age is not None and status_age > STATUS_LIMIT:
            problems.append(f"The coordinator's last status is {status_age:.0f} s old.")
        complete = all(full.values()) and status_age is not None and not problems
        if complete or (not problems and now - self._started_at > GRACE):
            status = "ok"
        else:
            status = "starting" if now - self._started_at <= GRACE else "unhealthy"
        processes = [self._row(beat, now, full) for _, beat in sorted(beats.items())]
        return Report(status, problems, groups, processes, None if status_age is None else round(status_age, 3))

    def _trouble(self, name: str, wanted: int, members: list[Heartbeat], now: float) -> str:
        """Why this group makes the instance unhealthy; "" where it does not, or not yet."""
        alive = [beat for beat in members if not beat.silent(now)]
        if len(alive) >= wanted:
            self._short_since.pop(name, None)
            return ""
        since = self._short_since.setdefault(name, now)
        silent = [beat for beat in members if beat.silent(now)]
        if silent:
            return f"{', '.join(f'{beat.process} is silent for {now - beat.at:.0f} s' for beat in silent[:5])}."
        if now - since > MISSING_LIMIT:
            return f"{name}: {len(alive)} of {wanted} processes are there, for {now - since:.0f} s."
        return ""

    def _row(self, beat: Heartbeat, now: float, full: Mapping[str, bool]) -> dict[str, Any]:
        group = next((name for name in self._expected if _belongs(beat.process, name)), "")
        # What an earlier, larger configuration left behind harms nobody while the group is complete.
        state = "ok" if not beat.silent(now) else ("left over" if full.get(group, True) else "silent")
        return {
            "process": beat.process,
            "actor": beat.actor,
            "status": state,
            "age": round(max(0.0, now - beat.at), 3),
            "silent_after": beat.silent_after,
            "restarts": beat.restarts,
            "pid": beat.pid,
            "boot": beat.boot,
            "started_at": beat.started_at,
            "instance": beat.instance,
        }


def _belongs(process: str, group: str) -> bool:
    return process == group or process.startswith(f"{group}-")
