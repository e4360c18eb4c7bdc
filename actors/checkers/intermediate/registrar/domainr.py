"""Domainr, now Fastly Domain Research: one name in one call (fastly.com/documentation/reference/api/domain-management)."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

from actors.checkers.contract import Context
from actors.checkers.registrar_adapter import Call, RegistrarAdapter, is_configured


def create(context: Context) -> DomainrAdapter | None:
    """The checker of this file; None without a token."""
    return DomainrAdapter(context) if is_configured(context, DomainrAdapter.vendor) else None


class DomainrAdapter(RegistrarAdapter):
    """Asks for the precise status, which comes from the registry: an estimate costs half and proves nothing."""

    vendor = "domainr"

    def build_call(self, names: Sequence[str]) -> Call:
        """One GET for the one name."""
        query = urlencode({"domain": names[0]})
        return Call("GET", f"/domain-management/v1/tools/status?{query}", {"Fastly-Key": self.settings.fastly_api_token or ""})
