"""The route table: the application and /openapi.json are both made from it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from actors.control import (
    answer_schemas,
    budget_handlers,
    dashboard,
    delivery_handlers,
    domain_handlers,
    drop_handlers,
    event_handlers,
    metrics_handlers,
    openapi,
    status_handlers,
    status_schemas,
)
from actors.control.auth import Access
from actors.control.query_params import CURSOR, LIMIT, PRINTABLE, TIMED_CURSOR, Param

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
        answer=answer_schemas.Accepted,
        forms=forms,
        slashed=slashed,
    )


_NAMED = (
    ("name", {"maxLength": domain_handlers.NAME_LIMIT, "pattern": f"^{domain_handlers.NAME}$", "example": "example.com"}),
)
_BY_ID = (("id", {"minLength": 1, "maxLength": delivery_handlers.ID_LIMIT, "pattern": f"^{PRINTABLE}$"}),)
_OPERATOR = (("operator", {"minLength": 1, "example": "rdap/verisign"}),)
_FILE = (("name", {"enum": sorted(dashboard.static_files())}),)


def build_routes() -> tuple[Route, ...]:
    """Every operation there is."""
    flags = tuple(metrics_handlers.FLAGS.values())
    prometheus_text = ("text/plain",)
    return (
        Route(
            "GET",
            "/health",
            status_handlers.get_health,
            "What is wrong; 503 where a restart can help",
            access=OPEN,
            same=(503,),
            answer=status_schemas.Health,
        ),
        Route(
            "GET",
            "/ready",
            status_handlers.get_ready,
            "Whether names are being watched, and why not",
            access=OPEN,
            same=(503,),
            answer=status_schemas.Ready,
        ),
        Route(
            "GET",
            "/status",
            status_handlers.get_status,
            "Everything about this instance at a glance",
            answer=status_schemas.Status,
        ),
        Route(
            "GET",
            "/domains",
            domain_handlers.list_domains,
            "Watched names, page by page",
            (domain_handlers.STATE, domain_handlers.TLD, domain_handlers.QUERY, CURSOR, LIMIT),
            answer=answer_schemas.Domains,
        ),
        Route(
            "GET",
            "/domain/{name}",
            domain_handlers.get_domain,
            "One name with evidence, forecast and history",
            answer=answer_schemas.DomainInFull,
            forms=_NAMED,
        ),
        _changing("POST", "/domain/{name}/check", domain_handlers.check_domain, "Check one name now", forms=_NAMED),
        _changing("POST", "/refresh", domain_handlers.refresh_list, "Load the domain list now", failures=(429,)),
        Route(
            "GET",
            "/problems",
            domain_handlers.list_problems,
            "Entries of the list that cannot be monitored",
            (CURSOR, LIMIT),
            answer=answer_schemas.Problems,
        ),
        Route(
            "GET",
            "/events",
            event_handlers.get_events,
            "What happened, in order; as a stream where text/event-stream is accepted",
            (event_handlers.AFTER, LIMIT),
            produces=("application/json", "text/event-stream"),
            answer=answer_schemas.Events,
        ),
        Route(
            "GET",
            "/drops",
            drop_handlers.list_drops,
            "Names expected to drop, the soonest first, page by page",
            (*drop_handlers.FILTERS, TIMED_CURSOR, LIMIT),
            answer=answer_schemas.Drops,
        ),
        Route(
            "GET",
            "/drops.ics",
            drop_handlers.get_calendar,
            "All of them as a calendar",
            drop_handlers.FILTERS,
            produces=("text/calendar",),
        ),
        Route(
            "GET",
            "/deliveries",
            delivery_handlers.list_deliveries,
            "Callbacks, the newest first",
            (delivery_handlers.STATE, CURSOR, LIMIT),
            answer=answer_schemas.Deliveries,
        ),
        _changing(
            "POST", "/deliveries/{id}/replay", delivery_handlers.replay_delivery, "Send one callback again", forms=_BY_ID
        ),
        _changing(
            "POST",
            "/budgets/{operator}/reset",
            budget_handlers.reset_budget,
            "Forget what was learned of a rate limit",
            forms=_OPERATOR,
            slashed="operator",
        ),
        Route(
            "GET",
            "/metrics",
            metrics_handlers.get_metrics,
            "Metrics",
            flags,
            produces=(*JSON, *prometheus_text),
            answer=answer_schemas.Metrics,
        ),
        Route(
            "GET", "/metrics/prometheus", metrics_handlers.get_prometheus, "Metrics for Prometheus", produces=prometheus_text
        ),
        _changing("GET", "/metrics/reset", metrics_handlers.reset_metrics, "Begin counting again"),
        _changing("POST", "/metrics/reset", metrics_handlers.reset_metrics, "Begin counting again"),
        Route("GET", "/openapi.json", openapi.get_description, "This description", answer=answer_schemas.Description),
        Route("GET", "/", dashboard.get_dashboard, "Dashboard", produces=("text/html",)),
        Route(
            "GET", "/static/{name}", dashboard.get_static_file, "Files of the dashboard", produces=dashboard.MEDIA, forms=_FILE
        ),
    )
