"""Intake of the domain list, through the whole core."""

from __future__ import annotations

import pytest

from common.core.model.effects import LeaveList, TakeList
from common.core.watchlist.list_diff import ListChunk, ListSummary
from tests.sim.world import World

#: Drives a simulated world.
pytestmark = pytest.mark.simulation


def test_a_list_that_is_held_back_changes_nothing_until_it_comes_again() -> None:
    """Nearly every name missing is held back; the same list a second time is taken over, chunk by chunk."""
    world = World()
    names = [f"n{number}.com" for number in range(40)]
    world.watch(*names)
    rooms = world.core.rooms
    rooms.effects.take_planned()
    summary = ListSummary(names=1, total=1, problem_count=0, problems=(), fingerprint="shrunk", removed=39)
    rooms.intake.read_list(summary, "test", world.now)
    assert rooms.intake.state.held
    assert [effect for effect in rooms.effects.take_planned() if isinstance(effect, LeaveList | TakeList)] == [LeaveList()]
    rooms.intake.finish_list(world.now)
    assert rooms.domains.table.watched_count == 40

    rooms.intake.read_list(summary, "test", world.now)
    assert [effect for effect in rooms.effects.take_planned() if isinstance(effect, LeaveList | TakeList)] == [TakeList()]
    rooms.intake.take_chunk(ListChunk(removed=(*range(1, 40), 10**9, -5)), world.now)
    rooms.intake.finish_list(world.now)
    assert rooms.domains.table.watched_count == 1
    assert (rooms.intake.state.held, rooms.intake.state.names) == (None, 1)
