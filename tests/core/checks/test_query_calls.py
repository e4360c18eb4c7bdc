"""Several names in one call: leases, messages, tokens and answers of its queries."""

from __future__ import annotations

import pytest

from common.core.model.effects import Send
from common.core.model.entry import Rank
from common.core.model.evidence import Observation, Outcome, Reading
from common.core.model.limit import Limit
from common.core.model.query import Query
from common.core.workers.leases import Lease
from common.messages import MAX_BATCH, Credit, Result, Task, Tasks
from tests.core.checks.checks_room import NOW, ChecksRoom, credit, query

BATCHED = Limit("rdap/batched", 100.0, 100, None, batch=20)
SINGLE = Limit("rdap/single", 1000.0, 1000, None)
HERE = credit("intermediate")
FOUND = Observation("rdap", Reading(Outcome.REGISTERED, "rdap_200_match", "found"), status=200)


def stocked(*, limit: Limit = BATCHED, free: int = 1000) -> ChecksRoom:
    """A room whose worker has many slots, and whose operators' buckets are full."""
    room = ChecksRoom()
    grown = Credit(HERE.version, HERE.worker, HERE.boot, HERE.pool, HERE.egress, HERE.methods, 1000, free, 0)
    room.workers.note_credit(grown, NOW)
    for each in (limit, SINGLE):
        room.fill_budget(each)
    return room


def ask(room: ChecksRoom, count: int, limit: Limit = BATCHED, word: str = "n") -> list[Task]:
    """The tasks of so many queries that were queued at once."""
    for number in range(count):
        room.rate_limits.queue.add_query(query("rdap", f"{word}{number}.com", limit=limit, rank=Rank.URGENT))
    room.queries.send_ready_queries(NOW)
    return room.sent()


def left(room: ChecksRoom, limit: Limit = BATCHED) -> int:
    """The tokens of an operator."""
    return room.rate_limits.budgets.available_tokens(limit, "default", NOW)


def test_the_tasks_of_a_call_have_its_number_and_leases_of_their_own() -> None:
    """Of a method that takes one name, none."""
    room = stocked()
    tasks = ask(room, 45)

    assert [task.call for task in tasks] == [1] * 20 + [2] * 20 + [3] * 5
    assert len({task.attempt for task in tasks}) == room.workers.lease_count() == 45
    assert left(room) == 100 - 3
    assert {task.call for task in ask(room, 3, SINGLE)} == {0}


def test_every_query_of_a_call_is_noted_as_sent() -> None:
    """From the egress of its worker, at the same moment."""
    room = stocked()
    queries = [room.workers.lease_subject(task.attempt) for task in ask(room, 3)]

    assert [(item.sent_at, item.egress) for item in queries if isinstance(item, Query)] == [(NOW, "default")] * 3


@pytest.mark.parametrize("single", [0, 1, MAX_BATCH - 1, MAX_BATCH, MAX_BATCH + 5])
def test_no_call_is_cut_where_messages_are_full(single: int) -> None:
    """Messages are as large as they may be otherwise, and every task is in one of them."""
    room = stocked()
    for number in range(single):
        room.rate_limits.queue.add_query(query("rdap", f"s{number}.com", limit=SINGLE))
    for number in range(290):
        room.rate_limits.queue.add_query(query("rdap", f"n{number}.com", limit=BATCHED, rank=Rank.URGENT))
    room.queries.send_ready_queries(NOW)
    sends = [effect for effect in room.effects.take_planned() if isinstance(effect, Send)]
    parts = [send.message.tasks for send in sends if isinstance(send.message, Tasks)]

    assert [send.attempts for send in sends] == [tuple(task.attempt for task in part) for part in parts]
    assert [task.seq for part in parts for task in part] == list(range(1, single + 290 + 1))
    assert max(map(len, parts)) <= MAX_BATCH
    places = {call: {place for place, part in enumerate(parts) for task in part if task.call == call} for call in range(1, 16)}
    assert [len(found) for found in places.values()] == [1] * 15
    assert all(len(part) + 20 > MAX_BATCH for part in parts[:-1])


