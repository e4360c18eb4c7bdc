"""The route table: the application and /openapi.json are both made from it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from actors.control import budgets, deliveries, domains, drops, events, measures, openapi, overview, pages
from actors.control.params import CURSOR, LIMIT, Param

JSON = ("application/json",)


@dataclass(frozen=True, slots=True)
class Route:
    """One operation. `changing` ones are guarded; `failures` are the problem statuses worth knowing besides the usual."""

    method: str
    path: str
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    summary: str
    query: tuple[Param, ...] = ()
    changing: bool = False
    produces: tuple[str, ...] = JSON
    failures: tuple[int, ...] = ()
    same: tuple[int, ...] = ()  # further statuses that carry the same content
    slashed: str = ""  # the placeholder that may hold slashes

    @property
    def pattern(self) -> str:
        """The path as the router takes it."""
        return self.path.replace(f"{{{self.slashed}}}", f"{{{self.slashed}:.+}}") if self.slashed else self.path


def _changing(
    method: str,
    path: str,
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
    summary: str,
    slashed: str = "",
) -> Route:
    return Route(method, path, handler, summary, changing=True, failures=(401, 403, 413, 415, 503), slashed=slashed)


def table() -> tuple[Route, ...]:
    """Every operation there is."""
    flags = tuple(measures.FLAGS.values())
    prometheus_text = ("text/plain",)
    return (
        Route("GET", "/health", overview.health, "What is wrong; 503 where a restart can help", same=(503,)),
        Route("GET", "/ready", overview.ready, "Whether names are being watched, and why not", same=(503,)),
        Route("GET", "/status", overview.status, "Everything about this instance at a glance"),
        Route(
            "GET",
            "/domains",
            domains.listing,
            "Watched names, page by page",
            (domains.STATE, domains.TLD, domains.QUERY, CURSOR, LIMIT),
            failures=(503,),
        ),
        Route("GET", "/domain/{name}", domains.show, "One name with evidence, forecast and history", failures=(503,)),
        _changing("POST", "/domain/{name}/check", domains.check, "Check one name now"),
        _changing("POST", "/refresh", domains.refresh, "Load the domain list now"),
        Route(
            "GET",
            "/problems",
            domains.unmonitored,
            "Entries of the list that cannot be monitored",
            (CURSOR, LIMIT),
            failures=(503,),
        ),
        Route(
            "GET",
            "/events",
            events.serve,
            "What happened, in order; as a stream where text/event-stream is accepted",
            (events.AFTER, LIMIT),
            produces=("application/json", "text/event-stream"),
            failures=(503,),
        ),
        Route(
            "GET", "/drops", drops.listing, "Names expected to drop, the soonest first", (drops.WITHIN, LIMIT), failures=(503,)
        ),
        Route(
            "GET",
            "/drops.ics",
            drops.as_calendar,
            "The same as a calendar",
            (drops.WITHIN, LIMIT),
            produces=("text/calendar",),
            failures=(503,),
        ),
        Route(
            "GET",
            "/deliveries",
            deliveries.listing,
            "Callbacks, the newest first",
            (deliveries.STATE, CURSOR, LIMIT),
            failures=(503,),
        ),
        _changing("POST", "/deliveries/{id}/replay", deliveries.replay, "Send one callback again"),
        _changing("POST", "/budgets/{operator}/reset", budgets.reset, "Forget what was learned of a rate limit", "operator"),
        Route("GET", "/metrics", measures.serve, "Metrics", flags, produces=(*JSON, *prometheus_text)),
        Route("GET", "/metrics/prometheus", measures.text, "Metrics for Prometheus", produces=prometheus_text),
        _changing("GET", "/metrics/reset", measures.reset, "Begin counting again"),
        _changing("POST", "/metrics/reset", measures.reset, "Begin counting again"),
        Route("GET", "/openapi.json", openapi.serve, "This description"),
        Route("GET", "/", pages.dashboard, "Dashboard", produces=("text/html",)),
        Route("GET", "/static/{name}", pages.static, "Files of the dashboard", produces=("text/css", "text/javascript")),
    )
