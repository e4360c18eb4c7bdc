"""What a drop costs while channels are dead, slow or lying, and what is told of it; on a virtual clock."""

from __future__ import annotations

import pytest

from common.core.model.channel import ChannelKey
from common.core.model.evidence import Phase
from common.core.model.limit import Limit
from common.core.model.methods import budget_of
from common.core.schedule.cadence import AFTER_ALARM, JITTER
from common.core.trust.server_trust import QUARANTINE
from common.core.verdict.assessor import RESERVED_PATIENCE
from common.core.verdict.gates import LONE_PASSES, SILENT_PASSES
from common.core.workers.leases import GRACE
from common.messages import Delivery, Sweep, Task
from tests.sim.dead_channels import KINDS, Dead
from tests.sim.lives import Life
from tests.sim.registry_world import Lie, RegistryWorld
from tests.sim.suffix_models import DAY, SuffixModel
from tests.sim.world import START

#: Drives a simulated world.
pytestmark = pytest.mark.simulation

HOUR = 3600.0
PURGE = START + 2 * HOUR
COM = SuffixModel("com")
RDAP = ChannelKey("rdap", "rdap.com.test", "com")
#: The second pass of an alarm comes two seconds after the first, and every query is answered within a fifth of a second.
PASS = 2.6
DEAD = [Dead(method, kind) for method, kinds in KINDS.items() for kind in kinds]


class SwallowingWorld(RegistryWorld):
    """A world in which queries of one method about one name are never answered, not even by an error."""

    swallowed: tuple[str, str] | None = None

    def _takes(self, item: Task | Sweep | Delivery) -> float:
        if isinstance(item, Task) and (item.method, item.domain) == self.swallowed:
            return DAY
        return super()._takes(item)


def drop() -> Life:
    """A name in pending delete that is purged after two hours."""
    return Life([(0.0, Phase.ACTIVE), (START - 5 * DAY, Phase.PENDING_DELETE), (PURGE, None)])


def watching(world: RegistryWorld, life: Life, domain: str = "gone.com") -> RegistryWorld:
    """The world, with a name that goes its way and one that stays."""
    world.live(domain, life, priority=True)
    world.live("held.com", Life())
    return world


def told(world: RegistryWorld, word: str = "available", domain: str = "gone.com") -> float | None:
    """When a name was told, in epoch seconds."""
    return next((at for at, status in world.notices_of(domain) if status == word), None)


def wait(world: RegistryWorld, word: str = "available", domain: str = "gone.com", within: float = 3 * HOUR) -> float:
    """Let time pass until a name is told. When it was, in epoch seconds."""
    world.run_until(lambda: told(world, word, domain) is not None, world.now + within, within / (3 * HOUR))
    at = told(world, word, domain)
    assert at is not None, f"{domain} is {world.state(domain)}: {world.entry(domain).detail.reason}"
    return at


def asked(world: RegistryWorld, since: float, until: float, domain: str = "gone.com") -> list[str]:
    """The methods by which a name was queried, one a query."""
    return [method for at, method, name in world.asked if name == domain and since < at <= until]


# -- a dead channel ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dead", DEAD, ids=lambda dead: f"{dead.method} {dead.kind}")
def test_a_channel_known_to_be_dead_costs_no_second_at_the_drop(dead: Dead) -> None:
    """It is not asked, and not waited for: three passes of one source alone, or two of the two that are left."""
    world = watching(RegistryWorld([COM], dead={"com": [dead]}), drop())
    at = wait(world)
    denied = world.denied["gone.com"]

    assert at - denied < LONE_PASSES * PASS
    assert dead.method not in asked(world, denied - 1.0, at)


def test_a_restart_forgets_no_dead_channel() -> None:
    """A minute before the drop there would be no time to learn it anew."""
    dead = Dead("whois", "silence")
    world = watching(RegistryWorld([COM], dead={"com": [dead]}), drop())
    world.run(PURGE - 60.0 - world.now)
    world.restart()
    at = wait(world)

    assert at - world.denied["gone.com"] < LONE_PASSES * PASS
    assert "whois" not in asked(world, world.denied["gone.com"] - 1.0, at)


# -- a canary that is missing --------------------------------------------------------------------------------------------


def slow_whois() -> RegistryWorld:
    """A WHOIS server that may be asked every twenty seconds: a pass waits for its answer and for both canaries."""
    limits = {"whois/*": Limit("whois/*", 0.05, 1), "*": Limit("*", 1000.0, 1000)}
    return watching(RegistryWorld([COM], limits=limits), drop())


def test_while_only_a_canary_is_missing_nothing_is_asked_anew() -> None:
    """An answer that is replaced would wait for another canary: two passes, each asks a channel once.

    WHOIS has no token for the second one: its denial, whose two canaries are waited for, stands.
    """
    world = slow_whois()
    at = wait(world)
    denied = world.denied["gone.com"]

    assert at - denied > 40.0
    assert sorted(asked(world, denied - 1.0, at)) == ["dns", "dns", "rdap", "rdap", "whois"]


def test_a_name_that_a_canary_turned_into_an_alarm_is_planned_anew_at_once() -> None:
    """It is checked soon after the alarm, and not when the wait for the canary would have been over."""
    world = slow_whois()
    at = wait(world)
    verdict_by_canary = [name for moment, _, name in world.asked if moment <= at][-1]

    assert verdict_by_canary == "known.com"
    assert world.entry("gone.com").next_check - at <= AFTER_ALARM[0] * (1 + JITTER)


