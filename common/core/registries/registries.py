"""The registries behind the suffixes: which server speaks for one, and from which budget its queries are paid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from common.core.model.channel import ChannelKey
from common.core.model.limit import Limit
from common.core.registries.directory import Directory, host_of
from common.core.registries.operators import limit_for
from common.core.registries.referrals import Referrals
from common.core.registries.wildcards import Wildcards

#: Addresses that a suffix is taken to have before its first answer, and most that count.
USUAL_ADDRESSES, MOST_ADDRESSES = 4, 64
#: Methods that ask a registry's own servers.
REGISTRY_CHANNELS = ("rdap", "whois")


@dataclass(slots=True, kw_only=True)
class Registries:
    """Servers, budgets and zones by suffix.

    `overrides` are the operator's own budgets (`BUDGETS_FILE`); with `recursive_dns` every DNS query is paid from the
    resolver's; `iana_host` is the WHOIS server that names those of suffixes without one.
    """

    directory: Directory
    overrides: Mapping[str, Limit]
    recursive_dns: bool
    iana_host: str
    wildcards: Wildcards = field(init=False, default_factory=Wildcards)
    referrals: Referrals = field(init=False, default_factory=Referrals)
    _address_counts: dict[str, int] = field(init=False, default_factory=dict)
    _servers: dict[tuple[str, str], str | None] = field(init=False, default_factory=dict)  # by method and suffix, as worked out
    _limits: dict[tuple[str, str], Limit] = field(init=False, default_factory=dict)  # by method and server, as worked out

    def limit_of(self, method: str, server: str, suffix: str) -> Limit:
        """The budget that a query is paid from; for DNS it grows with the number of addresses that serve the suffix."""
        if method != "dns":
            key = (method, server)
            if key not in self._limits:
                self._limits[key] = limit_for(method, server, self.overrides)
            return self._limits[key]
        limit = limit_for("dns", "resolver" if self.recursive_dns else suffix, self.overrides)
        count = self.address_count(suffix)
        return Limit(limit.operator, limit.rate * count, limit.burst * count, limit.per_day, count)

    def address_count(self, suffix: str) -> int:
        """How many name server addresses serve a suffix; before the first answer a cautious guess."""
        return self._address_counts.get(suffix, USUAL_ADDRESSES)

    def note_address_count(self, suffix: str, count: int) -> None:
        """Take over how many addresses an answer counted."""
        self._address_counts[suffix] = max(1, min(MOST_ADDRESSES, count))

    def server_of(self, method: str, suffix: str) -> str | None:
        """The server to ask: a base URL, a host, "" where the checker finds it; None where there is none, or none may be asked."""
        key = (method, suffix)
        if key not in self._servers:
            self._servers[key] = self._find_server(method, suffix)
        return self._servers[key]

    def server_or_referral(self, method: str, suffix: str, now: float) -> str | None:
        """`server`; for WHOIS of a suffix without any server "" once a day: IANA is asked for one."""
        server = self.server_of(method, suffix)
        if server is not None or method != "whois":
            return server
        if self.directory.rdap_server(suffix) is not None or self.directory.whois_server(suffix) is not None:
            return None
        return "" if self.referrals.may_query(suffix, now) else None

    def payer_of(self, method: str, server: str, suffix: str) -> str:
        """The host whose budget a query is paid from."""
        if server:
            return host_of(server)
        return self.iana_host if method == "whois" else suffix

    def channels_of(self, suffix: str) -> list[ChannelKey]:
        """The registry channels that a suffix has, RDAP first, dead or alive."""
        servers = [(method, self.server_of(method, suffix)) for method in REGISTRY_CHANNELS]
        return [ChannelKey(method, host_of(server), suffix) for method, server in servers if server]

    def is_in_use(self, key: ChannelKey) -> bool:
        """Whether a channel would be asked today, and no other server took over from it."""
        server = self.server_of(key.method, key.suffix)
        return server is not None and (host_of(server) or key.suffix) == key.server

    def replace_directory(self, directory: Directory) -> None:
        """Take over a newer table of RDAP and WHOIS servers."""
        self.directory = directory
        self._servers.clear()

    def learn_referral(self, suffix: str, host: str, now: float) -> None:
        """Take over the WHOIS server that IANA names for a suffix."""
        self.directory.learn_whois(suffix, host)
        self.referrals.note_server(suffix, host, now)
        self._servers.clear()

    def restore_referrals(self, text: str, now: float) -> None:
        """Take over what IANA said before a restart, as `Referrals.saved` wrote it."""
        self.referrals = Referrals.from_json(text, now)
        for suffix, host in self.referrals.named_servers():
            self.directory.learn_whois(suffix, host)
        self._servers.clear()

    def _find_server(self, method: str, suffix: str) -> str | None:
        if method == "rdap":
            rdap = self.directory.rdap_server(suffix)
            server = rdap.base if rdap is not None else None
        elif method == "whois":
            server = self.directory.whois_server(suffix)
        else:
            return ""
        if server is None or self.limit_of(method, host_of(server), suffix).rate <= 0:
            return None
        return server
