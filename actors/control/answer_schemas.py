"""The shapes of every JSON answer, for /openapi.json. A test fetches each answer and holds it against them.

Answers may carry more than is described here: a client has to pass over fields that it does not know. Times are epoch seconds.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired, TypedDict

from msgspec import Meta

from common.core.model.evidence import Outcome, Phase
from common.core.model.states import State

Name = Annotated[str, Meta(description="a domain name, A-label", examples=["example.com"])]
Time = Annotated[float, Meta(description="epoch seconds", examples=[1790000000.0])]
Cursor = Annotated[str | None, Meta(description="of the next page; null on the last one")]
Map = dict[str, Any]


class Problem(TypedDict):
    """What went wrong (RFC 9457). `type` stays about:blank: the status and `code` say which problem it is."""

    type: str
    title: Annotated[str, Meta(description="the phrase of the status")]
    status: int
    detail: Annotated[str, Meta(description="one sentence for people")]
    instance: Annotated[str, Meta(description="the path that was called")]
    code: NotRequired[Annotated[str, Meta(description="a stable word for programs")]]


class Forecast(TypedDict):
    """When a name is expected to drop, and how sure that is."""

    earliest: float | None
    likely: float | None
    latest: float | None
    probability: Annotated[float | None, Meta(description="that it drops between earliest and latest")]
    basis: NotRequired[Annotated[str, Meta(description="what it was worked out from, in words")]]
    p: Annotated[float | None, Meta(description="the same as probability, under its older name")]
    reason: NotRequired[Annotated[str, Meta(description="the same as basis, under its older name")]]


class Domain(TypedDict):
    """A watched name."""

    domain: Name
    unicode: Annotated[str, Meta(description="the name as people write it")]
    tld: Annotated[str, Meta(description="the registry's suffix")]
    state: State
    since: float | None
    confidence: Annotated[float, Meta(description="probability that it can be registered now")]
    priority: bool
    watched: bool
    checked_at: float | None
    next_check: float | None
    forecast: Forecast | None


class Domains(TypedDict):
    """One page of names."""

    domains: list[Domain]
    cursor: Cursor


class Fields(TypedDict, total=False):
    """What a registry's record says; times in ISO 8601."""

    created_at: str | None
    expires_at: str | None
    updated_at: str | None
    registrar: str | None
    statuses: list[str]
    nameservers: list[str]
    handle: str | None


class Canary(TypedDict):
    """How the server's canaries stood: names whose answer is known."""

    registered_ok: float | None
    free_ok: float | None
    green: bool
    bracketed: bool


class Evidence(TypedDict):
    """The last answer of one method."""

    server: str
    address: str
    time: Time
    first_time: Time
    duration_ms: float
    status: Annotated[int | None, Meta(description="HTTP status or DNS rcode")]
    outcome: Outcome
    finding: str
    reason: str
    phase: Phase | None
    fresh_at: float | None
    refused: bool
    digest: Annotated[str, Meta(description="SHA-256 of the whole answer, hex")]
    excerpt: str
    fields: Fields
    canary: Canary | None


class Event(TypedDict):
    """Something that happened to a name, with the body of its callback."""

    seq: int
    id: str
    domain: Name
    unicode: str
    generation: int
    kind: str
    timestamp: Time
    body: Any


class Judged(TypedDict):
    """The last judgement that was kept."""

    time: Time
    kind: str
    state: str
    rules: Annotated[str, Meta(description="version of the rules")]


class Caught(TypedDict):
    """What became of a name after its last drop; nulls while it was not registered again, or no record names the registrar."""

    dropped_at: Time
    seen_at: Annotated[float | None, Meta(description="when it was first seen registered again")]
    seconds_after_drop: Annotated[float | None, Meta(description="from the drop to the registration")]
    registrar: str | None


class DomainInFull(Domain):
    """Everything known about one name."""

    generation: int
    reason: Annotated[str, Meta(description="why the state is what it is")]
    gates: Annotated[list[str], Meta(description="what stands between the evidence and an alarm")]
    phase: str | None
    phase_since: float | None
    alarmed_at: float | None
    fields: Fields
    evidence: Annotated[dict[str, Evidence], Meta(description="by method")]
    history: Annotated[list[Event], Meta(description="the newest first")]
    judged: Judged | None
    caught: Caught | None


class Events(TypedDict):
    """Events in order; `last` is the position to go on from."""

    events: list[Event]
    last: int
    more: bool


class Drops(TypedDict):
    """Names expected to drop, the soonest first."""

    drops: list[Domain]
    cursor: NotRequired[Cursor]
    total: int | None  # on the first page only
    within: float


class Delivery(TypedDict):
    """One callback."""

    id: str
    lane: str
    domain: Name
    order: int
    state: Literal["pending", "done", "parked", "superseded"]
    attempts: int
    next_at: float
    first_at: float | None
    done_at: float | None
    last_status: int
    last_error: str
    body: Any


class Deliveries(TypedDict):
    """One page of callbacks."""

    deliveries: list[Delivery]
    cursor: Cursor


class Unmonitored(TypedDict):
    """An entry of the list that cannot be monitored."""

    entry: str
    code: str
    reason: str


class Problems(TypedDict):
    """One page of entries that cannot be monitored."""

    problems: list[Unmonitored]
    cursor: Cursor


class Timer(TypedDict):
    """Durations in seconds."""

    count: float
    sum: float
    mean: float
    min: float
    max: float
    p50: float
    p95: float
    p99: float


class Calls(TypedDict):
    """Calls of this interface: how many by status, and how long they took."""

    requests: dict[str, dict[str, float]]
    durations: dict[str, Timer]


class Metrics(TypedDict):
    """Counts since `since`; series are written as Prometheus writes them."""

    timestamp: Time
    since: Time
    timers: NotRequired[dict[str, Timer]]
    counters: NotRequired[dict[str, float]]
    api: NotRequired[Calls]
    check_results: NotRequired[dict[str, dict[str, float]]]
    gauges: NotRequired[dict[str, float]]


class Accepted(TypedDict):
    """The call was passed on to the coordinator; what it concerns stands beside."""

    accepted: Literal[True]
    domain: NotRequired[Name]
    id: NotRequired[str]
    operator: NotRequired[str]
    timestamp: NotRequired[Time]


class Description(TypedDict):
    """The description of this interface."""

    openapi: str
    info: Map
    paths: Map
    webhooks: Map
    components: Map
