"""What was learned of an operator's rate limit, forgotten on demand."""

from __future__ import annotations

from aiohttp import web

from actors.control.context import Control, control_of
from actors.control.http_problems import Problem
from actors.control.render import json_response
from common.core.rate_limits.saved import operators_of


async def reset_budget(request: web.Request) -> web.Response:
    """POST /budgets/{operator}/reset; the operator as /status names it, such as rdap/verisign."""
    control = control_of(request)
    operator = request.match_info["operator"].lower()
    if operator not in _operators_in_status(control) and operator not in await _operators_in_store(control):
        raise Problem(404, "No operator of this name was asked.", code="unknown_operator")
    control.send_command("reset_budget", operator)
    return json_response({"accepted": True, "operator": operator}, 202)


def _operators_in_status(control: Control) -> set[object]:
    """The operators in the coordinator's last status, which shows the most troubled ones."""
    heard = control.live.latest_status()
    rows = heard.content.get("budgets") if heard is not None else None
    return {row.get("operator") for row in rows if isinstance(row, dict)} if isinstance(rows, list) else set()


async def _operators_in_store(control: Control) -> set[str]:
    """Every operator of which something was learned."""
    return operators_of(await control.store.read(lambda reader: reader.meta("budgets") or ""))
