"""WhoisXML API: one name in one call, never proof (domain-availability.whoisxmlapi.com/api/documentation)."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

from actors.checkers.contract import Context
from actors.checkers.registrar_adapter import Call, RegistrarAdapter, is_configured


def create(context: Context) -> WhoisxmlAdapter | None:
    """The checker of this file; None without a key."""
    return WhoisxmlAdapter(context) if is_configured(context, WhoisxmlAdapter.vendor) else None


class WhoisxmlAdapter(RegistrarAdapter):
    """Asks in the mode that reads WHOIS too, and pays with credits of this API alone."""

    vendor = "whoisxml"

    def build_call(self, names: Sequence[str]) -> Call:
        """One GET for the one name."""
        query = {"apiKey": self.settings.whoisxml_api_key, "domainName": names[0], "mode": "DNS_AND_WHOIS"}
        return Call("GET", f"/api/v1?{urlencode(query | {'credits': 'DA', 'outputFormat': 'JSON'})}")
