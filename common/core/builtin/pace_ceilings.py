"""How far the pace of a registry's servers may climb above the one that it starts with, and why: data, with sources.

A third of what an operator publishes, a fifth of what a public client found tolerated. Terms of use of most generic registries
forbid "high volume, automated, electronic processes" without a figure: whatever was found tolerated, no pace climbs above two
queries a second for it. Operators whose terms forbid or limit automation beyond that are not listed, and stay at their start:
Verisign (RDAP and WHOIS terms), Nominet's WHOIS (1,000 in 24 hours per user), SIDN's WHOIS, DNS Belgium's WHOIS, GoDaddy
Registry (100 an hour), registro.br (blocks networks). A pace that nothing is known of stays at its start as well.
"""

from __future__ import annotations

from typing import NamedTuple

#: Share of a published and of an observed figure that is a ceiling, and the most that an observed one leads to, a second.
PUBLISHED_SHARE, OBSERVED_SHARE, MOST_OBSERVED = 1 / 3, 1 / 5, 2.0
#: Highest queries per second to an address of name servers: of the biggest suffixes, and of all others. Chosen by this project,
#: because no registry publishes a figure. Servers with response rate limiting count equal answers: referrals are equal where
#: they lead to the same name, all denials of one zone are equal (BIND 9 manual, "Response Rate Limiting"). So a list of mostly
#: registered names meets that limit late, and names out of the zone meet it first.
BIGGEST_DNS, OTHER_DNS = 50.0, 10.0

_CLIENT = "public client code with the shortest pause that each host took (read 2026-07)"


class Known(NamedTuple):
    """What is known of an operator's tolerance: queries per second, whether it publishes that itself, and where it was read."""

    per_second: float
    published: bool
    source: str

    @property
    def ceiling(self) -> float:
        """The highest rate that may be tried, in queries per second."""
        return self.per_second * PUBLISHED_SHARE if self.published else min(MOST_OBSERVED, self.per_second * OBSERVED_SHARE)


KNOWN = {
    "rdap/pir": Known(50.0, published=False, source=_CLIENT),
    "rdap/identitydigital": Known(1 / 0.85, published=False, source=_CLIENT),
    "rdap/centralnic": Known(40.0, published=False, source=_CLIENT),
    "rdap/nominet": Known(1 / 0.15, published=False, source=_CLIENT),
    "rdap/rdap.denic.de": Known(1 / 0.15, published=False, source=_CLIENT),
    "rdap/radix": Known(8.0, published=False, source=_CLIENT),
    "whois/identitydigital": Known(5.0, published=False, source=_CLIENT),
    "whois/whois.eu": Known(15 / 60, published=True, source="eurid.org/en/become-registrar/lookup-services"),
    "das/das.eu": Known(120 / 60, published=True, source="eurid.org/en/become-registrar/lookup-services"),
    "das/das.dns.be": Known(50 / 60, published=True, source="docs.dnsbelgium.be/be/general/whoisanddas.html"),
    "das/das.dk-hostmaster.dk": Known(60 / 60, published=True, source="github.com/Punktum-dk/das-service-specification (1.7)"),
}
