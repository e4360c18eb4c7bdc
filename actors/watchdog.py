"""Event listener of supervisord: restarts processes that are alive but silent, and gives up where a program cannot start.

supervisord only sees whether a process exists. A hung one exists, so its heartbeat file decides. And a program that
supervisord gave up on (FATAL) would leave a container that looks healthy, so then supervisord is stopped: whoever started the
container starts it again. Protocol: http://supervisord.org/events.html, one event a time on standard input, answers on
standard output; log lines go to standard error.
"""

from __future__ import annotations

import os
import signal
import sys
import xmlrpc.client
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol

from supervisor.xmlrpc import Faults, SupervisorTransport

from common import config, heartbeat, log
from common.clock import monotonic
from common.config import Settings
from common.heartbeat import SILENT_AFTER, Heartbeat

#: Name of this program in supervisord.conf.
OWN_NAME = "watchdog"
#: Seconds between two looks (TICK_5: every 5) after which we were stopped ourselves: a paused container, a sleeping machine.
PAUSED_AFTER = 15.0
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


class Watch:
    """Decides who is hung, by how long nothing changed on the clock of the watchdog alone.

    Times of heartbeats are compared with each other, never with our clock: a step of the wall clock must not kill anybody.
    """

    def __init__(self) -> None:
        self._seen: dict[str, tuple[tuple[int, float], float]] = {}
        self._looked: float | None = None

    def look(self, processes: Iterable[Supervised], heartbeats: Mapping[str, Heartbeat], moment: float) -> list[Supervised]:
        """The processes to restart now. `moment` in seconds of a clock that nobody can set."""
        paused = self._looked is not None and moment - self._looked > PAUSED_AFTER
        self._looked = moment
        known = self._seen if not paused else {}
        seen: dict[str, tuple[tuple[int, float], float]] = {}
        hung = []
        for process in processes:
            if not process.running or process.name == OWN_NAME:
                continue
            beat = heartbeats.get(process.name)
            own = beat if beat is not None and beat.pid == process.pid else None
            mark = (process.pid, own.at if own else 0.0)
            before, since = known.get(process.full_name, (mark, moment))
            seen[process.full_name] = (mark, since if before == mark else moment)
            if moment - seen[process.full_name][1] > (own.silent_after if own else SILENT_AFTER):
                hung.append(process)
                del seen[process.full_name]  # the next one starts afresh
        self._seen = seen
        return hung


class Supervisor(Protocol):
    """What the watchdog asks of supervisord."""

    def processes(self) -> list[Supervised]:
        """Every process it knows."""
        ...

    def kill(self, process: Supervised) -> None:
        """Kill a process; supervisord starts it again."""
        ...

    def stop(self) -> None:
        """Stop supervisord and everything under it."""
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

    def stop(self) -> None:
        """Stop supervisord, which is our parent."""
        os.kill(os.getppid(), signal.SIGTERM)

    def _call(self, method: str, *arguments: str) -> Any:
        # The transport takes the unix socket from its own argument; the URL of the proxy is never used.
        with xmlrpc.client.ServerProxy("http://127.0.0.1", SupervisorTransport("", "", self._url)) as proxy:
            return getattr(proxy.supervisor, method)(*arguments)


class Listener:
    """Turns events into looks and stops. An event never fails: supervisord would only send it again."""

    def __init__(
        self, supervisor: Supervisor, heartbeats: Callable[[], Mapping[str, Heartbeat]], clock: Callable[[], float]
    ) -> None:
        self._supervisor = supervisor
        self._heartbeats = heartbeats
        self._clock = clock
        self._watch = Watch()
        self._log = log.get_logger("watchdog")

    def handle(self, event: str, payload: Mapping[str, str]) -> None:
        """Act on one event. Trouble with supervisord is logged; the next tick tries again."""
        try:
            if event.startswith("TICK"):
                self._tick()
            elif event == "PROCESS_STATE_FATAL":
                self._log.error("program_fatal", program=payload.get("processname", ""), remedy="stopping supervisord")
                self._supervisor.stop()
        except (OSError, xmlrpc.client.Error) as error:
            if isinstance(error, xmlrpc.client.Fault) and error.faultCode == Faults.SHUTDOWN_STATE:
                return  # it is stopping already, there is nothing left to watch
            self._log.error("supervisor_unreachable", error=str(error))

    def _tick(self) -> None:
        for process in self._watch.look(self._supervisor.processes(), self._heartbeats(), self._clock()):
            self._log.error("process_silent", process=process.name, pid=process.pid, remedy="killed, starts again")
            self._supervisor.kill(process)


def listen(handle: Callable[[str, Mapping[str, str]], None], source: BinaryIO, sink: BinaryIO) -> None:
    """Speak supervisord's event listener protocol until its end of the pipe closes."""
    while True:
        _send(sink, b"READY\n")
        line = source.readline(HEADER_LIMIT)
        if not line.strip():
            return
        header = tokens(line)
        length = header.get("len", "")
        body = source.read(min(int(length), PAYLOAD_LIMIT)) if length.isdecimal() else b""
        handle(header.get("eventname", ""), tokens(body))
        _send(sink, b"RESULT 2\nOK")


def tokens(line: bytes) -> dict[str, str]:
    """The "key:value" tokens of a header line or of the first line of a payload."""
    text = line.split(b"\n", 1)[0].decode("utf-8", "replace")
    return {key: value for key, colon, value in (token.partition(":") for token in text.split()) if colon}


def run(settings: Settings) -> int:
    """Serve supervisord until it ends."""
    log.setup(settings, OWN_NAME, sys.stderr)
    url = config.inherited("SUPERVISOR_SERVER_URL")
    if not url:
        log.get_logger(OWN_NAME).error("no_supervisor", remedy="this program is started by supervisord")
        return 2
    listener = Listener(RpcSupervisor(url), lambda: heartbeat.read_all(settings.state_dir), monotonic)
    listen(listener.handle, sys.stdin.buffer, sys.stdout.buffer)
    return 0


def _send(sink: BinaryIO, data: bytes) -> None:
    sink.write(data)
    sink.flush()
