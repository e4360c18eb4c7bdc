"""A process in the coordinator's place: publishes `available.` messages, numbered, for as long as it runs."""

from __future__ import annotations

import asyncio

from common import config, state_dir
from common.bus import CoordinatorBus

#: Seconds between two messages.
EVERY = 0.01


async def main() -> None:
    """Publish until killed."""
    settings = config.load()
    state_dir.create_directories(settings)
    bus = CoordinatorBus(settings, 0)
    bus.attach(lambda _data, _mark: None, lambda _: None, lambda _: None)
    seq = 0
    while True:
        seq += 1
        for topic in (f"available.name{seq % 10_000}.com", f"result.dns.name{seq % 10_000}.com"):
            if bus.feed.has_subscriber(topic):
                bus.feed.publish(topic, {"v": 1, "seq": seq, "type": "event"})
        await asyncio.sleep(EVERY)


if __name__ == "__main__":
    asyncio.run(main())
