"""Records of a registered name, as large registries give them."""

from __future__ import annotations

#: With "%s" for the name.
WHOIS = """Domain Name: %s
Registry Domain ID: 2336799_DOMAIN_COM-VRSN
Registrar: Example Registrar, Inc.
Updated Date: 2026-08-14T07:01:34Z
Creation Date: 1995-08-14T04:00:00Z
Registry Expiry Date: 2027-08-13T04:00:00Z
Domain Status: clientDeleteProhibited https://icann.org/epp#clientDeleteProhibited
Name Server: A.EXAMPLE.NET
Name Server: B.EXAMPLE.NET
DNSSEC: signedDelegation
"""
#: Without its name ("ldhName").
RDAP = {
    "objectClassName": "domain",
    "handle": "2336799_DOMAIN_COM-VRSN",
    "status": ["client delete prohibited"],
    "events": [
        {"eventAction": "registration", "eventDate": "1995-08-14T04:00:00Z"},
        {"eventAction": "expiration", "eventDate": "2027-08-13T04:00:00Z"},
    ],
    "nameservers": [{"objectClassName": "nameserver", "ldhName": "A.EXAMPLE.NET"}],
}
