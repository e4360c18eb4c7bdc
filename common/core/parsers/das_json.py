"""JSON answers of availability services: registro.br's status of one name, and the list of all .ee names in auction."""

from __future__ import annotations

from common.core.model.evidence import Outcome, Reading, unknown_reading
from common.core.parsers.bounded_json import parse_bounded_json

#: Largest answer about one name and largest list of auctions, in bytes, and most auctions read.
NAME_LIMIT, LIST_LIMIT, MOST_AUCTIONS = 64 * 1024, 2 << 20, 20_000

_ONCE = frozenset({"status", "fqdn", "fqdnace", "auctions"})
#: The statuses of registro.br that are known (read from public client code): 1 and 4 occur, their meaning is not known.
_BR_STATUSES = {
    0: Reading(Outcome.UNREGISTERED, "das_available", "registro.br says it is free"),
    2: Reading(Outcome.REGISTERED, "das_not_available", "registro.br says it is taken"),
    3: Reading(Outcome.RESERVED, "das_not_allowed", "registro.br says an equivalent spelling blocks it"),
    5: Reading(Outcome.DROPPING, "das_release_process", "registro.br says it waits for the release process"),
}


def parse_br_status(body: bytes, domain: str) -> Reading:
    """What registro.br's `{"status": n, "fqdn": "..."}` says about `domain` (A-label). Total.

    Any name in it must be the one asked for; `fqdnace` is its A-label form.
    """
    try:
        found = parse_bounded_json(body, NAME_LIMIT, _ONCE)
    except ValueError as error:
        return unknown_reading("das_bad_json", f"no JSON: {error}")
    if not isinstance(found, dict):
        return unknown_reading("das_bad_json", "no JSON object")
    name = found.get("fqdnace") or found.get("fqdn") or domain
    if not isinstance(name, str) or name.lower().rstrip(".") != domain:
        return unknown_reading("das_wrong_name", "the answer is about another name")
    status = found.get("status")
    reading = _BR_STATUSES.get(status) if isinstance(status, int) and not isinstance(status, bool) else None
    return reading or unknown_reading("das_unparsed", f"no known status: {status!r}")


def parse_ee_auctions(body: bytes) -> frozenset[str]:
    """The names (A-label, lower case) of `GET /repp/v1/auctions`. Raises ValueError for anything but such a list.

    Entries without a name are left out: a name that is not listed says nothing anyway.
    """
    found = parse_bounded_json(body, LIST_LIMIT, _ONCE)
    rows = found.get("auctions") if isinstance(found, dict) else None
    if not isinstance(rows, list) or len(rows) > MOST_AUCTIONS:
        raise ValueError("no list of auctions" if not isinstance(rows, list) else f"{len(rows)} auctions")
    names = (row.get("punycode_domain_name") or row.get("domain_name") for row in rows if isinstance(row, dict))
    return frozenset(name.lower().rstrip(".") for name in names if isinstance(name, str) and len(name) <= 253)


def read_ee_auctions(names: frozenset[str], domain: str) -> Reading:
    """What the list says about one name: in auction, or nothing."""
    if domain in names:
        return Reading(Outcome.DROPPING, "das_auction", "the registry lists it among the running auctions")
    return unknown_reading("das_not_listed", "not among the running auctions, which says nothing else about it")
