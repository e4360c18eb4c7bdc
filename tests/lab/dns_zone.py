"""What an authoritative server says, from the registry model: pure, message in, message out (RFC 1034 section 4.3.2)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Protocol

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdatatype
import dns.rrset

from tests.lab import net
from tests.lab.model import Registry
from tests.lab.suffixes import SUFFIXES, Suffix, registrable

TTL = 172_800  # delegations in large TLDs live two days
NEGATIVE_TTL = 900
HOSTS: Mapping[str, str] = {**net.HOSTING_DNS, **net.PARKING_DNS}


class Zone(Protocol):
    """One server's view."""

    key: str

    def version(self) -> tuple[int, int]:
        """(changes of the data, changes of the serial alone): equal as long as the same question has the same answer."""
        ...

    def answer(self, query: dns.message.Message) -> dns.message.Message:
        """Answer one question."""
        ...


def servers(suffix: Suffix) -> dict[str, str]:
    """Name servers of a suffix: host -> address."""
    first, second = net.dns_addresses(suffix.number)
    return {f"ns1.nic.{suffix.label}": first, f"ns2.nic.{suffix.label}": second}


def _question(query: dns.message.Message) -> tuple[str, dns.rdatatype.RdataType]:
    question = query.question[0]
    return question.name.to_text().lower().removesuffix("."), question.rdtype  # "" is the root


@lru_cache(maxsize=8192)
def _rdatas(kind: str, values: tuple[str, ...]) -> tuple[dns.rdata.Rdata, ...]:
    """Parsing presentation format is what costs most: name server sets repeat, owners do not."""
    return tuple(dns.rrset.from_text(".", TTL, "IN", kind, *values))


def _rrset(owner: str, kind: str, *values: str, ttl: int = TTL) -> dns.rrset.RRset:
    return dns.rrset.from_rdata_list(dns.name.from_text(_absolute(owner)), ttl, _rdatas(kind, values))


def _absolute(name: str) -> str:
    return name.rstrip(".") + "."


def _soa(origin: str, serial: int) -> dns.rrset.RRset:
    mname = _absolute(f"ns1.nic.{origin}") if origin else "a.root.lab."
    return _rrset(origin, "SOA", f"{mname} hostmaster.lab. {serial} 1800 900 604800 {NEGATIVE_TTL}", ttl=NEGATIVE_TTL)


def _referral(answer: dns.message.Message, owner: str, hosts: Mapping[str, str | None]) -> None:
    answer.authority.append(_rrset(owner, "NS", *(_absolute(host) for host in hosts)))
    for host, address in hosts.items():
        if address is not None:
            answer.additional.append(_rrset(host, "A", address))


def _negative(answer: dns.message.Message, origin: str, serial: int, *, exists: bool) -> None:
    answer.flags |= dns.flags.AA
    if not exists:
        answer.set_rcode(dns.rcode.NXDOMAIN)
    answer.authority.append(_soa(origin, serial))


def _positive(answer: dns.message.Message, rrset: dns.rrset.RRset) -> None:
    answer.flags |= dns.flags.AA
    answer.answer.append(rrset)


class RootZone:
    """The root: refers to the top-level suffixes, and knows nothing else."""

    key = "dns/."

    def version(self) -> tuple[int, int]:
        """The root never changes."""
        return 0, 0

    def answer(self, query: dns.message.Message) -> dns.message.Message:
        """Answer one question."""
        answer = dns.message.make_response(query)
        name, kind = _question(query)
        top = SUFFIXES.get(name.rpartition(".")[2])
        if not name:
            if kind is dns.rdatatype.NS:
                _positive(answer, _rrset("", "NS", "a.root.lab."))
                answer.additional.append(_rrset("a.root.lab", "A", net.ROOT_DNS))
            elif kind is dns.rdatatype.SOA:
                _positive(answer, _soa("", 2_026_010_100))
            else:
                _negative(answer, "", 2_026_010_100, exists=True)
        elif name == "a.root.lab" and kind is dns.rdatatype.A:
            _positive(answer, _rrset(name, "A", net.ROOT_DNS))
        elif top is None or not top.in_root:
            _negative(answer, "", 2_026_010_100, exists=False)
        else:
            _referral(answer, top.label, dict(servers(top)))
        return answer


