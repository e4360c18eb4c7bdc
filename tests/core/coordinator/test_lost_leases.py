"""What a worker lost is sent again, to another worker where there is one, and the log names the one that lost it."""

from __future__ import annotations

import numpy as np
import pytest

from common.core.coordinator.coordinator import Coordinator
from common.core.coordinator.inputs import SendFailed, Tick, WorkerLeft
from common.core.model.batch import Batch
from common.core.model.effects import Send
from common.core.model.entry import Check, Rank
from common.core.model.limit import Limit
from common.core.model.query import Query
from common.core.model.records import Detail
from common.core.workers.leases import GRACE, SILENT
from common.core.workers.poison import SUSPICION_MEMORY
from common.messages import Deliveries, Sweep, Tasks
from tests.core.coordinator.cores import NOW, connect, credit, logged, new_core, sent_to, watch
from tests.core.outbox.posted import notice

PLENTY = Limit("whois/x", 1000.0, 1000, None)


def query(domain: str, *, queued: float = NOW, avoid: str = "") -> Query:
    """A WHOIS query about a name."""
    return Query(
        method="whois", pool="deep", domain=domain, suffix="com", server="whois.x", limit=PLENTY, rank=Rank.ORDINARY,
        queued=queued, budget=5.0, avoid=avoid,
    )  # fmt: skip


@pytest.fixture
def core() -> Coordinator:
    """A coordinator with a big worker in each pool, after its start."""
    core = new_core()
    connect(core.rooms)
    core.rooms.rate_limits.budgets.available_tokens(PLENTY, "default", NOW - 10)
    return core


def connect_second(core: Coordinator, now: float) -> None:
    """The workers announce credit again, and others come, with less room."""
    for pool in ("deep", "fast", "notifier"):
        core.rooms.workers.note_credit(credit(pool, free=50, sweeps=9), now)
        core.rooms.workers.note_credit(credit(pool, 1, free=3, sweeps=2), now)


def test_a_query_whose_lease_ran_out_goes_to_another_worker(core: Coordinator) -> None:
    """The worker announces credit, and does not answer."""
    core.rooms.rate_limits.queue.add_query(query("slow.com"))
    assert sent_to(core.handle(Tick(), NOW), Tasks) == ["deep-0@h"]
    later = NOW + 5.0 + GRACE
    connect_second(core, later)
    effects = core.handle(Tick(), later)

    assert [effect.worker for effect in effects if isinstance(effect, Send)] == ["deep-1@h"]
    assert logged(effects, "leases_expired") == [{"worker": "deep-0@h", "leases": 1}]


def test_a_callback_whose_lease_ran_out_goes_to_another_notifier(core: Coordinator) -> None:
    """It may have been posted; by that notifier no result arrived."""
    core.rooms.deliveries.add_delivery(notice("n"))
    assert sent_to(core.handle(Tick(), NOW), Deliveries) == ["notifier-0@h"]
    later = NOW + 20.0 + GRACE
    connect_second(core, later)
    core.handle(Tick(), later)
    connect_second(core, later + 5)

    assert sent_to(core.handle(Tick(), later + 5), Deliveries) == ["notifier-1@h"]


def test_a_sweep_whose_lease_ran_out_goes_to_another_worker(core: Coordinator) -> None:
    """However many places the one that lost it offers."""
    rooms, limit = core.rooms, Limit("dns/com", 1000.0, 1000, None)
    ids = watch(rooms, *(f"n{number}.com" for number in range(20)))
    rooms.domains.stages.take_due(NOW, 100, priority=False)
    rooms.domains.stages.queue_for_sweep(ids)
    rooms.rate_limits.budgets.available_tokens(limit, "default", NOW - 10)
    rooms.sweep_queues.requeue_batch(Batch(ids, np.full(len(ids), NOW), "com", limit))
    assert sent_to(core.handle(Tick(), NOW), Sweep) == ["fast-0@h"]
    later = NOW + 100.0
    connect_second(core, later)

    assert sent_to(core.handle(Tick(), later), Sweep) == ["fast-1@h"]


