"""The second pass of a drop, through the whole core, where workers of two hosts have egresses of their own."""

from __future__ import annotations

import pytest

from common.messages import Tasks
from tests.sim.lives import Life
from tests.sim.registry_world import RegistryWorld
from tests.sim.suffix_models import SuffixModel
from tests.sim.worker import POOLS, SimWorker
from tests.sim.world import START

#: Drives a simulated world.
pytestmark = pytest.mark.simulation


class Watched(RegistryWorld):
    """A world that notes which worker was sent which query about a name that is gone."""

    seen: list[tuple[str, str]]

    def _arrive(self, name: str, boot: str, message: object) -> None:
        if isinstance(message, Tasks):
            self.seen += [(name, task.method) for task in message.tasks if task.domain == "gone.com"]
        super()._arrive(name, boot, message)  # type: ignore[arg-type]


def test_the_second_pass_of_a_drop_leaves_from_the_other_egress() -> None:
    """Of each registry method, where two hosts have workers."""
    world = Watched([SuffixModel("com")], priority=20.0)
    world.seen = []
    for pool in ("intermediate", "deep"):
        world.workers[f"{pool}-0@b"] = SimWorker(f"{pool}-0@b", pool, "second", POOLS[pool], egress="b")
    world.live("gone.com", Life([(0.0, None)]), priority=True)
    world.run_until(lambda: bool(world.notices_of("gone.com")), START + 300, 5)

    for method, pool in (("rdap", "intermediate"), ("whois", "deep")):
        sent = [name for name, about in world.seen if about == method]
        assert set(sent[:2]) == {f"{pool}-0@sim", f"{pool}-0@b"}
