"""How often names inside their windows are looked at, so that they leave their operator's budget to others too.

Every window asks for looks at a pace of its own (`cadence.window_steps`). Where that is more than the operator can be asked
that answers them, all of them become rarer alike: names that may drop about now take at most half of its rate, and half of
what is left of a day's quota until their windows end or the day does; names in wide windows take a quarter.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from common.core.checks.escalation import POOL_OF
from common.core.coordinator.board import Board, Polled, host_of
from common.core.domains.domain_table import CLOSE, WATCHED
from common.core.domains.name_index import Rows
from common.core.domains.working_set import close
from common.core.model.entry import Entry
from common.core.rate_limits.bucket import DAY
from common.core.registries.operators import Limit
from common.core.schedule.cadence import EDGE, imminent, may_drop, window_steps
from common.core.schedule.due_times import Times
from common.core.sweeps import bulk

#: Seconds for which a count of the names inside windows is good.
EVERY = 10.0
#: Part of an operator's budget that names take which may drop about now, and names in wide windows.
IMMINENT, WIDE = 0.5, 0.25


def stretch(board: Board, entry: Entry, now: float) -> float:
    """How many times rarer a name is looked at than its window asks for; 1.0 where the operator has room, and outside."""
    if not entry.in_window(now, EDGE):
        return 1.0
    number = int(board.book.table.suffix[entry.id])
    return _known(board, now).get((number, close(entry, now), may_drop(entry, now)), 1.0)


def stretches(board: Board, rows: Rows, earliest: Times, latest: Times, now: float) -> Times | float:
    """`stretch` for names of one suffix that go by sweep."""
    inside = (earliest - EDGE <= now) & (now <= latest + EDGE)
    if not inside.any():
        return 1.0
    known, number = _known(board, now), int(board.book.table.suffix[rows[0]])
    wide, narrow = (known.get((number, False, soon), 1.0) for soon in (False, True))
    return np.where(imminent(earliest, latest, now), narrow, wide)


def _known(board: Board, now: float) -> dict[Polled, float]:
    if now >= board.stretched_at + EVERY:
        board.stretched_at, board.stretch = now, work_out(board, now)
    return board.stretch


def work_out(board: Board, now: float) -> dict[Polled, float]:
    """The stretch of every kind of name inside windows: the looks that they ask for over those that operators allow."""
    table = board.book.table
    count = len(table)
    rows = np.flatnonzero((table.earliest[:count] <= now + EDGE) & (table.latest[:count] >= now - EDGE))  # NaN is neither
    rows = rows[(table.flags[rows] & WATCHED) != 0]
    earliest, latest = table.earliest[rows].astype(np.float64), table.latest[rows].astype(np.float64)
    pace = 1.0 / np.minimum(bulk.bases(board, rows), window_steps(earliest, latest, now))
    seconds = np.maximum(0.0, np.minimum(latest, (now // DAY + 1) * DAY) - now)
    kinds = table.suffix[rows].astype(np.int64) * 4 + ((table.flags[rows] & CLOSE) != 0) * 2 + imminent(earliest, latest, now)
    per_second, today = np.bincount(kinds, pace), np.bincount(kinds, pace * seconds)
    members: dict[tuple[str, bool], list[int]] = defaultdict(list)
    operators: dict[str, tuple[Limit, str]] = {}
    for kind in np.flatnonzero(per_second).tolist():
        limit, method = _operator(board, table.suffixes[kind // 4], now, close=bool(kind & 2))
        operators[limit.operator] = limit, method
        members[limit.operator, bool(kind & 1)].append(kind)
    found: dict[Polled, float] = {}
    for (operator, soon), group in members.items():
        limit, method = operators[operator]
        egresses = board.workers.offering(POOL_OF[method], method, now)
        part = IMMINENT if soon else WIDE
        rate = part * sum(board.budgets.rate(limit, egress, now) for egress in egresses)
        left = part * sum(board.budgets.left(limit, egress, now, now) for egress in egresses)
        times = max(1.0, _over(per_second[group].sum(), rate), _over(today[group].sum(), left))
        found.update({(kind // 4, bool(kind & 2), soon): times for kind in group})
    return found


def _operator(board: Board, suffix: str, now: float, *, close: bool) -> tuple[Limit, str]:
    """The budget that looks at names of a suffix are paid from, and their method: of those out of the zone its registry's."""
    for method in ("rdap", "whois") if close or board.wildcard(suffix) else ():
        server = board.server(method, suffix)
        key = (method, host_of(server or ""), suffix)
        if server and not board.trust.distrusted(key, now) and not board.channels.resting(key, now):
            return board.limit(method, host_of(server), suffix), method
    return board.limit("dns", suffix, suffix), "dns"


def _over(asked: float, allowed: float) -> float:
    """How many times more is asked than allowed."""
    return asked / allowed if allowed > 0 else float("inf")
