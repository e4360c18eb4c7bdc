"""Cloudflare Registrar: up to 20 names in one call, answered live (developers.cloudflare.com/api)."""

from __future__ import annotations

import json
from collections.abc import Sequence

from actors.checkers.contract import Context
from actors.checkers.registrar_adapter import Call, RegistrarAdapter, is_configured


def create(context: Context) -> CloudflareAdapter | None:
    """The checker of this file; None without an account."""
    return CloudflareAdapter(context) if is_configured(context, CloudflareAdapter.vendor) else None


class CloudflareAdapter(RegistrarAdapter):
    """Asks `domain-check` of one account; in the sandbox that of the registrar's sandbox."""

    vendor = "cloudflare"

    def build_call(self, names: Sequence[str]) -> Call:
        """One POST for all names."""
        part = "registrar-sandbox" if self.sandbox else "registrar"
        return Call(
            "POST",
            f"/accounts/{self.settings.cloudflare_account_id}/{part}/domain-check",
            {"Authorization": f"Bearer {self.settings.cloudflare_api_token}", "Content-Type": "application/json"},
            json.dumps({"domains": list(names)}).encode(),
        )
