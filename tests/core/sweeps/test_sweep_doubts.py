"""What a sweep may not do: lose a name, be believed where nobody asked, or hide what a single look would have seen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from common.core.domains.domain_table import Flag
from common.core.model.evidence import Observation, Outcome, Phase, Reading, unknown_reading
from common.core.model.limit import Limit
from common.core.parsers.dns_fast import DELEGATED, NXDOMAIN, OPEN, UNUSUAL
from common.core.sweeps import sweep_dispatch
from common.messages import Credit, Sweep, SweepResult
from tests.core.sweeps.sweep_tales import limited, told_world
from tests.sim.truth import Name
from tests.sim.world import World

#: Drives a simulated world.
pytestmark = pytest.mark.simulation

FORGED = Observation("rdap", Reading(Outcome.UNREGISTERED, "rdap_404_json", "not found"), server="rdap.com.test")
OBSERVATIONS = st.sampled_from(
    [
        FORGED,
        Observation("dns", Reading(Outcome.UNREGISTERED, "dns_auth_nxdomain", "denied"), server="com", refused=True),
        Observation("dns", Reading(Outcome.REGISTERED, "dns_auth_referral", "delegated"), server="com"),
        Observation("dns", Reading(Outcome.THROTTLED, "dns_refused", "refused"), server="com"),
        Observation("dns", unknown_reading("dns_servfail", "failed")),
        Observation("registrar:x", Reading(Outcome.UNREGISTERED, "registrar_free", "free")),
        Observation("", unknown_reading("", "")),
    ]
)
BYTES = st.one_of(st.binary(max_size=40), st.binary(min_size=30, max_size=30), st.just(bytes([NXDOMAIN] * 30)))


@settings(max_examples=8, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "codes": BYTES,
                "served": BYTES,
                "server": st.sampled_from(["", "com", "x" * 120]),
                "width": st.integers(-(2**63), 2**64 - 1),
                "addresses": st.lists(st.text(max_size=20), max_size=64).map(tuple),
                "serial": st.one_of(st.none(), st.integers(-(2**63), 2**64 - 1)),
                "fresh_at": st.one_of(st.none(), st.floats()),
                "duration_ms": st.floats(),
                "observations": st.dictionaries(st.integers(-5, 40), OBSERVATIONS, max_size=20),
                "trouble": st.one_of(st.none(), st.none(), OBSERVATIONS),
                "returned": st.booleans(),
            }
        ),
        min_size=1,
        max_size=4,
    )
)
@example([{"codes": bytes([NXDOMAIN] * 30), "served": bytes(30), "serial": 2**64 - 1}])
@example([{"codes": bytes([NXDOMAIN] * 30), "served": bytes(30), "serial": -1, "fresh_at": float("nan")}])
def test_whatever_a_worker_claims_nothing_breaks_nothing_is_lost_and_nothing_is_free(tales: list[dict[str, Any]]) -> None:
    """Messages of every size and content: the core goes on, every name is found registered in the end, nobody is told."""
    world, names = told_world()
    left = list(tales)

    def tale(credit: Credit, sweep: Sweep) -> SweepResult:
        fields = left.pop()
        world.tale = tale if left else None
        return SweepResult(credit, sweep.attempt, **fields)

    world.tale = tale
    world.run(1500)
    world.check()

    assert {world.state(name) for name in names} == {"REGISTERED"}
    assert world.notices() == []


def test_a_sweep_speaks_for_dns_alone() -> None:
    """An answer of the registry that comes home with a sweep was never asked for: it is no evidence."""

    def forged(credit: Credit, sweep: Sweep) -> SweepResult:
        size = sweep.count
        claims = dict.fromkeys(range(size), FORGED)
        return SweepResult(credit, sweep.attempt, bytes([UNUSUAL] * size), bytes(size), observations=claims)

    world, names = told_world(tale=forged)
    world.run(8)

    heard = [world.entry(name).detail.evidence.get("rdap") for name in names]
    assert not [item for item in heard if item is not None and item.observation == FORGED]


def test_an_unknown_code_is_no_answer() -> None:
    """Neither counts as a look that proved something, nor is it kept."""
    world, names = told_world()
    world.tale = lambda credit, sweep: SweepResult(credit, sweep.attempt, b"\x07" * sweep.count, bytes(sweep.count))
    world.run(8)
    table = world.core.rooms.domains.table

    assert 7 not in {int(table.code[table.find_id(name)]) for name in names}
    assert max(int(table.blind[table.find_id(name)]) for name in names) >= 1


def test_names_of_a_zone_that_cannot_be_asked_climb_to_their_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sweep whose whole zone is in trouble is as mute as single looks: after some rounds the registry is asked."""
    monkeypatch.setattr(sweep_dispatch, "FEWEST", 1)  # nobody is visited because few are due at the same time
    trouble = Observation("dns", unknown_reading("dns_unreachable", "no server of the zone can be reached"), server="com")
    world, names = told_world(tale=lambda credit, sweep: SweepResult(credit, sweep.attempt, trouble=trouble))
    world.run(1800)

    assert {name for _, method, name in world.asked if method == "rdap"} >= set(names)
    assert {world.state(name) for name in names} == {"REGISTERED"}


