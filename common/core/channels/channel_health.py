"""Learns which channels answer: what proved something last, how long a channel has been silent, and which count as dead.

An answer proves something when its outcome is neither `unknown` nor `throttled`, whatever it says. Only the answers of a server
count here: a query that never left says nothing about it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import NamedTuple

from msgspec import Struct

from common.core.model.channel import ChannelKey
from common.core.model.evidence import Outcome

#: A channel is dead after so many answers in a row that prove nothing, the last at least so many seconds after the first.
DEAD_ANSWERS, DEAD_AFTER = 3, 60.0
#: A silent channel whose operator limits us is dead after so many seconds without an answer that proves something.
LIMITED_AFTER = 600.0
#: Seconds for which a dead channel is not asked again about a name that another channel can decide. One that was silent of late
#: rests for so many times as long as that silence took, within these bounds: an error at once costs a pass nothing.
REST_DEAD, REST_TIMES, SHORTEST_REST, LONGEST_REST = 600.0, 5.0, 3.0, 60.0
#: A channel that was queried so many seconds ago and has not answered is silent, whatever comes of that query; after so many
#: the query got lost on its way.
ANSWER_DUE, ANSWER_LOST = 5.0, 60.0
#: Queries that one pass may cost a channel: one for its answer, and both canaries.
QUERIES_PER_PASS = 3
#: Oldest registry positive that still counts as fresh, in seconds, at the usual pace.
FRESH = 120.0
#: Most channels remembered, and the longest reason kept, in characters.
LIMIT, REASON = 5000, 200


class ChannelHealth(Struct, omit_defaults=True):
    """What is known of one channel. Times in epoch seconds, 0 for never.

    `silent` counts the answers in a row that proved nothing.
    """

    proved_at: float = 0.0
    silent_since: float = 0.0
    silent_at: float = 0.0  # the last answer that proved nothing
    silent: int = 0
    reason: str = ""  # what that answer was
    asked_at: float = 0.0  # the first query since its last answer
    cost: float = 0.0  # seconds it took

    @property
    def heard_at(self) -> float:
        """When it answered at all, in epoch seconds."""
        return max(self.proved_at, self.silent_at)


class Condition(NamedTuple):
    """A registry channel that an alarm may wait for; `pace` in queries a second, 0 while its operator limits us."""

    method: str
    key: ChannelKey
    pace: float


class ChannelHealths:
    """The health of every channel."""

    def __init__(self) -> None:
        self._healths: dict[ChannelKey, ChannelHealth] = {}
        self._changed = False

    def note_query(self, key: ChannelKey, now: float) -> None:
        """Note that a query left for a server."""
        health = self._health_of(key)
        health.asked_at = health.asked_at or now

    def note_outcome(self, key: ChannelKey, outcome: Outcome, reason: str, now: float, seconds: float = 0.0) -> str | None:
        """Take an answer that took `seconds`. Returns "dead" or "alive" where the channel became that by it, else None."""
        health = self._health_of(key)
        before = self._is_dead(health)
        health.asked_at = 0.0
        if outcome in (Outcome.UNKNOWN, Outcome.THROTTLED):
            health.silent += 1
            health.silent_at, health.reason, health.cost = now, reason[:REASON], seconds
            health.silent_since = health.silent_since or now
        else:
            health.proved_at, health.silent, health.silent_since, health.reason = now, 0, 0.0, ""
        after = self._is_dead(health)
        if before is after:
            return None
        self._changed = True
        return "dead" if after else "alive"

    def health_of(self, key: ChannelKey) -> ChannelHealth:
        """What is known of one channel; an empty record of one that was never queried."""
        return self._healths.get(key) or ChannelHealth()

    def is_dead(self, key: ChannelKey, now: float, *, rate_limited: bool = False) -> bool:
        """Whether a channel is known to be dead. `rate_limited`: its operator limits us at the moment."""
        health = self._healths.get(key)
        if health is None or not health.silent:
            return False
        return self._is_dead(health) or (rate_limited and now - health.silent_since >= LIMITED_AFTER)

    def is_resting(self, key: ChannelKey, now: float) -> bool:
        """Whether a channel is better not queried now: it was silent of late, or an answer of it is overdue."""
        health = self._healths.get(key)
        if health is None:
            return False
        if ANSWER_DUE < now - health.asked_at < ANSWER_LOST:
            return True
        if not health.silent:
            return False
        rest = min(max(SHORTEST_REST, health.cost * REST_TIMES), LONGEST_REST)
        return now - health.silent_at < (REST_DEAD if self._is_dead(health) else rest)

    def proved_times(self) -> dict[ChannelKey, float]:
        """When each channel that ever proved something did so last, in epoch seconds."""
        return {key: health.proved_at for key, health in self._healths.items() if health.proved_at}

    def silent_channels(self) -> list[tuple[ChannelKey, ChannelHealth]]:
        """Channels whose last answers proved nothing, the longest silent first."""
        found = sorted((health.silent_since, key) for key, health in self._healths.items() if health.silent)
        return [(key, self._healths[key]) for _, key in found]

    def take_changed(self) -> str | None:
        """The dead channels as JSON, if they changed, else None: no drop may wait for them anew after a restart."""
        if not self._changed:
            return None
        self._changed = False
        dead = [(key, health) for key, health in self.silent_channels() if self._is_dead(health)]
        return json.dumps(
            [
                [*key, health.proved_at, health.silent_since, health.silent_at, health.silent, health.reason]
                for key, health in dead
            ]
        )

    def restore_text(self, text: str, now: float) -> None:
        """Take over what `take_changed` gave, without records that have times from the future; a damaged text gives nothing."""
        found: dict[ChannelKey, ChannelHealth] = {}
        try:
            for method, server, suffix, proved, since, at, silent, reason in json.loads(text or "[]"):
                health = ChannelHealth(float(proved), float(since), float(at), int(silent), str(reason)[:REASON])
                if max(health.proved_at, health.silent_since, health.silent_at) <= now and len(found) < LIMIT:
                    found[ChannelKey(str(method), str(server), str(suffix))] = health
        except (ValueError, TypeError, OverflowError, RecursionError):
            return
        self._healths = found

    def _health_of(self, key: ChannelKey) -> ChannelHealth:
        if key not in self._healths:
            if len(self._healths) >= LIMIT:
                del self._healths[min(self._healths, key=lambda other: self._healths[other].heard_at)]
            self._healths[key] = ChannelHealth()
        return self._healths[key]

    @staticmethod
    def _is_dead(health: ChannelHealth) -> bool:
        return health.silent >= DEAD_ANSWERS and health.silent_at - health.silent_since >= DEAD_AFTER


def conditions_of(found: Iterable[Condition], fresh: float) -> tuple[tuple[Condition, ...], float]:
    """The channels whose answer an alarm may wait for, the fastest first, and how old a positive of them may be, in seconds.

    `found` are the channels that may answer, `fresh` the age that a positive may have at the usual pace. A channel that cannot
    answer a query and both canaries within `fresh` is no condition, unless all are as slow: then the fastest of them is one,
    and the age fits its pace.
    """
    ordered = sorted((item for item in found if item.pace > 0), key=lambda item: -item.pace)
    quick = tuple(item for item in ordered if item.pace * fresh >= QUERIES_PER_PASS)
    if quick or not ordered:
        return quick, fresh
    return (ordered[0],), (QUERIES_PER_PASS + 1) / ordered[0].pace
