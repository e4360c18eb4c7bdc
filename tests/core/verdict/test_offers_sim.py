"""Registrars in whole worlds: what they confirm, what they hold back, and what is told where nothing else speaks."""

from __future__ import annotations

import json
from typing import Any

import pytest

from common.core.model.evidence import Phase
from tests.sim.dead_channels import KINDS as DEAD_KINDS
from tests.sim.dead_channels import Dead
from tests.sim.lives import Life
from tests.sim.registry_world import Lie
from tests.sim.sources_world import EPP, KINDS, ONE, TWO, Fault, SourcesWorld
from tests.sim.suffix_models import DAY, HOUR, SuffixModel
from tests.sim.world import START

pytestmark = pytest.mark.simulation

DROP = START + HOUR
NAME = "gone.com"
COM = SuffixModel("com")
#: Longest time in seconds after the drop until it is told, where both channels of the registry are dead.
DEAD_BOUND = 1500.0
ALIVE_BOUND = 900.0


def dying(free_at: float = DROP) -> Life:
    """A name in the last days of its life."""
    changes = [(0.0, Phase.ACTIVE), (free_at - 36 * DAY, Phase.REDEMPTION), (free_at - 5 * DAY, Phase.PENDING_DELETE)]
    return Life([*changes, (free_at, None)], expires=free_at - 80 * DAY)


def told(world: SourcesWorld, name: str = NAME) -> list[dict[str, Any]]:
    """The notices about a name, in order, once each."""
    bodies = {identity: json.loads(body) for _, identity, body in world.posted}
    return [body for body in bodies.values() if body["domain"] == name]


def words(world: SourcesWorld, name: str = NAME) -> list[str]:
    """Their statuses, those after its drop."""
    return [body["status"] for body in told(world, name) if body["timestamp"] >= DROP - 60]


def alarm(world: SourcesWorld, name: str = NAME) -> dict[str, Any]:
    """The one alarm about a name."""
    (found,) = [body for body in told(world, name) if body["status"] == "available"]
    return found


def test_a_registrar_confirms_an_ordinary_drop_with_its_price() -> None:
    """And raises the confidence above that of the registry's channels."""
    world, without = SourcesWorld([COM]), SourcesWorld([COM], sources=())
    for each in (world, without):
        each.live(NAME, dying())
        each.run(2 * HOUR)

    found = alarm(world)
    assert (found["confirmed_by"], found["premium"], found["price"], found["currency"]) == ([ONE], False, "10.44", "USD")
    assert found["timestamp"] - DROP < ALIVE_BOUND
    bare = alarm(without)
    assert (bare["confirmed_by"], bare["premium"], bare["price"]) == ([], None, None)
    assert found["confidence"] > bare["confidence"]


def test_a_premium_name_is_not_told_as_an_ordinary_one() -> None:
    """Although the registry's channels call it free in the words of an ordinary name."""
    world = SourcesWorld([COM])
    world.premium.add(NAME)
    world.live(NAME, dying())
    world.run(3 * HOUR)

    assert words(world) == ["available_premium"]
    body = told(world)[-1]
    assert (body["confirmed_by"], body["premium"], body["price"], body["currency"]) == ([ONE], True, "2500", "USD")


def test_a_reserved_name_that_no_channel_calls_reserved_is_told_as_unregistered() -> None:
    """A registrar that would not create it is the only one to know."""
    world = SourcesWorld([COM])
    world.refused.add(NAME)
    world.live(NAME, dying())
    world.run(3 * HOUR)

    assert words(world) == ["unregistered"]
    assert "would not create it" in world.entry(NAME).detail.reason


def test_a_name_that_was_never_registered_is_told_at_once_where_a_registrar_says_so() -> None:
    """Also while the WHOIS that would call it reserved is dead, or too slow."""
    world = SourcesWorld([COM], dead={"com": [Dead("whois", "silence")]})
    world.live("fresh.com", Life([(0.0, None)]))
    world.run(600.0)

    found = alarm(world, "fresh.com")
    assert found["confirmed_by"] == [ONE]
    assert found["timestamp"] - START < 120.0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("since", [START, DROP])
