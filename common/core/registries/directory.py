"""Find the RDAP (RFC 9224), WHOIS and availability servers of a suffix, from the user's files, IANA's and built-in lists."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any
from urllib.parse import urlsplit

from common.core.builtin import das_servers, registry_hosts, whois_servers
from common.core.builtin.das_servers import EVERY_SUFFIX, Access, Form
from common.core.builtin.rdap_pinned import PINNED
from common.core.builtin.rdap_servers import IANA
from common.core.builtin.tlds import PRIVATE_SUFFIXES
from common.core.parsers.bounded_json import parse_bounded_json
from common.core.parsers.rdap import same_operator

#: Largest bootstrap file accepted, in bytes. IANA's has about 60 KiB.
BOOTSTRAP_LIMIT = 2 << 20
#: Largest share of top-level domains that a new bootstrap file may lose against the one before.
LARGEST_LOSS = 0.05
_MOST_SUFFIXES = 20_000
_MOST_BASES = 8

_SUFFIX = re.compile(r"(?!-)[a-z0-9-]{1,63}(?:\.(?!-)[a-z0-9-]{1,63}){0,4}", re.ASCII)
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]{0,252})", re.ASCII)

Bases = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class RdapServer:
    """An RDAP base URL (ends with "/"), its host in lower case, and whether IANA or the operator lists it for the suffix."""

    base: str
    host: str
    listed: bool


class Directory:
    """The servers of all suffixes. Precedence for RDAP: `own` (the operator's file), `fetched` (IANA's), built in, pinned.

    `own_whois` maps a suffix to "host[:port]"; `learn_whois` adds referrals of IANA's WHOIS. A look-up takes the longest suffix
    that matches label by label: "co.uk" falls back to "uk". Only availability services speak for their own suffixes alone:
    `own_das` maps them to "host[:port]", `das_suffixes` are those ("all" for all) whose built-in service is used although it is
    not certain or open to members only.
    """

    def __init__(
        self,
        *,
        own: Bases | None = None,
        fetched: Bases | None = None,
        own_whois: Mapping[str, str] | None = None,
        own_das: Mapping[str, str] | None = None,
        das_suffixes: Collection[str] = (),
    ) -> None:
        self._own = dict(own or {})
        self._listed = dict(fetched) if fetched else built_in_bootstrap()
        self._own_whois = dict(own_whois or {})
        self._own_das = dict(own_das or {})
        self._das_suffixes = frozenset(das_suffixes)
        self._learned: dict[str, str] = {}

    def replace_fetched(self, fetched: Bases) -> None:
        """Use a new bootstrap file. Raises ValueError, and keeps the old one, where it lacks too many top-level domains."""
        check_loss(self._listed, fetched)
        self._listed = dict(fetched)

    def rdap_server(self, suffix: str) -> RdapServer | None:
        """The RDAP server of a suffix (A-label, lower case); None where none is known."""
        for known, listed in ((self._own, True), (self._listed, True), (_PINNED, False)):
            for candidate in _fallback_suffixes(suffix):
                if bases := known.get(candidate):
                    base = preferred_base(bases)
                    return RdapServer(base, _url_host(base), listed)
        return None

    def speaks_for(self, host: str, suffix: str) -> bool:
        """Whether an RDAP host is authoritative for the suffix, or run by the same operator as the one that is."""
        server = self.rdap_server(suffix)
        return server is not None and same_operator(host, server.host)

    def whois_server(self, suffix: str) -> str | None:
        """The WHOIS server of a suffix, "host[:port]": the operator's, else IANA's referral, else built in; None for none."""
        for known in (self._own_whois, self._learned):
            for candidate in _fallback_suffixes(suffix):
                if server := known.get(candidate):
                    return server
        listed = whois_servers.whois_server(suffix)
        return listed.host if listed else None

    def das_server(self, suffix: str) -> str | None:
        """The availability service of just this suffix (A-label, lower case), "host[:port]"; None where none may be asked."""
        if own := self._own_das.get(suffix):
            return own
        row = das_servers.BY_SUFFIX.get(suffix)
        if row is None or row.access is Access.LOGIN:
            return None
        usual = row.certain and row.access is Access.PUBLIC
        return f"{row.host}:{row.port}" if usual or not self._das_suffixes.isdisjoint({suffix, EVERY_SUFFIX}) else None

    def listed_servers(self) -> Iterator[tuple[str, str, str]]:
        """Method, host and suffix of every server in the tables, those left out that IANA's WHOIS referred to."""
        for suffix in {**_PINNED, **self._listed, **self._own}:
            if (rdap := self.rdap_server(suffix)) is not None:
                yield "rdap", rdap.host, suffix
        for suffix in {*whois_servers.list_suffixes(), *self._own_whois}:
            listed = whois_servers.whois_server(suffix)
            if (host := self._own_whois.get(suffix) or (listed.host if listed else None)) is not None:
                yield "whois", host, suffix
        for suffix in {*das_servers.BY_SUFFIX, *self._own_das}:
            if (host := self.das_server(suffix)) is not None:
                yield "das", host, suffix

    @staticmethod
    def lists_auctions(suffix: str) -> bool:
        """Whether the availability service of a suffix tells of auctions alone, and says nothing about registrations."""
        row = das_servers.BY_SUFFIX.get(suffix)
        return row is not None and row.form is Form.EE_AUCTIONS

    @staticmethod
    def is_das_certain(suffix: str) -> bool:
        """Whether the registry itself says how the availability service of a suffix is asked and answers."""
        row = das_servers.BY_SUFFIX.get(suffix)
        return row is not None and row.certain

    def own_das_servers(self) -> Mapping[str, str]:
        """The availability services that the operator of this service named: suffix -> "host[:port]"."""
        return self._own_das

    def speaks_for_whois(self, host: str, domain: str) -> bool:
        """Whether a WHOIS host is authoritative for `domain`, so that its "not found" counts.

        It has to be that of the nearest registry above the name: for a name under uk.com the one of uk.com. `host` is in lower
        case without a port, `domain` an A-label name. A top-level domain in no table is not in the root zone either: there any
        registry's host may deny a name.
        """
        zone = domain
        while "." in zone:
            zone = zone.partition(".")[2]
            server = self.whois_server(zone)
            if registry_hosts.speaks_for(host, zone) or (server is not None and bare_host(server) == host):
                return True
            if registry_hosts.has_registry(zone):
                return False
            if server is not None and server != self.whois_server(zone.partition(".")[2]):
                return False
        return registry_hosts.is_registry_host(host)

    def learn_whois(self, suffix: str, host: str) -> None:
        """Remember the host that IANA's WHOIS refers to for a suffix. What is no suffix or host is ignored."""
        if _SUFFIX.fullmatch(suffix) and _HOST.fullmatch(host.lower()):
            self._learned[suffix] = host.lower()


