"""Which suffixes have more names than the budget of their registry can look at as often as their calendar says.

Every name has a longest time between two answers of its registry (`MOST_APART`). Where the names of an operator together need
more queries than it allows, they are looked at less often than that, and the status tells which budget would do.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
from msgspec import Struct

from common.core.checks.window_shares import WindowShares
from common.core.domains.domain_table import STATES, Flag
from common.core.domains.domains import Domains
from common.core.model.ids import Ids, Times
from common.core.model.limit import Limit
from common.core.model.states import State
from common.core.rate_limits.budgets import ROUTINE
from common.core.rate_limits.rate_limits import RateLimits
from common.core.schedule.calm import HELD_BACK, IN_PENDING_DELETE, IN_REDEMPTION
from common.core.schedule.registry_pace import HELD, IN_GRACE, IN_ZONE, TOLD, told_intervals

DAY, HOUR = 86_400.0, 3600.0
#: Most seconds between two answers of the registry about a name, by its state; about others a week, and about announced ones by
#: how long ago that was.
MOST_APART = {
    State.EXPIRED_GRACE: IN_GRACE,
    State.UNDELEGATED: HELD,
    State.REDEMPTION: IN_REDEMPTION,
    State.PENDING_DELETE: IN_PENDING_DELETE,
    State.DROPPING: HELD_BACK,
    State.UNKNOWN: DAY,
}
_APART = np.array([MOST_APART.get(state, IN_ZONE) for state in STATES])
_IS_TOLD = np.array([state in TOLD for state in STATES])
#: The same for a name that is registered under a zone that answers for every name.
UNGUARDED = HELD
_IS_GUARDED = np.array([state in (State.REGISTERED, State.EXPIRED_GRACE) for state in STATES])
#: Seconds between two counts, and most suffixes that are told.
COUNT_EVERY, MOST_TOLD = 600.0, 20
LEAST_RATE = 1e-9


class StarvedSuffix(Struct, frozen=True):
    """A suffix that gets fewer looks than its names need; `needed` and `allowed` in queries per second, of all its operator's.

    `operator` is the budget that pays.
    """

    suffix: str
    operator: str
    names: int
    needed: float
    allowed: float


@dataclass(slots=True, kw_only=True)
class Starvation:
    """Counts what names need, every ten minutes."""

    domains: Domains
    rate_limits: RateLimits
    shares: WindowShares
    _found: list[StarvedSuffix] = field(init=False, default_factory=list)
    _counted_at: float = field(init=False, default=float("-inf"))

    def find_starved(self, now: float) -> list[StarvedSuffix]:
        """The suffixes whose names cannot be looked at as often as they should be, those that lack most first."""
        if now >= self._counted_at + COUNT_EVERY:
            self._counted_at, self._found = now, self._count_needs(now)
        return self._found

    def _count_needs(self, now: float) -> list[StarvedSuffix]:
        table = self.domains.table
        ids = np.flatnonzero(table.have_flag(np.arange(len(table)), Flag.WATCHED))
        numbers = table.suffix[ids].astype(np.int64)
        needs, counts = np.bincount(numbers, 1.0 / self._most_apart(ids, numbers, now)), np.bincount(numbers)
        payers: dict[str, tuple[Limit, str]] = {}
        members: dict[str, list[int]] = defaultdict(list)
        for number in np.flatnonzero(counts).tolist():
            paying = self.shares.find_operator(table.suffixes[number], now)
            if paying is not None:
                payers[paying[0].operator] = paying
                members[paying[0].operator].append(number)
        found: list[tuple[float, float, StarvedSuffix]] = []
        for operator, group in members.items():
            needed, allowed = float(needs[group].sum()), self._allowed_rate(*payers[operator], now)
            if needed > allowed:
                lack = needed / max(allowed, LEAST_RATE)
                rows = [StarvedSuffix(table.suffixes[one], operator, int(counts[one]), needed, allowed) for one in group]
                found += zip([lack] * len(group), needs[group].tolist(), rows, strict=True)
        found.sort(key=lambda item: item[:2], reverse=True)
        return [row for _, _, row in found[:MOST_TOLD]]

    def _most_apart(self, ids: Ids, numbers: Ids, now: float) -> Times:
        """Most seconds between two answers of the registry about each of these names, of suffixes with these numbers."""
        table, wildcards = self.domains.table, self.shares.registries.wildcards
        states = table.state[ids]
        apart = _APART[states]
        told = _IS_TOLD[states]
        apart[told] = np.maximum(HOUR, told_intervals(now - table.since[ids[told]].astype(np.float64)))
        unguarded = [number for number in np.unique(numbers).tolist() if wildcards.is_wildcard(table.suffixes[number])]
        apart[np.isin(numbers, unguarded) & _IS_GUARDED[states]] = UNGUARDED
        return apart

    def _allowed_rate(self, limit: Limit, method: str, now: float) -> float:
        """Queries a second that an operator allows for routine, day in, day out."""
        egresses = self.rate_limits.egresses_of(method, now)
        rate = sum(self.rate_limits.budgets.learned_rate(limit, egress, now) for egress in egresses)
        return rate if limit.per_day is None else min(rate, len(egresses) * ROUTINE.share * limit.per_day / DAY)
