"""One query on its way: about a watched name or a canary, at one operator."""

from __future__ import annotations

from dataclasses import dataclass

from common.core.model.channel import Probe
from common.core.model.entry import Entry, Rank
from common.core.model.limit import Limit


@dataclass(slots=True, kw_only=True)
class Query:
    """One question on its way: about a watched name (`entry`) or a canary (`probe`). Times in epoch seconds.

    `deadline`: when it leaves the line unasked; 0 until it gets in line. `rate`: the operator's as learned by then, 0 where it
    is the configured one. `sent`: when it left last, 0 until then.
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
    avoid: str = ""
    egress: str = ""
    deadline: float = 0.0
    rate: float = 0.0
    sent_at: float = 0.0
    unawaited: bool = False  # no check waits for its answer
    waiting_since: float = 0.0  # since when it waits for another worker than it could have, see `second_looks`