class SuffixZone:
    """One registry's zone: referrals for delegated names, NXDOMAIN or the wildcard for the rest."""

    def __init__(self, registry: Registry, suffix: Suffix) -> None:
        self.key = f"dns/{suffix.label}"
        self._registry = registry
        self._suffix = suffix
        self._servers = servers(suffix)

    def version(self) -> tuple[int, int]:
        """Changes with this registry's data."""
        return self._registry.version(self._suffix)

    def answer(self, query: dns.message.Message) -> dns.message.Message:
        """Answer one question."""
        answer = dns.message.make_response(query)
        name, kind = _question(query)
        if name != self._suffix.label and not name.endswith(f".{self._suffix.label}"):
            answer.set_rcode(dns.rcode.REFUSED)
        elif not (self._apex(answer, name, kind) or self._child_zone(answer, name)):
            self._name(answer, name, kind)
        return answer

    def _serial(self) -> int:
        return self._registry.serial(self._suffix)

    def _apex(self, answer: dns.message.Message, name: str, kind: dns.rdatatype.RdataType) -> bool:
        """The zone's own names: its apex and its name servers."""
        label = self._suffix.label
        if name == label and kind is dns.rdatatype.NS:
            _positive(answer, _rrset(name, "NS", *(_absolute(host) for host in self._servers)))
            answer.additional.extend(_rrset(host, "A", address) for host, address in self._servers.items())
        elif name == label and kind is dns.rdatatype.SOA:
            _positive(answer, _soa(label, self._serial()))
        elif name in self._servers and kind is dns.rdatatype.A:
            _positive(answer, _rrset(name, "A", self._servers[name]))
        elif name in {label, f"nic.{label}"} or name in self._servers:
            _negative(answer, label, self._serial(), exists=True)
        else:
            return False
        return True

    def _child_zone(self, answer: dns.message.Message, name: str) -> bool:
        for child in SUFFIXES.values():
            if child.parent == self._suffix.label and (name == child.label or name.endswith(f".{child.label}")):
                _referral(answer, child.label, dict(servers(child)))
                return True
        return False

    def _name(self, answer: dns.message.Message, name: str, kind: dns.rdatatype.RdataType) -> None:
        label = self._suffix.label
        found = registrable(name)
        entry = self._registry.find(found[0]) if found else None
        if entry is not None and entry.delegated:
            if name == entry.name and kind is dns.rdatatype.DS:
                _negative(answer, label, self._serial(), exists=True)
            else:
                _referral(answer, entry.name, {host: self._glue(host) for host in entry.nameservers})
        elif entry is not None and entry.inline and name == entry.name:
            self._addresses(answer, name, kind, net.WEB)
        elif self._suffix.wildcard:
            self._addresses(answer, name, kind, net.WILDCARD_WEB)
        else:
            _negative(answer, label, self._serial(), exists=False)

    def _addresses(self, answer: dns.message.Message, name: str, kind: dns.rdatatype.RdataType, address: str) -> None:
        if kind is dns.rdatatype.A:
            _positive(answer, _rrset(name, "A", address, ttl=300))
        else:
            _negative(answer, self._suffix.label, self._serial(), exists=True)

    def _glue(self, host: str) -> str | None:
        return HOSTS.get(host) if host.endswith(f".{self._suffix.label}") else None


class HostingZone:
    """A hoster's name servers: they serve every name whose registration points at them."""

    def __init__(self, registry: Registry, hosts: Mapping[str, str], web: str) -> None:
        self.key = "dns/hosting"
        self._registry = registry
        self._hosts = hosts
        self._web = web

    def version(self) -> tuple[int, int]:
        """Changes with any registry's data."""
        return self._registry.version()

    def answer(self, query: dns.message.Message) -> dns.message.Message:
        """Answer one question."""
        answer = dns.message.make_response(query)
        name, kind = _question(query)
        found = registrable(name)
        entry = self._registry.find(found[0]) if found else None
        if entry is None or not set(entry.nameservers) & set(self._hosts):
            answer.set_rcode(dns.rcode.REFUSED)
        elif kind is dns.rdatatype.A:
            _positive(answer, _rrset(name, "A", self._hosts.get(name, self._web), ttl=300))
        elif kind is dns.rdatatype.NS and name == entry.name:
            _positive(answer, _rrset(name, "NS", *(_absolute(host) for host in entry.nameservers)))
        else:
            _negative(answer, entry.name, 1, exists=True)
        return answer
