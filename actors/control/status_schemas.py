"""The shapes of /health, /ready and /status, for /openapi.json; they may carry more than is described here."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired, TypedDict

from msgspec import Meta

from actors.control.answer_schemas import Map, Time
from common.core.model.source_row import SourceRow


class Trouble(TypedDict, total=False):
    """Something that is wrong: since when, and what helps."""

    code: str
    what: str
    since: Time
    remedy: str
    restart_helps: bool


class Group(TypedDict):
    """The processes of one kind."""

    group: str
    expected: int
    alive: int
    status: str


class Process(TypedDict):
    """One process by its heartbeat. `age` and `silent_after` in seconds."""

    process: str
    actor: str
    status: str
    age: float
    silent_after: float
    restarts: int
    pid: int
    boot: str
    started_at: Time
    instance: str


class Report(TypedDict):
    """How the instance is doing."""

    status: Literal["ok", "degraded", "starting", "unhealthy"]
    problems: list[Trouble | str]
    groups: list[Group]
    processes: list[Process]
    coordinator_status_age: Annotated[float | None, Meta(description="seconds; null while it was never heard")]


class Instance(TypedDict):
    """One of the instances of the store. `heartbeat_age` in seconds, of its youngest process; `own`: it answers.

    `egress` and `host` are null where it has not announced itself. One that leads any shard of a divided list is a leader.
    """

    instance: str
    own: bool
    role: Literal["leader", "follower"]
    status: Literal["ok", "stopping", "silent", "gone"]
    heartbeat_age: float
    processes: Annotated[int, Meta(description="how many are at work")]
    started_at: Time
    egress: str | None
    host: str | None
    leads: NotRequired[Annotated[list[int], Meta(description="the shards that it leads, where the watch list has several")]]


class Health(Report):
    """The answer of /health."""

    timestamp: Time
    instances: list[Instance]


class Ready(TypedDict):
    """Whether names are being watched, and if not, why."""

    ready: bool
    reasons: list[str]


class ByState(TypedDict, total=False):
    """How many names there are, by state."""

    total: int
    by_state: dict[str, int]
    problems: Annotated[int, Meta(description="entries of the list that cannot be monitored")]


class ListState(TypedDict, total=False):
    """The domain list as it was loaded last."""

    source: str | None
    loaded_at: float | None
    seen_at: float | None
    names: int | None
    problems: int | None
    held: Any
    error: str | None


class Budget(TypedDict, total=False):
    """The rate limit of one operator from one egress; rates in questions a second.

    `rate` began with `start`, and climbs to `ceiling` while answers come without complaint.
    """

    operator: str
    egress: str
    start: float
    rate: float
    ceiling: float
    banned_at: float | None
    burst: float
    tokens: float
    blocked_until: float | None
    reason: str
    complaint: Annotated[str, Meta(description="the last one, until the operator answers again")]
    last_complaint: Annotated[str, Meta(description="the last one, also where the operator has answered since")]
    complained_at: float | None
    complained_rate: Annotated[float | None, Meta(description="the rate that brought it, until a higher one did not")]
    used_today: int


class Trust(TypedDict, total=False):
    """How far one server is believed about one suffix."""

    method: str
    server: str
    suffix: str
    green: bool
    registered_ok: float | None
    free_ok: float | None
    quarantined_until: float | None
    reason: str


class Channel(TypedDict, total=False):
    """A registry channel that is silent."""

    method: str
    server: str
    suffix: str
    silent_since: float | None
    dead: bool
    answers: int
    reason: str


class Gap(TypedDict, total=False):
    """A suffix in which no canary works, so that alarms wait."""

    suffix: str
    since: float
    names: int
    servers: list[Map]
    remedy: str


class Publication(TypedDict, total=False):
    """A list or zone that a registry publishes, and its last reading; or the stream of certificates."""

    name: str
    suffixes: list[str]
    kind: str
    checked_at: Annotated[float | None, Meta(description="when it was last tried")]
    read_at: Annotated[float | None, Meta(description="when the reading began that was last applied")]
    made_at: Annotated[float | None, Meta(description="when the registry made what was read then")]
    size: Annotated[int | None, Meta(description="names in it, watched or not")]
    joined: Annotated[int | None, Meta(description="watched names in it")]
    problem: str | None
    next: Annotated[float | None, Meta(description="when it is due to be read again, about")]


class Starved(TypedDict, total=False):
    """A suffix with more names than its registry's budget can look at in time; rates in queries per second."""

    suffix: str
    operator: str
    names: int
    needed: float
    allowed: float
    remedy: str


