"""Beginning visits: takes names in hand, with their evidence from the store, a bounded number a tick.

What is planned, what a sweep found and what somebody asked for come through here: thousands of them at once delay nobody.
"""

from __future__ import annotations

from common.core import assess, rounds
from common.core.board import Board
from common.core.book import MOST_IN_HAND
from common.core.domains import Entry
from common.core.events import FetchDetails
from common.core.evidence import Observation
from common.core.records import Detail
from common.core.roll import Rows
from common.core.schedule import Times
from common.core.table import DETAILED, LINED, PRIORITY, WANTED
from common.core.wanted import Wanted

#: Visits begun per tick, and names whose evidence is read from the store at once.
PER_TICK, PER_FETCH = 100, 100
#: Reads of the store under way.
MOST_FETCHING = 400
#: Seconds for which a visit goes on from what a sweep found; later it asks DNS anew, for an answer is dated when it is heard.
STILL_NEW = 10.0


def want(board: Board, wanted: Wanted) -> None:
    """A visit is to begin soon. Nothing happens where one is about to, or under way."""
    table, row = board.book.table, wanted.row
    entry = board.book.in_hand.get(row)
    if table.has(row, WANTED) or (entry is not None and entry.round is not None):
        return
    table.mark(row, LINED, on=False)
    table.mark(row, WANTED, on=True)
    table.schedule.remove(row)
    if entry is not None:
        entry.next_check = float("inf")
    board.wants.put(wanted)


def want_many(board: Board, rows: Rows, times: Times, *, urgent: bool) -> None:
    """Visits that were due at `times`."""
    for row, due in zip(rows.tolist(), times.tolist(), strict=True):
        want(board, Wanted(row, due, urgent=urgent))


def want_found(board: Board, row: int, observation: Observation, now: float) -> None:
    """A visit that goes on from what a sweep found."""
    want(board, Wanted(row, observation=observation, seen_at=now, urgent=board.book.table.has(row, PRIORITY)))


def work(board: Board, now: float) -> None:
    """Begin the visits that wait."""
    missing: list[int] = []
    table = board.book.table
    for _ in range(PER_TICK):
        roomy = len(board.book.in_hand) < MOST_IN_HAND * 2 and len(board.wants.fetching) < MOST_FETCHING
        wanted = board.wants.next(ordinary=roomy)
        if wanted is None:
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


def fetched(board: Board, asked: tuple[int, ...], details: dict[int, bytes], now: float) -> None:
    """The store answered: what it holds of these names."""
    for row in asked:
        wanted = board.wants.fetching.pop(row, None)
        if wanted is not None and board.book.table.has(row, WANTED):
            known = board.book.in_hand.get(row)
            detail = board.policy.decode(details[row]) if row in details else Detail()
            _begin(board, known or take(board, row, detail, now), wanted, now)


def take(board: Board, row: int, detail: Detail, now: float) -> Entry:
    """Take a name in hand."""
    entry = board.book.take(row, detail)
    if entry.drop is not None:
        assess.refresh_forecast(entry, now)
    return entry


def _begin(board: Board, entry: Entry, wanted: Wanted, now: float) -> None:
    board.book.table.mark(entry.id, WANTED, on=False)
    if not entry.watched or entry.round is not None:
        return
    if wanted.observation is not None and now - wanted.seen_at <= STILL_NEW:
        rounds.go_on(board, entry, wanted.observation, now)
    else:
        rounds.begin(board, entry, now, manual=wanted.manual, due=wanted.due)
