"""`domain-monitor check NAME...`: the whole product on a few names, once, without the stack.

The same core decides, with the checkers called in this process instead of over the bus: canaries, two passes and gates
included. What is printed is the query to each server, its answer, what follows from it and what still stands in the way.
Registrars are asked where --methods names them, about every name, whatever the core finds necessary.

Exit codes: 0 every name is decided, 3 some are not (nothing is proven, or it is no name that can be monitored), 2 bad usage or
settings: a wrong name on the command line is an answer about that name, not a wrong command.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from collections.abc import Sequence
from typing import Any

from actors.checkers.contract import BatchChecker, Checker, Context, methods_of
from actors.checkers.discovery import POOLS, load_checkers
from actors.cli import check_text
from actors.cli.explain import CanaryAsked, Scene, explain_invalid, explain_name
from actors.cli.method_words import choose_methods, require_checkers
from actors.cli.name_arguments import collect_names
from actors.cli.printing import wants_colour
from actors.cli.registrar_offers import RegistrarOffers
from actors.cli.registrar_report import report_name, report_no_name, report_offers
from common.clock import monotonic, now
from common.config import Settings
from common.core.coordinator.coordinator import Coordinator
from common.core.coordinator.inputs import Committed, Input, ListChunkRead, ListEnd, ListRead, MessageArrived, Tick
from common.core.model.effects import Commit, Send
from common.core.model.evidence import Outcome
from common.core.model.methods import is_registrar, is_registry, pool_of
from common.core.model.query import Query
from common.core.model.states import State
from common.core.rate_limits.budgets import Budgets
from common.core.watchlist.domain_list import ParsedList
from common.core.watchlist.list_diff import summarise_small_list
from common.core_settings import build_policy
from common.errors import ListError
from common.messages import VERSION, Credit, Results, Task, Tasks
from common.operator_files import load_budgets
from common.registry_directory import load_directory
from common.sources import find_sources
from common.suffixes import load_suffixes
from common.worker_calls import Call, run_call, split_calls

DECIDED, BAD_USAGE, SOME_UNKNOWN = 0, 2, 3
#: Slots of the one worker that this process is, per pool; as many come on top as one call of each method carries names.
SLOTS = 32
#: Seconds that everything may take, for the first name and for each further one: a registry's budget spreads many names.
PATIENCE, PER_NAME = 60.0, 1.0
#: Visits after which a name without a verdict is reported as it stands.
VISITS = 4
#: Seconds within which the next visit to such a name is worth waiting for.
SOON = 20.0
#: Seconds between two looks at what is done.
LOOK = 0.02


def run(
    names: list[str],
    as_json: bool,  # noqa: FBT001  # a flag
    methods: tuple[str, ...],
    settings: Settings,
    sources: Sequence[str] = (),
) -> int:
    """Check names, and those of `sources` (files, "-" is standard input), and print the findings; returns the exit code.

    Raises ConfigError.
    """
    try:
        chosen = choose_methods(methods, settings)
        parsed = collect_names(names, sources, load_suffixes())
        return asyncio.run(_run(parsed, as_json=as_json, methods=chosen, named=bool(methods), settings=settings))
    except ListError as error:
        print(f"domain-monitor: {error}", file=sys.stderr)
        return BAD_USAGE


async def _run(parsed: ParsedList, *, as_json: bool, methods: tuple[str, ...], named: bool, settings: Settings) -> int:
    """`named`: whether the methods were asked for by their names, so that one that is not configured is a mistake."""
    context = Context(settings, now, monotonic)
    found = {checker.method: checker for pool in POOLS for checker in load_checkers(pool, context)}
    printer = Printer(as_json=as_json)
    try:
        require_checkers(methods if named else (), found)
        checkers = {method: checker for method, checker in found.items() if method in methods}
        if all(map(is_registrar, methods)):
            return await _ask_registrars(parsed, printer, checkers, settings)
        return await OneShot(settings, checkers, methods if named else ()).check(parsed, printer)
    finally:
        for checker in found.values():
            await checker.close()


async def _ask_registrars(parsed: ParsedList, printer: Printer, checkers: dict[str, Checker], settings: Settings) -> int:
    """Ask registrars alone: what they say is shown side by side, nothing else is looked at."""
    began = monotonic()
    suffix_of = load_suffixes()
    names = {name: suffix_of(name) or "" for name in parsed.names}
    offers = RegistrarOffers(find_sources(settings), checkers, Budgets(), load_budgets(settings))
    offers.expect(names)
    seconds = PATIENCE + PER_NAME * len(names)
    _warn_of_shortfall(offers, seconds)
    printer.begin(len(parsed.names) + len(parsed.problems))
    for problem in parsed.problems:
        printer.show(report_no_name(problem.entry, problem.code, problem.reason))
    undecided = len(parsed.problems)
    asking = asyncio.create_task(offers.ask_all(began + seconds))
    try:
        for name, suffix in names.items():
            await offers.wait_done(name)
            report = report_name(offers, name, suffix, now(), monotonic() - began)
            undecided += not report["decided"]
            printer.show(report)
        await asking
    finally:
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    return SOME_UNKNOWN if undecided else DECIDED


def _warn_of_shortfall(offers: RegistrarOffers, seconds: float) -> None:
    """Say beforehand, on standard error, which registrars are too slow for all names."""
    shortfall = offers.forecast_shortfall(seconds)
    if shortfall:
        print(f"domain-monitor: {shortfall}", file=sys.stderr, flush=True)


class Printer:
    """Reports to standard output as they come, progress to standard error where that is a terminal and there are several."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._colour = not as_json and wants_colour(sys.stdout)
        self._live = sys.stderr.isatty()
        self._total = self._done = 0

    def begin(self, total: int) -> None:
        """So many reports will come."""
        self._total = total
        self._progress()

    def show(self, report: dict[str, Any]) -> None:
        """Print one report."""
        if self._live and self._total > 1:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
        text = json.dumps(report) if self._as_json else "\n".join(check_text.render_report(report, colour=self._colour)) + "\n"
        print(text, flush=True)
        self._done += 1
        self._progress()

    def _progress(self) -> None:
        """`12/100`: one line that changes."""
        if self._live and self._done < self._total > 1:
            print(f"\r{self._done}/{self._total}", end="", file=sys.stderr, flush=True)


