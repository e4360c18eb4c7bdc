"""The states of a name, and the sets of them that decisions are made by."""

from __future__ import annotations

from enum import StrEnum

from common.core.model.evidence import Phase


class State(StrEnum):
    """The state that a name is reported in. UNKNOWN never replaces another state."""

    INVALID = "INVALID"
    NOT_REGISTRABLE = "NOT_REGISTRABLE"
    REGISTERED = "REGISTERED"
    UNDELEGATED = "UNDELEGATED"
    EXPIRED_GRACE = "EXPIRED_GRACE"
    REDEMPTION = "REDEMPTION"
    PENDING_DELETE = "PENDING_DELETE"
    DROPPING = "DROPPING"
    UNREGISTERED = "UNREGISTERED"
    AVAILABLE = "AVAILABLE"
    AVAILABLE_PREMIUM = "AVAILABLE_PREMIUM"
    RESERVED = "RESERVED"
    UNKNOWN = "UNKNOWN"


#: Phases in which a name is not in the zone: there NXDOMAIN is nothing new.
OUT_OF_ZONE = frozenset({Phase.UNDELEGATED, Phase.REDEMPTION, Phase.PENDING_RESTORE, Phase.PENDING_DELETE, Phase.DROPPING})

#: States in which a name is registered.
OWNED = frozenset({State.REGISTERED, State.UNDELEGATED, State.EXPIRED_GRACE, State.REDEMPTION, State.PENDING_DELETE})

#: States that were announced as free to register, so that their end is announced too.
ANNOUNCED = frozenset({State.AVAILABLE, State.AVAILABLE_PREMIUM, State.UNREGISTERED})

#: Phases that end with the deletion of the name, unless its registrar restores it.
ENDING = frozenset({Phase.REDEMPTION, Phase.PENDING_DELETE})
