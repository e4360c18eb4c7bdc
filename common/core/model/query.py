"""One query, about a watched name or a canary, at one server of one operator."""

from __future__ import annotations

from dataclasses import dataclass

from common.core.model.channel import Probe
from common.core.model.entry import Entry, Rank
from common.core.model.limit import Limit


@dataclass(slots=True, kw_only=True)
class Query:
    """One query about a watched name (`entry`) or a canary (`probe`). Times in epoch seconds.

    `queued` is when it was first wanted, `deadline` when it leaves the queue without having been sent (0: not queued yet), and
    `sent_at` when it was last sent (0: never). `budget` is how long it may take, in seconds. `rate` is the operator's learned
    rate when it was queued, in queries per second (0: the configured one).
    """

    method: str
    pool: str
    domain: str
    suffix: str
    server: str
    limit: Limit
    rank: Rank
    queued: float
    budget: float
    entry: Entry | None = None
    probe: Probe | None = None
    confirm: bool = False
    tries: int = 0
    avoid: str = ""  # the worker whose lease of it was lost
    egress: str = ""
    deadline: float = 0.0
    rate: float = 0.0
    sent_at: float = 0.0
    unawaited: bool = False  # no check waits for its answer
    waiting_since: float = 0.0  # since when it waits for another worker than those that are free, see `workers.second_pass`
