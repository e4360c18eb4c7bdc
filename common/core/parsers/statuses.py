"""Map the status words of a domain (EPP, RDAP and misspellings of both) to RDAP words, and a set of them to a phase.

RFC 8056 maps EPP to RDAP words, RFC 5731 section 2.3 and RFC 3915 section 3.1 define them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from common.core.model.evidence import Phase
from common.core.parsers.release import announced_phase

#: Longest status word read, in characters.
_LONGEST = 200

_WORDS = (
    "add period",
    "associated",
    "auto renew period",
    "client delete prohibited",
    "client hold",
    "client renew prohibited",
    "client transfer prohibited",
    "client update prohibited",
    "inactive",
    "active",
    "pending create",
    "pending delete",
    "pending renew",
    "pending restore",
    "pending transfer",
    "pending update",
    "redemption period",
    "renew period",
    "server delete prohibited",
    "server hold",
    "server renew prohibited",
    "server transfer prohibited",
    "server update prohibited",
    "transfer period",
    "validated",
    "renew prohibited",
    "update prohibited",
    "transfer prohibited",
    "delete prohibited",
    "proxy",
    "private",
    "removed",
    "obscured",
    "locked",
    "reserved",
)
#: Words that are written differently from the RDAP word, without spaces: RFC 8056 (ok, linked) and what servers send instead.
_ALIASES = {
    "ok": "active",
    "linked": "associated",
    "transferhold": "transfer period",  # a known misspelling of transferPeriod
    "registrarhold": "client hold",
    "registryhold": "server hold",
    "pendingdeleterestorable": "redemption period",
    "pendingdeletescheduledforrelease": "pending delete",
    "redemption": "redemption period",
    "atauction": "at auction",
    "inauction": "in auction",
    "pendingregistration": "pending registration",
    "deletecandidate": "delete candidate",
    "tobedeleted": "to be deleted",
    "tobereleased": "to be released",
}
_SQUEEZED = {word.replace(" ", ""): word for word in _WORDS} | _ALIASES

_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_GAPS = re.compile(r"[\s_\-]+")
_TAIL = re.compile(r"[#(]|\bhttps?:")

_RESTORE = frozenset({"pending restore"})
#: "Pending release" is the .nz registry's word for its ninety days in which the registrant may still reinstate the name.
_REDEMPTION = frozenset({"redemption period", "quarantine", "in quarantine", "pending release"})
_DELETE = frozenset({"pending delete"})
_UNDELEGATED = frozenset({"client hold", "server hold", "inactive"})
_GRACE = frozenset({"auto renew period"})
#: "Disputed" is the .ee registry's mark for a name whose ownership is in dispute: registered all the same.
_REGISTERED = frozenset(_WORDS) - {"removed", "reserved"} | {"disputed"}
#: The order in which several statuses count; redemption is also "pending delete" by RFC 3915, so it comes first.
_PRECEDENCE = (
    (_RESTORE, Phase.PENDING_RESTORE),
    (_REDEMPTION, Phase.REDEMPTION),
    (_DELETE, Phase.PENDING_DELETE),
    (_UNDELEGATED, Phase.UNDELEGATED),
    (_GRACE, Phase.EXPIRED_GRACE),
    (_REGISTERED, Phase.ACTIVE),
)
_KNOWN = frozenset(word for members, _ in _PRECEDENCE for word in members)


def normalise_status(word: str) -> str:
    """The RDAP form of a status word: lower case, spaced ("clientHold https://icann.org/epp#clientHold" -> "client hold").

    An unknown word is returned in the same form, so that it can still be shown. Total: any text gives a text.
    """
    text = word[:_LONGEST]
    if cut := _TAIL.search(text):
        text = text[: cut.start()]
    text = _GAPS.sub(" ", _HUMP.sub(" ", text)).strip(" .,;:\"'").lower()
    return _SQUEEZED.get(text.replace(" ", ""), text)


def phase_of(statuses: Iterable[str]) -> Phase | None:
    """The phase that a set of status words means; None where none of them is known.

    Precedence: pending restore, redemption period, pending delete, holds and inactive, auto renew period, then any other
    word of a registered name. A word that announces a deletion ("to be deleted", "delete candidate") is pending delete.
    """
    words = {normalise_status(status) for status in statuses}
    announced = {announced_phase(word, labelled=True) for word in words - _KNOWN}
    for members, phase in _PRECEDENCE:
        if words & members or phase in announced:
            return phase
    return None
