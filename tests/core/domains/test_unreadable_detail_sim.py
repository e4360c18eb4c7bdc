"""A stored detail that cannot be read costs what was known of its name, not the run."""

from __future__ import annotations

import pytest

from common.core.coordinator.inputs import DetailsFetched
from tests.sim.world import World

#: Drives a simulated world.
pytestmark = pytest.mark.simulation


class Spoilt(World):
    """A world whose store gives back bytes that are no detail."""

    def _fetch(self, ids: tuple[int, ...]) -> None:
        self.event(DetailsFetched(ids, dict.fromkeys(ids, b"\xc1")))


def test_a_name_whose_detail_cannot_be_read_is_looked_at_anew() -> None:
    """The coordinator goes on, and finds out again what the name is."""
    world = Spoilt(interval=60.0)
    world.watch("a.com", "b.com")
    world.run(600)

    assert {world.state(name) for name in ("a.com", "b.com")} == {"REGISTERED"}
