"""Name.com: up to 50 names in one call, answered live (docs.name.com, Core API v1)."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Sequence

from actors.checkers.contract import Context
from actors.checkers.registrar_adapter import Call, RegistrarAdapter, is_configured


def create(context: Context) -> NamecomAdapter | None:
    """The checker of this file; None without an account."""
    return NamecomAdapter(context) if is_configured(context, NamecomAdapter.vendor) else None


class NamecomAdapter(RegistrarAdapter):
    """Asks for plain registrations. The sandbox is another host, with users of its own ("name-test")."""

    vendor = "namecom"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        settings = context.settings
        self._login = b64encode(f"{settings.namecom_username}:{settings.namecom_api_token}".encode()).decode()
        self.hide_keys(self._login)

    def build_call(self, names: Sequence[str]) -> Call:
        """One POST for all names. The colon of the path must not be encoded."""
        return Call(
            "POST",
            "/core/v1/domains:checkAvailability",
            {"Authorization": f"Basic {self._login}", "Content-Type": "application/json"},
            json.dumps({"domainNames": list(names), "purchaseType": "registration"}).encode(),
        )
