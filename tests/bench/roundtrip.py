"""How long the coordinator's loop stands still, seen from outside: the round trip of a worker's goodbye.

A worker without slots announces itself and says goodbye again and again; each goodbye is answered with the last sequence sent
to it. Nothing else of the service waits for it, and a slow answer is a loop that was busy with something else.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from pathlib import Path

from common import config
from common.bus import WorkerBus
from common.messages import VERSION, Bye, Credit
from tests.lab.stack import INSTANCE

#: Seconds between two goodbyes, and between two announcements.
EVERY, ANNOUNCE = 0.02, 1.0
WORKER, BOOT, POOL = "bench-0@bench", "bench", "bench"


class RoundTrip:
    """`trips` are (when it was sent, seconds until the answer), times of the loop's clock; one at a time is under way."""

    def __init__(self, state: Path) -> None:
        self.trips: list[tuple[float, float]] = []
        self._state = state
        self._bus: WorkerBus | None = None
        self._answered = asyncio.Event()

    async def run(self) -> None:
        """Go on until cancelled."""
        loop = asyncio.get_running_loop()
        self._bus = WorkerBus(config.load({"STATE_DIR": str(self._state), "INSTANCE_ID": INSTANCE}), WORKER, BOOT)
        self._bus.attach(lambda _: self._answered.set())
        announced = -math.inf
        while True:
            self._answered.clear()
            sent = loop.time()
            while not self._answered.is_set():
                if loop.time() - announced >= ANNOUNCE:
                    self._bus.send(Credit(VERSION, WORKER, BOOT, POOL, "default", (), 0, 0, 0))
                    announced = loop.time()
                self._bus.send(Bye(WORKER, BOOT))
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(ANNOUNCE):  # no listener received it: send again
                        await self._answered.wait()
            self.trips.append((sent, loop.time() - sent))
            await asyncio.sleep(EVERY)

    def longest(self, since: float, until: float = math.inf) -> float:
        """The longest round trip that began in this time, in seconds; NaN where none did."""
        touched = [seconds for sent, seconds in self.trips if since <= sent <= until]
        return max(touched, default=math.nan)

    def close(self) -> None:
        """Leave the bus."""
        if self._bus is not None:
            self._bus.close()
