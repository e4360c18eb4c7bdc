"""Dynadot: one name in one call, with bulk accounts up to 100 (dynadot.com/domain/api-commands)."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

from actors.checkers.contract import Context
from actors.checkers.registrar_adapter import Call, RegistrarAdapter, is_configured


def create(context: Context) -> DynadotAdapter | None:
    """The checker of this file; None without a key."""
    return DynadotAdapter(context) if is_configured(context, DynadotAdapter.vendor) else None


class DynadotAdapter(RegistrarAdapter):
    """Asks the command `search`, one call after the other: regular accounts may not have two under way."""

    vendor = "dynadot"
    at_once = 1

    def build_call(self, names: Sequence[str]) -> Call:
        """One GET for all names, with prices in the account's currency."""
        query = {"key": self.settings.dynadot_api_key, "command": "search", "show_price": "1"}
        query |= {f"domain{number}": name for number, name in enumerate(names)}
        return Call("GET", f"/api3.json?{urlencode(query)}")