def test_a_log_line_names_each_worker_that_fell_silent(core: Coordinator) -> None:
    """Two of them at the same time are two, and what one had does not make the other's name a suspect."""
    connect_second(core, NOW)
    for domain in ("a.com", "b.com"):
        core.rooms.rate_limits.queue.add_query(query(domain))
    core.rooms.rate_limits.queue.add_query(query("c.com", avoid="deep-0@h"))
    core.handle(Tick(), NOW)
    effects = core.handle(Tick(), NOW + 60.0)

    assert logged(effects, "worker_lost") == [{"worker": "deep-0@h", "leases": 2}, {"worker": "deep-1@h", "leases": 1}]


def test_a_suspicious_query_leaves_after_a_while_although_no_worker_is_idle(core: Coordinator) -> None:
    """The coordinator forgets the suspicion by itself."""
    rooms = core.rooms
    for _ in range(3):
        rooms.poison.note_death(["poison.com"], alone=False, now=NOW)
    for now in (NOW, NOW + SUSPICION_MEMORY):
        rooms.workers.note_credit(credit("deep"), now)
        worker = rooms.workers.choose_worker("deep")
        assert worker is not None
        rooms.workers.grant_lease(worker, query("busy.com"), 60.0, now)
        if now == NOW:
            rooms.rate_limits.queue.add_query(query("poison.com", queued=NOW + SUSPICION_MEMORY))
            assert sent_to(core.handle(Tick(), NOW), Tasks) == []

    assert sent_to(core.handle(Tick(), NOW + SUSPICION_MEMORY), Tasks) == ["deep-0@h"]


def test_a_name_whose_check_kills_its_worker_alone_is_isolated(core: Coordinator) -> None:
    """The third death, the last time with no other lease, ends its checks for an hour."""
    rooms = core.rooms
    (name_id,) = watch(rooms, "poison.com", at=NOW + 1e6).tolist()
    entry = rooms.domains.load_name(name_id, Detail(), NOW)
    rooms.domains.stages.begin_check(entry, Check(NOW, asked={"whois"}, awaiting={"whois"}))
    for death in range(3):
        rooms.workers.note_credit(credit("deep", boot=f"start {death}"), NOW)
        rooms.rate_limits.queue.add_query(query("poison.com"))
        assert sent_to(core.handle(Tick(), NOW), Tasks) == ["deep-0@h"]
        effects = core.handle(WorkerLeft("deep-0@h", f"start {death}"), NOW)
        rooms.rate_limits.queue.take_operator(PLENTY.operator)

    assert entry.isolated_until == NOW + 3600
    assert [fields["domain"] for fields in logged(effects, "name_put_aside")] == ["poison.com"]


def test_a_message_whose_socket_was_full_is_sent_again_after_the_next_credit(core: Coordinator) -> None:
    """Queries, sweeps and callbacks alike; no token is lost by it."""
    rooms = core.rooms
    rooms.rate_limits.queue.add_query(query("a.com"))
    rooms.deliveries.add_delivery(notice("n"))
    effects = core.handle(Tick(), NOW)
    attempts = [attempt for effect in effects if isinstance(effect, Send) for attempt in effect.attempts]
    tokens = rooms.rate_limits.budgets.available_tokens(PLENTY, "default", NOW)
    assert len(attempts) == 2
    core.handle(SendFailed((*attempts, "boot.unknown")), NOW)
    assert core.lease_count == 0
    assert rooms.rate_limits.budgets.available_tokens(PLENTY, "default", NOW) == tokens + 1

    connect(rooms, NOW + 1)
    effects = core.handle(Tick(), NOW + 1)
    assert sent_to(effects, Tasks) == ["deep-0@h"]
    assert sent_to(effects, Deliveries) == ["notifier-0@h"]


def test_a_silent_worker_loses_its_leases(core: Coordinator) -> None:
    """Its queries wait again, with the worker to avoid."""
    rooms = core.rooms
    rooms.rate_limits.queue.add_query(query("a.com"))
    core.handle(Tick(), NOW)
    core.handle(Tick(), NOW + SILENT + 1)
    (waiting,) = rooms.rate_limits.queue.take_operator(PLENTY.operator)

    assert (waiting.domain, waiting.avoid, waiting.tries) == ("a.com", "deep-0@h", 1)
