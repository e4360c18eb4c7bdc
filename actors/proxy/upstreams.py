"""Which instances live and which ones lead, by what they keep in STATE_DIR/instances: heartbeats, and files about leaders.

How long ago an instance was heard is measured by our own steady clock from the look that found a new heartbeat, so that
neither a clock that is set nor a pause of our own makes every instance look dead.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from common import clock
from common.heartbeat import read_heartbeat
from common.instances import list_directories
from common.leader_file import read_leaders
from common.shard_settings import coordinator_name
from common.store.lease_contract import Leader

#: The processes that connections are passed on to, beside the coordinators of all shards.
PROCESSES = ("control", "feed")
#: Seconds without a heartbeat after which an instance gets no new connection, and after which those it has are closed.
FRESH, SILENT = 5.0, 10.0


class BusSocket(NamedTuple):
    """A work socket: of which shard, and where it is, given the base of a bus."""

    shard: int
    place: Callable[[str], str]


class Found(NamedTuple):
    """What one instance says in its directory: last heartbeats by process (epoch seconds), and who leads each shard."""

    directory: Path
    beats: dict[str, float]
    leaders: Mapping[int, Leader]


class _Heard(NamedTuple):
    at: float  # what the heartbeat says
    moment: float  # when that was found, on our steady clock


def list_processes(shards: int) -> tuple[str, ...]:
    """The processes whose heartbeats are read."""
    return (*PROCESSES, *map(coordinator_name, range(shards)))


def read_instances(state_dir: Path, processes: Sequence[str] = PROCESSES) -> list[Found]:
    """What every instance says; empty where nothing can be read."""
    return [_read_instance(directory, processes) for directory in list_directories(state_dir)]


class Upstreams:
    """The instances, as far as is known. Times are seconds of steady clocks."""

    def __init__(
        self,
        state_dir: Path,
        monotonic: Callable[[], float] = clock.monotonic,
        now: Callable[[], float] = clock.now,
        *,
        shards: int = 1,
    ) -> None:
        self._state_dir = state_dir
        self._processes = list_processes(shards)
        self._monotonic, self._now = monotonic, now
        self._directories: list[Path] = []
        self._heard: dict[tuple[Path, str], _Heard] = {}
        self._looked = asyncio.Condition()
        self._moment = 0.0  # of the last look
        self._leaders: dict[int, Leader] = {}

    @property
    def leader(self) -> Leader | None:
        """The leader of the first shard."""
        return self._leaders.get(0)

    async def look(self) -> None:
        """Read the files of all instances again."""
        self.note(await asyncio.to_thread(read_instances, self._state_dir, self._processes))
        async with self._looked:
            self._looked.notify_all()

    async def await_look(self, seconds: float) -> None:
        """Wait for the next look, at most so many seconds."""
        try:
            async with asyncio.timeout(seconds), self._looked:
                await self._looked.wait()
        except TimeoutError:
            return

    def note(self, found: list[Found]) -> None:
        """Take what a look has found."""
        self._moment, now = self._monotonic(), self._now()
        heard: dict[tuple[Path, str], _Heard] = {}
        for instance in found:
            for process in self._processes:
                key = instance.directory, process
                if (last := self._hear(self._heard.get(key), instance.beats.get(process), now)) is not None:
                    heard[key] = last
        self._heard = heard
        self._directories = sorted(instance.directory for instance in found)
        self._leaders = self._find_leaders(found)

    def find_candidates(self, process: str) -> list[Path]:
        """The directories of instances of which this process was heard just now, that which leads the first shard first."""
        moment = self._monotonic()
        fresh = [each for each in self._directories if self._silence(each, process, moment) <= FRESH]
        return sorted(fresh, key=lambda directory: self.leader is None or directory.name != self.leader.instance)

    def find_bus(self, socket: BusSocket) -> list[tuple[Path, str]]:
        """The directory of the leader and this socket of its bus on this host; nothing where its bus knows no keys.

        Behind the proxy is the open network: without keys any client there could take tasks and forge results.
        """
        leader = self._leaders.get(socket.shard)
        if leader is None or not leader.server_key or not leader.bus.startswith("ipc://"):
            return []
        path = socket.place(leader.bus).removeprefix("ipc://")
        living = self.find_candidates(coordinator_name(socket.shard))
        return [(directory, path) for directory in living if self.leads(directory, socket.shard)]

    def leads(self, directory: Path, shard: int | None = None) -> bool:
        """Whether the instance of this directory leads this shard, or any (None), as far as is known."""
        leaders = self._leaders.items()
        return any(directory.name == leader.instance for number, leader in leaders if shard in (None, number))

    def is_silent(self, directory: Path, process: str) -> bool:
        """Whether the last look found that this process of an instance has been silent for too long, or is gone."""
        return self._silence(directory, process, self._moment) > SILENT

    def _hear(self, before: _Heard | None, at: float | None, now: float) -> _Heard | None:
        if at is None:
            return before  # it ends, or could not be read; without a new heartbeat it grows old by itself
        if before is None:
            return _Heard(at, self._moment - max(0.0, now - at))
        return before if at == before.at else _Heard(at, self._moment)

    def _silence(self, directory: Path, process: str, moment: float) -> float:
        heard = self._heard.get((directory, process))
        return float("inf") if heard is None else moment - heard.moment

    def _find_leaders(self, found: list[Found]) -> dict[int, Leader]:
        """By shard, that of the highest epoch that a living instance names: others may remember one of an earlier store."""
        leaders: dict[int, Leader] = {}
        for each in found:
            if any(not self.is_silent(each.directory, process) for process in self._processes):
                for shard, leader in each.leaders.items():
                    if shard not in leaders or leader.epoch > leaders[shard].epoch:
                        leaders[shard] = leader
        return leaders


def _read_instance(directory: Path, processes: Iterable[str]) -> Found:
    beats = ((process, read_heartbeat(directory, process)) for process in processes)
    return Found(directory, {process: beat.at for process, beat in beats if beat is not None}, read_leaders(directory))
