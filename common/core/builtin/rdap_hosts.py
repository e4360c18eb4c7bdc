"""RDAP hosts with a special role: aggregators, and hosts of one registry back end."""

from __future__ import annotations

#: Redirectors and collectors. They know only IANA's list and answer 404 for every name of a suffix that is not in it.
AGGREGATORS = frozenset(
    {
        "rdap.org",
        "www.rdap.org",
        "rdap.net",
        "www.rdap.net",
        "rdap.cloud",
        "www.rdap.cloud",
        "rdap.ss",
        "rdap.app",
        "rdap-bootstrap.arin.net",
        "lookup.icann.org",
    }
)

#: Hosts of one registry back end: an answer of one counts as an answer of the other, and redirects between them are followed.
SAME_OPERATOR: tuple[frozenset[str], ...] = (
    frozenset({"pubapi.registry.google", "www.registry.google"}),
    frozenset(
        {
            "rdap.identitydigital.services",
            "rdap.donuts.co",
            "rdap.afilias.net",
            "rdap.afilias-srs.net",
            "rdap.unitedtld.com",
        }
    ),
    frozenset({"rdap.publicinterestregistry.org", "rdap.publicinterestregistry.net", "rdap.pir.org"}),
    frozenset({"rdap.verisign.com", "tld-rdap.verisign.com"}),
    frozenset({"rdap.registry.click", "rdap.uniregistry.net"}),
    frozenset({"rdap.nic.ch", "rdap.nic.li"}),
)
