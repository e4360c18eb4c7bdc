"""GoDaddy v3: bearer token, up to 25 names, prices in cents, an error for each name that it cannot check."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, ClassVar

from aiohttp import web

from tests.lab.registrars.emulator import Asked, Emulator, Kind, Stand, is_equal

_STATUS = {"credentials": 401, "throttled": 429, "malformed": 400}
_ERRORS = {Kind.UNSUPPORTED: "UNSUPPORTED_TLD", Kind.INVALID: "MISMATCH_FORMAT"}


class Godaddy(Emulator):
    """Asks the registry where the call wants accuracy, and says so."""

    vendor = "godaddy"
    credentials: ClassVar = {"GODADDY_TOKEN": "gd-lab-token-5e20"}
    batch = 25
    definitive = True

    def routes(self) -> list[web.RouteDef]:
        """The check of many names."""
        return [web.post("/v3/domains/check-availability", self.check)]

    def is_let_in(self, asked: Asked) -> bool:
        """A bearer token."""
        return is_equal(asked.request.headers.get("Authorization"), f"Bearer {self.credentials['GODADDY_TOKEN']}")

    def names_in(self, asked: Asked) -> list[str]:
        """`domains` of a JSON body."""
        body = json.loads(asked.body)
        self.definitive = body.get("optimizeFor") == "ACCURACY"
        return [str(name) for name in body["domains"]]

    def show(self, stands: Sequence[Stand]) -> web.Response:
        """An item for each name."""
        return web.json_response({"items": [self._item(stand) for stand in stands]})

    def show_error(self, kind: str) -> web.Response:
        """A code and a message."""
        return web.json_response({"code": kind.upper(), "message": f"lab trouble: {kind}"}, status=_STATUS.get(kind, 500))

    def _item(self, stand: Stand) -> dict[str, Any]:
        if stand.kind in _ERRORS:
            return {"domain": stand.name, "error": {"name": _ERRORS[stand.kind], "message": "lab trouble"}}
        if stand.kind not in {Kind.FREE, Kind.PREMIUM}:
            return {"domain": stand.name, "available": False, "definitive": self.definitive}
        cost = {"currencyCode": stand.currency, "value": int(stand.price * 100)}
        prices = [{"term": "YEAR", "period": years, "price": cost, "renewalPrice": cost} for years in (2, 1)]
        inventory = "PREMIUM" if stand.kind is Kind.PREMIUM else "REGISTRY"
        item = {"domain": stand.name, "available": True, "definitive": self.definitive}
        return {**item, "inventory": inventory, "prices": prices}
