"""The report of `sources` for people: a table of at most 100 columns, with what each source needs below its line."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from actors.cli.printing import escape_unprintable
from common.core.coordinator.source_state import show_span

WIDTH = 100
_COLUMNS = (("source", 24), ("configured", 11), ("entitled", 9), ("trusted", 18), ("budget left", 21), ("last success", 12))
_INDENT = "    "
#: Most suffixes shown of a source.
_SUFFIXES = 8


def render_sources(report: Mapping[str, Any]) -> list[str]:
    """The report, line by line."""
    return [line.rstrip() for line in _report_lines(report)]


def _report_lines(report: Mapping[str, Any]) -> Iterator[str]:
    now = report["timestamp"]
    yield _line([heading for heading, _ in _COLUMNS])
    for row in report["sources"]:
        yield from _source_lines(row, now)
    yield ""
    yield "What an answer proves:"
    yield from _proof_lines(report["sources"])
    yield ""
    configured = [row for row in report["sources"] if row["configured"] != "no"]
    for place in dict.fromkeys(_origin(row["origin"]) for row in configured):
        yield from _wrapped("", f"State {place}.")
    for sentence in (*report["notes"], *report["next"]):
        yield from _wrapped("", f"{sentence[:1].upper()}{sentence[1:].rstrip('.')}.")


def _source_lines(row: Mapping[str, Any], now: float) -> Iterator[str]:
    name = row["method"] if row["method"].startswith("registrar:") or not row["server"] else f"{row['method']} {row['server']}"
    if len(name) > _COLUMNS[0][1]:
        yield escape_unprintable(name)[:WIDTH]
        name = ""
    asked = row["configured"] != "no"
    last = f"{show_span(now - row['last_success'])} ago" if row["last_success"] else "none known"
    cells = [
        row["configured"],
        row["entitled"],
        *((_trust(row["method"], row["trust"], now), _budget(row["budget"], now), last) if asked else ()),
    ]
    yield _line([escape_unprintable(name), *cells])
    if row["missing"]:
        yield from _wrapped(
            _INDENT, f"needs {' or '.join(row['missing']) if row['method'] == 'das' else ', '.join(row['missing'])}"
        )
    said = row["trouble"] or row["entitled_reason"]
    if said:
        yield from _wrapped(_INDENT, said)
    if row["trust"]["reason"]:
        yield from _wrapped(_INDENT, f"quarantined: {row['trust']['reason']}")
    if row["suffixes"]:
        more = ", ..." if len(row["suffixes"]) > _SUFFIXES else ""
        yield from _wrapped(_INDENT, f"for {', '.join(f'.{suffix}' for suffix in row['suffixes'][:_SUFFIXES])}{more}")
    if row["terms"]:
        yield from _wrapped(_INDENT, f"terms: {row['terms']}")


def _proof_lines(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Each sentence once, with the sources that it is true of: the kind where there are several."""
    methods: dict[str, dict[str, None]] = {}
    for row in rows:
        methods.setdefault(row["proves"], {})[row["method"]] = None
    for proves, named in methods.items():
        label = next(iter(named)) if len(named) == 1 else next(iter(named)).partition(":")[0]
        yield from _wrapped(f"{_INDENT}{escape_unprintable(label):<20} ", proves)


def _trust(method: str, trust: Mapping[str, Any], now: float) -> str:
    if trust["state"] == "quarantined":
        return f"quarantine, {show_span(trust['quarantined_until'] - now)}"
    if method == "http":
        return "needs none"  # a web server that answers belongs to the holder of the name
    if trust["state"] == "verified":
        return f"verified, {trust['verified']} of {trust['channels']}"
    return "not verified yet"


def _budget(budget: Mapping[str, Any], now: float) -> str:
    """What may be asked: the rate, or the number of operators; what was used of the day, or until when nothing may be."""
    if budget["blocked_until"] is not None:
        return f"blocked for {show_span(budget['blocked_until'] - now)}"
    if budget["rate"] is None:
        blocked = f", {budget['blocked']} blocked" if budget["blocked"] else ""
        return f"{budget['operators']} operators{blocked}" if budget["operators"] else "-"
    day = f"/{budget['per_day']}" if budget["per_day"] else ""
    used = f", {budget['used_today']}{day} today" if budget["operators"] or day else ""
    return f"{_rate(budget['rate'])}/s{used}"


def _rate(rate: float) -> str:
    return f"{rate:.0f}" if rate >= 10 else f"{rate:.2g}"


def _origin(origin: Mapping[str, Any]) -> str:
    age = "" if origin["age"] is None else f", {show_span(origin['age'])} old"
    places = {"instance": f"from the running instance at {origin['place']}", "store": f"from the store {origin['place']}"}
    return f"{places.get(origin['from'], 'from the settings alone, nothing was asked')}{age}"


def _wrapped(start: str, text: str) -> Iterator[str]:
    """Lines of at most WIDTH columns, those after the first indented."""
    plain = escape_unprintable(" ".join(text.split()))
    first, *more = textwrap.wrap(plain, WIDTH - len(start), break_on_hyphens=False) or [""]
    yield start + first
    yield from (" " * len(start) + line for line in more)


def _line(cells: Sequence[str]) -> str:
    padded = (f"{cell:<{width}}" for cell, (_, width) in zip(cells, _COLUMNS, strict=False))
    return " ".join(padded)[:WIDTH]
