"""A simulated world whose worker tells what a test wants about its sweeps."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import numpy as np

from common.codec import decode_upward, encode
from common.core.coordinator.inputs import MessageArrived
from common.core.model.limit import Limit
from common.errors import MessageError
from common.messages import Credit, Sweep, SweepResult
from tests.sim.worker import SimWorker
from tests.sim.world import World

Tale = Callable[[Credit, Sweep], SweepResult]


class Storyteller(World):
    """A world whose checker answers sweeps as `tale` says, while there is one."""

    tale: Tale | None = None

    def _sweep(self, worker: SimWorker, sweep: Sweep) -> None:
        if self.tale is None:
            super()._sweep(worker, sweep)
            return
        worker.sweeping -= 1
        with contextlib.suppress(MessageError):  # what is no message never gets past the bus
            self.event(MessageArrived(decode_upward(encode(self.tale(worker.credit(), sweep)))))


def told_world(count: int = 30, *, suffix: str = "com", tale: Tale | None = None) -> tuple[Storyteller, list[str]]:
    """So many names of one suffix, on the list, never looked at, all due now: they go by sweep."""
    world = Storyteller(interval=600.0)
    world.tale = tale
    names = [f"n{number}.{suffix}" for number in range(count)]
    world.watch(*names)
    rows = np.array([world.core.rooms.domains.table.find_id(name) for name in names])
    world.core.rooms.domains.table.schedule.set_times(rows, np.full(count, world.now), np.zeros(count, np.bool_))
    return world, names


def limited(world: World, **limits: Limit) -> None:
    """Other budgets than the free ones, by operator with "/" written "_"."""
    known = {operator.replace("_", "/"): limit for operator, limit in limits.items()}
    object.__setattr__(world.core.rooms.policy, "limits", {"*": Limit("*", 1000.0, 1000, None), **known})
