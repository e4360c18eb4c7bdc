"""Gandi: bearer token, one name in the query, a product for each process, none for a suffix that is not sold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from aiohttp import web

from tests.lab.registrars.emulator import Asked, Emulator, Kind, Stand, is_equal

_STATUS = {"credentials": 401, "throttled": 429, "malformed": 400}
_STATUSES = {Kind.FREE: "available", Kind.PREMIUM: "available", Kind.RESERVED: "unavailable_restricted"}
_STATUSES |= {Kind.INVALID: "error_invalid"}


class Gandi(Emulator):
    """A premium name is told by the type of its price."""

    vendor = "gandi"
    credentials: ClassVar = {"GANDI_TOKEN": "pat_lab_gandi_d41e"}

    def routes(self) -> list[web.RouteDef]:
        """The check."""
        return [web.get("/v5/domain/check", self.check)]

    def is_let_in(self, asked: Asked) -> bool:
        """A bearer token."""
        return is_equal(asked.request.headers.get("Authorization"), f"Bearer {self.credentials['GANDI_TOKEN']}")

    def names_in(self, asked: Asked) -> list[str]:
        """`name` of the query."""
        return [asked.request.query["name"]]

    def show(self, stands: Sequence[Stand]) -> web.Response:
        """Transfers come first."""
        products = [product for stand in stands if stand.kind is not Kind.UNSUPPORTED for product in self._products(stand)]
        currency = stands[0].currency if stands else "EUR"
        return web.json_response({"currency": currency, "grid": "A", "products": products, "taxes": []})

    def show_error(self, kind: str) -> web.Response:
        """The form of its framework."""
        status = _STATUS.get(kind, 500)
        return web.json_response({"code": status, "message": f"lab trouble: {kind}", "object": "HTTPError"}, status=status)

    @staticmethod
    def _products(stand: Stand) -> list[dict[str, Any]]:
        transfer = {"name": stand.name, "process": "transfer", "status": "available"}
        product: dict[str, Any] = {"name": stand.name, "process": "create", "status": _STATUSES.get(stand.kind, "unavailable")}
        if stand.kind in {Kind.FREE, Kind.PREMIUM}:
            cost = {"price_before_taxes": float(stand.price), "price_after_taxes": round(float(stand.price) * 1.2, 2)}
            price = {"duration_unit": "y", "min_duration": 1, "max_duration": 10, **cost}
            product["prices"] = [{**price, "type": "premium"} if stand.kind is Kind.PREMIUM else price]
        return [transfer, product]
