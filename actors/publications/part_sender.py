"""Sends what was read to the coordinators that lead, one for each shard of the watch list."""

from __future__ import annotations

import asyncio

from msgspec.structs import replace

from actors.publications.listed_spool import ListedSpool
from common import leader_file
from common.bus import InboxSender, LeaderWatch
from common.config import Settings
from common.errors import DomainMonitorError
from common.messages import PublicationPart, PublicationStatus
from common.shard_settings import settings_of_shard
from common.store.lease_contract import Addresses

#: Seconds between two parts: a coordinator has other work, too. With 2,000 names in a part that is 100,000 names a second.
PART_GAP = 0.02
#: Seconds that a coordinator may not take a message before the reading is given up, and between two tries.
PATIENCE, RETRY_EVERY = 30.0, 0.2


class NotTakenError(DomainMonitorError):
    """The coordinator of a shard does not take what was read, or another one leads now; a later reading is for that one."""


class PartSender:
    """The ways to the coordinators that lead."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._ways = [_Way(settings_of_shard(settings, shard)) for shard in range(settings.shards)]

    def attach(self) -> None:
        """Follow the leaders from the running loop."""
        for way in self._ways:
            way.attach()

    def reads_here(self) -> bool:
        """Whether the coordinator beside this process leads the first shard: then this instance is the one that reads."""
        leader = leader_file.read_leader(self._settings.instance_dir)
        return leader is not None and leader.instance == self._settings.instance_id

    def leaders(self) -> str:
        """Stands for the coordinators that lead: another text where one was started anew, or another one took over."""
        found = leader_file.read_leaders(self._settings.instance_dir)
        return ",".join(f"{shard}:{leader.epoch}" for shard, leader in found.items())

    async def send_names(self, listed: ListedSpool, reading: PublicationPart) -> None:
        """Send the names of each shard in parts like `reading`, whose own number and names do not count.

        Raises NotTakenError where not all parts were taken by coordinators that lead from the first to the last of them.
        """
        leaders = self.leaders()
        for shard in range(len(self._ways)):
            last = listed.count_parts(shard) - 1
            for number, names in enumerate(listed.read_parts(shard)):
                await self._send(shard, replace(reading, number=number, last=number == last, names=names))
                await asyncio.sleep(PART_GAP)
        if self.leaders() != leaders:
            raise NotTakenError("another coordinator leads")

    async def send_part(self, shard: int, part: PublicationPart) -> None:
        """Send names of one shard that are a reading by themselves. Raises NotTakenError."""
        await self._send(shard, part)

    async def send_status(self, status: PublicationStatus) -> None:
        """Tell every coordinator how a reading went. Raises NotTakenError."""
        for shard in range(len(self._ways)):
            await self._send(shard, status)

    def close(self) -> None:
        """Follow no more; what was accepted for sending gets a second."""
        for way in self._ways:
            way.close()

    async def _send(self, shard: int, message: PublicationPart | PublicationStatus) -> None:
        for _ in range(int(PATIENCE / RETRY_EVERY)):
            if self._ways[shard].inbox.send(message):
                return
            await asyncio.sleep(RETRY_EVERY)
        raise NotTakenError(f"the coordinator of shard {shard} does not take what was read")


class _Way:
    """The way to the inbox of the leader of one shard."""

    def __init__(self, settings: Settings) -> None:
        self._watch = LeaderWatch(settings)
        self.inbox = InboxSender(settings, self._watch.addresses)

    def attach(self) -> None:
        self._watch.attach(self._follow)

    def close(self) -> None:
        self._watch.close()
        self.inbox.close()

    def _follow(self, addresses: Addresses) -> None:
        self.inbox.move(addresses)
