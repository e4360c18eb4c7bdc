"""The instances that announced themselves in the database, as this one sees them, and how its clock differs from ours.

How old an announcement is, is measured by our own clock from when it was seen to change; only of the first one that is seen the
clock of the database tells. While the database cannot be read ages grow, but no instance becomes silent by that: all of them
may be well, and cannot say so.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from common.core.telemetry.problems import Problem
from common.instances import Coordinator, Instance
from common.store.lease_contract import Leader
from common.store.member_contract import GONE_AFTER, Roster, SeenMember, ShownShard

#: Seconds without an announcement after which an instance is silent.
SILENT_AFTER = 15.0
#: Seconds by which two clocks may differ; receivers of callbacks allow for five minutes, and forecasts for less.
CLOCK_LIMIT = 2.0
#: Seconds for which they have to differ: a clock that is just being set is no problem.
CLOCK_AFTER = 10.0


class RosterLook(NamedTuple):
    """What was read of the announcements, and when that began and ended by our own clock, in epoch seconds."""

    roster: Roster
    began: float
    ended: float


class Announced(NamedTuple):
    """An instance by its announcement. `age`: seconds since its youngest heartbeat; `status`: ok, stopping, silent or gone."""

    instance: Instance
    age: float
    status: str


class _Heard(NamedTuple):
    seen_at: float  # by the clock of the database
    age: float  # of the announcement, when it was seen first
    since: float  # when that was, by our own clock
    blind: float  # for how long nothing could be read up to then


class MemberWatch:
    """Remembers announcements, and when each was seen to change. Times of look_at are of a steady clock."""

    def __init__(self) -> None:
        self._members: tuple[SeenMember, ...] = ()
        self._heard: dict[str, _Heard] = {}
        self._looked_at: float | None = None
        self._readable = True
        self._blind = 0.0

    def note(self, roster: Roster | None, monotonic: float) -> list[Announced]:
        """All that are known after a look; None where the database could not be read."""
        if self._looked_at is not None and not (self._readable and roster is not None):
            self._blind += monotonic - self._looked_at
        self._looked_at, self._readable = monotonic, roster is not None
        if roster is not None:
            self._members = roster.members
            before, self._heard = self._heard, {}
            for seen in roster.members:
                self._heard[seen.member.name] = self._hear(before.get(seen.member.name), seen, roster.now, monotonic)
        return [self._judge(seen, monotonic) for seen in self._members]

    def _hear(self, before: _Heard | None, seen: SeenMember, present: float | None, monotonic: float) -> _Heard:
        if before is not None and before.seen_at == seen.seen_at:
            return before
        age = 0.0 if before is not None or present is None else max(0.0, present - seen.seen_at)
        return _Heard(seen.seen_at, age, monotonic, self._blind)

    def _judge(self, seen: SeenMember, monotonic: float) -> Announced:
        heard, shown = self._heard[seen.member.name], seen.member.shown
        age = heard.age + monotonic - heard.since + shown.heard_ago
        watched = age - (self._blind - heard.blind)
        status = "stopping" if shown.stopping else "ok"
        if watched > SILENT_AFTER:
            status = "gone" if watched > GONE_AFTER else "silent"
        return Announced(_to_instance(seen), age, status)


def clock_problems(look: RosterLook) -> Iterator[Problem]:
    """A clock of ours that differs from that of the database, beyond what the time of the look leaves open."""
    if look.roster.now is None:
        return
    difference = (look.began + look.ended) / 2 - look.roster.now
    if abs(difference) - (look.ended - look.began) / 2 > CLOCK_LIMIT:
        side = "ahead of" if difference > 0 else "behind"
        what = f"The clock of this host is {abs(difference):.1f} s {side} that of the database."
        remedy = "Have NTP set the clocks of both hosts: receivers refuse callbacks whose webhook-timestamp is wrong."
        yield Problem("clock_differs", what, remedy, after=CLOCK_AFTER)


def _to_instance(seen: SeenMember) -> Instance:
    member, shown = seen.member, seen.member.shown
    shards = (ShownShard(0, shown.leader, shown.epoch, shown.coordinator_ago, shown.coordinator_started_at), *shown.shards)
    return Instance(
        name=member.name,
        heard_at=seen.seen_at - shown.heard_ago,
        started_at=member.started_at,
        processes=shown.processes,
        stopping=shown.stopping,
        coordinators={
            each.shard: Coordinator(seen.seen_at - each.coordinator_ago, each.coordinator_started_at)
            for each in shards
            if each.coordinator_ago is not None
        },
        leaders={each.shard: Leader(each.leader, "", each.epoch, "", "") for each in shards if each.epoch},
        host=shown.host or None,
        egress=member.egress,
    )
