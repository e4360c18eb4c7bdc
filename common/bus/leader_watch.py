"""Where the leader is reached, as this instance knows it: its coordinator keeps a small file that says so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from common import leader_file
from common.bus.bus_endpoints import local_addresses
from common.bus.leader_way import Way, choose_way
from common.config import Settings
from common.store.lease_contract import Addresses

#: Seconds between two looks at the file.
LOOK_EVERY = 0.25


class LeaderWatch:
    """Follows the leader for sockets of this process. `trouble`: why it cannot be reached, and the remedy; "" where it can.

    Where no coordinator has said which one leads, that of BUS_ENDPOINT counts: of another host, or one that will start on this.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._instance_dir = settings.instance_dir
        self._stamp = leader_file.stamp_of(self._instance_dir, settings.shard)  # before the file: it may change meanwhile
        leader = leader_file.read_leader(self._instance_dir, settings.shard)
        self._epoch = 0 if leader is None else leader.epoch
        unknown = Way(Addresses(settings.bus_endpoint, local_addresses(settings, 0).feed))
        self.addresses, self.trouble = unknown if leader is None else choose_way(settings, leader)
        self._timer: asyncio.TimerHandle | None = None
        self._moved: Callable[[Addresses], object] = lambda _: None

    def attach(self, moved: Callable[[Addresses], object]) -> None:
        """Call `moved(addresses)` from the running loop when another leads, or leads again in another epoch."""
        self._moved = moved
        self._look()

    def close(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(LOOK_EVERY, self._look)
        stamp = leader_file.stamp_of(self._instance_dir, self._settings.shard)
        if stamp == self._stamp:
            return
        leader = leader_file.read_leader(self._instance_dir, self._settings.shard)
        if leader is None:
            return  # looks again: it is being written, or damaged
        self._stamp = stamp
        addresses, self.trouble = choose_way(self._settings, leader)
        if (leader.epoch, addresses) != (self._epoch, self.addresses):
            self._epoch, self.addresses = leader.epoch, addresses
            self._moved(self.addresses)
