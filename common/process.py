"""What every actor process shares: signals, heartbeat, restart loop, crash dumps.

`run_actor` runs one `main(runtime)`. When that fails, it is started again in the same process after a pause that grows from
1 to 30 seconds; supervisord and the watchdog are only there for what this loop cannot catch.
"""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import os
import random
import secrets
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator

from common import heartbeat, log, sentry, state
from common.clock import monotonic, now
from common.config import Settings
from common.errors import ConfigError
from common.heartbeat import SILENT_AFTER, Heartbeat

#: Shortest and longest pause between two starts, in seconds.
SHORTEST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
#: After running well for so long, in seconds, the next failure counts as the first.
GOOD_RUN = 60.0
#: Seconds a process may take to stop; supervisord kills after 40.
DRAIN_LIMIT = 35.0
#: Seconds between two writes of the heartbeat.
BEAT_EVERY = 1.0


class Runtime:
    """What `main` is given: settings, log, the wish to stop, and the heartbeat.

    `boot` is random per start of `main`, `restarts` counts its failures in this process. `silent_after` (seconds) may be
    raised by an actor whose work loop can be quiet for longer.
    """

    def __init__(self, process: str, settings: Settings, stopping: asyncio.Event, restarts: int = 0) -> None:
        self.process = process
        self.actor = process.partition("-")[0]
        self.settings = settings
        self.log = log.get_logger(self.actor)
        self.stopping = stopping
        self.restarts = restarts
        self.boot = secrets.token_hex(8)
        self.started_at = now()
        self.silent_after = SILENT_AFTER
        self._beaten = -BEAT_EVERY
        self._beat_failed = False

    def beat(self) -> None:
        """Say that the work loop is alive; call it from there as often as you like. Never raises."""
        moment = monotonic()
        if moment - self._beaten < BEAT_EVERY:
            return
        self._beaten = moment
        try:
            heartbeat.write(self.settings.state_dir, self._heartbeat())
        except OSError as error:
            if not self._beat_failed:
                self.log.error("heartbeat_failed", error=str(error))
            self._beat_failed = True
        else:
            self._beat_failed = False

    def report(self, error: BaseException, **fields: object) -> None:
        """Note a bug that the actor survives: a log line, a crash dump, Sentry."""
        dump = state.dump_crash(self.settings, self.process, error, now())
        self.log.error("bug", cause=error, dump=str(dump) if dump else None, **fields)
        sentry.capture(self.settings, error)

    def _heartbeat(self) -> Heartbeat:
        rss_bytes, cpu_seconds = heartbeat.usage()
        return Heartbeat(
            process=self.process,
            actor=self.actor,
            pid=os.getpid(),
            boot=self.boot,
            at=now(),
            started_at=self.started_at,
            restarts=self.restarts,
            instance=self.settings.instance_id,
            silent_after=self.silent_after,
            rss_bytes=rss_bytes,
            cpu_seconds=cpu_seconds,
        )


Main = Callable[[Runtime], Awaitable[None]]


def pause(failures: int, rng: random.Random) -> float:
    """Seconds to wait after so many failures in a row: doubling from 1 to 30, with a quarter of jitter."""
    base = SHORTEST_PAUSE * 2.0 ** min(failures - 1, 10)
    return min(LONGEST_PAUSE, max(SHORTEST_PAUSE, base * rng.uniform(0.75, 1.25)))


def run_actor(
    process: str, main: Main, settings: Settings, *, rng: random.Random | None = None, drain_limit: float = DRAIN_LIMIT
) -> int:
    """Run `main` until SIGTERM or SIGINT and start it again when it fails. The result is the exit code of the process.

    0: stopped as asked. 2: a setting is wrong. A `main` that does not stop within `drain_limit` seconds ends the process
    with 1, even if its event loop hangs.
    """
    os.umask(0o077)
    if sys.__stderr__ is not None:
        faulthandler.enable(sys.__stderr__)
    log.setup(settings, process)
    guard = _guard(process, drain_limit)
    try:
        state.prepare(settings)
        sentry.start(settings, process)
        return asyncio.run(_live(process, main, settings, rng or random.Random(), guard))  # noqa: S311  # jitter
    except ConfigError as error:
        for problem in error.problems:
            log.get_logger(process).error("config_error", problem=problem)
        return 2
    finally:
        guard.cancel()


async def _live(process: str, main: Main, settings: Settings, rng: random.Random, guard: threading.Timer) -> int:
    with _stop_on_signals(process, guard) as stopping:
        failures = restarts = 0
        while True:
            runtime = Runtime(process, settings, stopping, restarts)
            runtime.beat()
            runtime.log.info("started", boot=runtime.boot, restarts=restarts, pid=os.getpid())
            started = monotonic()
            error = await _attempt(runtime, main)
            failures = 1 if monotonic() - started >= GOOD_RUN else failures + 1
            wait = 0.0 if stopping.is_set() else pause(failures, rng)
            if error is not None:
                _report(runtime, error, wait)
            await _wait(runtime, wait)
            if stopping.is_set():
                break
            restarts += 1
        runtime.log.info("stopped", restarts=restarts)
        heartbeat.remove(settings.state_dir, process)
        return 1 if error else 0


async def _attempt(runtime: Runtime, main: Main) -> BaseException | None:
    """One run of `main`, and the end of everything it left behind. ConfigError passes: starting again would not help."""
    try:
        await main(runtime)
    except ConfigError:
        raise
    except Exception as error:  # noqa: BLE001  # this is the place where anything may arrive
        return error
    finally:
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
    return None if runtime.stopping.is_set() else RuntimeError(f"{runtime.process} ended without being asked to")


def _report(runtime: Runtime, error: BaseException, wait: float) -> None:
    dump = state.dump_crash(runtime.settings, runtime.process, error, now())
    runtime.log.error("crashed", cause=error, pause_s=round(wait, 1), dump=str(dump) if dump else None)
    sentry.capture(runtime.settings, error)


async def _wait(runtime: Runtime, seconds: float) -> None:
    until = monotonic() + seconds
    while (left := until - monotonic()) > 0 and not runtime.stopping.is_set():
        runtime.beat()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(runtime.stopping.wait(), min(BEAT_EVERY, left))


def _guard(process: str, drain_limit: float) -> threading.Timer:
    """A thread that ends the process; started by the first signal."""

    def overdue() -> None:
        # No farewell: whatever hangs (the event loop, a thread of a resolver) would hang a polite exit too.
        log.get_logger(process).error("stop_overdue", seconds=drain_limit)
        os._exit(1)

    guard = threading.Timer(drain_limit, overdue)
    guard.daemon = True
    return guard


@contextlib.contextmanager
def _stop_on_signals(process: str, guard: threading.Timer) -> Iterator[asyncio.Event]:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop() -> None:
        if not stopping.is_set():
            stopping.set()
            log.get_logger(process).info("stopping")
            guard.start()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    try:
        yield stopping
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
