"""Why a name cannot be created, in the words of a registry: the free text of `<domain:reason>` (RFC 5731 section 3.1.1).

The text is for people, so only whole English words that leave no doubt are read. A text that denies, permits or supposes
something, that has words of two kinds, or that has none of them, says no more than that the name cannot be created.
"""

from __future__ import annotations

import re

from common.core.model.evidence import Outcome, Phase, Reading
from common.core.parsers.epp.responses import complains
from common.core.parsers.rfc3339 import parse_rfc3339

_DROP = re.compile(r"(may )?drop (\S{1,40})", re.IGNORECASE)
_WORD = re.compile(r"[a-z0-9]+")
_IN_USE = re.compile(r"\bin use\b|\bregistered\b|\bexists\b|\btaken\b")
_RESERVED = re.compile(r"\b(?:reserved|blocked|restricted|prohibited|forbidden|banned|withheld|collision|dpml|globalblock)\b")
_INVALID = re.compile(r"\b(?:invalid|malformed|illegal|syntax)\b")
#: What else a text about an invalid name names: without it the request may be meant.
_NAME = re.compile(r"\b(?:name|domain|domains|label|labels|characters?|idn|length|syntax|format)\b")
#: Before or behind a word these turn its meaning, or speak of something else than the name.
_DOUBT = re.compile(
    r"\b(?:not|no|non|never|neither|nor|cannot|cant|without|unless|if|only|may|might|can|could|should|must|will|un|until"
    r"|account|client|registrar|session|request|requests|command|access|address|you|your|trademark|mark|similar|variant)\b"
)


def read_reason(text: str) -> Reading:
    """What the reason of `avail="0"` says about a name. Total: any text gives a Reading, none of them of a free name."""
    if complains(text):
        return Reading(Outcome.THROTTLED, "epp_throttled", f"the registry limits us: {text}"[:300])
    if drop := _read_drop(text):
        return drop
    said = " ".join(_WORD.findall(text.lower()))
    kinds = [
        (_RESERVED, Outcome.RESERVED, "epp_reserved", "the registry keeps the name back"),
        (_IN_USE, Outcome.REGISTERED, "epp_in_use", "the registry has the name in use"),
        (_INVALID, Outcome.INVALID, "epp_invalid", "the registry refuses the name itself"),
    ]
    found = [kind for kind in kinds if kind[0].search(said)]
    clear = len(found) == 1 and not _DOUBT.search(said)
    if not clear or (found[0][1] is Outcome.INVALID and not (said == "invalid" or _NAME.search(said))):
        return Reading(Outcome.UNAVAILABLE, "epp_unavailable", f"it cannot be created: {text or 'no reason given'}"[:300])
    _, outcome, finding, reason = found[0]
    return Reading(outcome, finding, f"{reason}: {text}"[:300])


def _read_drop(text: str) -> Reading | None:
    """Nominet's announcement of a deletion: "May Drop <time>" while the name can be restored, "Drop <time>" after that.

    Source: registrars.nominet.uk, "New domain expiry process and introduction of drop lists for .UK".
    """
    match = _DROP.fullmatch(text)
    at = parse_rfc3339(match[2]) if match else None
    if match is None or at is None:
        return None
    if match[1]:
        reason = f"it will be deleted at {at} unless it is renewed"
        return Reading(Outcome.REGISTERED, "epp_redemption", reason, phase=Phase.REDEMPTION)
    return Reading(Outcome.REGISTERED, "epp_pending_delete", f"it will be deleted at {at}", phase=Phase.PENDING_DELETE)
