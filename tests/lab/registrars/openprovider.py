"""Openprovider: a login gives a token, errors come with a code and status 500, prices in the currency of the account too."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from typing import Any, ClassVar

from aiohttp import web

from tests.lab.registrars.emulator import Asked, Emulator, Kind, Stand, is_equal

_CODES = {"credentials": (196, "Authentication/Authorization Failed"), "throttled": (50, "Calls limit has been reached")}
_REASONS = {Kind.TAKEN: "Domain exists", Kind.DROPPING: "In use", Kind.RESERVED: "Reserved name"}


class Openprovider(Emulator):
    """Tokens are good until `end_sessions`. An unsold suffix is refused name by name."""

    vendor = "openprovider"
    credentials: ClassVar = {"OPENPROVIDER_USERNAME": "op-lab-reseller", "OPENPROVIDER_PASSWORD": "op-lab-Password-51c2"}
    batch = 15

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.tokens: set[str] = set()
        self.logins = 0

    def end_sessions(self) -> None:
        """Forget every token."""
        self.tokens.clear()

    def routes(self) -> list[web.RouteDef]:
        """Login and check."""
        return [web.post("/v1beta/auth/login", self._login), web.post("/v1beta/domains/check", self.check)]

    async def _login(self, request: web.Request) -> web.StreamResponse:
        return await self.log_in(request, self._let_in)

    def _let_in(self, body: bytes) -> web.Response:
        account = json.loads(body)
        names = ("OPENPROVIDER_USERNAME", "OPENPROVIDER_PASSWORD")
        if not all(
            is_equal(account.get(key), self.credentials[name])
            for key, name in zip(("username", "password"), names, strict=True)
        ):
            return self.show_error("credentials")
        token = secrets.token_hex(16)
        self.tokens.add(token)
        self.logins += 1
        return web.json_response({"code": 0, "desc": "", "data": {"token": token, "reseller_id": 1}})

    def is_let_in(self, asked: Asked) -> bool:
        """A token of a login."""
        return asked.request.headers.get("Authorization", "").removeprefix("Bearer ") in self.tokens

    def names_in(self, asked: Asked) -> list[str]:
        """`domains`, in two parts each."""
        return [f"{entry['name']}.{entry['extension']}" for entry in json.loads(asked.body)["domains"]]

    def show(self, stands: Sequence[Stand]) -> web.Response:
        """A result for each name."""
        return web.json_response({"code": 0, "desc": "", "data": {"results": [self._entry(stand) for stand in stands]}})

    def show_error(self, kind: str) -> web.Response:
        """The vendor's code, with status 500."""
        code, text = _CODES.get(kind, (399, f"lab trouble: {kind}"))
        return web.json_response({"code": code, "desc": text, "data": None, "warnings": []}, status=500)

    @staticmethod
    def _entry(stand: Stand) -> dict[str, Any]:
        price = {"price": float(stand.price), "currency": stand.currency}
        if stand.kind is Kind.FREE:
            registry = {"price": 9.0, "currency": "EUR"}
            return {
                "domain": stand.name,
                "status": "free",
                "is_premium": False,
                "price": {"product": registry, "reseller": price},
            }
        if stand.kind is Kind.PREMIUM:
            prices = {"currency": stand.currency, "price": {"create": float(stand.price), "renew": float(stand.price)}}
            return {"domain": stand.name, "status": "free", "is_premium": True, "premium": prices, "price": {"reseller": price}}
        reason = _REASONS.get(stand.kind, "Invalid extension")
        return {"domain": stand.name, "status": "active", "reason": reason}
