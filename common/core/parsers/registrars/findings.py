"""What an answer of any registrar is mapped to: a finding for each name, with the offer, and the rate limit that it states."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum, auto
from typing import Any, NamedTuple

from common.core.model.evidence import Offer, Quota


class Finding(Enum):
    """What one answer of a registrar says about one name."""

    LIVE = auto()  # it can be created at list price, verified with the registry for this answer
    CACHED = auto()  # the same, from a cache or an estimate
    PREMIUM = auto()  # it can be created, at a price of its own
    UNAVAILABLE = auto()
    REGISTERED = auto()
    AFTERMARKET = auto()  # registered, and for sale by its holder
    RESERVED = auto()
    DROPPING = auto()
    INVALID = auto()
    UNSUPPORTED = auto()  # the registrar does not sell the suffix
    THROTTLED = auto()
    REFUSED = auto()  # it refuses our key, address or account
    NOTHING = auto()  # a form or word that is not known
    MISSING = auto()  # the name is not in the answer
    ERROR = auto()


class Answer(NamedTuple):
    """A finding about one name. `said`: the vendor's own word for it, bounded where it is shown.

    It stands there as the vendor wrote it: a key that it repeats in another case would pass the scrubber.
    """

    finding: Finding
    offer: Offer | None = None
    said: str = ""


class Parsed(NamedTuple):
    """One answer of a vendor. `answers` by A-label name; a name that is missing there says nothing.

    `whole`: what the call as such says, where it says nothing about names (an error). `quota`: a rate limit stated in the body.
    """

    answers: Mapping[str, Answer] = {}
    whole: Answer | None = None
    quota: Quota | None = None


#: Reads a body of a status below 500 that is none of 401, 402, 403 and 429, of a few vendors of 500 too: (status, body, A-label
#: names) -> Parsed. Raises ValueError for a body that is not of the vendor's encoding.
Parse = Callable[[int, bytes, Sequence[str]], Parsed]
#: Reads decoded JSON of a status of 200.
ParseJson = Callable[[Any, Sequence[str]], Parsed]


def fail_whole(finding: Finding, said: str = "") -> Parsed:
    """A call that says nothing about any name."""
    return Parsed(whole=Answer(finding, said=said))
