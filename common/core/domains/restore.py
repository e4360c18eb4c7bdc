"""What follows from what the store holds: names per state, first looks whose rows were not written before the end.

No time in it may lie in the future, whatever the clock said when it was written: it would be fresh for as long as the clock was
ahead.
"""

from __future__ import annotations

import numpy as np
from msgspec import structs

from common.core.coordinator.board import Board
from common.core.domains.domain_table import DETAILED, REGISTERED, STATES, UNKNOWN, WATCHED
from common.core.model.evidence import Outcome
from common.core.model.records import Detail, StateChange
from common.core.parsers.dns_fast import DELEGATED
from common.core.schedule.cadence import longest
from common.core.verdict.verdicts import State

#: Names in one change of state.
PIECE = 4096
#: Outcomes that speak for an alarm.
_FREE = (Outcome.UNREGISTERED, Outcome.PREMIUM)
_MOMENTS = ("phase_since", "phase_after", "alarmed_at", "registered_seen", "contradicted_at", "registry_at", "purged_at")


def first_looks(board: Board) -> None:
    """Count the states, make everybody without a time due, and take over first looks whose states were not written."""
    table = board.book.table
    cadence, count = board.policy.cadence, len(table)
    waits = (longest(base, cadence) for base in (cadence.priority_interval, cadence.interval))
    table.schedule.begin(board.started, *waits)
    for times in (table.since, table.checked_at, table.dns_at, table.dns_first):
        np.minimum(times, board.started, out=times)
    flags, states = table.flags[:count], table.state[:count]
    seen = (table.code[:count] == DELEGATED) & (states == UNKNOWN) & ((flags & DETAILED) == 0)
    rows = np.flatnonzero(seen)
    table.state[rows], table.since[rows] = REGISTERED, table.dns_first[rows]
    for start in range(0, len(rows), PIECE):
        piece = rows[start : start + PIECE]
        since = float(table.dns_first[piece].min())
        board.backlog.states.append(StateChange(piece.tolist(), State.REGISTERED.value, since, 0.0))
    watched = states[(flags & WATCHED) != 0]
    for number, names in enumerate(np.bincount(watched, minlength=len(STATES)).tolist()):
        if names:
            board.count_state(None, STATES[number], names)


def no_later(detail: Detail, started: float, now: float) -> Detail:
    """A detail without times from the future: "no object" was never said then, what speaks against it at the start."""
    moments = {name: at for name in _MOMENTS if (at := getattr(detail, name)) is not None and at > now}
    ahead = [method for method, item in detail.evidence.items() if item.at > now]
    passes = tuple(at for at in detail.passes if at <= now)
    if not moments and not ahead and len(passes) == len(detail.passes):
        return detail
    evidence = {
        method: item if item.at <= now else structs.replace(item, at=started, first_at=min(item.first_at, started))
        for method, item in detail.evidence.items()
        if item.at <= now or item.observation.reading.outcome not in _FREE
    }
    verified = tuple(at for at in detail.verified if at <= now)
    return structs.replace(detail, evidence=evidence, passes=passes, verified=verified, **dict.fromkeys(moments, started))
