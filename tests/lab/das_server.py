"""Availability services on real sockets: one line in and a word out, or HTTP, each in the dialect of its built-in row.

They know what the lab's registries know, and misbehave as told under the key `das/<suffix>`.
"""

from __future__ import annotations

import hashlib
import json
import socket
import ssl
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from enum import StrEnum

import idna
from aiohttp import web

from common.core.builtin.das_servers import DasServer, Form
from tests.lab import http_faults
from tests.lab.faults import Fault, FaultTable
from tests.lab.model import Registry
from tests.lab.queries import QueryLog
from tests.lab.truth import Truth
from tests.lab.whois_server import WhoisServer


class Standing(StrEnum):
    """What a service tells of a name."""

    FREE = "free"
    TAKEN = "taken"
    KEPT = "kept"
    WAITING = "waiting"  # in a release procedure of the registry


_STANDINGS = {
    Truth.UNREGISTERED: Standing.FREE,
    Truth.PREMIUM: Standing.FREE,  # a service shows no price
    Truth.REGISTERED: Standing.TAKEN,
    Truth.RESERVED: Standing.KEPT,
    Truth.BLOCKED: Standing.KEPT,
    Truth.DROPZONE: Standing.WAITING,
}
Words = dict[Standing, str]
_SHORT: Words = {
    Standing.FREE: "AVAILABLE",
    Standing.TAKEN: "NOT AVAILABLE",
    Standing.KEPT: "NOT ALLOWED",
    Standing.WAITING: "NOT AVAILABLE",
}
_WITH_REGISTERED = _SHORT | {Standing.TAKEN: "REGISTERED", Standing.WAITING: "QUARANTINE"}


def _sentence(form: str, free: str, taken: str, kept: str) -> Callable[[str, Standing], str]:
    words = {Standing.FREE: free, Standing.TAKEN: taken, Standing.KEPT: kept, Standing.WAITING: taken}
    return lambda name, standing: form.format(name=name, word=words[standing])


def _labelled(name: str, standing: Standing) -> str:
    return f"% Domain availability of the lab\nDomain:\t{name}\nStatus:\t{_SHORT[standing]}\n"


def _be(name: str, standing: Standing) -> str:
    terms = "% This service is provided for information only. Clients that query too often may be blocked.\n"
    return f"{terms}RC:\t0\n{_labelled(name, standing)}"


def _eu(name: str, standing: Standing) -> str:
    return f"Domain: {name.partition('.')[0]}\nStatus: {_WITH_REGISTERED[standing]}\n"


def _no(name: str, standing: Standing) -> str:
    words = {Standing.FREE: "is available for registration", Standing.KEPT: "cannot be registered"}
    return f'% See the terms of use\n\nThe domain "{idna.decode(name)}" {words.get(standing, "is delegated")}\n'


def _dk(name: str, standing: Standing) -> str:
    words = {Standing.FREE: "available", Standing.WAITING: "available-on-waiting-list"}
    return f"domain:{idna.decode(name)}\nstatus:ok\ndomain_status:{words.get(standing, 'unavailable')}\n"


def _br(name: str, standing: Standing) -> str:
    numbers = {Standing.FREE: 0, Standing.TAKEN: 2, Standing.KEPT: 3, Standing.WAITING: 5}
    return json.dumps({"status": numbers[standing], "fqdn": name})


#: How each service words it, by host; `_labelled` is the form of the others.
_TEXTS: dict[str, Callable[[str, Standing], str]] = {
    "das.dns.be": _be,
    "das.eu": _eu,
    "das.nic.it": _sentence("{word}\n", "AVAILABLE", "UNAVAILABLE", "UNAVAILABLE"),
    "das.domreg.lt": _sentence("Domain: {name}\nStatus: {word}\n", "available", "registered", "blocked"),
    "das.arnes.si": _sentence("Domain {name} is {word}\n", "available", "registered", "forbidden"),
    "finger.norid.no": _no,
    "free.iis.se": _sentence("{word} {name}\n", "free", "occupied", "not_valid"),
    "free.iis.nu": _sentence("{word} {name}\n", "free", "occupied", "not_valid"),
    "das.dk-hostmaster.dk": _dk,
    "dac.nic.uk": _sentence("{name},{word}\n", "N", "Y,N,2001-01-01,2030-01-01,TAG", "R"),
    "whois.domain-registry.nl": _sentence("{name} is {word}\n", "free", "active", "excluded"),
    "registro.br": _br,
}
_THROTTLED = {
    "das.dns.be": "% Excessive querying, grace period of 7 seconds\nRC:\t-2\n",
    "dac.nic.uk": "{name},B,7\n",
}
#: The fault of an HTTP server that stands for one of a line server.
_AS_HTTP = {"cut": "truncate", "endless": "oversize", "throttle": "429-retry-after"}


