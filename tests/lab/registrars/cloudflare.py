"""Cloudflare Registrar: bearer token, up to 20 names, errors with `success` false, prices only where it can be created."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, ClassVar

from aiohttp import web

from tests.lab.registrars.emulator import Asked, Emulator, Kind, Stand, is_equal

_STATUS = {"credentials": 401, "throttled": 429, "malformed": 400}
_REASONS = {Kind.UNSUPPORTED: "extension_not_supported", Kind.PREMIUM: "domain_premium"}


class Cloudflare(Emulator):
    """The account "lab-account"; a malformed name is left out of the answer."""

    vendor = "cloudflare"
    credentials: ClassVar = {"CLOUDFLARE_ACCOUNT_ID": "lab-account", "CLOUDFLARE_API_TOKEN": "cf-lab-token-7f3a"}
    batch = 20

    def routes(self) -> list[web.RouteDef]:
        """The account's registrar, and its sandbox."""
        paths = ("registrar", "registrar-sandbox")
        return [web.post(f"/accounts/lab-account/{path}/domain-check", self.check) for path in paths]

    def is_let_in(self, asked: Asked) -> bool:
        """A bearer token."""
        return is_equal(asked.request.headers.get("Authorization"), f"Bearer {self.credentials['CLOUDFLARE_API_TOKEN']}")

    def names_in(self, asked: Asked) -> list[str]:
        """`domains` of a JSON body."""
        return [str(name) for name in json.loads(asked.body)["domains"]]

    def show(self, stands: Sequence[Stand]) -> web.Response:
        """An entry for each name that is well formed."""
        shown = [self._entry(stand) for stand in stands if stand.kind is not Kind.INVALID]
        return web.json_response({"success": True, "errors": [], "messages": [], "result": {"domains": shown}})

    def show_error(self, kind: str) -> web.Response:
        """The envelope of all of its answers, without success."""
        errors = [{"code": 10000, "message": f"lab trouble: {kind}"}]
        status = _STATUS.get(kind, 200)
        return web.json_response({"success": False, "errors": errors, "messages": [], "result": None}, status=status)

    @staticmethod
    def _entry(stand: Stand) -> dict[str, Any]:
        if stand.kind is Kind.FREE:
            cost = str(stand.price)
            pricing = {"registration_cost": cost, "renewal_cost": cost, "currency": stand.currency}
            return {"name": stand.name, "registrable": True, "tier": "standard", "pricing": pricing}
        reason = _REASONS.get(stand.kind, "domain_unavailable")
        return {"name": stand.name, "registrable": False, "reason": reason}
