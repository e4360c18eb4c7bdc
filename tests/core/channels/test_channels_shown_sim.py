"""What is shown of channels: the status, the log, and what a notice rests on; on a virtual clock."""

from __future__ import annotations

import json
from typing import Any

import pytest

from common.core.channels.channel_health import DEAD_AFTER, LIMITED_AFTER
from common.core.coordinator.merged_status import MOST_CHANNELS
from common.core.coordinator.status import Status
from common.core.model.channel import ChannelKey
from common.core.model.effects import Effect, LogLine
from common.core.model.evidence import Observation, Outcome, Phase, Reading
from tests.sim.dead_channels import Dead
from tests.sim.lives import Life
from tests.sim.registry_world import RegistryWorld
from tests.sim.suffix_models import DAY, SuffixModel
from tests.sim.world import START

#: Drives a simulated world.
pytestmark = pytest.mark.simulation

COM = SuffixModel("com")
RDAP, WHOIS = ChannelKey("rdap", "rdap.com.test", "com"), ChannelKey("whois", "whois.com.test", "com")
ZONE = ChannelKey("dns", "com", "com")


class Logged(RegistryWorld):
    """A world that keeps the log."""

    said: list[LogLine]

    def _tell(self, command: Effect) -> None:
        if isinstance(command, LogLine):
            self.said.append(command)
        super()._tell(command)

    def about(self, event: str) -> list[tuple[str, Any, Any]]:
        """(level, method, reason) of every line of an event."""
        return [(line.level, line.fields["method"], line.fields["reason"]) for line in self.said if line.event == event]


def shown(world: RegistryWorld) -> dict[str, Any]:
    """What the coordinator says about itself."""
    return Status(world.core.rooms, world.policy).build_status(world.now)


def fall_silent(world: RegistryWorld, key: ChannelKey, *moments: float, reason: str = "no answer in time") -> None:
    """A channel gives no answer at these moments, in seconds from the beginning."""
    for moment in moments:
        world.core.rooms.channels.healths.note_outcome(key, Outcome.UNKNOWN, reason, START + moment)


def drop() -> Life:
    """A name in pending delete that is purged after ten minutes."""
    return Life([(0.0, Phase.ACTIVE), (START - 5 * DAY, Phase.PENDING_DELETE), (START + 600.0, None)])


# -- the status ----------------------------------------------------------------------------------------------------------


def test_a_silent_channel_is_shown_with_all_that_is_known_of_its_silence() -> None:
    """Since when, after how many answers, why, and whether it counts as dead."""
    world = RegistryWorld([COM])
    fall_silent(world, WHOIS, 0.0, 30.0, DEAD_AFTER, reason="refused the connection")

    assert shown(world)["channels"] == [
        {
            "method": "whois",
            "server": "whois.com.test",
            "suffix": "com",
            "silent_since": START,
            "dead": True,
            "answers": 3,
            "reason": "refused the connection",
        }
    ]


def test_the_longest_silent_channel_is_shown_first() -> None:
    """Dead or not; a channel that proved something last is not shown."""
    world = RegistryWorld([COM])
    fall_silent(world, WHOIS, 20.0)
    fall_silent(world, RDAP, 10.0, 90.0, 120.0)
    fall_silent(world, ZONE, 0.0)
    world.core.rooms.channels.healths.note_outcome(ZONE, Outcome.REGISTERED, "delegated", START + 1.0)

    assert [(row["method"], row["dead"]) for row in shown(world)["channels"]] == [("rdap", True), ("whois", False)]


def test_a_server_that_another_one_took_over_from_is_not_shown() -> None:
    """It is never asked again and would be silent for ever; so is the server of a suffix that has none any more."""
    world = RegistryWorld([COM])
    fall_silent(world, ChannelKey("whois", "old.com.test", "com"), 0.0)
    fall_silent(world, ChannelKey("rdap", "rdap.org.test", "org"), 0.0)

    assert shown(world)["channels"] == []


