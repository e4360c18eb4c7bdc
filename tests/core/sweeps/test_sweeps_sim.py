"""Sweeps in a simulated world: stable names are checked by thousands, and a change of one is noticed as by a single check."""

from __future__ import annotations

import json

import numpy as np
import pytest

from common.core.domains.domain_table import Flag
from common.core.model.evidence import Observation, Phase, unknown_reading
from common.core.model.limit import Limit
from common.core.outbox.announcer import PENDING_AT_ONCE
from common.messages import SweepResult
from tests.sim.truth import Name
from tests.sim.world import World

#: Drives a simulated world.
pytestmark = pytest.mark.simulation

COUNT = 1200
QUICK = Limit("whois/whois.se.test", 5.0, 10, None)


def big_world(
    count: int = COUNT,
    *,
    registry: float = 0.1,
    until: float = 300.0,
    more: dict[str, Limit] | None = None,
    results: str = "none",
) -> tuple[World, list[str]]:
    """A list of registered names that were checked once. `registry`: queries per second that each registry takes."""
    free = {f"{kind}/*": Limit(f"{kind}/*", 1e6, 10**6, None) for kind in ("dns", "http")}
    limits = {**free, "*": Limit("*", registry, max(1, int(registry)), None), **(more or {})}
    world = World(interval=3600.0, limits=limits, results=results)
    names = [f"n{number}.{('com', 'se', 'org')[number % 3]}" for number in range(count)]
    world.watch(*names)
    world.run(until)
    return world, names


def make_stable_due(world: World, *names: str) -> None:
    """Make the stable names due now, of these or of all."""
    domains = world.core.rooms.domains
    wanted = map(domains.table.find_id, names) if names else range(len(domains))
    loaded = domains.working_set.loaded
    ids = np.array([name_id for name_id in wanted if name_id not in loaded and np.isfinite(domains.stages.due_at(name_id))])
    domains.table.schedule.set_times(ids, np.full(len(ids), world.now), np.zeros(len(ids), np.bool_))


def test_a_first_sweep_finds_every_name_registered_and_announces_nothing() -> None:
    """A thousand names cost a handful of messages, one DNS query each, and end registered without an event."""
    world, names = big_world()
    asked = [name for _, method, name in world.asked if method == "dns" and name in set(names)]

    assert sorted(asked) == sorted(names)
    assert len(world.swept) < 100
    assert sum(count for _, _, count in world.swept) > 0.9 * COUNT
    assert world.core.rooms.domains.by_state["REGISTERED"] == COUNT
    assert world.stored.events == []
    assert {world.state(name) for name in names[:50]} == {"REGISTERED"}


def test_the_answer_of_a_sweep_is_evidence_with_server_and_time() -> None:
    """A name that was never checked by itself still says which server answered what, and since when."""
    world, names = big_world()
    table = world.core.rooms.domains.table
    bare = next(name for name in names if not table.has_flag(table.find_id(name), Flag.DETAILED))
    item = world.entry(bare).detail.evidence["dns"]

    assert (item.observation.reading.finding, item.observation.address) == ("dns_auth_referral", "192.0.2.1:53/udp")
    assert item.observation.server == bare.partition(".")[2]
    assert item.at == item.first_at == world.entry(bare).checked_at


def test_a_name_that_leaves_the_zone_is_checked_at_once_and_announced_as_by_a_single_check() -> None:
    """Found missing by a sweep; the registry, a second pass and the canaries follow, and one notice."""
    world, names = big_world(600, registry=5.0)
    gone = names[6]
    purged = world.now + 10
    world.names[gone] = Name([(0.0, Phase.ACTIVE), (purged, None)])
    world.run(2 * 3600)

    notices = world.notices(gone)
    assert [status for _, status in notices] == ["available"]
    asked = [(at, method) for at, method, name in world.asked if name == gone and at > purged]
    assert {method for _, method in asked} >= {"dns", "rdap"}
    seen = asked[0][0]
    assert notices[0][0] - seen < 60.0
    assert world.notices() == notices


