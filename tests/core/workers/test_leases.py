"""Credit of workers, and the leases of what was sent to them: each is answered once, or lost."""

from __future__ import annotations

from common.core.model.records import DeliveryRow
from common.core.workers.leases import GRACE, MOST_RECENT_OFFERS, MOST_SLOTS, MOST_SWEEPS, MOST_WORKERS, RETURN, SILENT, Workers
from common.messages import VERSION, Credit

NOW = 1_790_000_000.0
#: What a lease is for: any of the three will do.
SUBJECT = DeliveryRow("id", "notice", "a.com", 1, b"")


def credit(name: str = "fast-0@h", boot: str = "b1", free: int = 4, seen: int = 0, egress: str = "default") -> Credit:
    """A credit message."""
    return Credit(VERSION, name, boot, "fast", egress, ("dns",), 4, free, seen)


def test_free_slots_are_the_reported_ones_less_what_was_sent_since() -> None:
    """A lost credit message heals with the next; nothing is counted twice."""
    workers = Workers("boot")
    workers.note_credit(credit(), NOW)
    worker = workers.choose_worker("fast", "dns")
    assert worker is not None
    first = workers.grant_lease(worker, SUBJECT, 5, NOW)
    workers.grant_lease(worker, SUBJECT, 5, NOW)
    assert worker.free_slots() == 2

    workers.note_credit(credit(free=3, seen=first.seq), NOW)
    assert worker.free_slots() == 2
    workers.note_credit(credit(free=2, seen=first.seq + 1), NOW)
    assert worker.free_slots() == 2


def test_what_a_worker_saw_of_an_earlier_coordinator_does_not_count() -> None:
    """Numbers of leases go on above those of the start before: a high `seen` must not hide what was sent since."""
    workers = Workers("boot", last=1000)
    workers.note_credit(credit(seen=900), NOW)
    worker = workers.choose_worker("fast")
    assert worker is not None
    workers.grant_lease(worker, SUBJECT, 5, NOW)
    workers.note_credit(credit(seen=900), NOW)

    assert worker.free_slots() == 3


def test_a_pool_whose_only_worker_is_gone_is_expected_back_for_a_while() -> None:
    """Its process is being restarted; a method that it never offered is not expected."""
    workers = Workers("boot")
    assert workers.egresses_offering("fast", "dns", NOW) == []

    workers.note_credit(credit(egress="north"), NOW)
    workers.drop_left("fast-0@h", "b1")
    assert workers.egresses_of("fast") == []
    assert workers.egresses_offering("fast", "dns", NOW + RETURN) == ["north"]
    assert workers.egresses_offering("fast", "http", NOW + RETURN) == []
    assert workers.egresses_offering("fast", "dns", NOW + RETURN + 0.1) == []


def test_a_worker_with_a_new_boot_id_lost_all_its_leases() -> None:
    """They are returned at once."""
    workers = Workers("boot")
    workers.note_credit(credit(), NOW)
    worker = workers.choose_worker("fast")
    assert worker is not None
    lease = workers.grant_lease(worker, SUBJECT, 5, NOW)

    assert workers.note_credit(credit(boot="b2"), NOW) == [lease]
    assert workers.finish_lease(lease.attempt) is None


def test_a_silent_worker_is_dropped_and_a_late_result_finds_no_lease() -> None:
    """After six seconds without a credit message."""
    workers = Workers("boot")
    workers.note_credit(credit(), NOW)
    worker = workers.choose_worker("fast")
    assert worker is not None
    lease = workers.grant_lease(worker, SUBJECT, 60, NOW)

    assert workers.drop_silent(NOW + SILENT) == []
    assert workers.drop_silent(NOW + SILENT + 0.1) == [lease]
    assert workers.finish_lease(lease.attempt) is None
    assert workers.choose_worker("fast") is None


