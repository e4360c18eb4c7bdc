"""Beginning checks: what is admitted begins in order, with the evidence that the store holds, as far as there is room."""

from __future__ import annotations

import numpy as np
import pytest

from common.codec import encode
from common.core.checks import check_starts
from common.core.checks.admission import CheckRequest
from common.core.checks.check_starts import LONGEST_DELAY, MOST_FETCHING, PER_FETCH, PER_TICK
from common.core.domains.domain_table import STATE_CODES, Flag
from common.core.domains.stages import Stage
from common.core.model.effects import FetchDetails, LogLine
from common.core.model.evidence import Observation, Outcome, Reading
from common.core.model.ids import NEVER
from common.core.model.limit import Limit
from common.core.model.records import Detail
from common.core.model.states import State
from common.core.rate_limits.query_queue import MOST_ROUTINE
from tests.core.checks.checks_room import NOW, ChecksRoom, query

DENIAL = Observation("dns", Reading(Outcome.UNREGISTERED, "dns_auth_nxdomain", "denied"), server="com")


def stored(room: ChecksRoom, *names: str) -> list[int]:
    """Names whose evidence the store holds."""
    ids = room.watch(*names)
    room.domains.table.set_flags(ids, Flag.DETAILED, on=True)
    return ids.tolist()


def fetched(room: ChecksRoom) -> list[tuple[int, ...]]:
    """The reads of the store among the planned effects."""
    return [effect.ids for effect in room.effects.take_planned() if isinstance(effect, FetchDetails)]


def test_a_requested_check_begins_in_the_next_tick() -> None:
    """Its first query waits for a token; the name is in no other stage."""
    room = ChecksRoom()
    name_id = int(room.watch("a.com", at=NOW + 600)[0])
    room.starts.request_check(CheckRequest(name_id))
    assert room.domains.stages.is_admitted(name_id)
    assert room.domains.stages.due_at(name_id) == NEVER
    room.starts.begin_waiting(NOW)

    assert room.domains.stages.stage_of(name_id) is Stage.CHECKING
    assert room.waiting_queries() == [("dns", "a.com")]


def test_a_name_under_check_is_not_admitted_again() -> None:
    """The check goes on, and no second one follows it."""
    room = ChecksRoom()
    name_id = int(room.watch("a.com")[0])
    room.starts.request_check(CheckRequest(name_id))
    room.starts.begin_waiting(NOW)
    room.starts.request_check(CheckRequest(name_id, manual=True, urgent=True))

    assert not room.domains.stages.is_admitted(name_id)
    assert len(room.starts.admission) == 0


def test_requests_for_many_names_begin_the_longest_due_first() -> None:
    """Whatever their ids; with priority or out of the zone they wait one by one, the others in arrays by suffix."""
    room = ChecksRoom()
    ids = room.watch("a.com", "b.com", "c.com")
    room.starts.request_checks(ids, np.array([30.0, 10.0, 20.0]), urgent=False)
    assert (len(room.starts.admission), room.starts.admission.planned_count()) == (0, 3)
    order = [room.starts.admission.take_next_request(ordinary=True) for _ in range(3)]

    assert [(request.name_id, request.due) for request in order if request] == [(1, 10.0), (2, 20.0), (0, 30.0)]


@pytest.mark.parametrize(("owned", "left"), [(True, True), (False, False)])
def test_a_denial_of_a_registered_name_by_a_sweep_goes_before_routine(*, owned: bool, left: bool) -> None:
    """The denial of a name that was never registered is no news."""
    room = ChecksRoom()
    name_id = int(room.watch("a.com")[0])
    room.domains.table.state[name_id] = STATE_CODES[State.REGISTERED if owned else State.UNREGISTERED]
    room.starts.request_from_sweep(name_id, DENIAL, NOW, "fast-0@h")
    request = room.starts.admission.take_next_request(ordinary=True)

    assert request is not None
    assert (request.left_zone, request.observation, request.by, request.urgent) == (left, DENIAL, "fast-0@h", False)


@pytest.mark.parametrize(("age", "queries"), [(1.0, [("rdap", "a.com")]), (LONGEST_DELAY + 1, [("dns", "a.com")])])
def test_a_check_starts_from_the_answer_of_a_sweep_unless_that_is_old(age: float, queries: list[tuple[str, str]]) -> None:
    """An old denial is not dated anew: DNS is queried again."""
    room = ChecksRoom()
    name_id = int(room.watch("a.com")[0])
    room.starts.request_from_sweep(name_id, DENIAL, NOW)
    room.starts.begin_waiting(NOW + age)

    assert room.waiting_queries() == queries


def test_a_name_with_evidence_in_the_store_begins_when_that_was_read() -> None:
    """With what the store holds of it."""
    room = ChecksRoom()
    (name_id,) = stored(room, "a.com")
    room.starts.request_check(CheckRequest(name_id))
    room.starts.begin_waiting(NOW)
    assert fetched(room) == [(name_id,)]
    assert room.domains.find_loaded("a.com") is None

    room.starts.take_details((name_id,), {name_id: encode(Detail(registered_seen=5.0))}, NOW)
    entry = room.domains.find_loaded("a.com")
    assert entry is not None
    assert entry.check is not None
    assert entry.detail.registered_seen == 5.0


