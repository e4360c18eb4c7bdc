"""Registrars and resellers whose API says whether a name can be created now, and at what price.

The form of each answer is described with its parser in `common.core.parsers.registrars`. Rates are a share of what the vendor
publishes; an answer that names another limit wins. `batch` is the most names that one call may carry.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Proof(StrEnum):
    """What "available" of a registrar proves."""

    LIVE = "live"  # it asked the registry for this answer
    FLAGGED = "flagged"  # it did where the answer says so, else it is a hint
    HINT = "hint"  # it may come from a cache or from DNS: never proof


@dataclass(frozen=True, slots=True, kw_only=True)
class Registrar:
    """One vendor. `url` and `sandbox` are base URLs, `sandbox` "" where the vendor has none; rates in calls per second.

    `one_suffix`: names of different suffixes do not go into one call: one that is not sold spoils it for the others.
    `needs` are the settings without which it cannot be asked, `takes` those that may be set as well. `terms`: who may use it.
    """

    vendor: str
    title: str
    url: str
    needs: tuple[str, ...]
    terms: str
    takes: tuple[str, ...] = ()
    sandbox: str = ""
    batch: int = 1
    one_suffix: bool = False
    rate: float = 0.1
    burst: float = 1.0
    per_day: int | None = None
    proof: Proof = Proof.LIVE

    @property
    def method(self) -> str:
        """The name of its method."""
        return f"registrar:{self.vendor}"


#: In the order in which they are asked: by what their answer proves, then by how many names a call carries and what it costs.
REGISTRARS = (
    Registrar(
        vendor="cloudflare",
        title="Cloudflare Registrar",
        url="https://api.cloudflare.com/client/v4",
        sandbox="https://api.cloudflare.com/client/v4",
        needs=("CLOUDFLARE_ACCOUNT_ID", "CLOUDFLARE_API_TOKEN"),
        batch=20,
        rate=0.5,
        burst=3,
        terms="any account; beta; answers are live and not cached; 1,200 calls in 5 minutes for the whole account",
    ),
    Registrar(
        vendor="namecom",
        title="Name.com",
        url="https://api.name.com",
        sandbox="https://api.dev.name.com",
        needs=("NAMECOM_USERNAME", "NAMECOM_API_TOKEN"),
        batch=50,
        rate=0.25,
        burst=3,
        terms="any account; 20 calls a second and 3,000 an hour",
    ),
    Registrar(
        vendor="spaceship",
        title="Spaceship",
        url="https://spaceship.dev/api",
        needs=("SPACESHIP_API_KEY", "SPACESHIP_API_SECRET"),
        batch=20,
        rate=0.3,
        burst=3,
        terms="any account, scope domains:read; 30 calls in 30 seconds",
    ),
    Registrar(
        vendor="openprovider",
        title="Openprovider",
        url="https://api.openprovider.eu",
        sandbox="https://api.sandbox.openprovider.nl",
        needs=("OPENPROVIDER_USERNAME", "OPENPROVIDER_PASSWORD"),
        batch=15,
        one_suffix=True,
        rate=0.2,
        burst=2,
        terms="reseller account; many country codes; 20 calls for the same names in 5 minutes, 30 logins a minute",
    ),
    Registrar(
        vendor="inwx",
        title="INWX",
        url="https://api.domrobot.com",
        sandbox="https://api.ote.domrobot.com",
        needs=("INWX_USERNAME", "INWX_PASSWORD"),
        takes=("INWX_SHARED_SECRET",),
        batch=10,
        rate=0.2,
        burst=2,
        terms="any account; OT&E has accounts of its own; how many names and calls it takes is not published",
    ),
    Registrar(
        vendor="gandi",
        title="Gandi",
        url="https://api.gandi.net",
        sandbox="https://api.sandbox.gandi.net",
        needs=("GANDI_TOKEN",),
        rate=1.0,
        burst=5,
        terms="personal access token; 1,000 calls a minute from an address",
    ),
    Registrar(
        vendor="namecheap",
        title="Namecheap",
        url="https://api.namecheap.com",
        sandbox="https://api.sandbox.namecheap.com",
        needs=("NAMECHEAP_API_USER", "NAMECHEAP_API_KEY", "NAMECHEAP_CLIENT_IP"),
        batch=50,
        one_suffix=True,
        rate=0.06,
        burst=2,
        per_day=2600,
        terms="20 names, or 50 dollars of balance or spending; a listed IPv4 address; 20 calls a minute, 8,000 a day",
    ),
    Registrar(
        vendor="namesilo",
        title="NameSilo",
        url="https://www.namesilo.com",
        sandbox="https://sandbox.namesilo.com",
        needs=("NAMESILO_API_KEY",),
        batch=200,
        rate=0.2,
        terms="any account; one call at a time, the limit is not published",
    ),
    Registrar(
        vendor="dynadot",
        title="Dynadot",
        url="https://api.dynadot.com",
        needs=("DYNADOT_API_KEY",),
        takes=("DYNADOT_BATCH",),
        rate=0.3,
        terms="any account: one name a call, one call at a time, 60 a minute; bulk accounts: 100 names a call",
    ),
    Registrar(
        vendor="porkbun",
        title="Porkbun",
        url="https://api.porkbun.com",
        sandbox="https://api.porkbun.com",
        needs=("PORKBUN_API_KEY", "PORKBUN_SECRET_API_KEY"),
        rate=0.09,
        terms="any account; one check in ten seconds, or what the answer says",
    ),
    Registrar(
        vendor="ovh",
        title="OVHcloud",
        url="https://eu.api.ovh.com",
        needs=("OVH_APPLICATION_KEY", "OVH_APPLICATION_SECRET", "OVH_CONSUMER_KEY"),
        takes=("OVH_SUBSIDIARY",),
        rate=0.2,
        burst=2,
        terms="keys with GET and POST on /order/cart*; a cart is made and never checked out; the limit is not published",
    ),
    Registrar(
        vendor="route53",
        title="Amazon Route 53 Domains",
        url="https://route53domains.us-east-1.amazonaws.com",
        needs=("ROUTE53_ACCESS_KEY_ID", "ROUTE53_SECRET_ACCESS_KEY"),
        takes=("ROUTE53_SESSION_TOKEN",),
        rate=0.3,
        burst=2,
        terms="an AWS account with route53domains:CheckDomainAvailability; the limit is not published",
    ),
    Registrar(
        vendor="godaddy",
        title="GoDaddy",
        url="https://api.godaddy.com",
        sandbox="https://api.ote-godaddy.com",
        needs=("GODADDY_TOKEN",),
        batch=25,
        rate=0.33,
        burst=3,
        proof=Proof.FLAGGED,
        terms="50 names in the account; 60 calls a minute; proves something only where the answer says definitive",
    ),
    Registrar(
        vendor="domainr",
        title="Domainr and Fastly Domain Research",
        url="https://api.fastly.com",
        needs=("FASTLY_API_TOKEN",),
        rate=0.3,
        burst=2,
        terms="paid: about a tenth of a cent for each precise answer",
    ),
    Registrar(
        vendor="whoisxml",
        title="WhoisXML API",
        url="https://domain-availability.whoisxmlapi.com",
        needs=("WHOISXML_API_KEY",),
        rate=1.0,
        burst=2,
        proof=Proof.HINT,
        terms="100 answers free, then credits; what it knows may be from DNS or a cache: never proof",
    ),
)

BY_VENDOR = {registrar.vendor: registrar for registrar in REGISTRARS}
