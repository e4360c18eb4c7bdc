"""A sweep of a checker as a worker's answer: what was found, in the form that travels."""

from __future__ import annotations

from collections.abc import Sequence

from actors.checkers.contract import Context, Findings, Sweeper
from common.core.model.evidence import Outcome
from common.messages import Sweep, SweepResult
from common.sweeper import NO_CREDIT, Sweeps

#: Longest name of a zone that travels.
_LONGEST = 120


def sweeps_of(checker: Sweeper, context: Context) -> Sweeps:
    """The sweeps of this checker, for its worker."""

    async def ask(sweep: Sweep, names: Sequence[str]) -> SweepResult:
        began = context.monotonic()
        found = await checker.sweep(sweep.suffix, names, sweep.budget_ms / 1000, pace=sweep.pace)
        return swept(sweep, found, (context.monotonic() - began) * 1000)

    return Sweeps(checker.method, checker.sweeps, ask)


def swept(sweep: Sweep, found: Findings, duration_ms: float) -> SweepResult:
    """The answer, with every observation: the worker sends as many messages as it takes."""
    return SweepResult(
        NO_CREDIT,
        sweep.attempt,
        found.codes,
        found.served,
        found.server[:_LONGEST],
        found.width,
        found.addresses,
        found.serial,
        found.fresh_at,
        round(duration_ms, 3),
        found.observations,
        found.trouble,
        refused=sum(item.refused or item.reading.outcome is Outcome.THROTTLED for item in found.observations.values()),
    )
