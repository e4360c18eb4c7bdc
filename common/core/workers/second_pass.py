"""The second pass of an alarm is asked by another worker than the first, where there is one: one alone may lie, or be lied to.

Which answer a worker gave is kept with the evidence. "Another" is one with another CURVE key where any but its own has the
method, else one of another host, by its own word, else another process. It is waited for while it is busy, but not for ever: a
name that dropped is told all the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from common.core.model.evidence import Outcome
from common.core.workers.senders import key_of, name_without_key

if TYPE_CHECKING:
    from common.core.model.query import Query

#: Seconds for which a question waits, with a token there, until another worker is free.
WAIT = 10.0
#: Seconds after which another worker that gets no answer worth anything is no longer insisted on.
TROUBLED = 60.0


def worker_distance(worker: str, other: str) -> int:
    """How far a worker is from another: 0 the same, 1 another process of its host, 2 another host, 3 another key."""
    if worker == other:
        return 0
    if key_of(worker) != key_of(other):
        return 3
    return 2 if name_without_key(worker).rpartition("@")[2] != name_without_key(other).rpartition("@")[2] else 1


def worker_to_confirm(query: Query, now: float) -> str:
    """The worker whose answer a question is to confirm, and which should not be asked again; "" where any will do."""
    if not query.confirm or query.entry is None:
        return ""
    detail = query.entry.detail
    known, trouble = detail.evidence.get(query.method), detail.trouble.get(query.method)
    if known is None or known.observation.reading.outcome is Outcome.REGISTERED:
        return ""
    if query.avoid not in ("", known.by):
        return ""  # another one had the question, and lost it
    if trouble is not None and trouble.by not in ("", known.by) and now - max(trouble.first_at, known.at) >= TROUBLED:
        return ""
    return known.by
