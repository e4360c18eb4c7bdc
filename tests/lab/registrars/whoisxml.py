"""WhoisXML API: the key in the query, one name, three words, errors also with a status of 200."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from aiohttp import web

from tests.lab.registrars.emulator import Asked, Emulator, Kind, Stand, is_equal

_WORDS = {Kind.FREE: "AVAILABLE", Kind.UNSUPPORTED: "UNDETERMINED", Kind.INVALID: "UNDETERMINED"}
_ERRORS: dict[str, tuple[int, dict[str, Any]]] = {
    "credentials": (
        403,
        {"code": 403, "messages": "Access restricted. Check the credits balance or enter the correct API key."},
    ),
    "throttled": (200, {"code": 429, "messages": "Too Many Requests"}),
    "malformed": (422, {"code": 422, "messages": {"domainName": ["Invalid domain name"]}}),
    "error": (200, {"ErrorMessage": {"errorCode": "WHOIS_01", "msg": "unable to retrieve whois record"}}),
}


class Whoisxml(Emulator):
    """Asks WHOIS too, where it is told to."""

    vendor = "whoisxml"
    credentials: ClassVar = {"WHOISXML_API_KEY": "at_Lab8Qw2Er5Ty"}

    def routes(self) -> list[web.RouteDef]:
        """One path."""
        return [web.get("/api/v1", self.check)]

    def is_let_in(self, asked: Asked) -> bool:
        """The key in the query."""
        return is_equal(asked.request.query.get("apiKey"), self.credentials["WHOISXML_API_KEY"])

    def names_in(self, asked: Asked) -> list[str]:
        """`domainName` of the query. Without WHOIS it would only guess."""
        query = asked.request.query
        if (query["mode"], query["outputFormat"], query["credits"]) != ("DNS_AND_WHOIS", "JSON", "DA"):
            raise ValueError("another mode")
        return [query["domainName"]]

    def show(self, stands: Sequence[Stand]) -> web.Response:
        """A word about the one name."""
        shown = [{"domainAvailability": _WORDS.get(stand.kind, "UNAVAILABLE"), "domainName": stand.name} for stand in stands]
        return web.json_response({"DomainInfo": shown[0] if shown else {}})

    def show_error(self, kind: str) -> web.Response:
        """A code with messages, or the form of the older API."""
        status, body = _ERRORS.get(kind, _ERRORS["error"])
        return web.json_response(body, status=status)
