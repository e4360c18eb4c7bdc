"""Sweeps on a virtual clock: quiet names go by thousands, whatever is new about one of them is noticed as by a single look."""

from __future__ import annotations

import json

import numpy as np
import pytest

from common.core.domains.domain_table import Flag
from common.core.model.evidence import Observation, Phase, unknown_reading
from common.core.model.limit import Limit
from common.core.outbox.announcer import OWED_AT_ONCE
from common.messages import SweepResult
from tests.sim.truth import Name
from tests.sim.world import World

#: Drives a simulated world.
pytestmark = pytest.mark.simulation

COUNT = 1200
QUICK = Limit("whois/whois.se.test", 5.0, 10, None)


def big_world(
    count: int = COUNT, *, registry: float = 0.1, until: float = 300.0, more: dict[str, Limit] | None = None
) -> tuple[World, list[str]]:
    """A list of registered names that has been looked at once. `registry`: questions per second that each registry takes."""
    world = World(interval=3600.0)
    free = {f"{kind}/*": Limit(f"{kind}/*", 1e6, 10**6, None) for kind in ("dns", "http")}
    limits = {**free, "*": Limit("*", registry, max(1, int(registry)), None), **(more or {})}
    object.__setattr__(world.core.rooms.policy, "limits", limits)
    names = [f"n{number}.{('com', 'se', 'org')[number % 3]}" for number in range(count)]
    world.watch(*names)
    world.run(until)
    return world, names


def everybody_due(world: World, *names: str) -> None:
    """Whatever is quiet gets its turn now, of these names or of all."""
    book = world.core.rooms.domains
    wanted = map(book.table.find_id, names) if names else range(len(book))
    rows = np.array([row for row in wanted if row not in book.in_hand and np.isfinite(book.table.schedule.due_at(row))])
    book.table.schedule.set_times(rows, np.full(len(rows), world.now), np.zeros(len(rows), np.bool_))


def test_a_first_sweep_finds_every_name_registered_and_tells_nothing() -> None:
    """Three thousand names cost a handful of messages, one DNS question each, and end registered without an event."""
    world, names = big_world()
    asked = [name for _, method, name in world.asked if method == "dns" and name in set(names)]

    assert sorted(asked) == sorted(names)
    assert len(world.swept) < 100
    assert sum(count for _, _, count in world.swept) > 0.9 * COUNT
    assert world.core.rooms.domains.by_state["REGISTERED"] == COUNT
    assert world.stored.events == []
    assert {world.state(name) for name in names[:50]} == {"REGISTERED"}


def test_what_a_sweep_saw_is_evidence_with_server_and_time() -> None:
    """A name that was never visited by itself still tells who said what, and since when."""
    world, names = big_world()
    table = world.core.rooms.domains.table
    bare = next(name for name in names if not table.has_flag(table.find_id(name), Flag.DETAILED))
    item = world.entry(bare).detail.evidence["dns"]

    assert (item.observation.reading.finding, item.observation.address) == ("dns_auth_referral", "192.0.2.1:53/udp")
    assert item.observation.server == bare.partition(".")[2]
    assert item.at == item.first_at == world.entry(bare).checked_at


def test_a_name_that_leaves_the_zone_is_visited_at_once_and_announced_as_by_a_single_look() -> None:
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


def test_names_that_vanish_by_the_thousand_are_all_told_and_the_others_go_on() -> None:
    """A third of the list drops between two sweeps: nothing is lost, nothing is told of the others."""
    world, names = big_world(240, registry=20.0)
    gone = set(names[::3])
    for name in gone:
        world.names[name] = Name([(0.0, Phase.ACTIVE), (world.now + 1, None)])
    world.run(4 * 3600)

    told = [json.loads(body) for _, _, body in world.posted]
    assert sorted(body["domain"] for body in told) == sorted(gone)
    assert {body["status"] for body in told} == {"available"}


def test_a_registry_record_is_asked_for_as_far_as_its_line_has_room() -> None:
    """The registry's budget, not the length of the list, decides how many delegated names are looked up."""
    world, names = big_world(registry=0.1, until=1800.0)
    listed = set(names)
    registry = [name for _, method, name in world.asked if method in ("rdap", "whois") and name in listed]

    assert 3 * 50 < len(registry) <= 3 * (0.1 * 1800 + 5)
    assert len(world.core.rooms.domains.working_set.loaded) < 800
    assert world.core.rooms.domains.by_state["REGISTERED"] == COUNT


def test_a_sweep_whose_worker_dies_is_asked_again_in_pieces() -> None:
    """Nothing waits for the lease to run out where the socket tells, and every name is looked at in the end."""
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


