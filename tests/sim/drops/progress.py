"""How far a long run is, as a line on stderr now and then: what is simulated does not depend on it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence

from tests.sim.drops.families import BEGIN, DAY

#: Seconds of wall time between two lines.
EVERY = 30.0


def make_progress(suffixes: Sequence[str], days: int) -> Callable[[float, int], None]:
    """A function that is told the simulated time (epoch seconds) and the events so far, and writes a line when one is due."""
    last = time.monotonic()

    def note_progress(now: float, events: int) -> None:
        nonlocal last
        if time.monotonic() - last >= EVERY:
            last = time.monotonic()
            done = f"day {(now - BEGIN) / DAY:.1f} of {days}, {events:,} events, {time.process_time():.0f} s of CPU"
            print(f"{','.join(suffixes)}: {done}", file=sys.stderr, flush=True)

    return note_progress
