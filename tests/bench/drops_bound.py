"""The bound of `bench drops`: what polling step the product chooses for a name, and how late its notice may be. Pure.

The **polling step** of a name is the number of seconds between two looks that the product plans inside the drop window: the
level of its operator, at which the names that wait in their windows together take what its budget gives them
(`window_value.find_level`), gives each a step by its weight (`step_at`); or its base interval where that is shorter. The
**confirming pass** comes `CONFIRM_GAP_CLOSE` seconds after the first. How late a notice is counts in polling steps beyond it:

    (purge to accepted callback - confirming pass) / polling step        the median over all drops is held at 1.5
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from common.core.checks.window_shares import RATE_SHARE
from common.core.schedule.cadence import Cadence
from common.core.schedule.drop_hours import EDGE, PUBLISHED
from common.core.schedule.window_value import Windows, find_level, finest_steps, step_at, weigh_windows

#: Most polling steps that the median notice may take beyond the confirming pass.
STEPS = 1.5


@dataclass(frozen=True, slots=True)
class Waiting:
    """A name that waits for its drop. The window is the product's forecast, in epoch seconds.

    `rate` is what the registry channel that is asked first allows, in queries per second, and `operator` names its budget.
    """

    name: str
    suffix: str
    priority: bool
    earliest: float
    latest: float
    chance: float
    operator: str
    rate: float

    def in_window(self, now: float) -> bool:
        """Whether it may drop now, as far as the forecast tells."""
        return self.earliest - EDGE <= now <= self.latest + EDGE


def polling_step(name: Waiting, waiting: Sequence[Waiting], cadence: Cadence, now: float) -> float:
    """Seconds between looks at `name` while all of `waiting`, itself among them, wait for their drops."""
    base = cadence.priority_interval if name.priority else cadence.interval
    if not name.in_window(now):
        return base
    members = [each for each in waiting if each.operator == name.operator and each.in_window(now)]
    windows = _windows_of(members)
    urgent = np.array([each.priority for each in members])
    weights = weigh_windows(windows, np.array([each.chance for each in members]), urgent)
    finest = finest_steps(windows, now)
    level = find_level(weights, 1.0 / finest, windows.are_open(now).astype(np.float64), RATE_SHARE * name.rate)
    place = members.index(name)
    return min(base, step_at(level, float(weights[place]), float(finest[place])))


class Forecasts:
    """The forecast of every name as the product changed it in the course of a run."""

    def __init__(self) -> None:
        self._known: dict[str, list[tuple[float, Waiting]]] = {}  # by name, with the time from which each holds

    def __len__(self) -> int:
        return len(self._known)

    def note(self, found: Waiting, now: float) -> None:
        """Note what is forecast for a name at `now`."""
        known = self._known.setdefault(found.name, [])
        if not known or known[-1][1] != found:
            known.append((now, found))

    def at(self, name: str, when: float) -> Waiting | None:
        """The newest forecast by then, the first one before it; None of a name that had none."""
        known = self._known.get(name, [])
        return next((found for since, found in reversed(known) if since <= when), known[0][1] if known else None)

    def steps_at_purges(self, purged: Mapping[str, float], told: Mapping[str, float], cadence: Cadence) -> dict[str, float]:
        """The polling step of every purged name at its purge: all names share the budget that were not told by then."""
        never = float("inf")
        found = {}
        for name, moment in purged.items():
            own = self.at(name, moment)
            others = (self.at(other, moment) for other in self._known if told.get(other, never) > moment)
            if own is not None:
                found[name] = polling_step(own, [each for each in others if each is not None], cadence, moment)
        return found


def steps_late(seconds: float, step: float, gap: float) -> float:
    """How many polling steps a notice took beyond the confirming pass, `seconds` after the purge."""
    return (seconds - gap) / step


def _windows_of(names: Sequence[Waiting]) -> Windows:
    hours = np.array([PUBLISHED.hours_of(each.suffix) for each in names]).reshape(-1, 2)
    return Windows(
        np.array([each.earliest for each in names]), np.array([each.latest for each in names]), hours[:, 0], hours[:, 1]
    )
