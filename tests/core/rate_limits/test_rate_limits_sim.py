"""Rate limits through the whole core, on a virtual clock: bursts, restarts, resets, and the daily query to IANA."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from common.core.coordinator.inputs import Draining, MessageArrived, Tick
from common.core.model.effects import Commit, Effect, LogLine
from common.core.model.evidence import Observation, Outcome, Reading, unknown_reading
from common.core.model.limit import Limit
from common.core.rate_limits.bucket import Bucket
from common.core.rate_limits.budgets import DAY
from common.core.rate_limits.saved import decode_saved
from common.core.registries.directory import Directory
from common.core.telemetry.metrics import snapshot_rows
from common.messages import Command as Order
from tests.sim.truth import Name
from tests.sim.world import World

#: Drives a simulated world.
pytestmark = pytest.mark.simulation

PLENTY = {"*": Limit("*", 1e6, 10**6, None)}
SLOW_DOWN = Observation("rdap", Reading(Outcome.THROTTLED, "rdap_429", "slow down"), status=429)
ODD = Observation("whois", unknown_reading("whois_unparsed", "nothing in the answer is known to mean anything"))


class SlowRegistry(World):
    """A world whose RDAP servers take seconds to answer."""

    def _takes(self, item: Any) -> float:
        return 5.0 if getattr(item, "method", "") == "rdap" else super()._takes(item)


def limited_world(method: str, limit: Limit, answer: Observation | None, count: int = 60, kind: type[World] = World) -> World:
    """Free names of se (WHOIS alone) or com, whose registry answers so."""
    world = kind(interval=600.0, limits={**PLENTY, f"{method}/*": limit})
    suffix = "se" if method == "whois" else "com"
    names = [f"n{number}.{suffix}" for number in range(count)]
    world.names.update((name, Name([(0.0, None)])) for name in names)
    if answer is not None:
        world.lie = lambda asked, *_: answer if asked == method else None
    world.watch(*names)
    return world


def bucket_of(world: World, method: str = "rdap") -> Bucket:
    """The budget of the registry."""
    rooms = world.core.rooms
    suffix = "se" if method == "whois" else "com"
    limit = rooms.registries.limit_of(method, f"{method}.{suffix}.test", suffix)
    return rooms.rate_limits.budgets._bucket_now(limit, "default", world.now)


def asked(world: World, method: str) -> int:
    """How many queries of a method were answered so far."""
    return sum(1 for _, used, _ in world.asked if used == method)


def handed(world: World, *events: Any) -> list[Effect]:
    """What the core does about events; nothing of it is carried out."""
    return [command for event in events for command in world.core.handle(event, world.now)]


def test_a_burst_of_refusals_is_one_complaint() -> None:
    """Whatever was under way at the first: half the rate, a minute's pause, one line of the log."""
    world = limited_world("rdap", Limit("x", 100.0, 100, None), SLOW_DOWN, kind=SlowRegistry)
    world.run(60)
    found = [
        count
        for name, _, count in snapshot_rows(world.core.rooms.telemetry.metrics.snapshot(), "counters")
        if name == "operator_complaints"
    ]

    assert asked(world, "rdap") > 5
    assert (bucket_of(world).complaints, bucket_of(world).rate) == (1, 50.0)
    assert found == [1]


def test_a_server_with_an_unknown_throttle_text_is_given_a_pause() -> None:
    """A handful of queries in 58 seconds; as soon as its answers are understood it is queried as before."""
    world = limited_world("whois", Limit("x", 2.4, 5, None), ODD)
    world.run(58)
    few = asked(world, "whois")
    assert 3 <= few <= 8
    world.run(600)
    assert asked(world, "whois") - few <= 8
    world.lie = lambda *_: None
    world.run(1000)

    assert (bucket_of(world, "whois").meaningless, bucket_of(world, "whois").rate) == (0, 2.4)
    assert asked(world, "whois") - few > 60