@pytest.mark.parametrize("method", ["rdap", "whois", "dns"])
@pytest.mark.parametrize("warned", [True, False])
def test_a_canary_that_is_never_answered_holds_no_pass_for_ever(method: str, warned: bool) -> None:
    """Each pass waits for it no longer than its answer could take; the passes of another source stand in for it."""
    world = watching(SwallowingWorld([COM]), drop() if warned else Life([(0.0, Phase.ACTIVE), (PURGE, None)]))
    world.run(PURGE - 10.0 - world.now)
    world.swallowed = (method, "known.com")
    at = wait(world)

    assert at - world.denied["gone.com"] < SILENT_PASSES * (budget_of("whois") + GRACE)


# -- a server that lied --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("domain", [None, "known.com"], ids=["about everything", "about its canary"])
def test_a_server_that_lied_stays_out_until_both_canaries_were_right_again(domain: str | None) -> None:
    """Through every quarantine, however often it is queried; then it counts again. Nothing is told twice, or taken back."""
    since, until = PURGE - HOUR, PURGE + 2 * HOUR
    world = watching(RegistryWorld([COM]), drop())
    world.live("kept.com", Life([(0.0, Phase.ACTIVE), (PURGE - HOUR / 2, Phase.UNDELEGATED)]), priority=True)
    world.lies.append(Lie("rdap", "com", domain, since, until))
    caught = False
    while world.now < until:
        out = world.core.rooms.trust.is_distrusted(RDAP, world.now)
        assert out or not caught, f"believed again {world.now - PURGE:.0f} s after the purge"
        caught = caught or out
        world.run(10.0)
    world.run(HOUR)

    assert caught
    assert not world.core.rooms.trust.is_distrusted(RDAP, world.now)
    assert [status for _, status in world.notices_of("gone.com")] == ["pending_delete", "available"]
    assert [status for _, status in world.notices_of("kept.com")] == ["undelegated"]


def test_a_server_that_lied_is_asked_nothing_but_canaries() -> None:
    """While it is out: what it answers is worth nothing."""
    world = watching(RegistryWorld([COM]), drop())
    world.lies.append(Lie("rdap", "com", "known.com", PURGE - HOUR, PURGE + HOUR))
    at = wait(world)
    world.run(PURGE + HOUR - world.now)

    assert "rdap" not in asked(world, at + QUARANTINE, world.now)
    assert "rdap" in asked(world, at + QUARANTINE, world.now, "known.com")


# -- a name never seen registered ----------------------------------------------------------------------------------------


def test_a_name_never_seen_registered_waits_a_quarter_of_an_hour_at_most_for_whois() -> None:
    """Its daily quota is used up: it would say "reserved", and is no dead one. When it speaks the name is free."""
    world = RegistryWorld([COM], limits={"whois/*": Limit("whois/*", 10.0, 10, 100), "*": Limit("*", 1000.0, 1000)})
    rooms = world.core.rooms
    limit = rooms.registries.limit_of("whois", "whois.com.test", "com")
    rooms.rate_limits.budgets.take_tokens(limit, "default", 100, START)
    world.live("never.com", Life([(0.0, None)]), priority=True)
    at = wait(world, "unregistered", "never.com")
    assert RESERVED_PATIENCE < at - START < RESERVED_PATIENCE + 60.0
    assert asked(world, START, at, "never.com").count("whois") == 0

    midnight = (START // DAY + 1) * DAY
    free = wait(world, "available", "never.com", DAY)
    assert 0.0 < free - midnight < 120.0
    assert [status for _, status in world.notices_of("never.com")] == ["unregistered", "available"]


def test_a_name_never_seen_registered_waits_for_no_dead_whois() -> None:
    """Nothing can be expected of it; a reservation is then not excluded, which the word says."""
    world = watching(RegistryWorld([COM], dead={"com": [Dead("whois", "refused")]}), Life())
    world.run(1800.0)
    began = world.now
    world.live("never.com", Life([(0.0, None)]), priority=True)

    assert wait(world, "unregistered", "never.com") - began < 60.0


def test_a_reserved_name_is_never_called_available_while_whois_limits_us() -> None:
    """It is unregistered until WHOIS speaks, and reserved then."""
    dead = Dead("whois", "throttled", START, START + HOUR)
    world = RegistryWorld([COM], dead={"com": [dead]})
    world.live("kept.com", Life([(0.0, None)], reserved=True), priority=True)
    world.run(3 * HOUR)

    words = [status for _, status in world.notices_of("kept.com")]
    assert words[0] == "unregistered"
    assert "available" not in words
    assert world.state("kept.com") == "RESERVED"


# -- after the alarm -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dead", [None, Dead("whois", "refused"), Dead("rdap", "refused"), Dead("dns", "servfail")], ids=str)
def test_the_confidence_of_an_announced_name_stays_while_checks_confirm_it(dead: Dead | None) -> None:
    """For hours, although its canaries are not asked any more."""
    world = watching(RegistryWorld([COM], dead={"com": [dead] if dead else []}), drop())
    wait(world)

    assert sank(world, "gone.com") < 0.002
    assert world.state("gone.com") == "AVAILABLE"


def test_the_confidence_of_a_name_never_seen_registered_stays_too() -> None:
    """It rests on WHOIS, which is asked again a day later: its server was verified at the alarm and did not lie since."""
    world = watching(RegistryWorld([COM], priority=600.0), Life([(0.0, None)]), "never.com")
    at = wait(world, domain="never.com")

    assert sank(world, "never.com", DAY + HOUR) < 0.002
    assert "whois" in asked(world, at + 23 * HOUR, world.now, "never.com")
    assert world.state("never.com") == "AVAILABLE"


def sank(world: RegistryWorld, domain: str, within: float = 3 * HOUR) -> float:
    """By how much the confidence of a name falls below its present one within so many seconds."""
    first, end, seen = world.entry(domain).confidence, world.now + within, []
    while world.now < end:
        world.run(600.0)
        seen.append(world.entry(domain).confidence)
    return first - min(seen)
