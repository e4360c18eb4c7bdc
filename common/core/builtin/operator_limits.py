"""Rate limits of each registry back end to start with, before anything was learned from its answers.

The principle: a published figure is a ceiling, and the first rate is at most a third of it; a rate reported as tolerated is
halved several times; a host about which nothing is known gets a query in five seconds (RDAP) or ten (WHOIS). Hosts of one
operator share one bucket, because the operator counts by source address and not by top-level domain. The coordinator lowers
a rate at once on complaints, and raises it while answers come without: up to the ceiling of `pace_ceilings` where there is one.

Published figures used: Nominet WHOIS 5/s and 1,000 in 24 h per user (acceptable use policy); EURid WHOIS 15/min, DAS 120/min
(lookup services page); DNS Belgium DAS 50/min (docs.dnsbelgium.be); SIDN WHOIS: automated lookup is abuse (conditions of use);
GoDaddy Registry 100/h. Those of availability services stand in `das_servers`, those of registrars' APIs in `registrars`.
"""

from __future__ import annotations

from dataclasses import replace

from common.core.builtin.counted_suffixes import BIGGEST_SUFFIXES
from common.core.builtin.das_servers import SERVERS
from common.core.builtin.pace_ceilings import BIGGEST_DNS, KNOWN, OTHER_DNS
from common.core.builtin.registrars import REGISTRARS
from common.core.builtin.tlds import IDENTITY_DIGITAL_TLDS, split_words
from common.core.model.limit import Limit

GODADDY_TLDS = split_words("biz us co tv club")
_AFNIC_TLDS = split_words("fr re pm tf wf yt")


#: operator of a host, by the host itself
OPERATOR_OF_HOST = {
    "rdap.verisign.com": "verisign",
    "tld-rdap.verisign.com": "verisign-tld",
    "whois.verisign-grs.com": "verisign",
    "rdap.publicinterestregistry.org": "pir",
    "rdap.centralnic.com": "centralnic",
    "whois.centralnic.com": "centralnic",
    "whois.centralnic.net": "centralnic",
    "rdap.nominet.uk": "nominet",
    "whois.nic.uk": "nominet",
    "rdap.registry.co": "godaddy-co",
    "rdap.org": "rdap.org",
    "pubapi.registry.google": "google",
    "www.registry.google": "google",
    "whois.nic.google": "google",
    "whois.nic.ch": "switch",
    "whois.nic.li": "switch",
    "rdap.nic.ch": "switch",
    "rdap.nic.li": "switch",
    "whois.iis.se": "internetstiftelsen",
    "whois.iis.nu": "internetstiftelsen",
    "free.iis.se": "internetstiftelsen",
    "free.iis.nu": "internetstiftelsen",
    "whois.donuts.co": "identitydigital",
    "whois.afilias.net": "identitydigital",
    "whois.tcinet.ru": "tci",
    "whois.ripn.net": "tci",
    "whois.domain-registry.nl": "sidn",
    "rdap.sidn.nl": "sidn",
    "registro.br": "registro-br",
}
#: operator of every host below a name
OPERATOR_OF_PARENT = {
    "registry.godaddy": "godaddy",
    "identitydigital.services": "identitydigital",
    "afilias-srs.net": "identitydigital",
    "afilias-grs.info": "identitydigital",
    "nominet.uk": "nominet",
    "nominet.org.uk": "nominet",
    "centralnic.com": "centralnic",
    "centralnic.net": "centralnic",
    "gmoregistry.net": "gmo",
    "zdnsgtld.com": "zdns",
    "radix.host": "radix",
    "registro.br": "registro-br",
    "gtlds.nic.br": "registro-br",
    "teleinfo.cn": "teleinfo",
    "ngtld.cn": "ngtld",
}
#: operator of `whois.nic.<tld>` and `rdap.nic.<tld>`, by the set the top-level domain is in
OPERATOR_OF_NIC = ((IDENTITY_DIGITAL_TLDS, "identitydigital"), (GODADDY_TLDS, "godaddy"), (_AFNIC_TLDS, "afnic"))

#: what each kind gets where nothing else is known; http is one bucket: its hosts are the watched names themselves
DEFAULTS = {
    "dns": Limit("dns/*", 2.0, 5, ceiling=OTHER_DNS),
    "rdap": Limit("rdap/*", 0.2, 2),
    "whois": Limit("whois/*", 0.1, 1, 500),
    "das": Limit("das/*", 0.2, 2),
    "epp": Limit("epp/*", 1.0, 5),
    "http": Limit("http/web", 20.0, 40),
    "registrar": Limit("registrar/*", 0.1, 1),
}


def _with_ceiling(limit: Limit) -> Limit:
    """The limit with the ceiling that is known of its operator; as it is where that is not above its rate."""
    known = KNOWN.get(limit.operator)
    return limit if known is None or known.ceiling <= limit.rate else replace(limit, ceiling=known.ceiling)


LIMITS = {
    limit.operator: _with_ceiling(limit)
    for limit in (
        Limit("dns/gtld-servers", 2.0, 5, ceiling=BIGGEST_DNS),
        *(Limit(f"dns/{suffix}", 2.0, 5, ceiling=BIGGEST_DNS) for suffix in sorted(BIGGEST_SUFFIXES - {"com", "net"})),
        Limit("dns/resolver", 50.0, 100),  # the user's own resolver
        Limit("rdap/verisign", 1.0, 5),
        Limit("rdap/verisign-tld", 0.5, 3),
        Limit("rdap/pir", 0.5, 3),
        Limit("rdap/identitydigital", 0.2, 2),
        Limit("rdap/centralnic", 0.5, 3),
        Limit("rdap/nominet", 0.5, 2),
        Limit("rdap/rdap.denic.de", 0.5, 2),
        Limit("rdap/sidn", 0.2, 1),
        Limit("rdap/godaddy-co", 0.2, 2, 1500),
        Limit("rdap/godaddy", 0.02, 5, 2000),
        Limit("rdap/google", 0.5, 3),
        Limit("rdap/radix", 0.5, 2),
        Limit("rdap/gmo", 0.2, 1),
        Limit("rdap/registro-br", 0.1, 2),
        Limit("rdap/rdap.cctld.au", 0.2, 1),
        Limit("rdap/rdap.org", 0.0, 0),  # answers 404 for every suffix that IANA does not list: no oracle
        Limit("whois/verisign", 0.2, 2),
        Limit("whois/nominet", 0.01, 2, 330),
        Limit("whois/whois.eu", 0.08, 3),
        Limit("whois/whois.dns.be", 0.009, 2),
        Limit("whois/sidn", 0.0, 0),
        Limit("whois/identitydigital", 0.1, 1, 2000),
        Limit("whois/godaddy", 0.02, 2, 500),
        Limit("whois/whois.iana.org", 0.1, 3, 500),
        *(Limit(f"das/{OPERATOR_OF_HOST.get(row.host, row.host)}", row.rate, row.burst) for row in SERVERS),
        *(Limit(f"registrar/{row.vendor}", row.rate, row.burst, row.per_day) for row in REGISTRARS),
    )
}