class Callbacks(TypedDict, total=False):
    """How many callbacks wait, and whether their receiver takes them."""

    pending: int
    pending_notices: int
    in_flight: int
    parked: int
    done: int
    superseded: int
    oldest_age: float | None
    circuit_open_until: float | None
    failures_in_a_row: int
    misconfigured: Annotated[int, Meta(description="status with which the receiver refused all of them; 0: none")]


class Leading(TypedDict):
    """The instance that leads, and the epoch of its lease: higher than all before."""

    instance: str
    epoch: int


class Shard(TypedDict):
    """One part of a divided watch list, as its coordinator said last; null where it was never heard."""

    shard: int
    leader: Annotated[str | None, Meta(description="the instance that leads it")]
    epoch: int | None
    age: Annotated[float | None, Meta(description="seconds since it was heard")]
    names: int | None
    ready: bool
    late_ms: Annotated[float | None, Meta(description="milliseconds by which its oldest due check is late")]


class Deviation(TypedDict):
    """Where a registry behaves otherwise than its row says: both figures, and from how many observations."""

    suffix: str
    what: Annotated[str, Meta(description="redemption, redemption_alone, pending_delete, hours or weekday")]
    row: str
    observed: str
    n: int


class LearnedHours(TypedDict):
    """The hours of the day (UTC) in which the purges of a suffix were seen, with a margin: the schedule goes by them."""

    suffix: str
    hours: Annotated[str, Meta(description='"18:30 to 20:00"')]
    n: Annotated[int, Meta(description="purges that they were learned from")]


class ForecastScore(TypedDict):
    """How good the forecasts of a suffix were; errors in seconds."""

    suffix: str
    scored: int
    dropped: int
    inside: Annotated[int, Meta(description="dropped inside the window")]
    missed: Annotated[int, Meta(description="nothing had changed a day after the window")]
    error_sum: float
    brier_sum: float
    mean_error: Annotated[float | None, Meta(description="mean of |likely - observed|")]
    brier: Annotated[float | None, Meta(description="Brier score, 0 is perfect")]


class Calendar(TypedDict):
    """What was learned of registries' life cycles, and how good forecasts were."""

    deviations: list[Deviation]
    hours: list[LearnedHours]
    observed: Annotated[int, Meta(description="suffixes of which something was observed")]
    forecasts: list[ForecastScore]


class Coordinator(TypedDict):
    """The coordinator's last status; only `age` is there while it was not heard.

    Of a divided watch list the coordinators of all shards together: counts are sums, the worst word counts, `leader` is that of
    the first shard and `age` that of the oldest status.
    """

    age: Annotated[float | None, Meta(description="seconds since it was heard")]
    started_at: NotRequired[Time]
    leader: NotRequired[Leading]
    shards: NotRequired[Annotated[list[Shard], Meta(description="where the watch list has several")]]
    ready: NotRequired[bool]
    missing: NotRequired[list[str]]
    domains: NotRequired[ByState]
    list: NotRequired[ListState]
    queue: NotRequired[dict[str, float]]
    workers: NotRequired[list[Map]]
    budgets: NotRequired[list[Budget]]
    trust: NotRequired[list[Trust]]
    sources: NotRequired[list[SourceRow]]
    trust_gaps: NotRequired[list[Gap]]
    publications: NotRequired[list[Publication]]
    starvation: NotRequired[list[Starved]]
    channels: NotRequired[list[Channel]]
    channels_dead: NotRequired[dict[str, int]]
    accuracy: NotRequired[Map]
    calendar: NotRequired[Calendar]
    deliveries: NotRequired[Callbacks]


class Store(TypedDict):
    """Whether the state can be read, the sequence of its newest event, and which database it is, with its file."""

    available: bool
    last_seq: int | None
    engine: str | None


class Status(TypedDict):
    """Everything about this instance at a glance."""

    timestamp: Time
    instance: str
    health: Report
    coordinator: Coordinator
    instances: list[Instance]
    store: Store
    not_configured: list[str]
    sse_clients: int
    versions: dict[str, str]
