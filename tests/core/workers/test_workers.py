"""Credit, leases and poisonous work."""

from __future__ import annotations

from common.core.workers.leases import GRACE, MOST_LATELY, MOST_SLOTS, MOST_SWEEPS, MOST_WORKERS, RETURN, SILENT, Workers
from common.core.workers.poison import PoisonDetector
from common.messages import VERSION, Credit

NOW = 1_790_000_000.0


def credit(name: str = "fast-0@h", boot: str = "b1", free: int = 4, seen: int = 0, egress: str = "default") -> Credit:
    """A credit message."""
    return Credit(VERSION, name, boot, "fast", egress, ("dns",), 4, free, seen)


def test_credit_is_what_is_free_less_what_is_still_on_its_way() -> None:
    """A lost credit message heals with the next; nothing is counted twice."""
    workers = Workers("boot")
    workers.note_credit(credit(), NOW)
    worker = workers.choose_worker("fast", "dns")
    assert worker is not None
    first = workers.grant_lease(worker, "a", 5, NOW)
    workers.grant_lease(worker, "b", 5, NOW)
    assert worker.free_slots() == 2

    workers.note_credit(credit(free=3, seen=first.seq), NOW)
    assert worker.free_slots() == 2
    workers.note_credit(credit(free=2, seen=first.seq + 1), NOW)
    assert worker.free_slots() == 2


def test_what_a_worker_saw_of_an_earlier_coordinator_does_not_count() -> None:
    """Sequences go on above those of the start before: a high `seen` must not hide what is on its way."""
    workers = Workers("boot", last=1000)
    workers.note_credit(credit(seen=900), NOW)
    worker = workers.choose_worker("fast")
    assert worker is not None
    workers.grant_lease(worker, "a", 5, NOW)
    workers.note_credit(credit(seen=900), NOW)

    assert worker.free_slots() == 3


def test_a_pool_whose_only_worker_is_gone_is_expected_back_for_a_while() -> None:
    """Its process is being started again; a method it never offered is not expected."""
    workers = Workers("boot")
    assert workers.egresses_offering("fast", "dns", NOW) == []

    workers.note_credit(credit(egress="north"), NOW)
    workers.drop_left("fast-0@h", "b1")
    assert workers.egresses_of("fast") == []
    assert workers.egresses_offering("fast", "dns", NOW + RETURN) == ["north"]
    assert workers.egresses_offering("fast", "http", NOW + RETURN) == []
    assert workers.egresses_offering("fast", "dns", NOW + RETURN + 0.1) == []


def test_a_worker_that_returns_with_a_new_boot_id_lost_everything_it_had() -> None:
    """Its leases come back at once."""
    workers = Workers("boot")
    workers.note_credit(credit(), NOW)
    worker = workers.choose_worker("fast")
    assert worker is not None
    lease = workers.grant_lease(worker, "a", 5, NOW)

    assert workers.note_credit(credit(boot="b2"), NOW) == [lease]
    assert workers.finish_lease(lease.attempt) is None


def test_a_silent_worker_is_gone_and_a_late_result_finds_nothing() -> None:
    """Six seconds without a word."""
    workers = Workers("boot")
    workers.note_credit(credit(), NOW)
    worker = workers.choose_worker("fast")
    assert worker is not None
    lease = workers.grant_lease(worker, "a", 60, NOW)

    assert workers.drop_silent(NOW + SILENT) == []
    assert workers.drop_silent(NOW + SILENT + 0.1) == [lease]
    assert workers.finish_lease(lease.attempt) is None
    assert workers.choose_worker("fast") is None


