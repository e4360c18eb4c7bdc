"""Namecheap: up to 50 names in one call, XML (namecheap.com/support/api/methods/domains/check)."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

from actors.checkers.contract import Context
from actors.checkers.registrar_adapter import Call, RegistrarAdapter, is_configured


def create(context: Context) -> NamecheapAdapter | None:
    """The checker of this file; None without an account."""
    return NamecheapAdapter(context) if is_configured(context, NamecheapAdapter.vendor) else None


class NamecheapAdapter(RegistrarAdapter):
    """Asks `namecheap.domains.check`. The address that is sent along must be the one that this host is seen under."""

    vendor = "namecheap"

    def build_call(self, names: Sequence[str]) -> Call:
        """One POST for all names, with the key in its body."""
        user = self.settings.namecheap_api_user
        form = {
            "ApiUser": user,
            "ApiKey": self.settings.namecheap_api_key,
            "UserName": user,
            "ClientIp": self.settings.namecheap_client_ip,
            "Command": "namecheap.domains.check",
            "DomainList": ",".join(names),
        }
        headers = {"Accept": "application/xml, text/xml", "Content-Type": "application/x-www-form-urlencoded"}
        return Call("POST", "/xml.response", headers, urlencode(form).encode())
