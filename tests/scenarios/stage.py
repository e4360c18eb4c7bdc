"""Sets the scene in one lab, plays everything at once against one stack, and collects what came of it."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from tests.lab import story
from tests.lab.control import operation
from tests.lab.faults import Fault
from tests.lab.lab import Lab
from tests.lab.scoring import latency
from tests.lab.stack import ROOT, Stack, StackError
from tests.lab.story import Role, Scene
from tests.scenarios.plot import FRESH, Case, Mischief, Scenario

CADENCE = {
    "CHECK_INTERVAL": "5",
    "PRIORITY_CHECK_INTERVAL": "2",
    "CONFIRM_GAP": "4",
    "CONFIRM_GAP_CLOSE": "2",
    "CALLBACK_RESULTS": "none",
    "DOMAIN_API_REFRESH_INTERVAL": "300",
}
#: Seconds for the first look at every name; some have only servers that stay silent.
FIRST_LOOK = 10.0
#: Least and most seconds after the last act: a late false alarm still counts, a late true one too.
QUIET, PATIENCE = 12.0, 40.0
_START_SECONDS = 60.0
_POLL = 0.3
_PAGE = 500


@dataclass(slots=True)
class Found:
    """What came of everything, by name.

    `paths` are the states passed through, `alarms` how often "available" was heard, `seconds` how long after the name became
    free that was for the first time.
    """

    paths: dict[str, list[str]] = field(default_factory=dict)
    alarms: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)  # list entry -> code
    judged: dict[str, dict[str, Any]] = field(default_factory=dict)  # name -> verdict of recorded answers
    reasons: dict[str, str] = field(default_factory=dict)
    faults: list[tuple[str, Fault]] = field(default_factory=list)  # scenario, what was wrong in it


def set_scene(lab: Lab, scenarios: Iterable[Scenario], found: Found) -> None:
    """Everything that is so before the product starts, and the list of names."""
    watched: list[str] = []
    urgent: list[str] = []
    for scenario in scenarios:
        for case in scenario.cases:
            _settle(lab, case)
            spellings = case.listed or (case.name,)
            watched += spellings
            urgent += spellings[:1] if case.priority else ()
        watched += scenario.refused
        for mischief in scenario.mischief:
            if mischief.at is None:
                found.faults.append((scenario.name, _begin(lab, mischief)))
    lab.customer.set_watch(watched, priority=urgent)


def last_act(scenarios: Iterable[Scenario]) -> float:
    """Seconds after the curtain when nothing more happens."""
    moments = [act.at for scenario in scenarios for case in scenario.cases for act in case.acts]
    moments += [m.until if m.until is not None else m.at or 0.0 for s in scenarios for m in s.mischief]
    moments += [at for scenario in scenarios for case in scenario.cases for at in case.ordered]
    return max(moments, default=0.0)


def play(lab: Lab, scenarios: Iterable[Scenario], found: Found) -> None:
    """The curtain rises: schedule every act and misdeed."""
    registry, curtain = lab.registry, lab.registry.clock.now()

    def deed(name: str, act: story.Act) -> Callable[[], None]:
        return lambda: operation(registry, name, act.deed, dict(act.arguments))

    def misdeed(scenario: str, mischief: Mischief) -> Callable[[], None]:
        return lambda: found.faults.append((scenario, _begin(lab, mischief)))

    for scenario in scenarios:
        for case in scenario.cases:
            for act in case.acts:
                registry.when(curtain + act.at, deed(case.name, act))
        for mischief in scenario.mischief:
            if mischief.at is not None:
                registry.when(curtain + mischief.at, misdeed(scenario.name, mischief))
            if mischief.until is not None:
                registry.when(curtain + mischief.until, _end(lab, mischief))


def _settle(lab: Lab, case: Case) -> None:
    if isinstance(case.scene, Scene):
        story.stage(lab.registry, [Role(case.name, case.scene)])
    elif case.scene == FRESH:
        lab.registry.register(case.name)


def _begin(lab: Lab, mischief: Mischief) -> Fault:
    return lab.faults.add(
        mischief.server,
        mischief.fault,
        names=mischief.names,
        count=mischief.count,
        delay=mischief.delay,
        words=mischief.words,
    )


def _end(lab: Lab, mischief: Mischief) -> Callable[[], None]:
    def end() -> None:
        for fault in lab.faults.current():
            if (fault.server, fault.kind, fault.names) == (mischief.server, mischief.fault, frozenset(mischief.names)):
                lab.faults.end(fault)

    return end


class Stage:
    """One run of all scenarios. `tell` gets a line about the progress."""

    def __init__(self, lab: Lab, stack: Stack, scenarios: tuple[Scenario, ...], tell: Callable[[str], None]) -> None:
        self._lab = lab
        self._stack = stack
        self._scenarios = scenarios
        self._cases = [case for scenario in scenarios for case in scenario.cases]
        self._tell = tell
        self._stop = asyncio.Event()
        self.found = Found()

    async def perform(self) -> None:
        """From the start of the stack to the last quiet second. Raises StackError."""
        set_scene(self._lab, self._scenarios, self.found)
        watched, asked = len({case.name for case in self._cases}), self._lab.queries.by_name
        await self._stack.start(self._stop)
        self._tell("starting the stack: domain-monitor supervise")
        await self._stack.wait_healthy(_START_SECONDS, self._stop)
        async with aiohttp.ClientSession(base_url=self._stack.url) as session:
            await self._until(session, FIRST_LOOK, lambda _: all(asked[case.name] for case in self._cases))
            play(self._lab, self._scenarios, self.found)
            orders = asyncio.ensure_future(self._order_checks(session))
            try:
                await self._watch_play(session, watched)
                await orders
            finally:
                orders.cancel()
            await self._collect(session)
        self.found.judged = await _judge(self._scenarios)

    async def _watch_play(self, session: aiohttp.ClientSession, watched: int) -> None:
        last = last_act(self._scenarios)
        self._tell(f"watching {watched} names; the last act comes in {last:.0f} s")
        for _ in range(max(1, int((last + QUIET) // 10))):
            await self._until(session, (last + QUIET) / max(1, int((last + QUIET) // 10)), lambda _: False)
            self._tell(f"{len(self._lab.customer.notices('available'))} alarms, {len(self._lab.customer.notices())} notices")
        await self._until(session, PATIENCE - QUIET, self._settled)

    async def health(self) -> list[str]:
        """What is wrong with the stack, in sentences."""
        status = await self._stack.health()
        return [] if status == 200 else [f"/health says {status or 'nothing'} in the end"]

    async def _order_checks(self, session: aiohttp.ClientSession) -> None:
        loop = asyncio.get_running_loop()
        curtain = loop.time()
        for at, name in sorted((at, case.name) for case in self._cases for at in case.ordered):
            await asyncio.sleep(curtain + at - loop.time())
            async with session.post(f"/domain/{name}/check") as answer:
                answer.raise_for_status()

    def _settled(self, seen: list[dict[str, Any]]) -> bool:
        self._count()
        states = {row["domain"]: row["state"] for row in seen}
        return all(
            self.found.alarms[case.name] >= case.alarms and (not case.ends or states.get(case.name) in case.ends)
            for case in self._cases
        )

    def _count(self) -> None:
        alarms: dict[str, int] = defaultdict(int)
        seconds: dict[str, float] = {}
        for notice in self._lab.customer.notices("available"):
            name, took = str(notice.data.get("domain")), latency(self._lab.registry.log, notice)
            alarms[name] += 1
            if took is not None:
                seconds.setdefault(name, took)
        self.found.alarms, self.found.seconds = alarms, seconds

    async def _until(
        self, session: aiohttp.ClientSession, seconds: float, condition: Callable[[list[dict[str, Any]]], bool]
    ) -> bool:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while loop.time() < deadline:
            if self._stop.is_set():
                raise StackError("the stack ended by itself")
            if condition(await _pages(session, "/domains", "domains")):
                return True
            await asyncio.sleep(_POLL)
        return False

    async def _collect(self, session: aiohttp.ClientSession) -> None:
        self._count()
        found = self.found
        states = {row["domain"]: row["state"] for row in await _pages(session, "/domains", "domains")}
        for row in await _pages(session, "/problems", "problems"):
            found.problems[row["entry"]] = row["code"]
        for name in sorted({case.name for case in self._cases}):
            async with session.get(f"/domain/{name}") as answer:
                view = await answer.json() if answer.status == 200 else {}
            found.paths[name] = path_of(view.get("history", []), states.get(name, "(not watched)"))
            found.reasons[name] = str(view.get("reason", ""))


def path_of(history: list[dict[str, Any]], last: str) -> list[str]:
    """The states passed through, from events (newest first) and the state at last."""
    path = ["UNKNOWN"]
    for event in sorted(history, key=lambda event: event["seq"]):
        for state in (event["body"]["previous"], event["body"]["state"]):
            if path[-1] != state:
                path.append(state)
    if path[-1] != last:
        path.append(last)
    return path


async def _pages(session: aiohttp.ClientSession, path: str, key: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    cursor = None
    while True:
        query = {"limit": str(_PAGE)} | ({"cursor": cursor} if cursor else {})
        async with session.get(path, params=query) as answer:
            if answer.status != 200:
                return rows
            page = await answer.json()
        rows += page[key]
        cursor = page.get("cursor")
        if not cursor:
            return rows


async def _judge(scenarios: Iterable[Scenario]) -> dict[str, dict[str, Any]]:
    """What `domain-monitor judge --fuse` makes of the recorded answers."""
    lines = [json.dumps(dict(line)) for scenario in scenarios for line in scenario.recorded]
    if not lines:
        return {}
    command = (sys.executable, "-m", "actors.cli.main", "judge", "--fuse", "-")
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, cwd=ROOT)
    out, _ = await child.communicate("\n".join(lines).encode())
    verdicts = [json.loads(line) for line in out.splitlines()]
    return {row["domain"]: row["verdict"] for row in verdicts if "verdict" in row}
