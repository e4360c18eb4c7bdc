"""What every actor process shares: signals, heartbeat, restart loop, crash dumps.

`run_actor` runs one `main(runtime)`. When that fails, it is started again in the same process after a pause that grows from
one second to five minutes (`common.processes.restarts`); supervisord and the watchdog are there for what this loop cannot
catch.
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

from common import heartbeat, log, process_tree, sentry, state_dir
from common.clock import monotonic, now
from common.config import Settings
from common.errors import ConfigError, DomainMonitorError
from common.heartbeat import SILENT_AFTER, Heartbeat
from common.start_record import StartRecord

#: Seconds a process may take to stop; supervisord kills after 40.
DRAIN_LIMIT = 35.0
#: A work loop says at least so often, in seconds, that it is alive; the file is written no more often than every `BEAT_GAP`.
BEAT_EVERY, BEAT_GAP = 1.0, 0.5
#: Longest texts about a failure and about a trouble kept in the heartbeat, in characters.
FAILED_LIMIT, TROUBLE_LIMIT = 500, 1000


class Runtime:
    """What `main` is given: settings, log, the wish to stop, and the heartbeat.

    `boot` is random per start of `main`, `restarts` counts its failures and the starts of its process since the stack was
    started, `waiting_until` (epoch seconds) is when a process that failed too often begins. `silent_after` (seconds) may be
    raised by an actor whose work loop can be quiet for longer. `trouble` is what keeps it from working although it runs, since
    `trouble_since` (epoch seconds).
    """

    def __init__(
        self,
        process: str,
        settings: Settings,
        stopping: asyncio.Event,
        restarts: int = 0,
        waiting_until: float | None = None,
    ) -> None:
        self.process = process
        self.actor = process.partition("-")[0]
        self.settings = settings
        self.log = log.get_logger(self.actor)
        self.stopping = stopping
        self.restarts = restarts
        self.waiting_until = waiting_until
        self.boot = secrets.token_hex(8)
        self.started_at = now()
        self.silent_after = SILENT_AFTER
        self.failed, self.failed_at = "", 0.0
        self.trouble, self.trouble_since = "", 0.0
        self._beaten = -BEAT_GAP
        self._beat_failed = False

    def beat(self) -> None:
        """Say that the work loop is alive; call it from there as often as you like. Never raises."""
        moment = monotonic()
        if moment - self._beaten < BEAT_GAP:
            return
        self._beaten = moment
        try:
            heartbeat.write_heartbeat(self.settings.instance_dir, self._heartbeat())
        except OSError as error:
            if not self._beat_failed:
                self.log.error("heartbeat_failed", error=str(error))
            self._beat_failed = True
        else:
            self._beat_failed = False

    async def rest(self, seconds: float) -> None:
        """Wait for so many seconds, or until told to stop, and beat meanwhile."""
        until = monotonic() + seconds
        while (left := until - monotonic()) > 0 and not self.stopping.is_set():
            self.beat()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(BEAT_EVERY, left)):
                    await self.stopping.wait()

    def report(self, error: BaseException, **fields: object) -> None:
        """Note a bug that the actor survives: a log line, a crash dump, Sentry."""
        dump = state_dir.dump_crash(self.settings, self.process, error, now())
        self.log.error("bug", cause=error, dump=str(dump) if dump else None, **fields)
        sentry.report_error(self.settings, error)

    def fail(self, error: BaseException) -> None:
        """Note for the heartbeat why a run ended: what we did not raise ourselves may quote anything, so only its kind."""
        self.failed = type(error).__name__ + (f": {error}" if isinstance(error, DomainMonitorError) else "")
        self.failed, self.failed_at = self.failed[:FAILED_LIMIT], now()
        self._beaten = -BEAT_EVERY

    def recover(self) -> None:
        """Forget what was waited for, and why: that is over."""
        self.failed, self.failed_at, self.waiting_until = "", 0.0, None
        self._beaten = -BEAT_EVERY

    def refuse(self, error: ConfigError) -> None:
        """Leave a last heartbeat that names the settings that are wrong; what they hold is for the log alone."""
        names = ", ".join(dict.fromkeys(problem.partition(":")[0] for problem in error.problems))
        self.failed, self.failed_at = f"ConfigError: a setting is wrong: {names}"[:FAILED_LIMIT], now()
        self.beat()

    def _heartbeat(self) -> Heartbeat:
        rss_bytes, cpu_seconds = heartbeat.resource_usage()
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
            waiting_until=self.waiting_until,
            failed_at=self.failed_at,
            failed=self.failed,
            trouble=self.trouble[:TROUBLE_LIMIT],
            trouble_since=self.trouble_since,
            rss_bytes=rss_bytes,
            cpu_seconds=cpu_seconds,
            stopping=self.stopping.is_set(),
        )


Main = Callable[[Runtime], Awaitable[None]]


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
    process_tree.end_with_supervisor(process)
    guard = _guard(process, drain_limit)
    starts = None
    try:
        state_dir.create_directories(settings)
        starts = StartRecord(settings.instance_dir, process, rng or random.Random())  # noqa: S311  # jitter
        sentry.start_reporting(settings, process)
        return asyncio.run(_live(process, main, settings, starts, guard))
    except ConfigError as error:
        if starts is not None:
            starts.record_failure(0.0)
            last = Runtime(process, settings, asyncio.Event(), starts.record.restarts, waiting_until=starts.record.until)
            last.refuse(error)
        for problem in error.problems:
            log.get_logger(process).error("config_error", problem=problem)
        return 2
    finally:
        guard.cancel()


async def _live(process: str, main: Main, settings: Settings, starts: StartRecord, guard: threading.Timer) -> int:
    with _stop_on_signals(process, guard) as stopping:
        error: BaseException | None = None
        ran, failed = 0.0, starts.previous_failure
        if seconds := starts.seconds_to_wait():
            failures, deaths = starts.record.failures, starts.record.deaths
            log.get_logger(process).warning("start_delayed", seconds=round(seconds, 1), failures=failures, deaths=deaths)
        while await _waited(process, settings, stopping, starts, failed):
            runtime = Runtime(process, settings, stopping, starts.record.restarts)
            runtime.failed, runtime.failed_at = failed
            runtime.beat()
            runtime.log.info("started", boot=runtime.boot, restarts=runtime.restarts, pid=os.getpid())
            began = monotonic()
            error = await _attempt(runtime, main)
            ran = monotonic() - began
            if not stopping.is_set():
                starts.record_failure(ran)
            if error is not None:
                runtime.fail(error)
                failed = runtime.failed, runtime.failed_at
                _report(runtime, error, starts.seconds_to_wait())
            if not stopping.is_set():
                starts.record_restart()
        starts.record_stop(ran)
        log.get_logger(process.partition("-")[0]).info("stopped", restarts=starts.record.restarts)
        heartbeat.remove_heartbeat(settings.instance_dir, process)
        return 1 if error else 0


async def _waited(
    process: str, settings: Settings, stopping: asyncio.Event, starts: StartRecord, failed: tuple[str, float]
) -> bool:
    """Let the pause before the next run pass, in sight of everything that watches; False where it was told to stop."""
    if seconds := starts.seconds_to_wait():
        runtime = Runtime(process, settings, stopping, starts.record.restarts, waiting_until=starts.record.until)
        runtime.failed, runtime.failed_at = failed
        await runtime.rest(seconds)
    return not stopping.is_set()


async def _attempt(runtime: Runtime, main: Main) -> BaseException | None:
    """One run of `main`, and the end of everything it left behind. ConfigError passes: starting again would not help."""
    try:
        await _drained(runtime, main)
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


async def _drained(runtime: Runtime, main: Main) -> None:
    """Run `main`, and beat for it from the same loop once it was told to stop: how long that may take is for the guard."""
    beating = asyncio.create_task(_beat_while_draining(runtime), name="drain")
    try:
        await main(runtime)
    finally:
        beating.cancel()


async def _beat_while_draining(runtime: Runtime) -> None:
    await runtime.stopping.wait()
    while True:
        runtime.beat()
        await asyncio.sleep(BEAT_EVERY)


def _report(runtime: Runtime, error: BaseException, wait: float) -> None:
    dump = state_dir.dump_crash(runtime.settings, runtime.process, error, now())
    runtime.log.error("crashed", cause=error, pause_s=round(wait, 1), dump=str(dump) if dump else None)
    sentry.report_error(runtime.settings, error)


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
