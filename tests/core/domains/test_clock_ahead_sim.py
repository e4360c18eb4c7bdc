"""The wall clock was ahead, is set right, and the coordinator starts again from its store."""

from __future__ import annotations

import pytest

from common.core.domains.restore import cut_future
from common.core.model.evidence import Observation, Outcome, Phase, Reading
from common.core.model.records import Detail, Evidence
from common.core.verdict import gates
from tests.sim.world import START, World

#: Drives a simulated world.
pytestmark = pytest.mark.simulation

DAY = 86_400.0


def set_right(world: World) -> None:
    """The clock was a day ahead until now."""
    world.now -= DAY
    world._queue = [(at - DAY, order, action) for at, order, action in world._queue]
    world.restart()


def said(finding: str, outcome: Outcome, at: float) -> Evidence:
    """An answer."""
    method = finding.partition("_")[0]
    return Evidence(Observation(method, Reading(outcome, finding, "so it says")), at, at - 10)


def test_every_name_is_asked_within_its_interval_and_a_drop_is_told() -> None:
    """What was planned, heard and believed tomorrow does not make today wait."""
    world = World(interval=600.0)
    names = [f"n{number}.com" for number in range(40)]
    world.watch(*names)
    world.order("check", names[0])
    world.run(600)
    set_right(world)
    began = world.now
    world.names[names[0]].changes.append((began + 10, None))
    world.run(1800)

    assert {name for at, _, name in world.asked if at > began and name in names and at < began + 800} == set(names)
    assert [status for _, status in world.notices(names[0])] == ["available"]


def test_a_callback_that_was_to_be_made_tomorrow_is_made_now() -> None:
    """It was recorded by a clock that was ahead, and not delivered before the end."""
    world = World(interval=60.0, priority=2.0)
    world.endpoint = lambda _: 503
    world.watch("gone.com", priority=True)
    world.names["gone.com"].changes += [(START - 60, Phase.PENDING_DELETE), (START + 10, None)]
    world.run(300)
    assert world.stored.pending()
    world.endpoint = lambda _: 200
    set_right(world)
    world.run(60)

    assert "available" in [status for _, status in world.notices("gone.com")]


def test_no_object_said_in_the_future_was_never_said_and_a_holder_seen_then_counts_from_the_start() -> None:
    """Nothing of the future makes an alarm more likely, and nothing of it lasts."""
    detail = Detail(
        evidence={
            "rdap": said("rdap_404_json", Outcome.UNREGISTERED, START + DAY),
            "whois": said("whois_reserved", Outcome.RESERVED, START + DAY),
            "dns": said("dns_auth_referral", Outcome.REGISTERED, START - 5),
        },
        passes=(START - 40, START + DAY),
        contradicted_at=START + DAY,
        registry_at=START - 40,
    )
    made = cut_future(detail, START, START + 60)

    assert {method: (item.at, item.first_at) for method, item in made.evidence.items()} == {
        "whois": (START, START),
        "dns": (START - 5, START - 15),
    }
    assert (made.passes, made.contradicted_at, made.registry_at) == ((START - 40,), START, START - 40)
    assert cut_future(made, START, START + 60) is made


def test_a_positive_of_the_future_is_not_fresh() -> None:
    """It opens no gate."""
    wanted = gates.Requirements(gap=30.0, dns_counts=True, second_channel=True)
    ahead = {"rdap": said("rdap_404_json", Outcome.UNREGISTERED, START + DAY)}

    assert gates.positive_methods(ahead, wanted, START) == []
