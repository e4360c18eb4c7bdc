"""Which WHOIS hosts' "not found" counts: the registry's own hosts, today's and former ones; no other's."""

from __future__ import annotations

import re

import pytest

from common.core.builtin.rdap_servers import IANA
from common.core.builtin.registry_hosts import COUNTRIES, GENERIC, WITHOUT_WHOIS, RegistryHosts, speaks_for
from common.core.builtin.tlds import PRIVATE_SUFFIXES
from common.core.builtin.whois_servers import whois_server
from common.core.model.evidence import Outcome
from common.core.registries.directory import Directory, bare_host
from common.core.verdict.offline import is_available, read_answer

ROWS = (*GENERIC, *COUNTRIES)
REGISTRARS = (
    "whois.networksolutions.com", "whois.enom.com", "whois.rrpproxy.net", "whois.dynadot.com", "whois.godaddy.com",
    "whois.tucows.com", "whois.namecheap.com", "whois.gandi.net", "whois.nic.ru", "whois.ovh.com",
)  # fmt: skip


def judged(server: str, domain: str, suffix: str, text: str) -> tuple[str, str, bool | None]:
    """Outcome, finding and whether the name is called available."""
    reading = read_answer("whois", server, domain, suffix, {"text": text})
    return reading.outcome.value, reading.finding, is_available(reading)


@pytest.mark.parametrize(
    ("server", "domain", "suffix", "text"),
    [
        ("whois.verisign-grs.com", "a-zz9.com", "com", 'No match for "A-ZZ9.COM".\n'),
        ("WHOIS.VERISIGN-GRS.COM.:43", "a-zz9.com", "com", 'No match for "A-ZZ9.COM".\n'),
        ("whois.crsnic.net", "a-zz9.net", "net", 'No match for "A-ZZ9.NET".\n'),
        ("whois.pir.org", "a-zz9.org", "org", "NOT FOUND\n"),
        ("whois.donuts.co", "a-zz9.bike", "bike", "Domain not found.\n"),
        ("whois.uniregistry.net", "a-zz9.sexy", "sexy", "The queried object does not exist: domain not found\n"),
        ("whois.afilias-grs.info", "a-zz9.gi", "gi", "NOT FOUND\n"),
        ("whois.dk-hostmaster.dk", "a-zz9.dk", "dk", "No entries found for the selected source.\n"),
        ("whois.nic.xyz", "a-zz9.xyz", "xyz", "DOMAIN NOT FOUND\n"),
        ("whois.nic.uk", "a-zz9.co.uk", "co.uk", 'No match for "a-zz9.co.uk".\n'),
        ("whois.srs.net.nz", "a-zz9.co.nz", "co.nz", "query_status: 220 Available\n"),
        ("whois.centralnic.com", "a-zz9.uk.com", "uk.com", "DOMAIN NOT FOUND\n"),
        ("whois.centralnic.com", "a-zz9.kr.com", "com", "DOMAIN NOT FOUND\n"),
        ("whois.co.ca", "a-zz9.co.ca", "ca", "Not found: a-zz9.co.ca\n"),
    ],
)
def test_not_found_of_the_registry_counts(server: str, domain: str, suffix: str, text: str) -> None:
    """Of its present host, a former one, and one that it shares."""
    outcome, _, free = judged(server, domain, suffix, text)

    assert (outcome, free) == ("unregistered", True)


@pytest.mark.parametrize(
    ("server", "domain", "suffix", "text"),
    [
        *((registrar, "bzdo.com", "com", "Domain not found.\n") for registrar in REGISTRARS),
        ("whois.nic.ru", "a-zz9.ru", "ru", "No entries found for the selected source(s).\n"),
        ("whois.dynadot.com", "fark.co", "co", "No match for domain 'fark.co'.\n"),
        ("whois.verisign-grs.com", "a-zz9.cc", "cc", 'No match for "A-ZZ9.CC".\n'),
        ("whois.verisign-grs.com", "a-zz9.org", "org", 'No match for "A-ZZ9.ORG".\n'),
        ("whois.verisign-grs.com", "a-zz9.com.vn", "com.vn", 'No match for "A-ZZ9.COM.VN".\n'),
        ("whois.verisign-grs.com", "a-zz9.uk.com", "uk.com", 'No match for "A-ZZ9.UK.COM".\n'),
        ("whois.internic.net", "google.com.et", "com.et", 'No match for domain "GOOGLE.COM.ET".\n'),
        ("whois.nic.uk", "a-zz9.gov.uk", "gov.uk", 'No match for "a-zz9.gov.uk".\n'),
        ("whois.cira.ca", "a-zz9.co.ca", "ca", "Not found: a-zz9.co.ca\n"),
        ("whois.nic.live", "a-zz9.bike", "bike", "Domain not found.\n"),
        ("whois.iana.org", "a-zz9.com", "com", "Domain not found.\n"),
        ("whois.com", "a-zz9.com", "com", "Domain not found.\n"),
        ("127.0.0.1:4343", "a-zz9.com", "com", "Domain not found.\n"),
        ("", "a-zz9.com", "com", "Domain not found.\n"),
        ("whois.enom.com", "a-zz9.zz", "zz", "Domain not found.\n"),
    ],
)
def test_not_found_of_any_other_host_proves_nothing(server: str, domain: str, suffix: str, text: str) -> None:
    """A registrar, another registry, an unknown host: none of them has the name, even where it is registered."""
    assert judged(server, domain, suffix, text) == ("unknown", "whois_other_host", None)


