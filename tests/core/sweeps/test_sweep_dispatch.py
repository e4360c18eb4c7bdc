"""Sending sweeps: a batch leaves with its tokens and a lease, and comes back to its queue when it is lost."""

from __future__ import annotations

from math import ceil

import numpy as np
import pytest

from common.core.domains.stages import Stage
from common.core.model.batch import Batch
from common.core.model.evidence import Observation, Outcome, Reading
from common.core.model.limit import Limit
from common.core.sweeps.sweep_dispatch import FEWEST, GOOD_SIZE, HOLD, PARTS, TRIES
from tests.core.checks.checks_room import NOW, PLENTY, credit
from tests.core.sweeps.sweeps_room import SweepsRoom

THROTTLED = Observation("dns", Reading(Outcome.THROTTLED, "dns_refused", "slow down", retry_after=3600.0))


def slow_com(rate: float, burst: int, per_day: int | None = None) -> dict[str, Limit]:
    """A budget for the name servers of com, for each of the four addresses that a zone is taken to have."""
    return {**PLENTY, "dns/gtld-servers": Limit("dns/gtld-servers", rate / 4, burst / 4, per_day)}


def lost(room: SweepsRoom) -> list[Batch]:
    """The batches of com that wait to be sent again."""
    return list(dict(room.queues.all_queues())["com"].lost)


def test_queued_names_leave_as_one_sweep_with_a_lease_and_their_tokens() -> None:
    """The message has the labels without their suffix."""
    room = SweepsRoom()
    ids = room.queue_names(30)
    room.dispatch.send_ready_sweeps(NOW)
    ((worker, sweep),) = room.sent_sweeps()
    batch = room.workers.lease_subject(sweep.attempt)

    assert (worker, sweep.suffix, sweep.count) == ("fast-0@h", "com", 30)
    assert sweep.labels.split("\n") == [f"n{number}" for number in range(30)]
    assert isinstance(batch, Batch)
    assert batch.ids.tolist() == ids.tolist()
    assert (batch.sent_at, batch.worker, batch.egress) == (NOW, "fast-0@h", "default")
    limit = room.zone_limit()
    assert room.rate_limits.budgets.available_tokens(limit, "default", NOW) == limit.burst - 30
    assert len(room.queues) == 0


def test_a_few_names_are_not_worth_a_sweep() -> None:
    """They are checked one by one."""
    room = SweepsRoom()
    ids = room.queue_names(FEWEST - 1)
    room.dispatch.send_ready_sweeps(NOW)

    assert room.sent_sweeps() == []
    assert {room.domains.stages.stage_of(name_id) for name_id in ids.tolist()} == {Stage.ADMITTED}


def test_fewer_names_than_a_good_sweep_are_held_back_for_a_moment() -> None:
    """More of them may become due; names with priority are not held."""
    room = SweepsRoom()
    room.watch(*(f"other{number}.org" for number in range(20_000)))
    room.queue_names(30, due=NOW)
    room.queue_names(30, suffix="net", urgent=True, due=NOW)
    room.dispatch.send_ready_sweeps(NOW)
    assert [sweep.suffix for _, sweep in room.sent_sweeps()] == ["net"]
    assert room.queues.wake == NOW + HOLD

    room.queue_names(GOOD_SIZE, due=NOW)
    room.dispatch.send_ready_sweeps(NOW)
    assert [sweep.count for _, sweep in room.sent_sweeps()] == [30 + GOOD_SIZE]


def test_a_sweep_waits_until_the_budget_has_tokens_for_it() -> None:
    """The loop is woken then, and not before."""
    room = SweepsRoom(limits=slow_com(10.0, 20))
    limit = room.zone_limit()
    room.rate_limits.budgets.take_tokens(limit, "default", 20, NOW)
    room.queue_names(30)
    room.dispatch.send_ready_sweeps(NOW)
    assert room.sent_sweeps() == []
    assert NOW < room.queues.wake <= NOW + 2

    room.dispatch.send_ready_sweeps(NOW + 2.5)
    ((_, sweep),) = room.sent_sweeps()
    assert 10 <= sweep.count < 30
    assert len(room.queues) == 30 - sweep.count


def test_a_sweep_leaves_from_an_egress_that_is_not_limited() -> None:
    """Budgets are kept per egress."""
    room = SweepsRoom()
    room.rate_limits.budgets.note_answer(room.zone_limit(), "default", THROTTLED, NOW)
    room.workers.note_credit(credit("fast", worker="fast-1@far", egress="far", sweeps=2), NOW)
    room.fill_budget(room.zone_limit(), "far")
    room.queue_names(30)
    room.dispatch.send_ready_sweeps(NOW)

    assert [worker for worker, _ in room.sent_sweeps()] == ["fast-1@far"]


def test_urgent_names_of_a_zone_that_limits_us_are_checked_one_by_one() -> None:
    """Another channel may answer."""
    room = SweepsRoom()
    room.rate_limits.budgets.note_answer(room.zone_limit(), "default", THROTTLED, NOW)
    ids = room.queue_names(30, urgent=True)
    room.queue_names(30)
    room.dispatch.send_ready_sweeps(NOW)

    assert room.sent_sweeps() == []
    assert {room.domains.stages.stage_of(name_id) for name_id in ids.tolist()} == {Stage.ADMITTED}
    assert len(room.queues) == 30


