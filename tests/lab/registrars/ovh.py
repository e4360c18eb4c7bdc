"""OVHcloud: signed calls by the vendor's own clock, offers in an order cart, nothing in an answer that repeats the name."""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from collections.abc import Sequence
from typing import Any, ClassVar

from aiohttp import web

from tests.lab.registrars.emulator import Asked, Emulator, Kind, Stand, is_equal

#: How far its clock is ahead of ours, and for how long a signature holds, in seconds.
AHEAD, VALID = 5000, 30
_ERRORS = {
    "credentials": (403, "INVALID_CREDENTIAL", "This credential is not valid"),
    "throttled": (429, "TOO_MANY_REQUESTS", "Too many requests"),
    "malformed": (400, "", "[domain] Given data is not valid"),
}
_OFFERS = {
    Kind.FREE: ("create", "create-default", True),
    Kind.PREMIUM: ("create", "create-premium", True),
    Kind.TAKEN: ("transfer", "transfer-default", True),
    Kind.DROPPING: ("transfer", "transfer-default", False),
    Kind.RESERVED: ("create", "create-default", False),
}


class Ovh(Emulator):
    """Carts are good until `end_sessions`."""

    vendor = "ovh"
    repeats_names = False
    credentials: ClassVar = {
        "OVH_APPLICATION_KEY": "ovh-lab-application",
        "OVH_APPLICATION_SECRET": "ovh-lab-secret-7a61",
        "OVH_CONSUMER_KEY": "ovh-lab-consumer-20bf",
    }

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.carts: set[str] = set()
        self.ahead = AHEAD
        self.clock_says: str | None = None  # instead of the time
        self.logins = 0

    def end_sessions(self) -> None:
        """Delete every cart."""
        self.carts.clear()

    def routes(self) -> list[web.RouteDef]:
        """The clock, carts, and what is offered in one."""
        return [
            web.get("/1.0/auth/time", self._tell_time),
            web.post("/1.0/order/cart", self._make_cart),
            web.get("/1.0/order/cart/{cart}/domain", self._offer),
        ]

    async def _tell_time(self, _request: web.Request) -> web.Response:
        text = str(int(time.time()) + self.ahead) if self.clock_says is None else self.clock_says
        return web.Response(text=text, content_type="application/json")

    async def _make_cart(self, request: web.Request) -> web.StreamResponse:
        return await self.log_in(request, lambda body: self._add_cart(Asked(request, body)))

    def _add_cart(self, asked: Asked) -> web.Response:
        if not self.is_let_in(asked):
            return self.show_error("credentials")
        if "ovhSubsidiary" not in json.loads(asked.body):
            return self.show_error("malformed")
        cart = str(uuid.uuid4())
        self.carts.add(cart)
        self.logins += 1
        return web.json_response({"cartId": cart, "description": "", "readOnly": False, "items": []})

    async def _offer(self, request: web.Request) -> web.StreamResponse:
        if request.match_info["cart"] not in self.carts:
            return web.json_response({"class": "Client::NotFound", "message": "This cart does not exist"}, status=404)
        if self._is_stale(request):
            return web.json_response({"errorCode": "QUERY_TIME_OUT", "message": "Query out of time"}, status=400)
        return await self.check(request)

    def _is_stale(self, request: web.Request) -> bool:
        return abs(int(request.headers.get("X-Ovh-Timestamp", "0")) - time.time() - self.ahead) > VALID

    def is_let_in(self, asked: Asked) -> bool:
        """The keys, and a fresh signature over the whole call."""
        head, request = asked.request.headers, asked.request
        keys = {"X-Ovh-Application": "OVH_APPLICATION_KEY", "X-Ovh-Consumer": "OVH_CONSUMER_KEY"}
        if not all(is_equal(head.get(name), self.credentials[key]) for name, key in keys.items()) or self._is_stale(request):
            return False
        secret, consumer = self.credentials["OVH_APPLICATION_SECRET"], self.credentials["OVH_CONSUMER_KEY"]
        signed = f"{secret}+{consumer}+{request.method}+{request.url}+{asked.body.decode()}+{head['X-Ovh-Timestamp']}"
        return is_equal(
            head.get("X-Ovh-Signature"), "$1$" + hashlib.new("sha1", signed.encode(), usedforsecurity=False).hexdigest()
        )

    def names_in(self, asked: Asked) -> list[str]:
        """One name in the query."""
        return [asked.request.query["domain"]]

    def show(self, stands: Sequence[Stand]) -> web.Response:
        """A list of offers; empty for what it does not sell."""
        return web.json_response([self._make_offer(stand) for stand in stands if stand.kind in _OFFERS])

    def show_error(self, kind: str) -> web.Response:
        """Its class, code and message."""
        status, code, text = _ERRORS.get(kind, (400, "", "Check timeout. Please retry later"))
        return web.json_response({"errorCode": code, "httpCode": str(status), "message": text}, status=status)

    @staticmethod
    def _make_offer(stand: Stand) -> dict[str, Any]:
        action, mode, orderable = _OFFERS[stand.kind]
        price = {"currencyCode": stand.currency, "text": f"{stand.price} $", "value": float(stand.price)}
        prices = [{"label": label, "price": price} for label in ("PRICE", "RENEW", "TOTAL")]
        parts = {"action": action, "orderable": orderable, "pricingMode": mode, "phase": "ga", "offer": "gold"}
        return {**parts, "duration": ["P1Y"], "prices": prices, "productId": "domain", "deliveryTime": ""}
