"""A suffix in which no canary works is shown and warned about; on a virtual clock."""

from __future__ import annotations

from typing import Any

import pytest

from common.core.coordinator.status import Status
from common.core.model.effects import Effect, LogLine
from common.core.model.evidence import Observation, Outcome, Phase, Reading
from tests.sim.truth import Name
from tests.sim.world import World

#: Drives a simulated world.
pytestmark = pytest.mark.simulation


class WarnedWorld(World):
    """A world that keeps the warnings about suffixes without a canary."""

    def __init__(self, **options: Any) -> None:
        self.warned: list[LogLine] = []
        super().__init__(**options)

    def _perform(self, command: Effect) -> None:
        if isinstance(command, LogLine) and command.event == "no_canary_works":
            self.warned.append(command)
        super()._perform(command)


def test_a_suffix_without_a_working_canary_is_shown_and_warned_about() -> None:
    """A drop that cannot be told because no server can be verified is no silent one."""
    world = WarnedWorld(interval=60.0, priority=5.0)
    del world.names["known.com"]  # the operator's canary is gone from the registry: no server finds it
    world.names["gone.com"] = Name([(0.0, Phase.PENDING_DELETE), (world.now + 20, None)])
    missing = Observation("dns", Reading(Outcome.UNREGISTERED, "dns_auth_nxdomain", "no"), server="com")
    world.lie = lambda method, domain, _now: missing if method == "dns" and domain == "known.com" else None
    world.watch("gone.com", priority=True)
    world.run(7000)
    shown = Status(world.core.rooms, world.policy).build_status(world.now)["trust_gaps"]

    assert "available" not in [what for _, what in world.notices()]
    assert [row["suffix"] for row in shown] == ["com"]
    assert "CANARIES_FILE" in shown[0]["remedy"]
    assert shown[0]["servers"][0]["reason"]
    assert len(world.warned) == 2
    assert world.warned[0].level == "warning"


def test_working_canaries_let_no_suffix_be_warned_about() -> None:
    """A name that stays unregistered for hours waits for a fresh canary at each check, and each time gets it."""
    world = World(interval=60.0, priority=5.0)
    world.names["gone.se"] = Name([(0.0, Phase.PENDING_DELETE), (world.now + 20, None)])
    world.names["free.com"] = Name([(0.0, None)])
    world.watch("gone.se", "free.com", priority=True)
    for _ in range(60):
        world.run(60)
        assert world.core.rooms.canaries.gaps.find_open(world.now) == []
