"""What a DNS answer proves about a name: not in the zone, delegated, or nothing.

A negative answer of the suffix's authoritative servers counts only with AA, NXDOMAIN, the question that was sent, and an SOA
record of that very suffix (RFC 2308 section 2.1); everything else that is not a delegation of the name is unknown. Absent from
the zone is not available: a name on hold or in redemption is absent too. Answers of a recursive resolver get findings of their
own, because they may be late by the negative TTL (RFC 2308 section 5), synthesised (RFC 8198) or rewritten.
"""

from __future__ import annotations

import re

from common.core.model.evidence import LIST_LIMIT, NO_FIELDS, Fields, Outcome, Phase, Reading, unknown_reading
from common.core.parsers.dns_wire import (
    AA,
    AAAA,
    CNAME,
    DNAME,
    FORMERR,
    IN,
    MAX_WIRE,
    NOERROR,
    NOTIMP,
    NS,
    NSEC,
    NXDOMAIN,
    RA,
    RCODE_NAMES,
    RD,
    REFUSED,
    SERVFAIL,
    SOA,
    TC,
    TYPE_NAMES,
    A,
    Message,
    Record,
    WireError,
    address_of,
    build_query,
    matches_query,
    nsec_has,
    parse_message,
    serial_of,
    target_of,
)

__all__ = [
    "FINAL",
    "LAME",
    "REFUSAL",
    "UNIX_SERIALS",
    "build_query",
    "describe_message",
    "interpret_message",
    "matches_query",
    "parse_dns_answer",
    "read_outcome",
    "zone_time",
]

#: Findings with the outcome unknown that any other server of the same zone would give as well.
FINAL = frozenset({"dns_auth_wildcard", "dns_recursive_alias", "dns_recursive_nodata"})
#: Findings of a server that does not serve the suffix (any more).
LAME = frozenset({"dns_refused", "dns_upward_referral", "dns_wrong_zone", "dns_not_authoritative", "dns_tld_gone"})
#: The finding for rcode REFUSED.
REFUSAL = "dns_refused"
#: Suffixes whose SOA serial is the Unix time of the zone version (Verisign to the NANOG list, 7 January 2004).
UNIX_SERIALS = frozenset({"com", "net"})
#: A serial in this span can be a Unix time; one of the form YYYYMMDDnn lies above it.
_UNIX_TIMES = range(1_076_000_000, 2_000_000_000)
#: Meta type in the bitmap of an NSEC record: the name does not exist (RFC 9824 section 2).
NXNAME = 128
_MOST_RECORDS_SHOWN = 16
_HOST = re.compile(r"[a-z0-9_.-]{1,253}")

_ERRORS = {
    FORMERR: ("dns_formerr", "the server could not read the question (FORMERR)"),
    SERVFAIL: ("dns_servfail", "the server failed (SERVFAIL)"),
    NOTIMP: ("dns_notimp", "the server does not support the question (NOTIMP)"),
    REFUSED: (REFUSAL, "the server refused the question (REFUSED)"),
}

_REFERRAL = Reading(Outcome.REGISTERED, "dns_auth_referral", "the suffix's servers delegate the name", phase=Phase.ACTIVE)
_NODATA = Reading(Outcome.REGISTERED, "dns_auth_nodata", "the name exists in the suffix's zone, without name servers")
_NXDOMAIN = Reading(Outcome.UNREGISTERED, "dns_auth_nxdomain", "the suffix's servers say that the name is not in the zone")
_WILDCARD = unknown_reading("dns_auth_wildcard", "the suffix's servers answer with other records, as a wildcard does")
_RECURSIVE_POSITIVE = Reading(Outcome.REGISTERED, "dns_recursive_positive", "a resolver finds name servers of the name")
_RECURSIVE_NXDOMAIN = Reading(Outcome.UNREGISTERED, "dns_recursive_nxdomain", "a resolver says that the name does not exist")

_WORDS = {
    "nxdomain": _NXDOMAIN,
    "referral": _REFERRAL,
    "delegated": _REFERRAL,
    "delegation": _REFERRAL,
    "nodata": _NODATA,
    "wildcard": _WILDCARD,
    "cname": _WILDCARD,
    "dname": _WILDCARD,
    "formerr": unknown_reading(*_ERRORS[FORMERR]),
    "servfail": unknown_reading(*_ERRORS[SERVFAIL]),
    "notimp": unknown_reading(*_ERRORS[NOTIMP]),
    "refused": unknown_reading(*_ERRORS[REFUSED]),
    "timeout": unknown_reading("dns_timeout", "no answer in time"),
    "truncated": unknown_reading("dns_truncated", "the answer is cut off"),
    "mismatch": unknown_reading("dns_mismatch", "the answer is not for this question"),
    "upward_referral": unknown_reading("dns_upward_referral", "the server sends us up the tree: it does not serve the suffix"),
    "lame": unknown_reading("dns_upward_referral", "the server does not serve the suffix"),
}


