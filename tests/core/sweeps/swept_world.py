"""A simulated world whose worker answers sweeps as a test wants."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import numpy as np

from common.codec import decode_upward, encode
from common.core.coordinator.inputs import MessageArrived
from common.core.model.limit import Limit
from common.errors import MessageError
from common.messages import Credit, Sweep, SweepResult
from tests.core.checks.changed_limits import set_limits
from tests.sim.worker import SimWorker
from tests.sim.world import World

Answer = Callable[[Credit, Sweep], SweepResult]


class SweptWorld(World):
    """A world whose checker answers sweeps as `answer` does, while there is one."""

    answer: Answer | None = None

    def _sweep(self, worker: SimWorker, sweep: Sweep) -> None:
        if self.answer is None:
            super()._sweep(worker, sweep)
            return
        worker.sweeping -= 1
        with contextlib.suppress(MessageError):  # what is no message never gets past the bus
            self.event(MessageArrived(decode_upward(encode(self.answer(worker.credit(), sweep)))))


def swept_world(count: int = 30, *, suffix: str = "com", answer: Answer | None = None) -> tuple[SweptWorld, list[str]]:
    """So many names of one suffix, on the list, never checked, all due now: they are swept."""
    world = SweptWorld(interval=600.0)
    world.answer = answer
    names = [f"n{number}.{suffix}" for number in range(count)]
    world.watch(*names)
    make_due(world, names)
    return world, names


def make_due(world: World, names: list[str]) -> None:
    """Make these names due now, without priority."""
    domains = world.core.rooms.domains
    ids = np.array([domains.table.find_id(name) for name in names])
    domains.table.schedule.set_times(ids, np.full(len(ids), world.now), np.zeros(len(ids), np.bool_))


def limit_operators(world: World, **limits: Limit) -> None:
    """Use other budgets than the free ones, by operator with "/" written "_"."""
    known = {operator.replace("_", "/"): limit for operator, limit in limits.items()}
    set_limits(world, {"*": Limit("*", 1000.0, 1000, None), **known})