def test_a_lease_runs_out_after_its_budget_and_grace() -> None:
    """Each ends once: by its answer or by its deadline."""
    workers = Workers("boot")
    workers.note_credit(credit(), NOW)
    worker = workers.choose_worker("fast")
    assert worker is not None
    answered = workers.grant_lease(worker, SUBJECT, 5, NOW)
    lost = workers.grant_lease(worker, SUBJECT, 5, NOW)

    assert workers.finish_lease(answered.attempt) is answered
    assert workers.finish_lease(answered.attempt) is None
    assert workers.take_expired(NOW + 5 + GRACE) == [lost]
    assert workers.take_expired(NOW + 100) == []


def test_the_worker_that_lost_the_last_attempt_is_avoided_while_there_is_another() -> None:
    """Unless it is the only one."""
    workers = Workers("boot")
    workers.note_credit(credit("fast-0@h", free=4), NOW)
    workers.note_credit(credit("fast-1@h", free=1), NOW)

    chosen = workers.choose_worker("fast", "dns", avoid="fast-0@h")
    assert chosen is not None
    assert chosen.name == "fast-1@h"


def test_what_a_full_socket_did_not_take_is_undone() -> None:
    """And the worker is sent nothing more until its next credit."""
    workers = Workers("boot")
    workers.note_credit(credit(), NOW)
    worker = workers.choose_worker("fast")
    assert worker is not None
    lease = workers.grant_lease(worker, SUBJECT, 5, NOW)

    assert workers.undo_lease(lease.attempt) is lease
    assert workers.lease_count() == 0
    assert workers.choose_worker("fast") is None
    workers.note_credit(credit(), NOW)
    assert workers.choose_worker("fast") is not None


def test_what_a_worker_claims_is_believed_within_bounds() -> None:
    """Slots, free ones, and slots for sweeps; a worker of an unknown pool has none."""
    workers = Workers("boot")
    claim = Credit(VERSION, "fast-0@h", "b1", "fast", "default", ("dns",), 65_535, 65_535, 0, 0, 65_535)
    workers.note_credit(claim, NOW)
    workers.note_credit(Credit(VERSION, "x@h", "b1", "none", "default", ("dns",), 65_535, 65_535, 0), NOW)
    worker = workers.choose_worker("fast", "dns")

    assert worker is not None
    assert (worker.slots, worker.free_slots(), worker.sweep_places()) == (MOST_SLOTS["fast"], MOST_SLOTS["fast"], MOST_SWEEPS)
    assert workers.choose_worker("none", "dns") is None


def test_only_the_worker_that_holds_a_lease_answers_it() -> None:
    """Attempts can be guessed: neither another worker nor another start of the same may take them."""
    workers = Workers("boot")
    for name in ("fast-0@h", "fast-1@h"):
        workers.note_credit(credit(name), NOW)
    worker = workers.choose_worker("fast", "dns", avoid="fast-1@h")
    assert worker is not None
    lease = workers.grant_lease(worker, SUBJECT, 5, NOW)

    assert workers.finish_lease(lease.attempt, credit("fast-1@h")) is None
    assert workers.finish_lease(lease.attempt, credit("fast-0@h", boot="b2")) is None
    assert workers.lease_subject(lease.attempt, credit("fast-1@h")) is None
    assert workers.finish_lease(lease.attempt, credit("fast-0@h")) is lease


def test_a_flood_of_new_workers_is_bounded_and_drops_none_that_works() -> None:
    """One that answered something stays, and one that has a lease; the oldest of the others is dropped."""
    workers = Workers("boot")
    workers.note_credit(credit("proven@h"), NOW)
    proven = workers.choose_worker("fast")
    assert proven is not None
    workers.finish_lease(workers.grant_lease(proven, SUBJECT, 5, NOW).attempt, credit("proven@h"))
    workers.note_credit(credit("busy@h"), NOW)
    busy = workers.choose_worker("fast", avoid="proven@h")
    assert busy is not None
    workers.grant_lease(busy, SUBJECT, 5, NOW)
    for number in range(3 * MOST_WORKERS):
        flood = credit(f"flood-{number}@h", free=0, egress=f"egress-{number}")
        assert workers.admits_worker(flood)
        workers.note_credit(flood, NOW + number / 1000)
    names = {row["worker"] for row in workers.snapshot(NOW)}

    assert len(names) == MOST_WORKERS
    assert {"proven@h", "busy@h", f"flood-{3 * MOST_WORKERS - 1}@h"} < names
    assert len(workers._recent_offers) == MOST_RECENT_OFFERS


