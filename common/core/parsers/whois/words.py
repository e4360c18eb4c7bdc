"""The status words of WHOIS servers and what they mean, beyond the EPP and RDAP words of `common.core.parsers.statuses`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from common.core.model.evidence import Outcome, Phase
from common.core.parsers import statuses
from common.core.parsers.release import in_procedure

#: Status words of registered names -> the phase.
_REGISTERED = {
    "activ": Phase.ACTIVE, "activo": Phase.ACTIVE, "actif": Phase.ACTIVE, "activé": Phase.ACTIVE, "activated": Phase.ACTIVE,
    "registered": Phase.ACTIVE, "connected": Phase.ACTIVE, "connect": Phase.ACTIVE, "failed": Phase.ACTIVE,
    "granted": Phase.ACTIVE, "delegated": Phase.ACTIVE, "live": Phase.ACTIVE, "taken": Phase.ACTIVE,
    "not available": Phase.ACTIVE, "open": Phase.ACTIVE, "paid and in zone": Phase.ACTIVE, "transit": Phase.ACTIVE,
    "registrar locked": Phase.ACTIVE, "verified": Phase.ACTIVE, "registered until expiry date": Phase.ACTIVE,
    "registered until cancelled": Phase.ACTIVE, "assigned": Phase.ACTIVE, "registered until renewal date": Phase.ACTIVE,
    "complete": Phase.ACTIVE, "in use": Phase.ACTIVE, "ok until": Phase.ACTIVE, "client updt lock": Phase.ACTIVE,
    "update prohibited by registrar": Phase.ACTIVE, "signed": Phase.ACTIVE, "delete prohibited by registrar": Phase.ACTIVE,
    "transfer prohibited by registrar": Phase.ACTIVE, "paid": Phase.ACTIVE, "client xfer prohibited": Phase.ACTIVE,
    "server xfer prohibited": Phase.ACTIVE, "registered, delegated": Phase.ACTIVE, "graceperiod": Phase.EXPIRED_GRACE,
    "grace period": Phase.EXPIRED_GRACE, "expired": Phase.EXPIRED_GRACE, "to be suspended": Phase.EXPIRED_GRACE,
    "grace": Phase.EXPIRED_GRACE, "renewal required": Phase.EXPIRED_GRACE, "auto renew grace period": Phase.EXPIRED_GRACE,
    "autorenewperiod": Phase.EXPIRED_GRACE, "expired hold": Phase.EXPIRED_GRACE, "not in zone": Phase.UNDELEGATED,
    "not delegated": Phase.UNDELEGATED,
    "registered, not delegated": Phase.UNDELEGATED, "out of service": Phase.REDEMPTION, "no delegado": Phase.UNDELEGATED,
    "dns hold": Phase.UNDELEGATED, "hold": Phase.UNDELEGATED, "on hold": Phase.UNDELEGATED,
    "inactive / dns hold": Phase.UNDELEGATED, "inactivo": Phase.UNDELEGATED, "no longer required": Phase.PENDING_DELETE,
    "quarantine": Phase.REDEMPTION, "in quarantine": Phase.REDEMPTION, "deactivated": Phase.REDEMPTION,
    "redemption no provider": Phase.REDEMPTION,
    "pending delete / redemption period": Phase.REDEMPTION, "pending delete / pending delete": Phase.PENDING_DELETE,
    "deleted": Phase.PENDING_DELETE, "expired pending purge": Phase.PENDING_DELETE, "pending purge": Phase.PENDING_DELETE,
    "delete": Phase.PENDING_DELETE, "out of zone": Phase.UNDELEGATED, "suspended": Phase.UNDELEGATED,
    "suspendido": Phase.UNDELEGATED, "suspendu": Phase.UNDELEGATED,
}  # fmt: skip


def _split_table(words: str) -> list[str]:
    return words.split("|")


_FREE = frozenset(
    _split_table(
        "free|available|no object found|not registered|unregistered|not found|disponible|libre|frei|vrij|livre|libero|vapaa"
        "|ledig|available for registration|nonexistent|no match|does not exist|domain not found|domain available|not exist"
    )
)
_RESERVED = re.compile(
    r"(?:registry |pre)?reserved\b|unassignable|blocked\b|not open|unavailable$|prohibited string|withdrawn|excluded"
    r"|restricted\b|locally blocked|not delegable|forbidden|banned|on hold by registry|dispute lock|prohibited$"
    r"|not available for registration"
)
_PREMIUM = re.compile(r"premium\b|platinum\b")
_INVALID = re.compile(r"invalid|not allowed|not managed|illegal|this whois server does not have any records")
_THROTTLED = re.compile(r"request denied|too many|rate limit|throttled|limit exceeded")
_DATED = re.compile(r" \d{4}[\d./-]{2,16}$")
_CODE = re.compile(r"^\d{3} ")
_PARTS = re.compile(r"\s*[,;]\s+|,(?=\S)")
_LONGEST = 120


def normalise_word(word: str) -> str:
    """A status word as RDAP word or in lower case, without result code, date and link."""
    return _DATED.sub("", _CODE.sub("", statuses.normalise_status(word))).rstrip(".")


@lru_cache(maxsize=4096)
def outcome_of(word: str) -> Outcome | None:
    """The outcome that a normalised status word means; None for an unknown word."""
    if not word or len(word) > _LONGEST:
        return None
    if word in _FREE:
        return Outcome.UNREGISTERED
    for pattern, outcome in (
        (_PREMIUM, Outcome.PREMIUM),
        (_RESERVED, Outcome.RESERVED),
        (_INVALID, Outcome.INVALID),
        (_THROTTLED, Outcome.THROTTLED),
    ):
        if pattern.match(word):
            return outcome
    if word in _REGISTERED:
        return Outcome.REGISTERED
    if in_procedure(word, labelled=True):
        return Outcome.DROPPING
    return None if statuses.phase_of((word,)) is None else Outcome.REGISTERED


def split_statuses(value: str) -> list[str]:
    """The status words of one line, at most eight: several may stand on it, separated by commas or semicolons."""
    return [part for part in _PARTS.split(value[:300]) if part.strip()][:8]


_ORDER = (
    Phase.PENDING_RESTORE,
    Phase.REDEMPTION,
    Phase.PENDING_DELETE,
    Phase.UNDELEGATED,
    Phase.EXPIRED_GRACE,
    Phase.ACTIVE,
)


def find_announcing_word(words: Iterable[str]) -> str:
    """The first of the normalised words that means pending delete; "" where none does."""
    return next((word for word in words if phase_of_words((word,), {}) is Phase.PENDING_DELETE), "")


def phase_of_words(words: Iterable[str], own: Mapping[str, Phase], announced: Phase | None = None) -> Phase | None:
    """The phase that the normalised words of one record mean together: the one nearest to deletion wins.

    `own` maps words that mean something else on this server than elsewhere, `announced` is the phase that a sentence beside the
    record announces.
    """
    listed = [part for word in words for part in ((word,) if word in _REGISTERED else word.split(" / "))]
    found = {own.get(word) or _REGISTERED.get(word) for word in listed} | {announced}
    found.add(statuses.phase_of(word for word in listed if word not in _REGISTERED))
    return next((each for each in _ORDER if each in found), None)
