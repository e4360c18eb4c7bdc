"""Structured logging: one JSON object a line, or readable text on a terminal. `setup` once, then `get_logger(name)` anywhere.

An event is a fixed word, what varies goes into fields: `log.info("check_done", domain=name, ms=3.1)`. Secrets are removed by
value and every field is bounded, so that no answer from outside can flood or forge a line. Warnings and errors of libraries
come out the same way. Writing a line never raises: a full disk must not stop an actor.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TextIO

from common.clock import iso, now
from common.config import Settings
from common.secret_scrubber import Scrubber

LEVELS = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40}
#: Most characters of one text, most fields of one line, most items of one list, deepest structure.
TEXT_LIMIT, FIELD_LIMIT, ITEM_LIMIT, DEPTH_LIMIT = 2000, 40, 50, 4
#: Most characters of a traceback.
TRACEBACK_LIMIT = 20_000


@dataclass(slots=True)
class _Sink:
    """Where lines go. Before `setup` only warnings are shown, on standard error."""

    actor: str = ""
    level: int = LEVELS["WARNING"]
    stream: TextIO | None = None
    text: bool = False
    scrubber: Scrubber = field(default_factory=Scrubber)

    def write(self, level: str, event: str, fields: dict[str, Any]) -> None:
        if LEVELS[level] < self.level:
            return
        row = {"ts": iso(now()), "level": level.lower(), "actor": self.actor, "event": event}
        for key, value in list(fields.items())[:FIELD_LIMIT]:
            limit = TRACEBACK_LIMIT if key == "traceback" else TEXT_LIMIT
            row[key if key not in row else f"{key}_"] = self._bounded(value, limit, DEPTH_LIMIT)
        line = _as_text(row) if self.text else json.dumps(row, separators=(",", ":"))
        stream = self.stream or sys.stderr
        try:
            stream.write(line + "\n")
            stream.flush()
        except (OSError, ValueError):
            return  # the reader is gone, and there is no other place to log to

    def _bounded(self, value: Any, limit: int, depth: int) -> Any:
        if value is None or (isinstance(value, bool | int | float) and abs(value) < 1 << 63):
            return value
        if isinstance(value, int):
            return f"{value.bit_length()} bits"  # str() refuses more than 4300 digits
        if isinstance(value, dict | list | tuple | set | frozenset) and depth:
            if isinstance(value, dict):
                pairs = list(value.items())[:ITEM_LIMIT]
                return {self._bounded(str(key), 200, 0): self._bounded(item, limit, depth - 1) for key, item in pairs}
            return [self._bounded(item, limit, depth - 1) for item in list(value)[:ITEM_LIMIT]]
        text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
        # Scrub before cutting: half a secret would no longer be recognised.
        text = self.scrubber.text(text[: 10 * limit])
        return text if len(text) <= limit else f"{text[:limit]}... ({len(text)} characters)"


_sink = _Sink()


@dataclass(frozen=True, slots=True)
class Logger:
    """Writes events of one part of the program, each with the bound fields."""

    name: str
    bound: tuple[tuple[str, Any], ...] = ()

    def bind(self, **fields: Any) -> Logger:
        """A logger that adds these fields to every line."""
        return Logger(self.name, (*self.bound, *fields.items()))

    def debug(self, event: str, **fields: Any) -> None:
        """Log what only helps to find an error."""
        self._write("DEBUG", event, fields)

    def info(self, event: str, **fields: Any) -> None:
        """Log what an operator may want to know."""
        self._write("INFO", event, fields)

    def warning(self, event: str, **fields: Any) -> None:
        """Log trouble that heals by itself."""
        self._write("WARNING", event, fields)

    def error(self, event: str, *, cause: BaseException | None = None, **fields: Any) -> None:
        """Log an error that needs attention; `cause` adds its traceback."""
        if cause is not None:
            fields = {**fields, "error": repr(cause), "traceback": _traceback(cause)}
        self._write("ERROR", event, fields)

    def say(self, level: str, event: str, fields: Mapping[str, Any]) -> None:
        """Log at a level given by name; a field may have any name."""
        self._write(level.upper(), event, dict(fields))

    def exception(self, event: str, **fields: Any) -> None:
        """Log the exception that is being handled, with its traceback."""
        self.error(event, cause=sys.exc_info()[1], **fields)

    def _write(self, level: str, event: str, fields: dict[str, Any]) -> None:
        _sink.write(level, event, {"logger": self.name, **dict(self.bound), **fields})


def get_logger(name: str) -> Logger:
    """The logger of one part of the program."""
    return Logger(name)


def setup(settings: Settings, actor: str, stream: TextIO | None = None, *, text: bool | None = None) -> None:
    """Send lines to `stream` (standard output) by LOG_LEVEL and LOG_FORMAT, and take over what libraries log.

    `text` says which form, where that was decided already.
    """
    stream = stream or sys.stdout
    _sink.actor = actor
    _sink.level = LEVELS[settings.log_level]
    _sink.stream = stream
    decided = settings.log_format == "text" or (not settings.log_format and stream.isatty())
    _sink.text = decided if text is None else text
    _sink.scrubber = Scrubber(settings.secrets())
    root = logging.getLogger()
    for handler in [known for known in root.handlers if isinstance(known, _LibraryHandler)]:
        root.removeHandler(handler)
    root.addHandler(_LibraryHandler())
    root.setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)


class _LibraryHandler(logging.Handler):
    """Takes over what libraries log with the standard library."""

    def emit(self, record: logging.LogRecord) -> None:
        level = "ERROR" if record.levelno >= logging.ERROR else "WARNING"
        fields: dict[str, Any] = {"logger": record.name, "message": _message(record)}
        if record.exc_info and record.exc_info[1]:
            fields |= {"error": repr(record.exc_info[1]), "traceback": _traceback(record.exc_info[1])}
        _sink.write(level, "library", fields)


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError):
        return str(record.msg)


def _traceback(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))[-TRACEBACK_LIMIT:]


def _as_text(row: dict[str, Any]) -> str:
    fields = [
        f"{key}={_shown(value)}"
        for key, value in row.items()
        if key not in {"ts", "level", "actor", "event", "logger", "traceback"}
    ]
    line = f"{row['ts'][11:23]} {row['level']:<7} {row['actor']} {row['event']} {' '.join(fields)}".rstrip()
    return line + "".join(f"\n    {_printable(part)}" for part in str(row.get("traceback", "")).splitlines())


def _shown(value: Any) -> str:
    if not isinstance(value, str):
        return _printable(json.dumps(value, ensure_ascii=False, separators=(",", ":")))
    quoted = _printable(value).replace('"', '\\"')
    return quoted if value and " " not in value else f'"{quoted}"'


def _printable(text: str) -> str:
    """Without characters that would move a terminal's cursor or forge a line."""
    return "".join(mark if mark.isprintable() else mark.encode("unicode_escape", "surrogatepass").decode() for mark in text)
