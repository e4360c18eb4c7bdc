"""Spaceship: up to 20 names in one call, answered live (docs.spaceship.dev)."""

from __future__ import annotations

import json
from collections.abc import Sequence

from actors.checkers.contract import Context
from actors.checkers.registrar_adapter import Call, RegistrarAdapter, is_configured


def create(context: Context) -> SpaceshipAdapter | None:
    """The checker of this file; None without an account."""
    return SpaceshipAdapter(context) if is_configured(context, SpaceshipAdapter.vendor) else None


class SpaceshipAdapter(RegistrarAdapter):
    """Key and secret stand in headers."""

    vendor = "spaceship"

    def build_call(self, names: Sequence[str]) -> Call:
        """One POST for all names."""
        keys = {
            "X-API-Key": f"{self.settings.spaceship_api_key}",
            "X-API-Secret": f"{self.settings.spaceship_api_secret}",
        }
        body = json.dumps({"domains": list(names)}).encode()
        return Call("POST", "/v1/domains/available", {**keys, "Content-Type": "application/json"}, body)
