"""Notes beside the evidence of a name why a method says nothing, where no question came to an answer.

What a server answered that proves nothing is noted where it is heard (`Entry.note`). Here is the rest: a line that is too long,
an operator that limits us, a pool without workers, a worker that was lost, a server that is not known or not believed.
"""

from __future__ import annotations

from common.core.coordinator.board import Board, host_of
from common.core.model.entry import Entry
from common.core.model.evidence import Observation, Reading, unknown
from common.core.rate_limits.policy import is_limiting
from common.core.rate_limits.query_queue import Ask
from common.core.registries.operators import Limit
from common.core.telemetry.error_kinds import LEFT_ALONE, NO_SERVER, NOT_ANSWERED, NOT_ASKED, UNASKED, kind_of
from common.core.verdict.assess import SUFFIX_GONE


def keep(entry: Entry, method: str, server: str, reading: Reading, now: float) -> None:
    """Note why a method says nothing. What its server said itself in this check is worth more, and stays."""
    known = entry.detail.trouble.get(method)
    if known is not None and known.observation.reading.finding not in UNASKED:
        current = entry.round is not None and known.at >= entry.round.started
        if current or known.observation.reading.finding in SUFFIX_GONE:
            return
    entry.note(Observation(method, reading, server=host_of(server) or entry.suffix), now)


def note(board: Board, ask: Ask, why: str, now: float, *, finding: str = NOT_ASKED, retry_after: float | None = None) -> None:
    """Note that a question will not be answered: it never left, or what had it was lost."""
    reading = unknown(finding, why, retry_after=retry_after)
    board.metrics.count("check_errors", method=ask.method, kind=kind_of(Observation(ask.method, reading)))
    if ask.entry is not None and (finding == NOT_ANSWERED or not ask.tries):
        keep(ask.entry, ask.method, ask.server, reading, now)


def turned_away(board: Board, entry: Entry, method: str, server: str, limit: Limit, egresses: list[str], now: float) -> None:
    """Note that a question got no place in the line of its operator."""
    board.metrics.count("questions_turned_away", method=method)
    wait = None
    if not egresses:
        why = f"no worker is there that asks {method}"
    elif limit.rate <= 0:
        why = f"the budget of {limit.operator} allows no questions"
    elif is_limiting(limit, egresses, board.budgets, now):
        wait = min(board.budgets.blocked_until(limit, egress, now) for egress in egresses) - now
        why = f"{limit.operator} limits us, for another {wait:.0f} s"
    elif limit.per_day is not None and not any(board.budgets.available(limit, egress, now) for egress in egresses):
        why = f"the day's quota of {limit.operator} is used up"
    else:
        why = f"the line of {limit.operator} is too long"
    board.metrics.count("check_errors", method=method, kind=NOT_ASKED)
    keep(entry, method, server, unknown(NOT_ASKED, why, retry_after=wait), now)


def left_out(board: Board, entry: Entry, asked: set[str], now: float) -> None:
    """Note which registry channels a check did without, and why."""
    for method in ("rdap", "whois"):
        if method in asked:
            continue
        server = board.server(method, entry.suffix)
        if server is None:
            keep(entry, method, "", unknown(NO_SERVER, f"no server is known for .{entry.suffix}"), now)
            continue
        key = (method, host_of(server), entry.suffix)
        row, health = board.trust.known(key), board.channels.health(key)
        if row is not None and board.trust.distrusted(key, now):
            keep(entry, method, server, unknown(LEFT_ALONE, f"its server is not believed: {row.reason}"), now)
        elif board.channels.resting(key, now):
            silence = f"silent for {now - health.silent_since:.0f} s: {health.reason}" if health.silent else "it owes an answer"
            keep(entry, method, server, unknown(LEFT_ALONE, silence), now)
