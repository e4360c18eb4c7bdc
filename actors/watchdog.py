"""Event listener of supervisord: restarts processes that are alive but hang, and programs that supervisord gave up on.

supervisord only sees whether a process exists. A hung one exists, so its heartbeat decides, with what the kernel says of it
(`common.processes.hang`); a thread looks every second, since supervisord has no event more often than every five. Events
come by its protocol (http://supervisord.org/events.html), one a time on standard input, answers on standard output; log lines
go to standard error.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import random
import secrets
import signal
import sys
import threading
import xmlrpc.client
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol

from supervisor.xmlrpc import Faults, SupervisorTransport

from common import clock, config, heartbeat, log, process_stat, process_tree, state_dir
from common.clock import monotonic, now
from common.config import Settings
from common.heartbeat import SILENT_AFTER, Heartbeat
from common.processes.hang import HangDetector, ProcessSample, Vitals
from common.start_record import StartRecord

#: Name of this program in supervisord.conf.
OWN_NAME = "watchdog"
#: Seconds between two looks.
LOOK_EVERY = 1.0
#: Seconds that supervisord may take to answer, fewer than we may be silent ourselves; seconds without any answer after which it
#: hangs, and seconds between two looks after which we were stopped ourselves.
ANSWER_LIMIT, SUPERVISOR_SILENT, SLEPT = 2.0, 20.0, 10.0
#: Calls after a kill, and seconds between them: each wakes supervisord, which else may look for dead children a second later.
NUDGES, NUDGE_EVERY = 4, 0.1
#: Longest header line and payload of an event, in bytes.
HEADER_LIMIT, PAYLOAD_LIMIT = 4096, 65_536


@dataclass(frozen=True, slots=True)
class Supervised:
    """A process as supervisord knows it."""

    group: str
    name: str
    pid: int
    running: bool

    @property
    def full_name(self) -> str:
        """What supervisord's commands take."""
        return f"{self.group}:{self.name}"


def collect_sights(
    processes: Iterable[Supervised], heartbeats: Mapping[str, Heartbeat], vitals_of: Callable[[int], Vitals | None]
) -> list[ProcessSample]:
    """What is to be judged of those processes that run. A heartbeat counts for the process that wrote it alone.

    Times of heartbeats are compared with each other, never with our clock: a step of the wall clock kills nothing.
    """
    found = []
    for process in processes:
        if process.running and process.name != OWN_NAME:
            beat = heartbeats.get(process.name)
            own = beat if beat is not None and beat.pid == process.pid else None
            patience = own.silent_after if own else SILENT_AFTER
            found.append(ProcessSample(process.name, process.pid, own.at if own else None, patience, vitals_of(process.pid)))
    return found


class Supervisor(Protocol):
    """What the watchdog asks of supervisord."""

    def processes(self) -> list[Supervised]:
        """Every process it knows."""
        ...

    def kill(self, process: Supervised) -> None:
        """Kill a process; supervisord starts it again."""
        ...

    def start(self, full_name: str) -> None:
        """Start a program that supervisord gave up on."""
        ...


class RpcSupervisor:
    """supervisord behind its unix socket. Methods raise OSError or xmlrpc.client.Error."""

    def __init__(self, url: str) -> None:
        self._url = url

    def processes(self) -> list[Supervised]:
        """Every process it knows."""
        rows: Any = self._call("getAllProcessInfo")
        return [Supervised(str(r["group"]), str(r["name"]), int(r["pid"]), r["statename"] == "RUNNING") for r in rows]

    def kill(self, process: Supervised) -> None:
        """Kill a process; `autorestart` brings it back. A polite signal would wait for what hangs."""
        self._call("signalProcess", process.full_name, "KILL")
        for _ in range(NUDGES):
            clock.pause(NUDGE_EVERY)
            self._call("getState")

    def start(self, full_name: str) -> None:
        """Start a program that supervisord gave up on, without waiting for it."""
        self._call("startProcess", full_name, False)  # noqa: FBT003  # their argument, by position only

    def _call(self, method: str, *arguments: Any) -> Any:
        # The transport takes the unix socket from its own argument; the URL of the proxy is never used.
        with xmlrpc.client.ServerProxy("http://127.0.0.1", _transport(self._url)) as proxy:
            return getattr(proxy.supervisor, method)(*arguments)


