"""Amazon Route 53 Domains: JSON 1.1, every call signed with AWS Signature Version 4, errors by their type with status 400."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import re
import time
from collections.abc import Sequence
from typing import Any, ClassVar

from aiohttp import web

from tests.lab.registrars.emulator import Asked, Emulator, Kind, Stand, is_equal

_ERRORS = {
    "credentials": "UnrecognizedClientException",
    "throttled": "ThrottlingException",
    "malformed": "InvalidInput",
    "unsupported": "UnsupportedTLD",
}
_WORDS = {Kind.RESERVED: "RESERVED", Kind.INVALID: "INVALID_NAME_FOR_TLD"}
_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/us-east-1/route53domains/aws4_request, "
    r"SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})"
)


class Route53(Emulator):
    """Temporary keys: there is a session token too."""

    vendor = "route53"
    repeats_names = False
    credentials: ClassVar = {
        "ROUTE53_ACCESS_KEY_ID": "AKIALABLABLABLAB0001",
        "ROUTE53_SECRET_ACCESS_KEY": "aws-lab/secret+key/5fe2",
        "ROUTE53_SESSION_TOKEN": "aws-lab-session-token//88c1==",
    }

    def routes(self) -> list[web.RouteDef]:
        """One address for all operations."""
        return [web.post("/", self.check)]

    def is_let_in(self, asked: Asked) -> bool:
        """A signature not older than a quarter of an hour, over all headers that matter."""
        head = asked.request.headers
        match = _AUTHORIZATION.fullmatch(head.get("Authorization", ""))
        if match is None or not is_equal(head.get("X-Amz-Security-Token"), self.credentials["ROUTE53_SESSION_TOKEN"]):
            return False
        key, day, signed, signature = match.groups()
        if not {"content-type", "host", "x-amz-date", "x-amz-target", "x-amz-security-token"} <= set(signed.split(";")):
            return False
        moment = dt.datetime.strptime(head["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC)
        fresh = abs(moment.timestamp() - time.time()) < 900 and head["X-Amz-Date"].startswith(day)
        wanted = self._sign(asked, day, signed)
        return fresh and is_equal(key, self.credentials["ROUTE53_ACCESS_KEY_ID"]) and is_equal(signature, wanted)

    def _sign(self, asked: Asked, day: str, signed: str) -> str:
        head, scope = asked.request.headers, f"{day}/us-east-1/route53domains/aws4_request"
        lines = [asked.request.method, asked.request.path, asked.request.query_string]
        lines += [f"{name}:{head[name]}" for name in signed.split(";")]
        lines += ["", signed, hashlib.sha256(asked.body).hexdigest()]
        hashed = hashlib.sha256("\n".join(lines).encode()).hexdigest()
        key = ("AWS4" + self.credentials["ROUTE53_SECRET_ACCESS_KEY"]).encode()
        for part in (day, "us-east-1", "route53domains", "aws4_request"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        text = f"AWS4-HMAC-SHA256\n{head['X-Amz-Date']}\n{scope}\n{hashed}"
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()

    def names_in(self, asked: Asked) -> list[str]:
        """`DomainName` of the one operation that it knows. Raises ValueError for another."""
        if asked.request.headers.get("X-Amz-Target") != "Route53Domains_v20140515.CheckDomainAvailability":
            raise ValueError("no such operation")
        return [str(json.loads(asked.body)["DomainName"])]

    def show(self, stands: Sequence[Stand]) -> web.Response:
        """A word, and the price where the name can be created."""
        if any(stand.kind is Kind.UNSUPPORTED for stand in stands):
            return self.show_error("unsupported")
        return web.json_response(self._make_answer(stands[0]) if stands else {})

    def show_error(self, kind: str) -> web.Response:
        """The type of the error."""
        name = _ERRORS.get(kind, "TLDInMaintenance")
        return web.json_response({"__type": f"com.amazon.lab#{name}", "message": f"lab trouble: {kind}"}, status=400)

    @staticmethod
    def _make_answer(stand: Stand) -> dict[str, Any]:
        if stand.kind not in {Kind.FREE, Kind.PREMIUM}:
            return {"Availability": _WORDS.get(stand.kind, "UNAVAILABLE")}
        kind = "STANDARD" if stand.kind is Kind.FREE else "REGISTRY_PREMIUM"
        return {
            "Availability": "AVAILABLE",
            "Price": {"Price": float(stand.price), "Currency": stand.currency, "PriceType": kind},
        }
