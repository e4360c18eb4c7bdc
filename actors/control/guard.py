"""Who may do what: the token of changing calls, cross-site calls, bodies, and the headers of every answer."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
from urllib.parse import urlsplit

import msgspec
from aiohttp import web

from actors.control.problems import Problem

#: Largest request body, in bytes.
BODY_LIMIT = 65_536
#: Seconds a body may take to arrive.
BODY_TIMEOUT = 10.0

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


async def add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    """Signal handler: every answer carries the security headers."""
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["Server"] = "domain-monitor"


def is_loopback(host: str) -> bool:
    """Whether an address or host name (no port) is this machine's own."""
    text = host.strip("[]")
    if text.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(text).is_loopback
    except ValueError:
        return False


def check_caller(request: web.Request, *, token: str | None, bound_to: str) -> None:
    """Refuse a changing call that is cross-site, lacks the token, or comes in where no token protects an open port."""
    _check_site(request)
    if token:
        _check_token(request, token)
        return
    if not is_loopback(bound_to):
        raise Problem(
            403,
            "Changing calls are off: the interface is open to the network. Set CONTROL_TOKEN to allow them.",
            code="no_token",
        )
    # A foreign site can point its own name at 127.0.0.1 (DNS rebinding) and would then be "the same origin" to a browser.
    if not is_loopback(_host_name(request.headers.get("Host", ""))):
        raise Problem(
            403, "Without CONTROL_TOKEN changing calls must be addressed to localhost or a loopback address.", code="bad_host"
        )


def _check_site(request: web.Request) -> None:
    origin = request.headers.get("Origin")
    if origin is not None and (not _host_name(origin) or _authority(origin) != request.headers.get("Host", "").lower()):
        raise Problem(403, "Calls from another site are refused.", code="cross_site")
    # An image or a link of another site sends no Origin with GET, but browsers say where it came from.
    if request.headers.get("Sec-Fetch-Site", "none") not in {"none", "same-origin"}:
        raise Problem(403, "Calls from another site are refused.", code="cross_site")


def _check_token(request: web.Request, token: str) -> None:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    # Equal-length digests: the comparison takes the same time whatever was sent.
    mine = hashlib.sha256(token.encode()).digest()
    theirs = hashlib.sha256(given.strip().encode("utf-8", "surrogateescape")).digest()
    if not hmac.compare_digest(mine, theirs) or scheme.lower() != "bearer":
        raise Problem(
            401,
            "This call needs the header 'Authorization: Bearer' with the value of CONTROL_TOKEN.",
            headers={"WWW-Authenticate": 'Bearer realm="domain-monitor"'},
        )


async def check_body(request: web.Request) -> None:
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


def _authority(url: str) -> str:
    try:
        return urlsplit(url).netloc.lower()
    except ValueError:
        return ""


def _host_name(text: str) -> str:
    """The host of a URL or of a Host header, without port."""
    try:
        return urlsplit(text if "://" in text else f"//{text}").hostname or ""
    except ValueError:
        return ""
