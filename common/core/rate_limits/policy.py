"""The rate limit policy: which answers are complaints of an operator, and for how long it is then not queried.

A complaint is a throttle text, a ban, a refused key, or a refused connection. Several answers in a row of a registry's server
that mean nothing count as one too: an unknown text may well say "too many queries". A single one of them does not, and neither
does an answer that never came: the fault may be in our own network. Only sweeps show whether many more of them get lost than
usual, or come later (`load_signs`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple, Protocol

from common.core.model.evidence import Observation, Outcome, Quota, Reading, unknown_reading
from common.core.model.limit import Limit
from common.core.parsers.dns_fast import DELEGATED, NXDOMAIN, UNASKED
from common.core.rate_limits.load_signs import Load
from common.messages import SweepResult

#: Longest pause in seconds that a query waits for in its queue.
PATIENCE = 30.0
#: Share of refused or throttled answers above which a sweep is a complaint.
REFUSED_SHARE = 0.05
#: So many answers in a row that mean nothing are a complaint, if they are about so many names: a single odd name is none.
SEVERAL, NAMES = 8, 2
#: Findings in answers of a registry's server that are not understood. None of DNS: a name server refuses by its rcode.
MEANINGLESS = frozenset(
    {
        "rdap_html", "rdap_bad_json", "rdap_no_domain", "rdap_content_type", "rdap_404_odd", "rdap_400_odd", "rdap_status",
        "rdap_redirect", "whois_unparsed", "whois_empty", "das_unparsed", "das_html", "das_bad_json", "das_status",
        "das_redirect", "registrar_bad_json", "registrar_unparsed", "registrar_status", "epp_unparsed",
    }
)  # fmt: skip
#: Findings that say that a key, an account or an address of ours is refused, whatever status the answer has.
KEY_REFUSED = frozenset({"das_refused", "registrar_refused", "epp_refused"})
#: Matches a text that says that a ban is in force, not that one may follow.
_BAN = re.compile(
    r"(?<!\bbe )(?<!\bbeing )(?<!\bget )(?<!\bgetting )(?<!\bbe temporarily )(?<!\bbe permanently )"
    r"\b(?:banned|blocked|(?:black|block|deny)[ -]?list(?:ed)?)\b",
    re.IGNORECASE,
)
_UNPROCESSABLE = 422
_ANSWERED = Observation("dns", Reading(Outcome.REGISTERED, "dns_auth_referral", "a sweep was answered"))


class Kind(StrEnum):
    """How an operator limits us."""

    THROTTLED = "throttled"
    BANNED = "forbidden"
    REFUSED = "connection refused"
    MEANINGLESS = "not understood"
    STRAINED = "strained"


#: Pauses in seconds after the first, second, third... complaint in a row. Answers that mean nothing need not be a limit, so
#: their pauses stay short: the server may be back from some trouble.
PAUSES: dict[Kind, tuple[float, ...]] = {
    Kind.THROTTLED: (60.0, 120.0, 240.0, 480.0, 960.0, 1920.0, 3600.0),
    Kind.BANNED: (900.0, 3600.0, 21_600.0),
    Kind.REFUSED: (60.0, 120.0, 240.0, 480.0, 960.0, 1800.0),
    Kind.MEANINGLESS: (60.0, 120.0, 240.0, 480.0, 900.0),
    Kind.STRAINED: (10.0, 20.0, 30.0),
}


class Complaint(NamedTuple):
    """An answer by which an operator limits us. `wait` is the pause that it names, in seconds; None where it names none."""

    kind: Kind
    reason: str
    wait: float | None

    def pause_seconds(self, before: int) -> float:
        """The pause in seconds: the one named, at least 1; else by the number of complaints in a row `before` this one."""
        pauses = PAUSES[self.kind]
        return pauses[min(before, len(pauses) - 1)] if self.wait is None else max(1.0, self.wait)


class LimitedTimes(Protocol):
    """Knows until when operators limit us: `budgets.Budgets`."""

    def limited_until(self, limit: Limit, egress: str, now: float) -> float:
        """The end of an operator's pause, in epoch seconds."""
        ...


def complaint_of(observation: Observation) -> Complaint | None:
    """Read the complaint in one answer; None for an answer without one."""
    if observation.method != "dns" and observation.status in (401, 403):  # the status of a DNS answer is its rcode
        return _make_complaint(Kind.BANNED, observation)
    if observation.reading.finding in KEY_REFUSED:
        return _make_complaint(Kind.BANNED, observation)
    if observation.refused:
        return _make_complaint(Kind.REFUSED, observation)
    if observation.reading.outcome is Outcome.THROTTLED:
        said = f"{observation.reading.reason}\n{observation.excerpt}"
        return _make_complaint(Kind.BANNED if _BAN.search(said) else Kind.THROTTLED, observation)
    if observation.reading.outcome is Outcome.UNKNOWN and observation.reading.retry_after is not None:
        return _make_complaint(Kind.THROTTLED, observation)
    return None


def complaint_of_load(sign: str) -> Complaint:
    """The complaint that a rise of lost or late answers of sweeps is."""
    return Complaint(Kind.STRAINED, f"{Kind.STRAINED}: {sign}", None)


def is_refusal(reason: str) -> bool:
    """Whether the reason of a complaint says that we are shut out, by whatever key, account or address."""
    return reason.startswith(f"{Kind.BANNED}: ")


def possible_complaint_of(observation: Observation) -> Complaint | None:
    """Read the complaint that an answer without meaning is once there are `SEVERAL` in a row; None for any other answer.

    Those of status 422 are a rate limit then: a registry is known to limit clients by it (github.com/meeb/whoisit, issue 34).
    """
    reading = observation.reading
    if reading.outcome is not Outcome.UNKNOWN or reading.finding not in MEANINGLESS:
        return None
    limits = observation.status == _UNPROCESSABLE and observation.method == "rdap"
    return _make_complaint(Kind.THROTTLED if limits else Kind.MEANINGLESS, observation)


def quota_of(observation: Observation) -> Quota | None:
    """What an answer states about the rate limit. None of DNS: its protocol has no place for it."""
    return observation.quota if observation.method != "dns" else None


def is_understood(observation: Observation) -> bool:
    """Whether an answer shows that the operator serves us: it says something about the name, or refers to another server."""
    return observation.reading.outcome is not Outcome.UNKNOWN or observation.reading.referral is not None


def sweep_answer(message: SweepResult, size: int) -> Observation | None:
    """The one answer that stands for a sweep of `size` names; None where nothing in it shows whether the operator limits us.

    A sweep is a complaint where more than `REFUSED_SHARE` of its queries were refused, and understood where any was answered.
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


def load_of_sweep(message: SweepResult) -> Load | None:
    """What a sweep met on its way; None of a checker that does not say."""
    return Load(message.asked, message.lost, message.truncated, message.delay_ms) if message.asked else None


def is_limiting(limit: Limit, egresses: Iterable[str], times: LimitedTimes, now: float) -> bool:
    """Whether an operator limits us from every one of these egresses, for longer than a query waits (`PATIENCE`)."""
    until = [times.limited_until(limit, egress, now) for egress in egresses]
    return bool(until) and min(until) - now > PATIENCE


def _make_complaint(kind: Kind, observation: Observation) -> Complaint:
    reading = observation.reading
    return Complaint(kind, f"{kind}: {reading.reason}"[:300], reading.retry_after)
