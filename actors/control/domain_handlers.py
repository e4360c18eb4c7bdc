"""Watched names: lists, one in full, a check on demand, and what cannot be monitored."""

from __future__ import annotations

import re

import idna
from aiohttp import web

from actors.control import domain_report
from actors.control.context import Control, control_of
from actors.control.http_problems import Problem
from actors.control.query_params import CURSOR, LIMIT, Text
from actors.control.render import json_response, page_response, render_domain, render_problem
from common.core.model.states import State
from common.core.registries.registrable_names import DomainName, parse_domain_name
from common.errors import NameProblem

STATE = Text("state", 40, "only names in this state", tuple(State))
TLD = Text(
    "tld",
    253,
    "only names under this suffix: com, co.uk; uk finds co.uk too",
    form=r"\.?[^\s.\x00-\x1f\x7f-\x9f]+(\.[^\s.\x00-\x1f\x7f-\x9f]+)*\.?",
    needs="a suffix such as com or co.uk",
)
#: No label begins with a hyphen (RFC 5890 section 2.3.1), so that nothing is under this.
NO_SUFFIX = "-"
QUERY = Text("q", 100, "only names that contain this text")
#: Longest name in characters (RFC 1035 section 2.3.4), and its form where it is ASCII.
NAME_LIMIT = 253
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
NAME = rf"({_LABEL}\.)+{_LABEL}"
_NAME = re.compile(NAME)


async def list_domains(request: web.Request) -> web.Response:
    """GET /domains."""
    state, suffix, text = STATE.read(request), read_suffix(request), QUERY.read(request)
    cursor, limit = CURSOR.read(request), LIMIT.read(request)
    part = None if text is None else _to_stored_form(text)
    found = await control_of(request).store.read(
        lambda reader: reader.domains(state=state, tld=suffix, q=part, cursor=cursor, limit=limit)
    )
    return page_response("domains", found, render_domain)


async def get_domain(request: web.Request) -> web.Response:
    """GET /domain/{name}."""
    control = control_of(request)
    name = _parse_name(control, request.match_info["name"])
    found = await control.store.read(lambda reader: domain_report.read_report(reader, name.alabel))
    if found is None:
        raise _not_watched(name)
    return json_response(found)


async def check_domain(request: web.Request) -> web.Response:
    """POST /domain/{name}/check."""
    control = control_of(request)
    name = _parse_name(control, request.match_info["name"])
    if await control.store.read(lambda reader: reader.domain(name.alabel)) is None:
        raise _not_watched(name)
    control.send_command("check", name.alabel, await control.shard_of(name.alabel))
    return json_response({"accepted": True, "domain": name.alabel}, 202)


async def refresh_list(request: web.Request) -> web.Response:
    """POST /refresh."""
    control = control_of(request)
    wait = control.refreshes.take(control.monotonic())
    if wait:
        raise Problem(429, "The list is reloaded at most once a second.", headers={"Retry-After": str(int(wait) + 1)})
    control.send_command("refresh")
    return json_response({"accepted": True}, 202)


async def list_problems(request: web.Request) -> web.Response:
    """GET /problems."""
    cursor, limit = CURSOR.read(request), LIMIT.read(request)
    found = await control_of(request).store.read(lambda reader: reader.problems(limit=limit, cursor=cursor))
    return page_response("problems", found, render_problem)


def read_suffix(request: web.Request) -> str | None:
    """The suffix (A-label) that a request asks for, None for all; one that DNS cannot have has no names."""
    text = TLD.read(request)
    if text is None:
        return None
    try:
        return idna.encode(text.strip(".").lower(), uts46=True).decode()
    except (idna.IDNAError, UnicodeError):
        return NO_SUFFIX


def _parse_name(control: Control, text: str) -> DomainName:
    try:
        return parse_domain_name(text[:1024], control.suffix_of)
    except NameProblem as error:
        # A proper host name that is nothing one could register is simply not there; anything else is no name at all.
        status = 404 if len(text) <= NAME_LIMIT and _NAME.fullmatch(text) else 400
        raise Problem(status, f"This name cannot be monitored: {error}", code=error.code) from None


def _not_watched(name: DomainName) -> Problem:
    return Problem(404, f"{name.alabel} is not in the domain list.", code="not_watched")


def _to_stored_form(text: str) -> str:
    """The text as it would stand in a stored name (A-label); a piece that has no such form is searched as it is."""
    lowered = text.lower()
    if lowered.isascii():
        return lowered
    try:
        return idna.encode(lowered, uts46=True).decode()
    except (idna.IDNAError, UnicodeError):
        return lowered
