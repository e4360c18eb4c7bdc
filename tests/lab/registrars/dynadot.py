"""Dynadot: the key in the query, errors as words with a status of 200, prices as sentences, one call at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from aiohttp import web

from tests.lab.registrars.emulator import Asked, Emulator, Kind, Stand, is_equal

_ERRORS = {
    "credentials": {"Error": "invalid key"},
    "throttled": {"Status": "system_busy", "Error": "system_busy"},
    "malformed": {"Error": "could not understand request"},
}
_WRONG = {Kind.INVALID: "invalid domain", Kind.UNSUPPORTED: "unsupported tld"}


class Dynadot(Emulator):
    """A bulk account, whose currency is the US dollar."""

    vendor = "dynadot"
    credentials: ClassVar = {"DYNADOT_API_KEY": "8Q7Lab6X9Y7e8T8m7I"}
    batch = 100
    at_once = 1

    def routes(self) -> list[web.RouteDef]:
        """One path for all commands."""
        return [web.get("/api3.json", self.check)]

    def is_let_in(self, asked: Asked) -> bool:
        """The key in the query."""
        return is_equal(asked.request.query.get("key"), self.credentials["DYNADOT_API_KEY"])

    def names_in(self, asked: Asked) -> list[str]:
        """`domain0` and on of a search."""
        query = asked.request.query
        if query["command"] != "search":
            raise ValueError("another command")
        return [query[f"domain{number}"] for number in range(sum(name.startswith("domain") for name in query))]

    def show(self, stands: Sequence[Stand]) -> web.Response:
        """An object for each name."""
        return web.json_response({"SearchResponse": {"ResponseCode": "0", "SearchResults": [_show(stand) for stand in stands]}})

    def show_error(self, kind: str) -> web.Response:
        """A code, and a word or a sentence."""
        return web.json_response({"Response": {"ResponseCode": "-1", **_ERRORS.get(kind, {"Error": "offline"})}})


def _show(stand: Stand) -> dict[str, str]:
    if stand.kind in _WRONG:
        return {"DomainName": stand.name, "Status": "error", "Error": _WRONG[stand.kind]}
    if stand.kind not in (Kind.FREE, Kind.PREMIUM):
        return {"DomainName": stand.name, "Status": "success", "Available": "no"}
    price = f"{stand.price} in {stand.currency}"
    premium = "a" if stand.kind is Kind.PREMIUM else "not a"
    sentence = f"Registration Price: {price} and Renewal price: {price} and Domain is {premium} Premium Domain"
    return {"DomainName": stand.name, "Status": "success", "Available": "yes", "Price": sentence}
