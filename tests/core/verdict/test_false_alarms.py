"""What keeps an alarm back although every registry answer says "no such object"."""

from __future__ import annotations

import pytest

from common.core.builtin.suffix_rules import p_registrable_for
from common.core.model.entry import Entry
from common.core.model.evidence import Observation, Outcome, Phase, Reading, unknown_reading
from common.core.model.records import Evidence
from common.core.model.states import State
from common.core.model.verdict import Verdict
from common.core.parsers import whois
from common.core.verdict import assess, gates
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


def test_a_name_that_is_caught_and_dropped_again_is_announced_again_after_the_quiet_time() -> None:
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
    """The registry denies it at every look; the delegation from before the drop makes nobody a holder of it."""
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


def test_an_alarm_that_ends_because_a_server_lied_is_taken_back_and_nobody_called_its_holder() -> None:
    """The zone saw the name last before the alarm: that is no news of a registration."""
    entry, before = Entry("gone.com", "com", "gone"), START - 4000
    delegated = Reading(Outcome.REGISTERED, "dns_auth_referral", "delegated")
    entry.detail.evidence["dns"] = Evidence(Observation("dns", delegated), before, before)
    entry.state, entry.since, entry.detail.alarmed_at = State.AVAILABLE, START - 60, START - 60
    verdict = Verdict(State.REGISTERED, 0.0, 0.01, 0.995, "delegated")

    assert World().core.rooms.announcer.apply_verdict(entry, verdict, START) == "retracted"


def test_without_a_whois_server_only_a_name_that_had_a_holder_counts_as_free_for_all() -> None:
    """RDAP answers 404 for reserved and premium names too; nobody is there who would say so."""
    never, once = Entry("example.dev", "dev", "example"), Entry("example.dev", "dev", "example")
    once.detail.registered_seen = START

    assert assess._rho(never, frozenset({"rdap"})) < 0.95 <= assess._rho(once, frozenset())


def test_no_registry_takes_a_label_of_mixed_alphabets() -> None:
    """Latin with one Cyrillic letter in it: its absence at the registry says nothing."""
    assert p_registrable_for("xn--bnk-of-lab-zqi", "com") == 0.0
    assert p_registrable_for("xn--bcher-kva", "com") == p_registrable_for("buecher", "com")


def test_a_dpml_block_is_read_in_whatever_line_it_stands() -> None:
    """The word alone tells; the line needs no other."""
    reading = whois.parse_whois_answer("This name is subject to a DPML block.\n", "example.me", "whois.nic.me", strict=True)

    assert (reading.outcome, reading.finding) == (Outcome.RESERVED, "whois_reserved")
