"""Builds the application from the route table."""

from __future__ import annotations

from aiohttp import web

from actors.control import http_problems, http_server, metrics_handlers, openapi, query_params, request_security
from actors.control.auth import Access
from actors.control.context import CONTROL, Control
from actors.control.routes import Route, build_routes

#: What each operation needs, by method and path.
NEEDS: web.AppKey[dict[tuple[str, str], Access]] = web.AppKey("needs", dict)


def build_app(control: Control) -> web.Application:
    """The application around the parts given."""
    app = web.Application(
        client_max_size=request_security.BODY_LIMIT,
        # Outermost first: arrivals and counts see every answer, also those made from errors.
        middlewares=[http_server.mark_arrival, metrics_handlers.count_requests, http_problems.problem_middleware, authorize],
    )
    routes = build_routes()
    app[CONTROL] = control
    app[openapi.DOCUMENT] = openapi.build_document(routes)
    for route in routes:
        handler = _with_checks(route)
        if route.method == "GET":
            app.router.add_get(route.pattern, handler, allow_head=not route.changing)
        else:
            app.router.add_route(route.method, route.pattern, handler)
    app[NEEDS] = {(route.method, route.path): route.access for route in routes}
    app.on_response_prepare.append(request_security.add_security_headers)
    return app


@web.middleware
async def authorize(request: web.Request, handler: http_problems.Handler) -> web.StreamResponse:
    """Judge every call before anything is done for it; what is not in the table needs as much as reading."""
    resource = request.match_info.route.resource
    method = "GET" if request.method == "HEAD" else request.method
    needs = Access.READ if resource is None else request.app[NEEDS].get((method, resource.canonical), Access.READ)
    if needs is not Access.OPEN:
        http_server.refuse_beyond_probes(request)
    request.app[CONTROL].access.require_access(request_security.read_facts(request), needs)
    if needs is not Access.OPEN:
        await http_server.await_turn(request)
    return await handler(request)


def _with_checks(route: Route) -> http_problems.Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        query_params.require_known_params(request, route.query)
        if route.changing:
            await request_security.require_json_body(request)
        return await route.handler(request)

    return handler
