"""Counters are declared before their first event, whatever happens in a world where everything fails."""

from __future__ import annotations

import pytest

from common.core.telemetry.declared_counters import declare_counters
from common.core.telemetry.metrics import Metrics, format_series, snapshot_rows
from tests.sim.world import World

#: Drives a simulated world.
pytestmark = pytest.mark.simulation


def counter_names(metrics: Metrics) -> set[str]:
    """Every counter by its readable name."""
    return {format_series(name, labels) for name, labels, _ in snapshot_rows(metrics.snapshot(), "counters")}


def test_every_name_that_counts_while_everything_fails_was_declared() -> None:
    """While workers die and an endpoint is dead nothing counts under unknown labels, operators and servers aside."""
    world = World(interval=60.0, priority=10.0)
    declared = Metrics()
    declare_counters(declared)
    known = counter_names(declared)
    world.watch(*(f"n{n}.com" for n in range(20)), "a.se", "b.org")
    world.run(300)
    world.endpoint = lambda _: 0
    for pool in ("fast", "intermediate", "deep"):
        world.kill_worker(pool)
        world.run(60)
    found = counter_names(world.core.rooms.telemetry.metrics)

    assert {name for name in found - known if "operator=" not in name and "server=" not in name} == set()
