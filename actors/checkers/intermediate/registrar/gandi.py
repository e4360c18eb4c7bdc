"""Gandi: one name a call, answered live (api.gandi.net/docs/domains)."""

from __future__ import annotations

from collections.abc import Sequence

from actors.checkers.contract import Context
from actors.checkers.registrar_adapter import Call, RegistrarAdapter, is_configured


def create(context: Context) -> GandiAdapter | None:
    """The checker of this file; None without an account."""
    return GandiAdapter(context) if is_configured(context, GandiAdapter.vendor) else None


class GandiAdapter(RegistrarAdapter):
    """The sandbox is another host, with tokens of its own."""

    vendor = "gandi"

    def build_call(self, names: Sequence[str]) -> Call:
        """One GET for the name."""
        return Call("GET", f"/v5/domain/check?name={names[0]}", {"Authorization": f"Bearer {self.settings.gandi_token}"})
