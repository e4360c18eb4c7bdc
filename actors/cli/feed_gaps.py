"""Events that a subscriber of the feed has missed, by their numbers.

One coordinator's events arrive in order. Those of several shards have one sequence, and each of them publishes its own: a
number may arrive after a higher one, and is missed only where it does not come for a while.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

#: Seconds that an event of a shard may come later than one of another shard with a higher number.
LATE = 5.0
#: Most numbers waited for, most instances remembered, and longest name of one.
MOST_WAITED_FOR, MOST_INSTANCES, NAME_LIMIT = 1000, 1000, 80
#: Most shards there can be.
MOST_SHARDS = 64


class EventGaps:
    """Remembers which events came. Times in seconds of a steady clock."""

    def __init__(self) -> None:
        self._last: dict[str, int] = {}  # by instance
        self._shared = _SharedSequence()

    def note_event(self, payload: Mapping[str, Any], now: float) -> Iterator[str]:
        """Take an event; what is to be said of those that did not come before it."""
        seq, shard = payload.get("seq"), payload.get("shard")
        if not isinstance(seq, int):
            return
        if isinstance(shard, int) and 0 <= shard < MOST_SHARDS:
            yield from self._shared.note_event(shard, seq, now)
        else:
            yield from self._note_alone(str(payload.get("instance", ""))[:NAME_LIMIT], seq)

    def find_overdue(self, now: float) -> Iterator[str]:
        """What is to be said of events that were waited for long enough."""
        return self._shared.find_overdue(now)

    def _note_alone(self, instance: str, seq: int) -> Iterator[str]:
        last = self._last.get(instance)
        if last is not None and seq > last + 1:
            yield f"{seq - last - 1} events of {instance} were missed; GET /events?after={last} has them"
        if last is not None and seq < last:
            yield f"{instance} began again at event {seq}"
        room = instance in self._last or len(self._last) < MOST_INSTANCES
        self._last = {**self._last, instance: seq} if room else {instance: seq}


class _SharedSequence:
    """The numbers that all shards take from one sequence."""

    def __init__(self) -> None:
        self._last: dict[int, int] = {}  # by shard
        self._highest: int | None = None
        self._missing: dict[int, float] = {}  # numbers that did not come, and since when; ascending

    def note_event(self, shard: int, seq: int, now: float) -> Iterator[str]:
        if seq < self._last.get(shard, seq):
            yield f"the events began again at {seq}"
            self._last, self._highest, self._missing = {}, None, {}
        self._last[shard] = seq
        if self._highest is not None and seq > self._highest + 1:
            if seq - self._highest - 1 + len(self._missing) > MOST_WAITED_FOR:
                yield _tell_missed(seq - self._highest - 1 + len(self._missing), min(self._missing, default=self._highest + 1))
                self._missing = {}
            else:
                self._missing |= dict.fromkeys(range(self._highest + 1, seq), now)
        self._missing.pop(seq, None)
        self._highest = seq if self._highest is None else max(seq, self._highest)

    def find_overdue(self, now: float) -> Iterator[str]:
        overdue = [seq for seq, since in self._missing.items() if now - since > LATE]
        if overdue:
            yield _tell_missed(len(overdue), min(overdue))
        for seq in overdue:
            del self._missing[seq]


def _tell_missed(count: int, first: int) -> str:
    return f"{count} events were missed; GET /events?after={first - 1} has them"
