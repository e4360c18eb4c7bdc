"""What every handler needs, in one place: `request.app[CONTROL]`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from aiohttp import web

from actors.control.health import Health, Report, expected_groups
from actors.control.limits import Bucket
from actors.control.live import Live
from actors.control.problems import Problem
from actors.control.records import Records
from common import heartbeat
from common.config import Settings
from common.core.metrics import Metrics
from common.errors import MessageError
from common.heartbeat import Heartbeat
from common.messages import Command

#: Seconds that heartbeats read from disk stay good.
BEATS_GOOD = 1.0


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
    live: Live = field(init=False)
    metrics: Metrics = field(init=False)
    health: Health = field(init=False)
    started_at: float = field(init=False)
    refreshes: Bucket = field(default_factory=lambda: Bucket(1.0, 1.0))
    _beats: dict[str, Heartbeat] = field(default_factory=dict)
    _beats_at: float | None = None

    def __post_init__(self) -> None:
        self.started_at = started_at = self.now()
        self.live = Live(self.records, self.settings.instance_id, self.now)
        self.metrics = Metrics(started_at)
        self.health = Health(expected_groups(self.settings), started_at)

    async def beats(self) -> dict[str, Heartbeat]:
        """Every process' heartbeat, at most a second old."""
        moment = self.monotonic()
        if self._beats_at is None or moment - self._beats_at > BEATS_GOOD:
            self._beats = await asyncio.to_thread(heartbeat.read_all, self.settings.state_dir)
            self._beats_at = moment
        return self._beats

    async def report(self) -> Report:
        """The present health."""
        beats = await self.beats()
        status = self.live.status()
        return self.health.judge(self.now(), beats, None if status is None else status[0])

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
