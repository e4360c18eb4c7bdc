"""INWX DomRobot over JSON-RPC: every answer has status 200; a login sets cookies and waits for a one-time password."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Sequence
from typing import Any, ClassVar

from aiohttp import web
from multidict import CIMultiDict

from tests.lab.registrars.emulator import Asked, Emulator, Kind, Stand, is_equal

_CODES = {
    "credentials": (2200, "Authentication error"),
    "throttled": (2502, "Session limit exceeded; server closing connection"),
    "malformed": (2005, "Parameter value syntax error"),
}


class Inwx(Emulator):
    """`sessions` by cookie: whether the second factor was given. A code is taken in its own step of 30 seconds and the next."""

    vendor = "inwx"
    credentials: ClassVar = {
        "INWX_USERNAME": "inwx-lab-user",
        "INWX_PASSWORD": "inwx-lab-Password-9d04",
        "INWX_SHARED_SECRET": "JBSWY3DPEHPK3PXPJBSWY3DP",
    }
    batch = 10

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.sessions: dict[str, bool] = {}
        self.logins = 0

    def end_sessions(self) -> None:
        """Forget every cookie."""
        self.sessions.clear()

    def routes(self) -> list[web.RouteDef]:
        """One address for all methods."""
        return [web.post("/jsonrpc/", self._dispatch)]

    async def _dispatch(self, request: web.Request) -> web.StreamResponse:
        call = json.loads(await request.read())
        if call["method"] == "domain.check":
            return await self.check(request)
        handlers = {"account.login": self._login, "account.unlock": self._unlock}
        return await self.log_in(request, lambda _body: handlers[call["method"]](request, call["params"]))

    def _login(self, _request: web.Request, given: dict[str, Any]) -> web.Response:
        names = {"user": "INWX_USERNAME", "pass": "INWX_PASSWORD"}
        if not all(is_equal(given.get(key), self.credentials[name]) for key, name in names.items()):
            return self.show_error("credentials")
        cookie = secrets.token_hex(16)
        self.sessions[cookie] = False
        headers = CIMultiDict([("Set-Cookie", "balancer=node-1; path=/"), ("Set-Cookie", f"domrobot={cookie}; path=/; secure")])
        return web.json_response(
            {"code": 1000, "msg": "ok", "resData": {"customerId": 1, "tfa": "GOOGLE-AUTH"}}, headers=headers
        )

    def _unlock(self, request: web.Request, given: dict[str, Any]) -> web.Response:
        cookie = request.cookies.get("domrobot", "")
        step = int(time.time()) // 30
        if cookie not in self.sessions or given.get("tan") not in {
            self._one_time_password(step),
            self._one_time_password(step - 1),
        }:
            return self.show_error("credentials")
        self.sessions[cookie] = True
        self.logins += 1
        return web.json_response({"code": 1000, "msg": "ok"})

    def _one_time_password(self, step: int) -> str:
        secret = base64.b32decode(self.credentials["INWX_SHARED_SECRET"])
        digest = hmac.new(secret, step.to_bytes(8, "big"), hashlib.sha1).digest()
        at = digest[19] % 16
        return str(int.from_bytes(digest[at : at + 4], "big") % 2**31 % 10**6).rjust(6, "0")

    def is_let_in(self, asked: Asked) -> bool:
        """A cookie whose second factor was given, and that of the balancer."""
        cookies = asked.request.cookies
        return cookies.get("balancer") == "node-1" and self.sessions.get(cookies.get("domrobot", ""), False)

    def names_in(self, asked: Asked) -> list[str]:
        """The parameter `domain`."""
        return [str(name) for name in json.loads(asked.body)["params"]["domain"]]

    def show(self, stands: Sequence[Stand]) -> web.Response:
        """An entry for each name."""
        return web.json_response({"code": 1000, "msg": "ok", "resData": {"domain": [self._entry(stand) for stand in stands]}})

    def show_error(self, kind: str) -> web.Response:
        """The vendor's code."""
        code, text = _CODES.get(kind, (2400, "Command failed"))
        return web.json_response({"code": code, "msg": text})

    @staticmethod
    def _entry(stand: Stand) -> dict[str, Any]:
        entry = {"domain": stand.name, "avail": 0, "status": "taken", "checkmethod": "domcheck", "checktime": 0.1}
        price = float(stand.price)
        if stand.kind is Kind.FREE:
            return {**entry, "avail": 1, "status": "free", "price": price, "currency": stand.currency}
        if stand.kind is Kind.PREMIUM:
            prices = {key: {"price": price} for key in ("create", "renew", "transfer")}
            return {**entry, "avail": 1, "status": "free", "premium": {"currency": stand.currency, "prices": prices}}
        return {**entry, "avail": -1, "status": "error"} if stand.kind in {Kind.UNSUPPORTED, Kind.INVALID} else entry
