"""The second pass of an alarm goes to another worker than the first, where there is one: a single one may lie, or be lied to.

The evidence names the worker that got each answer. "Another" is a worker with another CURVE key, if any such one has the
method; else one on another host, as the workers name their hosts; else another process. Of several such it is one that leaves
from another egress: a registry may answer each address differently. A key counts for more than an egress, because a host can
claim to have any egress. The query waits while that worker is busy or its egress has no token, but not for ever: a name that
dropped is announced all the same.
"""

from __future__ import annotations

from common.core.model.evidence import Outcome
from common.core.model.query import Query
from common.core.workers.senders import key_of, name_without_key

#: Seconds for which a query that could be sent waits until it can be sent to another worker.
WAIT = 10.0
#: Seconds after which another worker is not required any more, if all it gets are answers that prove nothing.
TROUBLED = 60.0


def worker_distance(worker: str, other: str, *, other_egress: bool = False) -> int:
    """How far one worker is from another: 0 the same, 2 another process on its host, 4 another host, 6 another key.

    It is one more where they are known to leave from different egresses.
    """
    if worker == other:
        return 0
    if key_of(worker) != key_of(other):
        return 6 + other_egress
    apart = name_without_key(worker).rpartition("@")[2] != name_without_key(other).rpartition("@")[2]
    return (4 if apart else 2) + other_egress


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
