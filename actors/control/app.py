"""Builds the application from the route table."""

from __future__ import annotations

from aiohttp import web

from actors.control import guard, measures, openapi, problems, server
from actors.control.context import CONTROL, Control
from actors.control.routes import Route, table


def build(control: Control) -> web.Application:
    """The application around the parts given."""
    app = web.Application(
        client_max_size=guard.BODY_LIMIT,
        # Outermost first: arrivals and counts see every answer, also those made from errors.
        middlewares=[server.mark_arrival, measures.count_requests, problems.as_problems],
    )
    routes = table()
    app[CONTROL] = control
    app[openapi.DOCUMENT] = openapi.document(routes)
    for route in routes:
        handler = _guarded(route, control) if route.changing else route.handler
        if route.method == "GET":
            app.router.add_get(route.pattern, handler, allow_head=not route.changing)
        else:
            app.router.add_route(route.method, route.pattern, handler)
    app.on_response_prepare.append(guard.add_headers)
    return app


def _guarded(route: Route, control: Control) -> problems.Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        settings = control.settings
        guard.check_caller(request, token=settings.control_token, bound_to=settings.control_host)
        await guard.check_body(request)
        return await route.handler(request)

    return handler
