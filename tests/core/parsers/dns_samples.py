"""DNS answers made by another implementation, what they prove, and the shortest way to ask the parser."""

from __future__ import annotations

import random

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

from common.core.parsers import dns as parser

SOA_DATA = "a.gtld.test. hostmaster.test. {serial} 1800 900 604800 900"


def seeded(seed: int) -> random.Random:
    """Random numbers that are the same in every run."""
    return random.Random(seed)


def rrset(owner: str, rtype: str, *data: str, ttl: int = 900) -> dns.rrset.RRset:
    """Records of one owner and type; names without the last dot."""
    return dns.rrset.from_text(owner + "." if owner else ".", ttl, "IN", rtype, *data)


def soa(owner: str, serial: int = 2026112301) -> dns.rrset.RRset:
    """The SOA record of a zone."""
    return rrset(owner, "SOA", SOA_DATA.format(serial=serial))


def reply(
    *,
    name: str = "example.com",
    rcode: str = "NOERROR",
    aa: bool = False,
    answer: tuple[dns.rrset.RRset, ...] = (),
    authority: tuple[dns.rrset.RRset, ...] = (),
    additional: tuple[dns.rrset.RRset, ...] = (),
) -> dns.message.Message:
    """An answer to the NS question about `name`, as a server would send it."""
    made = dns.message.make_response(dns.message.make_query(name + ".", "NS", use_edns=0, payload=1232))
    made.set_rcode(dns.rcode.from_text(rcode))
    if aa:
        made.flags |= dns.flags.AA
    made.answer, made.authority, made.additional = list(answer), list(authority), list(additional)
    return made


def read(
    made: dns.message.Message | bytes, domain: str = "example.com", suffix: str = "com", *, recursive: bool = False
) -> tuple[str, str]:
    """Outcome and finding."""
    data = made if isinstance(made, bytes) else made.to_wire()
    reading = parser.parse_dns_answer(data, domain, suffix, recursive=recursive)
    return reading.outcome.value, reading.finding


