"""Budgets that change while a simulated world runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from common.core.model.limit import Limit
from tests.sim.world import World


def set_limits(world: World, limits: Mapping[str, Limit]) -> None:
    """Use these budgets from now on, as an edited `BUDGETS_FILE` and a restart would bring, with everything else kept."""
    registries = world.core.rooms.registries
    registries.overrides = limits
    registries._limits.clear()
    registries.replace_directory(registries.directory)  # which servers may be queried depends on them
    world.policy = replace(world.policy, limits=limits)
