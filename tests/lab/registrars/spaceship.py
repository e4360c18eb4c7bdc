"""Spaceship: key and secret in headers, up to 20 names, no list prices."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, ClassVar

from aiohttp import web

from tests.lab.registrars.emulator import Asked, Emulator, Kind, Stand, is_equal

_STATUS = {"credentials": 401, "throttled": 429, "malformed": 422}
_RESULTS = {Kind.FREE: "available", Kind.PREMIUM: "available", Kind.UNSUPPORTED: "tldNotSupported"}
_RESULTS |= {Kind.INVALID: "invalidDomainName"}


class Spaceship(Emulator):
    """Refused calls name the field that is wrong."""

    vendor = "spaceship"
    credentials: ClassVar = {"SPACESHIP_API_KEY": "ship-lab-key-52c0", "SPACESHIP_API_SECRET": "ship-lab-secret-e81f"}
    batch = 20

    def routes(self) -> list[web.RouteDef]:
        """The check."""
        return [web.post("/v1/domains/available", self.check)]

    def is_let_in(self, asked: Asked) -> bool:
        """Key and secret."""
        headers = asked.request.headers
        key = is_equal(headers.get("X-API-Key"), self.credentials["SPACESHIP_API_KEY"])
        return key and is_equal(headers.get("X-API-Secret"), self.credentials["SPACESHIP_API_SECRET"])

    def names_in(self, asked: Asked) -> list[str]:
        """`domains` of a JSON body."""
        return [str(name) for name in json.loads(asked.body)["domains"]]

    def show(self, stands: Sequence[Stand]) -> web.Response:
        """An entry for each name."""
        return web.json_response({"domains": [self._entry(stand) for stand in stands]})

    def show_error(self, kind: str) -> web.Response:
        """A detail."""
        return web.json_response({"detail": f"lab trouble: {kind}"}, status=_STATUS.get(kind, 500))

    @staticmethod
    def _entry(stand: Stand) -> dict[str, Any]:
        entry = {"domain": stand.name, "result": _RESULTS.get(stand.kind, "taken"), "premiumPricing": []}
        if stand.kind is not Kind.PREMIUM:
            return entry
        cost = {"price": float(stand.price), "currency": stand.currency}
        return {**entry, "premiumPricing": [{"operation": operation, **cost} for operation in ("register", "renew")]}