def test_answers_that_never_come_are_asked_for_again() -> None:
    """A third of all messages is lost; leases run out and the names get their turn again."""
    world = World(interval=3600.0)
    world.loss = 0.3
    names = [f"n{number}.com" for number in range(500)]
    world.watch(*names)
    world.run(1200)

    assert world.core.rooms.domains.by_state["REGISTERED"] == 500


def test_a_mute_zone_is_asked_again_later_and_later_and_changes_no_state() -> None:
    """No answer proves nothing: registered names stay registered, and are found again when the servers are back."""
    world, _ = big_world(300)
    silent_from, silent_until = world.now, world.now + 3 * 3600

    def silent(method: str, _domain: str, now: float) -> Observation | None:
        muted = method in ("dns", "http") and silent_from <= now < silent_until
        return Observation(method, unknown_reading(f"{method}_timeout", "no answer")) if muted else None

    world.lie = silent
    world.run(3 * 3600)
    assert world.core.rooms.domains.by_state["REGISTERED"] == 300
    asked = sum(1 for at, method, _ in world.asked if method == "dns" and silent_from <= at < silent_until)
    assert asked < 300 * 20
    world.run(2 * 3600)
    looked = world.core.rooms.domains.table.checked_at[: len(world.core.rooms.domains)]
    assert int(np.count_nonzero(looked > silent_until)) > 295


def test_a_server_that_answers_oddly_is_heard_in_full() -> None:
    """What is neither a delegation nor a denial comes with its whole story, and is judged by it."""
    world, names = big_world(300)
    odd = names[9]
    seen = Observation("dns", unknown_reading("dns_servfail", "the server failed"), server=odd.partition(".")[2])
    world.lie = lambda method, domain, _: seen if method == "dns" and domain == odd else None
    world.run(4000)

    assert world.entry(odd).detail.trouble["dns"].observation.reading.finding == "dns_servfail"
    assert world.state(odd) == "REGISTERED"


def test_an_answer_of_the_wrong_length_decides_nothing() -> None:
    """A worker that answers for fewer names than it was asked about is not believed for any."""
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


def test_a_check_on_demand_takes_a_name_out_of_the_line() -> None:
    """It is visited by itself, by every method, and not a second time by the sweep that waits."""
    world, names = big_world(600, registry=5.0, until=900.0)
    everybody_due(world)
    before = len(world.asked)
    world.order("check", names[3])
    world.run(30)
    mine = [method for _, method, name in world.asked[before:] if name == names[3]]

    assert sorted(mine) == ["dns", "rdap", "whois"]


def test_results_of_sweeps_are_posted_as_the_endpoint_keeps_up_one_per_name() -> None:
    """With all results wanted each name's newest is posted, notices first, and few wait at the same time."""
    world, names = big_world(until=0.0)
    object.__setattr__(world.core.rooms.policy, "callback_results", "all")
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
    assert most <= 2 * OWED_AT_ONCE


def test_a_removed_name_is_not_asked_about_again_and_a_listed_one_comes_back() -> None:
    """Also where it waits in a line or is under way while the list changes."""
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


def test_a_mass_departure_at_a_slow_registry_holds_up_nobody_else() -> None:
    """Thousands of names leave one zone at once: its registry is asked at its pace, other zones' names and drops go on."""
    world, names = big_world(300, registry=0.05, more={"whois/whois.se.test": QUICK})
    leaving = [f"gone{number}.com" for number in range(11_000)]
    world.watch(*leaving)
    world.run(60)
    for name in leaving:
        world.names[name] = Name([(0.0, Phase.ACTIVE), (world.now, Phase.REDEMPTION)])
    everybody_due(world)
    world.run(120)
    world.names["n1.se"] = Name([(0.0, Phase.ACTIVE), (world.now, None)])
    before = world.now
    others = {name for name in names if name.endswith(".org") and world.core.rooms.domains.find_loaded(name) is None}
    everybody_due(world, "n1.se", *others)
    world.run(120)

    assert [status for _, status in world.notices("n1.se")] == ["available"]
    assert others
    assert {name for at, method, name in world.asked if method == "dns" and at > before} >= others
    assert len(world.core.rooms.domains.working_set.loaded) < 4000


def test_a_second_pass_is_not_to_ask_where_the_sweep_heard_the_first() -> None:
    """Who was told by one server that a name is gone asks another one, whoever asks and whatever was restarted in between."""
    world, names = big_world(60, registry=5.0)
    gone = names[6]
    world.names[gone] = Name([(0.0, Phase.ACTIVE), (world.now, None)])
    everybody_due(world)
    world.run(60)

    first = next(task for task in world.tasks_sent if task.domain == gone and task.method == "dns" and task.confirm)
    assert first.spare == "192.0.2.1:53/udp"
