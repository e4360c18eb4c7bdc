"""INWX: `domain.check` over JSON-RPC, in a session that a login opens, with a one-time password if the account has one."""

from __future__ import annotations

import base64
import hmac
import json
import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from actors.checkers.contract import Context
from actors.checkers.registrar_adapter import Call, is_configured
from actors.checkers.registrar_sessions import SessionAdapter, read_object
from common.clients.http_client import HttpAnswer
from common.core.parsers.registrars.inwx import SESSION_OVER, wants_second_factor
from common.core.parsers.registrars.members import as_object
from common.errors import ClientError

#: Name and value (RFC 6265 section 4.1.1); attributes follow after a semicolon.
_COOKIE = re.compile(r"([\w.-]{1,64}=[!#-+\x2d-:<-\[\]-~]{1,4096})(?:;.*)?", re.ASCII | re.DOTALL)


def create(context: Context) -> InwxAdapter | None:
    """The checker of this file; None without an account."""
    return InwxAdapter(context) if is_configured(context, InwxAdapter.vendor) else None


class InwxAdapter(SessionAdapter):
    """Asks the DomRobot; in the sandbox that of OT&E."""

    vendor = "inwx"

    def build_call(self, names: Sequence[str]) -> Call:
        """One call for all names, answered with prices."""
        return _build_call("domain.check", {"domain": list(names), "wide": 2})

    async def open_session(self, deadline: float) -> str | HttpAnswer:
        """The session's cookies, after `account.login` and, for an account with a second factor, `account.unlock`."""
        account = {"user": self.settings.inwx_username, "pass": self.settings.inwx_password, "lang": "en"}
        answer = await self.send(_build_call("account.login", account), deadline)
        if not _is_success(answer):
            return answer
        cookie = _join_cookies(answer)
        if not wants_second_factor(as_object(read_object(answer).get("resData"))):
            return cookie
        if not self.settings.inwx_shared_secret:
            return answer
        code = compute_one_time_password(self.settings.inwx_shared_secret, self.now())
        unlocked = await self.send(self.enter_session(_build_call("account.unlock", {"tan": code}), cookie), deadline)
        return cookie if _is_success(unlocked) else unlocked

    def enter_session(self, call: Call, key: str) -> Call:
        """With the cookies."""
        return replace(call, headers={**call.headers, "Cookie": key})

    def is_over(self, answer: HttpAnswer, names: Sequence[str]) -> bool:  # noqa: ARG002  # of the base
        """The code of a call that is not authenticated."""
        code = read_object(answer).get("code")
        return isinstance(code, int) and code in SESSION_OVER


def compute_one_time_password(secret: str, now: float) -> str:
    """The six digits for a moment in epoch seconds (RFC 6238: SHA-1, steps of 30 seconds) from a base32 secret."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.digest(key, struct.pack(">Q", int(now) // 30), "sha1")
    start = digest[-1] & 15
    number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFFFFFF
    return f"{number % 1_000_000:06}"


def _build_call(method: str, parameters: Mapping[str, Any]) -> Call:
    body = json.dumps({"method": method, "params": parameters}).encode()
    return Call("POST", "/jsonrpc/", {"Content-Type": "application/json"}, body)


def _is_success(answer: HttpAnswer) -> bool:
    return answer.status == 200 and read_object(answer).get("code") == 1000


def _join_cookies(answer: HttpAnswer) -> str:
    """The cookies of an answer as they are sent back. Raises ClientError where there are none."""
    lines = answer.headers.get("set-cookie", "").split("\n")
    found = [match[1] for line in lines if (match := _COOKIE.fullmatch(line.strip()))]
    if not found:
        raise ClientError("a login without a usable cookie")
    return "; ".join(found)
