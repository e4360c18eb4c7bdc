"""Stands above supervisord: passes on the wish to stop, looks after supervisord and the watchdog, and leaves nothing behind.

Each process of the stack is looked after by another: supervisord starts them again, the watchdog kills what hangs, and here
is seen to supervisord itself and to the watchdog. Where supervisord is lost everything ends with an exit code that is not 0,
and what started us (systemd, Docker) starts the whole stack again.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from common import heartbeat, process_stat, process_tree
from common.clock import monotonic, pause
from common.log import Logger
from common.processes.hang import HangDetector, ProcessSample

#: Seconds between two looks.
LOOK_EVERY = 1.0
#: Seconds that what supervisord left behind has to end by itself.
ORPHANS_END = process_tree.ORPHAN_LIMIT + 1.0
#: Seconds after a request to stop in which the same wish may come again (the terminal and the shell both say it).
ONE_WISH = 1.0
#: Seconds after which a watchdog that was killed, or went away, has to beat again; else supervisord itself hangs.
WATCHDOG_BACK = 30.0
#: Seconds for the line that says so to get out where we hang ourselves.
LAST_WORDS = 0.5
#: Name of the watchdog in supervisord.conf.
WATCHDOG = "watchdog"

_STOP = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP)


def start_supervisord(arguments: Sequence[str], environ: Mapping[str, str], output: int) -> int:
    """Start supervisord in a process group of its own, out of reach of the terminal's signals; returns its process id."""
    return os.posix_spawn(
        sys.executable,
        [sys.executable, *arguments],
        environ,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, output, 1),
            (os.POSIX_SPAWN_DUP2, output, 2),
        ],
        setpgroup=0,
        setsigdef=[signal.SIGTSTP],
    )


class SignalPipe:
    """Collects signals, so that they are acted on between two looks."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        for number in (*_STOP, signal.SIGCHLD):
            # nohup: what is ignored stays ignored.
            if number == signal.SIGCHLD or signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, lambda *_: None)
        # A stopped reader of the log would hold up every process that writes one.
        signal.signal(signal.SIGTSTP, signal.SIG_IGN)

    def wait(self, seconds: float) -> bytes:
        """The numbers of the signals that came, waiting for the first so long."""
        with contextlib.suppress(InterruptedError):
            select.select([self._read], [], [], seconds)
        with contextlib.suppress(BlockingIOError):
            return os.read(self._read, 1000)
        return b""


class SupervisordGuard:
    """Keeps one supervisord, until it ends. `each_look` is called about once a second."""

    def __init__(self, supervisord: int, instance_dir: Path, log: Logger, each_look: Callable[[], None]) -> None:
        self._pid = supervisord
        self._instance_dir = instance_dir
        self._log = log
        self._each_look = each_look
        # Process ids repeat in a container: what an earlier run left says nothing of a process of this one.
        self._left_over = heartbeat.read_heartbeat(instance_dir, WATCHDOG)
        self._hangs = HangDetector()
        self._asked: float | None = None
        self._watchdog_lost: float | None = None
        self._looked = monotonic()
        self._killed = self._at_once = self._ending = False

    def run(self, signals: SignalPipe) -> int:
        """Until everything has ended; returns the exit code: 0 where that was asked for."""
        threading.Thread(target=self._guard, name="guard", daemon=True).start()
        while (status := self._reap()) is None:
            for number in signals.wait(LOOK_EVERY):
                if number in _STOP:
                    self._stop(signal.Signals(number))
            if monotonic() - self._looked >= LOOK_EVERY:
                self._look(monotonic())
        self._ending = True
        self._end_orphans(signals)
        code = os.waitstatus_to_exitcode(status)
        if self._asked is None and code != 0:
            self._log.error("supervisord_lost", status=code, remedy="every process was ended; start again")
        if self._asked is not None and code == -signal.SIGTERM:
            return 0  # it was asked to stop before it could listen
        return code if 0 <= code < 128 else 1

    def _guard(self) -> None:
        """A thread that ends this process where its loop hangs: as process 1 of a container no other process could."""
        own, watch = os.getpid(), HangDetector()
        while not self._ending:
            pause(LOOK_EVERY)
            sight = ProcessSample("supervise", own, self._looked, heartbeat.SILENT_AFTER, process_stat.read_vitals(own))
            for hung in watch.find_hung([sight], monotonic()):
                if not self._ending:
                    self._log.error("process_silent", process=hung.name, pid=own, why=hung.why, remedy="everything ends")
                    pause(LAST_WORDS)
                    os._exit(1)

    def _stop(self, number: signal.Signals) -> None:
        moment = monotonic()
        if self._asked is None:
            self._asked = moment
            self._log.info("stopping", signal=number.name)
            os.kill(self._pid, signal.SIGTERM)
        elif number in {signal.SIGTERM, signal.SIGINT} and moment - self._asked > ONE_WISH:
            self._log.warning("stopping_at_once", signal=number.name)
            self._at_once = True
            self._kill_supervisord()

    def _reap(self) -> int | None:
        """The status of supervisord once it has ended; all others are only buried."""
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == self._pid:
                    return status
                if pid == 0:
                    return None
        return 1  # a child that is gone without a status: only where SIGCHLD was ignored

    def _look(self, moment: float) -> None:
        since, self._looked = moment - self._looked, moment
        if process_stat.process_state(self._pid) == "T":
            self._log.error("supervisord_stopped", remedy="continued")
            os.kill(self._pid, signal.SIGCONT)
        if self._asked is None:
            self._check_watchdog(moment, since)
        self._each_look()

    def _check_watchdog(self, moment: float, since: float) -> None:
        beat = heartbeat.read_heartbeat(self._instance_dir, WATCHDOG)
        if beat is None or beat == self._left_over:
            return
        # One that ended stays in the process table where supervisord hangs: there it waits to be buried, and not for us.
        there = process_stat.parent_pid(beat.pid) == self._pid and process_stat.process_state(beat.pid) != "Z"
        sights = (
            [ProcessSample(WATCHDOG, beat.pid, beat.at, beat.silent_after, process_stat.read_vitals(beat.pid))] if there else []
        )
        for hung in self._hangs.find_hung(sights, moment):
            self._log.error("process_silent", process=hung.name, pid=hung.pid, why=hung.why, remedy="killed, starts again")
            os.kill(hung.pid, signal.SIGKILL)
            there = False
        if there:
            self._watchdog_lost = None
        elif self._watchdog_lost is None or since > WATCHDOG_BACK / 2:  # we were stopped ourselves
            self._watchdog_lost = moment
        elif moment - self._watchdog_lost > WATCHDOG_BACK and not self._killed:
            self._log.error("supervisord_silent", remedy="killed: it starts no watchdog")
            self._kill_supervisord()

    def _kill_supervisord(self) -> None:
        self._killed = True
        os.kill(self._pid, signal.SIGKILL)

    def _end_orphans(self, signals: SignalPipe) -> None:
        """Wait for what supervisord left behind, then kill it."""
        until = monotonic() + (0.0 if self._at_once else ORPHANS_END)
        while left := self._orphans():
            if monotonic() >= until:
                for pid in left:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
            signals.wait(0.1)

    def _orphans(self) -> list[int]:
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                continue
        return process_tree.child_pids(os.getpid())