def test_names_that_cannot_be_read_hold_no_others_up() -> None:
    """They wait until the store is back, also those that were being read; what is in memory, or has no evidence, begins."""
    room = ChecksRoom()
    being_read, unread, loaded = stored(room, "a.com", "b.com", "c.com")
    (plain,) = room.watch("d.com")
    room.domains.load_name(loaded, Detail(), NOW)
    room.starts.request_check(CheckRequest(being_read))
    room.starts.begin_waiting(NOW)
    assert fetched(room) == [(being_read,)]
    room.starts.hold_unread()
    for name_id in (unread, loaded, int(plain)):
        room.starts.request_check(CheckRequest(name_id))
    room.starts.begin_waiting(NOW)
    assert fetched(room) == []
    assert [room.domains.stages.stage_of(name_id) for name_id in (loaded, int(plain))] == [Stage.CHECKING] * 2
    room.starts.take_details((being_read,), {}, NOW)  # older than what was spooled
    assert [room.domains.stages.stage_of(name_id) for name_id in (being_read, unread)] == [Stage.ADMITTED] * 2

    room.starts.request_check(CheckRequest(unread, urgent=True))
    room.starts.release_unread()
    room.starts.begin_waiting(NOW)
    assert fetched(room) == [(unread, being_read)]
    room.starts.release_unread()
    room.starts.take_details((being_read, unread), {}, NOW)
    assert [room.domains.stages.stage_of(name_id) for name_id in (being_read, unread)] == [Stage.CHECKING] * 2


def test_a_bounded_number_of_names_waits_to_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others stay in their queues; one with priority is let through."""
    monkeypatch.setattr(check_starts, "MOST_UNREAD", 2)
    room = ChecksRoom()
    ids = stored(room, "a.com", "b.com", "c.com", "d.com")
    room.starts.hold_unread()
    for name_id in ids[:3]:
        room.starts.request_check(CheckRequest(name_id))
    room.starts.request_check(CheckRequest(ids[3], urgent=True))
    room.starts.begin_waiting(NOW)
    assert len(room.starts.admission.unread) == 2
    assert (ids[3] in room.starts.admission.unread, len(room.starts.admission)) == (True, 2)
    room.starts.release_unread()
    room.starts.begin_waiting(NOW)
    assert [sorted(each) for each in fetched(room)] == [sorted(ids)]


def test_unreadable_evidence_is_logged_and_the_name_checked_anew() -> None:
    """One damaged row does not end the run."""
    room = ChecksRoom()
    (name_id,) = stored(room, "a.com")
    room.starts.request_check(CheckRequest(name_id))
    room.starts.begin_waiting(NOW)
    room.effects.take_planned()
    room.starts.take_details((name_id,), {name_id: b"\xff"}, NOW)

    assert [effect.event for effect in room.effects.take_planned() if isinstance(effect, LogLine)] == ["detail_unreadable"]
    assert room.domains.stages.stage_of(name_id) is Stage.CHECKING


def test_a_name_that_left_the_list_while_it_waited_is_not_checked() -> None:
    """Neither where it waits to begin, nor where its evidence is being read."""
    room = ChecksRoom()
    first, second = stored(room, "a.com", "b.com")
    room.starts.request_check(CheckRequest(first))
    room.starts.begin_waiting(NOW)
    room.starts.request_check(CheckRequest(second))
    for name_id in (first, second):
        room.domains.stages.unwatch_name(name_id)
    room.starts.take_details((first,), {}, NOW)
    room.starts.begin_waiting(NOW)

    assert room.waiting_queries() == []
    assert len(room.domains.working_set) == 0


def test_a_tick_begins_a_bounded_number_of_checks_and_reads_the_store_in_pieces() -> None:
    """Thousands of names at once stop no other work."""
    room = ChecksRoom()
    ids = np.array(stored(room, *(f"n{number}.com" for number in range(3 * PER_TICK))))
    room.starts.request_checks(ids, np.full(len(ids), NOW), urgent=False)
    room.starts.begin_waiting(NOW)
    reads = fetched(room)

    assert sum(map(len, reads)) == PER_TICK
    assert max(map(len, reads)) <= PER_FETCH


def test_checks_that_are_held_are_tried_again_once_something_made_room() -> None:
    """An evicted name, an answer of the store, or a query that left its queue; before that time decides nothing."""
    room = ChecksRoom()
    room.starts.admission.add_planned("com", room.watch("a.com"), np.full(1, NOW))
    assert room.starts.next_at(NOW, 0.1) == NOW
    room.starts.admission.fetching.update({number: CheckRequest(number) for number in range(MOST_FETCHING)})
    room.starts.begin_waiting(NOW)
    assert room.starts.next_at(NOW, 0.1) is None

    limit = Limit("whois/x", 1000.0, 1000, None)
    room.rate_limits.queue.add_query(query("whois", "b.com", limit=limit))
    room.rate_limits.queue.take_operator("whois/x")
    assert room.starts.next_at(NOW, 0.1) == NOW + 0.1


def test_without_waiting_checks_there_is_no_next_time() -> None:
    """The loop is not woken."""
    assert ChecksRoom().starts.next_at(NOW, 0.1) is None


def test_planned_checks_wait_while_the_queue_of_their_zone_is_full() -> None:
    """A check that could not send its first query would hold memory and nothing else."""
    room = ChecksRoom()
    limit = room.registries.limit_of("dns", "com", "com")
    for number in range(MOST_ROUTINE // 2 - 1):
        room.rate_limits.queue.add_query(query("dns", f"other{number}.com", limit=limit))
    ids = room.watch("a.com", "b.com", "c.com", "d.org")
    room.starts.request_checks(ids, np.full(len(ids), NOW), urgent=False)
    room.starts.begin_waiting(NOW)

    assert sorted(entry.name for entry in room.domains.working_set.loaded.values()) == ["a.com", "d.org"]
    assert room.starts.admission.planned_count() == 2
