"""Sweeps: quiet names in line, by suffix, until a worker has a place and the suffix's budget has tokens for a batch of them.

What goes by sweep is what a visit would begin with anyway, one DNS question a name; what comes out of it goes on in
`common.core.sweeps.results`. A few names of one suffix are not worth a sweep: they are visited one by one.
"""

from __future__ import annotations

from dataclasses import replace
from math import ceil

import numpy as np

from common.core.checks import visits
from common.core.coordinator.board import Board
from common.core.coordinator.inputs import Send
from common.core.domains.domain_table import LINED
from common.core.domains.name_index import Rows
from common.core.rate_limits.bucket import DAY
from common.core.rate_limits.policy import is_limiting
from common.core.registries.operators import Limit
from common.core.schedule.due_times import NEVER, Times
from common.core.sweeps import bulk
from common.core.sweeps.sweep_queues import Line, Pile, Swarm
from common.core.workers.leases import Worker
from common.messages import MAX_SWEEP, Sweep

#: Fewer names than this are visited one by one.
FEWEST = 8
#: A batch worth sending at once, and how long names are held back for one, in seconds: at most, and per name of the table.
GOOD, HOLD, HOLD_PER_NAME = 256, 1.0, 1e-4
#: Seconds over which the names of a sweep are spread at least, and that it may take beside its pace.
SHORTEST = 0.5
SLACK = 20.0
#: Times that a sweep is sent again before its names wait for their next turn.
TRIES = 3
#: Parts into which a sweep is split whose worker died.
PARTS = 8
#: From this pace on, in queries per second and address, the windows of the checker decide alone.
FREE_PACE = 20_000.0


def dispatch(board: Board, now: float) -> None:
    """Send every sweep whose tokens and worker are there, names with priority first."""
    lines = board.lines
    lines.wake = NEVER
    for urgent in (True, False):
        for suffix, line in lines.waiting(urgent=urgent):
            while _send_one(board, suffix, line, now, urgent=urgent):
                pass
            if not urgent and not board.workers.sweepers(urgent=False):
                return  # there may be a thousand more suffixes, and none of them can be asked


def lost(board: Board, swarm: Swarm, now: float, *, died: bool) -> None:
    """A sweep, or some of its names, got no answer: those still in line are asked about again, others have told their story.

    Where its worker died it is split, until what kills workers is alone and visited by itself.
    """
    board.metrics.count("sweeps_lost")
    waiting, since = in_line(board, swarm.rows, swarm.times)
    if not died and swarm.tries + 1 >= TRIES:
        bulk.give_up(board, waiting, now)
        return
    size = len(waiting) if not died else max(1, ceil(len(waiting) / PARTS))
    for start in range(0, len(waiting), max(1, size)):
        rows, times = waiting[start : start + size], since[start : start + size]
        if died and size < FEWEST:
            visits.want_many(board, rows, times, urgent=swarm.urgent)
        else:
            board.lines.again(replace(swarm, rows=rows, times=times, egress="", tries=swarm.tries + 1))


def in_line(board: Board, rows: Rows, times: Times) -> tuple[Rows, Times]:
    """Those that are still in line, each once: a visit on demand, or the list, may have taken one out and let it in again."""
    still = (board.book.table.flags[rows] & LINED) != 0
    places = np.unique(rows, return_index=True)[1]
    if still.all() and len(places) == len(rows):
        return rows, times
    places = places[still[places]]
    return rows[places], times[places]


def _send_one(board: Board, suffix: str, line: Line, now: float, *, urgent: bool) -> bool:
    """Send one sweep of this line. False where there is nothing to send, or not yet."""
    workers = board.workers.sweepers(urgent=urgent)
    pile = line.urgent if urgent else line.ordinary
    # A lost sweep goes before the others of its kind, and never before a name with priority.
    if urgent and pile.count:
        return _send_pile(board, suffix, pile, workers, now, urgent=True)
    if line.again and workers:
        return _send_again(board, line, board.workers.sweepers(urgent=urgent, avoid=line.again[0].avoid), now)
    return bool(pile.count) and _send_pile(board, suffix, pile, workers, now, urgent=urgent)