def test_names_that_vanish_together_are_all_announced_and_the_others_go_on() -> None:
    """A third of the list drops between two sweeps: none is lost, nothing is announced of the others."""
    world, names = big_world(240, registry=20.0)
    gone = set(names[::3])
    for name in gone:
        world.names[name] = Name([(0.0, Phase.ACTIVE), (world.now + 1, None)])
    world.run(4 * 3600)

    announced = [json.loads(body) for _, _, body in world.posted]
    assert sorted(body["domain"] for body in announced) == sorted(gone)
    assert {body["status"] for body in announced} == {"available"}


def test_registry_records_are_queried_as_far_as_the_queue_has_room() -> None:
    """The registry's budget, not the length of the list, decides how many delegated names are looked up."""
    world, names = big_world(registry=0.1, until=1800.0)
    listed = set(names)
    registry = [name for _, method, name in world.asked if method in ("rdap", "whois") and name in listed]

    assert 3 * 50 < len(registry) <= 3 * (0.1 * 1800 + 5)
    assert len(world.core.rooms.domains.working_set.loaded) < 800
    assert world.core.rooms.domains.by_state["REGISTERED"] == COUNT


def test_a_sweep_whose_worker_dies_is_sent_again_in_parts() -> None:
    """Nothing waits for the lease to run out where the socket tells, and every name is checked in the end."""
    world = World(interval=3600.0)
    names = [f"n{number}.com" for number in range(COUNT)]
    world.watch(*names)
    for _ in range(40):
        world.run(1.5)
        world.kill_worker("fast")
        world.run(0.1)
        world.start_worker("fast")
    world.run(300)

    assert world.core.rooms.domains.by_state["REGISTERED"] == COUNT
    assert world.core.rooms.workers.lease_count() == 0


def test_results_that_never_arrive_are_replaced_by_another_sweep() -> None:
    """A third of all messages is lost; leases run out and the names are swept again."""
    world = World(interval=3600.0)
    world.loss = 0.3
    names = [f"n{number}.com" for number in range(500)]
    world.watch(*names)
    world.run(1200)

    assert world.core.rooms.domains.by_state["REGISTERED"] == 500


def test_a_zone_that_times_out_is_swept_again_later_and_later_and_changes_no_state() -> None:
    """Silence proves nothing: registered names stay registered, and are found again when the servers are back."""
    world, _ = big_world(300)
    silent_from, silent_until = world.now, world.now + 3 * 3600

    def silent(method: str, _domain: str, now: float) -> Observation | None:
        times_out = method in ("dns", "http") and silent_from <= now < silent_until
        return Observation(method, unknown_reading(f"{method}_timeout", "no answer")) if times_out else None

    world.lie = silent
    world.run(3 * 3600)
    assert world.core.rooms.domains.by_state["REGISTERED"] == 300
    asked = sum(1 for at, method, _ in world.asked if method == "dns" and silent_from <= at < silent_until)
    assert asked < 300 * 20
    world.run(2 * 3600)
    checked = world.core.rooms.domains.table.checked_at[: len(world.core.rooms.domains)]
    assert int(np.count_nonzero(checked > silent_until)) > 295


def test_an_unusual_answer_is_kept_in_full() -> None:
    """What is neither a delegation nor a denial comes with its details, and is assessed by them."""
    world, names = big_world(300)
    unusual = names[9]
    seen = Observation("dns", unknown_reading("dns_servfail", "the server failed"), server=unusual.partition(".")[2])
    world.lie = lambda method, domain, _: seen if method == "dns" and domain == unusual else None
    world.run(4000)

    assert world.entry(unusual).detail.trouble["dns"].observation.reading.finding == "dns_servfail"
    assert world.state(unusual) == "REGISTERED"