def parse_bootstrap(data: bytes) -> dict[str, tuple[str, ...]]:
    """Parse a bootstrap file (RFC 9224) into suffix -> base URLs. Raises ValueError for a file with any malformed entry."""
    document = parse_bounded_json(data, BOOTSTRAP_LIMIT, ("version", "services"))
    if not isinstance(document, dict) or str(document.get("version"))[:2] != "1.":
        raise ValueError("no bootstrap file of version 1")
    services = document.get("services")
    if not isinstance(services, list) or not services:
        raise ValueError("services is missing or empty")
    found: dict[str, tuple[str, ...]] = {}
    for service in services:
        suffixes, bases = _parse_service(service)
        for suffix in suffixes:
            found.setdefault(suffix, bases)
    if len(found) > _MOST_SUFFIXES:
        raise ValueError(f"{len(found)} suffixes, at most {_MOST_SUFFIXES}")
    return found


def parse_suffix_servers(data: bytes) -> dict[str, str]:
    """Parse a JSON object of suffix -> "host[:port]". Raises ValueError with the entry that is wrong."""
    document = parse_bounded_json(data, BOOTSTRAP_LIMIT)
    if not isinstance(document, dict):
        raise ValueError('must be an object {"suffix": "host[:port]"}')  # noqa: TRY004 - the file is wrong, not the call
    found = {}
    for key, value in document.items():
        suffix = key.strip().lower().strip(".")
        if not _SUFFIX.fullmatch(suffix) or not isinstance(value, str) or not _is_host_port(value):
            raise ValueError(f"{key[:80]!r}: needs an A-label suffix and host[:port]")
        found[suffix] = value.strip().lower()
    return found