def test_a_lease_runs_out_after_its_budget_and_grace() -> None:
    """Each is taken once: by its answer or by time."""
    workers = Workers("boot")
    workers.note_credit(credit(), NOW)
    worker = workers.choose_worker("fast")
    assert worker is not None
    answered = workers.grant_lease(worker, "a", 5, NOW)
    lost = workers.grant_lease(worker, "b", 5, NOW)

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
    """And the worker gets nothing more until it speaks again."""
    workers = Workers("boot")
    workers.note_credit(credit(), NOW)
    worker = workers.choose_worker("fast")
    assert worker is not None
    lease = workers.grant_lease(worker, "a", 5, NOW)

    assert workers.undo_lease(lease.attempt) is lease
    assert workers.lease_count() == 0
    assert workers.choose_worker("fast") is None
    workers.note_credit(credit(), NOW)
    assert workers.choose_worker("fast") is not None


def test_work_that_was_there_in_three_deaths_runs_alone_and_is_put_aside_when_it_kills_again() -> None:
    """Its neighbours are innocent: they are run again and cleared."""
    suspicion = PoisonDetector()
    for death in range(3):
        assert suspicion.died(["poison.com", f"innocent{death}.com"], alone=False, now=NOW) == []

    assert suspicion.alone("poison.com")
    assert not suspicion.alone("innocent0.com")
    assert suspicion.died(["poison.com"], alone=True, now=NOW) == ["poison.com"]


def test_work_that_ran_to_its_end_is_cleared() -> None:
    """Suspicion ends with an answer."""
    suspicion = PoisonDetector()
    for _ in range(3):
        suspicion.died(["slow.com", "x.com"], alone=False, now=NOW)
    suspicion.cleared("slow.com")

    assert not suspicion.alone("slow.com")


def test_what_a_worker_claims_is_believed_within_bounds() -> None:
    """Slots of its pool, free ones among them, places for sweeps; a pool that is none has nothing to give."""
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
    lease = workers.grant_lease(worker, "a", 5, NOW)

    assert workers.finish_lease(lease.attempt, credit("fast-1@h")) is None
    assert workers.finish_lease(lease.attempt, credit("fast-0@h", boot="b2")) is None
    assert workers.lease_subject(lease.attempt, credit("fast-1@h")) is None
    assert workers.finish_lease(lease.attempt, credit("fast-0@h")) is lease


def test_a_flood_of_new_workers_is_bounded_and_pushes_out_none_that_works() -> None:
    """One that answered something stays, one that has something to do too; the oldest that did nothing makes room."""
    workers = Workers("boot")
    workers.note_credit(credit("proven@h"), NOW)
    proven = workers.choose_worker("fast")
    assert proven is not None
    workers.finish_lease(workers.grant_lease(proven, "a", 5, NOW).attempt, credit("proven@h"))
    workers.note_credit(credit("busy@h"), NOW)
    busy = workers.choose_worker("fast", avoid="proven@h")
    assert busy is not None
    workers.grant_lease(busy, "b", 5, NOW)
    for number in range(3 * MOST_WORKERS):
        flood = credit(f"flood-{number}@h", free=0, egress=f"egress-{number}")
        assert workers.admits_worker(flood)
        workers.note_credit(flood, NOW + number / 1000)
    names = {row["worker"] for row in workers.snapshot(NOW)}

    assert len(names) == MOST_WORKERS
    assert {"proven@h", "busy@h", f"flood-{3 * MOST_WORKERS - 1}@h"} < names
    assert len(workers._lately) == MOST_LATELY


def test_where_every_worker_works_a_new_one_is_refused() -> None:
    """Until one of them is gone."""
    workers = Workers("boot")
    for number in range(MOST_WORKERS):
        workers.note_credit(credit(f"w{number}@h"), NOW)
    for _ in range(MOST_WORKERS):
        worker = workers.choose_worker("fast")
        assert worker is not None
        workers.grant_lease(worker, "a", 5, NOW)
        worker.free = 0

    assert not workers.admits_worker(credit("new@h"))
    assert workers.admits_worker(credit("w1@h"))
    workers.drop_left("w1@h", "b1")
    assert workers.admits_worker(credit("new@h"))
