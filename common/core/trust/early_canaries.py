"""Canaries asked before they are needed: inside a drop window, and where a channel was not heard for hours.

A positive answer waits for the canaries of its server, and an alarm for a channel that may be dead. Both cost seconds at a
drop, and nothing where they are known beforehand.
"""

from __future__ import annotations

from common.core.checks.escalation import POOL_OF
from common.core.coordinator.board import Board
from common.core.model.entry import BACKGROUND, Entry
from common.core.telemetry.reach import SILENT, SILENT_SPAN
from common.core.trust.canaries import known_names, put
from common.core.trust.server_trust import GREEN, Key
from common.core.verdict.assess import registry_channels, registry_conditions

#: Seconds around a drop window in which servers are kept verified, and the age of a canary that is asked anew then.
WINDOW_MARGIN, KEEP_WINDOW = 300.0, GREEN * 0.75
#: Questions that a server must be able to take in that time, so that two of them for canaries hold nothing up.
KEEP_COST = 16
#: Seconds after which a channel is asked whether it still speaks, and one that is dead, or lied, whether it does again.
PROBE_EVERY, PROBE_SILENT_EVERY = 6 * 3600.0, 900.0
#: The same for one that fell silent: whether it is dead should be known within minutes, before the next drop.
PROBE_DOUBTED_EVERY = 15.0
#: Share of an operator's questions for that.
PROBE_SHARE = 0.05


def keep_verified(board: Board, entry: Entry, now: float) -> None:
    """Verify the servers of a name that may drop at any moment beforehand: at the drop a canary costs seconds.

    Servers too slow for that are left alone, their questions are worth more as answers. In the middle of its passes a name asks
    for the canaries it needs.
    """
    if entry.detail.passes or not entry.in_window(now, margin=WINDOW_MARGIN):
        return
    for method, key, pace in registry_conditions(board, entry.suffix, now)[0]:
        if pace * KEEP_WINDOW >= KEEP_COST and key not in board.probing:
            for probe in board.trust.probes(key, 0.0, known_names(board, key, entry.name), now, board.rng, window=KEEP_WINDOW):
                board.metrics.count("canaries_beforehand", method=method)
                put(board, probe, now)


def probe_channels(board: Board, now: float) -> None:
    """Ask channels that were not heard for hours about a canary: whether they speak has to be known before a drop.

    A server that lied is asked about both: it is left out until it was right about them, and a drop may be far. Each operator
    gives a twentieth of its questions for that, and only while its line has room.
    """
    for suffix in board.book.table.suffixes:
        for _, key in registry_channels(board, suffix):
            due = board.channels.health(key).heard_at + _probe_interval(board, key, now)
            if now >= due and key not in board.probing and not board.trust.quarantined(key, now):
                _probe_channel(board, key, now)


def _probe_interval(board: Board, key: Key, now: float) -> float:
    """Seconds after its last answer at which a channel is asked about a canary."""
    if board.trust.distrusted(key, now) or board.dead(key, now) or board.reach.methods[key[0]].has_lasted(SILENT, SILENT_SPAN):
        return PROBE_SILENT_EVERY  # in the last case it tells one server that is down from a method that answers nowhere
    return PROBE_DOUBTED_EVERY if board.channels.health(key).silent else PROBE_EVERY


def _probe_channel(board: Board, key: Key, now: float) -> None:
    method, host, suffix = key
    limit = board.limit(method, host, suffix)
    if now < board.probe_after.get(limit.operator, 0.0):
        return
    egresses = board.workers.offering(POOL_OF[method], method, now)
    if not board.queue.room(limit, BACKGROUND) or not board.queue.admits(limit, BACKGROUND, board.budgets, egresses, now):
        return
    probes = board.trust.probes(key, now, known_names(board, key, ""), now, board.rng)
    asked = probes if board.trust.distrusted(key, now) else probes[:1]
    rate = limit.rate if limit.per_day is None else min(limit.rate, limit.per_day / 86_400.0)
    board.probe_after[limit.operator] = now + len(asked) / (PROBE_SHARE * rate)
    for probe in asked:
        put(board, probe, now, rank=BACKGROUND)
