"""A sweep of a checker as a worker's message: what was found, in the form and within the bounds that travel."""

from __future__ import annotations

from collections.abc import Sequence

from actors.checkers.contract import Context, Findings, Sweeper
from common.core.parsers.dns_fast import OPEN
from common.messages import MAX_BATCH, Sweep, Swept
from common.sweeper import NO_CREDIT, Sweeps

#: No server answered about a name, in `served`.
_NOBODY = 255
#: Longest name of a zone that travels.
_LONGEST = 120


def sweeps_of(checker: Sweeper, context: Context) -> Sweeps:
    """The sweeps of this checker, for its worker."""

    async def ask(sweep: Sweep, names: Sequence[str]) -> Swept:
        began = context.monotonic()
        found = await checker.sweep(sweep.suffix, names, sweep.budget_ms / 1000, pace=sweep.pace)
        return swept(sweep, found, (context.monotonic() - began) * 1000)

    return Sweeps(checker.method, checker.sweeps, ask)


def swept(sweep: Sweep, found: Findings, duration_ms: float) -> Swept:
    """The message. Names whose observations are more than travel are left open."""
    codes, served = bytearray(found.codes), bytearray(found.served)
    kept = dict(list(found.observations.items())[:MAX_BATCH])
    for index in found.observations.keys() - kept.keys():
        codes[index], served[index] = OPEN, _NOBODY
    return Swept(
        NO_CREDIT,
        sweep.attempt,
        bytes(codes),
        bytes(served),
        found.server[:_LONGEST],
        found.width,
        found.addresses,
        found.serial,
        found.fresh_at,
        round(duration_ms, 3),
        kept,
        found.trouble,
    )
