"""The route table: the application and /openapi.json are both made from it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from actors.control import (
    answers,
    budgets,
    deliveries,
    domains,
    drops,
    events,
    measures,
    openapi,
    overview,
    pages,
    status_answers,
)
from actors.control.access import Access
from actors.control.params import CURSOR, LIMIT, PRINTABLE, TIMED_CURSOR, Param

JSON = ("application/json",)
OPEN = Access.OPEN


@dataclass(frozen=True, slots=True)
class Route:
    """One operation; `failures` are the problem statuses worth knowing besides the usual."""

    method: str
    path: str
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    summary: str
    query: tuple[Param, ...] = ()
    access: Access = Access.READ
    produces: tuple[str, ...] = JSON
    failures: tuple[int, ...] = ()
    same: tuple[int, ...] = ()  # further statuses that carry the same content
    slashed: str = ""  # the placeholder that may hold slashes
    answer: Any = str  # the type of the JSON that it answers
    forms: tuple[tuple[str, dict[str, Any]], ...] = ()  # JSON Schema of the placeholders

    @property
    def changing(self) -> bool:
        """Whether it changes something."""
        return self.access is Access.CHANGE

    @property
    def pattern(self) -> str:
        """The path as the router takes it."""
        return self.path.replace(f"{{{self.slashed}}}", f"{{{self.slashed}:.+}}") if self.slashed else self.path


def _changing(
    method: str,
    path: str,
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
    summary: str,
    *,
    forms: tuple[tuple[str, dict[str, Any]], ...] = (),
    slashed: str = "",
    failures: tuple[int, ...] = (),
) -> Route:
    return Route(
        method,
        path,
        handler,
        summary,
        access=Access.CHANGE,
        failures=(408, 413, 415, *failures),
        answer=answers.Accepted,
        forms=forms,
        slashed=slashed,
    )


_NAMED = (("name", {"maxLength": domains.NAME_LIMIT, "pattern": f"^{domains.NAME}$", "example": "example.com"}),)
_BY_ID = (("id", {"minLength": 1, "maxLength": deliveries.ID_LIMIT, "pattern": f"^{PRINTABLE}$"}),)
_OPERATOR = (("operator", {"minLength": 1, "example": "rdap/verisign"}),)
_FILE = (("name", {"enum": sorted(pages.files())}),)


def table() -> tuple[Route, ...]:
    """Every operation there is."""
    flags = tuple(measures.FLAGS.values())
    prometheus_text = ("text/plain",)
    return (
        Route(
            "GET",
            "/health",
            overview.health,
            "What is wrong; 503 where a restart can help",
            access=OPEN,
            same=(503,),
            answer=status_answers.Health,
        ),
        Route(
            "GET",
            "/ready",
            overview.ready,
            "Whether names are being watched, and why not",
            access=OPEN,
            same=(503,),
            answer=status_answers.Ready,
        ),
        Route("GET", "/status", overview.status, "Everything about this instance at a glance", answer=status_answers.Status),
        Route(
            "GET",
            "/domains",
            domains.listing,
            "Watched names, page by page",
            (domains.STATE, domains.TLD, domains.QUERY, CURSOR, LIMIT),
            answer=answers.Domains,
        ),
        Route(
            "GET",
            "/domain/{name}",
            domains.show,
            "One name with evidence, forecast and history",
            answer=answers.DomainInFull,
            forms=_NAMED,
        ),
        _changing("POST", "/domain/{name}/check", domains.check, "Check one name now", forms=_NAMED),
        _changing("POST", "/refresh", domains.refresh, "Load the domain list now", failures=(429,)),
        Route(
            "GET",
            "/problems",
            domains.unmonitored,
            "Entries of the list that cannot be monitored",
            (CURSOR, LIMIT),
            answer=answers.Problems,
        ),
        Route(
            "GET",
            "/events",
            events.serve,
            "What happened, in order; as a stream where text/event-stream is accepted",
            (events.AFTER, LIMIT),
            produces=("application/json", "text/event-stream"),
            answer=answers.Events,
        ),
        Route(
            "GET",
            "/drops",
            drops.listing,
            "Names expected to drop, the soonest first, page by page",
            (*drops.FILTERS, TIMED_CURSOR, LIMIT),
            answer=answers.Drops,
        ),
        Route(
            "GET",
            "/drops.ics",
            drops.as_calendar,
            "All of them as a calendar",
            drops.FILTERS,
            produces=("text/calendar",),
        ),
        Route(
            "GET",
            "/deliveries",
            deliveries.listing,
            "Callbacks, the newest first",
            (deliveries.STATE, CURSOR, LIMIT),
            answer=answers.Deliveries,
        ),
        _changing("POST", "/deliveries/{id}/replay", deliveries.replay, "Send one callback again", forms=_BY_ID),
        _changing(
            "POST",
            "/budgets/{operator}/reset",
            budgets.reset,
            "Forget what was learned of a rate limit",
            forms=_OPERATOR,
            slashed="operator",
        ),
        Route("GET", "/metrics", measures.serve, "Metrics", flags, produces=(*JSON, *prometheus_text), answer=answers.Metrics),
        Route("GET", "/metrics/prometheus", measures.text, "Metrics for Prometheus", produces=prometheus_text),
        _changing("GET", "/metrics/reset", measures.reset, "Begin counting again"),
        _changing("POST", "/metrics/reset", measures.reset, "Begin counting again"),
        Route("GET", "/openapi.json", openapi.serve, "This description", answer=answers.Description),
        Route("GET", "/", pages.dashboard, "Dashboard", produces=("text/html",)),
        Route("GET", "/static/{name}", pages.static, "Files of the dashboard", produces=pages.MEDIA, forms=_FILE),
    )