def test_calls_as_large_as_a_message_fill_one_each() -> None:
    """The largest there are."""
    room = stocked(limit=(huge := Limit("rdap/huge", 100.0, 100, None, batch=MAX_BATCH)))
    for number in range(2 * MAX_BATCH + 1):
        room.rate_limits.queue.add_query(query("rdap", f"n{number}.com", limit=huge, rank=Rank.URGENT))
    room.queries.send_ready_queries(NOW)
    messages = [effect.message for effect in room.effects.take_planned() if isinstance(effect, Send)]

    assert [len(message.tasks) for message in messages if isinstance(message, Tasks)] == [MAX_BATCH, MAX_BATCH, 1]


# -- tokens ----------------------------------------------------------------------------------------------------------------


def test_a_call_that_comes_back_unasked_returns_its_one_token() -> None:
    """With the last of its tasks, whatever their order; its queries leave in one call again."""
    room = stocked()
    tasks = ask(room, 20)
    for task in reversed(tasks[1:]):
        room.answers.take_result(Result(task.attempt, returned=True), HERE, NOW)
        assert left(room) == 99
    room.answers.take_result(Result(tasks[0].attempt, returned=True), HERE, NOW)
    assert left(room) == 100

    room.queries.send_ready_queries(NOW)
    assert [task.call for task in room.sent()] == [2] * 20
    assert left(room) == 99


def test_a_call_that_was_made_for_one_name_keeps_its_token() -> None:
    """The rest found no slots: they leave again."""
    room = stocked()
    tasks = ask(room, 4)
    room.answers.take_result(Result(tasks[2].attempt, FOUND), HERE, NOW)
    for task in (tasks[0], tasks[1], tasks[3]):
        room.answers.take_result(Result(task.attempt, returned=True), HERE, NOW)

    assert left(room) == 99
    assert room.waiting_queries() == [("rdap", "n0.com"), ("rdap", "n1.com"), ("rdap", "n3.com")]


def test_answers_that_come_twice_or_from_elsewhere_return_no_token() -> None:
    """A worker that returns one task again and again, or those of another one."""
    room = stocked()
    tasks = ask(room, 3)
    other = Credit(HERE.version, "intermediate-9@x", "b", "intermediate", "default", HERE.methods, 9, 9, 0)
    for _ in range(5):
        room.answers.take_result(Result(tasks[0].attempt, returned=True), HERE, NOW)
        room.answers.take_result(Result(tasks[1].attempt, returned=True), other, NOW)

    assert left(room) == 99
    assert room.workers.lease_count() == 2


def test_answers_of_another_method_are_none() -> None:
    """Each is sent again, by the usual ways."""
    room = stocked()
    forged = Observation("whois", Reading(Outcome.UNREGISTERED, "whois_free", "none"))
    for task in ask(room, 3):
        room.answers.take_result(Result(task.attempt, forged), HERE, NOW)

    assert room.waiting_queries() == [("rdap", "n0.com"), ("rdap", "n1.com"), ("rdap", "n2.com")]
    assert left(room) == 100


def test_a_call_whose_message_never_left_waits_again_with_its_token() -> None:
    """The socket of its worker was full; the message has the attempts of the whole call."""
    room = stocked()
    for task in ask(room, 4):
        assert left(room) == 99
        lease = room.workers.undo_lease(task.attempt)
        assert isinstance(lease, Lease)
        room.queries.requeue_unsent_query(lease.ref, NOW)

    assert left(room) == 100
    assert len(room.rate_limits.queue) == 4


def test_a_lost_call_is_sent_again_to_another_worker() -> None:
    """It was made, as far as one knows: its token is spent, and the next call takes another."""
    room = stocked()
    tasks = ask(room, 4)
    second = credit("intermediate", worker="intermediate-1@h")
    room.workers.note_credit(second, NOW)
    for lease in room.workers.drop_left(HERE.worker, HERE.boot):
        assert isinstance(lease.ref, Query)
        room.checks.retry_lost_query(lease.ref, lease.worker, NOW)
    room.queries.send_ready_queries(NOW)
    again = room.sent()

    assert [task.domain for task in again] == [task.domain for task in tasks]
    assert {task.call for task in again} == {2}
    assert left(room) == 98
    room.answers.take_result(Result(tasks[0].attempt, FOUND), HERE, NOW)
    assert room.workers.lease_count() == 4