def test_the_reason_names_the_host_and_the_suffix() -> None:
    """The reason can be checked against the registry's own pages."""
    reading = read_answer("whois", "whois.enom.com", "bzdo.com", "com", {"text": "Domain not found.\n"})

    assert reading.reason == "whois.enom.com is no host of the registry of .com: what it does not know may be registered"


@pytest.mark.parametrize(
    ("domain", "suffix"), [("net.ye", ""), ("co.uk", ""), ("www.a-zz9.com", "com"), ("x.duckdns.org", "org"), ("", "")]
)
def test_a_name_that_cannot_be_registered_there_is_not_free(domain: str, suffix: str) -> None:
    """Suffixes themselves, and names below other names, are unknown to every registry."""
    for host in ("whois.verisign-grs.com", "whois.nic.uk", "whois.pir.org", "whois.y.net.ye"):
        assert judged(host, domain, suffix, "No match for domain.\nDOMAIN NOT FOUND\nNot found: x\n")[2] is not True


def test_a_registrar_s_record_still_says_registered() -> None:
    """It knows the names that it holds."""
    text = "Domain Name: BZDO.COM\nRegistrar: eNom, LLC\nCreation Date: 2001-02-03T00:00:00Z\nName Server: NS1.BZDO.COM\n"

    assert judged("whois.enom.com", "bzdo.com", "com", text)[::2] == ("registered", False)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.operator}:{row.hosts.split()[0]}")
def test_each_row_can_be_read_and_has_a_source(row: RegistryHosts) -> None:
    """Hosts and suffixes are names in lower case, the date is one."""
    assert row.operator
    assert row.source
    assert re.fullmatch(r"20\d\d(-\d\d){0,2}", row.as_of)
    for suffix in row.suffixes.split():
        assert re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)?", suffix)
        for host in row.hosts.split():
            assert re.fullmatch(r"[a-z0-9{}-]+(\.[a-z0-9-]+)+", host)
            assert speaks_for(host.replace("{}", suffix), suffix)


def test_no_registrar_is_among_the_hosts() -> None:
    """Neither those that sell everything, nor one that is called nic."""
    hosts = {host for row in ROWS for host in row.hosts.split()}

    assert hosts.isdisjoint(REGISTRARS)
    assert not speaks_for("whois.nic.ru", "ru")


def test_every_suffix_of_the_tables_has_a_registry_that_others_are_not() -> None:
    """An unknown host is authoritative for none of them."""
    directory = Directory()
    suffixes = {suffix for _, listed in IANA for suffix in listed.split()} | WITHOUT_WHOIS
    suffixes |= {suffix for row in ROWS for suffix in row.suffixes.split()}

    assert [suffix for suffix in suffixes if directory.speaks_for_whois("whois.example.net", f"a.{suffix}")] == []


def test_the_registry_above_a_private_suffix_does_not_know_its_names() -> None:
    """Verisign has nothing to say about names under uk.com."""
    above = {suffix: whois_server(suffix.partition(".")[2]) for suffix in PRIVATE_SUFFIXES}

    assert [
        suffix for suffix, server in above.items() if server and Directory().speaks_for_whois(server.host, f"a.{suffix}")
    ] == []


def test_today_s_server_is_authoritative_for_its_suffix() -> None:
    """So does the one that the operator names in place of it."""
    directory = Directory(own_whois={"com": "whois.lab.test:4343"})
    for suffix in ("com", "co.uk", "de", "xyz", "uk.com"):
        server = whois_server(suffix)
        assert server is not None
        assert Directory().speaks_for_whois(server.host, f"a.{suffix}")

    assert directory.speaks_for_whois("whois.lab.test", "a.com")
    assert not directory.speaks_for_whois("whois.lab.test", "a.org")


@pytest.mark.parametrize(
    ("written", "host"),
    [
        ("whois.nic.uk:43", "whois.nic.uk"), (" WHOIS.nic.uk. ", "whois.nic.uk"), ("whois.nic.uk.:43", "whois.nic.uk"),
        ("[2001:db8::1]:43", "2001:db8::1"), ("2001:db8::1", "2001:db8::1"), ("192.0.2.1:43", "192.0.2.1"), ("", ""),
        ("host:port", "host:port"),
    ],
)  # fmt: skip
def test_a_host_is_found_however_it_is_written(written: str, host: str) -> None:
    """With a port, a last dot, in capitals."""
    assert bare_host(written) == host


def test_an_answer_that_proves_something_else_is_left_as_it_is() -> None:
    """Only "not found" needs the right host."""
    assert read_answer("whois", "whois.enom.com", "a.com", "com", {"text": ""}).outcome is Outcome.UNKNOWN
    assert judged("whois.example", "a.com", "com", "Your connection limit exceeded. Please slow down.\n")[0] == "throttled"
