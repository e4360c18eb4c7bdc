"""Which registrar to ask about a name that the registry denies, if any: their queries are few, and cost money at some vendors.

One answer is enough for an announcement, so a registrar is asked once when an alarm is in the making, and again only where the
answer may change: one that refused the name more and more seldom, for it may lag behind the registry or the name be reserved.
One that says nothing is followed by the next, a bounded number of times in a check. In the place of a registry that says
nothing a registrar is asked at once about a name that left the zone, and seldom after that.
"""

from __future__ import annotations

from collections.abc import Sequence

from common.core.model.entry import Check, Entry
from common.core.model.evidence import Outcome
from common.core.model.methods import is_definitive, is_registrar, is_registry
from common.core.model.offers import HINTS, REFUSED, kind_of_offer
from common.core.model.states import State
from common.core.schedule.cadence import is_imminent
from common.core.telemetry.error_kinds import UNASKED

DAY = 86_400.0
#: Most registrars asked in one check; of a registry that is silent two of them stand in for it, as two sources.
MOST_ASKED = 2
#: Fewest seconds after which one that refused the name is asked again, and after which one that said nothing is.
ASK_REFUSING, ASK_SILENT = 30.0, 300.0
#: Seconds after which a query that did not leave is tried again.
ASK_UNASKED = 30.0
#: Seconds between two answers about one name that stand in for the registry's: of a name that may drop now, of one that is not
#: in the zone or has priority, and of any other.
STAND_IN_IMMINENT, STAND_IN_DOUBTFUL, STAND_IN_ORDINARY = 60.0, 600.0, 6 * 3600.0
#: States in which the offer is known for good, as long as they last.
_OFFERED = frozenset({State.AVAILABLE, State.AVAILABLE_PREMIUM})


def is_denied(check: Check) -> bool:
    """Whether a channel of the registry, or a registrar, says in this check that there is no object."""
    return any(
        (outcome is Outcome.UNREGISTERED and is_registry(method)) or (outcome is Outcome.PREMIUM and is_definitive(method))
        for method, outcome in check.outcomes.items()
    )


def choose_registrars(entry: Entry, check: Check, registrars: Sequence[str], now: float) -> list[str]:
    """The registrar to ask next about a name without an object; none where its offer is known, or enough were asked."""
    asked = [method for method in check.asked if is_registrar(method)]
    if len(asked) >= MOST_ASKED or entry.state is State.RESERVED:
        return []
    if any(_is_offer_known(entry, method, now) for method in entry.detail.evidence):
        return []
    usable = [method for method in registrars if method not in asked and not _said_nothing_lately(entry, method, now)]
    usable.sort(key=lambda method: method in entry.detail.evidence)  # another one than the one that refused the name
    return usable[:1]


def choose_stand_ins(entry: Entry, check: Check, registrars: Sequence[str], now: float) -> list[str]:
    """The registrars to ask next in the place of a registry that says nothing, at most `MOST_ASKED` in a check.

    None about a name that one of them would create: what ends that is a delegation, or the registry.
    """
    if entry.state in _OFFERED:
        return []
    asked = [method for method in check.asked if is_registrar(method)]
    left = [
        method
        for method in registrars
        if method not in asked and _is_stand_in_due(entry, check, method, now) and not _said_nothing_lately(entry, method, now)
    ]
    return left[: max(0, MOST_ASKED - len(asked))]


def _is_stand_in_due(entry: Entry, check: Check, method: str, now: float) -> bool:
    """Whether the last answer of a registrar about a name is too old to stand in for that of the registry."""
    known, zone = entry.detail.evidence.get(method), entry.detail.evidence.get("dns")
    if known is None or known.observation.reading.finding in HINTS or check.confirm or check.manual:
        return True
    left_at = zone.first_at if zone is not None and zone.observation.reading.outcome is Outcome.UNREGISTERED else None
    if left_at is not None and known.at < left_at:
        return True  # it left the zone since
    if is_imminent(entry, now):
        return now - known.at >= STAND_IN_IMMINENT
    return now - known.at >= (STAND_IN_DOUBTFUL if left_at is not None or entry.priority else STAND_IN_ORDINARY)


def _is_offer_known(entry: Entry, method: str, now: float) -> bool:
    """Whether the answer of a method is an offer, from this absence of the name, that needs no new one."""
    item = entry.detail.evidence[method]
    kind, purged_at = kind_of_offer(method, item), entry.detail.purged_at or 0.0
    if kind is None or item.at < purged_at:
        return False
    if kind == REFUSED:
        return now - item.at < max(ASK_REFUSING, min(DAY, item.at - purged_at))
    return entry.state in _OFFERED or now - item.at < DAY


def _said_nothing_lately(entry: Entry, method: str, now: float) -> bool:
    """Whether a registrar was asked, or could not be, a short while ago without result; a hint is none."""
    known = entry.detail.evidence.get(method)
    if known is not None and known.observation.reading.finding in HINTS and now - known.at < ASK_SILENT:
        return True
    trouble = entry.detail.trouble.get(method)
    if trouble is None:
        return False
    finding = trouble.observation.reading.finding
    pause = DAY if finding == "registrar_unsupported" else ASK_UNASKED if finding in UNASKED else ASK_SILENT
    return now - trouble.at < pause
