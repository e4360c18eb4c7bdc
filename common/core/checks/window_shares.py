"""What every registry allows for looks at names inside their drop windows, shared by their worth (`schedule.window_value`).

Of its rate a half: the rest is for canaries and confirmations. Of a day's quota what polls may use, less what calm names need
until midnight; it is shared by all windows of the day, so that those of the evening find something left. A second channel of
the same registry adds what it allows: a look goes there once the first one takes no more.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from common.core.channels.channels import Channels
from common.core.domains.domain_table import STATE_CODES, STATES, Flag
from common.core.domains.domains import Domains
from common.core.model.entry import Entry
from common.core.model.ids import Ids, Times
from common.core.model.limit import Limit
from common.core.model.states import OWNED, State
from common.core.rate_limits.bucket import DAY
from common.core.rate_limits.budgets import POLLS
from common.core.rate_limits.rate_limits import RateLimits
from common.core.registries.registries import Registries
from common.core.schedule.cadence import base_interval
from common.core.schedule.calm import EXACT, drops_later, is_off_hours
from common.core.schedule.drop_hours import EDGE
from common.core.schedule.window_value import (
    OFF_STEP,
    Windows,
    find_level,
    finest_steps,
    off_hours_ratios,
    step_at,
    weigh_windows,
)
from common.core.trust.server_trust import Trust

#: Seconds between two counts of the names inside windows.
COUNT_EVERY = 10.0
#: Share of a registry's rate, and of what is left of its quota, for looks inside windows.
RATE_SHARE, QUOTA_SHARE = 0.5, 0.8
#: Probability that a name drops in its window, by its state, where no forecast of this run tells.
_CHANCES = {State.PENDING_DELETE: 0.9, State.REDEMPTION: 0.7, State.UNDELEGATED: 0.4}
_CHANCE_BY_CODE = np.array([_CHANCES.get(state, 0.2) for state in STATES])
_IS_OWNED = np.array([state in OWNED for state in STATES])


@dataclass(slots=True, kw_only=True)
class WindowShares:
    """The levels of operators, counted anew every few seconds."""

    domains: Domains
    registries: Registries
    rate_limits: RateLimits
    channels: Channels
    trust: Trust
    _levels: dict[str, float] = field(init=False, default_factory=dict)
    _counted_at: float = field(init=False, default=0.0)

    def step_of(self, entry: Entry, now: float) -> float | None:
        """Seconds between looks at a name that is out of the zone and inside its window; None for any other.

        On the day of its drop, outside of the hours that were learned, a part of its looks is kept for these.
        """
        drop, hours = entry.drop, self.domains.calendar.hours
        off_hours = is_off_hours(entry, now, hours)
        inside = entry.in_window(now, EDGE) or off_hours
        if drop is None or not inside or entry.state not in OWNED or drops_later(entry, now, hours):
            return None
        paying = self.find_operator(entry.suffix, now)
        if paying is None:
            return None
        if now >= self._counted_at + COUNT_EVERY:
            self._counted_at, self._levels = now, self.count_levels(now)
        start, length = hours.hours_of(entry.suffix)
        window = Windows(*(np.array([value]) for value in (drop.earliest, drop.latest, start, length)))
        if not off_hours and not window.are_open(now)[0]:
            return float("inf")
        chance = np.array([drop.probability or _CHANCE_BY_CODE[STATE_CODES[entry.state]]])
        weight = float(weigh_windows(window, chance, np.array([entry.priority]))[0])
        level = self._levels.get(paying[0].operator, float("inf"))
        if off_hours:
            finest = min(OFF_STEP, base_interval(entry, self.domains.cadence))
            return step_at(level, weight * float(off_hours_ratios(window.length)[0]), finest)
        base = base_interval(entry, self.domains.cadence)  # a shorter one is wanted as long as the budget pays for it
        return step_at(level, weight, min(base, float(finest_steps(window, now)[0])))

    def count_levels(self, now: float) -> dict[str, float]:
        """The level of every operator with names in windows today."""
        table, midnight = self.domains.table, (now // DAY + 1) * DAY
        size = len(table)
        ids = np.flatnonzero((table.earliest[:size] <= midnight) & (table.latest[:size] >= now - EDGE))  # NaN is neither
        ids = ids[table.have_flag(ids, Flag.WATCHED) & table.have_flag(ids, Flag.SINGLE) & _IS_OWNED[table.state[ids]]]
        ids = ids[self._may_drop(ids)]
        members: dict[str, list[int]] = {}
        payers: dict[str, dict[str, tuple[Limit, str]]] = {}  # by the operator that is asked first: those of all its channels
        numbers = table.suffix[ids]
        for number in np.unique(numbers).tolist():
            found = self._find_operators(table.suffixes[number], now)
            if found:
                first = found[0][0].operator
                payers.setdefault(first, {}).update((limit.operator, (limit, method)) for limit, method in found)
                members.setdefault(first, []).append(number)
        sharing = Counter(operator for group in payers.values() for operator in group)
        return {
            first: self._level_of(
                [(*payer, sharing[operator]) for operator, payer in payers[first].items()], ids[np.isin(numbers, group)], now
            )
            for first, group in members.items()
        }

    def find_operator(self, suffix: str, now: float) -> tuple[Limit, str] | None:
        """The limit and method of the registry channel that is asked first; None where none can be asked."""
        return next(iter(self._find_operators(suffix, now)), None)

    def _find_operators(self, suffix: str, now: float) -> list[tuple[Limit, str]]:
        """The limits and methods of the registry channels that can be asked, in their order."""
        return [
            (self.registries.limit_of(*key), key.method)
            for key in self.registries.channels_of(suffix)
            if not self.trust.is_distrusted(key, now) and not self.channels.healths.is_resting(key, now)
        ]

    def allowed_today(self, limit: Limit, method: str, now: float) -> tuple[float, float]:
        """How many looks a second, and how many more today, an operator allows for names inside windows."""
        egresses, budgets = self.rate_limits.egresses_of(method, now), self.rate_limits.budgets
        rate = RATE_SHARE * sum(budgets.learned_rate(limit, egress, now) for egress in egresses)
        return rate, QUOTA_SHARE * sum(budgets.quota_left(limit, egress, now, now, POLLS) for egress in egresses)

    def _level_of(self, payers: list[tuple[Limit, str, int]], ids: Ids, now: float) -> float:
        """The level at which these names take what their operators allow: limit, method, and how many groups share each.

        Their pace is that of the first; what the others allow until midnight is added to its quota.
        """
        table = self.domains.table
        windows = self._windows_of(ids)
        chance = np.where(table.chance[ids] > 0, table.chance[ids].astype(np.float64), _CHANCE_BY_CODE[table.state[ids]])
        weights = weigh_windows(windows, chance, table.have_flag(ids, Flag.PRIORITY))
        most = 1.0 / finest_steps(windows, now)
        (rate, left), *others = (self.allowed_today(limit, method, now) for limit, method, _ in payers)
        until_midnight = DAY - now % DAY
        for (other_rate, other_left), (_, _, sharing) in zip(others, payers[1:], strict=True):
            left += min(other_left, other_rate * until_midnight) / sharing
        are_open: Times = windows.are_open(now).astype(np.float64)
        off_hours = np.where(self._are_learned(ids), windows.off_hours_today(now), 0.0)
        today = find_level(
            np.concatenate((weights, weights * off_hours_ratios(windows.length))),
            np.concatenate((most, np.full(len(ids), 1.0 / OFF_STEP))),
            np.concatenate((windows.open_today(now), off_hours)),
            left,
        )
        return min(find_level(weights, most, are_open, rate), today)

    def _are_learned(self, ids: Ids) -> NDArray[np.bool_]:
        """Of which of these names the hours were learned, so that looks are kept for the rest of their day (`is_off_hours`)."""
        table, hours = self.domains.table, self.domains.calendar.hours
        numbers, places = np.unique(table.suffix[ids], return_inverse=True)
        learned = np.array([hours.is_learned(table.suffixes[number]) for number in numbers.tolist()], np.bool_)[places]
        found: NDArray[np.bool_] = learned & (table.latest[ids].astype(np.float64) - table.earliest[ids] <= EXACT)
        return found

    def _windows_of(self, ids: Ids) -> Windows:
        """The windows of these names, with the hours of their registries."""
        table, known = self.domains.table, self.domains.calendar.hours
        numbers, places = np.unique(table.suffix[ids], return_inverse=True)
        hours = np.array([known.hours_of(table.suffixes[number]) for number in numbers.tolist()]).reshape(-1, 2)[places]
        earliest, latest = table.earliest[ids].astype(np.float64), table.latest[ids].astype(np.float64)
        return Windows(earliest, latest, hours[:, 0], hours[:, 1])

    def _may_drop(self, ids: Ids) -> NDArray[np.bool_]:
        """Which of these names have no other phase before their drop."""
        table, hours = self.domains.table, self.domains.calendar.hours
        redeemed = table.state[ids] == STATE_CODES[State.REDEMPTION]
        numbers = table.suffix[ids]
        waits = [number for number in np.unique(numbers[redeemed]).tolist() if hours.pending_days(table.suffixes[number])]
        found: NDArray[np.bool_] = ~(redeemed & np.isin(numbers, waits))
        return found
