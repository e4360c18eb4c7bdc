"""Beginning visits: takes names in hand, with their evidence from the store, a bounded number a tick.

What is planned, what a sweep found and what somebody asked for come through here: thousands of them at once delay nobody.
"""

from __future__ import annotations

import numpy as np

from common.core.checks import rounds
from common.core.checks.admission import Wanted
from common.core.coordinator.board import Board
from common.core.coordinator.inputs import FetchDetails
from common.core.domains import restore
from common.core.domains.domain_table import DETAILED, IN_HAND, LINED, PRIORITY, STATES, WANTED
from common.core.domains.name_index import Rows
from common.core.domains.working_set import MOST_IN_HAND
from common.core.model.entry import Entry
from common.core.model.evidence import Observation, Outcome
from common.core.model.records import Detail
from common.core.schedule.due_times import Times
from common.core.verdict import assess
from common.core.verdict.verdicts import OWNED
from common.errors import MessageError

#: Visits begun per tick, and names whose evidence is read from the store at once.
PER_TICK, PER_FETCH = 100, 100
#: Reads of the store under way.
MOST_FETCHING = 400
#: Seconds for which a visit goes on from what a sweep found; later it asks DNS anew, for an answer is dated when it is heard.
STILL_NEW = 10.0


def want(board: Board, wanted: Wanted) -> None:
    """A visit is to begin soon. One that waits becomes as urgent as this one; nothing happens where one is under way."""
    table, row = board.book.table, wanted.row
    entry = board.book.in_hand.get(row)
    if entry is not None and entry.round is not None:
        return
    if table.has(row, WANTED):
        board.wants.hurry(wanted, table.suffix_of(row))
        return
    table.mark(row, LINED, on=False)
    table.mark(row, WANTED, on=True)
    table.schedule.remove(row)
    if entry is not None:
        entry.next_check = float("inf")
    board.wants.put(wanted, table.suffix_of(row))


def want_many(board: Board, rows: Rows, times: Times, *, urgent: bool, news: bool = False) -> None:
    """Visits that were due at `times`, the latest first; for `news` see `Wanted`."""
    order = np.argsort(times, kind="stable")
    rows, times = rows[order], times[order]
    if urgent or news:
        for row, due in zip(rows.tolist(), times.tolist(), strict=True):
            want(board, Wanted(row, due, urgent=urgent, news=news))
        return
    table, wants = board.book.table, board.wants
    for row in rows[(table.flags[rows] & IN_HAND) != 0].tolist():
        board.book.in_hand[row].next_check = float("inf")
    table.flags[rows] = (table.flags[rows] & (0xFF ^ LINED)) | WANTED
    for number in np.unique(table.suffix[rows]).tolist():
        mine = table.suffix[rows] == number
        wants.plan(table.suffixes[number], rows[mine], times[mine])


def want_found(board: Board, row: int, observation: Observation, now: float, by: str = "") -> None:
    """A visit that goes on from what a sweep found; `by` is the worker that swept."""
    table = board.book.table
    leaving = observation.reading.outcome is Outcome.UNREGISTERED and STATES[int(table.state[row])] in OWNED
    want(board, Wanted(row, observation=observation, seen_at=now, urgent=table.has(row, PRIORITY), news=leaving, by=by))


def work(board: Board, now: float) -> None:
    """Begin the visits that wait."""
    missing: list[int] = []
    table, full = board.book.table, dict[str, bool]()

    def held_up(suffix: str) -> bool:
        if not full.get(suffix):  # a line may fill while visits begin
            full[suffix] = rounds.held_up(board, suffix, now)
        return full[suffix]

    for _ in range(PER_TICK):
        roomy = len(board.book.in_hand) < MOST_IN_HAND * 2 and len(board.wants.fetching) < MOST_FETCHING
        wanted = board.wants.next(ordinary=roomy, full=held_up)
        if wanted is None:
            board.wants.held, board.wants.held_at = True, _moves(board)
            break
        if not table.has(wanted.row, WANTED):
            continue  # taken off the list meanwhile
        entry = board.book.in_hand.get(wanted.row)
        if entry is None and table.has(wanted.row, DETAILED):
            board.wants.fetching[wanted.row] = wanted
            missing.append(wanted.row)
        else:
            _begin(board, entry or take(board, wanted.row, Detail(), now), wanted, now)
    for start in range(0, len(missing), PER_FETCH):
        board.commands.append(FetchDetails(tuple(missing[start : start + PER_FETCH])))


def stuck(board: Board) -> bool:
    """Whether all visits have to wait, and nothing that makes room for one has moved since they do."""
    return board.wants.held and board.wants.held_at == _moves(board)


def _moves(board: Board) -> tuple[int, int, int]:
    """Changes with every question that leaves its line, every name that is put back, and every answer of the store."""
    return board.queue.gone, len(board.book.in_hand), len(board.wants.fetching)


def fetched(board: Board, asked: tuple[int, ...], details: dict[int, bytes], now: float) -> None:
    """The store answered: what it holds of these names."""
    for row in asked:
        wanted = board.wants.fetching.pop(row, None)
        if wanted is not None and board.book.table.has(row, WANTED):
            known = board.book.in_hand.get(row)
            _begin(board, known or take(board, row, _read(board, row, details.get(row)), now), wanted, now)


def _read(board: Board, row: int, detail: bytes | None) -> Detail:
    """What is known of a name; where that cannot be read it is looked at anew: one bad row must not end every run."""
    if detail is None:
        return Detail()
    try:
        return board.policy.decode(detail)
    except MessageError as error:
        board.say("error", "detail_unreadable", domain=board.book.table.name(row), error=str(error))
        return Detail()


def take(board: Board, row: int, detail: Detail, now: float) -> Entry:
    """Take a name in hand."""
    entry = board.book.take(row, restore.no_later(detail, board.started, now))
    if entry.drop is not None:
        assess.refresh_forecast(entry, now)
    return entry


def _begin(board: Board, entry: Entry, wanted: Wanted, now: float) -> None:
    board.book.table.mark(entry.id, WANTED, on=False)
    if not entry.watched or entry.round is not None:
        return
    if wanted.observation is not None and now - wanted.seen_at <= STILL_NEW:
        rounds.go_on(board, entry, wanted.observation, now, wanted.by)
    else:
        rounds.begin(board, entry, now, manual=wanted.manual, due=wanted.due)
