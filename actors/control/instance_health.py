"""The health of the instance: problems of the coordinator, of the processes by their heartbeats, and of this host.

Times in epoch seconds.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec import structs

from actors.control.coordinator_health import GRACE, RESTART, Heard, coordinator_problems, oldest_age
from actors.control.instance_watch import Sight
from actors.control.local_problems import away_problem
from common.config import Settings
from common.core.telemetry.problems import Change, Problem, ProblemLog
from common.heartbeat import Heartbeat
from common.shard_settings import count_processes, shard_of_coordinator

#: Seconds a process may be missing before that is a problem.
MISSING_LIMIT = 30.0
#: Seconds for which a failed process may wait for its next start before that is a problem: the first pauses are shorter.
FAILING_LIMIT = 5.0
#: Seconds that a run has to last before its process counts as mended: one that fails at once is no end of the trouble.
MENDED_AFTER = 3.0
#: Starts of one process within so many seconds that are too many.
RESTARTS, RESTARTS_WITHIN = 3, 600.0
ALONE = Sight()
#: The group of the coordinators, of which each is for a shard.
COORDINATORS = "coordinator"
#: Name of the watchdog's heartbeat: it is only there where there is a supervisor.
WATCHDOG = "watchdog"
#: What a failed run says of the store, by the kind of its error (`Heartbeat.failed`).
STORE_CODES = {
    "StoreDamaged": "store_damaged",
    "StoreLost": "store_lost",
    "StoreFull": "disk_full",
    "StoreLocked": "store_locked",
    "StoreAway": "store_away",
    "InstanceTaken": "instance_taken",
}
#: Those of them that no restart ends.
_LASTING = {"StoreFull", "StoreLocked", "InstanceTaken"}


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthReport:
    """`status` is ok, degraded (200), starting or unhealthy (503). `changes`: problems that began or ended by this look."""

    status: str
    problems: list[Problem]
    groups: list[dict[str, Any]]
    processes: list[dict[str, Any]]
    coordinator_age: float | None
    instances: list[dict[str, Any]] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether no restart is needed."""
        return self.status in {"ok", "degraded"}

    def unwatched_reasons(self) -> list[str]:
        """Why names go unwatched, one sentence each."""
        return [problem.what for problem in self.problems if problem.unwatched]

    def to_json(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "status": self.status,
            "problems": [problem.to_map() for problem in self.problems],
            "groups": self.groups,
            "processes": self.processes,
            "coordinator_status_age": self.coordinator_age,
        }


def expected_groups(settings: Settings) -> dict[str, int]:
    """How many processes of each kind this instance should have."""
    return {COORDINATORS: settings.shards, "control": 1, "feed": 1, **count_processes(settings)}


class HealthAssessor:
    """Assesses health, and remembers since when something is wrong with a process."""

    def __init__(self, expected: Mapping[str, int], started_at: float) -> None:
        self._expected = dict(expected)
        self._started_at = started_at
        self._log = ProblemLog()
        self._starts: dict[str, tuple[str, deque[float]]] = {}  # by process: its boot, and when it began anew

    def assess(
        self,
        now: float,
        beats: Mapping[str, Heartbeat],
        heard: Sequence[Heard],
        told: Collection[Problem] = (),
        seen: Iterable[Problem] = (),
        sight: Sight = ALONE,
    ) -> HealthReport:
        """The present report; `heard` is what was heard of the coordinator of each shard.

        `told` are the coordinators' own problems, `seen` those that the control process sees for itself, and `sight` is what it
        sees of the instances.
        """
        expected = {**self._expected, **({WATCHDOG: 1} if WATCHDOG in beats else {})}
        present = self._failing_processes(beats, now, sight)
        groups: list[dict[str, Any]] = []
        full: dict[str, bool] = {}
        for name, wanted in expected.items():
            members = [beat for process, beat in beats.items() if _belongs(process, name)]
            alive = sum(not beat.silent(now) for beat in members)
            full[name] = alive >= wanted
            if not full[name]:
                present += _group_problems(name, wanted, members, now, sight)
            groups.append({"group": name, "expected": wanted, "alive": alive, "status": "ok" if full[name] else "short"})
        seen = [*seen]
        if not any(problem.code == STORE_CODES["StoreAway"] for problem in (*present, *seen)):
            # while its server is away no coordinator leads, or is heard
            present += coordinator_problems(sight, beats, heard, now)
        codes = {problem.code for problem in (*told, *present)}
        seen = [problem for problem in seen if problem.code not in codes or self._log.has_begun(problem)]
        changes = self._log.note_conditions([*present, *seen], now)  # the later look at a condition counts
        problems = _merge_problems(self._log.active_problems(), told)
        age = oldest_age(heard)
        complete = all(full.values()) and age is not None
        processes = [self._render_process(beat, now, full) for _, beat in sorted(beats.items())]
        return HealthReport(
            status=self._status(problems, now, complete=complete),
            problems=problems,
            groups=groups,
            processes=processes,
            coordinator_age=None if age is None else round(age, 3),
            instances=sight.show_instances(),
            changes=changes,
        )

    def _status(self, problems: list[Problem], now: float, *, complete: bool) -> str:
        if not complete and now - self._started_at <= GRACE:
            return "starting"
        if any(problem.restart_helps for problem in problems):
            return "unhealthy"
        return "degraded" if problems else "ok"

    def _failing_processes(self, beats: Mapping[str, Heartbeat], now: float, sight: Sight) -> list[Problem]:
        """Processes that wait for their next start after a failure, and those that were started too often."""
        found = []
        for process, beat in beats.items():
            waits = beat.waiting_until is not None
            boot, starts = self._starts.get(process, (beat.boot, deque[float]()))
            if boot != beat.boot and not waits:  # a pause has a boot of its own, and is no start
                starts.append(now)
            while starts and now - starts[0] > RESTARTS_WITHIN:
                starts.popleft()
            self._starts[process] = (boot if waits else beat.boot, starts)
            young = bool(beat.failed) and now - beat.started_at < MENDED_AFTER
            if (waits or young) and not beat.silent(now):
                found.append(_failure_problem(beat, sight))
            if beat.trouble and not beat.silent(now):
                found.append(_trouble_problem(beat))
            if len(starts) >= RESTARTS:
                what = f"The process {process} was started {len(starts)} times in {RESTARTS_WITHIN / 60:.0f} minutes."
                remedy = "See its log and STATE_DIR/crashes for what ended it."
                found.append(Problem("process_restarting", what, remedy, process, since=starts[0]))
        for process in self._starts.keys() - beats.keys():
            del self._starts[process]
        return found

    def _render_process(self, beat: Heartbeat, now: float, full: Mapping[str, bool]) -> dict[str, Any]:
        group = next((name for name in full if _belongs(beat.process, name)), "")
        # What an earlier, larger configuration left behind does no harm while the group is complete.
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