def test_a_name_that_was_mute_for_days_is_still_looked_at_by_itself() -> None:
    """The count of looks that proved nothing stops at its end and does not begin anew."""
    world, names = told_world()
    world.run(60)
    table = world.core.rooms.domains.table
    rows = np.array([table.find_id(name) for name in names])
    table.blind[rows] = 255
    table.flags[rows] &= 0xFF ^ Flag.SINGLE
    world.tale = lambda credit, sweep: SweepResult(credit, sweep.attempt, bytes([OPEN] * sweep.count), b"\xff" * sweep.count)
    before = len(world.asked)
    world.lie = lambda method, *_: Observation(method, unknown_reading("dns_timeout", "no answer")) if method == "dns" else None
    world.run(3600)

    assert {method for _, method, name in world.asked[before:] if name in set(names)} >= {"http", "rdap"}


def test_a_suffix_that_turns_out_to_answer_for_everything_makes_nobody_registered() -> None:
    """The random name was found while the sweep was on its way: what the sweep says then proves nothing."""
    world, names = told_world()

    def late(credit: Credit, sweep: Sweep) -> SweepResult:
        world.core.rooms.registries.wildcards["com"] = True
        world.tale = None
        return SweepResult(credit, sweep.attempt, bytes([DELEGATED] * sweep.count), bytes(sweep.count))

    world.tale = late
    limited(world, **{kind: Limit(kind, 0.0, 0, None) for kind in ("rdap_*", "whois_*")})
    world.run(600)

    assert world.tale is None
    assert {world.state(name) for name in names} == {"UNKNOWN"}


def test_a_name_known_by_sweeps_alone_was_seen_registered() -> None:
    """What the calendar and the odds know of names that had a holder holds for it too: it is no name that never existed."""
    world, names = told_world(suffix="se")
    limited(world, **{"whois_*": Limit("whois/*", 0.0, 0, None)})
    world.run(60)
    table = world.core.rooms.domains.table
    bare = [name for name in names if not table.has_flag(table.find_id(name), Flag.DETAILED)]
    entry = world.entry(bare[0])

    assert entry.detail.registered_seen is not None
    assert entry.detail.registered_seen <= world.now


def test_a_swept_name_in_a_release_procedure_is_never_called_available() -> None:
    """A registry that releases names by its own procedure: the same end with sweeps as with single looks."""
    ends = []
    for places in (0, 4):
        world = World(interval=600.0, sweeps=places)
        limited(world, **{"whois_*": Limit("whois/*", 0.0, 0, None)})
        names = [f"n{number}.se" for number in range(20)]
        world.watch(*names)
        world.run(20)
        limited(world)
        world.names[names[3]] = Name([(0.0, Phase.ACTIVE), (world.now, None)])
        world.run(1800)
        ends.append((world.state(names[3]), sorted({status for _, status in world.notices(names[3])})))

    assert ends[0] == ends[1]


def test_a_name_removed_before_its_new_state_is_written_is_counted_once() -> None:
    """The figures per state add up to the names watched whenever the list changes."""
    world, names = told_world()
    world.run(300)
    world.names[names[0]] = Name([(0.0, Phase.ACTIVE), (world.now, Phase.REDEMPTION)])
    rooms = world.core.rooms
    for _ in range(20_000):
        entry = rooms.domains.find_loaded(names[0])
        if entry is not None and entry.state.value == "REDEMPTION" and rooms.domains.journal.is_unwritten(entry):
            break
        world.run(0.02)
    world.unlist(names[0])
    world.run(60)
    world.watch(names[0])
    world.run(3600)

    counts = {state: count for state, count in rooms.domains.by_state.items() if count}
    assert sum(counts.values()) == len(names)
    assert counts == {"REGISTERED": len(names) - 1, "REDEMPTION": 1}


def test_what_a_sweep_saw_long_ago_is_asked_again_when_its_visit_begins() -> None:
    """The visit had to wait: an old denial is not dated anew."""
    world, names = told_world()
    world.run(300)
    board, row = world.core.rooms, world.core.rooms.domains.table.find_id(names[0])
    seen = Observation("dns", Reading(Outcome.UNREGISTERED, "dns_auth_nxdomain", "denied"), server="com")
    world.run(10)
    rooms.domains.table.schedule.remove(row)
    visits.want_found(board, row, seen, world.now - 300.0)
    before = len(world.asked)
    world.run(1)

    assert [method for _, method, name in world.asked[before:] if name == names[0]][:1] == ["dns"]


def test_a_name_whose_alarm_waits_for_a_canary_stays_in_hand() -> None:
    """However crowded it is: if the canary turns out to be denied, what its server said is taken back."""
    world, names = told_world()
    world.run(300)
    rooms = world.core.rooms
    world.order("check", names[0])
    world.run(3)
    entry = rooms.domains.find_loaded(names[0])
    assert entry is not None
    rooms.canaries._waiting[("rdap", "rdap.com.test", "com")] = {names[0]: world.now}
    world.run(60)
    assert rooms.domains.find_loaded(names[0]) is entry

    rooms.canaries._waiting.clear()
    world.run(60)
    assert rooms.domains.find_loaded(names[0]) is None
