"""Sweeps at a worker: one method asks about many names of one suffix at once, and whatever comes of it is an answer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from common.clock import monotonic
from common.core.model.evidence import Observation, Outcome, unknown_reading
from common.errors import MessageError
from common.messages import MAX_BATCH, MOST_COUNTED, VERSION, Credit, Sweep, SweepDetails, SweepResult
from common.process import Runtime

#: Seconds that a method may be late with what it found in time.
GRACE = 2.0
#: What a label on the wire is made of.
_LABEL_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_")
_LONGEST_LABEL = 63
#: Longest name of a zone that travels.
_LONGEST_ZONE = 120
#: Stands in an answer until it is sent: only then is it known what is free.
NO_CREDIT = Credit(version=VERSION, worker="-", boot="-", pool="", egress="", methods=(), slots=0, free=0, seen=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepFindings:
    """What a sweep found out about many names, compactly; per name, in the order given.

    `codes` are those of `common.core.parsers.dns_fast`: DELEGATED is the finding dns_auth_referral, NXDOMAIN is
    dns_auth_nxdomain, OPEN is no answer in time, UNASKED a name that was left out because the servers refuse to answer; for
    UNUSUAL `observations` has the whole answer, by index, of every such name. `trouble` says why no server could be asked, or
    none answered anything at all: silence, or refusal (`refused`); nothing else is filled then.
    """

    server: str = ""  # the zone asked
    width: int = 0  # addresses that serve it
    codes: bytes = b""
    served: bytes = b""  # index in `addresses` of the server that answered, 255 where none did
    addresses: tuple[str, ...] = ()
    serial: int | None = None  # the oldest behind an NXDOMAIN
    fresh_at: float | None = None  # epoch seconds, where the serial tells
    observations: dict[int, Observation] = field(default_factory=dict)
    trouble: Observation | None = None
    asked: int = 0  # queries sent
    lost: int = 0  # of them without an answer in time
    truncated: int = 0  # answers that were cut short
    delay_ms: float | None = None  # median


class SweepMethod(Protocol):
    """A method that can ask about many names of one suffix at once.

    `sweeps` is how many of them may run beside single checks, 0 where the settings leave no way to sweep.
    """

    method: str
    sweeps: int

    async def sweep(self, suffix: str, names: Sequence[str], seconds: float, *, pace: float | None = None) -> SweepFindings:
        """Ask about names directly below `suffix`, `pace` queries a second to each address.

        What was answered within `seconds` counts, the rest stays open. Never raises for what the outside does.
        """
        ...


def parse_names(sweep: Sweep) -> list[str]:
    """The names of a sweep, each with its suffix. Raises MessageError where they are not as many as told, or no labels."""
    labels = sweep.labels.split("\n")
    if len(labels) != sweep.count:
        raise MessageError(f"a sweep of {sweep.count} names has {len(labels)} labels")
    if not _LABEL_CHARACTERS.issuperset(sweep.labels.replace("\n", "")):
        raise MessageError("a label of a sweep has marks that no label has")
    if not all(labels) or max(map(len, labels)) > _LONGEST_LABEL:
        raise MessageError("a label of a sweep is empty or too long")
    below = f".{sweep.suffix}"
    return [label + below for label in labels]


async def run_sweep(runtime: Runtime, method: SweepMethod, sweep: Sweep, names: Sequence[str]) -> SweepResult:
    """Sweep once, within the budget of the message. Trouble of any kind, a bug included, is an answer."""
    began = monotonic()
    try:
        async with asyncio.timeout(sweep.budget_ms / 1000 + GRACE):
            found = await method.sweep(sweep.suffix, names, sweep.budget_ms / 1000, pace=sweep.pace)
    except TimeoutError:
        reading = unknown_reading(f"{method.method}_timeout", f"no answer within {sweep.budget_ms} ms")
    except Exception as error:  # noqa: BLE001  # a bug must cost one sweep, not the pool; it is reported
        runtime.report(error, method=method.method, suffix=sweep.suffix)
        reading = unknown_reading(f"{method.method}_bug", f"{type(error).__name__} in the checker")
    else:
        return make_answer(sweep, found, (monotonic() - began) * 1000)
    return SweepResult(NO_CREDIT, sweep.attempt, trouble=Observation(method.method, reading))


def make_answer(sweep: Sweep, found: SweepFindings, duration_ms: float) -> SweepResult:
    """The answer to a sweep, with every observation: `split_answer` brings it into the bounds of messages."""
    return SweepResult(
        NO_CREDIT,
        sweep.attempt,
        codes=found.codes,
        served=found.served,
        server=found.server[:_LONGEST_ZONE],
        width=found.width,
        addresses=found.addresses,
        serial=found.serial,
        fresh_at=found.fresh_at,
        duration_ms=round(duration_ms, 3),
        observations=found.observations,
        trouble=found.trouble,
        asked=min(found.asked, MOST_COUNTED),
        lost=min(found.lost, MOST_COUNTED),
        truncated=min(found.truncated, MOST_COUNTED),
        delay_ms=found.delay_ms,
        refused=sum(item.refused or item.reading.outcome is Outcome.THROTTLED for item in found.observations.values()),
    )


def return_unasked(sweep: Sweep) -> SweepResult:
    """The answer that hands a sweep back: no query was sent."""
    return SweepResult(NO_CREDIT, sweep.attempt, returned=True)


def split_answer(answer: SweepResult) -> list[SweepDetails | SweepResult]:
    """The answer in as many messages as it needs, in the order in which they are to be sent."""
    if len(answer.observations) <= MAX_BATCH:
        return [answer]
    observations = list(answer.observations.items())
    parts = [dict(observations[start : start + MAX_BATCH]) for start in range(0, len(observations), MAX_BATCH)]
    ahead = [SweepDetails(NO_CREDIT, answer.attempt, part) for part in parts[1:]]
    return [*ahead, msgspec.structs.replace(answer, observations=parts[0])]