def test_where_every_worker_has_a_lease_a_new_one_is_refused() -> None:
    """Until one of them leaves."""
    workers = Workers("boot")
    for number in range(MOST_WORKERS):
        workers.note_credit(credit(f"w{number}@h"), NOW)
    for _ in range(MOST_WORKERS):
        worker = workers.choose_worker("fast")
        assert worker is not None
        workers.grant_lease(worker, SUBJECT, 5, NOW)
        worker.free = 0

    assert not workers.admits_worker(credit("new@h"))
    assert workers.admits_worker(credit("w1@h"))
    workers.drop_left("w1@h", "b1")
    assert workers.admits_worker(credit("new@h"))


# -- which worker ----------------------------------------------------------------------------------------------------------


def test_the_worker_with_most_free_slots_is_chosen() -> None:
    """Of the pool, with the method, and of the egress that is asked for."""
    workers = Workers("boot")
    for name, free, egress in (("a@h", 1, "north"), ("b@h", 3, "north"), ("c@h", 2, "south"), ("d@h", 0, "west")):
        workers.note_credit(credit(name, free=free, egress=egress), NOW)
    chosen = {egress: workers.choose_worker("fast", "dns", egress=egress) for egress in (None, "south", "west")}

    assert {egress: worker.name if worker else None for egress, worker in chosen.items()} == {
        None: "b@h", "south": "c@h", "west": None,
    }  # fmt: skip
    assert workers.choose_worker("fast", "http") is None
    assert workers.choose_worker("deep", "dns") is None


def test_a_query_that_runs_alone_finds_a_worker_without_leases() -> None:
    """Which takes nothing else until it is answered."""
    workers = Workers("boot")
    workers.note_credit(credit(), NOW)
    worker = workers.choose_worker("fast", alone=True)
    assert worker is not None
    worker.exclusive = True
    lease = workers.grant_lease(worker, SUBJECT, 5, NOW)
    assert workers.choose_worker("fast") is None

    workers.finish_lease(lease.attempt)
    again = workers.choose_worker("fast")
    assert again is not None
    assert not again.exclusive
    workers.grant_lease(again, SUBJECT, 5, NOW)
    assert workers.choose_worker("fast", alone=True) is None


def test_the_farthest_worker_is_chosen_to_confirm() -> None:
    """Before the one with most free slots."""
    workers = Workers("boot")
    for name, free in (("fast-0@a", 4), ("fast-1@a", 3), ("fast-0@b", 1)):
        workers.note_credit(credit(name, free=free), NOW)
    chosen = workers.choose_worker("fast", "dns", apart="fast-0@a")

    assert chosen is not None
    assert chosen.name == "fast-0@b"
    assert workers.farthest_distance("fast", "dns", "fast-0@a") == 4
    assert workers.farthest_distance("fast", "http", "fast-0@a") == 0


def test_a_worker_of_another_egress_is_farther_than_its_neighbour() -> None:
    """As long as the first one is there: of one that left only the name is known."""
    workers = Workers("boot")
    for name, egress, free in (("fast-0@a", "one", 4), ("fast-0@b", "one", 3), ("fast-0@c", "two", 1)):
        workers.note_credit(credit(name, free=free, egress=egress), NOW)
    chosen = workers.choose_worker("fast", "dns", apart="fast-0@a")

    assert chosen is not None
    assert chosen.name == "fast-0@c"
    assert workers.distance_to(chosen, "fast-0@a") == workers.farthest_distance("fast", "dns", "fast-0@a") == 5
    assert workers.distance_to(chosen, "fast-0@gone") == 4


