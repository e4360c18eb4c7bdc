"""A worker's end of the bus: it follows the coordinator that leads.

On the leader's host, and on those of other instances, a file says who leads (`LeaderWatch`). A host that has checkers alone
(COORDINATOR) connects to every instance that may lead, and works for the one whose pulse has the highest epoch.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from common.bus.bus_endpoints import worker_topic
from common.bus.coordinator_link import CoordinatorLink
from common.bus.heard_leaders import HeardLeaders
from common.bus.leader_watch import LeaderWatch
from common.clock import monotonic
from common.config import Settings
from common.messages import Upward
from common.store.lease_contract import Addresses

#: Seconds between two looks at the connections.
LOOK_EVERY = 0.5


class WorkerBus:
    """A worker's end: its private topic, and the way back to the inbox. Both follow the leader."""

    def __init__(self, settings: Settings, worker: str, boot: str) -> None:
        self._settings = settings
        self._topic = worker_topic(worker, boot)
        self._leader = None if settings.coordinator else LeaderWatch(settings)
        places = [Addresses(endpoint, "") for endpoint in settings.coordinator]
        if self._leader is not None:
            places = [self._leader.addresses]
        self._links = [self._link(addresses) for addresses in places]
        self._heard = HeardLeaders()
        self._chosen = None if self._leader is None else self._links[0]
        self._epoch = 0
        self._timer: asyncio.TimerHandle | None = None
        self._received: Callable[[bytes], object] = lambda _: None
        self._moved: Callable[[], object] = lambda: None

    def attach(self, received: Callable[[bytes], object], moved: Callable[[], object] = lambda: None) -> None:
        """Call `received(frame)` for each message to this worker, and `moved()` when another coordinator leads."""
        self._received, self._moved = received, moved
        for place, link in enumerate(self._links):
            self._attach_link(place, link)
        if self._leader is not None:
            self._leader.attach(self._follow)
        self._look()

    def send(self, message: Upward) -> bool:
        """Whether the message was handed to the coordinator. Raises MessageError for one that it would refuse."""
        return self._chosen is not None and self._chosen.send(message)

    @property
    def remote(self) -> bool:
        """Whether the coordinator is, or may be, on another host."""
        return any(link.remote for link in self._links) or bool(self._leader is not None and self._leader.trouble)

    def find_trouble(self) -> str:
        """Why the coordinator is not reached, and what to do; "" where it is."""
        if self._leader is not None and self._leader.trouble:
            return self._leader.trouble
        if self._chosen is not None:
            return self._chosen.find_trouble()
        return "; ".join(link.find_trouble() for link in self._links)

    def close(self) -> None:
        """Close all ways; what was accepted for sending gets five seconds."""
        if self._timer is not None:
            self._timer.cancel()
        if self._leader is not None:
            self._leader.close()
        for link in self._links:
            link.close()

    def _link(self, addresses: Addresses) -> CoordinatorLink:
        return CoordinatorLink(self._settings, self._topic, addresses)

    def _attach_link(self, place: int, link: CoordinatorLink) -> None:
        link.attach(partial(self._take, link), partial(self._take_pulse, place))

    def _take(self, link: CoordinatorLink, frame: bytes) -> None:
        if link is self._chosen:  # one that led before needs no answer: its leases are lost
            self._received(frame)

    def _take_pulse(self, place: int, epoch: int) -> None:
        if self._leader is None:
            self._heard.note_pulse(place, epoch, monotonic())
            self._choose()

    def _look(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(LOOK_EVERY, self._look)
        for link in self._links:
            link.look()
        if self._leader is None:
            self._choose()

    def _choose(self) -> None:
        """Work for the coordinator that is heard to lead, and for none where none is."""
        leader = self._heard.find_leader(monotonic())
        self._chosen = None if leader is None else self._links[leader.place]
        if leader is not None and leader.epoch != self._epoch:
            self._epoch = leader.epoch
            self._moved()

    def _follow(self, addresses: Addresses) -> None:
        """Work for another coordinator: what the earlier one still sends needs no answer."""
        self._links[0].close()
        self._links[0] = self._chosen = self._link(addresses)
        self._attach_link(0, self._chosen)
        self._moved()
