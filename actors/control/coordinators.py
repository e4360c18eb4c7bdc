"""The coordinators that lead, one for each shard of the watch list: what they publish comes from here, commands go there."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from actors.control.live_feed import TOPICS
from common.bus import FeedSubscriber, InboxSender, LeaderWatch, inner_feed_keys
from common.config import Settings
from common.messages import Command
from common.shard_settings import settings_of_shard
from common.store.lease_contract import Addresses


class Coordinators:
    """Follows the leader of every shard."""

    def __init__(self, settings: Settings) -> None:
        self._leaders = [_Leading(settings_of_shard(settings, shard)) for shard in range(settings.shards)]

    def attach(self, received: Callable[[str, dict[str, Any], int], object]) -> None:
        """Call `received(topic, payload, shard)` for each message, from the running loop."""
        for shard, leader in enumerate(self._leaders):
            leader.attach(partial(_add_shard, received, shard))

    def send(self, message: Command, shard: int) -> bool:
        """Whether the coordinator of a shard was there to take it. Raises MessageError for one that it would refuse."""
        return shard < len(self._leaders) and self._leaders[shard].inbox.send(message)

    def close(self) -> None:
        """Follow no more; what was accepted for sending gets a second."""
        for leader in self._leaders:
            leader.close()


class _Leading:
    """The way to the leader of one shard, and back."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._watch = LeaderWatch(settings)
        way = self._watch.addresses
        self.inbox = InboxSender(settings, way)
        self._feed = FeedSubscriber(way.feed, TOPICS, keys=inner_feed_keys(settings, way), server_key=way.server_key)

    def attach(self, received: Callable[[str, dict[str, Any]], None]) -> None:
        self._feed.attach(received)
        self._watch.attach(self._follow)

    def close(self) -> None:
        self._watch.close()
        self._feed.close()
        self.inbox.close()

    def _follow(self, addresses: Addresses) -> None:
        self.inbox.move(addresses)
        self._feed.move(addresses.feed, keys=inner_feed_keys(self._settings, addresses), server_key=addresses.server_key)


def _add_shard(received: Callable[[str, dict[str, Any], int], object], shard: int, topic: str, payload: dict[str, Any]) -> None:
    received(topic, payload, shard)