def parse_dns_answer(wire: bytes, domain: str, suffix: str, *, recursive: bool = False) -> Reading:
    """What the answer `wire` to a query about `domain` proves. Total: any bytes give a Reading.

    `suffix` is the zone that was asked, whose SOA record a negative answer must carry; both names are A-labels. `recursive`:
    the answer comes from a resolver instead of a server of the suffix.
    """
    if len(wire) > MAX_WIRE:
        return unknown_reading("dns_malformed", f"{len(wire)} bytes are more than a DNS message can have")
    try:
        return interpret_message(parse_message(wire), domain, suffix, recursive=recursive)
    except WireError as error:
        return unknown_reading("dns_malformed", f"not a well-formed DNS message: {error}")


def interpret_message(message: Message, domain: str, suffix: str, *, recursive: bool = False) -> Reading:
    """Like `parse_dns_answer`, for a parsed message. Raises WireError where the data of a record is malformed."""
    domain, suffix = _normalise_name(domain), _normalise_name(suffix)
    problem = _disqualify_message(message, domain, suffix)
    if problem is not None:
        return problem
    if recursive:
        return _interpret_recursive(message, domain, suffix)
    if message.rcode == NXDOMAIN:
        return _interpret_nxdomain(message, domain, suffix)
    if message.answer:
        return _interpret_answer(message, domain)
    return _interpret_authority(message, domain, suffix)


def read_outcome(word: str) -> Reading:
    """The Reading for a recorded outcome word ("nxdomain", "referral", "nodata", "servfail", "timeout"...), else unknown."""
    key = word.strip().lower().replace("-", "_").replace(" ", "_")[:40]
    return _WORDS.get(key) or unknown_reading("dns_unparsed", f"no outcome of a DNS query: {word[:80]!r}")


def zone_time(zone: str, serial: int) -> float | None:
    """Epoch seconds at which a zone version was made, for zones whose SOA serial is a Unix time; None for all others."""
    return float(serial) if zone in UNIX_SERIALS and serial in _UNIX_TIMES else None


def describe_message(message: Message) -> str:
    """A message as a few bounded lines of text: rcode and flags, the question, and the first records of each section."""
    flags = "".join(f" {name}" for name, bit in (("aa", AA), ("tc", TC), ("rd", RD), ("ra", RA)) if message.flags & bit)
    lines = [f"{RCODE_NAMES.get(message.rcode, message.rcode)}{flags}"]
    if message.question is not None:
        name, rtype, _ = message.question
        lines.append(f"question {name} {TYPE_NAMES.get(rtype, rtype)}"[:300])
    for title, section in (("answer", message.answer), ("authority", message.authority)):
        lines += [f"{title} {_describe_record(message, record)}"[:300] for record in section[:_MOST_RECORDS_SHOWN]]
    return "\n".join(lines)


def _disqualify_message(message: Message, domain: str, suffix: str) -> Reading | None:
    """The unknown Reading of a message that proves nothing about the name whatever its records; None for a usable one."""
    if not message.is_answer:
        return unknown_reading("dns_malformed", "not an answer to a query")
    if message.question is None:
        return _interpret_rcode(message) or unknown_reading("dns_mismatch", "the answer repeats no question")
    name, _, rclass = message.question
    if name != domain or rclass != IN:
        return unknown_reading("dns_mismatch", "the answer is for another question")
    if not domain.endswith("." + suffix):
        return unknown_reading("dns_wrong_zone", "the name is not below the zone asked")
    if message.is_truncated:
        return unknown_reading("dns_truncated", "the answer is cut off (TC)")
    return _interpret_rcode(message)


def _interpret_rcode(message: Message) -> Reading | None:
    if message.rcode in (NOERROR, NXDOMAIN):
        return None
    return unknown_reading(*_ERRORS.get(message.rcode, ("dns_rcode", f"the server answered with rcode {message.rcode}")))


def _interpret_nxdomain(message: Message, domain: str, suffix: str) -> Reading:
    if not message.is_authoritative:
        return _NOT_AUTHORITATIVE
    if message.answer:
        return unknown_reading(
            "dns_contradiction", "NXDOMAIN with an answer: the name is an alias of something that does not exist"
        )
    if any(record.rtype == NS and record.owner == domain for record in message.authority):
        return unknown_reading("dns_contradiction", "NXDOMAIN together with a delegation of the name")
    return _interpret_negative(message, suffix, _NXDOMAIN)


def _interpret_negative(message: Message, suffix: str, meaning: Reading, also: str | None = None) -> Reading:
    """`meaning` with the zone's serial, if the SOA record is the suffix's or that of `also`; otherwise unknown."""
    soas = [record for record in message.authority if record.rtype == SOA and record.rclass == IN]
    if not soas:
        return unknown_reading("dns_no_soa", "a negative answer without the zone's SOA record")
    owners = {record.owner for record in soas}
    if owners == {""} and meaning is _NXDOMAIN:
        return unknown_reading("dns_tld_gone", "the root zone answers: the top-level domain itself does not exist")
    if len(soas) > 1 or not owners <= {suffix, also}:
        return unknown_reading("dns_wrong_zone", f"the negative answer comes from another zone than {suffix or 'the root'}")
    serial = serial_of(message, soas[0])
    return Reading(
        meaning.outcome,
        meaning.finding,
        meaning.reason,
        phase=meaning.phase,
        serial=serial,
        fresh_at=zone_time(suffix, serial),
    )


