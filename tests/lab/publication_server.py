"""What the registries of the lab publish about names, over HTTP: drop lists and whole lists, made from the lab's own truth.

Files are as the registries write them: .uk as packed CSV with its SHA-256 beside it, .se as JSON, .it as names of a day, .br
with head and foot, .sk as a list of all names. A file changes when the registry does, and says so (ETag, Last-Modified).
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import formatdate

from aiohttp import web

from tests.lab import http_faults, net
from tests.lab.clock import DAY
from tests.lab.faults import KINDS, Fault, FaultTable
from tests.lab.model import Phase, Registration, Registry
from tests.lab.queries import QueryLog

#: Publication -> path; a path may hold what the product fills in.
PATHS = {
    "uk-drops": "/uk.csv.gz",
    "se-drops": "/bardate_domains.json",
    "it-drops-09": "/droptime/{yyyymmdd}09.txt",
    "br-release": "/lista-processo-liberacao.txt",
    "sk-names": "/domains.txt",
}
_ENDLESS = 65_536
_HEAD = "# Processo de libera\xe7\xe3o 2026-12 - de 01/12/2026 a 08/12/2026"


@dataclass(frozen=True, slots=True)
class _Made:
    """A file as it was made."""

    body: bytes
    tag: str
    at: float  # wall-clock time


class Publisher:
    """The web server of all lists."""

    def __init__(self, registry: Registry, faults: FaultTable, queries: QueryLog) -> None:
        self._registry = registry
        self._faults = faults
        self._queries = queries
        self._made: dict[str, list[_Made]] = {}

    def application(self) -> web.Application:
        """The web application."""
        app = web.Application()
        app.router.add_get("/{path:.*}", self._answer)
        return app

    def write(self, publication: str) -> bytes:
        """The file of a publication as it is now."""
        return _WRITERS[publication](self)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        path = request.path.removesuffix(".sha256")
        name = next((name for name, known in PATHS.items() if _matches(known, path)), None)
        if name is None:
            return web.Response(status=404)
        made, key = self._make(name), f"publication/{name}"
        if request.path != path:
            lied = self._faults.pick(key, kinds={"checksum"}) is not None
            digest = "0" * 64 if lied else hashlib.sha256(made.body).hexdigest()
            return web.Response(text=f"{digest}  {path.rpartition('/')[2]}\n")
        fault = self._faults.pick(key, kinds=KINDS["publication"] - {"checksum"})
        self._queries.add(key, name, "GET")
        wrong = await _misbehave(fault, request, made, self._made[name][0])
        if wrong is not None:
            return wrong
        headers = _headers(made)
        if request.headers.get("If-None-Match") == made.tag:
            return web.Response(status=304, headers=headers)
        return web.Response(body=made.body, headers=headers)

    def _make(self, name: str) -> _Made:
        """The file as it is now, made again only where it changes."""
        body = self.write(name)
        versions = self._made.setdefault(name, [])
        tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        if not versions or versions[-1].tag != tag:
            versions.append(_Made(body, tag, self._registry.clock.wall()))
        return versions[-1]

    # forms

    def _write_uk(self) -> bytes:
        rows = [f"{entry.roid},{entry.name},{_time(at):%Y-%m-%dT%H:%M:%SZ}" for entry, at in self._dropping("uk")]
        return gzip.compress("\n".join(["roid,domain,drop_time", *rows, ""]).encode(), mtime=0)

    def _write_se(self) -> bytes:
        rows = [{"name": entry.name, "release_at": f"{_time(at):%Y-%m-%d}"} for entry, at in self._dropping("se")]
        return json.dumps({"data": rows}).encode()

    def _write_it(self) -> bytes:
        return "".join(f"{entry.name}\n" for entry, _ in self._dropping("it")).encode()

    def _write_br(self) -> bytes:
        names = (name for name in sorted(self._registry.withheld) if name.endswith(".br"))
        return "\n".join([_HEAD, "#", *names, "# Fim do arquivo", ""]).encode("iso-8859-1")

    def _write_sk(self) -> bytes:
        rows = (f"{entry.name};SK-LAB;;new;;;;DOM_OK" for entry in self._below("sk"))
        return "\n".join(["-- lab", "domena;ID reg;ID drzitela;NEW;;;;stav", *rows, ""]).encode("iso-8859-2")

    def _dropping(self, suffix: str) -> Iterable[tuple[Registration, float]]:
        """Names that will be purged, by name, with the wall-clock time of that."""
        clock = self._registry.clock
        for entry in self._below(suffix):
            if entry.phase is Phase.PENDING_DELETE and entry.ends is not None:
                yield entry, round(clock.wall() + (entry.ends - clock.now()) / clock.speed)

    def _below(self, suffix: str) -> list[Registration]:
        self._registry.advance()
        return [entry for name, entry in sorted(self._registry.names.items()) if name.endswith(f".{suffix}")]


_WRITERS: dict[str, Callable[[Publisher], bytes]] = {
    "uk-drops": Publisher._write_uk,
    "se-drops": Publisher._write_se,
    "it-drops-09": Publisher._write_it,
    "br-release": Publisher._write_br,
    "sk-names": Publisher._write_sk,
}


def _matches(known: str, path: str) -> bool:
    """Whether a path is the one known, with any day in it."""
    before, mark, after = known.partition("{yyyymmdd}")
    return path == known or bool(mark and path.startswith(before) and path.endswith(after))


def _time(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def _headers(made: _Made, older: float = 0.0) -> dict[str, str]:
    return {"ETag": made.tag, "Last-Modified": formatdate(made.at - older, usegmt=True)}


async def _misbehave(fault: Fault | None, request: web.Request, made: _Made, first: _Made) -> web.StreamResponse | None:
    """The wrong answer, None where the right one follows."""
    kind = "" if fault is None else fault.kind
    answers = {
        "cut": lambda: web.Response(body=made.body[: len(made.body) // 2], headers=_headers(made)),
        "shrunk": lambda: web.Response(body=_shrink(made.body), headers=_headers(made) | {"ETag": '"shrunk"'}),
        "stale": lambda: web.Response(body=first.body, headers=_headers(first, DAY) | {"ETag": '"stale"'}),
    }
    if kind in answers:
        return answers[kind]()
    if kind == "truncate":
        return await _promise(request, made.body[: len(made.body) // 2], len(made.body))
    return await _flood(request) if kind == "endless" else await http_faults.misbehave(fault, request)


def _shrink(body: bytes) -> bytes:
    """The head of a file and none of its rows."""
    packed = body.startswith(b"\x1f\x8b")
    text = gzip.decompress(body) if packed else body
    head = text.partition(b"\n")[0] + b"\n" if not text.startswith(b"{") else b'{"data": []}'
    return gzip.compress(head, mtime=0) if packed else head


async def _promise(request: web.Request, body: bytes, length: int) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": str(length)})
    await response.prepare(request)
    await response.write(body)
    if request.transport is not None:
        net.reset(request.transport)
    return response


async def _flood(request: web.Request) -> web.StreamResponse:
    """Rows without an end, packed where the file is."""
    response = web.StreamResponse()
    await response.prepare(request)
    block = gzip.compress(b"1-UK,again.co.uk,2026-12-01T10:00:00Z\n" * 1000, mtime=0)
    for _ in range(_ENDLESS):
        if request.transport is None or request.transport.is_closing():
            break
        await response.write(block)
    return response