def _transport(url: str) -> SupervisorTransport:
    """Supervisord's own transport, which does not wait for ever."""
    transport = SupervisorTransport("", "", url)
    make = transport._get_connection  # noqa: SLF001  # the one place where it lets a connection be prepared

    def patient() -> http.client.HTTPConnection:
        connection: http.client.HTTPConnection = make()
        try:
            connection.connect()
        except OSError:
            connection.close()
            raise
        connection.sock.settimeout(ANSWER_LIMIT)
        return connection

    transport._get_connection = patient  # noqa: SLF001
    return transport


class Watchdog:
    """Looks at every process, and brings back what supervisord gave up on. Trouble with supervisord is logged once."""

    def __init__(
        self,
        supervisor: Supervisor,
        heartbeats: Callable[[], Mapping[str, Heartbeat]],
        vitals_of: Callable[[int], Vitals | None] = process_stat.read_vitals,
        monotonic: Callable[[], float] = monotonic,
    ) -> None:
        self._supervisor = supervisor
        self._heartbeats = heartbeats
        self._vitals_of = vitals_of
        self._monotonic = monotonic
        self._hangs = HangDetector()
        self._answered: float | None = None
        self._looked: float | None = None
        self._complained = False
        self._log = log.get_logger(OWN_NAME)

    def handle(self, event: str, payload: Mapping[str, str]) -> None:
        """Act on one event; it never fails, supervisord would only send it again."""
        if event == "PROCESS_STATE_FATAL":
            name = f"{payload.get('groupname', '')}:{payload.get('processname', '')}"
            self._log.error("program_fatal", program=name, remedy="started again")
            with self._talking():
                self._supervisor.start(name)

    def look(self) -> float:
        """Kill what hangs; returns the seconds for which supervisord has not answered."""
        moment = self._monotonic()
        slept = self._looked is not None and moment - self._looked > SLEPT
        self._looked = moment
        with self._talking():
            processes = list(self._supervisor.processes())
            self._answered = moment
            for hung in self._hangs.find_hung(collect_sights(processes, self._heartbeats(), self._vitals_of), moment):
                self._log.error("process_silent", process=hung.name, pid=hung.pid, why=hung.why, remedy="killed, starts again")
                self._supervisor.kill(next(process for process in processes if process.name == hung.name))
        if self._answered is None or slept:
            self._answered = moment
        return moment - self._answered

    @contextlib.contextmanager
    def _talking(self) -> Iterator[None]:
        try:
            yield
        except (OSError, http.client.HTTPException, xmlrpc.client.Error) as error:
            if isinstance(error, xmlrpc.client.Fault) and error.faultCode == Faults.SHUTDOWN_STATE:
                self._answered = self._looked
                return  # it is stopping already, there is nothing left to watch
            if not self._complained:
                self._log.error("supervisor_unreachable", error=str(error))
            self._complained = True
        else:
            self._complained = False


def listen(handle: Callable[[str, Mapping[str, str]], None], source: BinaryIO, sink: BinaryIO) -> None:
    """Speak supervisord's event listener protocol until its end of the pipe closes."""
    while True:
        _send(sink, b"READY\n")
        line = source.readline(HEADER_LIMIT)
        if not line.strip():
            return
        header = parse_tokens(line)
        length = header.get("len", "")
        body = source.read(min(int(length), PAYLOAD_LIMIT)) if length.isdecimal() else b""
        handle(header.get("eventname", ""), parse_tokens(body))
        _send(sink, b"RESULT 2\nOK")


