"""Who may take how much: places of workers for sweeps, tokens by the hundred, lines, and callbacks that leave room."""

from __future__ import annotations

import pytest

from common.core.model.entry import Rank
from common.core.model.limit import Limit
from common.core.model.query import Query
from common.core.rate_limits.budgets import DAY, Budgets
from common.core.rate_limits.query_queue import LONGEST, QueryQueue
from common.core.sweeps.sweep_dispatch import SHORTEST
from common.core.workers.leases import GRACE, MOST_NAMES_UNDER_WAY, Workers
from common.messages import VERSION, Credit
from tests.core.outbox.posted import ids, notice, outbox, result
from tests.sim.world import World

#: Drives a simulated world.
pytestmark = pytest.mark.simulation

#: Addresses that a zone is taken to have before the first answer.
UNMEASURED = 4
NOW = 1_790_000_000.0
LIMIT = Limit("dns/com", 100.0, 400, None)


def credit(name: str = "fast-0@h", *, sweeps: int = 2, seen: int = 0, egress: str = "default", free: int = 4) -> Credit:
    """A credit message of a worker that sweeps."""
    return Credit(VERSION, name, f"boot of {name}", "fast", egress, ("dns",), 4, free, seen, 0, sweeps)


def test_a_sweep_takes_a_place_for_sweeps_and_none_for_tasks() -> None:
    """Until the worker has seen it; then its own figures count."""
    workers = Workers("boot")
    workers.note_credit(credit(), NOW)
    worker = workers.choose_sweepers()[0]
    sent = workers.grant_lease(worker, "sweep", 5, NOW, sweep=True)
    assert (worker.sweep_places(), worker.free_slots()) == (1, 4)

    workers.note_credit(credit(sweeps=1, seen=sent.seq), NOW)
    assert (worker.sweep_places(), worker.free_slots()) == (1, 4)


def test_a_lease_that_ran_out_takes_no_place_any_more() -> None:
    """A message that was lost on the way is not under way for ever: neither a task nor a sweep."""
    workers = Workers("boot")
    workers.note_credit(credit(), NOW)
    worker = workers.choose_sweepers()[0]
    for _ in range(2):
        workers.grant_lease(worker, "sweep", 5, NOW, sweep=True)
    for _ in range(4):
        workers.grant_lease(worker, "task", 5, NOW)
    assert workers.choose_sweepers() == []
    assert worker.free_slots() == 0

    assert len(workers.take_expired(NOW + 5 + GRACE)) == 6
    assert (worker.sweep_places(), worker.free_slots()) == (2, 4)


def test_sweeps_go_to_the_worker_with_most_places_of_each_egress() -> None:
    """Those with most come first; who is draining, or has none, is not asked."""
    workers = Workers("boot")
    for name, places, egress in (("a", 1, "x"), ("b", 3, "x"), ("c", 2, "y"), ("d", 0, "z"), ("e", 9, "w")):
        workers.note_credit(credit(name, sweeps=places, egress=egress), NOW)
    workers.note_draining("e", "boot of e")

    assert [worker.name for worker in workers.choose_sweepers()] == ["b", "c"]


def test_names_without_priority_leave_a_place_and_wait_while_much_is_under_way() -> None:
    """Slow zones with few names each do not keep a name with priority waiting, and the work under way is bounded by names."""
    workers = Workers("boot")
    workers.note_credit(credit(sweeps=3), NOW)
    (worker,) = workers.choose_sweepers(urgent=False)
    small = [workers.grant_lease(worker, "sweep", 5, NOW, sweep=True, names=12) for _ in range(2)]
    assert (workers.choose_sweepers(urgent=False), workers.choose_sweepers()) == ([], [worker])

    workers.note_credit(credit(sweeps=1, seen=small[-1].seq), NOW)
    for lease in small:
        workers.finish_lease(lease.attempt)
    workers.note_credit(credit(sweeps=3, seen=small[-1].seq), NOW)
    large = workers.grant_lease(worker, "sweep", 5, NOW, sweep=True, names=MOST_NAMES_UNDER_WAY)
    assert (workers.choose_sweepers(urgent=False), workers.choose_sweepers()) == ([], [worker])

    workers.finish_lease(large.attempt)
    assert (worker.names_under_way, workers.choose_sweepers(urgent=False)) == (0, [worker])


def test_a_small_sweep_of_a_slow_zone_is_over_soon() -> None:
    """Its tokens were there all at once, so it does not take the seconds in which they came together."""
    world = World(interval=600.0)
    object.__setattr__(world.core.rooms.policy, "limits", {"dns/*": Limit("dns/*", 1.0, 3, None)})
    world.watch(*[f"n{number}.org" for number in range(60)], priority=True)
    world.run(60)

    first = world.sweeps_sent[0]
    assert first.pace is not None
    assert first.count / (UNMEASURED * first.pace) <= SHORTEST
    assert first.count / first.pace > SHORTEST  # and no faster than its addresses together may be asked