class OneShot:
    """The core with this process as its only worker. `named` are the methods that were asked for by their names."""

    def __init__(self, settings: Settings, checkers: dict[str, Checker], named: Sequence[str] = ()) -> None:
        self._suffix_of = load_suffixes()
        rng = random.Random()  # noqa: S311  # canary labels, nothing secret
        self._core = Coordinator(build_policy(settings), load_directory(settings), "check", rng, now())
        self._offers = self._make_offers(checkers)
        checkers = checkers | self._offers.shared_checkers()
        self._methods = methods_of(checkers.values())
        self._slots = {pool: SLOTS + _names_in_calls(pool, checkers) for pool in POOLS}
        self._scene = Scene(self._core.rooms, frozenset(checkers), settings.whois_iana_host, frozenset(named))
        self._began = monotonic()
        self._seen = 0
        self._running: dict[asyncio.Task[None], int] = {}  # and how many names each asks about
        self._broken: BaseException | None = None
        self._visits: dict[str, tuple[float, int]] = {}  # end of the last visit, number of visits

    async def check(self, parsed: ParsedList, printer: Printer) -> int:
        """Check every name and show each as it is done. Returns the exit code."""
        waiting = dict.fromkeys(parsed.names)
        seconds = PATIENCE + PER_NAME * len(waiting)
        self._offers.expect({name: self._suffix_of(name) or "" for name in waiting})
        _warn_of_shortfall(self._offers, seconds)
        printer.begin(len(parsed.names) + len(parsed.problems))
        for problem in parsed.problems:
            printer.show(explain_invalid(problem.entry, problem.code, problem.reason))
        undecided = len(parsed.problems)
        asking = asyncio.create_task(self._offers.ask_all(self._began + seconds))
        self._announce_workers()
        self._watch_names(parsed)
        try:
            while waiting:
                self._announce_workers()
                self._handle(Tick())
                late = monotonic() > self._began + seconds
                for name in [name for name in waiting if late or self._is_finished(name)]:
                    del waiting[name]
                    report = explain_name(self._scene, name, now(), monotonic() - self._began)
                    report |= report_offers(self._offers, name, now())
                    undecided += not report["decided"]
                    printer.show(report)
                await asyncio.sleep(LOOK if waiting else 0)
                if self._broken is not None:
                    raise self._broken
            await asking
        finally:
            for task in (*self._running, asking):
                task.cancel()
            await asyncio.gather(*self._running, asking, return_exceptions=True)
        return SOME_UNKNOWN if undecided else DECIDED

    def _make_offers(self, checkers: dict[str, Checker]) -> RegistrarOffers:
        """What asks the registrars among the checkers about every name, beside the core and within its budgets."""
        rooms = self._core.rooms
        registrars = {method: checker for method, checker in checkers.items() if is_registrar(method)}
        sources, limits = rooms.registries.sources.all_sources(), rooms.registries.overrides
        return RegistrarOffers(sources, registrars, rooms.rate_limits.budgets, limits)

    def _watch_names(self, parsed: ParsedList) -> None:
        """The names are a list that nothing was known of before."""
        head, parts = summarise_small_list(parsed, self._suffix_of, [])
        self._handle(ListRead(head, "command line"))
        for part in parts:
            self._handle(ListChunkRead(part))
        self._handle(ListEnd())

    def _is_finished(self, name: str) -> bool:
        """Decided, or visited often enough; a positive waits for its second pass and for its canaries."""
        if not self._offers.is_done(name):
            return False
        entry = self._core.rooms.domains.find_loaded(name)
        if entry is None or entry.checked_at is None or entry.check is not None:
            return False
        last, visits = self._visits.get(name, (0.0, 0))
        if entry.checked_at != last:
            visits += 1
            self._visits[name] = (entry.checked_at, visits)
        evidence = entry.detail.evidence.items()
        denied = any(
            is_registry(method) and item.observation.reading.outcome is Outcome.UNREGISTERED for method, item in evidence
        )
        soon = bool(entry.awaited) or entry.next_check - entry.checked_at <= SOON
        return entry.state is not State.UNKNOWN or not (denied and soon) or visits > VISITS

    def _announce_workers(self) -> None:
        for pool in POOLS:
            self._handle(MessageArrived(self._credit(pool)))

    def _credit(self, pool: str) -> Credit:
        methods = tuple(method for method in self._methods.checks if pool_of(method) == pool)
        free = max(0, self._slots[pool] - sum(self._running.values()))
        return Credit(
            version=VERSION,
            worker=pool,
            boot="check",
            pool=pool,
            egress="check",
            methods=methods,
            slots=self._slots[pool],
            free=free,
            seen=self._seen,
        )

    def _handle(self, event: Input) -> None:
        for command in self._core.handle(event, now()):
            if isinstance(command, Send) and isinstance(command.message, Tasks):
                for call in split_calls(command.message.tasks, self._methods.batch_checks):
                    self._start(call, command.worker)
            elif isinstance(command, Commit):
                self._handle(Committed())

    def _start(self, call: Call, pool: str) -> None:
        self._seen = max(self._seen, *(task.seq for task in call))
        asked = [(task, self._core.rooms.workers.lease_subject(task.attempt)) for task in call]
        open_tasks = {task: query for task, query in asked if isinstance(query, Query)}  # the lease of the others is over
        if not open_tasks:
            return
        running = asyncio.get_running_loop().create_task(self._ask(open_tasks, pool))
        self._running[running] = len(open_tasks)
        running.add_done_callback(self._call_ended)

    def _call_ended(self, task: asyncio.Task[None]) -> None:
        del self._running[task]
        if not task.cancelled():
            self._broken = self._broken or task.exception()

    async def _ask(self, queries: dict[Task, Query], pool: str) -> None:
        results = await run_call(tuple(queries), self._methods)
        for (task, query), result in zip(queries.items(), results, strict=True):
            if result.observation is not None and query.probe is not None:
                asked = CanaryAsked(task.domain, query.probe.registered, result.observation.reading)
                self._scene.canaries.setdefault(query.probe.key, []).append(asked)
            elif result.observation is not None:
                self._scene.tasks[task.domain, task.method] = task
        self._handle(MessageArrived(Results(self._credit(pool), tuple(results))))


def _names_in_calls(pool: str, checkers: dict[str, Checker]) -> int:
    """How many names the calls of a pool's methods carry together."""
    return sum(
        checker.batch for method, checker in checkers.items() if pool_of(method) == pool and isinstance(checker, BatchChecker)
    )
