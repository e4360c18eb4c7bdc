"""What the store holds: rows, and `Changes`, which one transaction writes together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from msgspec import Struct, field

from common.core.model.evidence import NO_FIELDS, Fields, Observation, Outcome


class Canary(Struct, frozen=True, omit_defaults=True):
    """The state of a server's canaries when its answer was weighed. Times in epoch seconds, 0 for never."""

    registered_ok: float = 0.0  # a known registered name was found
    free_ok: float = 0.0  # a random label was not found
    green: bool = False  # the server counted as verified: both recently enough, and no lie since


class Evidence(Struct, omit_defaults=True):
    """The last observation of one method, and since when that method says the same. Times in epoch seconds."""

    observation: Observation
    at: float
    first_at: float  # first of the uninterrupted run of equal outcomes
    canary: Canary | None = None  # of a "no object" answer: only those need a verified server
    by: str = ""  # the worker that sent the query; "" where that is not known
    judged: bool = False  # counted as right or wrong, see common.core.audit.accuracy

    @property
    def verified_after(self) -> bool:
        """Whether the server had found a known registered name again after this answer, when the answer was last weighed."""
        return self.canary is not None and self.canary.green and self.canary.registered_ok >= self.at

    def canary_map(self) -> dict[str, float | bool | None] | None:
        """The canaries as notices and the status show them (epoch seconds); None for an answer that needs no canary."""
        if self.canary is None:
            return None
        return {
            "registered_ok": self.canary.registered_ok or None,
            "free_ok": self.canary.free_ok or None,
            "green": self.canary.green,
            "bracketed": self.verified_after,
        }


class PhaseChange(Struct, array_like=True, frozen=True):
    """A change of phase as it was seen: last seen in `before` at `after`, first seen in `phase` at `since` (epoch seconds).

    `phase` is "" for the purge. Stored as an array: new fields come last.
    """

    before: str
    phase: str
    after: float | None  # None: it was never seen in the phase before
    since: float


class Detail(Struct, omit_defaults=True):
    """Everything about a name that no listing filters by. Times in epoch seconds."""

    evidence: dict[str, Evidence] = field(default_factory=dict)  # by method: the last answer that says something
    trouble: dict[str, Evidence] = field(default_factory=dict)  # by method: the last answer that says nothing, if newer
    fields: Fields = NO_FIELDS  # the registry's last record
    expires_epoch: float | None = None  # `fields.expires_at` as a number
    phase: str | None = None
    phase_since: float | None = None  # first seen in this phase
    phase_after: float | None = None  # last seen in the phase before
    forecast_reason: str = ""
    reason: str = ""  # why the state is what it is, one sentence
    look: str = ""  # what the newest check found, where that is not the reason
    gates: tuple[str, ...] = ()  # what still stands between the evidence and an alarm
    alarmed_at: float | None = None  # when "available" was announced; None once it was taken back
    alarmed_by: tuple[tuple[str, str], ...] = ()  # methods and servers that said "no object" then
    registered_seen: float | None = None  # last registered evidence
    passes: tuple[float, ...] = ()  # complete positive passes of the current run: the first, and the last ones
    verified: tuple[float, ...] = ()  # those after which the server of the answer found a known name again
    offered: str = ""  # the kind of offer that counted last since the name is gone, see `model.offers`
    offered_at: float = 0.0  # when that was last said
    basis: str = ""  # what the run rests on once its gates are open, see `verdict.Basis`
    contradicted_at: float | None = None  # a registered answer in the middle of a positive run
    registry_at: float | None = None  # last registry answer that says something
    blind: tuple[str, ...] = ()  # methods that denied it while another channel of the registry still showed its record
    purged_at: float | None = None  # first registry answer without an object after one with
    shown_by: tuple[str, ...] = ()  # methods that showed it in a release procedure since it was last seen registered
    unknown_rounds: int = 0  # inconclusive checks in a row
    transitions: tuple[PhaseChange, ...] = ()  # the last changes of phase, the newest last
    dropped_at: float | None = None  # when it was first seen purged, once a verdict said so; kept after it was registered again
    caught_at: float | None = None  # first seen registered again after that
    missed_latest: float | None = None  # the end of the last drop window that was told as missed
    renewed_to: float | None = None  # the expiry date that was last told as a renewal
    transferred_from: str = ""  # the registrar before the last change of registrar, until that was told
    published: tuple[float, float, str] | None = None  # its release as the registry publishes it: earliest, latest, source

    def end_run(self) -> None:
        """Clear the passes of the current run, and what rested on them."""
        self.passes, self.verified, self.basis = (), (), ""