def _group_problems(name: str, wanted: int, members: list[Heartbeat], now: float, sight: Sight) -> Iterator[Problem]:
    """Problems of a group that lacks processes. What this instance does not lead, another one watches meanwhile."""
    alive = {beat.process for beat in members if not beat.silent(now)}
    unwatched = name == "checker-fast" and not alive and not sight.leads_nothing
    if name == COORDINATORS:
        there = {shard_of_coordinator(process) for process in alive}
        unwatched = any(shard not in there and not sight.follows(shard) for shard in range(wanted))
    silent = [beat for beat in members if beat.silent(now)]
    for beat in silent:
        yield Problem(
            "process_silent", f"The process {beat.process} is silent for {now - beat.at:.0f} s.", RESTART, beat.process,
            restart_helps=True, unwatched=unwatched, since=beat.at,
        )  # fmt: skip
    if not silent:
        yield Problem(
            "process_missing", f"{name}: {len(alive)} of {wanted} processes are there.", RESTART, name,
            restart_helps=True, unwatched=unwatched, after=MISSING_LIMIT,
        )  # fmt: skip


def _failure_problem(beat: Heartbeat, sight: Sight) -> Problem:
    """The problem of a process that waits for its next start, or has just begun it, after a run that failed."""
    kind, _, text = beat.failed.partition(": ")
    what = f"The process {beat.process} fails and is started again: {text or kind or 'it ended without a word'}"
    remedy = "See its log and STATE_DIR/crashes."
    if kind == "StoreAway":  # it does not fail: it waits
        return away_problem(text)
    if kind in STORE_CODES:
        return Problem(STORE_CODES[kind], f"{what}.", remedy, restart_helps=kind not in _LASTING, unwatched=True)
    shard = shard_of_coordinator(beat.process)
    return Problem(
        "process_failing", f"{what}.", remedy, beat.process,
        restart_helps=True, unwatched=shard is not None and not sight.follows(shard), after=FAILING_LIMIT,
    )  # fmt: skip


def _trouble_problem(beat: Heartbeat) -> Problem:
    """The problem of processes that run and do not reach the coordinator; the same for all of them."""
    place, _, remedy = beat.trouble.partition("; ")
    what = f"Processes of this instance do not reach the coordinator: {place}."
    return Problem("coordinator_unreachable", what, f"{remedy[:1].upper()}{remedy[1:]}.", since=beat.trouble_since)


def _merge_problems(own: Iterable[Problem], told: Iterable[Problem]) -> list[Problem]:
    """Each problem once, the oldest first: the coordinator's words where it has some, and the earlier of the two times."""
    found = {(problem.code, problem.about): problem for problem in own}
    for problem in told:
        since = min(problem.since, found.get((problem.code, problem.about), problem).since)
        found[problem.code, problem.about] = structs.replace(problem, since=since)
    return sorted(found.values(), key=lambda problem: (problem.since, problem.code, problem.about))


def _belongs(process: str, group: str) -> bool:
    return process == group or process.startswith(f"{group}-")
