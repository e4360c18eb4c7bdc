"""Porkbun: two keys in headers, one name in the URL that no answer repeats, errors under 400, the rate limit in each answer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, ClassVar

from aiohttp import web

from tests.lab.registrars.emulator import Asked, Emulator, Kind, Stand, is_equal

_CODES = {"credentials": "INVALID_API_KEYS_001", "throttled": "RATE_LIMIT_EXCEEDED", "malformed": "INVALID_DOMAIN"}
_LIMITS = {"TTL": "10", "limit": "1", "used": 1, "naturalLanguage": "1 out of 1 checks within 10 seconds used."}


class Porkbun(Emulator):
    """A suffix that is not sold is an error, as a malformed name is."""

    vendor = "porkbun"
    credentials: ClassVar = {"PORKBUN_API_KEY": "pk1_lab_0a6d9c", "PORKBUN_SECRET_API_KEY": "sk1_lab_77b3f2"}
    repeats_names = False

    def routes(self) -> list[web.RouteDef]:
        """The check of a name."""
        return [web.post("/api/json/v3/domain/checkDomain/{name}", self.check)]

    def is_let_in(self, asked: Asked) -> bool:
        """Both keys."""
        headers = asked.request.headers
        key = is_equal(headers.get("X-API-Key"), self.credentials["PORKBUN_API_KEY"])
        return key and is_equal(headers.get("X-Secret-API-Key"), self.credentials["PORKBUN_SECRET_API_KEY"])

    def names_in(self, asked: Asked) -> list[str]:
        """The end of the path. The body has to be JSON."""
        json.loads(asked.body)
        return [asked.request.match_info["name"]]

    def show(self, stands: Sequence[Stand]) -> web.Response:
        """The answer about the name."""
        if any(stand.kind in {Kind.INVALID, Kind.UNSUPPORTED} for stand in stands):
            return self.show_error("malformed")
        answer = self._answer_for(stands[0]) if stands else {}
        return web.json_response({"status": "SUCCESS", "response": answer, "limits": _LIMITS, "ttlRemaining": 10})

    def show_error(self, kind: str) -> web.Response:
        """A code and a message; for a rate limit, how long it lasts."""
        error = {"status": "ERROR", "code": _CODES.get(kind, "INTERNAL"), "message": f"lab trouble: {kind}"}
        return web.json_response({**error, "ttlRemaining": 7} if kind == "throttled" else error, status=400)

    @staticmethod
    def _answer_for(stand: Stand) -> dict[str, Any]:
        cost = str(stand.price)
        avail = "yes" if stand.kind in {Kind.FREE, Kind.PREMIUM} else "no"
        return {
            "avail": avail,
            "type": "registration",
            "price": cost,
            "firstYearPromo": "no",
            "regularPrice": cost,
            "premium": "yes" if stand.kind is Kind.PREMIUM else "no",
            "minDuration": 1,
            "additional": {"renewal": {"type": "renewal", "price": cost}},
        }
