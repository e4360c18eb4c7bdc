"""Calls at a worker: which tasks of a message are one call, and what comes of asking once about one name or about several."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from common.core.model.evidence import Observation, unknown_reading
from common.core.registries.directory import host_of
from common.errors import NotAsked
from common.messages import Result, Task

#: Tasks that are asked in one call: those of a method that takes several names at once, else a single one.
Call = tuple[Task, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Methods:
    """The coroutines that ask, by method: about one name, and for some also about several names in one call."""

    checks: Mapping[str, Callable[[Task], Awaitable[Observation]]]
    batch_checks: Mapping[str, Callable[[Sequence[Task]], Awaitable[list[Observation]]]] = field(default_factory=dict)


def split_calls(tasks: Sequence[Task], batched: Container[str]) -> list[Call]:
    """The calls of a message: neighbours with the same `call` and a method of `batched` are one, every other task is one."""
    calls: list[Call] = []
    for (call, method), group in groupby(tasks, key=lambda task: (task.call, task.method)):
        if call and method in batched:
            calls.append(tuple(group))
        else:
            calls.extend((task,) for task in group)
    return calls


async def run_call(call: Call, methods: Methods) -> list[Result]:
    """Ask, within the smallest budget of the tasks. Returns a result for each of them, in their order.

    Tasks of a method that is not there, or of a call that was never made, are returned unasked; where time runs out the outcome
    is unknown. Raises what a bug in the method raises, and ValueError where it gives another number of answers than was asked.
    """
    method = call[0].method
    budget_ms = min(task.budget_ms for task in call)
    try:
        async with asyncio.timeout(budget_ms / 1000):
            observations = await _ask(call, methods)
    except NotAsked:
        return return_call(call)
    except TimeoutError:
        late = unknown_reading(f"{kind_of_method(method)}_timeout", f"no answer within {budget_ms} ms")
        return [
            Result(task.attempt, Observation(method, late, server=host_of(task.server), duration_ms=float(budget_ms)))
            for task in call
        ]
    if len(observations) != len(call):
        raise ValueError(f"{len(observations)} answers to {len(call)} questions")
    return [Result(task.attempt, observation) for task, observation in zip(call, observations, strict=True)]


def return_call(call: Call) -> list[Result]:
    """The tasks of a call, unasked."""
    return [Result(task.attempt, returned=True) for task in call]


def kind_of_method(method: str) -> str:
    """What the findings of a method begin with: "registrar" of "registrar:gandi", else its own name."""
    return method.partition(":")[0]


async def _ask(call: Call, methods: Methods) -> Sequence[Observation]:
    """Raises NotAsked for a method that is not there."""
    method = call[0].method
    if call[0].call and method in methods.batch_checks:
        return await methods.batch_checks[method](call)
    if method not in methods.checks:
        raise NotAsked(f"no method {method} here")
    return [await methods.checks[method](call[0])]
