"""How often a process was started, and how long it has to wait before it may work again.

One restart is at once: a process that was killed must be back in seconds. A process that fails again and again waits longer
and longer, up to five minutes, and is never given up. What a process tells itself (an exception, a wrong setting) counts as a
failure and slows the next start at once; an end without a word (kill -9, the OOM killer) is a death, and only deaths right
after the start, many in a row, slow it.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

#: Shortest and longest pause before a start, in seconds.
SHORTEST_PAUSE, LONGEST_PAUSE = 1.0, 300.0
#: After running well for so long, in seconds, the next failure or death counts as the first.
GOOD_RUN = 60.0
#: A process that lived for less, in seconds, died at its start.
SHORT_RUN = 10.0
#: Deaths in a row that are followed by a start without a pause.
FREE_DEATHS = 7
#: A last sign of life so many seconds before the end of a pause, or earlier, means that the process was killed while it waited.
WAITED = 1.5
#: The parts of a pause that chance may add or take away: processes that failed together must not all come back together.
JITTER = 0.25


class Starts(Struct, frozen=True, kw_only=True):
    """The record of one process. Times in epoch seconds.

    `stack`: which start of the whole stack `restarts` belongs to; `running`: its end was not told; `started_at`: when the last
    run began, after its pause; `until`: no work before.
    """

    stack: str = ""
    restarts: int = 0
    running: bool = False
    started_at: float = 0.0
    failures: int = 0
    deaths: int = 0
    until: float = 0.0


def pause_before_start(times: int, spread: float = 0.0) -> float:
    """Seconds to wait after so many ends in a row: doubling from 1 to 300. `spread` from -1 to 1 chooses within the jitter."""
    if times <= 0:
        return 0.0
    base = SHORTEST_PAUSE * 2.0 ** min(times - 1, 10)
    return min(LONGEST_PAUSE, max(SHORTEST_PAUSE, base * (1.0 + JITTER * spread)))


def record_start(before: Starts | None, stack: str, now: float, last_beat: float, spread: float = 0.0) -> Starts:
    """The record at the start of a process; `last_beat`: last sign of life of the one before it, 0 without."""
    if before is None:
        return Starts(stack=stack, running=True, started_at=now)
    restarts = before.restarts + 1 if before.stack == stack else 0
    record = msgspec.structs.replace(before, stack=stack, restarts=restarts, running=True)
    until = min(before.until, now + LONGEST_PAUSE)  # whatever the clock said when it was written
    if before.running and not _was_waiting(before, last_beat):
        record = _count_death(record, last_beat - before.started_at)
        until = now + pause_before_start(record.deaths - FREE_DEATHS, spread)
    return msgspec.structs.replace(record, until=until, started_at=max(now, until))


def record_failure(before: Starts, now: float, ran: float, spread: float = 0.0) -> Starts:
    """The record after a run of so many seconds that ended by a failure it could tell; the next run is not counted yet."""
    failures = 1 if ran >= GOOD_RUN else before.failures + 1
    until = now + pause_before_start(failures, spread)
    return msgspec.structs.replace(before, running=False, failures=failures, until=until)


def record_next_run(before: Starts) -> Starts:
    """The record as the same process begins its next run, after the pause."""
    return msgspec.structs.replace(before, running=True, restarts=before.restarts + 1, started_at=before.until)


def record_stop(before: Starts, ran: float, *, asked: bool = True) -> Starts:
    """The record after an end in order: the next start remembers what went before a short run.

    It is at once where the end was asked for, and not where the process only ended with its supervisor.
    """
    good = ran >= GOOD_RUN
    until = 0.0 if asked or good else before.until
    return msgspec.structs.replace(
        before, running=False, until=until, failures=0 if good else before.failures, deaths=0 if good else before.deaths
    )


def _was_waiting(record: Starts, last_beat: float) -> bool:
    return 0.0 < last_beat < record.until - WAITED


def _count_death(record: Starts, ran: float) -> Starts:
    if ran >= GOOD_RUN:
        return msgspec.structs.replace(record, deaths=0, failures=0)
    return msgspec.structs.replace(record, deaths=record.deaths + 1) if ran < SHORT_RUN else record
