"""Declares counters before their first event: a rate over a series that does not exist is no rate of zero.

The process that shows them adds them: a coordinator that sent hundreds of zeros every two seconds would send little else.
"""

from __future__ import annotations

from itertools import product

from common.core.model.entry import Rank
from common.core.model.evidence import Outcome
from common.core.model.methods import POOL_OF
from common.core.model.records import LANES
from common.core.model.states import State
from common.core.telemetry.error_kinds import KINDS
from common.core.telemetry.metrics import Metrics
from common.core.telemetry.problems import CODES

RANKS = {
    Rank.URGENT: "urgent",
    Rank.PRIORITY: "priority",
    Rank.NEWS: "news",
    Rank.FIRST: "first",
    Rank.ORDINARY: "ordinary",
    Rank.BACKGROUND: "background",
}
#: Interfaces of the customer that are called, and how a call ends: by the class of its status, `none` without an answer.
APIS, STATUS_CLASSES = ("list", "callback"), ("2xx", "3xx", "4xx", "5xx", "none")
_METHODS = tuple(POOL_OF)
#: Kinds of events that are no states.
_KINDS = ("retracted", "restored", "renewed", "forecast_missed")
_SERIES: tuple[tuple[str, dict[str, tuple[str, ...]]], ...] = (
    ("alarms", {"result": ("announced", "confirmed", "retracted")}),
    ("bad_messages", {}),
    ("callbacks", {"lane": LANES, "status": ("200",), "state": ("done",)}),
    ("callbacks", {"lane": LANES, "status": ("none",), "state": ("pending",)}),
    ("canaries", {"method": ("dns", "rdap", "whois"), "result": ("ok", "lie", "unanswered", "wrong", "wildcard")}),
    ("canaries_beforehand", {"method": ("dns", "rdap", "whois")}),
    ("canaries_retired", {}),
    ("check_errors", {"method": _METHODS, "kind": KINDS}),
    ("checks", {"method": _METHODS, "outcome": tuple(outcome.value for outcome in Outcome)}),
    ("events", {"kind": (*(state.value.lower() for state in State if state is not State.UNKNOWN), *_KINDS)}),
    ("forecasts", {"result": ("inside", "outside", "stayed", "missed")}),
    ("late_results", {}),
    ("leases_lost", {"method": _METHODS}),
    ("lists", {"result": ("taken", "held", "failed")}),
    ("problems_begun", {"code": tuple(CODES)}),
    ("publications", {"result": ("read", "failed")}),
    ("quarantines", {"method": ("dns", "rdap", "whois")}),
    ("questions_expired", {"method": _METHODS, "rank": tuple(RANKS.values())}),
    ("questions_turned_away", {"method": _METHODS}),
    ("results_coalesced", {}),
    ("sweeps_lost", {}),
    ("upstream_requests", {"api": APIS, "status": STATUS_CLASSES}),
    ("workers_lost", {}),
    ("workers_refused", {}),
)


def declare_counters(metrics: Metrics) -> None:
    """Add every counter, with 0, whose labels are known beforehand; those by operator or server come with their first event."""
    for name, labels in _SERIES:
        for values in product(*labels.values()):
            metrics.count(name, 0, **dict(zip(labels, values, strict=True)))


def status_class(status: int) -> str:
    """The class of an HTTP status as it is counted; `none` where there was no answer, or one that is no status."""
    return f"{status // 100}xx" if 200 <= status < 600 else "none"
