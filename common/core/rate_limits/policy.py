"""Is this operator limiting us? Decided here, for single questions and for sweeps; everything else only asks.

A complaint is a throttle text, a ban, or a refused connection. Answers of a registry's server that mean nothing are a limit
too, if several come in a row: an unknown text may well say "too many queries". A single odd answer is none, and neither is an
answer that never came: that may be our own network.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple, Protocol

from common.core.model.evidence import Observation, Outcome, Reading, unknown_reading
from common.core.model.limit import Limit
from common.core.parsers.dns_fast import DELEGATED, NXDOMAIN, UNASKED
from common.messages import SweepResult

#: Longest block, in seconds, that a question waits for in line.
PATIENCE = 30.0
#: Share of refused or throttled answers from which on a sweep is a complaint.
REFUSED_SHARE = 0.05
#: So many answers in a row that mean nothing are a limit, if they are about so many names: one odd name limits nothing.
SEVERAL, NAMES = 8, 2
#: Findings of a registry's server that answered, in no way that is understood. A name server says so by its rcode: none of DNS.
MEANINGLESS = frozenset(
    {
        "rdap_html", "rdap_bad_json", "rdap_no_domain", "rdap_content_type", "rdap_404_odd", "rdap_400_odd", "rdap_status",
        "rdap_redirect", "whois_unparsed", "whois_empty", "das_unparsed", "registrar_bad_json", "registrar_unparsed",
    }
)  # fmt: skip
#: A text that says that a ban is there, not that one may come.
_BAN = re.compile(
    r"(?<!\bbe )(?<!\bbeing )(?<!\bget )(?<!\bgetting )(?<!\bbe temporarily )(?<!\bbe permanently )"
    r"\b(?:banned|blocked|(?:black|block|deny)[ -]?list(?:ed)?)\b",
    re.IGNORECASE,
)
_ANSWERED = Observation("dns", Reading(Outcome.REGISTERED, "dns_auth_referral", "a sweep was answered"))


class Kind(StrEnum):
    """What an operator that limits us does."""

    THROTTLED = "throttled"
    BANNED = "forbidden"
    REFUSED = "connection refused"
    MEANINGLESS = "not understood"


#: Pauses in seconds after the first, second, third... complaint in a row. Nothing says that what means nothing is a limit, so a
#: server that is back from some trouble is not left alone for as long.
PAUSES: dict[Kind, tuple[float, ...]] = {
    Kind.THROTTLED: (60.0, 120.0, 240.0, 480.0, 960.0, 1920.0, 3600.0),
    Kind.BANNED: (900.0, 3600.0, 21_600.0),
    Kind.REFUSED: (60.0, 120.0, 240.0, 480.0, 960.0, 1800.0),
    Kind.MEANINGLESS: (60.0, 120.0, 240.0, 480.0, 900.0),
}


class Complaint(NamedTuple):
    """An answer by which an operator limits us; `wait` is the pause it asks for in seconds, None where it names none."""

    kind: Kind
    reason: str
    wait: float | None

    def pause_seconds(self, before: int) -> float:
        """Seconds for which the operator is left alone: as asked for, at least 1, else by the complaints before this one."""
        pauses = PAUSES[self.kind]
        return pauses[min(before, len(pauses) - 1)] if self.wait is None else max(1.0, self.wait)


class LimitedTimes(Protocol):
    """Where it is known until when operators are left alone."""

    def limited_until(self, limit: Limit, egress: str, now: float) -> float:
        """When the operator may be asked again at all, in epoch seconds."""
        ...


def complaint_of(observation: Observation) -> Complaint | None:
    """The complaint in one answer; None for an answer without one."""
    if observation.method != "dns" and observation.status in (401, 403):  # the status of a DNS answer is its rcode
        return _make_complaint(Kind.BANNED, observation)
    if observation.refused:
        return _make_complaint(Kind.REFUSED, observation)
    if observation.reading.outcome is Outcome.THROTTLED:
        said = f"{observation.reading.reason}\n{observation.excerpt}"
        return _make_complaint(Kind.BANNED if _BAN.search(said) else Kind.THROTTLED, observation)
    return None


def possible_complaint_of(observation: Observation) -> Complaint | None:
    """The complaint that an answer without any meaning may be, once there are `SEVERAL` in a row; None for any other."""
    reading = observation.reading
    meaningless = reading.outcome is Outcome.UNKNOWN and reading.finding in MEANINGLESS
    return _make_complaint(Kind.MEANINGLESS, observation) if meaningless else None


def is_understood(observation: Observation) -> bool:
    """Whether an answer shows that the operator serves us: it says something about the name, or who else is to be asked."""
    return observation.reading.outcome is not Outcome.UNKNOWN or observation.reading.referral is not None


def sweep_answer(message: SweepResult, size: int) -> Observation | None:
    """The one answer that stands for a sweep of `size` names; None where nothing in it says how the operator takes us.

    A sweep is a complaint where too many of its questions were refused, and understood where any was answered.
    """
    if message.trouble is not None:
        return message.trouble if message.trouble.method == "dns" else None
    seen = [item for item in message.observations.values() if item.method == "dns"]
    told = [item for item in seen if complaint_of(item) is not None]
    asked, refused = size - message.codes.count(UNASKED), max(message.refused, len(told))
    if refused > REFUSED_SHARE * asked:
        reading = unknown_reading("dns_refused", f"{refused} of {asked} questions refused")
        return told[0] if told else Observation("dns", reading, refused=True)
    plain = DELEGATED in message.codes or NXDOMAIN in message.codes
    return _ANSWERED if plain or any(map(is_understood, seen)) else None


def is_limiting(limit: Limit, egresses: Iterable[str], times: LimitedTimes, now: float) -> bool:
    """Whether an operator leaves us out from every one of these egresses, for longer than a question waits in line."""
    until = [times.limited_until(limit, egress, now) for egress in egresses]
    return bool(until) and min(until) - now > PATIENCE


def _make_complaint(kind: Kind, observation: Observation) -> Complaint:
    reading = observation.reading
    return Complaint(kind, f"{kind}: {reading.reason}"[:300], reading.retry_after)
