"""Finds the problems of the running system: what keeps names from being checked, and events from being delivered.

Measured by work done (answers, writes, deliveries, checks in time), never by heartbeats. No bound is reached by a start, an
empty list, or an interval of days.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from common.core.coordinator.wiring import Policy, Rooms
from common.core.domains.domain_table import Flag
from common.core.registries.directory import host_of
from common.core.telemetry.problems import Problem
from common.core.telemetry.reach import PLACES, REGISTRY, SILENT, SILENT_SPAN

#: Seconds for which a pool may have no worker: a process that is restarted is back in 10.
POOL_GONE = 30.0
#: Leases of a pool that ran out in a row while it had workers, and over how many seconds: one slow answer is no hang.
WEDGED, WEDGED_SPAN = 3, 20.0
#: Seconds for which the workers of a pool may offer no slot although they hold no lease.
NO_PLACE = 30.0
#: Seconds for which names may be due without any query leaving: one leaves every few seconds unless operators limit us.
NOTHING_ASKED = 120.0
#: Refusals of the callback endpoint in a row, and over how many seconds: a receiver that restarts is back by then.
REFUSED, REFUSED_SPAN = 3, 20.0
#: Seconds that a transaction may take: thousands of rows take one, a clean-up that it waits for takes a few.
SLOW_COMMIT = 30.0
#: A name is overdue after so many of its intervals and so many seconds since its last check. In windows an interval can grow
#: to a quarter of an hour, and after a start every name is due at once.
OVERDUE_TIMES, OVERDUE_SHORTEST, OVERDUE_MORE = 3.0, 900.0, 600.0
#: Share of overdue names from which on they are a problem, and from which on the list as a whole goes unwatched.
OVERDUE_SHARE, UNWATCHED_SHARE = 0.01, 0.1
#: Seconds between two counts of them.
OVERDUE_LOOK = 10.0
#: Most operators named in one problem.
MOST_NAMED = 10
CHECKERS = ("fast", "intermediate", "deep")
_SETTING = {
    "fast": "FAST_CHECKERS", "intermediate": "INTERMEDIATE_CHECKERS", "deep": "DEEP_CHECKERS", "notifier": "NOTIFIERS",
}  # fmt: skip
_SHUT_OUT = "check this host's route, firewall and DNS, and whether the operators shut this address out (budgets in /status)"
_METHOD_REMEDY = {
    "dns": "check that UDP and TCP port 53 leave this host, or set DNS_MODE=resolver",
    "rdap": "check that HTTPS leaves this host",
    "whois": "check that TCP port 43 leaves this host; a rate of 0 in BUDGETS_FILE leaves a server without WHOIS alone",
}


class SelfCheck:
    """Finds the problems of one coordinator."""

    def __init__(self, rooms: Rooms, policy: Policy) -> None:
        self._rooms = rooms
        self._policy = policy
        self._looked_at = 0.0
        self._overdue = 0
        self._seen: set[str] = set()  # pools that had a worker in this run
        self._waits_since: float | None = None  # since when names have been due without a break, in epoch seconds

    def note_problems(self, now: float) -> None:
        """Note the problems of this moment; log which began and which ended."""
        telemetry = self._rooms.telemetry
        for change in telemetry.problems.note_conditions(self.find_problems(now), now):
            telemetry.write_log("error" if change.began else "info", change.log_event, **change.log_fields())
            if change.began:
                telemetry.metrics.count("problems_begun", code=change.problem.code)

    def find_problems(self, now: float) -> Iterator[Problem]:
        """Every condition that holds now."""
        yield from self._store_problems(now)
        yield from self._list_problems()
        yield from self._pool_problems()
        yield from self._reach_problems()
        yield from self._work_problems(now)
        yield from self._callback_problems()
        yield from self._source_problems()
        yield from self._name_problems(now)

    def _pool_problems(self) -> Iterator[Problem]:
        """Find pools without workers, and workers that do no work."""
        there = {pool for pool in _SETTING if self._rooms.workers.egresses_of(pool)}
        self._seen |= there
        wanted = (self._seen | set(self._policy.pools)) - there
        if not there.intersection(CHECKERS):
            wanted -= set(CHECKERS)
            yield Problem(
                "no_workers", "No checker is connected to the coordinator, so nothing is asked.",
                "Start checkers (FAST_CHECKERS and the others); on other hosts check BUS_ENDPOINT and the keys.",
                "checkers", unwatched=True, after=POOL_GONE,
            )  # fmt: skip
        for pool in sorted(wanted):
            yield Problem(
                "no_workers", f"No worker of the pool {pool} is connected to the coordinator.",
                f"Start one ({_SETTING[pool]}); on other hosts check BUS_ENDPOINT and the keys.",
                pool, unwatched=pool == "fast", after=POOL_GONE,
            )  # fmt: skip
        for pool in sorted(there):
            lost = self._rooms.telemetry.reach.pools[pool]
            if lost.has_lasted(WEDGED, WEDGED_SPAN) or self._rooms.workers.is_stuck(pool):
                yield Problem(
                    "workers_wedged", f"The workers of the pool {pool} are connected and do no work.",
                    "Restart them, or the service; their log says what they did last.",
                    pool, restart_helps=True, unwatched=pool == "fast", since=lost.since, after=0.0 if lost.count else NO_PLACE,
                )  # fmt: skip

    def _work_problems(self, now: float) -> Iterator[Problem]:
        """Find names that are due while no query leaves, though workers are connected."""
        there = any(map(self._rooms.workers.egresses_of, CHECKERS))
        rooms = self._rooms
        waits = rooms.domains.table.schedule.lateness(now) > 0 or len(rooms.starts.admission) or len(rooms.sweep_queues)
        if not (waits and there) or rooms.domains.journal.unwritable:
            self._waits_since = None
            return
        self._waits_since = now if self._waits_since is None else self._waits_since
        since = max(self._waits_since, self._rooms.telemetry.reach.asked_at)
        if now - since > NOTHING_ASKED:
            yield Problem(
                "nothing_asked", "Names are due and no question has left for minutes.",
                "See in /status which operators keep this address out; where none does, restart the service.",
                unwatched=True, since=since,
            )  # fmt: skip

    def _name_problems(self, now: float) -> Iterator[Problem]:
        """Find names that were not checked for far longer than their interval."""
        if now - self._looked_at >= OVERDUE_LOOK or now < self._looked_at:
            self._looked_at, self._overdue = now, self.count_overdue(now)
        watched = self._rooms.domains.table.watched_count
        if self._overdue and self._overdue >= watched * OVERDUE_SHARE:
            yield Problem(
                "names_overdue",
                f"{self._overdue} of {watched} names have not been checked for more than three times their interval.",
                "See the budgets and workers in /status: raise CHECK_INTERVAL, or add checkers with an EGRESS_ID of their own.",
                unwatched=self._overdue >= watched * UNWATCHED_SHARE,
            )

    def count_overdue(self, now: float) -> int:
        """How many watched names have not been checked for far longer than their interval, in this run."""
        table, cadence = self._rooms.domains.table, self._policy.cadence
        ids = np.arange(len(table))
        checked, watched, priority = (
            table.checked_at[ids],
            table.have_flag(ids, Flag.WATCHED),
            table.have_flag(ids, Flag.PRIORITY),
        )
        found = 0
        for kind, interval in ((watched & ~priority, cadence.interval), (watched & priority, cadence.priority_interval)):
            latest = now - OVERDUE_TIMES * max(interval, OVERDUE_SHORTEST) - OVERDUE_MORE
            if self._rooms.domains.started >= latest:
                continue
            late = checked < latest
            if (self._rooms.intake.state.loaded_at or 0.0) >= latest:  # names never checked may have come with the list
                late &= checked > 0
            found += int(np.count_nonzero(late & kind))
        return found

    def _store_problems(self, now: float) -> Iterator[Problem]:
        """Find a store that cannot be written, or is slow."""
        journal = self._rooms.domains.journal
        if journal.is_away:
            yield Problem(
                "store_away", f"The database server is away: {journal.unwritable}. Checks wait until it is back.",
                "Start the PostgreSQL server of STORE_URL, mend the way to it, or end what locks it; work goes on by itself.",
                unwatched=True,
            )  # fmt: skip
        elif journal.spool is not None:
            reason, waiting, since = journal.spool
            yield Problem(
                "store_away",
                f"The database server is away: {reason}. Names are checked and notices are sent all the same; {waiting} "
                "transactions wait in a file of this host.",
                "Start the PostgreSQL server of STORE_URL, or mend the way to it; what waits is written by itself.",
                since=since,
            )
        elif journal.unwritable:
            yield Problem(
                "disk_full", f"Nothing can be written to the database: {journal.unwritable}. Checks wait until it can.",
                "Make room on the disk of STATE_DIR; writing goes on by itself.", unwatched=True,
            )  # fmt: skip
        elif journal.writing_since is not None and now - journal.writing_since > SLOW_COMMIT:
            yield Problem(
                "store_slow", f"A write to the database has not ended for {now - journal.writing_since:.0f} s.",
                "Look at the disk of STATE_DIR: it may be failing, or busy.",
                restart_helps=True, unwatched=True, since=journal.writing_since,
            )  # fmt: skip

    def _list_problems(self) -> Iterator[Problem]:
        """Find a domain list that cannot be read, is held back, or is empty."""
        state, watched = self._rooms.intake.state, self._rooms.domains.table.watched_count
        nothing = not state.loaded_at and not watched
        kept = "" if nothing else "; the names before it stay watched"
        if error := state.error:
            text = error.removeprefix(f"{state.source}: ")
            yield Problem(
                "list_failing", f"The domain list cannot be read: {text}{kept}.",
                "Check DOMAIN_API_URL and its token, or the file DOMAIN_LIST_FILE; it is read again by itself.",
                unwatched=nothing,
            )  # fmt: skip
        if held := state.held:
            yield Problem(
                "list_held", f"The domain list looks like an accident: {held}{kept}.",
                "Mend the list; or, where it is meant, leave it as it is: the same list again is taken (POST /refresh).",
                unwatched=nothing,
            )  # fmt: skip
        elif state.loaded_at and not watched and not error:
            yield Problem(
                "no_names", "The domain list was read and has no names to watch.",
                "Put names into DOMAIN_LIST_FILE, or have DOMAIN_API_URL list them; it is read again by itself.",
            )  # fmt: skip

    def _reach_problems(self) -> Iterator[Problem]:
        """Find what does not answer: everything, or one method while another one answers."""
        reach = self._rooms.telemetry.reach
        if not reach.is_outage(1, 1) and not any(run.has_lasted(SILENT, SILENT_SPAN) for run in reach.methods.values()):
            return
        servers = {method: self._count_servers(method) for method in REGISTRY}
        if reach.is_outage(sum(map(bool, servers.values())), len(self._rooms.domains.table.suffixes)):
            last = _last_finding(reach.all.reason)
            yield Problem(
                "no_answers",
                f"No registry and no name server has answered {reach.all.count} questions in a row ({last}).",
                f"Nothing can be said about any name: {_SHUT_OUT}.", unwatched=True, since=reach.all.since,
            )  # fmt: skip
            return
        for method in REGISTRY:
            run = reach.methods[method]
            if run.has_lasted(SILENT, SILENT_SPAN, servers[method]):
                yield Problem(
                    f"{method}_silent",
                    f"No {method.upper()} server has answered {run.count} questions in a row ({_last_finding(run.reason)}).",
                    f"Drops are told later without it: {_METHOD_REMEDY[method]}.", since=run.since,
                )  # fmt: skip

    def _source_problems(self) -> Iterator[Problem]:
        """Find registrars and EPP accounts that do not let us in."""
        registries = self._rooms.registries
        sources = registries.sources.all_sources()
        if not sources:
            return
        refusing = self._rooms.rate_limits.budgets.refusing_operators()
        found = sorted({registries.operator_of_source(source) for source in sources} & refusing)
        if found:
            more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
            # A session of EPP keeps a pause of its own, which no reset ends.
            reset = next((operator for operator in found if not operator.startswith("epp/")), "")
            mended = f"; where only the other side was mended, reset the budget: POST /budgets/{reset}/reset" if reset else ""
            yield Problem(
                "source_refused", f"Our key, account or address is refused by {', '.join(found[:MOST_NAMED])}{more}.",
                f"Correct the key or the account and restart the service{mended}.",
            )  # fmt: skip

    def _count_servers(self, method: str) -> int:
        """Count the servers of a method for the suffixes of the watched names, as far as it matters."""
        found: set[str] = set()
        for suffix in self._rooms.domains.table.suffixes:
            server = self._rooms.registries.server_of(method, suffix)
            if server is not None:
                found.add(host_of(server) or suffix)
            if len(found) >= PLACES:
                break
        return len(found)

    def _callback_problems(self) -> Iterator[Problem]:
        """Find an endpoint that refuses callbacks, and callbacks that were given up."""
        posts, parked = self._rooms.telemetry.reach.posts, self._rooms.deliveries.parked
        if self._policy.callbacks and posts.has_lasted(REFUSED, REFUSED_SPAN):
            yield Problem(
                "callbacks_failing", f"The callback endpoint has accepted none of {posts.count} attempts: {posts.reason}.",
                "Check API_CALLBACK_URL, API_AUTH_TOKEN and the receiver's log; "
                "callbacks are kept and sent again by themselves.",
                since=posts.since,
            )  # fmt: skip
        if parked:
            yield Problem(
                "callbacks_parked", f"{parked} callbacks were given up after days without success.",
                "See /deliveries?state=parked, "
                "and send them again with POST /deliveries/ID/replay once the receiver is mended.",
            )  # fmt: skip


def _last_finding(finding: str) -> str:
    return f"last: {finding.replace('_', ' ')}"
