"""The world of registries itself: what it skips, what its channels say, what they say of a name."""

from __future__ import annotations

import pytest

from common.core.model.evidence import Outcome, Phase
from common.core.verdict.likelihoods import FINDINGS
from common.messages import Task
from tests.sim.dead_channels import KINDS, Dead, answer_of
from tests.sim.lives import Hold, Life
from tests.sim.registry_world import Lie, RegistryWorld
from tests.sim.suffix_models import SuffixModel
from tests.sim.world import START

#: Drives a simulated world.
pytestmark = pytest.mark.simulation

HOUR, DAY = 3600.0, 86_400.0
COM = SuffixModel("com")


class WakefulWorld(RegistryWorld):
    """A world that skips no second."""

    skip = 1.0


def drop() -> Life:
    """A name on the last day of its pending delete that is purged after an hour."""
    return Life([(0.0, Phase.ACTIVE), (START + HOUR - 5 * DAY, Phase.PENDING_DELETE), (START + HOUR, None)])


def test_what_is_told_does_not_depend_on_the_time_that_is_skipped() -> None:
    """The same notices, at the same second."""
    told = []
    for kind in (RegistryWorld, WakefulWorld):
        world = kind([COM], interval=120.0)
        world.live("gone.com", drop())
        world.run(2 * HOUR)
        told.append([(round(at - START), status) for at, status in world.notices_of("gone.com")])

    assert told[0] == told[1]
    assert [status for _, status in told[0]] == ["pending_delete", "available"]


def test_a_quiet_day_is_a_few_thousand_events() -> None:
    """Fewer than one in ten seconds, although four workers announce themselves every two."""
    world = RegistryWorld([COM], interval=HOUR)
    world.live("healthy.com", Life())
    world.run(DAY)

    assert world._events < DAY / 10
    assert world.state("healthy.com") == "REGISTERED"


def test_a_silent_channel_costs_its_time_limit() -> None:
    """The answer that proves nothing comes when the budget of the query is over."""
    world = RegistryWorld([COM], dead={"com": [Dead("whois", "silence")]}, interval=60.0)
    world.live("gone.com", Life([(0.0, None)]))
    troubles = []
    for _ in range(120):
        world.run(1)
        troubles += [trouble.observation.reading.finding for trouble in world.entry("gone.com").detail.trouble.values()]
    asked = next(at for at, method, name in world.asked if method == "whois" and name == "gone.com")

    assert 20.0 <= asked - START < 30.0
    assert "whois_timeout" in troubles


def test_a_channel_that_is_dead_for_a_while_works_again() -> None:
    """With the first query after that."""
    world = RegistryWorld([COM], dead={"com": [Dead("rdap", "garbage", START, START + 300)]})
    world.names["held.com"] = Life([(0.0, Phase.UNDELEGATED)])
    task = Task("boot1.1", 1, "rdap", "held.com", "com", "https://rdap.com.test/")
    outcomes = []
    for at in (START - 1, START, START + 299, START + 300):
        world.now = at
        outcomes.append(world._observe(task).reading.outcome)

    assert outcomes == [Outcome.REGISTERED, Outcome.UNKNOWN, Outcome.UNKNOWN, Outcome.REGISTERED]


@pytest.mark.parametrize(("method", "kind"), [(method, kind) for method, kinds in KINDS.items() for kind in kinds])
def test_a_dead_channel_proves_nothing(method: str, kind: str) -> None:
    """Whatever it says, no finding of it weighs anything."""
    reading = answer_of(Dead(method, kind), "gone.com", "server.test").reading

    assert reading.outcome in (Outcome.UNKNOWN, Outcome.THROTTLED)
    assert reading.finding not in FINDINGS


def test_a_lie_about_everything_is_about_canaries_too() -> None:
    """And one about a name is about nothing else."""
    everything = Lie("rdap", "com", None, 0.0, 10.0)
    one = Lie("rdap", "com", "gone.com", 0.0, 10.0)

    assert [lie.about("rdap", "known.com", 5.0) for lie in (everything, one)] == [True, False]
    assert [lie.about("rdap", "gone.com", at) for lie in (everything, one) for at in (5.0, 10.0)] == [True, False] * 2
    assert not everything.about("whois", "known.com", 5.0)


def test_a_release_procedure_is_shown_where_its_registry_shows_it() -> None:
    """The other channels deny the name as if it were free; afterwards all of them do."""
    life = Life([(0.0, Phase.ACTIVE), (100.0, None)], hold=Hold(100.0, 200.0, frozenset({"whois"})))

    assert life.reading("whois", 150.0).outcome is Outcome.DROPPING
    assert life.reading("rdap", 150.0).outcome is Outcome.UNREGISTERED
    assert life.reading("whois", 200.0).outcome is Outcome.UNREGISTERED
    assert [life.free(at) for at in (50.0, 150.0, 200.0)] == [False, False, True]


def test_a_zone_is_behind_its_registry() -> None:
    """By as many seconds as it lags."""
    life = Life([(0.0, Phase.ACTIVE), (100.0, None)], lag=60.0)

    assert [life.reading("dns", at).outcome for at in (150.0, 160.0)] == [Outcome.REGISTERED, Outcome.UNREGISTERED]


def test_a_stale_server_shows_the_last_record() -> None:
    """The other one does not."""
    life = Life([(0.0, Phase.PENDING_DELETE), (100.0, None)], stale=("rdap", 120.0, 140.0))

    assert [life.reading("rdap", at).outcome for at in (110.0, 130.0, 140.0)] == [
        Outcome.UNREGISTERED,
        Outcome.REGISTERED,
        Outcome.UNREGISTERED,
    ]
    assert life.reading("whois", 130.0).outcome is Outcome.UNREGISTERED


def test_only_whois_tells_a_reserved_name() -> None:
    """Unless the registry's RDAP server is known to say so too."""
    quiet, open_ = Life([(0.0, None)], reserved=True), Life([(0.0, None)], reserved=True, rdap_says_reserved=True)

    assert [life.reading("rdap", 1.0).outcome for life in (quiet, open_)] == [Outcome.UNREGISTERED, Outcome.RESERVED]
    assert quiet.reading("whois", 1.0).outcome is Outcome.RESERVED