def test_a_block_and_a_day_s_count_outlive_kills() -> None:
    """Five starts later, and nothing is sent meanwhile."""
    world = limited_world("rdap", Limit("x", 1.0, 1, 500), None)
    world.run(30)
    used = asked(world, "rdap")
    assert bucket_of(world).used_today >= used > 5
    world.lie = lambda method, *_: SLOW_DOWN if method == "rdap" else None
    world.run(5)
    until, used = bucket_of(world).limited_until, asked(world, "rdap")
    for _ in range(5):
        world.restart()
        world.run(2)

    assert bucket_of(world).limited_until == until > world.now
    assert asked(world, "rdap") == used
    assert abs(bucket_of(world).used_today - used) <= 2


def test_a_stop_stores_the_exact_count() -> None:
    """However few queries were sent since it was stored last; a tick without a stop does not."""
    world = limited_world("rdap", Limit("x", 1.0, 1, 5000), None)
    world.run(5)
    assert world.core.rooms.rate_limits.budgets.counted
    journal = world.core.rooms.domains.journal
    journal.end_transaction()
    assert not any("budgets" in command.changes.meta for command in handed(world, Tick()) if isinstance(command, Commit))
    journal.end_transaction()
    (saved,) = [command for command in handed(world, Draining(), Tick()) if isinstance(command, Commit)]

    (row,) = decode_saved(saved.changes.meta["budgets"]).values()
    assert row.used == bucket_of(world).used_today == 5


@pytest.mark.parametrize("known", [True, False])
def test_a_reset_is_carried_out_and_logged(known: bool) -> None:
    """With its sender; also of an unknown operator."""
    world = limited_world("rdap", Limit("x", 100.0, 100, None), SLOW_DOWN)
    world.run(30)
    operator = bucket_of(world).operator if known else "rdap/nothing"
    said = [
        command
        for command in handed(world, MessageArrived(Order("reset_budget", operator, "control")))
        if isinstance(command, LogLine)
    ]

    assert said == [
        LogLine("info", "command", {"verb": "reset_budget", "target": operator, "sender": "control"}),
        LogLine("info", "budget_reset", {"operator": operator, "known": known}),
    ]
    assert (bucket_of(world).rate == 100.0) is known


# -- IANA ------------------------------------------------------------------------------------------------------------------


def strange_world(referral: str | None) -> World:
    """A name under a suffix of which nothing is known; IANA refers to a server, or to none."""
    world = World(interval=3600.0)
    finding = "whois_referral" if referral else "whois_no_referral"
    told = Observation("whois", Reading(Outcome.UNKNOWN, finding, "IANA says", referral=referral))
    world.lie = lambda method, *_: told if method == "whois" else None
    world.watch("a.zz")
    return world


def to_iana(world: World) -> list[float]:
    """When IANA was queried, in seconds after the first time."""
    times = [at for at, method, domain in world.asked if (method, domain) == ("whois", "a.zz")]
    return [at - times[0] for at in times]


def test_iana_is_queried_once_a_day_whatever_restarts_meanwhile() -> None:
    """And again the next day: a suffix may get a server."""
    world = strange_world(None)
    for _ in range(30):
        world.run(DAY / 12)
        world.restart()
    times = to_iana(world)

    assert len(times) == 3
    assert all(later - earlier >= DAY for earlier, later in pairwise(times))


def test_what_iana_named_is_known_after_a_restart() -> None:
    """It may not be queried again before a day is over, and the suffix is not without WHOIS for so long."""
    world = strange_world("whois.zz.example")
    world.run(60)
    world._directory = Directory()
    world.restart()

    assert to_iana(world)[0] == 0.0
    assert world.core.rooms.registries.server_of("whois", "zz") == "whois.zz.example"


def test_a_query_to_iana_that_was_never_sent_does_not_count() -> None:
    """Without a worker for WHOIS it is not sent, and sent as soon as one is there."""
    world = strange_world(None)
    world.kill_worker("deep")
    world.run(7200)
    assert to_iana(world) == []
    world.start_worker("deep")
    world.run(7200)

    assert len(to_iana(world)) == 1
