"""RDAP over HTTPS: one server per operator, and the bootstrap list (RFC 7480, RFC 9082, RFC 9224)."""

from __future__ import annotations

import hashlib
import json

from aiohttp import web

from tests.lab import http_faults, rdap_objects
from tests.lab.faults import FaultTable
from tests.lab.model import Registry
from tests.lab.queries import QueryLog
from tests.lab.suffixes import SUFFIXES, registrable
from tests.lab.truth import Truth

BOOTSTRAP_KEY = "rdap/bootstrap"


class RdapOperator:
    """Answers for every suffix of one operator. `base` is the URL before `domain/`, with a final slash."""

    def __init__(self, registry: Registry, faults: FaultTable, queries: QueryLog, *, operator: int, base: str) -> None:
        self.base = base
        self._registry = registry
        self._faults = faults
        self._queries = queries
        self._suffixes = {suffix.label for suffix in SUFFIXES.values() if suffix.operator == operator and not suffix.rdap_of}

    def application(self, path: str) -> web.Application:
        """The web application; `path` is the path of the base URL."""
        app = web.Application()
        app.router.add_get(f"{path}domain/{{name}}", self._domain)
        app.router.add_get(f"{path}help", self._help)
        return app

    async def _help(self, _request: web.Request) -> web.Response:
        return _json(200, {"rdapConformance": rdap_objects.CONFORMANCE, "notices": []})

    async def _domain(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"].lower().rstrip(".")
        found = registrable(name)
        key = f"rdap/{found[1].label if found else min(self._suffixes)}"
        self._queries.add(key, name, request.method, request.remote or "")
        fault = self._faults.pick(key, name)
        if fault is not None and fault.kind == "says":
            return http_faults.spoken(fault, name)
        wrong = await http_faults.misbehave(fault, request)
        if wrong is not None:
            return wrong
        if found is None or found[0] != name:
            return _json(400, rdap_objects.error(400, "Bad Request", "not a registrable name"))
        if found[1].label not in self._suffixes:
            return _json(404, rdap_objects.error(404, "Not Found", f"{name} not found"))
        return self._answer(name, fault.kind if fault else "")

    def _answer(self, name: str, fault: str) -> web.Response:
        entry = self._registry.find(name)
        if entry is not None and fault != "lying-404":
            body = rdap_objects.domain(entry, self._registry.clock.now(), self.base)
            return _json(200, body | {"ldhName": f"not-{name}"} if fault == "wrong-name" else body)
        truth = self._registry.truth(name) if entry is None else Truth.UNREGISTERED
        suffix = registrable(name)
        assert suffix is not None
        missing = rdap_objects.missing(name, suffix[1], truth)
        if missing is None:
            return web.Response(status=404, content_type=http_faults.RDAP_JSON)
        return _json(404, missing)


class Bootstrap:
    """The list that says which server answers for which suffix."""

    def __init__(self, services: list[tuple[list[str], str]], published: float, faults: FaultTable, queries: QueryLog) -> None:
        self.body = json.dumps(rdap_objects.bootstrap(services, published), indent=1).encode()
        self._etag = hashlib.sha256(self.body).hexdigest()[:16]
        self._faults = faults
        self._queries = queries

    def application(self) -> web.Application:
        """The web application."""
        app = web.Application()
        app.router.add_get("/rdap/dns.json", self._list)
        return app

    async def _list(self, request: web.Request) -> web.StreamResponse:
        self._queries.add(BOOTSTRAP_KEY, "dns.json", request.method)
        wrong = await http_faults.misbehave(self._faults.pick(BOOTSTRAP_KEY), request)
        if wrong is not None:
            return wrong
        known = request.if_none_match or ()
        fresh = any(tag.value in {self._etag, "*"} for tag in known)
        response = web.Response(status=304) if fresh else web.Response(body=self.body, content_type="application/json")
        response.etag = self._etag
        response.headers["Cache-Control"] = "max-age=86400"
        return response


def _json(status: int, body: dict[str, object]) -> web.Response:
    return web.Response(status=status, body=json.dumps(body).encode(), content_type=http_faults.RDAP_JSON)
