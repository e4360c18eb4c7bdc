"""What a feed's subscribers want: prefixes of topics, as many as are reasonable to remember, looked up in few steps."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter

#: Most subscriptions remembered; while there are more, everything counts as wanted.
MOST_TOPICS = 10_000
#: Longest topic, in characters: no longer prefix can ever fit one.
LONGEST_TOPIC = 400


class Topics:
    """Each prefix is added once and discarded once, however many subscribers have it: so ZeroMQ reports them."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._sorted: list[str] = []
        self._lengths: Counter[int] = Counter()
        self._more = 0

    def add(self, prefix: str) -> None:
        """Somebody subscribed to what begins so."""
        if prefix in self._known or len(prefix) > LONGEST_TOPIC:
            return
        if len(self._known) >= MOST_TOPICS:
            self._more += 1
            return
        self._known.add(prefix)
        insort(self._sorted, prefix)
        self._lengths[len(prefix)] += 1

    def discard(self, prefix: str) -> None:
        """The last subscriber of this prefix is gone."""
        if len(prefix) > LONGEST_TOPIC:
            return
        if prefix not in self._known:
            self._more = max(0, self._more - 1)
            return
        self._known.discard(prefix)
        del self._sorted[bisect_left(self._sorted, prefix)]
        self._lengths[len(prefix)] -= 1
        if not self._lengths[len(prefix)]:
            del self._lengths[len(prefix)]

    def want(self, topic: str) -> bool:
        """Whether this topic begins with something that was subscribed to."""
        return bool(self._more) or any(topic[:length] in self._known for length in self._lengths)

    def want_below(self, prefix: str) -> bool:
        """Whether any topic that begins with `prefix` could be wanted."""
        if self.want(prefix):
            return True
        at = bisect_left(self._sorted, prefix)
        return at < len(self._sorted) and self._sorted[at].startswith(prefix)
