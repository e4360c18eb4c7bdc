"""Limits of operators through the whole core, on a virtual clock: bursts, restarts, resets, and the daily question to IANA."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from common.core.coordinator.inputs import Command, Commit, Draining, Heard, Say, Tick
from common.core.model.evidence import Observation, Outcome, Reading, unknown
from common.core.rate_limits.bucket import Bucket
from common.core.rate_limits.budgets import DAY
from common.core.registries.directory import Directory
from common.core.registries.operators import Limit
from common.core.registries.referrals import EVERY, LIMIT, Referrals
from common.core.telemetry.metrics import snapshot_rows
from common.messages import Command as Order
from tests.sim.truth import Name
from tests.sim.world import World

PLENTY = {"*": Limit("*", 1e6, 10**6, None)}
SLOW_DOWN = Observation("rdap", Reading(Outcome.THROTTLED, "rdap_429", "slow down"), status=429)
ODD = Observation("whois", unknown("whois_unparsed", "nothing in the answer is known to mean anything"))


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
    board = world.core.board
    suffix = "se" if method == "whois" else "com"
    limit = board.limit(method, f"{method}.{suffix}.test", suffix)
    return board.budgets._bucket(limit, "default", world.now)


def asked(world: World, method: str) -> int:
    """How many questions of a method were answered so far."""
    return sum(1 for _, used, _ in world.asked if used == method)


def handed(world: World, *events: Any) -> list[Command]:
    """What the core does about events; nothing of it is carried out."""
    return [command for event in events for command in world.core.handle(event, world.now)]


def test_a_burst_of_refusals_is_one_complaint() -> None:
    """Whatever was under way at the first: half the pace, a minute, one line of the log."""
    world = limited_world("rdap", Limit("x", 100.0, 100, None), SLOW_DOWN, kind=SlowRegistry)
    world.run(60)
    found = [
        count
        for name, _, count in snapshot_rows(world.core.board.metrics.snapshot(), "counters")
        if name == "operator_complaints"
    ]

    assert asked(world, "rdap") > 5
    assert (bucket_of(world).complaints, bucket_of(world).rate) == (1, 50.0)
    assert found == [1]


def test_a_server_with_an_unknown_throttle_text_is_left_alone() -> None:
    """A handful of questions in 58 seconds; as soon as it is understood it is asked as before."""
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
    """Five starts later, and nothing is asked meanwhile."""
    world = limited_world("rdap", Limit("x", 1.0, 1, 500), None)
    world.run(30)
    used = asked(world, "rdap")
    assert bucket_of(world).used_today >= used > 5
    world.lie = lambda method, *_: SLOW_DOWN if method == "rdap" else None
    world.run(5)
    until, used = bucket_of(world).blocked_until, asked(world, "rdap")
    for _ in range(5):
        world.restart()
        world.run(2)

    assert bucket_of(world).blocked_until == until > world.now
    assert asked(world, "rdap") == used
    assert abs(bucket_of(world).used_today - used) <= 2


def test_a_stop_saves_the_count_to_the_question() -> None:
    """However few were asked since it was saved last; a turn without a stop does not."""
    world = limited_world("rdap", Limit("x", 1.0, 1, 5000), None)
    world.run(5)
    assert world.core.board.budgets.counted
    world.core._committing = None
    assert not any("budgets" in command.changes.meta for command in handed(world, Tick()) if isinstance(command, Commit))
    world.core._committing = None
    (saved,) = [command for command in handed(world, Draining(), Tick()) if isinstance(command, Commit)]

    assert f",{bucket_of(world).used_today}]" in saved.changes.meta["budgets"]


@pytest.mark.parametrize("known", [True, False])
def test_a_reset_is_carried_out_and_logged(known: bool) -> None:
    """With its sender; of an operator that nobody knows too."""
    world = limited_world("rdap", Limit("x", 100.0, 100, None), SLOW_DOWN)
    world.run(30)
    operator = bucket_of(world).operator if known else "rdap/nothing"
    said = [command for command in handed(world, Heard(Order("reset_budget", operator, "control"))) if isinstance(command, Say)]

    assert said == [
        Say("info", "command", {"verb": "reset_budget", "target": operator, "sender": "control"}),
        Say("info", "budget_reset", {"operator": operator, "known": known}),
    ]
    assert (bucket_of(world).rate == 100.0) is known


# -- IANA ------------------------------------------------------------------------------------------------------------------


def strange_world(referral: str | None) -> World:
    """A name under a suffix that nothing is known about; IANA names a server, or none."""
    world = World(interval=3600.0)
    finding = "whois_referral" if referral else "whois_no_referral"
    told = Observation("whois", Reading(Outcome.UNKNOWN, finding, "IANA says", referral=referral))
    world.lie = lambda method, *_: told if method == "whois" else None
    world.watch("a.zz")
    return world


def to_iana(world: World) -> list[float]:
    """When IANA was asked, in seconds after the first time."""
    times = [at for at, method, domain in world.asked if (method, domain) == ("whois", "a.zz")]
    return [at - times[0] for at in times]


def test_iana_is_asked_once_a_day_whatever_restarts_meanwhile() -> None:
    """And again the next day: a suffix may get a server."""
    world = strange_world(None)
    for _ in range(30):
        world.run(DAY / 12)
        world.restart()
    times = to_iana(world)

    assert len(times) == 3
    assert all(later - earlier >= DAY for earlier, later in pairwise(times))


def test_what_iana_named_is_known_after_a_restart() -> None:
    """It may not be asked again before a day is over, and the suffix is not without WHOIS for so long."""
    world = strange_world("whois.zz.example")
    world.run(60)
    world._directory = Directory()
    world.restart()

    assert to_iana(world)[0] == 0.0
    assert world.core.board.server("whois", "zz") == "whois.zz.example"


def test_a_question_that_never_left_is_no_question() -> None:
    """Without a worker for WHOIS it is not asked, and asked as soon as one is there."""
    world = strange_world(None)
    world.kill_worker("deep")
    world.run(7200)
    assert to_iana(world) == []
    world.start_worker("deep")
    world.run(7200)

    assert len(to_iana(world)) == 1


def test_referrals_are_kept_for_a_day() -> None:
    """From the question on, to the second; the oldest goes where there are too many."""
    known = Referrals()
    assert known.may_query("zz", 0.0)
    known.note_query("zz", 0.0)
    assert known.changed
    known.note_server("zz", "whois.zz.example", 5.0)
    text = known.to_json()

    assert not known.changed
    assert (known.may_query("zz", EVERY - 1), known.may_query("zz", EVERY)) == (False, True)
    assert list(Referrals.from_json(text, EVERY - 1).named_servers()) == [("zz", "whois.zz.example")]
    assert list(Referrals.from_json(text, EVERY).named_servers()) == list(Referrals.from_json(text, -1.0).named_servers()) == []
    known.note_query("yy", EVERY)
    assert list(known.named_servers()) == []
    for number in range(LIMIT):
        known.note_query(f"n{number}", EVERY + number / LIMIT)
    assert known.may_query("yy", EVERY + 1)
    assert not known.may_query("n0", EVERY + 1)


def test_a_referral_nobody_asked_for_counts_from_when_it_came() -> None:
    """And one taken back as never asked."""
    known = Referrals()
    known.note_server("zz", "whois.zz.example", 5.0)
    assert known.changed
    assert not known.may_query("zz", EVERY)
    known.to_json()
    known.forget_query("yy")
    assert not known.changed
    known.forget_query("zz")
    assert known.changed
    assert known.may_query("zz", 6.0)


@pytest.mark.parametrize("text", ["", "{", "{}", "[7]", '[["a"]]', '[["a", "x", ""]]', "[" * 100_000, '{"a": 1}'])
def test_damaged_referrals_are_none(text: str) -> None:
    """IANA is asked once more."""
    assert Referrals.from_json(text, 0.0).may_query("a", 0.0)
