"""Asks every configured registrar about names, whatever else is known of them: `check --methods registrar`.

Several names go into one call where a registrar takes them; a call costs one token of its budget, as in the running service.
What did not fit into the time has a reason instead of an answer.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, inf

from actors.checkers.contract import BatchChecker, Checker
from common.clock import monotonic, now
from common.core.builtin.source_kinds import SWITCHED_OFF
from common.core.coordinator.source_state import show_span
from common.core.model.evidence import Observation, unknown_reading
from common.core.model.limit import Limit
from common.core.model.methods import REGISTRAR, budget_of
from common.core.rate_limits.budgets import Budgets
from common.core.registries.operators import limit_for
from common.core.registries.sources import Source
from common.errors import NotAsked
from common.messages import Task

#: What this process is to the budgets, see `check.OneShot`.
EGRESS = "check"
#: Shortest time that is worth a call, in seconds.
_LEAST = 1.0


@dataclass(frozen=True, slots=True)
class Answered:
    """What one registrar said about one name, and when (epoch seconds); without an observation `reason` says why not."""

    observation: Observation | None = None
    at: float = 0.0
    reason: str = ""


_LATE = Answered(reason="the time was up")


class RegistrarOffers:
    """The answers of all registrars about the names that `expect` was told, by method and name."""

    def __init__(
        self,
        sources: Sequence[Source],
        checkers: Mapping[str, Checker],
        budgets: Budgets,
        limits: Mapping[str, Limit],
    ) -> None:
        self._checkers = {method: checker for method, checker in checkers.items() if isinstance(checker, BatchChecker)}
        self.sources = {source.method: source for source in sources if source.method in self._checkers}
        self._budgets = budgets
        self._limits = {method: limit_for("registrar", method.removeprefix(REGISTRAR), limits) for method in self.sources}
        self._names: dict[str, str] = {}
        self._answers: dict[tuple[str, str], Answered] = {}
        self._done: dict[tuple[str, str], asyncio.Event] = {}
        self._seq = 0

    def expect(self, names: Mapping[str, str]) -> None:
        """Note which A-label names `ask_all` will ask about, with their suffixes."""
        self._names.update(names)
        self._done.update({(method, name): asyncio.Event() for method in self.sources for name in names})

    def is_expected(self, name: str) -> bool:
        """Whether there is, or will be, an answer about a name."""
        return name in self._names

    def shared_checkers(self) -> dict[str, Checker]:
        """The checkers of these registrars for the core, which share these answers."""
        return {method: SharedAnswers(self._checkers[method], self) for method in self.sources}

    def answers_about(self, name: str) -> dict[str, Answered]:
        """What is known of a name by now, by method, in the order of the sources."""
        return {method: self._answers.get((method, name), _LATE) for method in self.sources}

    def is_done(self, name: str) -> bool:
        """Whether every registrar answered about a name, or will not."""
        return all(self._done[method, name].is_set() for method in self.sources)

    async def wait_done(self, name: str) -> None:
        """Wait until `is_done`."""
        for method in self.sources:
            await self._done[method, name].wait()

    async def wait_answer(self, method: str, name: str) -> Answered:
        """What one registrar says about one of the names, once it did or will not."""
        await self._done[method, name].wait()
        return self._answers.get((method, name), _LATE)

    def forecast_shortfall(self, seconds: float) -> str:
        """The registrars whose rate limit does not let all names through in `seconds`, as one sentence; "" for none."""
        return "; ".join(filter(None, (self._forecast_one(source, seconds) for source in self.sources.values())))

    async def ask_all(self, deadline: float) -> None:
        """Ask all registrars side by side about all names, until `deadline` (monotonic seconds). Then every name is done."""
        try:
            await asyncio.gather(*(self._ask_registrar(source, deadline) for source in self.sources.values()))
        finally:  # whatever went wrong, nothing waits for an answer that does not come
            for done in self._done.values():
                done.set()

    async def _ask_registrar(self, source: Source, deadline: float) -> None:
        """Ask one registrar, one call after the other: its budget is the same for all of them."""
        waiting = []
        for name, suffix in self._names.items():
            if source.suffixes and suffix not in source.suffixes:
                self._note(source, name, Answered(reason=f"not asked about .{suffix}"))
            else:
                waiting.append(name)
        while waiting:
            call = self._fill_call(source, waiting)
            waiting = [name for name in waiting if name not in call]
            reason = await self._wait_for_turn(source, deadline)
            if reason:
                for name in (*call, *waiting):
                    self._note(source, name, Answered(reason=reason))
                return
            await self._call(source, call, min(budget_of(source.method), max(_LEAST, deadline - monotonic())))

    def _forecast_one(self, source: Source, seconds: float) -> str:
        limit = self._limits[source.method]
        names = {name: suffix for name, suffix in self._names.items() if not source.suffixes or suffix in source.suffixes}
        groups = Counter(names.values()) if source.one_suffix else Counter({"": len(names)})
        needed = sum(ceil(count / source.batch) for count in groups.values())
        calls = int(min(limit.burst + limit.rate * seconds, limit.per_day if limit.per_day is not None else inf))
        if limit.rate <= 0 or calls >= needed:
            return ""
        vendor = source.method.removeprefix(REGISTRAR)
        carried = "1 name" if source.batch == 1 else f"{source.batch} names"
        return f"{vendor}: {carried} in {show_span(1 / limit.rate)}, about {len(names) * calls // needed} of {len(names)} fit"

    def _fill_call(self, source: Source, waiting: Sequence[str]) -> list[str]:
        """The names that go into the next call, the first one among them."""
        suffix = self._names[waiting[0]]
        return [name for name in waiting if not source.one_suffix or self._names[name] == suffix][: source.batch]

    async def _wait_for_turn(self, source: Source, deadline: float) -> str:
        """Take a token, or say in one sentence why there is none in time."""
        limit = self._limits[source.method]
        while not self._budgets.take_token(limit, EGRESS, now()):
            wait = max(0.01, self._budgets.next_at(limit, EGRESS, now()) - now())
            if monotonic() + wait + _LEAST > deadline:
                return self._explain_wait(limit, wait)
            await asyncio.sleep(wait)
        return ""

    def _explain_wait(self, limit: Limit, wait: float) -> str:
        if limit.rate <= 0:
            return SWITCHED_OFF
        for row in self._budgets.snapshot(now()):
            if (row["operator"], row["egress"]) == (limit.operator, EGRESS) and row["reason"]:
                return f"left alone for {show_span(wait)}, because {row['reason']}"
        return f"the rate limit lets the next call through in {show_span(wait)}, no time was left for it"

    async def _call(self, source: Source, names: Sequence[str], seconds: float) -> None:
        sent = now()
        tasks = [self._make_task(source, name, seconds) for name in names]
        try:
            async with asyncio.timeout(seconds):
                observations = await self._checkers[source.method].check_batch(tasks)
        except NotAsked as error:
            self._budgets.return_tokens(self._limits[source.method], EGRESS, now())
            for name in names:
                self._note(source, name, Answered(reason=str(error) or "not asked"))
            return
        except TimeoutError:
            late = unknown_reading("registrar_timeout", f"no answer within {show_span(seconds)}")
            observations = [Observation(source.method, late, duration_ms=seconds * 1000) for _ in names]
        for name, observation in zip(names, observations, strict=True):
            self._budgets.note_answer(self._limits[source.method], EGRESS, observation, now(), sent, name)
            self._note(source, name, Answered(observation, now()))

    def _make_task(self, source: Source, name: str, seconds: float) -> Task:
        self._seq += 1
        return Task(f"offers.{self._seq}", self._seq, source.method, name, self._names[name], source.url, int(seconds * 1000))

    def _note(self, source: Source, name: str, answered: Answered) -> None:
        self._answers[source.method, name] = answered
        self._done[source.method, name].set()


class SharedAnswers:
    """A registrar's checker for the core: the answer that its price was read from counts as evidence, and is not asked twice.

    Each is handed out once; a second pass, and a canary, is a call of its own.
    """

    def __init__(self, checker: BatchChecker, offers: RegistrarOffers) -> None:
        self.method = checker.method
        self.batch = offers.sources[checker.method].batch
        self._checker = checker
        self._offers = offers
        self._given: set[str] = set()

    async def check(self, task: Task) -> Observation:
        """The answer about one name. Raises NotAsked where the registrar has no turn for it yet."""
        return (await self.check_batch([task]))[0]

    async def check_batch(self, tasks: Sequence[Task]) -> list[Observation]:
        """An observation for each task, in their order. Raises NotAsked as `check`."""
        found: dict[str, Observation] = {}
        try:
            async with asyncio.timeout(min(task.budget_ms for task in tasks) / 2000):
                for task in filter(self._is_shared, tasks):
                    answered = await self._offers.wait_answer(self.method, task.domain)
                    found |= {task.attempt: answered.observation} if answered.observation is not None else {}
        except TimeoutError:
            raise NotAsked("the registrar has no turn for it yet") from None
        self._given |= {task.domain for task in filter(self._is_shared, tasks)}
        asked = [task for task in tasks if task.attempt not in found]
        answers = await self._checker.check_batch(asked) if asked else []
        found |= {task.attempt: answer for task, answer in zip(asked, answers, strict=True)}
        return [found[task.attempt] for task in tasks]

    def _is_shared(self, task: Task) -> bool:
        return not task.confirm and self._offers.is_expected(task.domain) and task.domain not in self._given

    async def close(self) -> None:
        """Release connections."""
        await self._checker.close()
