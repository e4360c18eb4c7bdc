"""The one standard output of the whole stack: takes lines from supervisord's pipe and from us, and never holds them up.

A thread reads the pipe, another writes to standard output, whatever that is: a terminal, a file, a pipe, a socket (systemd).
Where writing fails or takes too long lines are dropped and counted: a log that nothing reads must not stop the service.
"""

from __future__ import annotations

import io
import os
import re
import select
import threading
from collections import deque
from collections.abc import Callable

from common.log import Logger

#: Bytes of lines that may wait for a slow reader, and bytes of one line.
MOST_WAITING, MOST_LINE = 4 << 20, 256 << 10
#: Bytes read from the pipe at once.
CHUNK = 1 << 16
#: How supervisord writes its own lines (supervisor.options.ServerOptions.make_logger).
_OWN = re.compile(rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (CRIT|ERRO|WARN|INFO|DEBG|TRAC|BLAT) (.*)")
#: What it says at every start, as "critical", of the user we were given and of a socket that only this user can open.
_ROUTINE = (b"Supervisor is running as root.", b"Server 'unix_http_server' running without any HTTP authentication checking")
_LEVELS = {b"CRIT": "error", b"ERRO": "error", b"WARN": "warning", b"INFO": "info"}


class SharedOutput(io.TextIOBase):
    """Writes lines to a file descriptor from a thread of its own. `write` takes whole lines and never blocks or raises."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._busy = False
        self._lost = 0
        self._change = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="outlet", daemon=True)
        self._thread.start()

    def write(self, text: str, /) -> int:
        """Take a line of ours."""
        self.put_line(text.encode("utf-8", "backslashreplace"))
        return len(text)

    def put_line(self, line: bytes) -> None:
        """Take a line with its end."""
        with self._change:
            if self._size + len(line) > MOST_WAITING:
                self._lost += 1
                return
            self._waiting.append(line)
            self._size += len(line)
            self._change.notify_all()

    def take_lost_count(self) -> int:
        """How many lines were dropped since the last call, as soon as lines get through again."""
        with self._change:
            if self._size > MOST_WAITING // 2:
                return 0
            lost, self._lost = self._lost, 0
            return lost

    def drain(self, seconds: float) -> None:
        """Wait until everything is out, so many seconds at most."""
        with self._change:
            self._change.wait_for(lambda: not self._waiting and not self._busy, seconds)

    def _run(self) -> None:
        while True:
            with self._change:
                self._busy = False
                self._change.notify_all()
                self._change.wait_for(lambda: self._waiting)
                lines = b"".join(self._waiting)
                count = len(self._waiting)
                self._waiting.clear()
                self._size = 0
                self._busy = True
            if not _write(self._descriptor, lines):
                with self._change:
                    self._lost += count


def _write(descriptor: int, data: bytes) -> bool:
    """Whether all of it could be written."""
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(descriptor, view) :]
        except BlockingIOError:
            select.select([], [descriptor], [], 1.0)  # another process that shares it made it so
        except OSError:
            return False
    return True


def read_lines_in_thread(source: int, take: Callable[[bytes], None]) -> threading.Thread:
    """Read lines from a pipe until its end, in a thread; a line that is too long comes in pieces."""

    def run() -> None:
        rest = b""
        while chunk := os.read(source, CHUNK):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                take(line)
            if len(rest) > MOST_LINE:
                take(rest)
                rest = b""
        if rest:
            take(rest)

    thread = threading.Thread(target=run, name="pipe", daemon=True)
    thread.start()
    return thread


class LogTranslator:
    """Passes lines of the actors on as they are, and puts everything else into the form of our log.

    `text`: the log is for a reader, so lines without a form stay as they are too.
    """

    def __init__(self, outlet: SharedOutput, log: Logger, *, text: bool) -> None:
        self._outlet = outlet
        self._log = log
        self._text = text

    def take(self, line: bytes) -> None:
        """One line without its end."""
        if own := _OWN.fullmatch(line):
            level = "debug" if own[2].startswith(_ROUTINE) else _LEVELS.get(own[1], "debug")
            fields = {"message": own[2].decode("utf-8", "replace")}
            getattr(self._log, level)("supervisord", **fields)
        elif self._text or (line.startswith(b"{") and line.endswith(b"}")):
            self._outlet.put_line(line + b"\n")
        elif line.strip():
            self._log.warning("output", line=line.decode("utf-8", "replace"))
