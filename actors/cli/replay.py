"""`domain-monitor replay NAME`: what was decided about a name, from which answers, and whether they give the same again.

Reads the store and nothing else: no network, no coordinator. Exit codes: 0 every verdict came out the same, 1 one did not (or
its entry cannot be read), 2 bad usage or no store, 3 nothing is kept for that name and time.
"""

from __future__ import annotations

import json
import math
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from actors.cli.printing import escape_unprintable
from common.clock import iso
from common.codec import convert, decode_map, plain
from common.config import Settings
from common.core.audit.ledger import LedgerEntry, compare_verdicts, replay_verdict
from common.core.model.methods import is_registry
from common.core.model.records import Evidence, LedgerRow
from common.core.model.verdict import Verdict
from common.core.registries.registrable_names import parse_domain_name
from common.core.verdict.rules_version import rules_version
from common.errors import MessageError, NameProblem, StoreError
from common.store.reader import open_reader
from common.store.store_contract import MAX_LIMIT
from common.suffixes import load_suffixes

SAME, DIFFERENT, BAD_USAGE, NOTHING = 0, 1, 2, 3
#: Just under what `iso` cuts off, in seconds.
MILLISECOND = 0.000_999
#: Lines and characters of an answer's copy shown to people; `--json` has all of it.
COPY_LINES, COPY_WIDTH = 6, 150


@dataclass(frozen=True)
class Replayed:
    """One entry, judged again. `entry` and `again` are None where it cannot be read; `problems` say what is different."""

    row: LedgerRow
    entry: LedgerEntry | None
    again: Verdict | None
    problems: tuple[str, ...]


def run(name: str, at: str | None, as_json: bool, settings: Settings) -> int:  # noqa: FBT001  # a flag
    """Print every judgement on a name up to a time (ISO 8601 or epoch seconds; None: to the last), oldest first."""
    try:
        domain = parse_domain_name(name, load_suffixes()).alabel
        until = None if at is None else parse_moment(at)
        rows = _rows(settings, domain, until)
    except (NameProblem, StoreError, ValueError) as error:
        print(f"domain-monitor: {error}", file=sys.stderr)
        return BAD_USAGE
    if not rows:
        upto = "" if until is None else f" up to {iso(until)}"
        print(f"domain-monitor: nothing in the ledger for {domain}{upto}", file=sys.stderr)
        return NOTHING
    found = [replay_entry(row) for row in reversed(rows)]
    try:
        for replayed in found:
            print(json.dumps(render_map(replayed)) if as_json else "\n".join(render_lines(replayed)))
        if not as_json:
            print(_summary(domain, found))
        sys.stdout.flush()
    except BrokenPipeError:
        sys.stderr.close()  # the reader has left: there is nothing to flush at exit
    return DIFFERENT if any(replayed.problems for replayed in found) else SAME


def parse_moment(text: str) -> float:
    """Epoch seconds of a time as people write it: ISO 8601 (without a zone UTC) or epoch seconds. Raises ValueError.

    A millisecond counts to its end, so that a time that was printed here finds its own entry.
    """
    try:
        value = float(text)
    except ValueError:
        try:
            parsed = datetime.fromisoformat(text.strip())
        except ValueError:
            raise ValueError(f"--at must be ISO 8601 or epoch seconds, not {escape_unprintable(text)[:60]!r}") from None
        value = (parsed if parsed.tzinfo is not None else parsed.replace(tzinfo=UTC)).timestamp() + MILLISECOND
    if not math.isfinite(value) or not 0 <= value < 253_402_300_800:  # the end of the year 9999
        raise ValueError("--at must be a time between 1970 and 9999")
    return value


def replay_entry(row: LedgerRow) -> Replayed:
    """Read one entry and judge it again, by today's rules."""
    try:
        entry = convert(decode_map(row.body), LedgerEntry)
    except MessageError as error:
        return Replayed(row, None, None, (f"the entry cannot be read: {error}",))
    again = replay_verdict(entry)
    problems = compare_verdicts(entry, again)
    if (entry.domain, entry.at, entry.verdict.state.value) != (row.domain, row.at, row.state):
        problems.append("the entry is not the one that was filed under this name, time and state")
    return Replayed(row, entry, again, tuple(problems))


def render_map(replayed: Replayed) -> dict[str, Any]:
    """One entry for `--json`."""
    row, entry = replayed.row, replayed.entry
    head = {"seq": row.seq, "domain": row.domain, "at": row.at, "time": iso(row.at), "kind": row.kind, "rules": row.rules}
    if entry is None or replayed.again is None:
        return {**head, "again": {"same": False, "rules": rules_version(), "problems": list(replayed.problems)}}
    again = {"same": not replayed.problems, "rules": rules_version(), "problems": list(replayed.problems)}
    return {**plain(entry), **head, "again": {**again, "verdict": plain(replayed.again)}}