def parse_tokens(line: bytes) -> dict[str, str]:
    """The "key:value" tokens of a header line or of the first line of a payload."""
    text = line.split(b"\n", 1)[0].decode("utf-8", "replace")
    return {key: value for key, colon, value in (token.partition(":") for token in text.split()) if colon}


def run(settings: Settings) -> int:
    """Serve supervisord until it ends."""
    log.setup(settings, OWN_NAME, sys.stderr)
    process_tree.end_with_supervisor(OWN_NAME)
    url = config.inherited("SUPERVISOR_SERVER_URL")
    if not url:
        log.get_logger(OWN_NAME).error("no_supervisor", remedy="this program is started by supervisord")
        return 2
    state_dir.create_directories(settings)
    starts = StartRecord(settings.instance_dir, OWN_NAME, random.Random())  # noqa: S311  # jitter
    dog = Watchdog(RpcSupervisor(url), lambda: heartbeat.read_heartbeats(settings.instance_dir))
    ending = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ending.set())
    # Not sys.stdin: a thread that waits in it would keep the interpreter from ending.
    source = open(sys.stdin.fileno(), "rb", closefd=False)  # noqa: SIM115  # a descriptor without a path, for good
    threading.Thread(target=_listen, args=(dog, source, ending), name="events", daemon=True).start()
    began = monotonic()
    _watch(settings, dog, starts, ending)
    starts.record_stop(monotonic() - began)
    heartbeat.remove_heartbeat(settings.instance_dir, OWN_NAME)
    return 0


def _listen(dog: Watchdog, source: BinaryIO, ending: threading.Event) -> None:
    try:
        listen(dog.handle, source, sys.stdout.buffer)
    finally:
        ending.set()


def _watch(settings: Settings, dog: Watchdog, starts: StartRecord, ending: threading.Event) -> None:
    """Look again and again, with a heartbeat before and after each look, which may take its time; `supervise` reads it."""
    logger = log.get_logger(OWN_NAME)
    boot, started_at = secrets.token_hex(8), now()
    parents = SuperviseKeeper()
    if wait := starts.seconds_to_wait():
        logger.warning("start_delayed", seconds=round(wait, 1), failures=starts.record.failures, deaths=starts.record.deaths)

    def beat(waiting_until: float | None = None) -> None:
        own = Heartbeat(
            process=OWN_NAME,
            actor=OWN_NAME,
            pid=os.getpid(),
            boot=boot,
            at=now(),
            started_at=started_at,
            restarts=starts.record.restarts,
            instance=settings.instance_id,
            waiting_until=waiting_until,
        )
        with contextlib.suppress(OSError):
            heartbeat.write_heartbeat(settings.instance_dir, own)

    while not ending.is_set():
        waiting = starts.seconds_to_wait() > 0
        beat(starts.record.until if waiting else None)
        if not waiting and dog.look() > SUPERVISOR_SILENT:
            logger.error("supervisord_silent", remedy="killed: everything ends, and what started it starts it again")
            os.kill(os.getppid(), signal.SIGKILL)
        parents.look()
        beat(starts.record.until if waiting else None)
        ending.wait(LOOK_EVERY)


class SuperviseKeeper:
    """Continues `supervise` where it was stopped: it reads the log of everything, and a full pipe holds everything up."""

    def __init__(self) -> None:
        told = config.inherited("SUPERVISE_PID")
        self._pid = int(told) if told.isdecimal() else 0

    def look(self) -> None:
        """One look."""
        if self._pid and process_stat.process_state(self._pid) == "T" and process_stat.parent_pid(os.getppid()) == self._pid:
            with contextlib.suppress(OSError):
                os.kill(self._pid, signal.SIGCONT)


def _send(sink: BinaryIO, data: bytes) -> None:
    sink.write(data)
    sink.flush()
