"""Record the starts of a process, and compute how long it has to wait before it may work again (exponential back-off).

The first restart is at once: a process that was killed must be back in seconds. A process that fails repeatedly waits longer
each time, up to five minutes, and is never given up. An end that the process reports (an exception, a wrong setting) is a
failure and delays the next start at once; an unreported end (kill -9, the OOM killer) is a death, and only many deaths in a
row, each right after the start, delay it.
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
#: A last heartbeat so many seconds before the end of a pause, or earlier, means that the process was killed while it waited.
WAITED = 1.5
#: The share of a pause that jitter adds or removes: processes that failed together must not all start again together.
JITTER = 0.25


class Starts(Struct, frozen=True, kw_only=True):
    """The record of one process. Times in epoch seconds.

    `stack`: the start of the whole stack to which `restarts` belongs; `running`: its end was not reported; `started_at`: when
    the last run began, after its pause; `until`: it must not work before.
    """

    stack: str = ""
    restarts: int = 0
    running: bool = False
    started_at: float = 0.0
    failures: int = 0
    deaths: int = 0
    until: float = 0.0


def pause_before_start(times: int, spread: float = 0.0) -> float:
    """Seconds to wait after `times` ends in a row: doubling from 1 to 300. `spread` from -1 to 1 chooses within the jitter."""
    if times <= 0:
        return 0.0
    base = SHORTEST_PAUSE * 2.0 ** min(times - 1, 10)
    return min(LONGEST_PAUSE, max(SHORTEST_PAUSE, base * (1.0 + JITTER * spread)))


def record_start(before: Starts | None, stack: str, now: float, last_beat: float, spread: float = 0.0) -> Starts:
    """The record at the start of a process; `last_beat`: last heartbeat of its run before, 0 for none."""
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
    """The record after a run of `ran` seconds that ended by a failure the process reported; the next run is not counted yet."""
    failures = 1 if ran >= GOOD_RUN else before.failures + 1
    until = now + pause_before_start(failures, spread)
    return msgspec.structs.replace(before, running=False, failures=failures, until=until)


def record_next_run(before: Starts) -> Starts:
    """The record when the same process begins its next run, after the pause."""
    return msgspec.structs.replace(before, running=True, restarts=before.restarts + 1, started_at=before.until)


def record_stop(before: Starts, ran: float, *, asked: bool = True) -> Starts:
    """The record after an orderly end of a run of `ran` seconds; a short run does not clear failures and deaths.

    The next start is at once where the end was requested (`asked`); where the process only ended with its supervisor, the pause
    goes on.
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
