"""Domain availability services (DAS): servers that only tell whether a name is taken, with higher rate limits than WHOIS.

Hosts, forms and words from the registries' pages (docs.dnsbelgium.be, eurid.eu, teknisk.norid.no) and public clients. Services
that a registry opens to its members only (.uk, .dk) can be parsed, but are never queried by default.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

from common.core.model.evidence import Outcome


@dataclass(frozen=True, slots=True)
class DasServer:
    """How to query one service and what its answers mean.

    `query` holds {name} (A-label) or {label}; `words` maps the whole text of the status line, in lower case, to an outcome.
    `public` is False where only members of the registry may query.
    """

    host: str
    port: int
    suffixes: tuple[str, ...]
    query: str
    words: dict[str, Outcome]
    _: KW_ONLY
    public: bool = True


_FREE, _TAKEN, _KEPT = Outcome.UNREGISTERED, Outcome.REGISTERED, Outcome.RESERVED

#: The words that mean the same at every service; those of a service itself come first.
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
