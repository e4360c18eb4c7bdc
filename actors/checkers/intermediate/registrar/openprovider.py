"""Openprovider: up to 15 names in one call, with a token that a login gives for some hours (docs.openprovider.com)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from actors.checkers.contract import Context
from actors.checkers.registrar_adapter import Call, is_configured
from actors.checkers.registrar_sessions import SessionAdapter, is_session_key, read_object
from common.clients.http_client import HttpAnswer
from common.core.parsers.registrars.members import as_object
from common.core.parsers.registrars.openprovider import UNAUTHORISED
from common.errors import ClientError

_JSON = {"Content-Type": "application/json"}


def create(context: Context) -> OpenproviderAdapter | None:
    """The checker of this file; None without an account."""
    return OpenproviderAdapter(context) if is_configured(context, OpenproviderAdapter.vendor) else None


class OpenproviderAdapter(SessionAdapter):
    """Asks `domains/check`, with prices."""

    vendor = "openprovider"

    def build_call(self, names: Sequence[str]) -> Call:
        """One POST for all names; each is split where its suffix begins."""
        domains = [dict(zip(("name", "extension"), name.split(".", 1), strict=False)) for name in names]
        return Call("POST", "/v1beta/domains/check", _JSON, json.dumps({"domains": domains, "with_price": True}).encode())

    async def open_session(self, deadline: float) -> str | HttpAnswer:
        """The bearer token of a login with user and password."""
        account = {"username": self.settings.openprovider_username, "password": self.settings.openprovider_password}
        answer = await self.send(Call("POST", "/v1beta/auth/login", _JSON, json.dumps(account).encode()), deadline)
        data = as_object(read_object(answer).get("data"))
        if "token" not in data:
            return answer
        if answer.status != 200 or not is_session_key(data["token"]):
            raise ClientError(f"a login with status {answer.status} and no usable token")
        return str(data["token"])

    def enter_session(self, call: Call, key: str) -> Call:
        """With the token."""
        return replace(call, headers={**call.headers, "Authorization": f"Bearer {key}"})

    def is_over(self, answer: HttpAnswer, names: Sequence[str]) -> bool:  # noqa: ARG002  # of the base
        """Status 401, or the vendor's own code, which comes with status 500."""
        return answer.status == 401 or read_object(answer).get("code") == UNAUTHORISED
