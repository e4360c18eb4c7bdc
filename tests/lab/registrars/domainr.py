"""Fastly Domain Research, once Domainr: a token in a header, one name, words of state, errors also with a status of 200."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from aiohttp import web

from tests.lab.registrars.emulator import Asked, Emulator, Kind, Stand, is_equal

_WORDS = {
    Kind.FREE: "undelegated inactive",
    Kind.PREMIUM: "undelegated inactive premium",
    Kind.TAKEN: "active",
    Kind.RESERVED: "undelegated reserved",
    Kind.DROPPING: "deleting",
    Kind.UNSUPPORTED: "unknown",
    Kind.INVALID: "invalid",
}


class Domainr(Emulator):
    """Answers precisely unless an estimate is asked for."""

    vendor = "domainr"
    credentials: ClassVar = {"FASTLY_API_TOKEN": "fastly-Lab-token-55d1"}

    def routes(self) -> list[web.RouteDef]:
        """The status of a name."""
        return [web.get("/domain-management/v1/tools/status", self.check)]

    def is_let_in(self, asked: Asked) -> bool:
        """The token in its header."""
        return is_equal(asked.request.headers.get("Fastly-Key"), self.credentials["FASTLY_API_TOKEN"])

    def names_in(self, asked: Asked) -> list[str]:
        """`domain` of the query. An estimate is not asked for here."""
        if "scope" in asked.request.query:
            raise ValueError("an estimate")
        return [asked.request.query["domain"]]

    def show(self, stands: Sequence[Stand]) -> web.Response:
        """The object of the one name."""
        return web.json_response(_show(stands[0]) if stands else {})

    def show_error(self, kind: str) -> web.Response:
        """By status, or in a list."""
        if kind == "credentials":
            return web.json_response({"msg": "Provided credentials are missing or invalid"}, status=401)
        code, message = {"throttled": (429, "Too Many Requests"), "malformed": (400, "Bad Request")}.get(kind, (500, "Oops"))
        return web.json_response({"errors": [{"code": code, "message": message, "detail": ""}]})


def _show(stand: Stand) -> dict[str, str]:
    zone = stand.name.partition(".")[2]
    return {"domain": stand.name, "zone": zone, "status": _WORDS[stand.kind], "tags": "generic"}