def test_an_answer_of_the_wrong_length_decides_nothing() -> None:
    """A worker that answers for fewer names than it was sent is not believed for any."""
    world, _ = big_world(COUNT, until=0.0)
    cut: list[str] = []

    def shortened(message: SweepResult) -> SweepResult:
        if len(cut) == 2:
            return message
        cut.append(message.attempt)
        return SweepResult(message.credit, message.attempt, message.codes[:-1], message.served[:-1])

    world.tamper = shortened
    world.run(300)

    assert len(cut) == 2
    assert world.core.rooms.domains.by_state["REGISTERED"] == COUNT


def test_a_check_on_demand_takes_a_name_out_of_the_queue() -> None:
    """It is checked by itself, by every method, and not a second time by the sweep that waits."""
    world, names = big_world(600, registry=5.0, until=900.0)
    make_stable_due(world)
    before = len(world.asked)
    world.order("check", names[3])
    world.run(30)
    mine = [method for _, method, name in world.asked[before:] if name == names[3]]

    assert sorted(mine) == ["dns", "rdap", "whois"]


def test_results_of_sweeps_are_posted_as_the_endpoint_keeps_up_one_per_name() -> None:
    """With all results wanted each name's newest is posted, notices first, and few wait at the same time."""
    world, names = big_world(until=0.0, results="all")
    most = 0
    for _ in range(60):
        world.run(5)
        most = max(most, world.core.rooms.deliveries.results_waiting())
    posted = (
        {name for name in names if any(f'"{name}"'.encode() in body for _, _, body in world.posted)}
        if COUNT < 10
        else {body.split(b'"domain":"')[1].split(b'"')[0].decode() for _, _, body in world.posted}
    )

    assert posted >= set(names)
    assert most <= 2 * PENDING_AT_ONCE


def test_a_removed_name_is_not_queried_again_and_a_listed_one_comes_back() -> None:
    """Also where it is queued or under way while the list changes."""
    world, names = big_world(900)
    world.unlist(*names[:300])
    world.run(2 * 3600)
    after = world.now
    world.run(2 * 3600)
    assert not {name for at, _, name in world.asked if at > after} & set(names[:300])
    assert world.core.rooms.domains.table.watched_count == 600

    world.watch(*names[:300])
    world.run(600)
    assert {name for at, _, name in world.asked if at > after + 7200} >= set(names[:300])
    assert world.core.rooms.domains.by_state["REGISTERED"] == 900


def test_a_mass_departure_at_a_slow_registry_delays_no_other_zone() -> None:
    """Thousands of names leave one zone at once: its registry is queried at its pace, other zones' names and drops go on."""
    world, names = big_world(300, registry=0.05, more={"whois/whois.se.test": QUICK})
    leaving = [f"gone{number}.com" for number in range(11_000)]
    world.watch(*leaving)
    world.run(60)
    for name in leaving:
        world.names[name] = Name([(0.0, Phase.ACTIVE), (world.now, Phase.REDEMPTION)])
    make_stable_due(world)
    world.run(120)
    world.names["n1.se"] = Name([(0.0, Phase.ACTIVE), (world.now, None)])
    before = world.now
    others = {name for name in names if name.endswith(".org") and world.core.rooms.domains.find_loaded(name) is None}
    make_stable_due(world, "n1.se", *others)
    world.run(120)

    assert [status for _, status in world.notices("n1.se")] == ["available"]
    assert others
    assert {name for at, method, name in world.asked if method == "dns" and at > before} >= others
    assert len(world.core.rooms.domains.working_set.loaded) < 4000


def test_a_second_pass_spares_the_address_that_answered_the_sweep() -> None:
    """An alarm needs another address than the one that denied the name first, whether that was a sweep or a single query."""
    world, names = big_world(60, registry=5.0)
    gone = names[6]
    world.names[gone] = Name([(0.0, Phase.ACTIVE), (world.now, None)])
    make_stable_due(world)
    world.run(60)

    first = next(task for task in world.tasks_sent if task.domain == gone and task.method == "dns" and task.confirm)
    assert first.spare == "192.0.2.1:53/udp"