class DasService:
    """One service, `row` of the built-in table, over what the registries of the lab know."""

    def __init__(self, row: DasServer, registry: Registry, faults: FaultTable, queries: QueryLog) -> None:
        self._row = row
        self._registry = registry
        self._faults = faults
        self._queries = queries

    async def start(self, stack: AsyncExitStack, sock: socket.socket, tls: ssl.SSLContext | None = None) -> list[WhoisServer]:
        """Serve on a listening socket until the stack closes; with `tls` where the service uses it. The line servers of it."""
        if not self._row.is_web:
            server = WhoisServer([f"das/{suffix}" for suffix in self._row.suffixes], self._answer_line, self._faults)
            await server.start(sock)
            stack.push_async_callback(server.stop)
            return [server]
        app = web.Application()
        app.router.add_get("/{path:.*}", self._answer_web)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.SockSite(runner, sock, ssl_context=tls if self._row.tls else None).start()
        return []

    def _answer_line(self, line: str, _client: str) -> tuple[str, Fault | None]:
        name = _name_in(line.rsplit(maxsplit=1)[-1] if line.split() else "", self._row)
        key = self._key(name)
        self._queries.add(key, name, "tcp")
        fault = self._faults.pick(key, name)
        if fault is not None and fault.kind == "throttle":
            return _THROTTLED.get(self._row.host, "Quota exceeded, slow down\n").format(name=name), fault
        return self._text_about(name, fault), fault

    async def _answer_web(self, request: web.Request) -> web.StreamResponse:
        name = _name_in(request.query.get("q") or request.path.rpartition("/")[2], self._row)
        key = f"das/{self._row.suffixes[0]}" if self._row.form is Form.EE_AUCTIONS else self._key(name)
        self._queries.add(key, name, "GET")
        fault = self._faults.pick(key, name)
        if fault is not None and fault.words is not None:
            return http_faults.spoken(fault, name)
        as_http = fault and replace(fault, kind=_AS_HTTP.get(fault.kind, fault.kind))
        wrong = await http_faults.misbehave(as_http, request)
        if wrong is not None:
            return wrong
        if self._row.form is Form.EE_AUCTIONS:
            return self._auctions(request)
        if request.path != self._row.query.partition("?")[0].format(name=name, ulabel=idna.decode(name)):
            return web.Response(status=404)
        kind = "application/json" if self._row.form is Form.BR_JSON else "text/plain"
        return web.Response(text=self._text_about(name, fault), content_type=kind)

    def _key(self, name: str) -> str:
        suffix = name.partition(".")[2]
        return f"das/{suffix if suffix in self._row.suffixes else self._row.suffixes[0]}"

    def _text_about(self, name: str, fault: Fault | None) -> str:
        """The honest text, or the one that a fault puts in its place."""
        if fault is not None and fault.words is not None:
            return fault.words.about(name)
        kind = fault.kind if fault else ""
        standing = Standing.FREE if kind == "lying-404" else _STANDINGS[self._registry.truth(name)]
        shown = f"not-{name}" if kind == "wrong-name" else name
        return _TEXTS.get(self._row.host, _labelled)(shown, standing)

    def _auctions(self, request: web.Request) -> web.Response:
        """The names of this registry that wait in a release procedure; 304 where the client has the list."""
        waiting = [name for name, truth in sorted(self._registry.withheld.items()) if truth is Truth.DROPZONE]
        listed = [name for name in waiting if name.partition(".")[2] in self._row.suffixes]
        rows = [{"domain_name": idna.decode(name), "punycode_domain_name": name} for name in listed]
        body = json.dumps({"count": len(rows), "auctions": rows}).encode()
        etag = hashlib.sha256(body).hexdigest()[:16]
        known = any(tag.value == etag for tag in request.if_none_match or ())
        response = web.Response(status=304) if known else web.Response(body=body, content_type="application/json")
        response.etag = etag
        return response


def _name_in(text: str, row: DasServer) -> str:
    """The A-label name in a query of this dialect; a label alone is one of the first suffix."""
    low = text.lower()
    name = low if low.isascii() else idna.encode(low).decode("ascii")
    return name if "." in name or not name else f"{name}.{row.suffixes[0]}"