def _interpret_answer(message: Message, domain: str) -> Reading:
    """NOERROR with an answer section: NS records of the name, from a server that also serves the child zone, or a wildcard."""
    if any(record.rtype in (CNAME, DNAME) for record in message.answer):
        return _WILDCARD
    own = [record for record in message.answer if record.owner == domain and record.rclass == IN]
    if not own:
        return unknown_reading("dns_mismatch", "the records answered belong to another name")
    hosts = [record for record in own if record.rtype == NS]
    if not hosts:
        return _WILDCARD
    if not message.is_authoritative:
        return _NOT_AUTHORITATIVE
    return _add_nameservers(message, hosts, _REFERRAL)


def _interpret_authority(message: Message, domain: str, suffix: str) -> Reading:
    """NOERROR with an empty answer section: referral, NODATA, or a server that does not serve the suffix."""
    hosts = [record for record in message.authority if record.rtype == NS and record.rclass == IN]
    if hosts and not message.is_authoritative:
        owners = {record.owner for record in hosts}
        if owners == {domain}:
            return _add_nameservers(message, hosts, _REFERRAL)
        if all(domain.endswith("." + owner) and (owner == suffix or owner.endswith("." + suffix)) for owner in owners):
            return unknown_reading("dns_wrong_zone", "the server refers to a zone between the suffix and the name")
        return unknown_reading("dns_upward_referral", "the server sends us elsewhere in the tree: it does not serve the suffix")
    if any(record.rtype == SOA for record in message.authority):
        if not message.is_authoritative:
            return _NOT_AUTHORITATIVE
        denied = any(
            record.rtype == NSEC and record.owner == domain and nsec_has(message, record, NXNAME)
            for record in message.authority
        )
        return (
            _interpret_negative(message, suffix, _NXDOMAIN)
            if denied
            else _interpret_negative(message, suffix, _NODATA, also=domain)
        )
    return unknown_reading("dns_empty", "an answer without any record that matters")


def _interpret_recursive(message: Message, domain: str, suffix: str) -> Reading:
    if message.rcode == NXDOMAIN:
        return _interpret_recursive_denial(message, suffix)
    hosts = [record for record in message.answer if record.rtype == NS and record.rclass == IN and record.owner == domain]
    if hosts and not any(record.rtype in (CNAME, DNAME) for record in message.answer):
        return _add_nameservers(message, hosts, _RECURSIVE_POSITIVE)
    if message.answer:
        return unknown_reading("dns_recursive_alias", "the resolver answers with other records than name servers of the name")
    return unknown_reading("dns_recursive_nodata", "the resolver finds no name servers, but does not deny the name")


def _interpret_recursive_denial(message: Message, suffix: str) -> Reading:
    """NXDOMAIN of a resolver. Forwarders often omit the SOA record; one that is there must be of the suffix or a zone above."""
    if message.answer:
        return unknown_reading(
            "dns_contradiction", "NXDOMAIN with an answer: the name is an alias of something that does not exist"
        )
    owners = {record.owner for record in message.authority if record.rtype == SOA}
    if owners == {""}:
        return unknown_reading("dns_tld_gone", "the root zone answers: the top-level domain itself does not exist")
    if any(owner != suffix and not suffix.endswith("." + owner) for owner in owners):
        return unknown_reading("dns_wrong_zone", f"the negative answer comes from another zone than {suffix}")
    return _RECURSIVE_NXDOMAIN


def _add_nameservers(message: Message, hosts: list[Record], meaning: Reading) -> Reading:
    """`meaning` with the name servers, sorted because servers rotate them. Raises WireError for a malformed NS record."""
    names = sorted({name for name in [target_of(message, record) for record in hosts] if _HOST.fullmatch(name)})
    fields = Fields(nameservers=tuple(names[:LIST_LIMIT])) if names else NO_FIELDS
    return Reading(meaning.outcome, meaning.finding, meaning.reason, phase=meaning.phase, fields=fields)


def _describe_record(message: Message, record: Record) -> str:
    head = f"{record.owner or '.'} {TYPE_NAMES.get(record.rtype, record.rtype)}"
    try:
        if record.rtype in (NS, CNAME, DNAME):
            return f"{head} {target_of(message, record) or '.'}"
        if record.rtype == SOA:
            return f"{head} serial {serial_of(message, record)}"
        if record.rtype in (A, AAAA):
            return f"{head} {address_of(message, record)}"
    except WireError:
        return f"{head} broken"
    return f"{head} {record.end - record.start} bytes"


def _normalise_name(name: str) -> str:
    return name.lower().rstrip(".")


_NOT_AUTHORITATIVE = unknown_reading("dns_not_authoritative", "the answer does not come from a server of the suffix (AA=0)")
