"""How registries release names that existed before, where a purged name is not simply first come, first served.

A procedure holds a purged name back for a while, and every hold ends. Where the registry itself shows a name that is in its
procedure, that counts, and the hold only covers the time in which no answer tells.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from common.core.builtin.tlds import IDENTITY_DIGITAL_TLDS, PRIVATE_SUFFIXES

ReleaseKind = Literal["dropzone", "auction", "liberation", "tbr", "waiting_list", "reallocation"]

_HOUR = 3600.0
_DAY = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseProcedure:
    """One registry's procedure for purged names.

    `hold`: longest time in it, in seconds after the purge; always finite. `shown_by`: methods in which the registry shows a
    name that is in the procedure, so that an honest "no such object" there ends it. `session`: where names are handed out at
    one time of the day, its begin and end in minutes after midnight UTC; the procedure ends with it. `from_expiry`: seconds
    after the expiry date at which it is over for a name that had expired, however early its record went. `source`: where it is
    published. `as_of`: when it was published, or read where the source has no date, an ISO date as exact as known.
    """

    kind: ReleaseKind
    hold: float
    shown_by: frozenset[str] = frozenset()
    session: tuple[int, int] | None = None
    from_expiry: float | None = None
    source: str
    as_of: str


_DROPZONE = ReleaseProcedure(
    kind="dropzone", hold=36 * _HOUR, source="ICANN registry agreement amendments, by domainincite.com", as_of="2021-10-06"
)

#: By top-level domain; every suffix below it that the registry runs itself follows the same procedure.
PROCEDURES: dict[str, ReleaseProcedure] = {
    **dict.fromkeys(IDENTITY_DIGITAL_TLDS, _DROPZONE),
    # On the auction list for 15 days, sold on the 16th, free the day after where there was no bid. That WHOIS shows it is said,
    # but by which words is not known, and what is not recognised may not end anything.
    "cz": ReleaseProcedure(
        kind="auction",
        hold=17 * _DAY,
        source="CZ.NIC auctions, by domainmaster.cz and generalregistry.cz",
        as_of="2024-05-01",
    ),
    # Auctioned for one day; the object of the auction is removed from WHOIS at its end where there was no bid.
    "ee": ReleaseProcedure(
        kind="auction",
        hold=2 * _DAY,
        shown_by=frozenset({"whois"}),
        source="internet.ee, release of .ee domains; source code of the registry (internetee/registry)",
        as_of="2026-11",
    ),
    # Monthly rounds, seven days from the second Wednesday: the hold reaches over one of them.
    "br": ReleaseProcedure(
        kind="liberation",
        hold=42 * _DAY,
        shown_by=frozenset({"whois"}),
        source="registro.br release process, by recorded WHOIS answers and its published lists",
        as_of="2026-11",
    ),
    "ca": ReleaseProcedure(kind="tbr", hold=2 * _HOUR, source="cira.ca, To Be Released", as_of="2026-10"),
    # One session a day for registrars only; from its end any name that is left is open to the public.
    "nz": ReleaseProcedure(
        kind="tbr", hold=25 * _HOUR, session=(120, 180), source="docs.internetnz.nz, droplist interface", as_of="2026-11"
    ),
    "dk": ReleaseProcedure(kind="waiting_list", hold=_DAY, source="punktum.dk terms 2.2, waiting list", as_of="2026-11"),
    # Suspended for 60 days from the expiry, then listed for 30. Whether the record goes at the begin or at the end of the first
    # is not known: the expiry date tells the end in both cases, the hold is for a name that was deleted before it expired.
    "tr": ReleaseProcedure(
        kind="reallocation",
        hold=90 * _DAY,
        from_expiry=90.5 * _DAY,
        source="TRABIS re-allocation, by atakdomain.com",
        as_of="2025-05-14",
    ),
}


def procedure_for(suffix: str) -> ReleaseProcedure | None:
    """The procedure of a public suffix (A-label, lower case); None where a purged name is free at once."""
    return None if suffix in PRIVATE_SUFFIXES else PROCEDURES.get(suffix.rpartition(".")[2])
