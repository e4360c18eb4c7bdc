"""Counts per (method, server, suffix) how often an answer was confirmed or contradicted by what followed.

An answer is counted once: when its check ends, or when the canaries it waited for have answered. It counts where

- the verdict is settled: an owner's state with P(unregistered) <= 0.005, or a state without an owner with P >= 0.995;
- at least one other method said something decisive in the same check: no method confirms itself;
- it says whether there is an object. NXDOMAIN about a name that is registered and out of the zone is true and counts for
  nothing, and so does every DNS and HTTP answer under a wildcard suffix.

An answer on the side of the verdict is confirmed, one on the other side contradicted. A failed canary is contradicted, and so
is every answer that is dropped because of it, unless the canary itself turns out to be gone (passed canaries count for nothing:
the same name is asked again and again). An alarm (available, at any price) is confirmed by a registration that is younger, and
retracted where the name turns out not to be free after all; if it had an owner all along, what had spoken for the alarm is
contradicted then, on top of what was counted before. Nothing is ever taken back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from heapq import nsmallest
from typing import Any, TypeVar

import msgspec
from msgspec import Struct, field

from common.core.audit.tallies import SHOWN, Alarms, Count, Tally, show_tally
from common.core.model.channel import ChannelKey
from common.core.model.entry import Entry
from common.core.model.evidence import Outcome
from common.core.model.methods import RECORD_METHODS
from common.core.model.records import Evidence, newest_evidence
from common.core.model.states import OUT_OF_ZONE, OWNED, State
from common.core.model.verdict import Situation, Verdict
from common.core.parsers.dates import iso_to_epoch
from common.core.telemetry.metrics import Metrics
from common.core.verdict.verdicts import SURE

K = TypeVar("K")

#: Most (method, server, suffix) kept, and how many make room together when there are too many.
LIMIT, ROOM = 2000, 200
#: Most keys that get metric series of their own.
NAMED = 200
#: Longest server name kept, in characters.
SERVER_LIMIT = 120
#: How much younger than the alarm a registration may seem where only its day is known, and where the clocks differ, in seconds.
_DAY, _SKEW = 86_400.0, 60.0

_FREE = frozenset({State.AVAILABLE, State.AVAILABLE_PREMIUM, State.UNREGISTERED, State.RESERVED, State.DROPPING})
_NO_OBJECT = frozenset({Outcome.UNREGISTERED, Outcome.RESERVED, Outcome.PREMIUM, Outcome.DROPPING})
_ALARMS = frozenset({"available", "available_premium"})


class _Saved(Struct):
    """The form in the store: tallies as rows of method, server, suffix, confirmed, contradicted."""

    since: float = 0.0
    servers: list[tuple[str, str, str, Count, Count]] = field(default_factory=list)
    methods: dict[str, Tally] = field(default_factory=dict)
    alarms: Alarms = field(default_factory=Alarms)


class Accuracy:
    """The tallies of servers, methods and alarms. `since`: when counting began, in epoch seconds (0: nothing counted yet)."""

    def __init__(self) -> None:
        self.since = 0.0
        self.alarms = Alarms()
        self.changed = False
        self._servers: dict[ChannelKey, Tally] = {}
        self._methods: dict[str, Tally] = {}  # of all servers, those that were forgotten included
        self._named: set[ChannelKey] = set()
        self._doubted: dict[ChannelKey, int] = {}  # answers that are wrong unless the canary that failed is gone

    # -- counting --------------------------------------------------------------------------------------------------------

    def count_answers(
        self, entry: Entry, before: State, verdict: Verdict, situation: Situation, since: float, metrics: Metrics
    ) -> None:
        """Count the answers about a name that came at `since` or later, if the verdict settles them.

        `before` is the state before the verdict: a name that changed hands during the check contradicts no server, for an
        answer may have been true when it was given.
        """
        side = find_side(verdict)
        if side is None:
            return
        claims = [
            (method, item, claim)
            for method, item in entry.detail.evidence.items()
            if item.at >= since and (claim := find_claim(method, item, verdict.state, situation)) is not None
        ]
        if len(claims) < 2:
            return
        turned = (before in OWNED and side) or (before in _FREE and not side)
        for method, item, claim in claims:
            done, item.judged = item.judged, True
            if not done and not (turned and claim is not side):
                self.count_answer(
                    ChannelKey(method, item.observation.server, entry.suffix), metrics, item.at, right=claim is side
                )

    def count_failed_canary(
        self, key: ChannelKey, dropped: Mapping[str, Evidence], metrics: Metrics, now: float, *, doubted: bool
    ) -> None:
        """Count a failed canary, or the answers dropped because of one; where the canary is in doubt, once that is settled."""
        answers = sum(1 for item in dropped.values() if not item.judged) if dropped else 1
        for item in dropped.values():
            item.judged = True
        if doubted and (key in self._doubted or len(self._doubted) < LIMIT):
            self._doubted[key] = self._doubted.get(key, 0) + answers
        elif not doubted:
            self._count_contradicted(key, answers, metrics, now)

    def settle_dispute(self, key: ChannelKey, metrics: Metrics, now: float, *, wrong: bool) -> None:
        """Count what waited for a dispute about a canary: the server was wrong, or the canary is gone."""
        answers = self._doubted.pop(key, 0)
        if wrong:
            self._count_contradicted(key, answers, metrics, now)

    def _count_contradicted(self, key: ChannelKey, answers: int, metrics: Metrics, now: float) -> None:
        for _ in range(answers):
            self.count_answer(key, metrics, now, right=False)

    def count_event(
        self, entry: Entry, kind: str | None, alarmed_at: float | None, positive: Iterable[str], metrics: Metrics, now: float
    ) -> None:
        """Count an event of this kind. `alarmed_at`: the alarm before it; `positive`: the methods that say "no object" now."""
        if kind is None:
            return
        detail = entry.detail
        if kind in _ALARMS or kind == "unregistered":
            if kind in _ALARMS and alarmed_at is None:
                self._count_alarm("announced", metrics, now)
            detail.alarmed_by = tuple((method, detail.evidence[method].observation.server) for method in positive)
            return
        if kind == "registered" and alarmed_at is not None and is_younger_registration(entry, alarmed_at):
            self._count_alarm("confirmed", metrics, now)
        elif kind == "retracted":
            if alarmed_at is not None:
                self._count_alarm("retracted", metrics, now)
            for method, server in detail.alarmed_by if entry.state in OWNED else ():
                self.count_answer(ChannelKey(method, server, entry.suffix), metrics, now, right=False)
        detail.alarmed_by = ()

    def count_answer(self, key: ChannelKey, metrics: Metrics, now: float, *, right: bool) -> None:
        """Count one answer of a server."""
        method, server, suffix = key
        # The "server" of an HTTP check is the name itself: neither a key nor a label.
        key = ChannelKey(method, "web" if method == "http" else (server or suffix)[:SERVER_LIMIT], suffix)
        tally = self._servers.get(key)
        if tally is None:
            if len(self._servers) >= LIMIT:
                self._make_room()
            tally = self._servers[key] = Tally()
        tally.add_answer(right=right)
        self._methods.setdefault(method, Tally()).add_answer(right=right)
        self._mark_changed(now)
        metrics.count("answers_confirmed" if right else "answers_contradicted", 1, **self._labels_of(key, tally))

    # -- showing and keeping ---------------------------------------------------------------------------------------------

    def to_plain(self) -> dict[str, Any]:
        """For the status page: methods, the most contradicted servers first, and the alarms."""
        rows = nsmallest(SHOWN, self._servers.items(), key=lambda row: (-row[1].contradicted, -row[1].confirmed, row[0]))
        return {
            "since": self.since or None,
            "alarms": self.alarms.to_plain(),
            "methods": [{"method": method, **show_tally(tally)} for method, tally in sorted(self._methods.items())],
            "servers": [
                {"method": method, "server": server, "suffix": suffix, **show_tally(tally)}
                for (method, server, suffix), tally in rows
            ],
            "servers_known": len(self._servers),
        }

    def to_text(self) -> str:
        """The counts as JSON for `restore_text`."""
        rows = [(*key, tally.confirmed, tally.contradicted) for key, tally in self._servers.items()]
        return msgspec.json.encode(_Saved(self.since, rows, self._methods, self.alarms)).decode()

    def restore_text(self, text: str) -> None:
        """Take over what `to_text` gave; a damaged text gives nothing."""
        try:
            saved = msgspec.json.decode(text or "{}", type=_Saved)
        except (ValueError, RecursionError):
            return
        self.since, self.alarms, self._methods = saved.since, saved.alarms, saved.methods
        self._servers = {ChannelKey(*row[:3]): Tally(row[3], row[4]) for row in saved.servers[:LIMIT]}

    def add_counts(self, other: Accuracy) -> None:
        """Take over what was counted elsewhere, beside our own."""
        self.since = min(self.since or other.since, other.since or self.since)
        for name in Alarms.__struct_fields__:
            setattr(self.alarms, name, getattr(self.alarms, name) + getattr(other.alarms, name))
        _add_tallies(self._methods, other._methods)
        _add_tallies(self._servers, other._servers)

    def _labels_of(self, key: ChannelKey, tally: Tally) -> dict[str, str]:
        """A server that was never wrong shares one series per method: the interesting ones are few, the others are thousands.

        A counter never falls: what was counted under "other" stays there when a server gets series of its own.
        """
        if key not in self._named and tally.contradicted and len(self._named) < NAMED:
            self._named.add(key)
        method, server, suffix = key if key in self._named else (key[0], "other", "other")
        return {"method": method, "server": server, "suffix": suffix}

    def _count_alarm(self, what: str, metrics: Metrics, now: float) -> None:
        setattr(self.alarms, what, getattr(self.alarms, what) + 1)
        metrics.count("alarms", result=what)
        self._mark_changed(now)

    def _mark_changed(self, now: float) -> None:
        self.since = self.since or now
        self.changed = True

    def _make_room(self) -> None:
        """Make room: servers that were never wrong and seldom counted go first. The sums per method keep their answers."""
        rows = nsmallest(ROOM, self._servers.items(), key=lambda row: (row[1].contradicted, row[1].confirmed))
        for key, _ in rows:
            del self._servers[key]
            self._named.discard(key)


def _add_tallies(tallies: dict[K, Tally], others: Mapping[K, Tally]) -> None:
    for key, other in others.items():
        mine = tallies.setdefault(key, Tally())
        mine.confirmed += other.confirmed
        mine.contradicted += other.contradicted


def join_counts(texts: Iterable[str]) -> str:
    """The counts of several texts of `to_text`, added up; a damaged one counts nothing."""
    whole = Accuracy()
    for text in texts:
        part = Accuracy()
        part.restore_text(text)
        whole.add_counts(part)
    return whole.to_text()


def find_side(verdict: Verdict) -> bool | None:
    """Whether a verdict says that there is no object; None while it is not settled."""
    if verdict.state in OWNED and verdict.p_unregistered <= 1.0 - SURE:
        return False
    return True if verdict.state in _FREE and verdict.p_unregistered >= SURE else None


def find_claim(method: str, item: Evidence, state: State, situation: Situation) -> bool | None:
    """Whether an answer says that there is no object; None where it says neither."""
    outcome = item.observation.reading.outcome
    free = outcome in _NO_OBJECT
    if not free and outcome is not Outcome.REGISTERED:
        return None
    if method not in ("dns", "http"):
        return free
    known_missing = free and (situation.phase in OUT_OF_ZONE or state is State.UNDELEGATED)
    return None if situation.wildcard or known_missing else free


def is_younger_registration(entry: Entry, alarmed_at: float) -> bool:
    """Whether the registry, asked after the alarm, shows a registration that is younger than it."""
    record = newest_evidence(entry.detail.evidence, Outcome.REGISTERED, methods=RECORD_METHODS)
    created = record.observation.reading.fields.created_at if record is not None and record.at > alarmed_at else None
    at = iso_to_epoch(created) if created else None
    return created is not None and at is not None and at >= alarmed_at - (_DAY if len(created) <= 10 else _SKEW)