def test_a_silent_channel_whose_operator_limits_us_is_shown_as_dead_after_ten_minutes() -> None:
    """A zone that does not limit us is only silent, however long ago its last answer was."""
    world = RegistryWorld([COM])
    rooms = world.core.rooms
    limit = rooms.registries.limit_of("rdap", "rdap.com.test", "com")
    slow_down = Observation("rdap", Reading(Outcome.THROTTLED, "rdap_throttled", "slow down", retry_after=DAY))
    rooms.rate_limits.budgets.note_answer(limit, "default", slow_down, START)
    fall_silent(world, RDAP, 0.0)
    fall_silent(world, ZONE, 0.0)
    world.now += LIMITED_AFTER

    assert {row["method"]: row["dead"] for row in shown(world)["channels"]} == {"rdap": True, "dns": False}


def test_dead_channels_are_counted_by_method_beyond_those_shown() -> None:
    """Each method is there, so that an alarm on the figure ends; the list is bounded."""
    suffixes = [f"a{number}" for number in range(MOST_CHANNELS + 20)]
    world = RegistryWorld([SuffixModel(suffix) for suffix in suffixes])
    for suffix in suffixes:
        fall_silent(world, ChannelKey("whois", f"whois.{suffix}.test", suffix), 0.0, 30.0, DEAD_AFTER)
    fall_silent(world, ChannelKey("rdap", "rdap.a1.test", "a1"), 0.0)

    assert len(shown(world)["channels"]) == MOST_CHANNELS
    assert shown(world)["channels_dead"] == {"dns": 0, "rdap": 0, "whois": MOST_CHANNELS + 20}


# -- the log -------------------------------------------------------------------------------------------------------------


def test_the_death_of_a_channel_and_its_return_are_logged_once_each() -> None:
    """The one is a warning, with what the last answer was."""
    world = Logged([COM], dead={"com": [Dead("whois", "unknown_text", START, START + 1800.0)]}, interval=60.0)
    world.said = []
    world.live("held.com", Life([(0.0, Phase.UNDELEGATED)]))
    for _ in range(4):
        world.order("check", "held.com")
        world.run(120)
    died = world.about("channel_dead")
    assert [(level, method) for level, method, _ in died] == [("warning", "whois")]
    assert died[0][2]
    assert world.about("channel_alive") == []

    world.run(3600)
    assert [(level, method) for level, method, _ in world.about("channel_alive")] == [("info", "whois")]
    assert len(world.about("channel_dead")) == 1


# -- the notice ----------------------------------------------------------------------------------------------------------


def bodies(world: RegistryWorld) -> dict[str, dict[str, Any]]:
    """The notices that were posted, by their status."""
    return {body["status"]: body for body in (json.loads(raw) for _, _, raw in world.posted)}


@pytest.mark.parametrize(("dead", "basis"), [([], "sources"), ([Dead("whois", "refused")], "repetition")])
def test_a_notice_says_what_it_rests_on(dead: list[Dead], basis: str) -> None:
    """Two sources that agree, or the passes of one; notices of another kind rest on the record they name."""
    world = RegistryWorld([COM], dead={"com": dead}, priority=30.0)
    world.live("gone.com", drop(), priority=True)
    world.run_until(lambda: "available" in bodies(world), START + 3600, 30)

    assert bodies(world)["available"]["basis"] == basis
    assert "basis" not in bodies(world)["pending_delete"]


@pytest.mark.parametrize(("wildcard", "basis"), [(False, "sources"), (True, "repetition")])
def test_a_notice_of_an_unregistered_name_says_what_it_rests_on(wildcard: bool, basis: str) -> None:
    """One that was never seen registered: RDAP and the zone agree, or the zone answers for everything and RDAP is alone."""
    world = RegistryWorld([SuffixModel("com", whois=False, wildcard=wildcard)], priority=30.0)
    world.live("never.com", Life([(0.0, None)], wildcard=wildcard), priority=True)
    world.run_until(lambda: bool(bodies(world)), START + 3600, 30)

    assert bodies(world)["unregistered"]["basis"] == basis
