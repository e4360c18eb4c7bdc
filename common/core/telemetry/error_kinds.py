"""Classifies answers that prove nothing, for counters; and explains in a sentence why nothing is known of a name."""

from __future__ import annotations

from collections.abc import Mapping

from common.core.model.evidence import Observation, Outcome
from common.core.model.records import Detail, Evidence

#: Findings without an answer: no query left, its worker was lost, no server is known, or its channel is left alone.
NOT_ASKED, NOT_ANSWERED, NO_SERVER, LEFT_ALONE = "not_asked", "not_answered", "no_server", "left_alone"
UNASKED = frozenset({NOT_ASKED, NOT_ANSWERED, NO_SERVER, LEFT_ALONE})
#: Kinds of errors, as they are counted: what can be done about one depends on nothing finer.
TIMEOUT, REFUSED, RATE_LIMITED, SERVER_ERROR, UNREACHABLE, GARBAGE = (
    "timeout",
    "refused",
    "rate_limited",
    "server_error",
    "unreachable",
    "garbage",
)
WORKER_LOST = "worker_lost"
KINDS = (TIMEOUT, REFUSED, RATE_LIMITED, SERVER_ERROR, UNREACHABLE, GARBAGE, NOT_ASKED, WORKER_LOST)
#: Longest part of the sentence that one method has, in characters.
WORDS = 120

_KIND_OF = {
    TIMEOUT: ("timeout", "silent"),
    REFUSED: ("refused", "403", "turned_away"),
    SERVER_ERROR: ("servfail", "5xx", "503", "status", "notimp", "rcode", "bug"),
    UNREACHABLE: ("unreachable", "error", "no_server", "no_servers", "refused_address", "trouble"),
}
_OURS = {NOT_ASKED: NOT_ASKED, LEFT_ALONE: NOT_ASKED, NOT_ANSWERED: WORKER_LOST, NO_SERVER: UNREACHABLE}
_SHOWN = {"http": "the website", "registrar": "the registrar"}


def kind_of(observation: Observation) -> str | None:
    """What kind of error an answer is, one of KINDS; None for one that proves something."""
    reading = observation.reading
    if reading.outcome is Outcome.THROTTLED:
        return RATE_LIMITED
    if reading.outcome is not Outcome.UNKNOWN:
        return None
    if reading.finding in _OURS:
        return _OURS[reading.finding]
    word = reading.finding.partition("_")[2]
    if observation.refused and word not in _KIND_OF[TIMEOUT]:
        return REFUSED
    return next((kind for kind, words in _KIND_OF.items() if word in words), GARBAGE)


def explain_unknown(detail: Detail, known: str = "") -> str:
    """One sentence on why nothing is known of a name: each method with what it said or why it said nothing.

    `known` is the reason of the verdict, for names of which no method says anything.
    """
    answers = [f"{_method_name(method)} {_outcome_words(item)}" for method, item in sorted(detail.evidence.items())]
    silent = [
        f"{_method_name(method)}: {item.observation.reading.reason[:WORDS]}" for method, item in _asked_first(detail.trouble)
    ]
    if not silent:
        return known or "nothing has been asked yet"
    if not answers:
        return "no answer from any channel: " + "; ".join(silent)
    return f"{', '.join(answers)}, which proves no state alone; " + "; ".join(silent)


def _asked_first(found: Mapping[str, Evidence]) -> list[tuple[str, Evidence]]:
    """First the methods whose servers were queried, then the others, each by name."""
    return sorted(found.items(), key=lambda pair: (pair[1].observation.reading.finding in UNASKED, pair[0]))


def _outcome_words(item: Evidence) -> str:
    return f"says {item.observation.reading.outcome.value}"


def _method_name(method: str) -> str:
    return _SHOWN.get(method, method.upper())
