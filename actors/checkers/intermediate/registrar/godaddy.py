"""GoDaddy: up to 25 names in one call, verified with the registry where the answer says so (developer.godaddy.com, v3)."""

from __future__ import annotations

import json
from collections.abc import Sequence

from actors.checkers.contract import Context
from actors.checkers.registrar_adapter import Call, RegistrarAdapter, is_configured


def create(context: Context) -> GodaddyAdapter | None:
    """The checker of this file; None without an account."""
    return GodaddyAdapter(context) if is_configured(context, GodaddyAdapter.vendor) else None


class GodaddyAdapter(RegistrarAdapter):
    """Asks for accurate answers, the slow ones. The sandbox (OTE) is another host, with tokens of its own."""

    vendor = "godaddy"

    def build_call(self, names: Sequence[str]) -> Call:
        """One POST for all names."""
        return Call(
            "POST",
            "/v3/domains/check-availability",
            {"Authorization": f"Bearer {self.settings.godaddy_token}", "Content-Type": "application/json"},
            json.dumps({"domains": list(names), "optimizeFor": "ACCURACY"}).encode(),
        )
