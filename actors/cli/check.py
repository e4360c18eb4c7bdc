"""`domain-monitor check NAME...`: the whole product on a few names, once, without the stack.

The same core decides, with the checkers called in this process instead of over the bus: canaries, two passes and gates
included. What is printed is what the evidence says and, where no verdict was reached, what still stands in the way.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from typing import Any

from actors.checkers.contract import Checker, Context
from actors.checkers.discovery import POOLS, discover
from common.clock import monotonic, now
from common.codec import plain
from common.config import Settings
from common.core.announce import checks_of
from common.core.coordinator import Coordinator
from common.core.domain_list import ListBuilder
from common.core.domains import Entry
from common.core.escalation import POOL_OF
from common.core.events import Commit, Committed, Event, Heard, ListLoaded, Send, Tick
from common.core.evidence import Observation, unknown
from common.core.verdicts import State
from common.errors import ConfigError
from common.messages import VERSION, Credit, Result, Results, Task, Tasks
from common.policy import policy_of
from common.suffixes import load_suffixes
from common.tables import load_directory

DECIDED, BAD_USAGE, SOME_UNKNOWN = 0, 2, 3
#: Slots of the one worker that this process is, per pool.
SLOTS = 32
#: Seconds one name may take, all passes included, and how many are worked on at once.
PATIENCE = 60.0
#: Visits after which a name without a verdict is reported as it stands.
VISITS = 4


def run(names: list[str], as_json: bool, methods: tuple[str, ...], settings: Settings) -> int:  # noqa: FBT001  # a flag
    """Check names and print the findings. 0: all decided, 3: some unknown, 2: bad usage."""
    wanted = methods or tuple(POOL_OF)
    strange = [method for method in wanted if method not in POOL_OF]
    if strange:
        print(f"unknown method: {', '.join(strange)} (there are {', '.join(POOL_OF)})", file=sys.stderr)
        return BAD_USAGE
    try:
        return asyncio.run(_run(names, as_json=as_json, methods=wanted, settings=settings))
    except ConfigError as error:
        print("\n".join(error.problems), file=sys.stderr)
        return BAD_USAGE
    except KeyboardInterrupt:
        return SOME_UNKNOWN


async def _run(names: list[str], *, as_json: bool, methods: tuple[str, ...], settings: Settings) -> int:
    context = Context(settings, now, monotonic)
    checkers = {
        name: create(context)
        for pool in POOLS
        for name, create in discover(f"actors.checkers.{pool}").items()
        if name in methods
    }
    shot = OneShot(settings, checkers)
    try:
        return await shot.check(names, as_json=as_json)
    finally:
        for checker in checkers.values():
            await checker.close()


class OneShot:
    """The core with this process as its only worker."""

    def __init__(self, settings: Settings, checkers: dict[str, Checker]) -> None:
        self._suffix_of = load_suffixes()
        rng = random.Random()  # noqa: S311  # canary labels, nothing secret
        self._core = Coordinator(policy_of(settings, self._suffix_of), load_directory(settings), "check", rng, now())
        self._checkers = checkers
        self._seen = 0
        self._running: set[asyncio.Task[None]] = set()
        self._visits: dict[str, int] = {}

    async def check(self, names: list[str], *, as_json: bool) -> int:
        """Check every name, print each as it is done."""
        builder = ListBuilder(self._suffix_of)
        for name in names:
            builder.add({"domain": name, "priority": True})
        parsed = builder.finish()
        for problem in parsed.problems:
            _print_problem(problem.entry, problem.code, problem.reason, as_json=as_json)
        self._hello()
        self._handle(ListLoaded(parsed, "command line"))
        waiting = dict.fromkeys(parsed.names)
        deadline = monotonic() + PATIENCE + len(waiting)
        done = unknown_names = 0
        while waiting:
            self._hello()
            self._handle(Tick())
            for name in [name for name in waiting if self._finished(name) or monotonic() > deadline]:
                del waiting[name]
                done += 1
                entry = self._core.board.entries[name]
                unknown_names += entry.state is State.UNKNOWN
                _print_entry(entry, as_json=as_json)
                if len(parsed.names) > 1 and sys.stderr.isatty():
                    print(f"{done}/{len(parsed.names)}", end="\r", file=sys.stderr)
            await asyncio.sleep(0.02)
        for task in self._running:
            task.cancel()
        return SOME_UNKNOWN if unknown_names or parsed.problems else DECIDED

    def _finished(self, name: str) -> bool:
        """Decided, or visited often enough; a positive waits for its second pass."""
        entry = self._core.board.entries[name]
        if entry.checked_at is None or entry.round is not None:
            return False
        if self._visits.get(name) != int(entry.checked_at * 1000):
            self._visits[name] = int(entry.checked_at * 1000)
            self._visits[f"#{name}"] = self._visits.get(f"#{name}", 0) + 1
        open_pass = bool(entry.detail.passes) and entry.state is State.UNKNOWN
        return not open_pass or self._visits[f"#{name}"] > VISITS

    def _hello(self) -> None:
        for pool in POOLS:
            self._handle(Heard(self._credit(pool)))

    def _credit(self, pool: str) -> Credit:
        methods = tuple(method for method in self._checkers if POOL_OF[method] == pool)
        return Credit(VERSION, pool, "check", pool, "check", methods, SLOTS, SLOTS - len(self._running), self._seen)

    def _handle(self, event: Event) -> None:
        for command in self._core.handle(event, now()):
            if isinstance(command, Send) and isinstance(command.message, Tasks):
                for task in command.message.tasks:
                    self._seen = max(self._seen, task.seq)
                    running = asyncio.get_running_loop().create_task(self._ask(task, command.worker))
                    self._running.add(running)
                    running.add_done_callback(self._running.discard)
            elif isinstance(command, Commit):
                self._handle(Committed())

    async def _ask(self, task: Task, pool: str) -> None:
        try:
            async with asyncio.timeout(task.budget_ms / 1000):
                observation = await self._checkers[task.method].check(task)
        except TimeoutError:
            late = unknown(f"{task.method}_timeout", f"no answer within {task.budget_ms} ms")
            observation = Observation(task.method, late, server=task.server)
        self._handle(Heard(Results(self._credit(pool), (Result(task.attempt, observation),))))


def _report(entry: Entry) -> dict[str, Any]:
    detail = entry.detail
    return {
        "domain": entry.name,
        "state": entry.state.value,
        "confidence": entry.confidence,
        "reason": detail.reason,
        "gates": list(detail.gates) if entry.state is State.UNKNOWN and detail.passes else [],
        "fields": plain(detail.fields),
        "checks": checks_of(detail.evidence),
        "trouble": checks_of(detail.trouble),
    }


def _print_entry(entry: Entry, *, as_json: bool) -> None:
    report = _report(entry)
    if as_json:
        print(json.dumps(report), flush=True)
        return
    print(f"{entry.name}: {entry.state.value} (confidence {entry.confidence:.3f})")
    for method, said in {**report["checks"], **report["trouble"]}.items():
        where = " ".join(part for part in (said["server"], said["address"]) if part)
        print(f"  {method:6} asked {where or 'nobody'}: {said['result']} - {said['reason']}")
    print(f"  verdict: {report['reason']}")
    for gate in report["gates"]:
        print(f"  open: {gate}")


def _print_problem(entry: str, code: str, reason: str, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"domain": entry, "state": "INVALID", "code": code, "reason": reason}), flush=True)
    else:
        print(f"{entry}: INVALID ({code}) - {reason}")
