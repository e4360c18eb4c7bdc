"""What every handler needs, in one place: `request.app[CONTROL]`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from aiohttp import web

from actors.control import local_problems
from actors.control.auth import AccessPolicy
from actors.control.coordinator_health import STATUS_LIMIT, hear
from actors.control.http_problems import Problem, store_unavailable
from actors.control.instance_health import HealthAssessor, HealthReport, expected_groups
from actors.control.instance_watch import InstanceWatch, Sight, instance_problems
from actors.control.live_feed import LiveFeed
from actors.control.member_watch import RosterLook, clock_problems
from actors.control.request_limit import TokenBucket
from actors.control.request_security import build_access_policy
from actors.control.store_readers import StoreReaders
from common import config, heartbeat
from common.config import Settings
from common.core.coordinator.merged_status import merge_problems
from common.core.shards.layout import Layout
from common.core.telemetry import problems as telemetry
from common.core.telemetry.metrics import Metrics
from common.errors import MessageError
from common.heartbeat import Heartbeat
from common.log import get_logger
from common.messages import Command
from common.peers import Peers, default_gateways
from common.store.store_contract import Reader

#: Seconds that heartbeats, and what was seen of disk and database, stay good.
KEPT_SECONDS = 1.0

log = get_logger("control")


class Commands(Protocol):
    """The way to the coordinator of each shard."""

    def send(self, message: Command, shard: int) -> bool:
        """Whether that coordinator was there to take it."""
        ...


@dataclass
class Control:
    """The control process' parts. `now` gives epoch seconds, `monotonic` seconds for durations.

    Where the watch list is divided, `find_layout` gives how the store does so, None while it has no state; it is called in a
    thread.
    """

    settings: Settings
    store: StoreReaders
    commands: Commands
    suffix_of: Callable[[str], str | None]
    now: Callable[[], float]
    monotonic: Callable[[], float]
    process: str = "control"
    find_layout: Callable[[], Layout | None] = Layout
    peers: Peers | None = None  # by default the settings say which
    access: AccessPolicy = field(init=False)
    live: LiveFeed = field(init=False)
    metrics: Metrics = field(init=False)
    health: HealthAssessor = field(init=False)
    started_at: float = field(init=False)
    refreshes: TokenBucket = field(default_factory=lambda: TokenBucket(1.0, 1.0))
    _beats: dict[str, Heartbeat] = field(default_factory=dict)
    _beats_at: float | None = None
    _layout: Layout | None = None
    _seen: list[telemetry.Problem] = field(default_factory=list)
    _seen_at: float | None = None
    _sight: Sight = field(default_factory=Sight)

    def __post_init__(self) -> None:
        self.started_at = started_at = self.now()
        trusted = default_gateways if self.settings.control_trust_gateway else frozenset
        self.access = build_access_policy(self.settings, self.peers or Peers(self.monotonic, trusted))
        self.live = LiveFeed(self.store, self.now, self.settings.shards)
        self.metrics = Metrics(started_at)
        self.health = HealthAssessor(expected_groups(self.settings), started_at)
        self._instances = InstanceWatch(self.settings)
        self._supervision = local_problems.SupervisorWatch(supervised=bool(config.inherited("SUPERVISOR_SERVER_URL")))

    async def heartbeats(self) -> dict[str, Heartbeat]:
        """Every process' heartbeat, at most a second old."""
        moment = self.monotonic()
        if self._beats_at is None or moment - self._beats_at > KEPT_SECONDS:
            self._beats = await asyncio.to_thread(heartbeat.read_heartbeats, self.settings.instance_dir)
            self._beats_at = moment
        return self._beats

    async def assess_health(self) -> HealthReport:
        """The present health. What began or ended by this look is logged and counted."""
        beats, seen, statuses = await self.heartbeats(), await self._look_around(), self.live.latest_statuses()
        told = [
            telemetry.parse_problems(status.content.get("problems"))
            if status is not None and status.age <= STATUS_LIMIT
            else []
            for status in statuses
        ]
        report = self.health.assess(self.now(), beats, [*map(hear, statuses)], merge_problems(told), seen, self._sight)
        for change in report.changes:
            (log.error if change.began else log.info)(change.log_event, **change.log_fields())
            if change.began:
                self.metrics.count("problems_begun", code=change.problem.code)
        return report

    async def _look_around(self) -> list[telemetry.Problem]:
        """What is wrong with disk, database, supervisor and other instances, at most a second old."""
        moment = self.monotonic()
        if self._seen_at is None or moment - self._seen_at > KEPT_SECONDS:
            found, error = await self.store.probe(self._look_at_roster)
            disks = await asyncio.to_thread(lambda: [*local_problems.disk_problems(self.settings)])
            left = await asyncio.to_thread(lambda: [*local_problems.spool_problems(self.settings)])
            roster = None if found is None else found.roster
            self._sight = await asyncio.to_thread(self._instances.look, self.now(), moment, roster)
            self._seen = [
                *(() if found is None else clock_problems(found)),
                *disks,
                *local_problems.database_problems(self.settings, error),
                *left,
                *self._supervision.problems(),
                *instance_problems(self._sight, self.now()),
            ]
            self._seen_at = moment
        return self._seen

    def _look_at_roster(self, reader: Reader) -> RosterLook:
        reader.last_seq()  # asks every store, as those in a file have no roster
        began = self.now()
        return RosterLook(reader.members(), began, self.now())

    async def shard_of(self, name: str) -> int:
        """The shard of a name (A-label). Raises Problem 503 while the store, which says so, cannot be read."""
        if self.settings.shards == 1:
            return 0
        if self._layout is None:
            self._layout = await self.store.read(lambda _: self.find_layout())
        if self._layout is None:
            raise store_unavailable()
        return self._layout.shard_of(name)

    def send_command(self, verb: str, target: str = "", shard: int | None = None) -> None:
        """Pass a changing call on, to all shards where none is named. Raises Problem 503 where one does not take it."""
        shards = range(self.settings.shards) if shard is None else (shard,)
        try:
            silent = [each for each in shards if not self.commands.send(Command(verb, target, self.process), each)]
        except MessageError:
            raise Problem(400, "The target cannot be sent.") from None
        if silent:
            of = f" of shard {', '.join(map(str, silent))}" if self.settings.shards > 1 else ""
            raise Problem(503, f"The coordinator{of} cannot be reached at the moment.", headers={"Retry-After": "2"})


CONTROL: web.AppKey[Control] = web.AppKey("control", Control)


def control_of(request: web.Request) -> Control:
    """The parts, from a request."""
    return request.app[CONTROL]
