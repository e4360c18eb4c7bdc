"""What many names changed at once: written in order and in bounded pieces. The list, and the results that are owed."""

from __future__ import annotations

import numpy as np
import pytest

from common.core.domains.backlog import NEW_LIMIT, STATE_LIMIT, Backlog
from common.core.domains.domain_table import DETAILED, LINED, WANTED, WATCHED, Table
from common.core.model.records import Changes, NewName, StateChange, Watch
from common.core.outbox import announce
from common.core.parsers.dns_fast import DELEGATED
from common.core.watchlist import intake
from common.core.watchlist.list_diff import ListChunk, ListSummary
from tests.sim.world import World

NOW = 1_790_000_000.0


def table_of(count: int) -> Table:
    """So many names."""
    table = Table()
    table.add([f"n{number}.com" for number in range(count)], ["com"] * count)
    return table


def test_new_names_come_in_order_and_everything_else_waits_for_them() -> None:
    """No transaction speaks of a name that is not there; each is bounded, and nothing is left in the end."""
    table, backlog = table_of(12_000), Backlog()
    backlog.new.extend(NewName(row, table.name(row), "com", priority=False) for row in range(12_000))
    backlog.watches.append(Watch(3, watched=False, priority=False))
    backlog.states.extend(StateChange(list(range(at, at + 4000)), "REGISTERED", NOW, 0.0) for at in (0, 8000))
    written, states, rounds = 0, list[int](), 0
    while not backlog.empty():
        changes = Changes()
        backlog.fill(changes, table)
        assert len(changes.new) <= NEW_LIMIT
        assert [new.id for new in changes.new] == list(range(written, written + len(changes.new)))
        written += len(changes.new)
        states += [row for change in changes.states for row in change.ids]
        assert max(states, default=-1) < written
        assert not changes.watches or written == 12_000
        rounds += 1

    assert (written, len(states), rounds) == (12_000, 8000, 3)


def test_states_are_written_in_bounded_pieces() -> None:
    """A million first looks are no reason for one long transaction."""
    table, backlog = table_of(40_000), Backlog()
    backlog.states.extend(StateChange(list(range(at, at + 4000)), "REGISTERED", NOW, 0.0) for at in range(0, 40_000, 4000))
    changes = Changes()
    backlog.fill(changes, table)

    assert STATE_LIMIT <= sum(len(change.ids) for change in changes.states) < STATE_LIMIT + 4096
    assert backlog.size() + sum(len(change.ids) for change in changes.states) == 40_000


def test_a_state_that_is_older_than_the_row_is_dropped() -> None:
    """The name was visited and written whole meanwhile: that knows better."""
    table, backlog, changes = table_of(10), Backlog(), Changes()
    backlog.states.append(StateChange([1, 2, 3], "REGISTERED", NOW, 0.0))
    table.flags[2] |= DETAILED
    backlog.fill(changes, table)

    assert [change.ids for change in changes.states] == [[1, 3]]


def owing(count: int) -> World:
    """A world in which every name owes its result."""
    world = World()
    object.__setattr__(world.core.board.policy, "callback_results", "all")
    board = world.core.board
    rows = board.book.table.add([f"n{number}.com" for number in range(count)], ["com"] * count)
    board.book.table.code[rows], board.book.table.dns_at[rows] = DELEGATED, world.now
    announce.owe(board, rows, np.ones(count, np.bool_))
    return world


def paid(world: World) -> list[str]:
    """The names whose results became deliveries just now; they count as delivered."""
    board = world.core.board
    announce.pay(board, world.now)
    names = [row.domain for row in board.changes.deliveries]
    board.changes.deliveries.clear()
    return names


def test_a_result_that_was_not_posted_yet_is_replaced_by_the_newer_one_and_counted() -> None:
    """One is owed per name, whatever the number of sweeps."""
    world = owing(100)
    board = world.core.board
    announce.owe(board, np.arange(100), np.ones(100, np.bool_))

    assert ["results_coalesced", {}, 100.0] in board.metrics.snapshot()["counters"]
    assert len(paid(world)) == 100
    assert paid(world) == []


def test_everybody_gets_a_turn_before_anybody_gets_a_second() -> None:
    """Names at the front that owe again do not keep those behind them waiting."""
    world = owing(2500)
    told: list[str] = []
    for _ in range(3):
        told += paid(world)
        announce.owe(world.core.board, np.arange(500), np.ones(500, np.bool_))

    assert len(told) == 2500
    assert len(set(told)) == 2500


def test_where_results_are_not_wanted_any_more_none_is_posted() -> None:
    """Bits of an earlier start stay what they are."""
    world = owing(10)
    object.__setattr__(world.core.board.policy, "callback_results", "none")

    assert paid(world) == []


@pytest.mark.parametrize("place", ["due", "lined", "wanted", "fetching", "visited"])
def test_a_name_that_leaves_the_list_and_comes_back_is_in_one_place(place: str) -> None:
    """Wherever it was when the list changed: in the end it is looked at, once a time, and counted once."""
    world = World(interval=300.0)
    names = [f"n{number}.com" for number in range(60)]
    world.watch(*names)
    world.run(120)
    board, table = world.core.board, world.core.board.book.table
    row = table.find(names[0])
    if place == "lined":
        table.schedule.remove(row)
        table.flags[row] |= LINED
        board.lines.put("com", np.array([row]), np.array([world.now]), world.now, urgent=False)
    elif place != "due":
        board.book.in_hand.pop(row, None)
        table.mark(row, 64, on=False)
        assert intake.check_now(board, names[0])
        assert table.has(row, WANTED)
        for _ in range({"wanted": 0, "fetching": 1, "visited": 2}[place]):
            world.run(0.003)
    world.unlist(names[0])
    world.check()
    assert not table.has(row, WATCHED)
    world.watch(names[0])
    world.check()
    before = len(world.asked)
    world.run(1200)

    looks = [method for _, method, name in world.asked[before:] if name == names[0] and method == "dns"]
    assert 2 <= len(looks) <= 8
    assert sum(board.by_state.values()) == len(names)


def test_a_list_that_is_held_back_changes_nothing_until_it_comes_again() -> None:
    """Nearly everybody gone is held; the same list a second time is taken, piece by piece."""
    world = World()
    names = [f"n{number}.com" for number in range(40)]
    world.watch(*names)
    board = world.core.board
    head = ListSummary(names=1, total=1, problem_count=0, problems=(), fingerprint="shrunk", removed=39)
    intake.read(board, head, "test", world.now)
    assert board.list_state["held"]
    assert board.list_head is None

    intake.read(board, head, "test", world.now)
    intake.part(board, ListChunk(removed=(*range(1, 40), 10**9, -5)), world.now)
    intake.end(board, world.now)
    assert board.book.table.watched == 1
    assert (board.list_state["held"], board.list_state["names"]) == (None, 1)
