"""The weight of each finding: how much it speaks for "no object in the registry database", and for how long.

`llr` is ln(P(finding | unregistered) / P(finding | registered)): starting values by judgement, to be recalibrated from recorded
decisions. `tau` is the time in seconds after which a finding weighs 1/e of it. A finding that is not listed weighs nothing.
Findings that share failure modes form a group: RDAP, WHOIS and DAS read the same database, registrars ask the same system.
"""

from __future__ import annotations

from typing import NamedTuple


class Weight(NamedTuple):
    """Group, log-likelihood ratio (natural log), decay in seconds."""

    group: str
    llr: float
    tau: float


FINDINGS: dict[str, Weight] = {
    # The suffix's own servers. A referral is the strongest cheap proof of a registration; NXDOMAIN only says "not in the zone".
    "dns_auth_referral": Weight("dns", -9.2, 3600),
    "dns_auth_nodata": Weight("dns", -6.0, 3600),
    "dns_auth_nxdomain": Weight("dns", 2.5, 900),
    "dns_recursive_nxdomain": Weight("dns", 1.5, 600),
    "dns_recursive_positive": Weight("dns", -5.0, 1800),
    "http_answer": Weight("http", -4.0, 1800),
    "rdap_200_match": Weight("registry_db", -11.5, 1800),
    "rdap_404_json": Weight("registry_db", 6.0, 600),
    "rdap_404_empty": Weight("registry_db", 4.0, 600),
    "rdap_404_blocked": Weight("registry_db", 4.0, 600),
    "rdap_404_dropping": Weight("registry_db", 5.0, 600),
    "rdap_404_premium": Weight("registry_db", 4.5, 600),
    "rdap_200_dropping": Weight("registry_db", 5.0, 600),
    "rdap_200_premium": Weight("registry_db", 4.5, 600),
    "rdap_200_reserved": Weight("registry_db", 2.0, 86_400),
    "whois_registered": Weight("registry_db", -9.0, 1800),
    "whois_free": Weight("registry_db", 4.5, 600),
    "whois_free_generic": Weight("registry_db", 1.0, 600),
    "whois_dropzone": Weight("registry_db", 5.0, 600),
    "whois_reserved": Weight("registry_db", 2.0, 86_400),
    "whois_premium": Weight("registry_db", 4.5, 600),
    "das_available": Weight("registry_db", 7.0, 300),
    "das_not_available": Weight("registry_db", -9.0, 900),
    "das_not_allowed": Weight("registry_db", 0.0, 86_400),
    "das_auction": Weight("registry_db", 5.0, 600),
    "das_release_process": Weight("registry_db", 5.0, 600),
    # Publications of the registry. A name on a drop list, or in a list of all names, is registered when the list is made;
    # no publication speaks for a name being free: it is a reason to ask, and its age is that of the list.
    "list_drop": Weight("publication", -9.0, 21_600),
    "list_registered": Weight("publication", -9.0, 21_600),
    "list_auction": Weight("publication", 0.0, 86_400),
    # Whoever got a certificate controlled the name's DNS, some time before the log told of it: a reason to ask alone.
    "certificate_seen": Weight("publication", 0.0, 86_400),
    # What a registrar is told by the registry's own system (EPP), directly or through a registrar's API.
    "epp_available": Weight("registrar", 9.0, 300),
    "epp_premium": Weight("registrar", 9.0, 300),
    "epp_in_use": Weight("registrar", -9.0, 900),
    "epp_redemption": Weight("registrar", -9.0, 900),
    "epp_pending_delete": Weight("registrar", -9.0, 900),
    "epp_unavailable": Weight("registrar", -3.0, 600),
    "epp_reserved": Weight("registrar", 0.0, 86_400),
    "registrar_available_live": Weight("registrar", 7.0, 300),
    "registrar_available_cached": Weight("registrar", 1.5, 300),
    "registrar_unavailable": Weight("registrar", -3.0, 600),
    "registrar_registered": Weight("registrar", -3.0, 600),
    "registrar_aftermarket": Weight("registrar", -3.0, 600),
    "registrar_premium": Weight("registrar", 7.0, 300),
}

#: A record that says the name is being deleted ages fast: the next state is the one we wait for.
DELETING_TAU = 300.0

#: The denial behind an announced name is confirmed by each check, not made anew: what matters is whether an answer contradicts
#: it.
CONFIRMED_TAU = 10 * 86_400.0

#: Lowest and highest sum per group.
CAPS: dict[str, tuple[float, float]] = {
    "dns": (-12.0, 4.0),
    "registry_db": (-12.0, 8.0),
    "registrar": (-9.0, 9.0),
    "http": (-4.0, 0.0),
    "publication": (-9.0, 0.0),
}


#: P(registrable | unregistered) after a positive of this kind, at least.
P_REGISTRABLE: dict[str, float] = {
    "whois_free": 0.97,  # its server would have printed a reserved or blocked text instead
    "das_available": 0.98,
    "registrar_available_live": 0.98,
    "epp_available": 0.99,
}

#: Further findings of the same sign in a group, as a share of their own weight.
FURTHER = 0.25
#: Added for a registry positive whose server was verified again after it: the server is neither down nor lying.
VERIFIED_AFTER = 2.0
#: Least weight of a "no object" whose server was verified before and after it: what its text means was seen on a random label
#: and on a known name.
VERIFIED = 4.5
#: What each further pass adds, and each ten minutes that the run of passes spans (at most four, and no more than there are
#: further passes). Only the span counts and not the pauses in it: asking more often gives no less.
PER_PASS, PER_SPAN, SPAN = (1.5, 1.5, 1.0, 1.0, 1.0), 3.0, 600.0