def test_a_socket_that_is_full_closes_all_places_until_the_next_credit() -> None:
    """What could not be handed over tells that nothing else could."""
    workers = Workers("boot")
    workers.note_credit(credit(), NOW)
    lease = workers.grant_lease(workers.choose_sweepers()[0], "sweep", 5, NOW, sweep=True)
    workers.undo_lease(lease.attempt)
    assert workers.choose_sweepers() == []

    workers.note_credit(credit(), NOW)
    assert workers.choose_sweepers()[0].sweep_places() == 2


def test_tokens_are_taken_by_the_hundred_and_given_back() -> None:
    """What is there, less what is taken; given back it is there again, never more than the burst."""
    budgets = Budgets()
    assert budgets.available_tokens(LIMIT, "default", NOW) == 1
    assert budgets.available_tokens(LIMIT, "default", NOW + 2) == 201
    budgets.take_tokens(LIMIT, "default", 150, NOW + 2)
    assert budgets.available_tokens(LIMIT, "default", NOW + 2) == 51
    budgets.return_tokens(LIMIT, "default", NOW + 2, 150)
    assert budgets.available_tokens(LIMIT, "default", NOW + 2) == 201
    budgets.return_tokens(LIMIT, "default", NOW + 2, 10_000)
    assert budgets.available_tokens(LIMIT, "default", NOW + 2) == 400


def test_the_moment_for_many_tokens_is_known() -> None:
    """As long as it takes at the present rate; more than the burst never comes together."""
    budgets = Budgets()
    budgets.take_tokens(LIMIT, "default", 1, NOW)
    assert budgets.next_at(LIMIT, "default", NOW, 100) == NOW + 1.0
    assert budgets.next_at(LIMIT, "default", NOW, 10_000) == NOW + 4.0
    assert budgets.available_tokens(LIMIT, "default", NOW + 1.0) == 100


def test_what_a_day_does_not_allow_any_more_waits_for_the_next() -> None:
    """Sixty of a hundred are asked today; forty still go, fifty wait for tomorrow."""
    limit, budgets = Limit("dns/com", 100.0, 400, 100), Budgets()
    budgets.available_tokens(limit, "default", NOW)
    budgets.take_tokens(limit, "default", 60, NOW + 2)

    assert budgets.available_tokens(limit, "default", NOW + 10) == 40
    assert budgets.next_at(limit, "default", NOW + 10, 40) == NOW + 10
    assert budgets.next_at(limit, "default", NOW + 10, 50) == (NOW // DAY + 1) * DAY


def test_a_line_tells_how_many_more_it_takes_of_each_rank() -> None:
    """As many as its budget gets through in reasonable time; what is urgent is always let in."""
    queue, limit = QueryQueue(), Limit("rdap/x", 0.1, 1, None)
    room = int(LONGEST[Rank.BACKGROUND] * limit.rate) + 1
    assert queue.room_for_queries(limit, Rank.BACKGROUND) == room
    for _ in range(room):
        queue.add_query(Query("rdap", "intermediate", "a.com", "com", "", limit, Rank.BACKGROUND, NOW, 5.0))

    assert queue.room_for_queries(limit, Rank.BACKGROUND) == 0
    assert queue.room_for_queries(limit, Rank.ORDINARY) > 0
    assert queue.room_for_queries(limit, Rank.URGENT) > 1000


def test_results_leave_places_free_for_notices() -> None:
    """A notice that comes while results are on their way does not wait for one of them to end."""
    box = outbox(*(result(f"r{number}", f"{number}.com") for number in range(20)))
    first = ids(box.due_rows(0.0, 8, reserved=2))
    assert len(first) == 6
    for key in first:
        box.note_sent(key, f"attempt {key}", 0.0)
    assert box.due_rows(0.0, 2, reserved=2) == []

    box.add_delivery(notice("n"))
    assert ids(box.due_rows(0.0, 2, reserved=2)) == ["n"]


def test_notices_may_take_every_place() -> None:
    """What is reserved is reserved for them; results get what is left beyond it."""
    box = outbox(*(notice(f"n{number}", f"{number}.com") for number in range(7)), result("r", "z.com"))

    assert len(box.due_rows(0.0, 4, reserved=2)) == 4
    assert ids(box.due_rows(0.0, 9, reserved=2))[:7] == [f"n{number}" for number in range(7)]
    assert "r" not in ids(box.due_rows(0.0, 9, reserved=2))
    assert "r" in ids(box.due_rows(0.0, 10, reserved=2))
