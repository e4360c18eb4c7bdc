"""The web sites behind the names: they answer HEAD and GET for whatever Host they are asked about."""

from __future__ import annotations

from aiohttp import web

from tests.lab import http_faults
from tests.lab.faults import FaultTable
from tests.lab.queries import QueryLog

KEY = "web"


def application(faults: FaultTable, queries: QueryLog, *, parked: bool) -> web.Application:
    """One web server; a parking one redirects to an offer, as expired names do."""

    async def page(request: web.Request) -> web.StreamResponse:
        name = request.host.partition(":")[0].lower()
        queries.add(KEY, name, request.method)
        wrong = await http_faults.misbehave(faults.pick(KEY, name), request)
        if wrong is not None:
            return wrong
        if parked:
            return web.Response(status=302, headers={"Location": f"http://{name}/for-sale", "Server": "lab-parking"})
        return web.Response(text="hello\n", headers={"Server": "lab-hosting"})

    app = web.Application()
    app.router.add_get("/{path:.*}", page)
    return app
