"""What is kept: rows as the store holds them, and `Changes`, all that one transaction writes together."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from common.core.model.evidence import NO_FIELDS, Fields, Observation, Outcome


class Canary(Struct, frozen=True, omit_defaults=True):
    """The canaries of a server as they stood when its answer was judged. Times in epoch seconds, 0 for never."""

    registered_ok: float = 0.0  # a known registered name was found
    free_ok: float = 0.0  # a random label was not found
    green: bool = False  # both lately enough, and no lie since


class Evidence(Struct, omit_defaults=True):
    """The last observation of one method, and since when that method says the same. Times in epoch seconds."""

    observation: Observation
    at: float
    first_at: float  # first of the uninterrupted run of equal outcomes
    canary: Canary | None = None  # of a "no object" answer: only those need somebody to vouch for them
    by: str = ""  # the worker that asked; "" where that is not known
    judged: bool = False  # counted as right or wrong, see common.core.audit.accuracy

    @property
    def verified_after(self) -> bool:
        """Whether the server had found a known name again after this answer when it was last judged."""
        return self.canary is not None and self.canary.green and self.canary.registered_ok >= self.at

    def canary_map(self) -> dict[str, float | bool | None] | None:
        """The canaries as they are shown to people and programs (epoch seconds); None where nobody had to vouch."""
        if self.canary is None:
            return None
        return {
            "registered_ok": self.canary.registered_ok or None,
            "free_ok": self.canary.free_ok or None,
            "green": self.canary.green,
            "bracketed": self.verified_after,
        }


class Detail(Struct, omit_defaults=True):
    """Everything about a name that nobody filters by."""

    evidence: dict[str, Evidence] = field(default_factory=dict)  # by method: the last answer that says something
    trouble: dict[str, Evidence] = field(default_factory=dict)  # by method: the last answer that says nothing, if newer
    fields: Fields = NO_FIELDS  # the registry's last record
    expires_epoch: float | None = None  # `fields.expires_at` as a number
    phase: str | None = None
    phase_since: float | None = None  # first seen in this phase
    phase_after: float | None = None  # last seen in the phase before
    forecast_reason: str = ""
    reason: str = ""  # why the state is what it is, one sentence
    look: str = ""  # what the newest look said, where that is not the reason
    gates: tuple[str, ...] = ()  # what still stands between the evidence and an alarm
    alarmed_at: float | None = None  # when "available" was announced; None once it was taken back
    alarmed_by: tuple[tuple[str, str], ...] = ()  # methods and servers that said "no object" then
    registered_seen: float | None = None  # last registered evidence
    passes: tuple[float, ...] = ()  # whole positive passes of the current run: the first, and the last ones
    verified: tuple[float, ...] = ()  # those after which the server of the answer found a known name again
    basis: str = ""  # what the run rests on once its gates are open, see `gates.Basis`
    contradicted_at: float | None = None  # a registered answer in the middle of a positive run
    registry_at: float | None = None  # last registry answer that says something
    blind: tuple[str, ...] = ()  # methods that denied it while another channel of the registry went on to show its record
    purged_at: float | None = None  # first registry answer without an object after one with
    shown_by: tuple[str, ...] = ()  # methods that showed it in a release procedure since it was last seen registered
    unknown_rounds: int = 0  # rounds in a row that proved nothing

    def end_run(self) -> None:
        """Forget the passes of the current run, and what rested on them."""
        self.passes, self.verified, self.basis = (), (), ""


class DomainRow(Struct):
    """One watched name. `detail` is a msgpack-encoded `Detail`; times in epoch seconds.

    `id` is the number of the name in the coordinator's table: counted from 0, never given twice, never changed.
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
    registry_due: float  # when its registry record is too old to plan with; 0: it was never heard
    close: bool  # whether each look has to be a visit of its own: something is going on with it
    detail: bytes


class NewName(Struct, frozen=True):
    """A name that came with the list and about which nothing is known yet."""

    id: int
    name: str
    suffix: str
    priority: bool


class Watch(Struct, frozen=True):
    """What the list changed about a name we have."""

    id: int
    watched: bool
    priority: bool


class StateChange(Struct, frozen=True):
    """Names that a sweep found in a new state which is no event (a first look at a registered name). Times in epoch seconds."""

    ids: list[int]
    state: str
    since: float
    confidence: float


class EventRow(Struct, frozen=True):
    """Something that happened to a name. `id`: uuid5 of (domain, generation, kind); `body`: the frozen JSON of the callback."""

    seq: int
    id: str
    domain: str
    generation: int
    kind: str
    occurred_at: float
    body: bytes


class DeliveryRow(Struct):
    """One callback to make. `lane` is notice or result; `state` pending, done, parked or superseded. Times in epoch seconds."""

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
    """How far a server is trusted for a suffix; see `common.core.trust.server_trust`. Times in epoch seconds, 0 for never."""

    method: str
    server: str
    suffix: str
    registered_ok: float = 0.0  # a known registered name was found
    free_ok: float = 0.0  # a random label was not found
    failed_at: float = 0.0
    quarantined_until: float = 0.0
    reason: str = ""


class LedgerRow(Struct, frozen=True):
    """One judgement as it was made. `body` is a msgpack-encoded `common.core.audit.ledger.LedgerEntry`; `at` in epoch seconds.

    `positive`: a fresh answer of the registry said that there is no object. `seq` is the store's, 0 before it is written.
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
    """One transaction. `problems` None leaves the list of problems alone; `meta` are small named texts.

    Written in the order of the fields: a name is there before anything is said of it. `pulses` are blocks by their number,
    whole, as `common.core.domains.last_look` lays them out; `addresses` the texts behind the numbers in them.
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

    def is_empty(self) -> bool:
        """Whether there is nothing to write."""
        names = self.new or self.watches or self.states or self.domains or self.looks or self.addresses
        told = self.events or self.deliveries or self.trust or self.ledger
        return not (names or told or self.meta or self.problems is not None)


NOTICE = "notice"


RESULT = "result"


#: In the order in which they are served.
LANES = (NOTICE, RESULT)


def newest_evidence(evidence: Mapping[str, Evidence], *outcomes: Outcome, methods: tuple[str, ...] = ()) -> Evidence | None:
    """The newest evidence with one of these outcomes (and of one of these methods, where given)."""
    found = [
        item
        for method, item in evidence.items()
        if item.observation.reading.outcome in outcomes and (not methods or method in methods)
    ]
    return max(found, key=lambda item: item.at, default=None)
