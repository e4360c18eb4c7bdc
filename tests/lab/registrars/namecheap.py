"""Namecheap: a form with the key and the client's address, XML, errors with a status of 200, prices of premium names only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar
from urllib.parse import parse_qs
from xml.sax.saxutils import quoteattr

from aiohttp import web

from tests.lab.registrars.emulator import Asked, Emulator, Kind, Stand, is_equal

_ERRORS = {
    "credentials": ("1011102", "API Key is invalid or API access has not been enabled"),
    "throttled": ("500000", "Too many requests"),
    "malformed": ("2011169", "Only 50 domains are allowed in a single check command"),
    "error": ("3031510", "Error response from provider"),
}
_HEAD = '<?xml version="1.0" encoding="utf-8"?>\n<ApiResponse xmlns="http://api.namecheap.com/xml.response"'


class Namecheap(Emulator):
    """Lets in one user from one address."""

    vendor = "namecheap"
    credentials: ClassVar = {
        "NAMECHEAP_API_USER": "nc-lab-user-41c9",
        "NAMECHEAP_API_KEY": "nc-Lab-Key-9e02b7",
        "NAMECHEAP_CLIENT_IP": "203.0.113.141",
    }
    batch = 50

    def routes(self) -> list[web.RouteDef]:
        """One path for all commands."""
        return [web.post("/xml.response", self.check)]

    def is_let_in(self, asked: Asked) -> bool:
        """All four global parameters, in the form."""
        form, known = _read_form(asked), self.credentials
        wanted = {
            "ApiUser": known["NAMECHEAP_API_USER"],
            "UserName": known["NAMECHEAP_API_USER"],
            "ApiKey": known["NAMECHEAP_API_KEY"],
            "ClientIp": known["NAMECHEAP_CLIENT_IP"],
        }
        return all(is_equal(form.get(name), value) for name, value in wanted.items())

    def names_in(self, asked: Asked) -> list[str]:
        """`DomainList` of a check."""
        form = _read_form(asked)
        if form["Command"] != "namecheap.domains.check":
            raise ValueError("another command")
        return form["DomainList"].split(",")

    def show(self, stands: Sequence[Stand]) -> web.Response:
        """A tag for each name."""
        inside = "".join(_show_result(stand) for stand in stands)
        command = "namecheap.domains.check"
        return _respond(
            f'{_HEAD} Status="OK">\n<Errors/>\n<Warnings/>\n<RequestedCommand>{command}</RequestedCommand>\n'
            f'<CommandResponse Type="{command}">{inside}</CommandResponse>\n<Server>LAB01</Server>\n</ApiResponse>'
        )

    def show_error(self, kind: str) -> web.Response:
        """A number and a sentence."""
        number, text = _ERRORS.get(kind, _ERRORS["error"])
        return _respond(f'{_HEAD} Status="ERROR">\n<Errors><Error Number="{number}">{text}</Error></Errors>\n</ApiResponse>')


def _read_form(asked: Asked) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}


def _show_result(stand: Stand) -> str:
    error = {Kind.UNSUPPORTED: "2030280", Kind.INVALID: "2030166"}.get(stand.kind, "0")
    premium = stand.kind is Kind.PREMIUM
    price = f"{stand.price:.4f}" if premium else "0"
    attributes = {
        "Domain": stand.name,
        "Available": "true" if premium or stand.kind is Kind.FREE else "false",
        "ErrorNo": error,
        "Description": "" if error == "0" else "TLD is not supported in API",
        "IsPremiumName": "true" if premium else "false",
        "PremiumRegistrationPrice": price,
        "PremiumRenewalPrice": price,
        "PremiumRestorePrice": "0",
        "PremiumTransferPrice": price,
        "IcannFee": "0",
        "EapFee": "0.0",
    }
    return f"<DomainCheckResult {' '.join(f'{name}={quoteattr(value)}' for name, value in attributes.items())}/>"


def _respond(text: str) -> web.Response:
    return web.Response(text=text, content_type="text/xml")
