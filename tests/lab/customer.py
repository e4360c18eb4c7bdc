"""The customer: a list API that says which names to watch, and a receiver that checks and records every callback."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from aiohttp import web

from tests.lab import http_faults
from tests.lab.faults import Fault, FaultTable
from tests.lab.queries import QueryLog
from tests.lab.signature import problem

LIST_KEY = "list"
CALLBACK_KEY = "callback"
_HUGE = 64 << 20
_LARGEST_BODY = 1 << 20


@dataclass(frozen=True, slots=True)
class Received:
    """One POST as it arrived. `at` in wall-clock epoch seconds; `status` is the answer, 0 for a dropped connection."""

    at: float
    headers: Mapping[str, str]  # lower-case keys
    body: bytes
    data: dict[str, object]
    bearer_ok: bool
    signature_problem: str | None
    status: int

    @property
    def id(self) -> str:
        """The receiver's idempotency key."""
        return self.headers.get("webhook-id", "")

    @property
    def valid(self) -> bool:
        """Whether an honest receiver would accept it."""
        return self.bearer_ok and self.signature_problem is None

    @property
    def is_notice(self) -> bool:
        """A notice carries `status`; a check result carries `check_type`."""
        return "status" in self.data and "check_type" not in self.data

    def view(self) -> dict[str, object]:
        """As the control API shows it."""
        return {
            "at": self.at,
            "id": self.id,
            "status": self.status,
            "bearer_ok": self.bearer_ok,
            "signature_problem": self.signature_problem,
            "headers": {name: value for name, value in self.headers.items() if name != "authorization"},
            "data": self.data,
        }


class Customer:
    """Both ends of the customer. `watch` is name -> priority; `accepted` holds every valid callback once, by arrival."""

    def __init__(
        self, faults: FaultTable, queries: QueryLog, *, token: str, secret: str, wall: Callable[[], float] = time.time
    ) -> None:
        self.watch: dict[str, bool] = {}
        self.received: list[Received] = []
        self.accepted: dict[str, Received] = {}
        self.told: list[Callable[[Received], None]] = []
        self._faults = faults
        self._queries = queries
        self._token = token
        self._secret = secret
        self._wall = wall
        self._news = asyncio.Event()

    def application(self) -> web.Application:
        """The web application."""
        app = web.Application(client_max_size=_LARGEST_BODY)
        app.router.add_get("/domains", self._domains)
        app.router.add_post("/callback", self._callback)
        return app

    def set_watch(self, names: Iterable[str], *, priority: Iterable[str] = ()) -> None:
        """What the list API returns from now on."""
        urgent = set(priority)
        self.watch = {name: name in urgent for name in names}

    def notices(self, status: str | None = None) -> list[Received]:
        """Accepted notices in order of arrival."""
        return [item for item in self.accepted.values() if item.is_notice and status in {None, item.data.get("status")}]

    async def wait(self, count: int, seconds: float) -> bool:
        """Wait until `count` POSTs arrived in total; False after `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                while len(self.received) < count:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return False
        return True

    # list API

    async def _domains(self, request: web.Request) -> web.StreamResponse:
        self._queries.add(LIST_KEY, "domains", request.method)
        if not self._bearer(request):
            return web.Response(status=401)
        fault = self._faults.pick(LIST_KEY)
        kind = fault.kind if fault else ""
        if kind == "huge":
            return await self._huge(request)
        if kind not in {"empty", "broken", "shrunk"}:
            wrong = await http_faults.misbehave(fault, request)
            if wrong is not None:
                return wrong
        return _conditional(request, self._list_body(kind))

    def _list_body(self, kind: str) -> bytes:
        entries: list[object] = [
            {"domain": name, "priority": True} if urgent else name if index % 2 else {"domain": name}
            for index, (name, urgent) in enumerate(self.watch.items())
        ]
        if kind == "empty":
            entries = []
        elif kind == "shrunk":
            entries = entries[: max(1, len(entries) // 4)]
        body = json.dumps({"domains": entries}).encode()
        return body[: len(body) // 2] if kind == "broken" else body

    async def _huge(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        await response.write(b'{"domains":["example.com"')
        chunk = b',"example.com"' * 5000
        for _ in range(_HUGE // len(chunk)):
            await response.write(chunk)
        await response.write(b"]}")
        return response

    # callbacks

    async def _callback(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        fault = self._faults.pick(CALLBACK_KEY, str(_object(body).get("domain", "")))
        kind = fault.kind if fault else ""
        item = self._record(request, body, fault)
        if kind in {"reset", "silence", "drop"}:
            self._publish(item)
            return await (http_faults.silence(request) if kind == "silence" else http_faults.reset(request))
        wrong = await http_faults.misbehave(fault, request)
        self._publish(item)
        if wrong is not None:
            return wrong
        return web.Response(status=item.status)

    def _record(self, request: web.Request, body: bytes, fault: Fault | None) -> Received:
        headers = {name.lower(): value for name, value in request.headers.items()}
        now = self._wall()
        refused = problem(headers, body, self._secret, now)
        bearer = self._bearer(request)
        status = {"": 204 if bearer and refused is None else 401, "drop": 0, "reset": 0, "silence": 0, "delay": 204}
        kind = fault.kind if fault else ""
        answered = status[kind] if kind in status else int(kind)
        data = _object(body)
        self._queries.add(CALLBACK_KEY, str(data.get("domain", "")), request.method)
        return Received(now, headers, body, data, bearer, refused, answered)

    def _publish(self, item: Received) -> None:
        self.received.append(item)
        new = item.valid and item.status == 204 and item.id not in self.accepted
        if new:
            self.accepted[item.id] = item
        self._news.set()
        if new:
            for listener in self.told:
                listener(item)

    def _bearer(self, request: web.Request) -> bool:
        return not self._token or request.headers.get("Authorization") == f"Bearer {self._token}"


def _object(body: bytes) -> dict[str, object]:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _conditional(request: web.Request, body: bytes) -> web.Response:
    etag = hashlib.sha256(body).hexdigest()[:16]
    if any(tag.value in {etag, "*"} for tag in request.if_none_match or ()):
        response = web.Response(status=304)
    else:
        response = web.Response(body=body, content_type="application/json")
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            response.enable_compression(web.ContentCoding.gzip)
    response.etag = etag
    return response
