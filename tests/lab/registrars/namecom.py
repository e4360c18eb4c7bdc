"""Name.com: basic authentication, up to 50 names; unsold and malformed names are left out, or 422 where nothing is left."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Sequence
from typing import Any, ClassVar

from aiohttp import web

from tests.lab.registrars.emulator import Asked, Emulator, Kind, Stand, is_equal

_STATUS = {"credentials": 401, "throttled": 429, "malformed": 400}


class Namecom(Emulator):
    """Takes the path with a plain colon alone."""

    vendor = "namecom"
    credentials: ClassVar = {"NAMECOM_USERNAME": "lab-nameuser-test", "NAMECOM_API_TOKEN": "nc-lab-token-19bd"}
    batch = 50

    def routes(self) -> list[web.RouteDef]:
        """The check of Core API v1."""
        return [web.post("/core/v1/domains:checkAvailability", self.check)]

    def is_let_in(self, asked: Asked) -> bool:
        """User and token."""
        login = b64encode(":".join(self.credentials.values()).encode()).decode()
        return is_equal(asked.request.headers.get("Authorization"), f"Basic {login}")

    def names_in(self, asked: Asked) -> list[str]:
        """`domainNames` of a JSON body."""
        body = json.loads(asked.body)
        if not asked.request.raw_path.endswith(":checkAvailability") or body["purchaseType"] != "registration":
            raise ValueError("another call")
        return [str(name) for name in body["domainNames"]]

    def show(self, stands: Sequence[Stand]) -> web.Response:
        """An entry for each name that is well formed and whose suffix is sold."""
        if stands and all(stand.kind is Kind.UNSUPPORTED for stand in stands):
            return web.json_response({"message": "Unprocessable Entity", "details": "no supported TLD"}, status=422)
        shown = [self._entry(stand) for stand in stands if stand.kind not in {Kind.INVALID, Kind.UNSUPPORTED}]
        return web.json_response({"results": shown})

    def show_error(self, kind: str) -> web.Response:
        """A message."""
        return web.json_response({"message": f"lab trouble: {kind}"}, status=_STATUS.get(kind, 500))

    @staticmethod
    def _entry(stand: Stand) -> dict[str, Any]:
        label, _, suffix = stand.name.partition(".")
        entry = {"domainName": stand.name, "sld": label, "tld": suffix, "purchaseType": "registration"}
        if stand.kind not in {Kind.FREE, Kind.PREMIUM}:
            return {**entry, "purchasable": False, "premium": False, "reason": "Domain is not available"}
        cost = float(stand.price)
        premium = stand.kind is Kind.PREMIUM
        return {**entry, "purchasable": True, "premium": premium, "purchasePrice": cost, "renewalPrice": cost}
