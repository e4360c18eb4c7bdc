"""What every handler needs, in one place: `request.app[CONTROL]`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from aiohttp import web

from actors.control import local_problems
from actors.control.auth import Policy
from actors.control.http_problems import Problem
from actors.control.instance_health import STATUS_LIMIT, Health, Report, expected_groups
from actors.control.live_feed import Live
from actors.control.peers import Peers, gateways
from actors.control.request_limit import Bucket
from actors.control.request_security import policy_of
from actors.control.store_readers import Records
from common import config, heartbeat
from common.config import Settings
from common.core.telemetry import problems as telemetry
from common.core.telemetry.metrics import Metrics
from common.errors import MessageError
from common.heartbeat import Heartbeat
from common.log import get_logger
from common.messages import Command

#: Seconds that heartbeats, and what was seen of disk and database, stay good.
BEATS_GOOD = 1.0

log = get_logger("control")


class Commands(Protocol):
    """The way to the coordinator."""

    def send(self, message: Command) -> bool:
        """Whether a coordinator was there to take it."""
        ...


@dataclass
class Control:
    """The control process' parts. `now` gives epoch seconds, `monotonic` seconds for durations."""

    settings: Settings
    records: Records
    commands: Commands
    suffix_of: Callable[[str], str | None]
    now: Callable[[], float]
    monotonic: Callable[[], float]
    process: str = "control"
    peers: Peers | None = None  # by default the settings say which
    access: Policy = field(init=False)
    live: Live = field(init=False)
    metrics: Metrics = field(init=False)
    health: Health = field(init=False)
    started_at: float = field(init=False)
    refreshes: Bucket = field(default_factory=lambda: Bucket(1.0, 1.0))
    _beats: dict[str, Heartbeat] = field(default_factory=dict)
    _beats_at: float | None = None
    _seen: list[telemetry.Problem] = field(default_factory=list)
    _seen_at: float | None = None

    def __post_init__(self) -> None:
        self.started_at = started_at = self.now()
        trusted = gateways if self.settings.control_trust_gateway else frozenset
        self.access = policy_of(self.settings, self.peers or Peers(self.monotonic, trusted))
        self.live = Live(self.records, self.settings.instance_id, self.now)
        self.metrics = Metrics(started_at)
        self.health = Health(expected_groups(self.settings), started_at)
        self._supervision = local_problems.Supervision(supervised=bool(config.inherited("SUPERVISOR_SERVER_URL")))

    async def beats(self) -> dict[str, Heartbeat]:
        """Every process' heartbeat, at most a second old."""
        moment = self.monotonic()
        if self._beats_at is None or moment - self._beats_at > BEATS_GOOD:
            self._beats = await asyncio.to_thread(heartbeat.read_all, self.settings.state_dir)
            self._beats_at = moment
        return self._beats

    async def report(self) -> Report:
        """The present health. What began or ended by this look is logged and counted."""
        beats, seen, status = await self.beats(), await self._look_around(), self.live.status()
        age, content = (None, {}) if status is None else status
        told = telemetry.read(content.get("problems")) if age is not None and age <= STATUS_LIMIT else []
        report = self.health.judge(self.now(), beats, age, told, seen)
        for change in report.changes:
            (log.error if change.began else log.info)(change.event, **change.fields())
            if change.began:
                self.metrics.count("problems_begun", code=change.problem.code)
        return report

    async def _look_around(self) -> list[telemetry.Problem]:
        """What is wrong with disk, database and supervisor, at most a second old."""
        moment = self.monotonic()
        if self._seen_at is None or moment - self._seen_at > BEATS_GOOD:
            error = await self.records.trouble()
            disks = await asyncio.to_thread(lambda: [*local_problems.disks(self.settings)])
            self._seen = [*disks, *local_problems.database(self.settings.store_path, error), *self._supervision.problems()]
            self._seen_at = moment
        return self._seen

    def command(self, verb: str, target: str = "") -> None:
        """Pass a changing call on. Raises Problem 503 where no coordinator takes it."""
        try:
            taken = self.commands.send(Command(verb, target, self.process))
        except MessageError:
            raise Problem(400, "The target cannot be sent.") from None
        if not taken:
            raise Problem(503, "The coordinator cannot be reached at the moment.", headers={"Retry-After": "2"})


CONTROL: web.AppKey[Control] = web.AppKey("control", Control)


def control_of(request: web.Request) -> Control:
    """The parts, from a request."""
    return request.app[CONTROL]
