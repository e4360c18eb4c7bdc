"""The settings of sources beyond a registry's public channels: the keys of registrars' APIs, and where those are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Annotated
from urllib.parse import urlsplit

from common import roles
from common import setting_parsers as parse
from common.core.builtin.registrars import BY_VENDOR
from common.core.registries.addresses import Network, in_networks
from common.setting_row import Setting

_LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


def parse_vendors(text: str) -> tuple[str, ...]:
    """Registrars that have a sandbox, by vendor, separated by commas. Raises ValueError for one that has none."""
    found = tuple(item.lower() for item in parse.items(text))
    for vendor in found:
        _check_vendor(vendor)
        if not BY_VENDOR[vendor].sandbox:
            raise ValueError(f"{vendor} has no sandbox")
    return found


def parse_urls(text: str) -> Mapping[str, str]:
    """Base URLs by vendor, "vendor=URL", separated by commas, without final slashes.

    Raises ValueError for one that is wrong or comes twice; it names the vendor and repeats nothing of a URL.
    """
    found: dict[str, str] = {}
    for item in parse.items(text):
        vendor, mark, url = (part.strip() for part in item.partition("="))
        if not mark:
            raise ValueError("must be vendor=URL, several separated by commas")
        vendor = vendor.lower()
        _check_vendor(vendor)
        if vendor in found:
            raise ValueError(f"{vendor} has two URLs: a registrar can have one")
        try:
            found[vendor] = _parse_base_url(url)
        except ValueError as error:
            raise ValueError(f"the URL of {vendor} {error}") from None
    return found


def find_clear_text(urls: Mapping[str, str], allowed: Sequence[Network]) -> list[str]:
    """The vendors whose base URL sends keys in clear text to another host.

    http is for this host (localhost, 127.0.0.0/8, ::1) and for addresses in networks that the operator allows; what a name
    stands for may change.
    """
    parts = {vendor: urlsplit(url) for vendor, url in urls.items()}
    near = (*_LOOPBACK, *allowed)
    return [
        vendor
        for vendor, url in parts.items()
        if url.scheme == "http" and url.hostname != "localhost" and not in_networks(url.hostname or "", near)
    ]


def _parse_base_url(text: str) -> str:
    """A URL to which paths and queries can be appended. Raises ValueError."""
    base = parse.url(text).rstrip("/")
    if "@" in urlsplit(base).netloc:
        raise ValueError("must not have a user or a password: the keys of a registrar have settings of their own")
    if "?" in base or "#" in base:
        raise ValueError("must not have a query or a fragment: the path of each call is appended")
    return base


def _check_vendor(vendor: str) -> None:
    if vendor not in BY_VENDOR:
        raise ValueError(f"no such registrar: {vendor[:60]!r}; there are {', '.join(sorted(BY_VENDOR))}")


_optional = parse.optional(parse.token)


def _key(text: str) -> Setting:
    return Setting("", _optional, text, secret=True, roles=roles.CHECKING)


def _account(text: str) -> Setting:
    return Setting("", _optional, text)


@dataclass(frozen=True, kw_only=True, repr=False)
class SourceSettings:
    """A registrar is asked once all settings that it needs are there (`common.core.builtin.registrars`)."""

    # Registrars' availability APIs
    cloudflare_account_id: Annotated[str | None, _account("account of the Cloudflare Registrar API")]
    cloudflare_api_token: Annotated[str | None, _key("its token")]
    namecom_username: Annotated[str | None, _account("user of the Name.com API; the sandbox has users of its own")]
    namecom_api_token: Annotated[str | None, _key("its token")]
    spaceship_api_key: Annotated[str | None, _key("key of the Spaceship API, scope domains:read")]
    spaceship_api_secret: Annotated[str | None, _key("its secret")]
    openprovider_username: Annotated[str | None, _account("user of the Openprovider API")]
    openprovider_password: Annotated[str | None, _key("its password")]
    inwx_username: Annotated[str | None, _account("user of the INWX API; OT&E has users of its own")]
    inwx_password: Annotated[str | None, _key("its password")]
    inwx_shared_secret: Annotated[
        str | None,
        Setting(
            "",
            parse.optional(parse.base32_key),
            "shared secret (base32) of an INWX account with a second factor",
            secret=True,
            roles=roles.CHECKING,
        ),
    ]
    gandi_token: Annotated[str | None, _key("personal access token of the Gandi API")]
    namecheap_api_user: Annotated[str | None, _account("user of the Namecheap API")]
    namecheap_api_key: Annotated[str | None, _key("its key")]
    namecheap_client_ip: Annotated[
        str | None, Setting("", parse.optional(parse.ipv4_address), "the IPv4 address that Namecheap lets in")
    ]
    namesilo_api_key: Annotated[str | None, _key("key of the NameSilo API")]
    dynadot_api_key: Annotated[str | None, _key("key of the Dynadot API")]
    dynadot_batch: Annotated[
        int, Setting("1", parse.whole(1, 100), "names that Dynadot takes in one call: 1, and 100 for bulk accounts")
    ]
    porkbun_api_key: Annotated[str | None, _key("key of the Porkbun API")]
    porkbun_secret_api_key: Annotated[str | None, _key("its secret key")]
    ovh_application_key: Annotated[str | None, _key("application key of the OVHcloud API")]
    ovh_application_secret: Annotated[str | None, _key("its secret")]
    ovh_consumer_key: Annotated[str | None, _key("its consumer key")]
    ovh_subsidiary: Annotated[str, Setting("FR", parse.word, "OVHcloud subsidiary that prices are asked for")]
    route53_access_key_id: Annotated[str | None, _key("AWS access key for Route 53 Domains")]
    route53_secret_access_key: Annotated[str | None, _key("its secret")]
    route53_session_token: Annotated[str | None, _key("its session token, where it is a temporary one")]
    godaddy_token: Annotated[str | None, _key("personal access token of the GoDaddy API")]
    fastly_api_token: Annotated[str | None, _key("token of Fastly Domain Research (Domainr)")]
    whoisxml_api_key: Annotated[str | None, _key("key of WhoisXML API")]
    registrar_sandbox: Annotated[
        tuple[str, ...],
        Setting("", parse_vendors, "registrars, separated by commas, to ask in their sandbox; no proof comes from there"),
    ]
    registrar_urls: Annotated[
        Mapping[str, str],
        Setting(
            "",
            parse_urls,
            "other base URLs of registrars, vendor=URL, with commas; http only for this host and ALLOWED_PRIVATE_NETWORKS",
            quoted=False,
        ),
    ]
