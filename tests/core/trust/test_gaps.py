"""Suffixes in which no canary works."""

from __future__ import annotations

import pytest

from common.core.model.effects import LogLine
from common.core.model.evidence import Observation, Outcome, Phase, Reading
from common.core.trust.canary_gaps import LIMIT, PATIENCE, WARN_EVERY, SuffixesWithoutCanary
from tests.sim.truth import Name
from tests.sim.world import World

#: Drives a simulated world.
pytestmark = pytest.mark.simulation

RDAP, WHOIS = ("rdap", "rdap.example", "zz"), ("whois", "whois.example", "zz")


def test_a_name_that_waits_for_long_is_a_gap_of_its_suffix() -> None:
    """The oldest wait counts, each name once, with every server that is waited for."""
    gaps = SuffixesWithoutCanary()
    gaps.set_waiting("one.zz", [RDAP, WHOIS], 0.0)
    gaps.set_waiting("two.zz", [RDAP], 100.0)
    gaps.set_waiting("one.zz", [RDAP, WHOIS], 250.0)

    assert gaps.find_open(PATIENCE) == []
    (gap,) = gaps.find_open(PATIENCE + 101)
    assert (gap.suffix, gap.names, gap.since, gap.keys) == ("zz", 2, 0.0, (RDAP, WHOIS))


def test_a_server_that_passes_its_canaries_closes_the_gap() -> None:
    """Whoever waited for it begins anew; waiting for another server goes on."""
    gaps = SuffixesWithoutCanary()
    gaps.set_waiting("one.zz", [RDAP, WHOIS], 0.0)
    gaps.set_waiting("two.zz", [RDAP], 0.0)
    gaps.note_proven(RDAP)
    (gap,) = gaps.find_open(1000.0)
    assert (gap.names, gap.keys) == (1, (WHOIS,))

    gaps.set_waiting("one.zz", [RDAP], 1000.0)
    assert gaps.find_open(1000.0 + PATIENCE) == []


def test_a_name_that_waits_no_longer_closes_the_gap() -> None:
    """It was registered again, or left the list."""
    gaps = SuffixesWithoutCanary()
    gaps.set_waiting("one.zz", [RDAP], 0.0)
    gaps.set_waiting("one.zz", [], 400.0)

    assert gaps.find_open(1000.0) == []


def test_a_suffix_is_warned_about_once_an_hour() -> None:
    """And a second suffix in the meantime for itself."""
    gaps = SuffixesWithoutCanary()
    gaps.set_waiting("one.zz", [RDAP], 0.0)
    assert [gap.suffix for gap in gaps.to_warn(400.0)] == ["zz"]
    assert gaps.to_warn(401.0) == []

    gaps.set_waiting("one.yy", [("rdap", "rdap.example", "yy")], 0.0)
    assert [gap.suffix for gap in gaps.to_warn(402.0)] == ["yy"]
    assert [gap.suffix for gap in gaps.to_warn(400.0 + WARN_EVERY)] == ["zz"]


def test_memory_is_bounded() -> None:
    """What is beyond the bound does not change what is shown: the suffix is in it already."""
    gaps = SuffixesWithoutCanary()
    for number in range(LIMIT + 50):
        gaps.set_waiting(f"n{number}.zz", [RDAP], 0.0)

    assert gaps.find_open(1000.0)[0].names == LIMIT


def test_a_suffix_without_a_working_canary_is_shown_and_warned_about() -> None:
    """A drop that cannot be told because nobody can vouch for the servers is no silent one."""
    world = World(interval=60.0, priority=5.0)
    warned: list[LogLine] = []
    handle = world.core.handle

    def listen(event: object, now: float) -> object:
        commands = handle(event, now)  # type: ignore[arg-type]
        warned.extend(item for item in commands if isinstance(item, LogLine) and item.event == "no_canary_works")
        return commands

    world.core.handle = listen  # type: ignore[method-assign,assignment]  # the log has no other tap
    del world.names["known.com"]  # the operator's canary is gone from the registry: nobody finds it
    world.names["gone.com"] = Name([(0.0, Phase.PENDING_DELETE), (world.now + 20, None)])
    missing = Observation("dns", Reading(Outcome.UNREGISTERED, "dns_auth_nxdomain", "no"), server="com")
    world.lie = lambda method, domain, _now: missing if method == "dns" and domain == "known.com" else None
    world.watch("gone.com", priority=True)
    world.run(7000)
    shown = world.core._status.build_status(world.now)["trust_gaps"]

    assert "available" not in [what for _, what in world.notices()]
    assert [row["suffix"] for row in shown] == ["com"]
    assert "CANARIES_FILE" in shown[0]["remedy"]
    assert shown[0]["servers"][0]["reason"]
    assert len(warned) == 2
    assert warned[0].level == "warning"


def test_working_canaries_leave_no_gap() -> None:
    """A name that stays unregistered for hours waits for a fresh canary at each visit, and each time gets it."""
    world = World(interval=60.0, priority=5.0)
    world.names["gone.se"] = Name([(0.0, Phase.PENDING_DELETE), (world.now + 20, None)])
    world.names["free.com"] = Name([(0.0, None)])
    world.watch("gone.se", "free.com", priority=True)
    for _ in range(60):
        world.run(60)
        assert world.core.rooms.canaries.gaps.find_open(world.now) == []
