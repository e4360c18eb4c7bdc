"""Hostile results of sweeps: no name is lost, nothing is believed that was not queried, nothing hidden from single checks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from common.core.domains.domain_table import Flag
from common.core.model.channel import ChannelKey
from common.core.model.evidence import Observation, Outcome, Phase, Reading, unknown_reading
from common.core.model.limit import Limit
from common.core.parsers.dns_fast import DELEGATED, NXDOMAIN, OPEN, UNUSUAL
from common.core.sweeps import sweep_dispatch
from common.messages import Credit, Sweep, SweepResult
from tests.core.sweeps.swept_world import limit_operators, swept_world
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
def test_whatever_a_worker_claims_nothing_breaks_nothing_is_lost_and_nothing_is_free(results: list[dict[str, Any]]) -> None:
    """Results of every size and content: the core goes on, every name is registered in the end, nothing is announced."""
    world, names = swept_world()
    left = list(results)

    def answer(credit: Credit, sweep: Sweep) -> SweepResult:
        fields = left.pop()
        world.answer = answer if left else None
        return SweepResult(credit, sweep.attempt, **fields)

    world.answer = answer
    world.run(1500)
    world.check()

    assert {world.state(name) for name in names} == {"REGISTERED"}
    assert world.notices() == []


def test_a_sweep_is_evidence_of_dns_alone() -> None:
    """An answer of the registry that comes with a sweep was never queried: it is no evidence."""

    def forged(credit: Credit, sweep: Sweep) -> SweepResult:
        size = sweep.count
        claims = dict.fromkeys(range(size), FORGED)
        return SweepResult(credit, sweep.attempt, bytes([UNUSUAL] * size), bytes(size), observations=claims)

    world, names = swept_world(answer=forged)
    world.run(8)

    found = [world.entry(name).detail.evidence.get("rdap") for name in names]
    assert not [item for item in found if item is not None and item.observation == FORGED]


def test_an_unknown_code_is_no_answer() -> None:
    """It counts as inconclusive, and is not kept."""
    world, names = swept_world()
    world.answer = lambda credit, sweep: SweepResult(credit, sweep.attempt, b"\x07" * sweep.count, bytes(sweep.count))
    world.run(8)
    table = world.core.rooms.domains.table

    assert 7 not in {int(table.code[table.find_id(name)]) for name in names}
    assert max(int(table.inconclusive[table.find_id(name)]) for name in names) >= 1


def test_names_of_a_zone_in_trouble_are_checked_at_their_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sweep whose whole zone is in trouble is inconclusive like single checks: after some the registry is queried."""
    monkeypatch.setattr(sweep_dispatch, "FEWEST", 1)  # no name is checked by itself because few are due at the same time
    trouble = Observation("dns", unknown_reading("dns_unreachable", "no server of the zone can be reached"), server="com")
    world, names = swept_world(answer=lambda credit, sweep: SweepResult(credit, sweep.attempt, trouble=trouble))
    world.run(1800)

    assert {name for _, method, name in world.asked if method == "rdap"} >= set(names)
    assert {world.state(name) for name in names} == {"REGISTERED"}


def test_a_name_that_was_inconclusive_for_days_is_still_checked_by_itself() -> None:
    """The count of inconclusive checks stops at its maximum and does not begin anew."""
    world, names = swept_world()
    world.run(60)
    table = world.core.rooms.domains.table
    ids = np.array([table.find_id(name) for name in names])
    table.inconclusive[ids] = 255
    table.set_flags(ids, Flag.SINGLE, on=False)
    world.answer = lambda credit, sweep: SweepResult(credit, sweep.attempt, bytes([OPEN] * sweep.count), b"\xff" * sweep.count)
    before = len(world.asked)
    world.lie = lambda method, *_: Observation(method, unknown_reading("dns_timeout", "no answer")) if method == "dns" else None
    world.run(3600)

    assert {method for _, method, name in world.asked[before:] if name in set(names)} >= {"http", "rdap"}


def test_a_suffix_that_turns_out_to_be_a_wildcard_makes_no_name_registered() -> None:
    """The random name was found while the sweep was on its way: its result proves nothing."""
    world, names = swept_world()

    def late(credit: Credit, sweep: Sweep) -> SweepResult:
        world.core.rooms.registries.wildcards.note_measured("com", wildcard=True)
        world.answer = None
        return SweepResult(credit, sweep.attempt, bytes([DELEGATED] * sweep.count), bytes(sweep.count))

    world.answer = late
    limit_operators(world, **{kind: Limit(kind, 0.0, 0, None) for kind in ("rdap_*", "whois_*")})
    world.run(600)

    assert world.answer is None
    assert {world.state(name) for name in names} == {"UNKNOWN"}


def test_a_name_known_by_sweeps_alone_was_seen_registered() -> None:
    """What calendar and likelihoods know of names that had a holder holds for it too: it is no name that never existed."""
    world, names = swept_world(suffix="se")
    limit_operators(world, **{"whois_*": Limit("whois/*", 0.0, 0, None)})
    world.run(60)
    table = world.core.rooms.domains.table
    bare = [name for name in names if not table.has_flag(table.find_id(name), Flag.DETAILED)]
    entry = world.entry(bare[0])

    assert entry.detail.registered_seen is not None
    assert entry.detail.registered_seen <= world.now


def test_a_swept_name_in_a_release_procedure_is_never_called_available() -> None:
    """A registry that releases names by its own procedure: the same end with sweeps as with single checks."""
    ends = []
    for places in (0, 4):
        world = World(interval=600.0, sweeps=places)
        limit_operators(world, **{"whois_*": Limit("whois/*", 0.0, 0, None)})
        names = [f"n{number}.se" for number in range(20)]
        world.watch(*names)
        world.run(20)
        limit_operators(world)
        world.names[names[3]] = Name([(0.0, Phase.ACTIVE), (world.now, None)])
        world.run(1800)
        ends.append((world.state(names[3]), sorted({status for _, status in world.notices(names[3])})))

    assert ends[0] == ends[1]


def test_a_name_removed_before_its_new_state_is_written_is_counted_once() -> None:
    """The figures per state add up to the names watched whenever the list changes."""
    world, names = swept_world()
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


def test_an_old_answer_of_a_sweep_is_queried_again_when_its_check_begins() -> None:
    """The check had to wait: an old denial is not dated anew."""
    world, names = swept_world()
    world.run(300)
    rooms, name_id = world.core.rooms, world.core.rooms.domains.table.find_id(names[0])
    seen = Observation("dns", Reading(Outcome.UNREGISTERED, "dns_auth_nxdomain", "denied"), server="com")
    world.run(10)
    rooms.starts.request_from_sweep(name_id, seen, world.now - 300.0)
    before = len(world.asked)
    world.run(1)

    assert [method for _, method, name in world.asked[before:] if name == names[0]][:1] == ["dns"]


def test_a_name_whose_alarm_waits_for_a_canary_stays_loaded() -> None:
    """However crowded it is: if the canary is denied, the answers of its server are dropped."""
    world, names = swept_world()
    world.run(300)
    rooms = world.core.rooms
    world.order("check", names[0])
    world.run(3)
    entry = rooms.domains.find_loaded(names[0])
    assert entry is not None
    rooms.canaries._waiting[ChannelKey("rdap", "rdap.com.test", "com")] = {names[0]: world.now}
    world.run(60)
    assert rooms.domains.find_loaded(names[0]) is entry

    rooms.canaries._waiting.clear()
    world.run(60)
    assert rooms.domains.find_loaded(names[0]) is None
