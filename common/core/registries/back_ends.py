"""Which back end runs each top-level domain, and in how many shards of the watch list its names lie.

A registry counts the queries of one address by its back end. Where names of one back end lie in several shards, each of these
has a part of the budget, and all of them together have one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from urllib.parse import urlsplit

from common.core.builtin import whois_servers
from common.core.builtin.rdap_servers import IANA
from common.core.builtin.tlds import PRIVATE_SUFFIXES
from common.core.model.limit import Limit
from common.core.registries.directory import Directory
from common.core.registries.operators import operator_of
from common.core.shards.layout import Layout

#: Of what one instance might ask in ten seconds, the shards together ask no more than this.
MOST_TOGETHER, SPAN = 1.05, 10.0
#: Least part of an even share that is left where many small shares have to wait for whole tokens.
LEAST_PART = 0.25
#: Methods whose servers are listed in tables.
LISTED = ("rdap", "whois", "das")


def group_suffixes() -> dict[str, str]:
    """The back end of each top-level domain, and of each private suffix with a registry, by the servers that are built in.

    By its RDAP server, else by its WHOIS server.
    """
    rdap = ((suffix, base) for base, suffixes in IANA for suffix in suffixes.split())
    hosts = {suffix: ("rdap", urlsplit(base.replace("{}", suffix)).hostname or "") for suffix, base in rdap}
    for suffix in whois_servers.list_suffixes():
        server = whois_servers.whois_server(suffix)
        if server is not None:
            hosts.setdefault(suffix, ("whois", server.host))
    wanted = {suffix: host for suffix, host in hosts.items() if "." not in suffix or suffix in PRIVATE_SUFFIXES}
    return {suffix: operator_of(*host).partition("/")[2] for suffix, host in wanted.items()}


class Shares:
    """How many shards of a layout ask each operator, and so which part of its limit each of them has."""

    def __init__(self, layout: Layout | None = None) -> None:
        self._layout = layout or Layout()
        self._found: dict[str, int] | None = None  # by operator, how many shards ask it

    @property
    def divides(self) -> bool:
        """Whether there is more than one shard."""
        return self._layout.shards > 1

    def forget(self) -> None:
        """Count anew: servers have changed."""
        self._found = None

    def divide(self, limit: Limit, suffixes: Iterable[str] | None) -> Limit:
        """Our part of a limit, where names under these suffixes are asked about; None: any names."""
        sharers = self._layout.shards if suffixes is None else len(self._layout.shards_of(suffixes))
        return divide_limit(limit, sharers)

    def divide_listed(self, limit: Limit, method: str, host: str, directory: Directory) -> Limit:
        """Our part of a limit for a server that the tables list; of any other one every shard may ask."""
        if self._found is None:
            self._found = self._count_sharers(directory)
        return divide_limit(limit, self._found.get(operator_of(method, host), self._layout.shards))

    def _count_sharers(self, directory: Directory) -> dict[str, int]:
        suffixes: dict[str, set[str]] = {}
        for method, host, suffix in directory.listed_servers():
            suffixes.setdefault(operator_of(method, host), set()).add(suffix)
        return {operator: len(self._layout.shards_of(found)) for operator, found in suffixes.items()}


@lru_cache(maxsize=4096)
def divide_limit(limit: Limit, sharers: int) -> Limit:
    """One of `sharers` parts of a limit.

    A part can be no less than one token at a time. Where that makes the parts together more than the whole within ten seconds,
    they get slower, down to a quarter.
    """
    if sharers == 1:
        return limit
    burst, rate = max(1.0, limit.burst / sharers), limit.rate / sharers
    most = (MOST_TOGETHER * (limit.burst + SPAN * limit.rate) / sharers - burst) / SPAN
    per_day = None if limit.per_day is None else limit.per_day // sharers
    ceiling = None if limit.ceiling is None else limit.ceiling / sharers
    return replace(limit, rate=max(min(rate, most), LEAST_PART * rate), burst=burst, per_day=per_day, ceiling=ceiling)
