"""How long the coordinator's loop blocks all other work, measured on a real loop."""

from __future__ import annotations

import asyncio
import gc
import time

from actors.coordinator.loop_delay import EVERY, SlowTurns, StallWatch
from common.core.telemetry.metrics import Metrics


def test_a_loop_that_is_kept_busy_shows_for_how_long() -> None:
    """Work of a fifth of a second in one go is a stall of about that; after `close` nothing is measured."""
    metrics = Metrics(0.0)

    async def work() -> None:
        watch = StallWatch(lambda measured: measured.add_to(metrics))
        await asyncio.sleep(3 * EVERY)
        busy_until = time.monotonic() + 0.2
        while time.monotonic() < busy_until:
            pass
        await asyncio.sleep(3 * EVERY)
        watch.close()

    asyncio.run(work())
    [longest] = metrics.snapshot()["gauges"]
    [timer] = metrics.snapshot()["timers"]

    assert (longest[0], timer[0]) == ("loop_stall_max_seconds", "loop_stall_seconds")
    assert 0.1 < longest[2] < 5.0


def test_a_collection_in_the_middle_of_anything_changes_no_figure_there_and_then() -> None:
    """It can come while the figures are being read, in any thread; they take it in at the next look."""
    metrics = Metrics(0.0)

    def timers() -> set[str]:
        return {name for name, _, _ in metrics.snapshot()["timers"]}

    async def work() -> None:
        watch = StallWatch(lambda measured: measured.add_to(metrics))
        gc.collect()
        assert timers() == set()
        await asyncio.sleep(3 * EVERY)
        assert timers() == {"gc_seconds", "loop_stall_seconds"}
        watch.close()

    asyncio.run(work())


def test_slow_turns_are_told_once_a_minute_with_how_many_and_the_worst() -> None:
    """The first at once; then what came in the minute since, with the next one."""
    slow = SlowTurns()

    assert slow.note("Tick", 0.2, 10.0) == {"what": "Tick", "ms": 200, "turns": 1}
    assert [slow.note("Tick", 0.15, 10.0 + second) for second in range(1, 59)] == [None] * 58
    assert slow.note("MessageArrived", 0.9, 69.0) is None
    assert slow.note("Tick", 0.3, 70.0) == {"what": "MessageArrived", "ms": 900, "turns": 60}
    assert slow.note("Tick", 0.3, 71.0) is None