class DomainRow(Struct):
    """One watched name. `detail` is a msgpack-encoded `Detail`; times in epoch seconds.

    `id` is the place of the name in the domain table: counted from 0, never given twice, never changed.
    """

    id: int
    name: str  # A-label
    suffix: str  # registry suffix, A-label ("com", "co.uk")
    watched: bool
    priority: bool
    state: str  # common.core.verdict.verdicts.State
    since: float | None
    confidence: float
    generation: int
    checked_at: float | None
    next_check: float
    drop_earliest: float | None
    drop_likely: float | None
    drop_latest: float | None
    drop_p: float | None
    registry_due: float  # when its registry record is too old to plan with; 0: there is none
    close: bool  # whether it needs single checks: a sweep would not do
    detail: bytes


class NewName(Struct, frozen=True):
    """A name that is new in the domain list: nothing is known of it yet."""

    id: int
    name: str
    suffix: str
    priority: bool


class Watch(Struct, frozen=True):
    """A change by the domain list to a name that is stored already."""

    id: int
    watched: bool
    priority: bool


class StateChange(Struct, frozen=True):
    """Names that a sweep found in a new state which is no event: registered, at their first check. `since` in epoch seconds."""

    ids: list[int]
    state: str
    since: float
    confidence: float


class EventRow(Struct, frozen=True):
    """An event about a name. `id`: uuid5 of (domain, generation, kind); `body`: the JSON of its callback, as first written."""

    seq: int
    id: str
    domain: str
    generation: int
    kind: str
    occurred_at: float
    body: bytes


class DeliveryRow(Struct):
    """One callback to post. `lane` is notice or result; `state` pending, done, parked or superseded. Times in epoch seconds."""

    id: str  # the event's id for notices
    lane: str
    domain: str
    order: int  # per (lane, domain): a later one waits for the earlier
    body: bytes
    state: str = "pending"
    attempts: int = 0
    next_at: float = 0.0
    first_at: float | None = None
    done_at: float | None = None
    last_status: int = 0
    last_error: str = ""


class ProblemRow(Struct, frozen=True):
    """An entry of the domain list that cannot be monitored, and why."""

    entry: str
    code: str
    reason: str


class TrustRow(Struct):
    """How far a server is trusted for a suffix, see `common.core.trust.server_trust`. Times in epoch seconds, 0 for never."""

    method: str
    server: str
    suffix: str
    registered_ok: float = 0.0  # a known registered name was found
    free_ok: float = 0.0  # a random label was not found
    failed_at: float = 0.0
    quarantined_until: float = 0.0
    reason: str = ""


class LedgerRow(Struct, frozen=True):
    """A conclusion as it was drawn. `body` is a msgpack-encoded `common.core.audit.ledger.LedgerEntry`, `at` in epoch seconds.

    `positive`: a fresh answer of the registry said that there is no object. The store gives `seq`; it is 0 before that.
    """

    domain: str
    at: float
    kind: str
    state: str  # after it
    positive: bool
    rules: str  # version, see `common.core.verdict.rules_version`
    body: bytes
    seq: int = 0


class Changes(Struct):
    """One transaction. `problems` None leaves the stored problems alone; `meta` are small named texts.

    Written in the order of the fields: a name exists before anything refers to it. `looks` are whole blocks by their number, as
    `common.core.domains.last_look` lays them out, `addresses` the texts behind the numbers in them.
    """

    new: list[NewName] = field(default_factory=list)
    watches: list[Watch] = field(default_factory=list)
    states: list[StateChange] = field(default_factory=list)
    domains: list[DomainRow] = field(default_factory=list)
    looks: list[tuple[int, bytes]] = field(default_factory=list)
    addresses: list[tuple[int, str]] = field(default_factory=list)
    events: list[EventRow] = field(default_factory=list)
    deliveries: list[DeliveryRow] = field(default_factory=list)  # inserted or updated by id
    trust: list[TrustRow] = field(default_factory=list)
    ledger: list[LedgerRow] = field(default_factory=list)
    problems: list[ProblemRow] | None = None
    meta: dict[str, str] = field(default_factory=dict)
    taken: list[str] = field(default_factory=list)  # keys of `HandedOver` that are removed

    def is_empty(self) -> bool:
        """Whether there is nothing to write."""
        names = self.new or self.watches or self.states or self.domains or self.looks or self.addresses
        told = self.events or self.deliveries or self.trust or self.ledger
        return not (names or told or self.meta or self.taken or self.problems is not None)


class HandedOver(NamedTuple):
    """What another instance recorded while the database was away: rows that are not in it, and keys of all that was read."""

    keys: list[str]
    events: list[EventRow]
    deliveries: list[DeliveryRow]


NOTICE, RESULT = "notice", "result"
#: The kinds of deliveries, in the order in which they are served.
LANES = (NOTICE, RESULT)


def newest_evidence(evidence: Mapping[str, Evidence], *outcomes: Outcome, methods: tuple[str, ...] = ()) -> Evidence | None:
    """The newest evidence with one of these outcomes (and of one of these methods, where given)."""
    found = [
        item
        for method, item in evidence.items()
        if item.observation.reading.outcome in outcomes and (not methods or method in methods)
    ]
    return max(found, key=lambda item: item.at, default=None)
