"""`domain-monitor judge`: JSON lines in, JSON lines out. Judges recorded answers without any network, one line at a time.

A line that cannot be read never ends the run: it gives a line with outcome `unknown` and the problem as its reason.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from common.core.evidence import Reading, unknown
from common.core.judge import available, read_answer
from common.core.names import to_ascii
from common.core.parsers.bounded_json import loads
from common.errors import NameProblem
from common.suffixes import load_suffixes

#: Longest line read, in bytes; the rest of a longer one is skipped.
LINE_LIMIT = 1 << 20
#: Most domains, and most answers of one domain, that `--fuse` keeps until the end.
MOST_DOMAINS, MOST_READINGS = 1_000_000, 200

Named = tuple[str, str, Reading]


def run(file: str, fuse: bool) -> int:  # noqa: FBT001 - the flag of the command line, handed through as it is
    """Judge the lines of a file ("-": standard input) onto standard output. Exit status 0, or 2 where it cannot be opened."""
    try:
        if file == "-":
            _judge(sys.stdin.buffer, sys.stdout, fuse=fuse)
        else:
            with Path(file).open("rb") as stream:
                _judge(stream, sys.stdout, fuse=fuse)
    except BrokenPipeError:
        sys.stderr.close()  # the reader has left: nobody to tell, and nothing to flush at exit
    except OSError as error:
        print(f"{file}: {error.strerror or error}", file=sys.stderr)
        return 2
    return 0


def answer_line(line: bytes) -> tuple[dict[str, Any], str, str, Named | None]:
    """One input line as (output line, domain, suffix, (method, server, reading)); the last is None for a bad line."""
    try:
        row = loads(line, LINE_LIMIT)
    except ValueError as error:
        return _line(None, unknown("input_bad", f"not a JSON line: {error}")), "", "", None
    if not isinstance(row, dict):
        return _line(None, unknown("input_bad", "not a JSON object")), "", "", None
    identity = row.get("id")
    if isinstance(identity, (dict, list)):
        identity = None
    if problem := _problem(row):
        return _line(identity, unknown("input_bad", problem)), "", "", None
    domain, suffix = names(row.get("domain"))
    method, server = row["method"], row.get("server") or ""
    reading = read_answer(method, server, domain, suffix, row["answer"])
    return _line(identity, reading), domain, suffix, (method, server, reading)


def names(value: Any) -> tuple[str, str]:
    """Domain and suffix as A-labels; a name that nobody can register keeps its text and everything after the first dot."""
    if not isinstance(value, str) or not value.strip():
        return "", ""
    try:
        domain = to_ascii(value)
    except NameProblem:
        domain = value.strip()[:253].rstrip(".").lower()
    suffix = load_suffixes()(domain)
    if suffix == domain:
        return domain, ""  # a public suffix itself: nobody registers it
    return domain, suffix or domain.partition(".")[2]


def fused(observations: dict[str, tuple[str, list[Named]]]) -> Iterator[dict[str, Any]]:
    """One verdict line for every domain."""
    from common.core.verdicts import judge_offline  # noqa: PLC0415 - only this option needs the judge of verdicts

    for domain, (suffix, readings) in observations.items():
        yield {"domain": domain, "verdict": judge_offline(domain, suffix, readings)}


def _judge(source: BinaryIO, out: TextIO, *, fuse: bool) -> None:
    observations: dict[str, tuple[str, list[Named]]] = {}
    for line in _lines(source):
        if line is None:
            _write(out, _line(None, unknown("input_bad", f"a line of more than {LINE_LIMIT} bytes")))
            continue
        shown, domain, suffix, named = answer_line(line)
        _write(out, shown)
        if fuse and domain and named is not None and (domain in observations or len(observations) < MOST_DOMAINS):
            readings = observations.setdefault(domain, (suffix, []))[1]
            if len(readings) < MOST_READINGS:
                readings.append(named)
    if fuse:
        for verdict in fused(observations):
            _write(out, verdict)
    out.flush()


def _lines(source: BinaryIO) -> Iterator[bytes | None]:
    """The lines that hold anything, None in the place of one that is too long."""
    while line := source.readline(LINE_LIMIT + 1):
        if len(line) > LINE_LIMIT and not line.endswith(b"\n"):
            while (rest := source.readline(LINE_LIMIT)) and not rest.endswith(b"\n"):
                pass
            yield None
        elif line.strip():
            yield line.rstrip(b"\r\n")


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
        "available": available(reading),
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
