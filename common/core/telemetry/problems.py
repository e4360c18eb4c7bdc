"""Problems: conditions that keep the service from doing its work, since when, and the remedy; when each began and ended.

A problem is a condition that holds now. Each check passes all conditions that hold to `ProblemLog.note_conditions`; the log
keeps since when, and reports a condition only once it has lasted for its minimum time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from msgspec import Struct, structs

#: Seconds that a condition may be absent and still be the same problem when it is back: an intermittent one is one problem.
HOLD = 10.0
#: Most problems kept at once: codes are a fixed set, and processes are few.
MOST = 100

#: Every code and its meaning. Metrics have a series for each, so that an alert can be written before the first problem.
CODES = {
    "callbacks_failing": "the callback endpoint accepts nothing",
    "callbacks_parked": "callbacks were given up after days without success",
    "clock_differs": "the clock of this host and that of the database differ",
    "coordinator_silent": "the coordinator is not heard on the feed",
    "coordinator_unreachable": "processes of an instance do not reach the coordinator that leads",
    "disk_full": "the disk of the state is full",
    "disk_low": "the disk of the state is nearly full",
    "dns_silent": "no DNS answer says anything",
    "instance_silent": "another instance is silent, or ended without being stopped",
    "instance_taken": "another instance has the INSTANCE_ID of this one, which does not work",
    "list_failing": "the domain list cannot be read",
    "list_held": "the domain list is held back",
    "names_overdue": "names are not checked for far longer than their interval",
    "no_answers": "nothing outside answers: no registry, no name server",
    "no_leader": "no instance leads: none writes, and nothing is checked",
    "no_names": "there are no names to watch",
    "no_workers": "no worker of a pool is connected",
    "nothing_asked": "names are due and nothing is asked",
    "process_failing": "a process fails and is started again and again",
    "process_missing": "a process is not there",
    "process_restarting": "a process was started several times within minutes",
    "process_silent": "a process is there and does not work",
    "rdap_silent": "no RDAP answer says anything",
    "source_refused": "a registrar or an EPP server refuses our key, account or address",
    "spool_left": "what was decided while the database was away could not be written to it",
    "store_away": "the server of the database cannot be reached",
    "store_damaged": "the database is damaged",
    "store_lost": "the database is gone, or was replaced",
    "store_locked": "a process that led before, and is stopped or hangs, holds a lock of the database",
    "store_slow": "a write to the database does not end",
    "store_unreadable": "the database cannot be used",
    "supervisor_gone": "the supervisor has ended",
    "whois_silent": "no WHOIS answer says anything",
    "workers_wedged": "the workers of a pool take work and answer none of it",
}


class Problem(Struct, frozen=True):
    """One condition. `what` and `remedy` are one sentence each, without names that are watched and without secrets.

    `about` tells several with one code apart (a process, a pool). `restart_helps`: a restart of the service can end it;
    `unwatched`: names go unwatched while it lasts. `since` in epoch seconds, 0 for when it was first noted; `after`: seconds
    that it has to last before it is reported.
    """

    code: str
    what: str
    remedy: str
    about: str = ""
    restart_helps: bool = False
    unwatched: bool = False
    since: float = 0.0
    after: float = 0.0

    def to_map(self) -> dict[str, Any]:
        """The problem as a plain map, for JSON and for the feed."""
        return {
            "code": self.code,
            "about": self.about,
            "what": self.what,
            "since": self.since,
            "remedy": self.remedy,
            "restart_helps": self.restart_helps,
            "unwatched": self.unwatched,
        }


class Change(NamedTuple):
    """A problem that began (`seconds` is 0), or ended after so many seconds."""

    began: bool
    problem: Problem
    seconds: float

    @property
    def log_event(self) -> str:
        """The event of its log line."""
        return "problem_began" if self.began else "problem_ended"

    def log_fields(self) -> dict[str, Any]:
        """The fields of its log line."""
        problem = self.problem
        fields: dict[str, Any] = {"code": problem.code, "about": problem.about, "what": problem.what}
        return fields | ({"remedy": problem.remedy} if self.began else {"seconds": round(self.seconds, 1)})


class _Row(Struct):
    problem: Problem
    first: float
    last: float
    present: bool = True
    begun: bool = False


class ProblemLog:
    """The problems that one checker of conditions notes. Times in epoch seconds."""

    def __init__(self, hold: float = HOLD) -> None:
        self._hold = hold
        self._rows: dict[tuple[str, str], _Row] = {}

    def note_conditions(self, present: Iterable[Problem], now: float) -> list[Change]:
        """Note all conditions that hold at `now`. Returns the problems that began and those that ended by that."""
        for row in self._rows.values():
            row.present = False
        for problem in present:
            self._note_condition(problem, now)
        changes = []
        for key, row in list(self._rows.items()):
            if row.present and not row.begun and now - row.first >= row.problem.after:
                row.begun = True
                changes.append(Change(began=True, problem=row.problem, seconds=0.0))
            elif not row.present and (now - row.last > self._hold or now < row.last):
                del self._rows[key]
                if row.begun:
                    changes.append(Change(began=False, problem=row.problem, seconds=max(0.0, row.last - row.problem.since)))
        return changes

    def has_begun(self, problem: Problem) -> bool:
        """Whether the problem was already reported as begun."""
        row = self._rows.get((problem.code, problem.about))
        return row is not None and row.begun

    def active_problems(self) -> list[Problem]:
        """The problems that hold now, the oldest first."""
        found = [row.problem for row in self._rows.values() if row.present and row.begun]
        return sorted(found, key=lambda problem: (problem.since, problem.code, problem.about))

    def _note_condition(self, problem: Problem, now: float) -> None:
        key = (problem.code, problem.about)
        row = self._rows.get(key)
        if row is None:
            if len(self._rows) >= MOST:
                return
            row = self._rows[key] = _Row(problem, now, now)
        since = min(row.first, problem.since or row.first)
        row.problem, row.last, row.present = structs.replace(problem, since=since), now, True


def parse_problems(value: object) -> list[Problem]:
    """Parse a list of `Problem.to_map` that came over the feed; malformed rows are left out."""
    rows = value if isinstance(value, list | tuple) else ()
    return [problem for row in rows[:MOST] if isinstance(row, Mapping) and (problem := _parse_problem(row)) is not None]


def _parse_problem(row: Mapping[Any, Any]) -> Problem | None:
    texts = [row.get(name) for name in ("code", "what", "remedy", "about")]
    since = row.get("since")
    if not all(isinstance(text, str) for text in texts) or isinstance(since, bool) or not isinstance(since, int | float):
        return None
    code, what, remedy, about = (str(text)[:500] for text in texts)
    return Problem(
        code=code,
        what=what,
        remedy=remedy,
        about=about,
        restart_helps=row.get("restart_helps") is True,
        unwatched=row.get("unwatched") is True,
        since=float(since),
    )