def render_lines(replayed: Replayed) -> list[str]:
    """One entry for people."""
    row, entry = replayed.row, replayed.entry
    if entry is None:
        return [f"{iso(row.at)}  {row.kind}: {row.state}  rules {row.rules}", *_outcome(replayed), ""]
    verdict = entry.verdict
    change = f"{entry.before} -> {verdict.state}" if entry.before is not verdict.state else f"{verdict.state} as before"
    told = f", told as {entry.told!r}" if entry.told else ""
    odds = f"P(unregistered) {verdict.p_unregistered:g}, rho {verdict.p_registrable:g}"
    shown = [
        f"{iso(row.at)}  {row.kind}: {change}{told}",
        f"  confidence {verdict.confidence:g} ({odds}); rules {entry.rules}, generation {entry.generation}",
        f"  because: {verdict.reason}",
    ]
    if entry.why:
        shown.append(f"  kept because: {entry.why}")
    for method, item in sorted(entry.evidence.items()):
        shown += _evidence(method, item, entry.at)
    for method, item in sorted(entry.voided.items()):
        shown += [f"  no longer believed, {method}:", *_evidence(method, item, entry.at)]
    shown += _around(entry)
    return [*map(escape_unprintable, shown), *_outcome(replayed), ""]


def _evidence(method: str, item: Evidence, judged: float) -> list[str]:
    observation = item.observation
    reading = observation.reading
    where = " at ".join(part for part in (observation.server, observation.address) if part) or "nobody"
    status = "" if observation.status is None else f", status {observation.status}"
    facts = [f"{judged - item.at:.1f} s before the verdict", f"the same since {iso(item.first_at)}"]
    if reading.phase is not None:
        facts.append(f"phase {reading.phase}")
    if reading.serial is not None:
        facts.append(f"zone serial {reading.serial}")
    if reading.fresh_at is not None:
        facts.append(f"{'zone' if method == 'dns' else 'database'} as of {iso(reading.fresh_at)}")
    shown = [
        f"  {method}: asked {where}{status}: {reading.outcome} ({reading.finding}) - {reading.reason}",
        f"    at {iso(item.at)}, {', '.join(facts)}",
    ]
    if observation.digest:
        shown.append(f"    sha256 {observation.digest}")
    return shown + [f"    | {line}" for line in _copy(observation.excerpt)]


def _copy(text: str) -> list[str]:
    """The kept copy of an answer, as far as it fits a screen."""
    whole = [line for line in text.splitlines() if line.strip()]
    cut = [line if len(line) <= COPY_WIDTH else f"{line[:COPY_WIDTH]}..." for line in whole[:COPY_LINES]]
    return cut + [f"... {len(whole) - COPY_LINES} more lines (--json)"] * (len(whole) > COPY_LINES)


def _around(entry: LedgerEntry) -> list[str]:
    """What the evidence stood in: passes, gates, canaries."""
    situation = entry.situation
    shown = [f"  situation: phase {situation.phase or 'not known'}, prior {situation.prior:g}"]
    if situation.passes:
        shown.append(f"  passes: {', '.join(iso(at) for at in situation.passes)} (at least {entry.needs.gap:g} s apart)")
    if any(map(is_registry, entry.positive_methods)):
        shown += [f"  open: {gate}" for gate in situation.gates]
    for method, row in sorted(entry.canaries.items()):
        found, free = (iso(at) if at else "never" for at in (row.registered_ok, row.free_ok))
        shown.append(f"  canaries of {method} ({row.server}): known name found {found}, random name not found {free}")
    return shown


def _outcome(replayed: Replayed) -> list[str]:
    rules = rules_version()
    under = (
        f"by today's rules {rules}, not {replayed.row.rules}" if rules != replayed.row.rules else f"by the same rules {rules}"
    )
    if not replayed.problems:
        return [f"  judged again, {under}: same verdict"]
    return [f"  judged again, {under}: DIFFERENT", *(f"    {escape_unprintable(problem)}" for problem in replayed.problems)]


def _summary(domain: str, found: list[Replayed]) -> str:
    different = sum(bool(replayed.problems) for replayed in found)
    verdict = "every verdict came out the same" if not different else f"{different} came out different"
    return f"{domain}: {len(found)} judged again, {verdict}"


def _rows(settings: Settings, domain: str, until: float | None) -> list[LedgerRow]:
    reader = open_reader(settings)
    try:
        return reader.ledger(domain, until, MAX_LIMIT)
    finally:
        reader.close()
