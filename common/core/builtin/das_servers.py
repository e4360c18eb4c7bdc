"""Domain availability services (DAS): made for the question "is it taken?", cheaper and less limited than WHOIS.

Hosts, forms and words from the registries' pages (docs.dnsbelgium.be, eurid.eu, teknisk.norid.no) and public clients. What a
registry gives to members only (.uk, .dk) is read when somebody has access, never asked by default.
"""

from __future__ import annotations

from dataclasses import dataclass

from common.core.model.evidence import Outcome


@dataclass(frozen=True, slots=True)
class DasServer:
    """How to ask and read one service.

    `query` holds {name} (A-label) or {label}; `words` maps what stands in the status line, lower case and as a whole, to an
    outcome. `public` is False where only members may ask.
    """

    host: str
    port: int
    suffixes: tuple[str, ...]
    query: str
    words: dict[str, Outcome]
    public: bool = True


_FREE, _TAKEN, _KEPT = Outcome.UNREGISTERED, Outcome.REGISTERED, Outcome.RESERVED

#: The words that mean the same everywhere; a server's own come first.
COMMON = {
    "available": _FREE,
    "free": _FREE,
    "not available": _TAKEN,
    "registered": _TAKEN,
    "in use": _TAKEN,
    "occupied": _TAKEN,
    "delegated": _TAKEN,
    "not allowed": Outcome.INVALID,
    "forbidden": _KEPT,
    "reserved": _KEPT,
    "blocked": _KEPT,
    "withdrawn": _KEPT,
    "excluded": _KEPT,
    "on hold": _TAKEN,
    "suspended": _TAKEN,
    "quarantine": _TAKEN,
    "in quarantine": _TAKEN,
    "active": _TAKEN,
    "requested": _TAKEN,
    "cannot be registered": _KEPT,
    "invalid": Outcome.INVALID,
}

SERVERS = (
    DasServer("das.dns.be", 4343, ("be",), "{name}\r\n", {"available": _FREE}),
    DasServer("das.eu", 4343, ("eu", "xn--e1a4c", "xn--qxa6a"), "get 1.0 {label}\r\n", {}),
    DasServer("das.nic.it", 4343, ("it",), "{name}\r\n", {"unavailable": _TAKEN}),
    DasServer("das.domreg.lt", 4343, ("lt",), "get 1.0 {name}\r\n", {}),
    DasServer("das.arnes.si", 4343, ("si",), "{name}\r\n", {}),
    DasServer("finger.norid.no", 79, ("no",), "{name}\r\n", {}),
    DasServer("whois.norid.no", 79, ("no",), "{name}\r\n", {}),
    DasServer("free.iis.se", 80, ("se",), "GET /free?q={name}", {}),
    DasServer("free.iis.nu", 80, ("nu",), "GET /free?q={name}", {}),
    DasServer("dac.nic.uk", 2043, ("uk",), "{name}\r\n", {}, public=False),
)

BY_HOST = {server.host: server for server in SERVERS}
