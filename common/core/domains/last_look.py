"""The last DNS look of a sweep at a name: when it was and what the answer was, in forty bytes.

A sweep that finds nothing new changes times alone. They are stored by blocks of `BLOCK` names, so that a million of them cost a
few thousand writes; the row of a name, with its evidence, is written when something about it changed. To read a name is to
apply its last look to its row (`apply_look`): of two DNS answers the younger one counts.
"""

from __future__ import annotations

from struct import Struct as Layout

from msgspec import Struct, structs

from common.core.model.evidence import Observation, Outcome, Reading
from common.core.model.records import Detail, Evidence
from common.core.parsers.dns_fast import DELEGATED, NXDOMAIN

#: Names in one stored block; the block of a name is its id divided by this.
BLOCK = 256
#: The stored record of one name; `last_look_array.RECORD` names its fields.
LAYOUT = Layout("<ddddIHBB")
#: Bytes of one record.
SIZE = LAYOUT.size

_REASONS = {
    DELEGATED: (Outcome.REGISTERED, "dns_auth_referral", "delegated by the zone's own server"),
    NXDOMAIN: (Outcome.UNREGISTERED, "dns_auth_nxdomain", "the zone's own server denies the name, with its SOA record"),
}


class LastLook(Struct, frozen=True):
    """One record of a block. Times in epoch seconds, 0 for never; `next_check` 0: in a sweep or a check at that time.

    `address` is the text of the server's address ("192.0.2.1:53/udp"), "" where it is not known.
    """

    checked_at: float
    next_check: float
    dns_at: float
    dns_first: float
    serial: int
    code: int
    address: str


def read_look(block: bytes, place: int, addresses: dict[int, str]) -> LastLook | None:
    """Read the last look at one name, by its place in a stored block; None without any, or where the block is cut short."""
    piece = block[place * SIZE : (place + 1) * SIZE]
    if len(piece) != SIZE:
        return None
    checked_at, next_check, dns_at, dns_first, serial, address, code, _pending = LAYOUT.unpack(piece)
    if not checked_at:
        return None
    return LastLook(
        checked_at=checked_at,
        next_check=next_check,
        dns_at=dns_at,
        dns_first=dns_first,
        serial=serial,
        code=code,
        address=addresses.get(address, ""),
    )


def sweep_reading_of(code: int, serial: int = 0, fresh_at: float | None = None) -> Reading:
    """The reading of a plain answer of a sweep, by its code: DELEGATED or NXDOMAIN. `fresh_at` in epoch seconds."""
    outcome, finding, reason = _REASONS[code]
    return Reading(outcome, finding, reason, fresh_at=fresh_at, serial=serial or None)


def look_evidence(look: LastLook, zone: str) -> Evidence | None:
    """The DNS answer of a last look as evidence; None where it has none. `zone` is the suffix that was queried."""
    if look.code not in _REASONS:
        return None
    observation = Observation("dns", sweep_reading_of(look.code, look.serial), server=zone, address=look.address)
    return Evidence(observation, look.dns_at, look.dns_first)


def apply_look(detail: Detail, look: LastLook | None, zone: str) -> Detail:
    """The detail of a name with the DNS answer of its last look where that is younger, and without older DNS trouble."""
    found = look_evidence(look, zone) if look is not None else None
    if found is None:
        return detail
    last = detail.evidence.get("dns")
    if last is not None and last.at >= found.at:
        return detail
    trouble = {method: item for method, item in detail.trouble.items() if method != "dns" or item.at > found.at}
    made = structs.replace(detail, evidence={**detail.evidence, "dns": found}, trouble=trouble)
    if look is not None and look.code == DELEGATED:  # as `learning.learn_from_answer` does after a single query
        made.registered_seen = max(found.at, detail.registered_seen or 0.0)
        made.purged_at, made.shown_by, made.offered = None, (), ""
        if detail.passes:
            made.contradicted_at = found.at
            made.end_run()
    return made
