"""Taking over a domain list: new names in, missing ones out of watch, odd lists held back. The difference comes in pieces."""

from __future__ import annotations

import numpy as np

from common.core.checks import visits
from common.core.checks.admission import Wanted
from common.core.coordinator.board import Board
from common.core.coordinator.inputs import LeaveList, TakeList
from common.core.domains.domain_table import LINED, PRIORITY, STATES, WANTED, WATCHED
from common.core.domains.name_index import Rows
from common.core.model.records import NewName, Watch
from common.core.schedule.cadence import first_checks
from common.core.verdict.verdicts import State
from common.core.watchlist.domain_list import hold_back
from common.core.watchlist.list_diff import ListChunk, ListSummary


def same(board: Board, source: str, now: float) -> None:
    """The list is the one we have."""
    board.list_state.update(source=source, seen_at=now, error=None)


def read(board: Board, head: ListSummary, source: str, now: float) -> None:
    """A list was read: take it over, or hold it back until it comes again unchanged."""
    watched = board.book.table.watched
    held = hold_back(watched, head, board.list_state.get("held_fingerprint"))
    board.list_state.update(source=source, error=None, seen_at=now)
    if held is not None:
        board.list_state.update(held=held.reason, held_fingerprint=head.fingerprint)
        board.say("error", "list_held_back", source=source, reason=held.reason, watched=watched)
        board.metrics.count("lists", result="held")
        board.commands.append(LeaveList())
        return
    board.list_head = head
    board.book.table.reserve(len(board.book) + head.added)
    board.commands.append(TakeList())


def part(board: Board, piece: ListChunk, now: float) -> None:
    """A piece of the difference."""
    _add(board, piece, now)
    for row in piece.removed:
        if 0 <= row < len(board.book):
            _remove(board, row, now)
    for row, priority in piece.priorities:
        if 0 <= row < len(board.book):
            _set_priority(board, row, priority, now)


def end(board: Board, now: float) -> None:
    """The whole difference is taken over."""
    head, board.list_head = board.list_head, None
    if head is None:
        return
    board.list_state.update(held=None, held_fingerprint=None, loaded_at=now, names=head.names, problems=head.problem_count)
    board.changes.problems = list(head.problems)
    board.metrics.count("lists", result="taken")
    board.say(
        "info",
        "list_taken",
        source=board.list_state.get("source"),
        names=head.names,
        added=head.added,
        removed=head.removed,
        problems=head.problem_count,
    )


def failed(board: Board, text: str, source: str, now: float) -> None:
    """Note that the list could not be read; what was watched stays watched."""
    board.list_head = None
    board.list_state.update(source=source, error=text, failed_at=now)
    board.metrics.count("lists", result="failed")
    board.say("error", "list_failed", source=source, reason=text)


def check_now(board: Board, name: str) -> bool:
    """Check one watched name at once, by every method. False if it is not watched."""
    row = board.book.table.find(name)
    if row < 0 or not board.book.table.has(row, WATCHED):
        return False
    visits.want(board, Wanted(row, manual=True, urgent=True))
    return True


def _add(board: Board, piece: ListChunk, now: float) -> None:
    table = board.book.table
    found = [table.find(name) for name in piece.added]
    for row, priority in zip(found, piece.urgent, strict=True):
        if row >= 0:
            _watch_again(board, row, priority, now)
    new = [place for place, row in enumerate(found) if row < 0]
    if not new:
        return
    names, suffixes = [piece.added[place] for place in new], [piece.suffixes[place] for place in new]
    urgent = np.array([piece.urgent[place] for place in new], np.bool_)
    rows = table.add(names, suffixes)
    table.flags[rows] = WATCHED + urgent * np.uint8(PRIORITY)
    table.watched += len(rows)
    board.count_state(None, State.UNKNOWN, len(rows))
    _first_time(board, rows, urgent, now)
    board.backlog.new.extend(map(NewName, rows.tolist(), names, suffixes, urgent.tolist()))


def _first_time(board: Board, rows: Rows, urgent: np.ndarray[tuple[int], np.dtype[np.bool_]], now: float) -> None:
    table = board.book.table
    table.schedule.put_many(rows, first_checks(rows, urgent, board.policy.cadence, now), urgent)


def _watch_again(board: Board, row: int, priority: bool, now: float) -> None:  # noqa: FBT001  # it is the value itself
    """A name that was listed before is listed again."""
    table, entry = board.book.table, board.book.in_hand.get(row)
    if table.has(row, WATCHED):
        _set_priority(board, row, priority, now)
        return
    table.watch(row, on=True)
    table.mark(row, PRIORITY, on=priority)
    board.count_state(None, _state(board, row))
    if entry is not None:
        entry.watched, entry.priority, entry.round = True, priority, None
    rows = np.array([row], np.int64)
    _first_time(board, rows, np.array([priority], np.bool_), now)
    if entry is not None:
        entry.next_check = table.schedule.at(row)
    board.backlog.watches.append(Watch(row, watched=True, priority=priority))


def _state(board: Board, row: int) -> State:
    """The state a name is counted under: that of its entry, which may be ahead of what is written."""
    entry = board.book.in_hand.get(row)
    return entry.state if entry is not None else STATES[int(board.book.table.state[row])]


def _remove(board: Board, row: int, now: float) -> None:
    table, entry = board.book.table, board.book.in_hand.get(row)
    if not table.has(row, WATCHED):
        return
    table.watch(row, on=False)
    table.mark(row, LINED | WANTED, on=False)
    table.schedule.remove(row)
    board.count_state(_state(board, row), None)
    board.gaps.waits(table.name(row), (), now)
    if entry is not None:
        entry.watched, entry.round = False, None
    board.backlog.watches.append(Watch(row, watched=False, priority=table.has(row, PRIORITY)))


def _set_priority(board: Board, row: int, priority: bool, now: float) -> None:  # noqa: FBT001  # it is the value itself
    table, entry = board.book.table, board.book.in_hand.get(row)
    if table.has(row, PRIORITY) == priority:
        return
    table.mark(row, PRIORITY, on=priority)
    if entry is not None:
        entry.priority = priority
    board.backlog.watches.append(Watch(row, watched=table.has(row, WATCHED), priority=priority))
    if priority and table.has(row, LINED):  # it need not wait behind the others
        table.mark(row, LINED, on=False)
        table.schedule.put(row, now, priority=True)
    if priority and table.has(row, WANTED):
        visits.want(board, Wanted(row, urgent=True))
    planned = table.schedule.at(row)
    if planned != float("inf"):
        at = now if priority else planned
        table.schedule.put(row, at, priority=priority)
        if entry is not None:
            entry.next_check = at
