"""The registries of the lab: real suffix labels (names are normalised by the public suffix list), lab policies.

Day counts follow the registries' published rules: gTLD 45/30/5 (RFC 3915, ICANN ERRP), Nominet 30/60/5, Internetstiftelsen
10/60/7, DENIC 30 days redemption and no final phase.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Suffix:
    """One registry suffix: how it answers, and its calendar in days.

    `dialect` names the WHOIS layout in `whois_texts`; `rdap_404` is "json" or "empty" (RFC 7480 section 5.3 leaves the body
    open); `auto_renews` moves the expiry a year ahead when grace begins, as gTLD registries do. `rdap_of` makes the bootstrap
    list name the RDAP server of another suffix; `named_by_iana` is a WHOIS server that only IANA's server tells of,
    `whois_gone` one that the product's built-in table still names while its host has no address any more; `in_root` says
    whether the root zone knows the suffix.
    """

    label: str
    number: int  # last octet of its addresses
    operator: int  # last octet of its RDAP and WHOIS addresses: suffixes of one operator share them
    dialect: str
    rdap: bool = True
    whois: bool = True
    rdap_of: str = ""
    named_by_iana: bool = False
    whois_gone: bool = False
    in_root: bool = True
    rdap_404: str = "json"
    says_reserved: bool = False  # the 404 body tells a reserved name from a free one
    wildcard: bool = False
    parent: str = ""  # "" is the root
    unix_serial: bool = False
    auto_renews: bool = True
    grace_days: float = 45
    redemption_days: float = 30
    pending_days: float = 5
    dropzone_days: float = 0
    epp: bool = False  # the lab has an account with its registry
    one_status: bool = False  # "pending delete" in both of the last phases


_NOMINET: dict[str, Any] = {"auto_renews": False, "grace_days": 30, "redemption_days": 60, "one_status": True, "epp": True}
SUFFIXES: dict[str, Suffix] = {
    suffix.label: suffix
    for suffix in (
        Suffix("com", 2, 2, "verisign", rdap_404="empty", unix_serial=True),
        Suffix("org", 3, 3, "gtld", says_reserved=True, epp=True),
        Suffix("io", 4, 4, "gtld", dropzone_days=1),
        Suffix("uk", 5, 5, "nominet", **_NOMINET),
        Suffix("co.uk", 6, 5, "nominet", parent="uk", **_NOMINET),
        Suffix("de", 7, 7, "denic", auto_renews=False, grace_days=0, redemption_days=30, pending_days=0),
        Suffix("se", 8, 8, "iis", rdap=False, auto_renews=False, grace_days=10, redemption_days=60, pending_days=7),
        Suffix("ws", 9, 9, "ws", wildcard=True),
    )
}


@contextmanager
def also(*further: Suffix) -> Iterator[None]:
    """Further suffixes for every lab that is started inside the block. Raises ValueError where a label or number is taken."""
    numbers = {suffix.number for suffix in SUFFIXES.values()}
    taken = [suffix.label for suffix in further if suffix.label in SUFFIXES or suffix.number in numbers]
    if taken or len({suffix.number for suffix in further}) < len(further):
        raise ValueError(f"label or number taken: {', '.join(taken) or 'among the further ones'}")
    SUFFIXES.update({suffix.label: suffix for suffix in further})
    try:
        yield
    finally:
        for suffix in further:
            del SUFFIXES[suffix.label]


def registrable(name: str) -> tuple[str, Suffix] | None:
    """The registrable name above or at `name`, and its suffix; None for a suffix itself or a foreign name."""
    name = name.lower().rstrip(".")
    if name in SUFFIXES:
        return None
    labels = name.split(".")
    for start in range(1, len(labels)):
        suffix = SUFFIXES.get(".".join(labels[start:]))
        if suffix is not None:
            return ".".join(labels[start - 1 :]), suffix
    return None
