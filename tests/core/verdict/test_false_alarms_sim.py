"""What keeps an alarm back, and what does not, in the course of a drop; on a virtual clock."""

from __future__ import annotations

import pytest

from common.core.model.evidence import Observation, Outcome, Phase, Reading, unknown_reading
from common.core.verdict import gates
from tests.sim.world import START, World

#: Drives a simulated world.
pytestmark = pytest.mark.simulation

MINUTE = 60.0


@pytest.mark.parametrize("finding", ["dns_suffix_gone", "dns_tld_gone"])
def test_nothing_is_available_under_a_suffix_that_the_root_does_not_know(finding: str) -> None:
    """RDAP and WHOIS go on answering, canaries included, and say that there is no such object."""
    world = World(interval=60.0, priority=2.0)
    gone = unknown_reading(finding, "the top-level domain does not exist")
    world.lie = lambda method, _domain, _now: Observation("dns", gone, server="com") if method == "dns" else None
    world.watch("example.com", priority=True)
    world.names["example.com"].changes += [(START - 60, Phase.PENDING_DELETE), (START + 10, None)]
    world.run(10 * MINUTE)

    assert "available" not in [status for _, status in world.notices("example.com")]
    assert "the root zone does not know the top-level domain" in world.entry("example.com").detail.gates


def test_a_name_that_is_caught_and_dropped_again_is_announced_again_after_the_waiting_time() -> None:
    """A registered answer after the alarm keeps the next alarm back for a quarter of an hour: stale answers die out by then."""
    world = World(interval=60.0, priority=2.0)
    world.watch("example.com", priority=True)
    again = START + 120
    world.names["example.com"].changes += [
        (START - 60, Phase.PENDING_DELETE),
        (START + 10, None),
        (START + 60, Phase.ACTIVE),
        (again, None),
    ]
    world.run(40 * MINUTE)
    alarms = [at for at, status in world.notices("example.com") if status == "available"]

    assert len(alarms) == 2
    assert alarms[0] < START + 30
    assert again < alarms[1] < again + gates.QUIET + MINUTE


def test_a_dropped_name_of_a_zone_that_may_not_be_asked_is_told_once() -> None:
    """The registry denies it at every check; the delegation from before the drop is of no holder since."""
    world = World(interval=3600.0)
    rooms = world.core.rooms
    world.watch("gone.com")
    world.run(600)
    peace = Reading(Outcome.THROTTLED, "dns_refused", "slow down", retry_after=8 * 3600.0)
    rooms.rate_limits.budgets.note_answer(
        rooms.registries.limit_of("dns", "com", "com"), "default", Observation("dns", peace), world.now
    )
    world.names["gone.com"].changes.append((world.now + 7200, None))
    world.run(6 * 3600)

    assert [status for _, status in world.notices("gone.com")] == ["available"]
