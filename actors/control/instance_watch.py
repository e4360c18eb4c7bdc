"""The instances of one store, as this one sees them: which of them leads each shard, and which is silent or gone.

Those that share STATE_DIR are seen by their heartbeats there, others by what they announce in the database
(`actors.control.member_watch`). How old a heartbeat of another instance is, is measured by our own clock from when it was seen
to change: two processes need not agree on the time.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from actors.control.member_watch import SILENT_AFTER, MemberWatch
from common import instances, leader_file
from common.config import Settings
from common.core.telemetry.problems import Problem
from common.heartbeat import Heartbeat
from common.instances import FORGOTTEN_AFTER, Instance
from common.shard_settings import coordinator_name
from common.store.lease_contract import Leader
from common.store.member_contract import Roster

#: Statuses of an instance that does nothing, and was not stopped.
LOST = frozenset({"silent", "gone"})
#: Seconds for which an instance has to be silent when we look: after a pause of our own every heartbeat is old at first.
SETTLED = 2.0
#: Seconds between two looks for directories of instances that ended long ago; both have to see the same last sign of life, so
#: that a step of the clock in between deletes nothing.
FORGET_EVERY = 60.0


class InstanceSight(NamedTuple):
    """One instance. `status`: ok, stopping, silent (it is there and does nothing) or gone; `age` in seconds."""

    instance: Instance
    age: float
    status: str
    own: bool
    leads: tuple[int, ...]  # shards
    near: bool = True  # whether it shares our STATE_DIR

    @property
    def is_lost(self) -> bool:
        """Whether it does nothing, and was not stopped."""
        return self.status in LOST

    def coordinator_age(self, shard: int = 0) -> float:
        """Seconds since the last heartbeat of its coordinator of a shard; infinite where it has none."""
        beat = self.instance.coordinators.get(shard)
        return float("inf") if beat is None else self.age + self.instance.heard_at - beat.at

    def to_json(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "instance": self.instance.name,
            "own": self.own,
            "role": "leader" if self.leads else "follower",
            "status": self.status,
            "heartbeat_age": round(self.age, 3),
            "processes": 0 if self.is_lost else self.instance.processes,
            "started_at": self.instance.started_at,
            "egress": self.instance.egress,
            "host": self.instance.host,
        }


class Seen(NamedTuple):
    """An instance, the age of its youngest heartbeat in seconds, its status, and whether it shares our STATE_DIR."""

    instance: Instance
    age: float
    status: str
    near: bool


class Sight(NamedTuple):
    """All instances, by name. `leaders` has no entry for a shard of which no coordinator has said so far which one leads."""

    own: str = ""
    instances: tuple[InstanceSight, ...] = ()
    leaders: Mapping[int, Leader] = MappingProxyType({})
    led_since: tuple[float, ...] = (0.0,)  # by shard, when our coordinator learned of its leader, in epoch seconds

    @property
    def shards(self) -> range:
        """The numbers of all shards."""
        return range(len(self.led_since))

    def follows(self, shard: int = 0) -> bool:
        """Whether another instance leads this shard."""
        return shard in self.leaders and self.leaders[shard].instance != self.own

    @property
    def leads_nothing(self) -> bool:
        """Whether other instances lead every shard."""
        return all(self.follows(shard) for shard in self.shards)

    def leading(self, shard: int = 0) -> InstanceSight | None:
        """The instance that leads a shard, where it is seen in STATE_DIR or in the database."""
        return next((sight for sight in self.instances if shard in sight.leads), None)

    def leader_silence(self, shard: int, status_age: float | None) -> float:
        """Seconds without a sign of the coordinator that leads a shard: a heartbeat, or a status on the feed."""
        ages = [float("inf") if status_age is None else status_age]
        if (leading := self.leading(shard)) is not None:
            ages.append(leading.coordinator_age(shard))
        return min(ages)

    def lacks_leader(self, shard: int, beats: Mapping[str, Heartbeat], status_age: float | None, now: float) -> bool:
        """Whether our coordinator of a shard is well and stands by, and none leads; `beats` are those of our own instance."""
        own = beats.get(coordinator_name(shard))
        stands_by = own is not None and not own.silent(now) and own.waiting_until is None
        leads = shard in self.leaders and not self.follows(shard)
        return stands_by and not leads and self.leader_silence(shard, status_age) > SILENT_AFTER

    def show_instances(self) -> list[dict[str, Any]]:
        """For JSON; which shards each leads only where there are several."""
        divided = len(self.shards) > 1
        return [sight.to_json() | ({"leads": list(sight.leads)} if divided else {}) for sight in self.instances]


class InstanceWatch:
    """Looks at the instances, and deletes what is left of those that ended long ago. Its methods may be called in threads."""

    def __init__(self, settings: Settings) -> None:
        self._state_dir, self._own = settings.state_dir, settings.instance_id
        self._own_dir, self._shards = settings.instance_dir, range(settings.shards)
        self._egress, self._host = settings.egress_id, os.uname().nodename
        self._members = MemberWatch()
        self._heard: dict[str, tuple[float, float, float]] = {}  # by name: its youngest heartbeat, how old it was, and when
        self._forgot: float | None = None
        self._stale: dict[str, float] = {}
        self._guard = threading.Lock()

    def look(self, now: float, monotonic: float, roster: Roster | None = None) -> Sight:
        """The instances at `now`, in epoch seconds; `monotonic` is a clock for durations.

        `roster` is what was read of the announcements, None where the store cannot be read.
        """
        with self._guard:
            if self._forgot is None or monotonic - self._forgot >= FORGET_EVERY:
                self._forgot = monotonic
                self._forget_stale()
            led_since = tuple(leader_file.stamp_of(self._own_dir, shard) / 1e9 for shard in self._shards)
            found = [self._complete_own(instance) for instance in instances.list_instances(self._state_dir)]
            near = {instance.name: Seen(instance, *self._judge(instance, now, monotonic), near=True) for instance in found}
            self._heard = {instance.name: self._heard[instance.name] for instance in found}
            far = {row.instance.name: Seen(*row, near=False) for row in self._members.note(roster, monotonic)}
        judged = sorted(merge_seen(self._own, near, far), key=lambda seen: seen.instance.name)
        living = [seen.instance for seen in judged if seen.status not in LOST]
        found_leaders = {shard: instances.find_leader(living, shard) for shard in self._shards}
        leaders = {shard: leader for shard, leader in found_leaders.items() if leader is not None}
        sights = (
            InstanceSight(instance, age, status, instance.name == self._own, _find_led(instance.name, leaders), near)
            for instance, age, status, near in judged
            if status != "gone" or age <= FORGOTTEN_AFTER
        )
        return Sight(self._own, tuple(sights), leaders, led_since)

    def _complete_own(self, instance: Instance) -> Instance:
        return instance._replace(egress=self._egress, host=self._host) if instance.name == self._own else instance

    def _forget_stale(self) -> None:
        stale = instances.find_stale(self._state_dir, self._own)
        for name, _ in stale.items() & self._stale.items():
            instances.forget(self._state_dir, name)
        self._stale = stale

    def _judge(self, instance: Instance, now: float, monotonic: float) -> tuple[float, str]:
        """How old its youngest heartbeat is, and its status."""
        heard_at, age, since = self._heard.get(instance.name, (0.0, 0.0, 0.0))
        if instance.name not in self._heard:
            age, since = max(0.0, now - instance.heard_at), monotonic
        elif heard_at != instance.heard_at:
            age, since = 0.0, monotonic
        self._heard[instance.name] = instance.heard_at, age, since
        age += monotonic - since
        status = "stopping" if instance.stopping else "ok"
        if age > SILENT_AFTER and instance.name != self._own:
            status = "silent" if instances.is_running(self._state_dir, instance.name) else "gone"
        return age, status


def merge_seen(own: str, near: Mapping[str, Seen], far: Mapping[str, Seen]) -> Iterator[Seen]:
    """Each instance once. One that is seen twice is as its heartbeats say, unless its announcement is far younger.

    The second is one that moved to another host and left its directory behind.
    """
    for name, here in near.items():
        there = far.get(name)
        if there is None or name == own:
            yield here
        elif here.age > there.age + SILENT_AFTER:
            yield there
        else:
            yield here._replace(instance=here.instance._replace(host=there.instance.host, egress=there.instance.egress))
    yield from (there for name, there in far.items() if name not in near)


def instance_problems(sight: Sight, now: float) -> Iterator[Problem]:
    """Instances that do nothing and were not stopped."""
    for row in sight.instances:
        if row.is_lost:
            name = row.instance.name
            what = f"The instance {name} is silent for {row.age:.0f} s."
            remedy = "See its log, and start it again."
            if row.status == "gone":
                ended = f"has ended, {row.age:.0f} s ago" if row.near else f"was heard last {row.age:.0f} s ago"
                what = f"The instance {name} {ended}, and was not stopped."
                remedy += f" It is forgotten {FORGOTTEN_AFTER / 60:.0f} minutes after its end."
            yield Problem("instance_silent", what, remedy, name, since=now - row.age, after=SETTLED)


def leader_problem(sight: Sight, shard: int, status_age: float | None, now: float) -> Problem:
    """The problem where no instance leads a shard."""
    divided = len(sight.shards) > 1
    of = f" shard {shard}" if divided else ""
    what, since, after = f"No instance leads{of}.", 0.0, SILENT_AFTER
    if shard in sight.leaders:
        silence = sight.leader_silence(shard, status_age)
        known = silence < float("inf")
        since, after = (now - silence, SETTLED) if known else (0.0, SETTLED)
        heard = f"is silent for {silence:.0f} s" if known else "is gone"
        what = f"The instance {sight.leaders[shard].instance} leads{of} and {heard}, and no other one has taken over."
    remedy = "See the logs of the coordinators; restart one of the instances where they say nothing of it."
    return Problem("no_leader", what, remedy, of.strip(), unwatched=True, since=since, after=after)


def _find_led(name: str, leaders: Mapping[int, Leader]) -> tuple[int, ...]:
    return tuple(shard for shard, leader in leaders.items() if leader.instance == name)