def test_a_worker_is_shown_with_its_host_and_since_when_it_is_there() -> None:
    """Of the present start of its process; the mark of its key is no part of the host."""
    workers = Workers("boot")
    for moment in (NOW, NOW + 2):
        workers.note_credit(credit("fast-0@other#key", egress="there"), moment)
    (row,) = workers.snapshot(NOW + 3)

    assert (row["host"], row["egress"], row["since"], row["age"]) == ("other", "there", NOW, 1.0)
    workers.note_credit(credit("fast-0@other#key", boot="b2"), NOW + 4)
    assert workers.snapshot(NOW + 4)[0]["since"] == NOW + 4


def test_a_draining_worker_is_sent_nothing_more() -> None:
    """What it has it may finish; the number of its last lease tells it when it has everything."""
    workers = Workers("boot", last=10)
    workers.note_credit(credit(), NOW)
    worker = workers.choose_worker("fast")
    assert worker is not None
    lease = workers.grant_lease(worker, SUBJECT, 5, NOW)
    assert workers.note_draining("fast-0@h", "another boot") is None
    assert workers.note_draining("fast-0@h", "b1") == lease.seq == 11

    assert (workers.choose_worker("fast"), workers.egresses_of("fast")) == (None, [])
    assert workers.finish_lease(lease.attempt, credit()) is lease


# -- a pool ----------------------------------------------------------------------------------------------------------------


def test_a_pool_is_stuck_that_offers_nothing_without_a_lease() -> None:
    """With a lease it is busy, with a free slot it is well, without workers it is not there."""
    workers = Workers("boot")
    assert not workers.is_stuck("fast")
    workers.note_credit(credit(), NOW)
    assert not workers.is_stuck("fast")
    worker = workers.choose_worker("fast")
    assert worker is not None
    lease = workers.grant_lease(worker, SUBJECT, 5, NOW)
    workers.note_credit(credit(free=0, seen=lease.seq), NOW)
    assert not workers.is_stuck("fast")

    workers.finish_lease(lease.attempt)
    assert workers.is_stuck("fast")


def test_slots_of_a_pool_are_counted_together() -> None:
    """All of them, and the free ones."""
    workers = Workers("boot")
    for number in range(3):
        workers.note_credit(credit(f"fast-{number}@h", free=number), NOW)

    assert (workers.count_slots("fast"), workers.count_free_slots("fast"), workers.count_slots("deep")) == (12, 3, 0)
    assert workers.egresses_of("fast", free=True) == ["default"]


def test_sweeps_are_possible_until_a_while_after_the_last_worker_that_sweeps_left() -> None:
    """Its process is being restarted; where none ever offered to sweep, none is expected."""
    workers = Workers("boot")
    workers.note_credit(credit(), NOW)
    workers.drop_silent(NOW)
    assert not workers.can_sweep(NOW)

    sweeper = Credit(VERSION, "fast-1@h", "b1", "fast", "default", ("dns",), 4, 4, 0, 0, 2)
    workers.note_credit(sweeper, NOW)
    workers.drop_silent(NOW)
    assert workers.can_sweep(NOW)
    workers.drop_left("fast-1@h", "b1")
    workers.drop_silent(NOW + 1)
    assert workers.can_sweep(NOW + 1 + RETURN - 0.1)
    assert not workers.can_sweep(NOW + 1 + RETURN)
    workers.note_credit(sweeper, NOW + 20)
    workers.drop_silent(NOW + 20)
    assert workers.can_sweep(NOW + 20)


def test_the_earliest_deadline_is_known() -> None:
    """None without leases."""
    workers = Workers("boot")
    assert workers.next_deadline() is None
    workers.note_credit(credit(), NOW)
    worker = workers.choose_worker("fast")
    assert worker is not None
    for budget in (9, 5):
        workers.grant_lease(worker, SUBJECT, budget, NOW)

    assert workers.next_deadline() == NOW + 5 + GRACE
    assert workers.lease_count() == 2
