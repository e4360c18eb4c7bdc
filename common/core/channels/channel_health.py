"""Learns which channels answer: what proved something last, how long a channel has been silent, and which count as dead.

An answer proves something when its outcome is neither `unknown` nor `throttled`, whatever it says. Only the answers of a server
count here: a question that was never asked says nothing about it.
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
#: A channel whose operator keeps us out is dead after so many seconds without an answer that proves something.
LIMITED_AFTER = 600.0
#: Seconds for which a dead channel is not asked again about a name that another channel can decide. One that was silent of late
#: rests for so many times as long as that silence took, within these bounds: an error at once costs a pass nothing.
REST_DEAD, REST_TIMES, REST = 600.0, 5.0, (3.0, 60.0)
#: A channel that was asked so many seconds ago and has not answered is silent, whatever comes of that question; after so many
#: the question got lost on its way.
OWED, FORGOTTEN = 5.0, 60.0
#: Questions that one pass may cost a channel: its answer, and both canaries.
QUERIES_PER_PASS = 3
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
    asked_at: float = 0.0  # the first question since its last answer
    cost: float = 0.0  # seconds it took

    @property
    def heard_at(self) -> float:
        """When it answered at all, in epoch seconds."""
        return max(self.proved_at, self.silent_at)


class Condition(NamedTuple):
    """A registry channel that can be asked about a suffix: `pace` in questions a second, 0 while its operator is shut."""

    method: str
    key: ChannelKey
    pace: float


class ChannelHealths:
    """The health of every channel."""

    def __init__(self) -> None:
        self._rows: dict[ChannelKey, ChannelHealth] = {}
        self._changed = False

    def note_query(self, key: ChannelKey, now: float) -> None:
        """Note that a question left for a server."""
        row = self._row_of(key)
        row.asked_at = row.asked_at or now

    def note_outcome(self, key: ChannelKey, outcome: Outcome, reason: str, now: float, seconds: float = 0.0) -> str | None:
        """Take an answer that took `seconds`. Returns "dead" or "alive" where the channel became that by it, else None."""
        row = self._row_of(key)
        before = self._is_dead(row)
        row.asked_at = 0.0
        if outcome in (Outcome.UNKNOWN, Outcome.THROTTLED):
            row.silent += 1
            row.silent_at, row.reason, row.cost = now, reason[:REASON], seconds
            row.silent_since = row.silent_since or now
        else:
            row.proved_at, row.silent, row.silent_since, row.reason = now, 0, 0.0, ""
        after = self._is_dead(row)
        if before is after:
            return None
        self._changed = True
        return "dead" if after else "alive"

    def health_of(self, key: ChannelKey) -> ChannelHealth:
        """What is known of one channel; nothing of one that was never asked."""
        return self._rows.get(key) or ChannelHealth()

    def is_dead(self, key: ChannelKey, now: float, *, shut: bool = False) -> bool:
        """Whether a channel is known to be dead. `shut`: its operator keeps us out at the moment."""
        row = self._rows.get(key)
        if row is None or not row.silent:
            return False
        return self._is_dead(row) or (shut and now - row.silent_since >= LIMITED_AFTER)

    def is_resting(self, key: ChannelKey, now: float) -> bool:
        """Whether a channel said nothing so lately that a name is better decided by another one, or owes an answer by now."""
        row = self._rows.get(key)
        if row is None:
            return False
        if OWED < now - row.asked_at < FORGOTTEN:
            return True
        if not row.silent:
            return False
        rest = REST_DEAD if self._is_dead(row) else min(max(REST[0], row.cost * REST_TIMES), REST[1])
        return now - row.silent_at < rest

    def silent_channels(self) -> list[tuple[ChannelKey, ChannelHealth]]:
        """Channels whose last answers proved nothing, the longest silent first."""
        found = [(key, row) for key, row in self._rows.items() if row.silent]
        return sorted(found, key=lambda item: (item[1].silent_since, item[0]))

    def take_changed(self) -> str | None:
        """Dead channels as `restore` reads them, if they changed: no drop may wait for them anew after a restart."""
        if not self._changed:
            return None
        self._changed = False
        dead = [(key, row) for key, row in self.silent_channels() if self._is_dead(row)]
        return json.dumps([[*key, row.proved_at, row.silent_since, row.silent_at, row.silent, row.reason] for key, row in dead])

    def restore_text(self, text: str, now: float) -> None:
        """Take over what `take_changed` gave, without rows that have times from the future; a damaged text gives nothing."""
        rows: dict[ChannelKey, ChannelHealth] = {}
        try:
            for method, server, suffix, proved, since, at, silent, reason in json.loads(text or "[]"):
                row = ChannelHealth(float(proved), float(since), float(at), int(silent), str(reason)[:REASON])
                if max(row.proved_at, row.silent_since, row.silent_at) <= now and len(rows) < LIMIT:
                    rows[ChannelKey(str(method), str(server), str(suffix))] = row
        except (ValueError, TypeError, OverflowError, RecursionError):
            return
        self._rows = rows

    def _row_of(self, key: ChannelKey) -> ChannelHealth:
        if key not in self._rows:
            if len(self._rows) >= LIMIT:
                del self._rows[min(self._rows, key=lambda other: self._rows[other].heard_at)]
            self._rows[key] = ChannelHealth()
        return self._rows[key]

    @staticmethod
    def _is_dead(row: ChannelHealth) -> bool:
        return row.silent >= DEAD_ANSWERS and row.silent_at - row.silent_since >= DEAD_AFTER


def conditions_of(found: Iterable[Condition], fresh: float) -> tuple[tuple[Condition, ...], float]:
    """The channels whose word an alarm may wait for, the fastest first, and how old a positive of them may be, in seconds.

    `found` are the channels that may speak, `fresh` the age that a positive may have at the usual pace. A channel that cannot
    answer a question and both canaries within `fresh` is no condition, unless all are as slow: then the fastest of them is one,
    and the age fits its pace.
    """
    ordered = sorted((item for item in found if item.pace > 0), key=lambda item: -item.pace)
    quick = tuple(item for item in ordered if item.pace * fresh >= QUERIES_PER_PASS)
    if quick or not ordered:
        return quick, fresh
    return (ordered[0],), (QUERIES_PER_PASS + 1) / ordered[0].pace


#: Oldest registry positive that still counts as fresh, in seconds, at the usual pace.
FRESH = 120.0
