"""How far apart the questions to a registry are about a name that another channel guards, or that cannot drop about now.

The zone shows that a delegated name is registered, that a held one is delegated again, and that an announced one was taken. The
registry alone knows the dates of a record, a phase without a delegation, and a registration that is not in the zone: for these
it is asked, as often as an answer is worth it. Where a zone answers for every name the registry is all there is to ask.
"""

from __future__ import annotations

from math import inf

import numpy as np

from common.core.model.entry import Entry
from common.core.model.evidence import Phase
from common.core.model.ids import Times
from common.core.model.methods import REGISTRY_METHODS
from common.core.model.states import ANNOUNCED, State
from common.core.schedule.calm import PRIORITY

DAY = 86_400.0
#: Seconds between questions about the record of a delegated name, and of one that is delegated after its expiry.
IN_ZONE, IN_GRACE = 7 * DAY, 3 * DAY
#: Seconds between questions about a name that is held, without a delegation, and the same around its expiry.
HELD, HELD_EXPIRING = DAY, DAY / 2
#: Seconds before and after expiry in which a name is likely to be deleted or renewed.
BEFORE_EXPIRY, AFTER_EXPIRY = 14 * DAY, 45 * DAY
#: Seconds before expiry from which on a name that no zone guards is asked about every day.
NEARER = 60 * DAY
#: Seconds after an alarm in which every check asks the registry (`cadence.AFTER_ALARM`).
FOLLOWED = 1800.0
#: Ages of an announcement in seconds, and how far apart questions are up to each: zero, four a day, daily, and then weekly.
_AGES = np.array([FOLLOWED, 7 * DAY, 60 * DAY])
_APART = np.array([0.0, DAY / 4, DAY, 7 * DAY])
#: Probability of a drop from which on its window counts where only the registry can tell of it.
LIKELY = 0.5
#: States of a name without an object, of which all was told.
TOLD = ANNOUNCED | {State.RESERVED}
#: The longest wait in seconds that is planned for a name whose zone answers for every name.
LONGEST_UNGUARDED = 7 * DAY
#: Phases of a name that its zone guards, unless that answers for every name.
_GUARDED = (None, Phase.ACTIVE, Phase.EXPIRED_GRACE, Phase.UNDELEGATED)


def told_intervals(ages: Times) -> Times:
    """Seconds between questions to the registry about names that were announced so many seconds ago."""
    found: Times = _APART[np.searchsorted(_AGES, ages, side="right")]
    return found


def is_near_expiry(from_expiry: float | None) -> bool:
    """Whether a name expired a while ago, or will soon; `from_expiry` in seconds, negative before, None without a date."""
    return from_expiry is not None and -BEFORE_EXPIRY <= from_expiry <= AFTER_EXPIRY


def is_look_due(entry: Entry, now: float) -> bool:
    """Whether the registry is to be asked about a name that is not in the zone, or the zone alone."""
    if entry.state in TOLD:
        interval = _told_interval(entry, now)
    elif entry.phase is Phase.UNDELEGATED and not entry.in_window(now):
        from_expiry = _from_expiry(entry, now)
        interval = HELD_EXPIRING if from_expiry is None or is_near_expiry(from_expiry) else HELD
    else:
        return True
    return now - _asked_at(entry) >= interval / _worth(entry)


def unguarded_look_at(entry: Entry, now: float) -> float | None:
    """When to ask next about a name whose zone answers for every name, in epoch seconds.

    None where its calendar tells that (a deletion under way, a likely window), and where its state is not settled.
    """
    if entry.state in TOLD:
        return _asked_at(entry) + _told_interval(entry, now) / _worth(entry)
    if entry.state not in (State.REGISTERED, State.EXPIRED_GRACE, State.UNDELEGATED) or entry.phase not in _GUARDED:
        return None
    nearest = inf
    if entry.drop is not None and entry.drop.probability >= LIKELY:
        nearest = entry.drop.earliest - DAY
        if nearest <= now:
            return None
    expires, from_expiry = entry.detail.expires_epoch, _from_expiry(entry, now)
    interval = HELD if from_expiry is None or from_expiry >= -NEARER else IN_ZONE
    if entry.phase is Phase.EXPIRED_GRACE or is_near_expiry(from_expiry):
        interval = HELD_EXPIRING
    at = min(_asked_at(entry) + interval / _worth(entry), nearest)
    if expires is None or expires <= now:
        return at
    return min(at, max(now, expires - NEARER) + HELD, expires)


def _told_interval(entry: Entry, now: float) -> float:
    since = now if entry.since is None else entry.since
    return float(told_intervals(np.array(now - since)))


def _from_expiry(entry: Entry, now: float) -> float | None:
    expires = entry.detail.expires_epoch
    return None if expires is None else now - expires


def _asked_at(entry: Entry) -> float:
    """When the registry last said something about a name, in epoch seconds; 0 for never."""
    evidence = entry.detail.evidence
    return max((item.at for method, item in evidence.items() if method in REGISTRY_METHODS), default=0.0)


def _worth(entry: Entry) -> float:
    return PRIORITY if entry.priority else 1.0