def test_a_dead_registrar_costs_no_drop(kind: str, since: float) -> None:
    """It is told as if there were none."""
    world = SourcesWorld([COM])
    world.faults.append(Fault(ONE, kind, since=since))
    world.live(NAME, dying())
    world.run(2 * HOUR)

    assert alarm(world)["confirmed_by"] == []
    assert alarm(world)["timestamp"] - DROP < ALIVE_BOUND


@pytest.mark.parametrize("rdap", DEAD_KINDS["rdap"])
@pytest.mark.parametrize("whois", ["silence", "refused", "throttled", "garbage"])
@pytest.mark.parametrize("since", [START, DROP - 600, DROP])
def test_with_both_channels_of_the_registry_dead_a_registrar_has_every_drop_told(rdap: str, whois: str, since: float) -> None:
    """Whether or not the name was in the zone before."""
    world = SourcesWorld([COM], dead={"com": [Dead("rdap", rdap, since), Dead("whois", whois, since)]})
    world.live(NAME, dying())
    plain = Life([(0.0, Phase.ACTIVE), (DROP, None)], expires=DROP + 200 * DAY)
    world.live("sudden.com", plain)
    world.run(3 * HOUR)

    late = {name: alarm(world, name)["timestamp"] - DROP for name in (NAME, "sudden.com")}
    assert max(late.values()) < DEAD_BOUND, late


@pytest.mark.parametrize("kinds", [("silence", "silence"), ("refused", "throttled"), ("forbidden", "garbage")])
@pytest.mark.parametrize("since", [START, DROP])
def test_with_both_public_channels_dead_an_epp_account_has_every_drop_told(kinds: tuple[str, str], since: float) -> None:
    """As a channel of the registry of its own; what it says is definitive."""
    dead = [Dead("rdap", kinds[0], since), Dead("whois", kinds[1], since)]
    world = SourcesWorld([COM], dead={"com": dead}, sources=(EPP,))
    world.live(NAME, dying())
    world.live("sudden.com", Life([(0.0, Phase.ACTIVE), (DROP, None)], expires=DROP + 200 * DAY))
    world.live("held.com", Life([(0.0, Phase.ACTIVE), (START + 600, Phase.UNDELEGATED)], expires=DROP + 99 * DAY))
    world.run(3 * HOUR)

    for name in (NAME, "sudden.com"):
        assert alarm(world, name)["confirmed_by"] == [EPP]
        assert alarm(world, name)["timestamp"] - DROP < DEAD_BOUND
    assert "available" not in [body["status"] for body in told(world, "held.com")]


def test_epp_keeps_the_phase_that_a_record_showed() -> None:
    """It says "in use" of a name in redemption, and shows neither dates nor phase."""
    world = SourcesWorld([COM], sources=(EPP,))
    world.live(NAME, dying(DROP + DAY))
    world.run(1800.0)
    world.dead["com"] = [Dead("rdap", "silence"), Dead("whois", "silence")]
    world.run(6 * HOUR)

    assert world.state(NAME) == "PENDING_DELETE"
    assert world.entry(NAME).detail.fields.expires_at is not None


@pytest.mark.parametrize("lie", ["free", "premium", "taken"])
def test_an_epp_server_that_says_the_same_of_everything_raises_no_alarm_and_keeps_none_back(lie: str) -> None:
    """Its canaries show it."""
    world = SourcesWorld([COM], sources=(EPP,))
    world.faults.append(Fault(EPP, f"lies {lie}"))
    world.live(NAME, dying())
    world.live("held.com", Life([(0.0, Phase.ACTIVE), (START + 600, Phase.UNDELEGATED)], expires=DROP + 99 * DAY))
    world.run(2 * HOUR)

    assert words(world) == ["available"]
    assert alarm(world)["confirmed_by"] == []
    assert "available" not in [body["status"] for body in told(world, "held.com")]


