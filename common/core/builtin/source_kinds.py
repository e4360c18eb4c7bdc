"""What each kind of source can prove, and on which terms it is asked: one sentence each, for people."""

from __future__ import annotations

from dataclasses import dataclass

from common.core.builtin.registrars import Proof


@dataclass(frozen=True, slots=True)
class SourceKind:
    """`title` is the kind's name, `proves` what its answer can show at best, `terms` who may ask and how often."""

    title: str
    proves: str
    terms: str


#: By the name of the method.
KINDS = {
    "dns": SourceKind(
        "Name servers of the suffix (DNS)",
        "the name is in the zone, so it is registered; its absence alone is no proof",
        "open to all; the rate of each operator",
    ),
    "http": SourceKind(
        "Web server of the name (HTTP)",
        "a web server answers at the name, so somebody holds it",
        "open to all; one look at most",
    ),
    "rdap": SourceKind(
        "RDAP of the registries",
        "the registry has an object with these dates and statuses, or has no object",
        "open to all, within the rate of each registry",
    ),
    "whois": SourceKind(
        "WHOIS of the registries",
        "the registry has a record, has none, or keeps the name back",
        "open to all, within the rate and terms of each registry; some forbid it and are off",
    ),
    "das": SourceKind(
        "Availability service (DAS)",
        "the registry says that the name is taken, kept back, or that there is no object",
        "open to all",
    ),
    "epp": SourceKind(
        "EPP account at a registry",
        "the registry itself: it can be created now, at a price, or not",
        "registrars with an account at the registry",
    ),
}
REGISTRAR_PROVES = {
    Proof.LIVE: "it can be created now, at a price; a refusal does not say why",
    Proof.FLAGGED: "it can be created now, at a price, where the answer says definitive; else a hint",
    Proof.HINT: "nothing: a hint from DNS or a cache",
}
#: What a source without proof shows: a sandbox, or a service for tests.
PROVES_NOTHING = "nothing: it knows nothing of real names"
#: Why a source whose rate is 0 is not asked: the operator of this service says so, or the registry does.
SWITCHED_OFF = "switched off by a rate of 0 in BUDGETS_FILE"
FORBIDDEN = "the registry's conditions forbid automated queries"
MEMBERS_ONLY = "members of the registry only"
