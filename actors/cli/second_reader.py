"""What python-whois, the library most scripts use, reads of the same WHOIS text: a second opinion beside ours.

It decides nothing. Its patterns are not bounded and some answers keep it busy for ever, so it reads in a process of its own
with limits on time and memory, which is ended and started again where an answer is too much for it.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
from types import TracebackType
from typing import Any, Self

from common import config
from common.clock import monotonic
from common.core.model.evidence import Outcome, Reading

#: How the process is started.
CHILD = (sys.executable, "-m", "actors.cli.second_reader_child")
#: It has no use for any secret, as the watchdog.
ROLE = "watchdog"
#: Seconds for one answer, and for the first, while the library is loaded.
PATIENCE, START = 3.0, 20.0
#: Longest text handed over, in characters, and longest answer taken, in bytes.
LONGEST_TEXT, LONGEST_ANSWER = 1 << 20, 1 << 16


class SecondReader:
    """Reads WHOIS texts with python-whois; a context, which ends the process behind it."""

    def __init__(self, command: tuple[str, ...] = CHILD, patience: float = PATIENCE, start: float = START) -> None:
        self._command = command
        self._patience = patience
        self._loading = start
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._end()

    def read(self, domain: str, text: str) -> dict[str, Any]:
        """`{"registered": true|false|null, "fields": {...}}` with dates in ISO 8601; {"error": ...} where it cannot read it."""
        fresh = self._child is None
        question = json.dumps({"domain": domain, "text": text[:LONGEST_TEXT]}).encode() + b"\n"
        try:
            child = self._child or self._start()
            assert child.stdin is not None  # noqa: S101  # opened as a pipe, below
            child.stdin.write(question)
            child.stdin.flush()
            line = self._line(child, self._patience + (self._loading if fresh else 0.0))
            found = json.loads(line)
        except (OSError, ValueError) as error:
            self._end()
            return {"error": str(error) if isinstance(error, TimeoutError) else "it ended without an answer"}
        return found if isinstance(found, dict) else {"error": "it answered something else"}

    def _start(self) -> subprocess.Popen[bytes]:
        self._child = subprocess.Popen(  # noqa: S603  # our own interpreter and module
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=config.environment(config.restrictions(ROLE)),
        )
        return self._child

    def _line(self, child: subprocess.Popen[bytes], seconds: float) -> bytes:
        assert child.stdout is not None  # noqa: S101  # opened as a pipe, above
        deadline, line = monotonic() + seconds, b""
        while not line.endswith(b"\n"):
            if not select.select([child.stdout], [], [], max(0.0, deadline - monotonic()))[0]:
                raise TimeoutError(f"no end after {seconds:g} s")
            piece = os.read(child.stdout.fileno(), LONGEST_ANSWER)
            line += piece
            if not piece or len(line) > LONGEST_ANSWER:
                raise ValueError("no whole line")
        return line

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        for stream in (child.stdin, child.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):  # what could not be written to it
                    stream.close()
        child.wait()


def compare_readings(found: dict[str, Any], reading: Reading) -> dict[str, Any]:
    """What it found, with `differs`: the names of what our reading says otherwise, [] where both agree as far as both speak."""
    if "error" in found:
        return found
    ours: dict[str, Any] = {
        "registered": {Outcome.REGISTERED: True, Outcome.DROPPING: True, Outcome.UNREGISTERED: False}.get(reading.outcome),
        "created_at": reading.fields.created_at,
        "expires_at": reading.fields.expires_at,
    }
    theirs = {"registered": found.get("registered"), **found.get("fields", {})}
    differs = [
        name
        for name, value in ours.items()
        if value is not None and theirs.get(name) is not None and _short(value) != _short(theirs[name])
    ]
    return {**found, "differs": differs}


def _short(value: Any) -> Any:
    """Dates by their day: the one keeps time zones that the other drops."""
    return value[:10] if isinstance(value, str) else value