def _send_pile(board: Board, suffix: str, pile: Pile, workers: list[Worker], now: float, *, urgent: bool) -> bool:
    """Send the first of a pile, or visit all of them where that is the better way."""
    if not _ready(board, pile, now, urgent=urgent):
        return False
    limit = board.limit("dns", suffix, suffix)
    if pile.count < FEWEST or (urgent and is_limiting(limit, board.workers.egresses("fast"), board.budgets, now)):
        visits.want_many(board, *in_line(board, *pile.take(pile.count)), urgent=urgent)
        return True
    needed = _enough(limit, pile.count)
    worker = _allowed(board, limit, workers, needed, now)
    if worker is None:
        pile.not_before = _allowed_at(board, limit, workers, needed, now)
        board.lines.wake = min(board.lines.wake, pile.not_before if workers else NEVER)
        return False
    there = board.budgets.available(limit, worker.egress, now)
    rows, times = in_line(board, *pile.take(min(MAX_SWEEP, pile.count, there)))
    pile.since = now
    if len(rows):
        _send(board, Swarm(rows, times, suffix, limit, urgent=urgent), worker, now)
    return True


def _send_again(board: Board, line: Line, workers: list[Worker], now: float) -> bool:
    """Send a sweep that was lost, as much of it as there are tokens for. False where they are not there yet."""
    swarm = line.again[0]
    needed = _enough(swarm.limit, len(swarm.rows))
    worker = _allowed(board, swarm.limit, workers, needed, now)
    if worker is None:
        board.lines.wake = min(board.lines.wake, _allowed_at(board, swarm.limit, workers, needed, now))
        return False
    there = board.budgets.available(swarm.limit, worker.egress, now)
    line.again.popleft()
    if there < len(swarm.rows):
        line.again.appendleft(replace(swarm, rows=swarm.rows[there:], times=swarm.times[there:]))
        swarm = replace(swarm, rows=swarm.rows[:there], times=swarm.times[:there])
    _send(board, swarm, worker, now)
    return True


def _enough(limit: Limit, count: int) -> int:
    """Tokens worth beginning with for so many names: all of a day's would never be there together."""
    return min(GOOD, count, max(1, int(limit.burst / 2)), max(1, limit.per_day or GOOD))


def _allowed(board: Board, limit: Limit, workers: list[Worker], needed: int, now: float) -> Worker | None:
    """A worker from whose egress so many questions may be asked now, or the rest of the day's."""
    budgets = board.budgets
    for worker in workers:
        if budgets.available(limit, worker.egress, now) >= budgets.today(limit, worker.egress, needed, now):
            return worker
    return None


def _allowed_at(board: Board, limit: Limit, workers: list[Worker], needed: int, now: float) -> float:
    """When that may be, as far as budgets decide."""
    egresses = [worker.egress for worker in workers]
    times = (board.budgets.next_at(limit, egress, now, board.budgets.today(limit, egress, needed, now)) for egress in egresses)
    return min(times, default=now)


def _ready(board: Board, pile: Pile, now: float, *, urgent: bool) -> bool:
    """Whether the names of a pile need not wait for more of them, nor for tokens."""
    at = pile.not_before
    if not urgent and pile.count < GOOD:
        at = max(at, pile.since + min(HOLD, HOLD_PER_NAME * len(board.book)))
    if at > now:
        board.lines.wake = min(board.lines.wake, at)
    return at <= now


def _send(board: Board, swarm: Swarm, worker: Worker, now: float) -> None:
    count = len(swarm.rows)
    board.reach.asked_at = now
    board.budgets.take_many(swarm.limit, worker.egress, count, now)
    swarm = replace(swarm, egress=worker.egress, sent=now, by=worker.name)
    seconds = SLACK + 2.0 * count / swarm.limit.rate
    lease = board.workers.lease(worker, swarm, min(seconds, DAY), now, sweep=True, names=count)
    cut = len(swarm.suffix) + 1
    labels = "\n".join([board.book.table.name(row)[:-cut] for row in swarm.rows.tolist()])
    # The tokens of all are there, and a bucket may be emptied at once: what is short of its burst need not take seconds.
    pace = max(swarm.limit.rate, count / SHORTEST) / board.width(swarm.suffix)
    sweep = Sweep(
        lease.attempt,
        lease.seq,
        swarm.suffix,
        labels,
        count,
        pace=pace if pace < FREE_PACE else None,
        budget_ms=int(seconds * 1000),
    )
    board.commands.append(Send(worker.name, worker.boot, sweep, (lease.attempt,)))
    lane = "priority" if swarm.urgent else "ordinary"
    for late, number in zip(*np.unique(np.round(now - swarm.times, 2), return_counts=True), strict=True):
        board.metrics.observe_many("lateness_seconds", float(late), int(number), lane=lane)
