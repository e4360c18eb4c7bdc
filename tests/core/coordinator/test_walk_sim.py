"""The walk of one answer of a registry through the rooms of the core, up to the alarm (`pytest -s` prints it).

Rooms are entered from above by few functions, and the verdict is taken in one of them.
"""

from __future__ import annotations

import pytest

from common.core.model.evidence import Phase
from tests.core.coordinator.walk import Walk, WalkedWorld
from tests.sim.truth import Name

#: Drives a simulated world.
pytestmark = pytest.mark.simulation

NAME = "gone.com"
#: Where a verdict may be taken: the functions of which each call is recorded.
TAKES, DECIDES = "take_verdict", "decide_verdict"
#: Rooms below checks, the highest first, and the most functions by which each may be entered on a walk.
MOST_DOORS = {
    "audit": 6,
    "verdict": 6,
    "outbox": 3,
    "trust": 16,
    "channels": 6,
    "domains": 10,
    "lifecycle": 5,
    "schedule": 5,
    "rate_limits": 5,
    "registries": 8,
    "workers": 8,
}


@pytest.fixture(scope="module")
def walks() -> dict[str, Walk]:
    """The walk that ends the last check of a name that dropped, and the walk of the canary that its alarm waited for."""
    world = WalkedWorld(frozenset({TAKES, DECIDES}), interval=60.0, priority=2.0)
    world.names[NAME] = Name([(0.0, Phase.PENDING_DELETE), (world.now + 30, None)])
    world.watch(NAME, priority=True)
    end = world.now + 120
    while world.state(NAME) != "AVAILABLE" and world.now < end:
        world.run(0.01)
    assert [status for _, status in world.notices(NAME)][:1] == ["pending_delete"]
    taken = [(name, walk) for name, walk in world.walks if walk.calls]
    last_check = [walk for name, walk in taken if name == NAME][-1]
    name, alarm = taken[-1]
    assert name == "known.com"
    assert world.state(NAME) == "AVAILABLE"
    for title, walk in (("the answer that ends the last check", last_check), ("the canary that the alarm waits for", alarm)):
        print(f"\n{title}\n{walk.to_text()}")
    return {"last check": last_check, "alarm": alarm}


@pytest.mark.parametrize("which", ["last check", "alarm"])
def test_the_verdict_is_taken_once_and_in_one_function(walks: dict[str, Walk], which: str) -> None:
    """Also where an answer changes what is known of the name, of its server and of its zone."""
    assert walks[which].calls == ["Conclusions.take_verdict", "decide_verdict"]


@pytest.mark.parametrize("which", ["last check", "alarm"])
def test_checks_are_entered_by_one_door_from_the_coordinator_alone(walks: dict[str, Walk], which: str) -> None:
    """No room below calls back."""
    assert walks[which].doors_of("checks") == ["QueryAnswers.take_result"]
    assert {step.source for step in walks[which].steps if step.room == "checks"} == {"coordinator"}


@pytest.mark.parametrize("which", ["last check", "alarm"])
def test_every_room_below_is_entered_by_few_doors(walks: dict[str, Walk], which: str) -> None:
    """A new door on this way is a decision; so is a room that this answer did not need before."""
    walk = walks[which]
    doors = {room: walk.doors_of(room) for room in walk.rooms()}
    crowded = {room: doors[room] for room in MOST_DOORS if len(doors.get(room, ())) > MOST_DOORS[room]}

    assert crowded == {}
    assert set(doors) <= {"coordinator", "checks", *MOST_DOORS, "telemetry", "model", "builtin", "parsers"}


def test_the_alarm_is_announced_after_it_was_assessed_and_recorded_after_that(walks: dict[str, Walk]) -> None:
    """Assess, announce the state and what becomes of the forecast, record: in this order."""
    order = [
        step.room for step in walks["alarm"].steps if step.source == "checks" and step.room in {"verdict", "outbox", "audit"}
    ]

    assert order.index("verdict") < order.index("outbox")
    assert next(room for room in order[order.index("outbox") :] if room != "outbox") == "audit"
