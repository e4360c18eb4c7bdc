"""A report of `check` for people: at most 100 columns, colours only where asked for."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from actors.cli.printing import escape_unprintable
from actors.cli.registrar_report import render_offers
from common.clock import iso
from common.core.model.methods import is_registrar
from common.core.model.states import OWNED

WIDTH = 100
#: Longest list of methods that stands before a text instead of in it.
_LONGEST_LEAD = 30
_INDENT, _WHY = " " * 9, " " * 11
_GROUPS = {"registry_db": "registry"}
_GREEN, _YELLOW, _RED, _BOLD, _DIM = "32", "33", "31", "1", "2"
#: States in which it matters how a server was verified.
_VOUCHED = frozenset({"AVAILABLE", "UNREGISTERED", "UNKNOWN"})
_OWNED = frozenset(state.value for state in OWNED)
Paint = Callable[[str, str], str]
_LOOK = {
    "AVAILABLE": _GREEN,
    "AVAILABLE_PREMIUM": _GREEN,
    "UNREGISTERED": _GREEN,
    "UNKNOWN": _RED,
    "INVALID": _RED,
    "REGISTERED": _BOLD,
    "unregistered": _GREEN,
    "premium": _GREEN,
    "registered": _BOLD,
    "unknown": _RED,
    "throttled": _RED,
}


def render_report(report: Mapping[str, Any], *, colour: bool) -> list[str]:
    """The report, line by line."""
    paint = _paint if colour else _plain
    return [line.rstrip() for line in _report_lines(report, paint)]


def _report_lines(report: Mapping[str, Any], paint: Paint) -> Iterator[str]:
    name = report["domain"] if report["unicode"] == report["domain"] else f"{report['unicode']} ({report['domain']})"
    if "state" not in report:
        yield from _registrar_lines(paint(escape_unprintable(name), _BOLD), report)
        return
    head = f"{paint(escape_unprintable(name), _BOLD)}  {paint(report['state'], _LOOK.get(report['state'], _YELLOW))}"
    if report["code"] is not None:
        yield f"{head}  {report['code']}"
        yield from _wrapped("  ", f"cannot be monitored: {report['reason']}")
        return
    yield f"{head}  confidence {report['confidence']:.3f} that it can be registered ({report['seconds']:.1f} s)"
    for method, check in report["checks"].items():
        yield from _check_lines(method, check, paint, vouching=report["state"] in _VOUCHED)
    yield from (paint(line, _DIM) for line in _unasked_lines(report["not_asked"]))
    yield from _verdict_lines(report)
    if report["registrars"]:
        yield from render_offers(report)


def _unasked_lines(unasked: Mapping[str, str]) -> Iterator[str]:
    """A line for each reason with its methods; several registrars are counted, not listed."""
    by_reason: dict[str, list[str]] = {}
    for method, reason in unasked.items():
        by_reason.setdefault(reason, []).append(method)
    for reason, methods in by_reason.items():
        registrars = [method for method in methods if is_registrar(method)]
        several = len(registrars) > 1
        named = ", ".join(method for method in methods if not (several and is_registrar(method)))
        if named:
            lead, text = (f"  {named:<6} ", "") if len(named) <= _LONGEST_LEAD else ("  ", f"{named}: ")
            yield from _wrapped(lead, f"{text}not asked: {reason}")
        if several:
            yield from _wrapped("  ", f"{len(registrars)} registrars not asked: {reason}")


def _registrar_lines(name: str, report: Mapping[str, Any]) -> Iterator[str]:
    """A report on what registrars say, and nothing else."""
    if report["code"] is not None:
        yield f"{name}  {report['code']}"
        yield from _wrapped("  ", f"cannot be asked for: {report['reason']}")
        return
    asked = sum(row["timestamp"] is not None for row in report["registrars"])
    sure = sum(row["definitive"] for row in report["registrars"])
    yield f"{name}  {asked} of {len(report['registrars'])} registrars asked, {sure} definitive ({report['seconds']:.1f} s)"
    yield from render_offers(report)


def _check_lines(method: str, check: Mapping[str, Any], paint: Paint, *, vouching: bool) -> Iterator[str]:
    host = check["address"].partition("/")[0]
    server = f"zone {check['server']}" if method == "dns" and check["server"] else check["server"]
    places = ["" if server in host else server, "" if host in check["query"] else check["address"]]
    where = ", ".join(place for place in places if place and place not in check["query"])
    yield from _wrapped(f"  {method:<6} ", f"{check['query']}{' @ ' if where else ''}{where} ({check['duration_ms']:.0f} ms)")
    status = f"HTTP {check['status']}: " if check["status"] is not None and method != "dns" else ""
    said = status + (check["answer"] or ("" if check["weight"] else check["reason"]))
    if said:
        yield from (paint(line, _DIM) for line in _wrapped(_INDENT, said))
    outcome = check["outcome"]
    found = (
        f"=> {outcome}, {'weight ' + format(check['weight'], '+.1f') if check['weight'] else 'no weight'} ({check['finding']})"
    )
    first, *more = _wrapped(_INDENT, found)
    yield first.replace(outcome, paint(outcome, _LOOK.get(outcome, _YELLOW)), 1)
    yield from more
    if vouching and check["canary"] is not None:
        yield from _wrapped(_INDENT, _canary_text(check))
    if check["trouble"]:
        yield from _wrapped(_INDENT, f"asked again without success: {check['trouble']}")


def _canary_text(check: Mapping[str, Any]) -> str:
    """What the server said to questions whose answer is known, the last word on each."""
    words = {(True, "registered"): "found", (True, "unregistered"): "NOT FOUND", (False, "registered"): "FOUND"}
    said: dict[str, str] = {}
    for asked in sorted(check["canaries"], key=lambda asked: not asked["registered"]):
        denied = not asked["registered"] and asked["outcome"] in {"unregistered", "reserved", "invalid"}
        word = words.get((asked["registered"], asked["outcome"]), "denied" if denied else "gave no answer")
        said[asked["domain"] if asked["registered"] else "a made-up name"] = word
    told = ", ".join(f"{name} {word}" for name, word in said.items()) or "none was asked"
    return f"canaries {'green' if check['canary']['bracketed'] else 'NOT green'}: {told}"


def _verdict_lines(report: Mapping[str, Any]) -> Iterator[str]:
    yield from _wrapped("  verdict  ", f"{report['state']}: {report['reason'].partition(chr(10))[0]}")
    odds = report["log_odds"]
    parts = ", ".join(f"{_GROUPS.get(name, name)} {value:+.1f}" for name, value in odds.items() if name != "total" and value)
    p = report["p_unregistered"]
    yield from _wrapped(_WHY, f"P(unregistered) {p:.4f} from log-odds {odds['total']:+.1f} ({parts or 'nothing is known'})")
    yield from _registrable_lines(report)
    for limit in report["limits"]:
        yield from _wrapped("  limit    ", limit)
    drop = report["forecast"]
    if drop is not None:
        window = f"{iso(drop['earliest'])[:16]}Z to {iso(drop['latest'])[:16]}Z"
        yield from _wrapped("  drop     ", f"expected {window}, sure {drop['p']:.0%}: {drop['reason']}")


def _registrable_lines(report: Mapping[str, Any]) -> Iterator[str]:
    """The second factor of the confidence; of no interest while somebody owns the name or nothing is known."""
    p, rho, passes = report["p_unregistered"], report["rho"], report["passes"]
    if report["state"] in _OWNED or not rho:
        return
    product = abs(p * rho - report["confidence"]) < 0.001
    means = f"confidence {report['confidence']:.3f} = P x rho" if product else "confidence 0.000: not for everybody to register"
    yield from _wrapped(_WHY, f"rho {rho:.3f} that an ordinary registrar could create it; {means}")
    yield f"{_WHY}{passes} whole {'pass' if passes == 1 else 'passes'}"


def _wrapped(start: str, text: str) -> Iterator[str]:
    """Lines of at most WIDTH columns, those after the first indented."""
    plain = escape_unprintable(" ".join(text.split()))
    first, *more = textwrap.wrap(plain, WIDTH - len(start), break_on_hyphens=False) or [""]
    yield start + first
    yield from (" " * len(start) + line for line in more)


def _paint(text: str, code: str) -> str:
    return f"\x1b[{code}m{text}\x1b[0m"


def _plain(text: str, _code: str) -> str:
    return text
