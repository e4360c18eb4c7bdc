"""`domain-monitor judge`: JSON lines in, JSON lines out. Judges recorded answers without any network, one line at a time.

A line that cannot be read never ends the run: it gives a line with outcome `unknown` and the problem as its reason, and its
number on standard error. The run has failed then all the same, so that a broken recording is not taken for a judged one.

Exit codes: 0 every line was judged, 1 some could not be read, 2 the file cannot be opened.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, TextIO

from actors.cli.printing import escape_unprintable
from actors.cli.second_reader import SecondReader, compare_readings
from common.core.model.evidence import Reading, unknown_reading
from common.core.parsers.bounded_json import parse_bounded_json
from common.core.registries.registrable_names import to_ascii
from common.core.verdict.offline import is_available, read_answer
from common.errors import NameProblem
from common.suffixes import load_suffixes

DONE, SOME_BAD, BAD_USAGE = 0, 1, 2
#: Most lines that are named on standard error, of those that could not be read.
MOST_TOLD = 20
#: Longest line read, in bytes; the rest of a longer one is skipped.
LINE_LIMIT = 1 << 20
#: Most domains, and most answers of one domain, that `--fuse` keeps until the end.
MOST_DOMAINS, MOST_READINGS = 1_000_000, 200


class Named(NamedTuple):
    """A reading with the method and the server that gave the answer."""

    method: str
    server: str
    reading: Reading


def run(file: str, fuse: bool, *, compared: bool = False) -> int:  # noqa: FBT001  # a flag
    """Judge the lines of a file ("-": standard input) onto standard output. Returns the exit code."""
    try:
        with contextlib.ExitStack() as stack:
            source = sys.stdin.buffer if file == "-" else stack.enter_context(Path(file).open("rb"))
            other = stack.enter_context(SecondReader()) if compared else None
            bad = _read_stream(source, sys.stdout, fuse=fuse, other=other)
    except BrokenPipeError:
        raise
    except OSError as error:
        print(f"{file}: {error.strerror or error}", file=sys.stderr)
        return BAD_USAGE
    place = "standard input" if file == "-" else file
    for number, reason in bad.first:
        print(f"{place} line {number}: {reason}", file=sys.stderr)
    if bad.count > len(bad.first):
        print(f"{place}: {bad.count - len(bad.first)} more lines like these", file=sys.stderr)
    return SOME_BAD if bad.count else DONE


@dataclass(slots=True)
class _BadLines:
    """The lines that could not be read: how many, and the first ones with their numbers and what is wrong."""

    count: int = 0
    first: list[tuple[int, str]] = field(default_factory=list)

    def note(self, number: int, reason: str) -> None:
        self.count += 1
        if len(self.first) < MOST_TOLD:
            self.first.append((number, escape_unprintable(reason)))


def parse_line(line: bytes) -> tuple[dict[str, Any], str, str, Named | None]:
    """One input line as (output line, domain, suffix, (method, server, reading)); the last is None for a bad line."""
    try:
        row = parse_bounded_json(line, LINE_LIMIT)
    except ValueError as error:
        return _line(None, unknown_reading("input_bad", f"not a JSON line: {error}")), "", "", None
    if not isinstance(row, dict):
        return _line(None, unknown_reading("input_bad", "not a JSON object")), "", "", None
    identity = row.get("id")
    if isinstance(identity, (dict, list)):
        identity = None
    if problem := _problem(row):
        return _line(identity, unknown_reading("input_bad", problem)), "", "", None
    domain, suffix = read_names(row.get("domain"))
    method, server = row["method"], row.get("server") or ""
    reading = read_answer(method, server, domain, suffix, row["answer"])
    return _line(identity, reading), domain, suffix, Named(method, server, reading)


def read_names(value: Any) -> tuple[str, str]:
    """Domain and suffix as A-labels; a name that cannot be registered keeps its text and everything after the first dot."""
    if not isinstance(value, str) or not value.strip():
        return "", ""
    try:
        domain = to_ascii(value)
    except NameProblem:
        domain = value.strip()[:253].rstrip(".").lower()
    suffix = load_suffixes()(domain)
    if suffix == domain:
        return domain, ""  # a public suffix itself cannot be registered
    return domain, suffix or domain.partition(".")[2]


def fuse_readings(observations: dict[str, tuple[str, list[Named]]]) -> Iterator[dict[str, Any]]:
    """One verdict line for every domain."""
    from common.core.verdict.verdicts import judge_offline  # noqa: PLC0415 - only this option needs the judge of verdicts

    for domain, (suffix, readings) in observations.items():
        yield {"domain": domain, "verdict": judge_offline(domain, suffix, list(readings))}


def _read_stream(source: BinaryIO, out: TextIO, *, fuse: bool, other: SecondReader | None) -> _BadLines:
    observations: dict[str, tuple[str, list[Named]]] = {}
    bad = _BadLines()
    for number, line in _lines(source):
        shown, domain, suffix, named = parse_line(line) if line is not None else _too_long()
        if named is None:
            bad.note(number, shown["reason"])
        elif other is not None and named.method == "whois":
            shown["python_whois"] = _compare_readings(other, domain, line or b"", named.reading)
        _write(out, shown)
        if fuse and domain and named is not None and (domain in observations or len(observations) < MOST_DOMAINS):
            readings = observations.setdefault(domain, (suffix, []))[1]
            if len(readings) < MOST_READINGS:
                readings.append(named)
    if fuse:
        for verdict in fuse_readings(observations):
            _write(out, verdict)
    out.flush()
    return bad


def _compare_readings(other: SecondReader, domain: str, line: bytes, reading: Reading) -> dict[str, Any]:
    text = parse_bounded_json(line, LINE_LIMIT)["answer"].get("text")
    return compare_readings(other.read(domain, text if isinstance(text, str) else ""), reading)


def _too_long() -> tuple[dict[str, Any], str, str, None]:
    return _line(None, unknown_reading("input_bad", f"a line of more than {LINE_LIMIT} bytes")), "", "", None


def _lines(source: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """The lines that hold anything with their numbers from 1, None in the place of one that is too long."""
    number = 0
    while line := source.readline(LINE_LIMIT + 1):
        number += 1
        if len(line) > LINE_LIMIT and not line.endswith(b"\n"):
            while (rest := source.readline(LINE_LIMIT)) and not rest.endswith(b"\n"):
                pass
            yield number, None
        elif line.strip():
            yield number, line.rstrip(b"\r\n")


def _problem(row: dict[str, Any]) -> str:
    """What is wrong with the form of a line, "" where nothing is."""
    if not isinstance(row.get("method"), str):
        return "method is missing or no text"
    if not isinstance(row.get("answer"), dict):
        return "answer is missing or no object"
    for key in ("domain", "server"):
        if row.get(key) is not None and not isinstance(row[key], str):
            return f"{key} is no text"
    return ""


def _line(identity: Any, reading: Reading) -> dict[str, Any]:
    fields = reading.fields
    return {
        "id": identity,
        "outcome": reading.outcome.value,
        "available": is_available(reading),
        "phase": None if reading.phase is None else reading.phase.value,
        "fields": {
            "created_at": fields.created_at,
            "expires_at": fields.expires_at,
            "updated_at": fields.updated_at,
            "registrar": fields.registrar,
            "statuses": list(fields.statuses),
            "nameservers": list(fields.nameservers),
        },
        "reason": reading.reason,
    }


def _write(out: TextIO, line: dict[str, Any]) -> None:
    out.write(json.dumps(line) + "\n")
