"""OVHcloud: offers for one name in an order cart that is never checked out, with signed calls (docs.ovhcloud.com).

Looking at offers needs neither an item in the cart nor its assignment to the account. A signature holds for a short time by the
vendor's clock, so that this is read first.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha1
from urllib.parse import quote

from actors.checkers.contract import Context
from actors.checkers.registrar_adapter import Call, is_configured
from actors.checkers.registrar_sessions import SessionAdapter, is_session_key, read_object
from common.clients.http_client import HttpAnswer
from common.errors import ClientError


def create(context: Context) -> OvhAdapter | None:
    """The checker of this file; None without keys."""
    return OvhAdapter(context) if is_configured(context, OvhAdapter.vendor) else None


class OvhAdapter(SessionAdapter):
    """Asks for the offers of one name. The session is the cart, which the vendor deletes after a day."""

    vendor = "ovh"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._ahead = 0  # of the vendor's clock, in seconds

    def build_call(self, names: Sequence[str]) -> Call:
        """One GET for one name, relative to a cart."""
        return Call("GET", f"/domain?domain={quote(names[0], safe='')}")

    async def open_session(self, deadline: float) -> str | HttpAnswer:
        """The id of a new cart."""
        clock = await self.send(Call("GET", "/1.0/auth/time"), deadline)
        if clock.status != 200 or not clock.body.strip().isdigit() or len(clock.body) > 20:
            return clock
        self._ahead = int(clock.body) - int(self.now())
        body = json.dumps({"ovhSubsidiary": self.settings.ovh_subsidiary}).encode()
        call = Call("POST", "/1.0/order/cart", {"Content-Type": "application/json"}, body)
        answer = await self.send(self._sign(call), deadline)
        cart = read_object(answer).get("cartId")
        if cart is None:
            return answer
        if answer.status != 200 or not is_session_key(cart):
            raise ClientError(f"a cart with status {answer.status} and no usable id")
        return str(cart)

    def enter_session(self, call: Call, key: str) -> Call:
        """In the cart, signed."""
        return self._sign(replace(call, path=f"/1.0/order/cart/{quote(key, safe='')}{call.path}"))

    def is_over(self, answer: HttpAnswer, names: Sequence[str]) -> bool:
        """The cart is gone, or the clock is; something else that is not found is named."""
        if answer.status == 404:
            return names[0].encode() not in answer.body.lower()
        return read_object(answer).get("errorCode") == "QUERY_TIME_OUT"

    def _sign(self, call: Call) -> Call:
        """The call with the vendor's headers: "$1$" and a SHA-1 over secret, keys and call, joined by plus signs."""
        now = str(int(self.now()) + self._ahead)
        key, consumer = str(self.settings.ovh_application_key), str(self.settings.ovh_consumer_key)
        text = (call.body or b"").decode()
        parts = (str(self.settings.ovh_application_secret), consumer, call.method, f"{self.url}{call.path}", text, now)
        signature = sha1("+".join(parts).encode()).hexdigest()  # noqa: S324  # what the vendor asks for
        signed = {"X-Ovh-Application": key, "X-Ovh-Consumer": consumer, "X-Ovh-Timestamp": now}
        return replace(call, headers={**call.headers, **signed, "X-Ovh-Signature": f"$1${signature}"})
