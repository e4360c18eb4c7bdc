"""Names that are registered but not in the zone, seen lately: a source that asks the registry must not offer them.

A registrar that answers from the zone, or from a cache, is right about names that are delegated and about random ones, and
would call every name in redemption free.
"""

from __future__ import annotations

from typing import NamedTuple

from common.core.model.entry import Entry
from common.core.model.evidence import Observation, Outcome, Phase
from common.core.model.methods import RECORD_METHODS
from common.core.model.states import State
from common.core.schedule.cadence import is_imminent

#: How long after the registry showed such a name it is surely still registered, in seconds.
LATELY = 900.0


class _Hidden(NamedTuple):
    name: str
    at: float  # when the registry showed it, in epoch seconds


class HiddenNames:
    """The last such name of each suffix."""

    def __init__(self) -> None:
        self._seen: dict[str, _Hidden] = {}

    def note_record(self, entry: Entry, observation: Observation, now: float) -> None:
        """Note a name whose record the registry just showed, if it is not in the zone and will not drop shortly.

        One that the registry denies is hidden no more.
        """
        hidden = self._seen.get(entry.suffix)
        if hidden is not None and hidden.name == entry.name and entry.detail.purged_at is not None:
            del self._seen[entry.suffix]
        shown = observation.method in RECORD_METHODS and observation.reading.outcome is Outcome.REGISTERED
        if shown and _is_hidden(entry) and not is_imminent(entry, now):
            self._seen[entry.suffix] = _Hidden(entry.name, now)

    def find_name(self, suffix: str, now: float) -> str | None:
        """The name of a suffix that was seen lately, None where there is none."""
        hidden = self._seen.get(suffix)
        return hidden.name if hidden is not None and now - hidden.at <= LATELY else None


def _is_hidden(entry: Entry) -> bool:
    """Whether a name is registered and not in the zone; of one in pending delete it has to be known when it may drop."""
    if entry.phase is Phase.PENDING_DELETE:
        return entry.drop is not None
    if entry.phase is Phase.ACTIVE:
        return entry.state is State.UNDELEGATED
    return entry.phase in (Phase.UNDELEGATED, Phase.REDEMPTION, Phase.PENDING_RESTORE)
