"""NameSilo: up to 100 names in one call (namesilo.com/api-reference)."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

from actors.checkers.contract import Context
from actors.checkers.registrar_adapter import Call, RegistrarAdapter, is_configured


def create(context: Context) -> NamesiloAdapter | None:
    """The checker of this file; None without a key."""
    return NamesiloAdapter(context) if is_configured(context, NamesiloAdapter.vendor) else None


class NamesiloAdapter(RegistrarAdapter):
    """Asks `checkRegisterAvailability`, one call after the other: a second one at once is refused."""

    vendor = "namesilo"
    at_once = 1

    def build_call(self, names: Sequence[str]) -> Call:
        """One GET for all names. Where they ask for programs to go (`apibatch`); the sandbox has no such path."""
        part = "api" if self.sandbox else "apibatch"
        query = {"version": "1", "type": "json", "key": self.settings.namesilo_api_key, "domains": ",".join(names)}
        return Call("GET", f"/{part}/checkRegisterAvailability?{urlencode(query, safe=',')}")
