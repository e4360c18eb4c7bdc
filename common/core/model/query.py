"""One query, about a watched name or a canary, at one server of one operator."""

from __future__ import annotations

from dataclasses import dataclass, field

from common.core.model.channel import Probe
from common.core.model.entry import Entry, Rank
from common.core.model.limit import Limit


@dataclass(slots=True, kw_only=True)
class Call:
    """One call that carries the names of several queries. It owns their token: the server counts calls, not names.

    `number` is above 0 and tells it from the other calls of a start of the coordinator. `names` are those that left in it;
    `unasked` counts those that came back unasked, and `findings` are those of the answers so far.
    """

    number: int
    names: set[str]
    unasked: int = 0
    findings: set[str] = field(default_factory=set)

    def note_unasked(self) -> bool:
        """Note that one of its queries came back unasked. Whether all of them did, so that the call was never made."""
        self.unasked += 1
        return self.unasked == len(self.names)

    def note_finding(self, finding: str) -> bool:
        """Note what an answer found. Whether it is the first of the call that did: the others say the same once more."""
        is_new = finding not in self.findings
        self.findings.add(finding)
        return is_new


@dataclass(slots=True, kw_only=True)
class Query:
    """One query about a watched name (`entry`) or a canary (`probe`). Times in epoch seconds.

    `queued` is when it was first wanted, `deadline` when it leaves the queue without having been sent (0: not queued yet), and
    `sent_at` when it was last sent (0: never). `budget` is how long it may take, in seconds. `rate` is the operator's learned
    rate when it was queued, in queries per second (0: the configured one). `call` is the one in which it left, where its method
    takes several names at once.
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
    call: Call | None = None
    waiting_since: float = 0.0  # since when it waits for another worker than those that are free, see `workers.second_pass`
