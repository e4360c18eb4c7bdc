"""What sweeps keep of a name: when it was looked at and what DNS said, forty bytes that need no parser and no row of its own.

A sweep that finds nothing new changes times alone. Those are stored by the block of `BLOCK` names, so that a million of them
cost a few thousand writes; the row and the evidence of a name are written when something about it changed. Whoever reads a name
lays its pulse over its row (`apply_look`): of two DNS answers the younger counts.
"""

from __future__ import annotations

from struct import Struct as Layout

from msgspec import Struct, structs

from common.core.model.evidence import Observation, Outcome, Reading
from common.core.model.records import Detail, Evidence
from common.core.parsers.dns_fast import DELEGATED, NXDOMAIN

#: Names in one stored block; the block of a name is its number divided by this.
BLOCK = 256
#: One name as it is stored; `pulse_array.RECORD` names the fields, for whoever works on many at once.
LAYOUT = Layout("<ddddIHBB")
#: Bytes of one record.
SIZE = LAYOUT.size

_REASONS = {
    DELEGATED: (Outcome.REGISTERED, "dns_auth_referral", "delegated by the zone's own server"),
    NXDOMAIN: (Outcome.UNREGISTERED, "dns_auth_nxdomain", "the zone's own server denies the name, with its SOA record"),
}


class LastLook(Struct, frozen=True):
    """One record of a block, with the text of its address ("192.0.2.1:53/udp"). `next_check` 0: in a visit right now."""

    checked_at: float
    next_check: float
    dns_at: float
    dns_first: float
    serial: int
    code: int
    address: str


def read_look(block: bytes, place: int, addresses: dict[int, str]) -> LastLook | None:
    """The pulse of one name, by its place in a stored block; None where no look was ever noted, or the block is cut."""
    piece = block[place * SIZE : (place + 1) * SIZE]
    if len(piece) != SIZE:
        return None
    checked_at, next_check, dns_at, dns_first, serial, address, code, _owed = LAYOUT.unpack(piece)
    if not checked_at:
        return None
    return LastLook(checked_at, next_check, dns_at, dns_first, serial, code, addresses.get(address, ""))


def sweep_reading_of(code: int, serial: int = 0, fresh_at: float | None = None) -> Reading:
    """What a plain answer of a sweep says: DELEGATED or NXDOMAIN."""
    outcome, finding, reason = _REASONS[code]
    return Reading(outcome, finding, reason, fresh_at=fresh_at, serial=serial or None)


def look_evidence(look: LastLook, zone: str) -> Evidence | None:
    """The DNS answer of a pulse as evidence; None where it holds none. `zone` is the suffix that was asked."""
    if look.code not in _REASONS:
        return None
    observation = Observation("dns", sweep_reading_of(look.code, look.serial), server=zone, address=look.address)
    return Evidence(observation, look.dns_at, look.dns_first)


def apply_look(detail: Detail, look: LastLook | None, zone: str) -> Detail:
    """The detail of a name with the younger DNS answer of its pulse and what follows; older trouble with DNS is over."""
    found = look_evidence(look, zone) if look is not None else None
    if found is None:
        return detail
    last = detail.evidence.get("dns")
    if last is not None and last.at >= found.at:
        return detail
    trouble = {method: item for method, item in detail.trouble.items() if method != "dns" or item.at > found.at}
    made = structs.replace(detail, evidence={**detail.evidence, "dns": found}, trouble=trouble)
    if look is not None and look.code == DELEGATED:  # as `assess.learn` draws it from a single look
        made.registered_seen, made.purged_at = max(found.at, detail.registered_seen or 0.0), None
        if detail.passes:
            made.contradicted_at = found.at
            made.end_run()
    return made