def test_many_suffixes_that_wait_for_a_worker_are_not_searched_one_by_one() -> None:
    """Where no worker has a place, one search is enough, and the first suffix goes to the end."""
    room = SweepsRoom()
    for number in range(50):
        room.queues.add_names(f"s{number}", np.arange(20), np.full(20, NOW), NOW - 10, urgent=False)
    room.workers.note_credit(credit("fast", sweeps=0), NOW)
    order = [suffix for suffix, _ in room.queues.waiting_queues(urgent=False)]
    room.dispatch.send_ready_sweeps(NOW)

    assert [suffix for suffix, _ in room.queues.waiting_queues(urgent=False)] == order[1:] + order[:1]


def test_a_lost_sweep_is_sent_again_to_another_worker_before_other_names() -> None:
    """Names that left the queue meanwhile are not in it."""
    room = SweepsRoom()
    ids, sweep = room.send_sweep(30)
    batch = room.workers.lease_subject(sweep.attempt)
    assert isinstance(batch, Batch)
    room.domains.stages.admit_name(int(ids[0]))
    room.dispatch.requeue_lost_sweep(batch, NOW, died=False)
    assert [(len(again.ids), again.tries, again.egress) for again in lost(room)] == [(29, 1, "")]

    room.queue_names(GOOD_SIZE)
    room.dispatch.send_ready_sweeps(NOW)
    assert [sent.count for _, sent in room.sent_sweeps()] == [29, GOOD_SIZE]


def test_a_sweep_that_is_lost_for_the_last_time_leaves_its_names_to_the_schedule() -> None:
    """As after an inconclusive check."""
    room = SweepsRoom()
    ids, sweep = room.send_sweep(30)
    batch = room.workers.lease_subject(sweep.attempt)
    assert isinstance(batch, Batch)
    for _ in range(TRIES - 1):
        room.dispatch.requeue_lost_sweep(batch, NOW, died=False)
        (batch,) = dict(room.queues.all_queues())["com"].take_lost()
    room.dispatch.requeue_lost_sweep(batch, NOW, died=False)

    assert lost(room) == []
    assert room.domains.table.inconclusive[ids].tolist() == [1] * 30
    assert all(NOW < room.domains.stages.due_at(name_id) < NOW + 20 for name_id in ids.tolist())


def test_a_sweep_whose_worker_died_is_split_until_one_name_is_left_alone() -> None:
    """What kills workers is found without checking thousands of names one by one."""
    room = SweepsRoom()
    _, sweep = room.send_sweep(200)
    batch = room.workers.lease_subject(sweep.attempt)
    assert isinstance(batch, Batch)
    room.dispatch.requeue_lost_sweep(batch, NOW, died=True)
    parts = dict(room.queues.all_queues())["com"].take_lost()
    assert [len(part.ids) for part in parts] == [ceil(200 / PARTS)] * PARTS

    room.dispatch.requeue_lost_sweep(parts[0], NOW, died=True)
    assert lost(room) == []
    assert {room.domains.stages.stage_of(name_id) for name_id in parts[0].ids.tolist()} == {Stage.ADMITTED}


def test_a_sweep_whose_socket_was_full_waits_again_with_its_tokens() -> None:
    """Nothing was spent."""
    room = SweepsRoom()
    limit = room.zone_limit()
    _, sweep = room.send_sweep(30)
    lease = room.workers.undo_lease(sweep.attempt)
    assert lease is not None
    assert isinstance(lease.ref, Batch)
    room.dispatch.requeue_unsent_sweep(lease.ref, NOW)

    assert len(room.queues) == 30
    assert room.rate_limits.budgets.available_tokens(limit, "default", NOW) == limit.burst


def test_a_lost_sweep_is_sent_as_far_as_there_are_tokens() -> None:
    """Where the quota is smaller than the sweep, the first names need not wait for midnight."""
    room = SweepsRoom(limits=slow_com(1000.0, 1000, per_day=50))
    ids = room.queue_names(80)
    room.queues.take_all()
    room.queues.requeue_batch(Batch(ids, np.full(80, NOW), "com", room.zone_limit(), tries=1))
    room.dispatch.send_ready_sweeps(NOW)
    ((_, sweep),) = room.sent_sweeps()

    assert 0 < sweep.count < 80
    assert [len(batch.ids) for batch in lost(room)] == [80 - sweep.count]


@pytest.mark.parametrize("twice", [False, True])
def test_a_name_is_in_a_sweep_once(*, twice: bool) -> None:
    """It left the list and was queued again, or was admitted to a check of its own."""
    room = SweepsRoom()
    ids = room.queue_names(30)
    if twice:
        room.queues.add_names("com", ids[:5], np.full(5, NOW), NOW, urgent=False)
    else:
        room.domains.stages.admit_name(int(ids[0]))
    room.dispatch.send_ready_sweeps(NOW)
    ((_, sweep),) = room.sent_sweeps()

    assert sweep.count == (30 if twice else 29)
    assert len(set(sweep.labels.split("\n"))) == sweep.count
