"""The settings of sources beyond a registry's public channels: the keys of registrars' APIs, and where those are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from common import roles
from common import setting_parsers as parse
from common.core.builtin.registrars import BY_VENDOR
from common.setting_row import Setting


def parse_vendors(text: str) -> tuple[str, ...]:
    """Registrars that have a sandbox, by vendor, separated by commas. Raises ValueError for one that has none."""
    found = tuple(item.lower() for item in parse.items(text))
    for vendor in found:
        _check_vendor(vendor)
        if not BY_VENDOR[vendor].sandbox:
            raise ValueError(f"{vendor} has no sandbox")
    return found


def parse_urls(text: str) -> Mapping[str, str]:
    """Base URLs by vendor, "vendor=URL", separated by commas. Raises ValueError for one that is wrong."""
    found = {}
    for item in parse.items(text):
        vendor, mark, url = (part.strip() for part in item.partition("="))
        if not mark:
            raise ValueError("must be vendor=URL, several separated by commas")
        _check_vendor(vendor.lower())
        found[vendor.lower()] = parse.url(url).rstrip("/")
    return found


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
    namecheap_client_ip: Annotated[str | None, _account("the IPv4 address that Namecheap lets in")]
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
        Mapping[str, str], Setting("", parse_urls, "other base URLs of registrars, vendor=URL, separated by commas")
    ]
