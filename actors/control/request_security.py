"""What is read of a request to judge it, bodies of changing calls, and the headers of every answer."""

from __future__ import annotations

import asyncio

import msgspec
from aiohttp import web

from actors.control.auth import AccessPolicy, RequestFacts
from actors.control.http_problems import Problem
from common.config import Settings
from common.peers import Peers, parse_address

#: Largest request body, in bytes.
BODY_LIMIT = 65_536
#: Seconds a body may take to arrive.
BODY_TIMEOUT = 10.0

#: What a proxy adds. None is believed: they say no more than that the caller is not the peer.
FORWARDED = ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP")

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


async def add_security_headers(_request: web.Request, response: web.StreamResponse) -> None:
    """Signal handler: every answer carries the security headers."""
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["Server"] = "domain-monitor"


def is_loopback_host(host: str) -> bool:
    """Whether an address or host name (no port) is this machine's own."""
    address = parse_address(host.strip("[]"))
    return host.lower() == "localhost" or (address is not None and address.is_loopback)


def build_access_policy(settings: Settings, peers: Peers) -> AccessPolicy:
    """The rules that the settings make."""
    return AccessPolicy(
        control_token=settings.control_token,
        read_token=settings.read_token,
        allowed_hosts=settings.control_allowed_hosts,
        local=peers.is_local,
    )


def read_facts(request: web.Request) -> RequestFacts:
    """What decides about a request."""
    headers = request.headers
    hosts = tuple(headers.getall("Host", ()))
    if not request.raw_path.startswith("/"):
        hosts = (*hosts, request.raw_path)  # a request line with a host of its own, as to a proxy (RFC 9112 section 3.2.2)
    return RequestFacts(
        peer=getattr(request.protocol, "peer", None),  # `http_server.Connection` has it
        hosts=hosts,
        authorization=tuple(headers.getall("Authorization", ())),
        origins=tuple(headers.getall("Origin", ())),
        site=headers.get("Sec-Fetch-Site"),
        mode=headers.get("Sec-Fetch-Mode"),
        accept=headers.get("Accept", ""),
        forwarded=any(name in headers for name in FORWARDED),
    )


async def require_json_body(request: web.Request) -> None:
    """Changing calls take no body; an empty one or JSON is let pass, anything else is refused."""
    if not request.body_exists:
        return
    try:
        async with asyncio.timeout(BODY_TIMEOUT):
            body = await request.read()
    except TimeoutError:
        raise Problem(408, "The body took too long.", headers={"Connection": "close"}) from None
    if not body:
        return
    if request.content_type != "application/json":
        raise Problem(415, "A body must be application/json.")
    try:
        msgspec.json.decode(body)
    except (ValueError, RecursionError):
        raise Problem(400, "The body is no JSON.") from None
