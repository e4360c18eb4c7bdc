"""How often names in the zone are checked inside their drop windows, so that they leave room in a budget for others.

Every window calls for checks at a pace of its own (`cadence.window_steps`). Where these add up to more than the operator's
budget allows, all of them become rarer by the same factor, the stretch: names that may drop about now take at most half of its
rate, and half of what is left of a day's quota until their windows or the day end; names in wide windows take a quarter. What
the registry alone can say of names that are out of the zone is shared by worth instead (`window_shares`).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from common.core.checks.window_shares import COUNT_EVERY, WindowShares
from common.core.domains.domain_table import Flag
from common.core.domains.domains import Domains
from common.core.domains.working_set import needs_single_checks
from common.core.model.entry import Entry
from common.core.model.ids import Ids, Times
from common.core.model.limit import Limit
from common.core.rate_limits.bucket import DAY
from common.core.rate_limits.rate_limits import RateLimits
from common.core.registries.registries import Registries
from common.core.schedule.cadence import Pace, are_imminent, is_imminent, window_steps
from common.core.schedule.calm import is_off_hours
from common.core.schedule.drop_hours import EDGE

#: Share of an operator's budget for names that may drop about now, and for names in wide windows.
IMMINENT, WIDE = 0.5, 0.25


class Kind(NamedTuple):
    """Names that share a pace: their suffix number, and whether they may drop about now."""

    suffix: int
    imminent: bool


@dataclass(slots=True, kw_only=True)
class WindowPace:
    """Stretches of the kinds of names inside windows; `shares` gives the paces of names that are out of the zone."""

    domains: Domains
    registries: Registries
    rate_limits: RateLimits
    shares: WindowShares
    _stretches: dict[Kind, float] = field(init=False, default_factory=dict)
    _counted_at: float = field(init=False, default=0.0)

    def pace_of(self, entry: Entry, now: float) -> Pace:
        """How closely a name is checked inside its window."""
        off_hours = is_off_hours(entry, now, self.domains.calendar.hours)
        return Pace(self.stretch_of(entry, now), self.shares.step_of(entry, now), off_hours=off_hours)

    def stretch_of(self, entry: Entry, now: float) -> float:
        """How many times rarer a name is checked than its window calls for; 1.0 where the operator has room, and outside."""
        if not entry.in_window(now, EDGE) or needs_single_checks(entry, now):
            return 1.0
        kind = Kind(int(self.domains.table.suffix[entry.id]), is_imminent(entry, now))
        return self._known_stretches(now).get(kind, 1.0)

    def stretches_of(self, ids: Ids, earliest: Times, latest: Times, now: float) -> Times | float:
        """The stretches of names of one suffix that are swept; 1.0 where none of them is inside a window."""
        inside = (earliest - EDGE <= now) & (now <= latest + EDGE)
        if not inside.any():
            return 1.0
        known, number = self._known_stretches(now), int(self.domains.table.suffix[ids[0]])
        wide, narrow = (known.get(Kind(number, imminent=soon), 1.0) for soon in (False, True))
        return np.where(are_imminent(earliest, latest, now), narrow, wide)

    def count_stretches(self, now: float) -> dict[Kind, float]:
        """The stretch of every kind of name inside windows: the checks they call for over those their operator allows."""
        table = self.domains.table
        size = len(table)
        ids = np.flatnonzero((table.earliest[:size] <= now + EDGE) & (table.latest[:size] >= now - EDGE))  # NaN is neither
        ids = ids[table.have_flag(ids, Flag.WATCHED) & ~table.have_flag(ids, Flag.SINGLE)]
        earliest, latest = table.earliest[ids].astype(np.float64), table.latest[ids].astype(np.float64)
        pace = 1.0 / np.minimum(self.domains.base_intervals(ids), window_steps(earliest, latest, now))
        seconds = np.maximum(0.0, np.minimum(latest, (now // DAY + 1) * DAY) - now)
        numbers = table.suffix[ids].astype(np.int64) * 2 + are_imminent(earliest, latest, now)
        per_second, today = np.bincount(numbers, pace), np.bincount(numbers, pace * seconds)
        members: dict[tuple[str, bool], list[int]] = defaultdict(list)
        operators: dict[str, tuple[Limit, str]] = {}
        for number in np.flatnonzero(per_second).tolist():
            limit, method = self._operator_of(table.suffixes[number // 2], now)
            operators[limit.operator] = limit, method
            members[limit.operator, bool(number & 1)].append(number)
        found: dict[Kind, float] = {}
        for (operator, soon), group in members.items():
            rate, left = self._allowed_pace(*operators[operator], now, part=IMMINENT if soon else WIDE)
            times = max(1.0, _excess(per_second[group].sum(), rate), _excess(today[group].sum(), left))
            found.update({Kind(number // 2, soon): times for number in group})
        return found

    def _known_stretches(self, now: float) -> dict[Kind, float]:
        if now >= self._counted_at + COUNT_EVERY:
            self._counted_at, self._stretches = now, self.count_stretches(now)
        return self._stretches

    def _allowed_pace(self, limit: Limit, method: str, now: float, *, part: float) -> tuple[float, float]:
        """How many queries a second, and how many more today, this share of an operator's budget allows."""
        egresses, budgets = self.rate_limits.egresses_of(method, now), self.rate_limits.budgets
        rate = part * sum(budgets.learned_rate(limit, egress, now) for egress in egresses)
        return rate, part * sum(budgets.quota_left(limit, egress, now, now) for egress in egresses)

    def _operator_of(self, suffix: str, now: float) -> tuple[Limit, str]:
        """The budget that checks of names in the zone are paid from, and their method: the registry's under a wildcard."""
        found = self.shares.find_operator(suffix, now) if self.registries.wildcards.is_wildcard(suffix) else None
        return found or (self.registries.limit_of("dns", suffix, suffix), "dns")


def _excess(wanted: float, allowed: float) -> float:
    """How many times more is wanted than allowed; infinite where nothing is."""
    return wanted / allowed if allowed > 0 else float("inf")
