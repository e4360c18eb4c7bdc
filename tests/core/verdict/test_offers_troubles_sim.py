"""What a stranger found in whole worlds with registrars, EPP and DAS: each test fails until its cause is mended."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from common.core.coordinator.wiring import Policy
from common.core.model.evidence import Outcome, Phase, Reading
from common.core.model.limit import Limit
from common.core.registries.directory import Directory
from common.core.registries.sources import Source
from tests.sim.dead_channels import Dead
from tests.sim.lives import Life
from tests.sim.sources_world import EPP, ONE, Fault, SourcesWorld
from tests.sim.suffix_models import DAY, HOUR, ModelDirectory, SuffixModel
from tests.sim.world import START

pytestmark = pytest.mark.simulation

DROP = START + HOUR
NAME = "gone.com"
COM = SuffixModel("com")
IN_ZONE = frozenset({Phase.ACTIVE, Phase.EXPIRED_GRACE})


class ZoneWorld(SourcesWorld):
    """A registrar that answers from the zone, or from a cache: known names are taken, random ones free, as it should be."""

    def _offer(self, domain: str) -> Reading:
        life = self.names.get(domain)
        in_zone = isinstance(life, Life) and life.at(self.now) in IN_ZONE
        return Reading(Outcome.UNAVAILABLE, "registrar_unavailable", "it cannot be created") if in_zone else super()._offer("")


class HidingWorld(SourcesWorld):
    """WHOIS does not show names that are being deleted."""

    def _reading(self, method: str, domain: str) -> Reading:
        life = self.names.get(domain)
        hidden = method == "whois" and isinstance(life, Life) and life.at(self.now) in (Phase.REDEMPTION, Phase.PENDING_DELETE)
        return Reading(Outcome.UNREGISTERED, "whois_free", "not found") if hidden else super()._reading(method, domain)


class ServiceDirectory(ModelDirectory):
    """Every suffix has an availability service."""

    def das_server(self, suffix: str) -> str | None:
        """One of its own."""
        return f"das.{suffix}.test:4343" if suffix in self._models else None

    @staticmethod
    def is_das_certain(_suffix: str) -> bool:
        """It is documented."""
        return True


class ServiceWorld(SourcesWorld):
    """An availability service that is `lag` seconds behind the registry."""

    lag = 0.0

    def offered_methods(self, pool: str) -> tuple[str, ...]:
        """The intermediate pool asks it."""
        return (*super().offered_methods(pool), *(("das",) if pool == "intermediate" else ()))

    def _registries(self) -> tuple[Directory, dict[str, tuple[str, ...]]]:
        _, canaries = super()._registries()
        return ServiceDirectory(self.models.values(), real=False), canaries

    def _reading(self, method: str, domain: str) -> Reading:
        life = self.names.get(domain)
        if method != "das":
            return super()._reading(method, domain)
        if isinstance(life, Life) and life.registered(self.now - self.lag):
            return Reading(Outcome.REGISTERED, "das_not_available", "taken")
        return Reading(Outcome.UNREGISTERED, "das_available", "free")


class HintWorld(SourcesWorld):
    """A source whose answers prove nothing."""

    def adjust_policy(self, policy: Policy) -> Policy:
        """The same without proof."""
        made = super().adjust_policy(policy)
        return replace(made, sources=tuple(Source(method=item.method, url=item.url, proof=False) for item in made.sources))


def dying(free_at: float = DROP) -> Life:
    """A name in the last days of its life."""
    changes = [(0.0, Phase.ACTIVE), (free_at - 36 * DAY, Phase.REDEMPTION), (free_at - 5 * DAY, Phase.PENDING_DELETE)]
    return Life([*changes, (free_at, None)], expires=free_at - 80 * DAY)


def words(world: SourcesWorld, name: str = NAME, since: float = DROP) -> list[str]:
    """The statuses of the notices about a name since then, in order, once each."""
    bodies: dict[str, dict[str, Any]] = {identity: json.loads(body) for _, identity, body in world.posted}
    return [body["status"] for body in bodies.values() if body["domain"] == name and body["timestamp"] >= since - 60]


def asked(world: SourcesWorld) -> Counter[str]:
    """How often the registrar was asked about each name."""
    return Counter(domain for _, method, domain in world.asked if method == ONE)


def redeemed(_: float) -> Life:
    """A name in redemption, whose holder can still have it back."""
    return Life([(0.0, Phase.ACTIVE), (START - 5 * DAY, Phase.REDEMPTION)], expires=START - 40 * DAY)


def on_hold(_: float) -> Life:
    """A registered name that is not in the zone."""
    return Life([(0.0, Phase.ACTIVE), (START + 600, Phase.UNDELEGATED)], expires=DROP + 99 * DAY)


@pytest.mark.parametrize("make", [redeemed, on_hold, dying])
@pytest.mark.parametrize("outage", [120.0, 600.0])
def test_a_registrar_that_answers_from_the_zone_frees_no_name_while_the_registry_fails(
    make: Callable[[float], Life], outage: float
) -> None:
    """Its canaries are in the zone, or nowhere: they cannot show that it does not see names out of the zone."""
    begins = START + 2 * HOUR
    dead = [Dead("rdap", "server_error", begins, begins + outage), Dead("whois", "silence", begins, begins + outage)]
    world = ZoneWorld([COM], interval=3600.0, priority=60.0, dead={"com": dead})
    world.live(NAME, make(DROP + 4 * DAY), priority=True)
    world.run(4 * HOUR)

    assert "available" not in words(world, since=START)


@pytest.mark.parametrize("kind", ["forbidden", "unsupported"])
def test_a_drop_that_a_registrar_refused_once_is_told_although_that_registrar_is_gone(kind: str) -> None:
    """It was some minutes behind the registry, and then it could not be asked any more."""
    world = SourcesWorld([COM])
    world.faults += [Fault(ONE, "lies taken", NAME, until=DROP + 300), Fault(ONE, kind, since=DROP + 300)]
    world.live(NAME, dying())
    world.run(9 * DAY)

    assert words(world)[-1] == "available"


def test_a_registrar_that_begins_to_lie_makes_no_announced_name_available() -> None:
    """Its word counts once a known name was found again after it, also for a name that is told as unregistered."""
    world = SourcesWorld([SuffixModel("com", whois=False)])
    world.refused.add("fresh.com")
    world.faults.append(Fault(ONE, "lies free", since=DROP + 2 * HOUR))
    world.live("fresh.com", Life([(0.0, None)]))
    world.run(8 * HOUR)

    assert words(world, "fresh.com", START) == ["unregistered"]


def test_a_name_being_deleted_keeps_its_phase_where_a_channel_without_phases_calls_it_taken() -> None:
    """RDAP is dead, WHOIS hides such names, EPP says that it is in use."""
    world = HidingWorld([COM], sources=(EPP,), dead={"com": [Dead("rdap", "silence", START + 4 * HOUR)]})
    world.live(NAME, dying(DROP + 3 * DAY))
    world.run(2 * DAY)

    assert "registered" not in words(world, since=START)
    assert world.state(NAME) == "PENDING_DELETE"


@pytest.mark.parametrize("dies", [False, True])
def test_an_availability_service_that_lags_delays_no_drop_that_two_channels_show(dies: bool) -> None:
    """Its "taken" has neither date nor phase: it cannot show that RDAP and WHOIS hide the name."""
    world = ServiceWorld([SuffixModel("be")], sources=())
    world.lag = 60.0
    world.dead["be"] = [Dead("das", "silence", DROP + 61)] if dies else []
    world.live("gone.be", dying())
    world.run(DAY)

    assert words(world, "gone.be") == ["available"]


def test_registrars_are_not_asked_about_registered_names_for_ever() -> None:
    """Under a wildcard whose WHOIS is dead each check of each name is a question to a registrar."""
    world = SourcesWorld([SuffixModel("ws", rdap=False, wildcard=True)], dead={"ws": [Dead("whois", "silence", START + 1800)]})
    world.live("active.ws", Life(expires=DROP + 99 * DAY, wildcard=True))
    world.run(DAY)

    assert asked(world)["active.ws"] <= 12


def test_a_name_that_is_announced_under_a_suffix_without_channels_costs_no_registrar_a_question_in_each_check() -> None:
    """Its offer is known."""
    world = SourcesWorld([SuffixModel("com", rdap=False, whois=False)])
    world.live(NAME, Life([(0.0, Phase.ACTIVE), (DROP, None)], expires=DROP + 200 * DAY))
    world.run(DAY)

    assert asked(world)[NAME] <= 24


def test_a_registrar_that_refuses_a_name_is_asked_more_and_more_seldom() -> None:
    """Reserved names stay reserved for years, and each question costs two canaries as well."""
    world = SourcesWorld([COM])
    world.refused.add(NAME)
    world.live(NAME, dying())
    world.run(3 * DAY)

    assert asked(world)[NAME] <= 40


def test_a_source_that_proves_nothing_is_asked_by_commands_alone() -> None:
    """Its answers are few, and paid for."""
    world = HintWorld([COM])
    world.live("active.com", Life(expires=DROP + 99 * DAY))
    world.run(2 * DAY)

    assert not asked(world)


def test_one_name_waits_once_in_the_queue_of_a_slow_registrar() -> None:
    """A check goes on without it after five seconds; its query must not be joined by that of the next one."""
    limits = {"*": Limit("*", 1000.0, 1000, None), "registrar/one": Limit("registrar/one", 0.1, 1, None)}
    world = SourcesWorld([COM], limits=limits, dead={"com": [Dead("whois", "silence", DROP - 600)]}, priority=300.0)
    for number in range(20):
        world.live(f"name{number}.com", dying(), priority=True)
    world.run(HOUR)
    most = 0
    for _ in range(60):
        world.run(10.0)
        queue = world.core.rooms.rate_limits.queue._queues.get("registrar/one")
        waiting = Counter(query.domain for query in queue.all_queries()) if queue else Counter[str]()
        most = max([most, *waiting.values()])

    assert most <= 1


@pytest.mark.parametrize(("suffix", "life"), [("com", Life([(0.0, None)])), ("cz", dying())])
def test_a_bad_hour_of_a_registrar_takes_back_no_name_that_it_confirmed(suffix: str, life: Life) -> None:
    """Neither one never seen registered, nor one in a release procedure: what it proved was true then."""
    world = SourcesWorld([SuffixModel(suffix, whois=suffix != "com")])
    bad = DROP + 10 * HOUR
    world.faults.append(Fault(ONE, "lies taken", since=bad - 600, until=bad + HOUR))
    world.live(f"first.{suffix}", life)
    world.live(f"other.{suffix}", dying(bad))
    world.run(DAY)

    assert words(world, f"first.{suffix}", DROP - HOUR + 60)[-1:] == ["available"]
    assert words(world, f"first.{suffix}", START).count("available") == 1


def test_an_announced_name_whose_registrar_lied_costs_no_canary_in_each_check() -> None:
    """Its run of passes is gone and nothing verifies it again, so that each check asks the registrar about two canaries."""
    world = SourcesWorld([SuffixModel("com", whois=False)])
    world.live("fresh.com", Life([(0.0, None)]))
    for number in range(1, 6):
        bad = DROP + (2 + 8 * number) * HOUR
        world.faults.append(Fault(ONE, "lies taken", since=bad - 600, until=bad + HOUR))
        world.live(f"name{number}.com", dying(bad))
    world.run(3 * DAY)

    assert asked(world)["known.com"] <= 60
    assert world.entry("name1.com").detail.gates == ()