# One set per record: dnspython shuffles the records of a set.
REFERRAL = reply(
    authority=tuple(rrset("example.com", "NS", host) for host in ("ns2.example.net.", "ns1.example.com.")),
    additional=(rrset("ns1.example.com", "A", "192.0.2.1"),),
)
NXDOMAIN = reply(rcode="NXDOMAIN", aa=True, authority=(soa("com", 1_790_000_000),))
NSEC_NXNAME = rrset("example.com", "NSEC", "\\000.example.com. RRSIG NSEC TYPE128")
NSEC_PLAIN = rrset("example.com", "NSEC", "z.com. A RRSIG NSEC")
RULES = [
    (
        "the server serves the child, too",
        reply(aa=True, answer=(rrset("example.com", "NS", "ns.x.net."),)),
        "dns_auth_referral",
    ),
    ("NS answer without AA", reply(answer=(rrset("example.com", "NS", "ns.x.net."),)), "dns_not_authoritative"),
    ("NODATA", reply(aa=True, authority=(soa("com"),)), "dns_auth_nodata"),
    ("NODATA of the child zone", reply(aa=True, authority=(soa("example.com"),)), "dns_auth_nodata"),
    ("NODATA without AA", reply(authority=(soa("com"),)), "dns_not_authoritative"),
    ("NODATA of the root", reply(aa=True, authority=(soa(""),)), "dns_wrong_zone"),
    ("NODATA of another zone", reply(aa=True, authority=(soa("net"),)), "dns_wrong_zone"),
    ("compact denial", reply(aa=True, authority=(soa("com"), NSEC_NXNAME)), "dns_auth_nxdomain"),
    ("NSEC without NXNAME", reply(aa=True, authority=(soa("com"), NSEC_PLAIN)), "dns_auth_nodata"),
    ("compact denial of another zone", reply(aa=True, authority=(soa("net"), NSEC_NXNAME)), "dns_wrong_zone"),
    ("NXDOMAIN without AA", reply(rcode="NXDOMAIN", authority=(soa("com"),)), "dns_not_authoritative"),
    ("NXDOMAIN without SOA", reply(rcode="NXDOMAIN", aa=True), "dns_no_soa"),
    ("NXDOMAIN of the root", reply(rcode="NXDOMAIN", aa=True, authority=(soa(""),)), "dns_tld_gone"),
    ("NXDOMAIN of another zone", reply(rcode="NXDOMAIN", aa=True, authority=(soa("net"),)), "dns_wrong_zone"),
    ("NXDOMAIN of two zones", reply(rcode="NXDOMAIN", aa=True, authority=(soa("com"), soa("net"))), "dns_wrong_zone"),
    ("NXDOMAIN of the name's own zone", reply(rcode="NXDOMAIN", aa=True, authority=(soa("example.com"),)), "dns_wrong_zone"),
    (
        "NXDOMAIN of an alias",
        reply(rcode="NXDOMAIN", aa=True, answer=(rrset("example.com", "CNAME", "x.com."),), authority=(soa("com"),)),
        "dns_contradiction",
    ),
    (
        "NXDOMAIN with a delegation",
        reply(rcode="NXDOMAIN", aa=True, authority=(soa("com"), rrset("example.com", "NS", "ns.x.net."))),
        "dns_contradiction",
    ),
    ("CNAME", reply(aa=True, answer=(rrset("example.com", "CNAME", "parking.com."),)), "dns_auth_wildcard"),
    ("DNAME", reply(aa=True, answer=(rrset("com", "DNAME", "net."),)), "dns_auth_wildcard"),
    ("address", reply(aa=True, answer=(rrset("example.com", "A", "192.0.2.1"),)), "dns_auth_wildcard"),
    ("answer for another name", reply(aa=True, answer=(rrset("other.com", "NS", "ns.x.net."),)), "dns_mismatch"),
    ("upward referral to the root", reply(authority=(rrset("", "NS", "a.root-servers.net."),)), "dns_upward_referral"),
    ("sideways referral", reply(authority=(rrset("net", "NS", "a.gtld.net."),)), "dns_upward_referral"),
    ("referral to the suffix", reply(authority=(rrset("com", "NS", "a.gtld.net."),)), "dns_wrong_zone"),
    (
        "referral of two owners",
        reply(authority=(rrset("example.com", "NS", "a.x.net."), rrset("net", "NS", "a.x.net."))),
        "dns_upward_referral",
    ),
    ("nothing", reply(aa=True), "dns_empty"),
    ("SERVFAIL", reply(rcode="SERVFAIL"), "dns_servfail"),
    ("REFUSED", reply(rcode="REFUSED"), "dns_refused"),
    ("FORMERR", reply(rcode="FORMERR"), "dns_formerr"),
    ("NOTIMP", reply(rcode="NOTIMP"), "dns_notimp"),
    ("NOTAUTH", reply(rcode="NOTAUTH"), "dns_rcode"),
    ("SERVFAIL with a full negative", reply(rcode="SERVFAIL", aa=True, authority=(soa("com"),)), "dns_servfail"),
    ("another question", reply(name="other.com", rcode="NXDOMAIN", aa=True, authority=(soa("com"),)), "dns_mismatch"),
]
RECURSIVE = [
    ("NXDOMAIN", reply(rcode="NXDOMAIN", authority=(soa("com"),)), "dns_recursive_nxdomain"),
    ("NXDOMAIN of a forwarder", reply(rcode="NXDOMAIN"), "dns_recursive_nxdomain"),
    ("NXDOMAIN of the root", reply(rcode="NXDOMAIN", authority=(soa(""),)), "dns_tld_gone"),
    ("NXDOMAIN of another zone", reply(rcode="NXDOMAIN", authority=(soa("example.com"),)), "dns_wrong_zone"),
    (
        "NXDOMAIN of an alias",
        reply(rcode="NXDOMAIN", answer=(rrset("example.com", "CNAME", "x.com."),)),
        "dns_contradiction",
    ),
    ("NS", reply(answer=(rrset("example.com", "NS", "ns.x.net."),)), "dns_recursive_positive"),
    ("CNAME", reply(answer=(rrset("example.com", "CNAME", "x.net."),)), "dns_recursive_alias"),
    ("NODATA", reply(authority=(soa("com"),)), "dns_recursive_nodata"),
    ("SERVFAIL", reply(rcode="SERVFAIL"), "dns_servfail"),
]
