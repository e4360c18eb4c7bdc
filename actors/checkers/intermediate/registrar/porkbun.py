"""Porkbun: one name a call, answered live (porkbun.com/api/json/v3/spec)."""

from __future__ import annotations

from collections.abc import Sequence

from actors.checkers.contract import Context
from actors.checkers.registrar_adapter import Call, RegistrarAdapter, is_configured


def create(context: Context) -> PorkbunAdapter | None:
    """The checker of this file; None without an account."""
    return PorkbunAdapter(context) if is_configured(context, PorkbunAdapter.vendor) else None


class PorkbunAdapter(RegistrarAdapter):
    """Keys stand in headers, which count where the body has none. The sandbox has keys of its own at the same host."""

    vendor = "porkbun"

    def build_call(self, names: Sequence[str]) -> Call:
        """One POST for the name. A body that is no JSON is refused."""
        keys = {
            "X-API-Key": f"{self.settings.porkbun_api_key}",
            "X-Secret-API-Key": f"{self.settings.porkbun_secret_api_key}",
        }
        path = f"/api/json/v3/domain/checkDomain/{names[0]}"
        return Call("POST", path, {**keys, "Content-Type": "application/json"}, b"{}")
