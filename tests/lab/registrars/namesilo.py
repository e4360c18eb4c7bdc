"""NameSilo: the key in the query, codes with a status of 200, three lists, one call at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from aiohttp import web

from tests.lab.registrars.emulator import Asked, Emulator, Kind, Stand, is_equal

_CREATABLE = (Kind.FREE, Kind.PREMIUM)
_INVALID = (Kind.INVALID, Kind.UNSUPPORTED)
_ERRORS = {
    "credentials": ("110", "Invalid API Key (Permission denied)"),
    "throttled": (400, "Existing API request is still processing"),
    "malformed": ("108", "Missing parameters for the specified operation"),
    "error": (115, "Central Registry Not Responding - try again later"),
}


class Namesilo(Emulator):
    """Serves programs and the occasional call alike."""

    vendor = "namesilo"
    credentials: ClassVar = {"NAMESILO_API_KEY": "7c1Fd9Lab5e30a884b2"}
    batch = 200
    at_once = 1

    def routes(self) -> list[web.RouteDef]:
        """The path for programs, and the other one."""
        return [web.get(f"/{part}/checkRegisterAvailability", self.check) for part in ("apibatch", "api")]

    def is_let_in(self, asked: Asked) -> bool:
        """The key in the query."""
        return is_equal(asked.request.query.get("key"), self.credentials["NAMESILO_API_KEY"])

    def names_in(self, asked: Asked) -> list[str]:
        """`domains` of the query."""
        query = asked.request.query
        if (query["version"], query["type"]) != ("1", "json"):
            raise ValueError("another version or type")
        return query["domains"].split(",")

    def show(self, stands: Sequence[Stand]) -> web.Response:
        """Three lists; one without members is left out."""
        lists: dict[str, list[Any]] = {
            "available": [_show_price(stand) for stand in stands if stand.kind in _CREATABLE],
            "unavailable": [stand.name for stand in stands if stand.kind not in (*_CREATABLE, *_INVALID)],
            "invalid": [stand.name for stand in stands if stand.kind in _INVALID],
        }
        return _reply({"code": 300, "detail": "success", **{name: found for name, found in lists.items() if found}})

    def show_error(self, kind: str) -> web.Response:
        """A code and a sentence."""
        code, detail = _ERRORS.get(kind, _ERRORS["error"])
        return _reply({"code": code, "detail": detail})


def _show_price(stand: Stand) -> dict[str, Any]:
    price = float(stand.price)
    premium = int(stand.kind is Kind.PREMIUM)
    return {"domain": stand.name, "price": price, "renew": price, "premium": premium, "duration": 1}


def _reply(reply: dict[str, Any]) -> web.Response:
    request = {"operation": "checkRegisterAvailability", "ip": "203.0.113.7"}
    return web.json_response({"request": request, "reply": reply})
