"""What one authoritative answer means on the way down from the root: delegation, records, alias, no data, NXDOMAIN or lame."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from common.core.parsers.dns_wire import (
    AAAA,
    CNAME,
    IN,
    NOERROR,
    NS,
    NXDOMAIN,
    SOA,
    A,
    Message,
    Record,
    WireError,
    address_of,
    target_of,
)

#: Most name servers taken from one delegation.
MOST_HOSTS = 16
#: Most addresses taken from one answer.
MOST_ADDRESSES = 64


class Kind(Enum):
    """What to do next."""

    CUT = auto()  # a delegation to a zone further down, on the way to the name
    RECORDS = auto()
    ALIAS = auto()
    NODATA = auto()
    NXDOMAIN = auto()
    LAME = auto()  # an error, or a server that does not serve the zone asked


@dataclass(frozen=True, slots=True)
class Step:
    """`owner` is the zone below (CUT), the zone that answered (NODATA, NXDOMAIN) or the target (ALIAS); `ttl` in seconds."""

    kind: Kind
    owner: str = ""
    hosts: tuple[str, ...] = ()  # name servers
    addresses: tuple[tuple[str, str], ...] = ()  # (host, address): glue, or the addresses asked for
    ttl: int = 0


LAME = Step(Kind.LAME)


def read_step(message: Message, zone: str, name: str, rtype: int) -> Step:
    """What the answer of a server of `zone` to a question about `name` means. Raises WireError where record data is broken."""
    if message.rcode not in (NOERROR, NXDOMAIN) or message.is_truncated or not message.is_answer:
        return LAME
    if message.question is None or message.question[:2] != (name, rtype):
        return LAME
    if message.answer:
        return _read_answer(message, zone, name, rtype) if message.is_authoritative else LAME
    if message.rcode == NXDOMAIN:
        return _read_negative(message, zone, name, Kind.NXDOMAIN)
    return _read_referral(message, zone, name) or _read_negative(message, zone, name, Kind.NODATA)


def read_addresses(message: Message, name: str) -> tuple[str, tuple[str, ...]]:
    """The end of the alias chain that starts at `name` in ANSWER, and the addresses found there (a resolver's answer)."""
    aliases = {record.owner: target_of(message, record) for record in message.answer if record.rtype == CNAME}
    for _ in range(len(aliases)):
        name = aliases.get(name, name)
    found = [
        address_of(message, record) for record in _records_of(message.answer, name, A) + _records_of(message.answer, name, AAAA)
    ]
    return name, tuple(found)[:MOST_ADDRESSES]


def is_below(name: str, zone: str) -> bool:
    """Whether `name` lies strictly below `zone` in the tree."""
    return name != zone and (zone == "" or name.endswith("." + zone))


def _read_answer(message: Message, zone: str, name: str, rtype: int) -> Step:
    own = _records_of(message.answer, name, rtype)
    if own and rtype == NS:
        return _delegation_step(message, Kind.RECORDS, name, own, zone)
    if own:
        found = tuple((name, address_of(message, record)) for record in own[:MOST_ADDRESSES])
        return Step(Kind.RECORDS, owner=name, addresses=found, ttl=min(record.ttl for record in own))
    alias = _records_of(message.answer, name, CNAME)
    return Step(Kind.ALIAS, owner=target_of(message, alias[0])) if alias else LAME


def _read_referral(message: Message, zone: str, name: str) -> Step | None:
    hosts = [record for record in message.authority if record.rtype == NS and record.rclass == IN]
    if not hosts or any(record.rtype == SOA for record in message.authority):
        return None
    owner = hosts[0].owner
    if (
        any(record.owner != owner for record in hosts)
        or not is_below(owner, zone)
        or (name != owner and not is_below(name, owner))
    ):
        return LAME
    return _delegation_step(message, Kind.CUT, owner, hosts, zone)


def _delegation_step(message: Message, kind: Kind, owner: str, records: list[Record], zone: str) -> Step:
    """The delegation with its glue. Glue counts only inside the zone that was asked: elsewhere it is hearsay."""
    hosts = tuple(dict.fromkeys(target_of(message, record) for record in records))[:MOST_HOSTS]
    ttls = [record.ttl for record in records]
    glue = []
    for record in message.additional:
        inside = record.owner == zone or is_below(record.owner, zone)
        if record.rtype in (A, AAAA) and record.rclass == IN and inside and record.owner in hosts:
            glue.append((record.owner, address_of(message, record)))
            ttls.append(record.ttl)
    return Step(kind, owner=owner, hosts=hosts, addresses=tuple(glue[:MOST_ADDRESSES]), ttl=min(ttls))


def _read_negative(message: Message, zone: str, name: str, kind: Kind) -> Step:
    owners = {record.owner for record in message.authority if record.rtype == SOA}
    if len(owners) != 1 or not message.is_authoritative:
        return LAME
    owner = owners.pop()
    on_the_way = (owner == zone or is_below(owner, zone)) and (owner == name or is_below(name, owner))
    return Step(kind, owner=owner) if on_the_way else LAME


def _records_of(records: tuple[Record, ...], owner: str, rtype: int) -> list[Record]:
    return [record for record in records if record.owner == owner and record.rtype == rtype and record.rclass == IN]


__all__ = ["LAME", "Kind", "Step", "WireError", "is_below", "read_addresses", "read_step"]
