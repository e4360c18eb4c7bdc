"""The feed process: binds FEED_ENDPOINT and passes on what the coordinator publishes, so that no subscriber touches that.

What a peer sends is kept by ZeroMQ: subscriptions in its trie, by the million if it likes, and connections. Where that grows
beyond a bound this process ends and is started again: subscribers connect again by themselves, the coordinator does not notice.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
from pathlib import Path

from common.bus import PublicFeed
from common.process import Runtime

#: Bytes of memory, and share of the file descriptors that this process may open, at which it ends to be started anew.
MEMORY_LIMIT, DESCRIPTORS_SHARE = 512 << 20, 0.9
#: Seconds between two looks at them, and between two heartbeats.
LOOK_EVERY = 0.2


async def main(runtime: Runtime, most_bytes: int = MEMORY_LIMIT) -> None:
    """Serve until `runtime.stopping`, or until what peers make it hold is too much: then ask for the end of the process."""
    feed = PublicFeed(runtime.settings)
    try:
        feed.attach()
        runtime.log.info("feed_listening", endpoint=feed.endpoint, encrypted=feed.encrypted)
        while not runtime.stopping.is_set():
            runtime.beat()
            if (trouble := find_excess(most_bytes)) is not None:
                runtime.log.error("feed_too_large", trouble=trouble, passed=feed.passed, remedy="ends, starts again")
                runtime.stopping.set()  # only a new process gives back what ZeroMQ took
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY):
                    await runtime.stopping.wait()
    finally:
        feed.close()


def find_excess(most_bytes: int) -> str | None:
    """What this process holds too much of, in words; None where it is within bounds, or the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        descriptors = sum(1 for _ in Path("/proc/self/fd").iterdir())
    except (OSError, ValueError, IndexError):
        return None
    held = pages * resource.getpagesize()
    if held > most_bytes:
        return f"{held >> 20} MiB of memory, at most {most_bytes >> 20}"
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if allowed != resource.RLIM_INFINITY and descriptors > allowed * DESCRIPTORS_SHARE:
        return f"{descriptors} open file descriptors of {allowed}"
    return None
