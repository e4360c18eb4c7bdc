"""Which server of a registry speaks for a suffix, and from which budget queries to it take their tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from common.core.model.channel import ChannelKey
from common.core.model.limit import Limit
from common.core.model.methods import REGISTRAR, is_registrar
from common.core.registries.back_ends import LISTED, Shares
from common.core.registries.directory import Directory, host_of
from common.core.registries.operators import GTLD_SERVERS, limit_for
from common.core.registries.referrals import Referrals
from common.core.registries.sources import Source, Sources
from common.core.registries.wildcards import Wildcards

#: Name server addresses that a suffix is taken to have before its first answer, and most that count.
USUAL_ADDRESSES, MOST_ADDRESSES = 4, 64
#: Methods that query a registry's own servers, in the order of preference: cheap and exact ones first.
REGISTRY_CHANNELS = ("rdap", "das", "epp", "whois")


@dataclass(slots=True, kw_only=True)
class Registries:
    """What is known of registries by suffix: servers, budgets, numbers of name server addresses, wildcard zones, referrals.

    `overrides` are the configured budgets (`BUDGETS_FILE`). With `recursive_dns` every DNS query takes its token from the
    budget of the resolver. `iana_host` is the WHOIS server that refers to those of suffixes without a known one. `sources` are
    the registrars and EPP accounts that are configured. `shares` divides budgets among the shards of the watch list.
    """

    directory: Directory
    overrides: Mapping[str, Limit]
    recursive_dns: bool
    iana_host: str
    sources: Sources = field(default_factory=Sources)
    shares: Shares = field(default_factory=Shares)
    wildcards: Wildcards = field(init=False, default_factory=Wildcards)
    referrals: Referrals = field(init=False, default_factory=Referrals)
    _address_counts: dict[str, int] = field(init=False, default_factory=dict)
    _servers: dict[tuple[str, str], str | None] = field(init=False, default_factory=dict)  # by method and suffix: a cache
    _limits: dict[tuple[str, str], Limit] = field(init=False, default_factory=dict)  # by method and server (or suffix): a cache

    def limit_of(self, method: str, server: str, suffix: str) -> Limit:
        """The budget of a query; for DNS it grows with the number of addresses that serve the suffix.

        `server` is a host, or the suffix itself for DNS. In a shard of the watch list it is this shard's part.
        """
        limit = self._whole_limit(method, server, suffix)
        if not self.shares.divides:
            return limit
        if method in LISTED and server != self.iana_host:  # which is asked about any suffix
            return self.shares.divide_listed(limit, method, server, self.directory)
        return self.shares.divide(limit, self._suffixes_of(method, suffix))

    def _whole_limit(self, method: str, server: str, suffix: str) -> Limit:
        if is_registrar(method):
            return self._registrar_limit(method, suffix)
        if method == "epp":
            return self._account_limit(server, suffix)
        if method != "dns":
            key = (method, server)
            if key not in self._limits:
                self._limits[key] = limit_for(method, server, self.overrides)
            return self._limits[key]
        count = self.address_count(suffix)
        known = self._limits.get((method, suffix))
        if known is None or known.address_count != count:
            limit = limit_for("dns", "resolver" if self.recursive_dns else suffix, self.overrides)
            known = self._limits[method, suffix] = limit.multiply(count)
        return known

    def _suffixes_of(self, method: str, suffix: str) -> tuple[str, ...] | None:
        """The suffixes about whose names the same operator is asked; None where those of any may be."""
        if method == "dns" and not self.recursive_dns:
            return GTLD_SERVERS if suffix in GTLD_SERVERS else (suffix,)
        if method == "epp" and (source := self.sources.find_source(method, suffix)) is not None:
            return source.suffixes or None
        return None

    def operator_of_source(self, source: Source) -> str:
        """The operator by whose limit a configured source is asked."""
        if is_registrar(source.method):
            return limit_for("registrar", source.method.removeprefix(REGISTRAR), self.overrides).operator
        return limit_for(source.method, host_of(source.url), self.overrides).operator

    def credential_digests(self) -> dict[str, str]:
        """By operator, a text that changes with the credentials of its sources; of those alone whose digest is known."""
        found: dict[str, list[str]] = {}
        for source in self.sources.all_sources():
            if source.credentials:
                found.setdefault(self.operator_of_source(source), []).append(source.credentials)
        return {operator: " ".join(sorted(digests)) for operator, digests in found.items()}

    def address_count(self, suffix: str) -> int:
        """How many name server addresses serve a suffix; a cautious guess before the first answer."""
        return self._address_counts.get(suffix, USUAL_ADDRESSES)

    def note_address_count(self, suffix: str, count: int) -> None:
        """Note how many name server addresses an answer counted."""
        self._address_counts[suffix] = max(1, min(MOST_ADDRESSES, count))

    def server_of(self, method: str, suffix: str) -> str | None:
        """The server to query: a base URL for RDAP and registrars, a host for the other channels of a registry.

        "" where the checker finds it by itself (DNS, HTTP).

        None where the suffix has no server, or its server must not be queried.
        """
        key = (method, suffix)
        if key not in self._servers:
            self._servers[key] = self._find_server(method, suffix)
        return self._servers[key]

    def server_or_referral(self, method: str, suffix: str, now: float) -> str | None:
        """The server to query as `server_of` says; for WHOIS of a suffix without any server "" once a day: IANA is queried."""
        server = self.server_of(method, suffix)
        if server is not None or method != "whois":
            return server
        if self.directory.rdap_server(suffix) is not None or self.directory.whois_server(suffix) is not None:
            return None
        return "" if self.referrals.may_query(suffix, now) else None

    def payer_of(self, method: str, server: str, suffix: str) -> str:
        """The host whose budget a query takes its token from."""
        if server:
            return host_of(server)
        return self.iana_host if method == "whois" else suffix

    def channels_of(self, suffix: str) -> list[ChannelKey]:
        """The registry channels of a suffix that show registrations, RDAP first, whether or not they answer."""
        servers = [(method, self.server_of(method, suffix)) for method in REGISTRY_CHANNELS]
        return [
            ChannelKey(method, host_of(server), suffix)
            for method, server in servers
            if server and not self._lists_auctions(method, suffix)
        ]

    def channel_of(self, method: str, suffix: str) -> ChannelKey:
        """The channel of a method that has a server for the suffix."""
        return ChannelKey(method, host_of(self.server_of(method, suffix) or suffix), suffix)

    def is_uncertain(self, method: str, suffix: str) -> bool:
        """Whether what the server of a suffix says is known from clients alone: until it was verified it proves nothing."""
        unsure = method == "das" and not self.directory.is_das_certain(suffix)
        return unsure and not self._lists_auctions(method, suffix)

    def _lists_auctions(self, method: str, suffix: str) -> bool:
        """Whether a channel tells of auctions alone: no canary can verify it, and no alarm waits for it."""
        return method == "das" and self.directory.lists_auctions(suffix)

    def is_in_use(self, key: ChannelKey) -> bool:
        """Whether a channel is the one queried today: no other server took its place."""
        server = self.server_of(key.method, key.suffix)
        return server is not None and (host_of(server) or key.suffix) == key.server

    def replace_directory(self, directory: Directory) -> None:
        """Use a newer table of RDAP and WHOIS servers."""
        self.directory = directory
        self.shares.forget()
        self._servers.clear()

    def learn_referral(self, suffix: str, host: str, now: float) -> None:
        """Note the WHOIS server that IANA refers to for a suffix, and use it."""
        self.directory.learn_whois(suffix, host)
        self.referrals.note_server(suffix, host, now)
        self._servers.clear()

    def restore_referrals(self, text: str, now: float) -> None:
        """Take over what IANA said before a restart, as `Referrals.saved` wrote it."""
        self.referrals = Referrals.from_json(text, now)
        for suffix, host in self.referrals.named_servers():
            self.directory.learn_whois(suffix, host)
        self._servers.clear()

    def _account_limit(self, host: str, suffix: str) -> Limit:
        """The budget of an EPP account: its own rate, unless the operator's budgets say otherwise."""
        key = ("epp", host)
        if key not in self._limits:
            source, limit = self.sources.find_source("epp", suffix), limit_for("epp", host, self.overrides)
            if source is not None:
                rate = limit.rate if limit.configured or source.rate is None else source.rate
                burst = limit.burst if limit.configured else max(1.0, 2 * rate)
                limit = replace(limit, rate=rate, burst=burst, batch=source.batch)
            self._limits[key] = limit
        return self._limits[key]

    def _registrar_limit(self, method: str, suffix: str) -> Limit:
        """The budget of a registrar: by vendor, wherever its API is."""
        source, vendor = self.sources.find_source(method, suffix), method.removeprefix(REGISTRAR)
        key = (method, "")
        if key not in self._limits:
            self._limits[key] = replace(
                limit_for("registrar", vendor, self.overrides),
                batch=source.batch if source is not None else 1,
                one_suffix=source is not None and source.one_suffix,
            )
        return self._limits[key]

    def _find_server(self, method: str, suffix: str) -> str | None:
        if method in ("dns", "http"):
            return ""
        if method == "rdap":
            rdap = self.directory.rdap_server(suffix)
            server = rdap.base if rdap is not None else None
        elif method == "whois":
            server = self.directory.whois_server(suffix)
        elif method == "das":
            server = self.directory.das_server(suffix)
        else:
            source = self.sources.find_source(method, suffix)
            server = source.url if source is not None else None
        if server is None or self.limit_of(method, host_of(server), suffix).rate <= 0:
            return None
        return server
