"""The figures of a plan against the product in a simulated world: they agree within a factor of two."""

from __future__ import annotations

from statistics import mean

import pytest

from common.core.checks.window_shares import QUOTA_SHARE, RATE_SHARE
from common.core.lifecycle.plan import PlanRules, SuffixPlan, plan_list
from common.core.model.evidence import Phase
from common.core.model.limit import Limit
from common.core.registries.registries import Registries
from tests.sim.lives import Life
from tests.sim.registry_world import RegistryWorld
from tests.sim.suffix_models import DAY, HOUR, ModelDirectory, SuffixModel, purge_minutes
from tests.sim.world import START

#: Drives a simulated world.
pytestmark = pytest.mark.simulation

COM = SuffixModel("com", whois=False)
INTERVAL, LEAD = 3600.0, 2 * HOUR
MIDNIGHT = (START // DAY + 10) * DAY
OPENS, CLOSES = (MIDNIGHT + 60.0 * minute for minute in purge_minutes(COM))


def limits(rate: float) -> dict[str, Limit]:
    """Plenty of everything, but for the registry."""
    return {"*": Limit("*", 1000.0, 1000), "rdap/*": Limit("rdap/*", rate, 2)}


def plan_of(world: RegistryWorld, names: int, rate: float) -> SuffixPlan:
    """The plan of so many names that all drop on one day."""
    registries = Registries(
        directory=ModelDirectory([COM], real=False), overrides=limits(rate), recursive_dns=False, iana_host=""
    )
    rules = PlanRules(cadence=world.policy.cadence, rate_share=RATE_SHARE, quota_share=QUOTA_SHARE, days=1.0)
    (plan,) = plan_list({"com": names}, registries, rules)
    return plan


def dropping_world(names: int, rate: float) -> tuple[RegistryWorld, dict[str, float]]:
    """A day on which so many names drop, in the registry's hours: the world after it, and when each was purged."""
    world = RegistryWorld([COM], limits=limits(rate), interval=INTERVAL, start=OPENS - LEAD)
    purges = {}
    for number in range(names):
        name, purge = f"drop{number}.com", OPENS + (number + 1) * (CLOSES - OPENS) / (names + 1)
        phases = [
            (0.0, Phase.ACTIVE),
            (purge - 35 * DAY, Phase.REDEMPTION),
            (purge - 5 * DAY, Phase.PENDING_DELETE),
            (purge, None),
        ]
        world.live(name, Life(phases, expires=purge - 75 * DAY + 365 * DAY))
        purges[name] = purge
    world.run(LEAD + CLOSES - OPENS + HOUR)
    return world, purges


@pytest.mark.parametrize(("names", "rate"), [(12, 0.05), (6, 2.0)])
def test_the_latency_and_the_polling_of_a_plan_are_those_of_the_product(names: int, rate: float) -> None:
    """Where the registry's budget is short, and where it has room."""
    world, purges = dropping_world(names, rate)
    plan = plan_of(world, names, rate)
    told = {name: next(at for at, status in world.notices_of(name) if status == "available") for name in purges}
    late = [told[name] - purge for name, purge in purges.items()]
    asked = [name for at, method, name in world.asked if method == "rdap" and OPENS < at < purges.get(name, 0.0)]
    between = sum(purge - OPENS for purge in purges.values()) / len(asked)

    assert plan.latency.typical / 2 <= mean(late) <= plan.latency.typical * 2
    assert max(late) <= plan.latency.worst * 2
    assert plan.in_window.worst / 2 <= between <= plan.in_window.worst * 2
