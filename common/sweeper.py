"""One sweep as a worker runs it: its names taken apart, its time bounded, and whatever goes wrong made an answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import msgspec

from common.core.model.evidence import Observation, unknown_reading
from common.errors import MessageError
from common.messages import MAX_BATCH, VERSION, Credit, Sweep, SweepDetails, SweepResult
from common.process import Runtime

#: Seconds that a checker may be late with what it found in time.
GRACE = 2.0
#: What a label on the wire is made of.
_MARKS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_")
_LONGEST_LABEL = 63
#: Stands in an answer until it is sent: only then is it known what is free.
NO_CREDIT = Credit(VERSION, "-", "-", "", "", (), 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Sweeps:
    """How a pool sweeps: `method` is whose observations come back, `places` how many run at once.

    `ask` gets the sweep and its names, keeps `budget_ms` by itself, and leaves open what nobody answered by then. Its answer
    may hold any number of observations.
    """

    method: str
    places: int
    ask: Callable[[Sweep, Sequence[str]], Awaitable[SweepResult]]


def names_of(sweep: Sweep) -> list[str]:
    """The names of a sweep, whole. Raises MessageError where they are not as many as told, or no labels."""
    labels = sweep.labels.split("\n")
    if len(labels) != sweep.count:
        raise MessageError(f"a sweep of {sweep.count} names has {len(labels)} labels")
    if not _MARKS.issuperset(sweep.labels.replace("\n", "")):
        raise MessageError("a label of a sweep has marks that no label has")
    if not all(labels) or max(map(len, labels)) > _LONGEST_LABEL:
        raise MessageError("a label of a sweep is empty or too long")
    below = f".{sweep.suffix}"
    return [label + below for label in labels]


def handed_back(sweep: Sweep) -> SweepResult:
    """The answer that nobody tried."""
    return SweepResult(NO_CREDIT, sweep.attempt, returned=True)


def messages_of(answer: SweepResult) -> list[SweepDetails | SweepResult]:
    """The answer in as many messages as it needs, in the order in which they are to be sent."""
    if len(answer.observations) <= MAX_BATCH:
        return [answer]
    stories = list(answer.observations.items())
    parts = [dict(stories[start : start + MAX_BATCH]) for start in range(0, len(stories), MAX_BATCH)]
    ahead = [SweepDetails(NO_CREDIT, answer.attempt, part) for part in parts[1:]]
    return [*ahead, msgspec.structs.replace(answer, observations=parts[0])]


async def run(runtime: Runtime, sweeps: Sweeps, sweep: Sweep, names: Sequence[str]) -> SweepResult:
    """Sweep once. Trouble of any kind, a bug included, is an answer."""
    try:
        async with asyncio.timeout(sweep.budget_ms / 1000 + GRACE):
            return await sweeps.ask(sweep, names)
    except TimeoutError:
        reading = unknown_reading(f"{sweeps.method}_timeout", f"no answer within {sweep.budget_ms} ms")
    except Exception as error:  # noqa: BLE001  # a bug must cost one sweep, not the pool; it is reported
        runtime.report(error, method=sweeps.method, suffix=sweep.suffix)
        reading = unknown_reading(f"{sweeps.method}_bug", f"{type(error).__name__} in the checker")
    return SweepResult(NO_CREDIT, sweep.attempt, trouble=Observation(sweeps.method, reading))