def check_loss(before: Bases, after: Bases) -> None:
    """Raise ValueError where `after` lacks more than LARGEST_LOSS of the suffixes of `before`: a cut or foreign file."""
    lost = sum(1 for suffix in before if suffix not in after)
    if lost > LARGEST_LOSS * len(before):
        raise ValueError(f"{lost} of {len(before)} suffixes are gone")


@cache
def _expand_iana_servers() -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple((suffix, (base.replace("{}", suffix),)) for base, suffixes in IANA for suffix in suffixes.split())


def built_in_bootstrap() -> dict[str, tuple[str, ...]]:
    """Suffix -> base URLs of the bootstrap file that ships with the program."""
    return dict(_expand_iana_servers())


def preferred_base(bases: tuple[str, ...]) -> str:
    """The base URL to use: the first with https, else the first."""
    return next((base for base in bases if base.startswith("https:")), bases[0])


@lru_cache(maxsize=8192)
def _url_host(url: str) -> str:
    """The host of a URL in lower case; "" where it has none."""
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""


def bare_host(server: str) -> str:
    """The host of "host[:port]" in lower case; an IPv6 literal keeps its colons."""
    place = server.strip().lower().rstrip(".")
    if place.startswith("["):
        return place[1:].partition("]")[0]
    name, colon, port = place.rpartition(":")
    return name.rstrip(".") if colon and port.isdigit() and ":" not in name else place


_PINNED: Bases = {suffix: (base,) for suffix, base in PINNED.items()}


def _fallback_suffixes(suffix: str) -> list[str]:
    """The suffix and those above it, longest first; a private suffix alone, because its parent has another registry."""
    if suffix in PRIVATE_SUFFIXES:
        return [suffix]
    labels = suffix.lower().strip(".").split(".")[:10]
    return [".".join(labels[start:]) for start in range(len(labels))]


def _parse_service(service: Any) -> tuple[list[str], tuple[str, ...]]:
    if not isinstance(service, list) or len(service) != 2 or not all(isinstance(part, list) for part in service):
        raise ValueError("a service is not [[suffixes], [URLs]]")
    suffixes = [text.lower().rstrip(".") for text in service[0] if isinstance(text, str)]
    if len(suffixes) != len(service[0]) or not all(_SUFFIX.fullmatch(suffix) for suffix in suffixes):
        raise ValueError("a suffix is no A-label name")
    bases = tuple(_parse_base_url(url) for url in service[1][:_MOST_BASES])
    if not bases:
        raise ValueError("a service without URLs")
    return suffixes, bases


def _parse_base_url(url: Any) -> str:
    if not isinstance(url, str) or len(url) > 300 or not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError("a base URL is no URL")
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ValueError(f"not a base URL: {url[:100]!r}")
    _ = parts.port  # raises ValueError for a port that is no number
    return url if url.endswith("/") else f"{url}/"


def _is_host_port(text: str) -> bool:
    host, colon, port = text.strip().lower().partition(":")
    if colon and not (port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65_536):
        return False
    return _HOST.fullmatch(host) is not None


def host_of(server: str) -> str:
    """The host that a server is known by: of a base URL its host, of "host:port" the host; "" of a URL without one. Total."""
    if "//" not in server:
        return server.partition(":")[0]
    return _url_host(server)
