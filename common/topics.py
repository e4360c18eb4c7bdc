"""What a feed's subscribers want: prefixes of topics, as many as are reasonable to remember, looked up in few steps.

ZeroMQ reports a subscription with the connection it came on, and the end of one in two ways: without a connection where the
last holder is gone for sure, and with one where a peer said so. A peer may say so of what it never held, and ZeroMQ passes that
on too: such a word counts only where no other connection ever held the prefix. Otherwise it is kept, at the cost of building
what may not be wanted; the next certain end of it puts that right.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

#: Most subscriptions remembered; while there are more, everything counts as wanted.
MOST_TOPICS = 10_000
#: Most of those beyond, whose end is waited for; from then on everything counts as wanted for good.
MOST_EXTRA = 100_000
#: Longest topic, in characters: no longer prefix can ever fit one.
LONGEST_TOPIC = 400
_MANY = -1

Key = TypeVar("Key", bound=Hashable)


class Holders(Generic[Key]):
    """At most `most` keys, each held by one connection or by several."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: dict[Key, int] = {}

    def __len__(self) -> int:
        return len(self._held)

    def __contains__(self, key: Key) -> bool:
        return key in self._held

    def __iter__(self) -> Iterator[Key]:
        return iter(self._held)

    def add(self, key: Key, peer: int) -> bool:
        """Note that a connection (a number from 0) holds a key; whether the key is new. Nothing new is taken beyond `most`."""
        known = self._held.get(key)
        if known is None and len(self._held) < self._most:
            self._held[key] = peer
            return True
        if known is not None and known != peer:
            self._held[key] = _MANY
        return False

    def discard(self, key: Key, peer: int | None) -> bool:
        """Note the end of a key, said by a connection, or certain (None); whether it is gone."""
        known = self._held.get(key)
        if known is None or (peer is not None and peer != known):
            return False
        del self._held[key]
        return True


class Topics:
    """The prefixes that subscribers of a feed hold."""

    def __init__(self) -> None:
        self._known: Holders[str] = Holders(MOST_TOPICS)
        self._extra: Holders[int] = Holders(MOST_EXTRA)  # by hash: a flood of long ones must not be kept
        self._endless = False
        self._sorted: list[str] = []
        self._lengths: Counter[int] = Counter()

    @property
    def everything(self) -> bool:
        """Whether there are more subscriptions than are remembered."""
        return self._endless or len(self._extra) > 0

    def add(self, prefix: str, peer: int = 0) -> bool:
        """Note a subscription to what begins so; whether this prefix is now remembered and was not before."""
        if len(prefix) > LONGEST_TOPIC:
            return False
        if prefix not in self._known and (hash(prefix) in self._extra or len(self._known) >= MOST_TOPICS):
            self._endless = self._endless or (hash(prefix) not in self._extra and len(self._extra) >= MOST_EXTRA)
            self._extra.add(hash(prefix), peer)
            return False
        if not self._known.add(prefix, peer):
            return False
        insort(self._sorted, prefix)
        self._lengths[len(prefix)] += 1
        return True

    def discard(self, prefix: str, peer: int | None = None) -> bool:
        """Note the end of a subscription; whether this prefix was remembered and is no more."""
        if len(prefix) > LONGEST_TOPIC:
            return False
        if not self._known.discard(prefix, peer):
            self._extra.discard(hash(prefix), peer)
            return False
        del self._sorted[bisect_left(self._sorted, prefix)]
        self._lengths[len(prefix)] -= 1
        if not self._lengths[len(prefix)]:
            del self._lengths[len(prefix)]
        return True

    def want(self, topic: str) -> bool:
        """Whether this topic begins with something that was subscribed to."""
        return self.everything or any(topic[:length] in self._known for length in self._lengths)

    def want_below(self, prefix: str) -> bool:
        """Whether any topic that begins with `prefix` could be wanted."""
        if self.want(prefix):
            return True
        at = bisect_left(self._sorted, prefix)
        return at < len(self._sorted) and self._sorted[at].startswith(prefix)