@pytest.mark.parametrize("about", [None, NAME])
def test_a_registrar_that_calls_registered_names_free_raises_no_alarm(about: str | None) -> None:
    """Of a name in the zone, of one on hold, and of one in redemption; nor of one that drops, before it does."""
    world = SourcesWorld([COM])
    world.faults.append(Fault(ONE, "lies free", about))
    world.live("held.com", Life([(0.0, Phase.ACTIVE), (START + 600, Phase.UNDELEGATED)], expires=DROP + 99 * DAY))
    world.live("active.com", Life(expires=DROP + 99 * DAY))
    world.live(NAME, dying())
    world.run(2 * HOUR)

    assert [body["status"] for body in told(world, "active.com")] == []
    assert "available" not in [body["status"] for body in told(world, "held.com")]
    assert alarm(world)["timestamp"] >= DROP


@pytest.mark.parametrize("lie", ["free", "premium", "taken"])
def test_a_registrar_that_says_the_same_of_everything_counts_for_nothing(lie: str) -> None:
    """Its canaries show it: the drop is told in ordinary words, and nothing else is told."""
    world = SourcesWorld([COM])
    world.faults.append(Fault(ONE, f"lies {lie}"))
    world.live(NAME, dying())
    world.live("held.com", Life([(0.0, Phase.ACTIVE), (START + 600, Phase.UNDELEGATED)], expires=DROP + 99 * DAY))
    world.run(2 * HOUR)

    assert alarm(world)["confirmed_by"] == []
    assert alarm(world)["timestamp"] - DROP < ALIVE_BOUND
    assert words(world) == ["available"]
    assert "available" not in [body["status"] for body in told(world, "held.com")]


@pytest.mark.parametrize(("lie", "word"), [("premium", "available_premium"), ("taken", "unregistered")])
def test_a_lie_about_one_name_changes_the_word_and_silences_nothing(lie: str, word: str) -> None:
    """Nothing could tell it from the truth; what is told can be looked into."""
    world = SourcesWorld([COM])
    world.faults.append(Fault(ONE, f"lies {lie}", NAME, since=DROP - 60))
    world.live(NAME, dying())
    world.run(2 * HOUR)

    assert words(world) == [word]


def test_of_two_registrars_one_that_would_create_the_name_is_enough() -> None:
    """The other one may not sell it."""
    world = SourcesWorld([COM], sources=(ONE, TWO))
    world.faults.append(Fault(ONE, "lies taken", NAME))
    world.live(NAME, dying())
    world.run(3 * HOUR)

    assert world.state(NAME) == "AVAILABLE"
    assert words(world)[-1] == "available"


@pytest.mark.parametrize("liar", ["rdap", "whois"])
def test_a_registry_channel_that_denies_everything_raises_no_alarm_beside_a_registrar(liar: str) -> None:
    """With its lie about names in redemption, while the other channel is dead."""
    other = "whois" if liar == "rdap" else "rdap"
    world = SourcesWorld([COM], dead={"com": [Dead(other, "silence")]})
    world.lies.append(Lie(liar, "com", None, START + 600, START + 3 * HOUR))
    world.live(NAME, dying(DROP + DAY))
    world.run(3 * HOUR)

    assert [body["status"] for body in told(world) if body["status"] in ("available", "unregistered")] == []


def test_a_registrar_that_refuses_its_key_is_known_before_it_is_needed() -> None:
    """One known name is asked soon after the start, and again after hours; the refusal is told by its budget."""
    world = SourcesWorld([COM])
    world.faults.append(Fault(ONE, "forbidden"))
    world.live("active.com", Life(expires=DROP + 99 * DAY))
    world.run(300.0)

    budgets = world.core.rooms.rate_limits.budgets.snapshot(world.now)
    (row,) = [row for row in budgets if row["operator"] == "registrar/one"]
    assert "401" in str(row["reason"])
    assert [domain for _, method, domain in world.asked if method == ONE] == ["known.com"]


def test_registrars_are_asked_seldom() -> None:
    """Never about a name that is registered while the registry speaks, and about a drop a few times."""
    world = SourcesWorld([COM])
    world.live("active.com", Life(expires=DROP + 99 * DAY))
    world.live(NAME, dying())
    world.run(DAY)

    asked = [(method, domain) for _, method, domain in world.asked if method == ONE]
    assert (ONE, "active.com") not in asked
    assert 1 <= asked.count((ONE, NAME)) <= 3
    assert len(asked) <= 12
