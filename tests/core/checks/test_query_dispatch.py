"""Sending queries: each leaves with a token and a lease, in batches by worker."""

from __future__ import annotations

from common.core.model.effects import Send
from common.core.model.entry import Check, Rank
from common.core.model.evidence import Observation, Outcome, Reading
from common.core.telemetry.metrics import snapshot_rows
from common.messages import MAX_BATCH, Tasks
from tests.core.checks.checks_room import NOW, RDAP, ChecksRoom, credit, query

DENIAL = Observation(
    "dns", Reading(Outcome.UNREGISTERED, "dns_auth_nxdomain", "denied"), server="com", address="192.0.2.1:53/udp"
)


def test_a_query_leaves_as_a_task_with_a_lease() -> None:
    """The task names what to ask and within which time; the lease holds the query until it is answered."""
    room = ChecksRoom()
    item = query("rdap", "a.com", server="https://rdap.com.test/")
    room.rate_limits.queue.add_query(item)
    room.queries.send_ready_queries(NOW)
    (task,) = room.sent()

    assert (task.method, task.domain, task.suffix, task.server) == ("rdap", "a.com", "com", "https://rdap.com.test/")
    assert (task.budget_ms, task.confirm, task.spare) == (5000, False, "")
    assert room.workers.lease_subject(task.attempt) is item
    assert item.sent_at == NOW
    assert room.channels.healths.health_of(RDAP).silent == 0


def test_nothing_leaves_without_a_worker() -> None:
    """The query waits."""
    room = ChecksRoom(workers=False)
    room.rate_limits.queue.add_query(query("rdap", "a.com"))
    room.queries.send_ready_queries(NOW)

    assert room.sent() == []
    assert len(room.rate_limits.queue) == 1


def test_many_queries_leave_in_messages_of_a_bounded_size() -> None:
    """Each message lists its attempts, so that it can be undone if the socket is full."""
    room = ChecksRoom()
    room.workers.note_credit(credit("deep", worker="deep-1@h", free=100), NOW)
    room.fill_budget()
    for number in range(MAX_BATCH):
        room.rate_limits.queue.add_query(query("whois", f"n{number}.com", server="whois.com.test"))
    room.queries.send_ready_queries(NOW)
    sends = [effect for effect in room.effects.take_planned() if isinstance(effect, Send)]

    assert {send.worker for send in sends} == {"deep-0@h", "deep-1@h"}
    for send in sends:
        assert isinstance(send.message, Tasks)
        assert len(send.message.tasks) <= MAX_BATCH
        assert send.attempts == tuple(task.attempt for task in send.message.tasks)


def test_a_confirming_query_names_the_address_to_spare() -> None:
    """The one that gave the answer to be confirmed."""
    room = ChecksRoom()
    entry = room.load("a.com")
    entry.note_observation(DENIAL, NOW - 60)
    item = query("dns", "a.com")
    item.entry, item.confirm = entry, True
    room.rate_limits.queue.add_query(item)
    room.queries.send_ready_queries(NOW)
    (task,) = room.sent()

    assert (task.confirm, task.spare) == (True, "192.0.2.1:53/udp")


def test_the_first_query_of_a_planned_check_measures_how_late_it_is() -> None:
    """Once for each check; later queries of it say nothing of the schedule."""
    room = ChecksRoom()
    room.fill_budget()
    entry = room.load("a.com")
    entry.check = Check(NOW, due=NOW - 30, awaiting={"dns"})
    for method in ("dns", "rdap"):
        item = query(method, "a.com")
        item.entry = entry
        room.rate_limits.queue.add_query(item)
        room.queries.send_ready_queries(NOW)
    timers = {
        name: timer
        for name, labels, timer in snapshot_rows(room.telemetry.metrics.snapshot(), "timers")
        if labels == {"lane": "ordinary"}
    }

    assert timers["lateness_seconds"]["count"] == 1
    assert set(entry.check.sent) == {"dns", "rdap"}
    assert entry.asked_from == {"dns": "default", "rdap": "default"}


def test_a_query_whose_socket_was_full_waits_again_with_its_token() -> None:
    """Nothing was spent."""
    room = ChecksRoom()
    limit = room.registries.limit_of("rdap", RDAP.server, "com")
    room.fill_budget(limit)
    room.rate_limits.queue.add_query(query("rdap", "a.com", limit=limit, rank=Rank.PRIORITY))
    room.queries.send_ready_queries(NOW)
    (task,) = room.sent()
    assert room.rate_limits.budgets.available_tokens(limit, "default", NOW) == limit.burst - 1
    lease = room.workers.undo_lease(task.attempt)
    assert lease is not None
    room.queries.requeue_unsent_query(lease.ref, NOW)

    assert len(room.rate_limits.queue) == 1
    assert room.rate_limits.budgets.available_tokens(limit, "default", NOW) == limit.burst
