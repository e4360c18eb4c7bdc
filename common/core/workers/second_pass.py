"""The second pass of an alarm goes to another worker than the first, where there is one: a single one may lie, or be lied to.

The evidence names the worker that got each answer. "Another" is a worker with another CURVE key, if any such one has the
method; else one on another host, as the workers name their hosts; else another process. The query waits while that worker is
busy, but not for ever: a name that dropped is announced all the same.
"""

from __future__ import annotations

from common.core.model.evidence import Outcome
from common.core.model.query import Query
from common.core.workers.senders import key_of, name_without_key

#: Seconds for which a query that has a token waits until another worker is free.
WAIT = 10.0
#: Seconds after which another worker is not required any more, if all it gets are answers that prove nothing.
TROUBLED = 60.0


def worker_distance(worker: str, other: str) -> int:
    """How far one worker is from another: 0 the same, 1 another process on its host, 2 another host, 3 another key."""
    if worker == other:
        return 0
    if key_of(worker) != key_of(other):
        return 3
    return 2 if name_without_key(worker).rpartition("@")[2] != name_without_key(other).rpartition("@")[2] else 1


def worker_to_confirm(query: Query, now: float) -> str:
    """The worker whose answer a query has to confirm, and which should not get it; "" where any worker will do."""
    if not query.confirm or query.entry is None:
        return ""
    detail = query.entry.detail
    known, trouble = detail.evidence.get(query.method), detail.trouble.get(query.method)
    if known is None or known.observation.reading.outcome is Outcome.REGISTERED:
        return ""
    if query.avoid not in ("", known.by):
        return ""  # the lease of another worker was lost
    if trouble is not None and trouble.by not in ("", known.by) and now - max(trouble.first_at, known.at) >= TROUBLED:
        return ""
    return known.by
