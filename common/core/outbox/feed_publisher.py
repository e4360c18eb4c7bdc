"""Publishes maps on the live feed, numbered so that a subscriber sees a gap; without a subscriber a map is never built."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from common.core.model.effects import Effects, Publish, PublishMany


class FeedPublisher:
    """Numbers and publishes maps; `instance` is named in each, and `shard` where the watch list is divided."""

    def __init__(self, effects: Effects, instance: str, shard: int | None = None) -> None:
        self._effects = effects
        self._instance = instance
        self._of = {"instance": instance} if shard is None else {"instance": instance, "shard": shard}
        self._seq = 0

    def take_seq(self) -> int:
        """The next number of maps that are no events."""
        self._seq += 1
        return self._seq

    def publish_map(
        self, topic: str, kind: str, now: float, build: Callable[[], dict[str, Any]], seq: int | None = None
    ) -> None:
        """Publish one map; `seq` is that of an event."""
        head = self._map_head(self.take_seq() if seq is None else seq, kind, now)
        self._effects.plan_effect(Publish(topic, lambda: {**head, **build()}))

    def publish_maps(
        self, prefix: str, kind: str, now: float, count: int, build: Callable[[], Iterable[tuple[str, dict[str, Any]]]]
    ) -> None:
        """Publish `count` maps below one prefix, each with its topic."""
        first, self._seq = self._seq + 1, self._seq + count

        def build_all() -> Iterable[tuple[str, dict[str, Any]]]:
            for seq, (topic, content) in enumerate(build(), first):
                yield topic, {**self._map_head(seq, kind, now), **content}

        self._effects.plan_effect(PublishMany(prefix, build_all))

    def publish_system(self, actor: str, kind: str, now: float, build: Callable[[], dict[str, Any]]) -> None:
        """Publish the status of an actor of this instance."""
        self.publish_map(f"system.{actor}.{self._instance}", kind, now, build)

    def _map_head(self, seq: int, kind: str, now: float) -> dict[str, Any]:
        return {"v": 1, "seq": seq, "type": kind, "ts": now, **self._of}
