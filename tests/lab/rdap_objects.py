"""RDAP answers as a registry would word them (RFC 9083): pure, model in, plain JSON-able dictionaries out."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.lab.clock import YEAR
from tests.lab.model import Phase, Registration
from tests.lab.suffixes import Suffix
from tests.lab.truth import Truth

CONFORMANCE = ["rdap_level_0", "icann_rdap_response_profile_1", "icann_rdap_technical_implementation_guide_1"]
_NOTICE = {
    "title": "Terms of Use",
    "description": ["This registry exists inside a test. Its data may be used for nothing else."],
}
_LOCKED = "client transfer prohibited"


def stamp(moment: float) -> str:
    """RFC 3339 in UTC with whole seconds."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def statuses(entry: Registration) -> list[str]:
    """Status words in RDAP spelling (RFC 8056)."""
    words = {
        Phase.ACTIVE: [_LOCKED],
        Phase.AUTO_RENEW: ["auto renew period", _LOCKED] if entry.suffix.auto_renews else ["renew period", _LOCKED],
        Phase.REDEMPTION: ["pending delete"] if entry.suffix.one_status else ["pending delete", "redemption period"],
        Phase.PENDING_RESTORE: ["pending delete", "pending restore"],
        Phase.PENDING_DELETE: ["pending delete"],
    }[entry.phase]
    held = ["client hold"] if entry.held else []
    inactive = [] if entry.nameservers or entry.inline else ["inactive"]
    return held + inactive + words


def domain(entry: Registration, now: float, base: str) -> dict[str, object]:
    """The object of a registered name; `now` is registry time, `base` the server's base URL."""
    return {
        "objectClassName": "domain",
        "handle": entry.roid,
        "ldhName": entry.name.upper() if entry.suffix.label == "com" else entry.name,
        "status": statuses(entry),
        "events": _events(entry, now),
        "entities": [_registrar(entry.registrar)],
        "nameservers": [{"objectClassName": "nameserver", "ldhName": host} for host in entry.nameservers],
        "secureDNS": {"delegationSigned": False},
        "links": [
            {
                "value": f"{base}domain/{entry.name}",
                "rel": "self",
                "href": f"{base}domain/{entry.name}",
                "type": "application/rdap+json",
            }
        ],
        "rdapConformance": CONFORMANCE,
        "notices": [_NOTICE],
    }


def _events(entry: Registration, now: float) -> list[dict[str, str]]:
    events = {"registration": entry.created, "expiration": entry.expires, "last changed": entry.updated}
    if entry.suffix.label == "de":  # that registry publishes neither creation nor expiry
        events = {"last changed": entry.updated}
    elif entry.phase is Phase.AUTO_RENEW and entry.suffix.auto_renews:
        events["registrar expiration"] = entry.expires - YEAR
    events["last update of RDAP database"] = now
    return [{"eventAction": action, "eventDate": stamp(moment)} for action, moment in events.items()]


def _registrar(name: str) -> dict[str, object]:
    return {
        "objectClassName": "entity",
        "handle": "9999",
        "roles": ["registrar"],
        "publicIds": [{"type": "IANA Registrar ID", "identifier": "9999"}],
        "vcardArray": ["vcard", [["version", {}, "text", "4.0"], ["fn", {}, "text", name]]],
    }


def error(code: int, title: str, *description: str) -> dict[str, object]:
    """An error body (RFC 9083 section 6)."""
    return {"errorCode": code, "title": title, "description": list(description), "rdapConformance": CONFORMANCE}


def missing(name: str, suffix: Suffix, truth: Truth) -> dict[str, object] | None:
    """The body of a 404: why there is no object, where this registry tells; None where it sends no body at all."""
    if truth is Truth.BLOCKED:
        body = error(404, "Not Found", f"{name} blocked by a GlobalBlock service")
        body["notices"] = [{"title": "Blocked Domain", "description": ["This name has been blocked by a GlobalBlock service"]}]
        return body
    if truth is Truth.RESERVED and suffix.says_reserved:
        return error(
            404, "Not Found", f"Domain Name: {name}", "This name is not available for registration:", "Registry Reserved"
        )
    if suffix.rdap_404 == "empty":
        return None
    return error(404, "Not Found", f"{name} not found")


def bootstrap(services: list[tuple[list[str], str]], published: float) -> dict[str, object]:
    """A registry list in the form of RFC 9224."""
    return {
        "version": "1.0",
        "publication": stamp(published),
        "description": "RDAP bootstrap file of the lab",
        "services": [[suffixes, [url]] for suffixes, url in services],
    }
