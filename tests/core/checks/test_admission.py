"""The admission queue: which waiting check begins next, and that none waits for ever."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from common.core.checks.admission import MOST_PASSED, SHARE, AdmissionQueue, CheckRequest
from common.core.model.evidence import Observation, Outcome, Reading
from common.core.model.publication import Listing

DENIAL = Observation("dns", Reading(Outcome.UNREGISTERED, "dns_auth_nxdomain", "denied"), server="com")


def take_all(queue: AdmissionQueue, is_full: Callable[[str], bool] = lambda _: False) -> list[int]:
    """The ids of all checks that may begin, in order."""
    requests = iter(lambda: queue.take_next_request(ordinary=True, is_full=is_full), None)
    return [request.name_id for request in requests if request is not None]


def test_a_name_whose_evidence_is_being_read_is_promoted_too() -> None:
    """The read of the store for an ordinary check serves the urgent one."""
    queue = AdmissionQueue()
    queue.fetching[7] = CheckRequest(7, due=5.0)
    queue.promote_request(CheckRequest(7, manual=True, urgent=True), "com")

    assert queue.fetching[7] == CheckRequest(7, due=5.0, manual=True, urgent=True)
    assert queue.take_next_request(ordinary=True) is None
    assert len(queue) == 1


def test_a_promoted_name_begins_once_and_first() -> None:
    """It overtakes the others, and its old place is empty."""
    queue = AdmissionQueue()
    for name_id in (1, 2, 3):
        queue.add_request(CheckRequest(name_id), "com")
    queue.promote_request(CheckRequest(3, urgent=True), "com")

    assert take_all(queue) == [3, 1, 2]
    assert not queue.has_waiting()
    assert len(queue) == 0


def test_what_a_publication_says_is_not_lost_on_a_name_that_waits() -> None:
    """Whether its check was found, or planned: the newest listing goes with it."""
    first, second = Listing(None, 1.0), Listing(None, 2.0)
    queue = AdmissionQueue()
    queue.add_request(CheckRequest(1, listing=first), "com")
    queue.promote_request(CheckRequest(1), "com")
    queue.add_request(CheckRequest(2), "com")
    queue.promote_request(CheckRequest(2, listing=second), "com")
    queue.add_planned("org", np.array([3]), np.array([5.0]))
    queue.promote_request(CheckRequest(3, listing=second), "org")
    taken = [queue.take_next_request(ordinary=True) for _ in range(5)]

    assert {request.name_id: request.listing for request in taken if request is not None} == {1: first, 2: second, 3: second}


def test_a_planned_name_is_promoted_by_an_urgent_request_alone() -> None:
    """Its due time is known to the queue already; the urgent request replaces it."""
    queue = AdmissionQueue()
    queue.add_planned("com", np.array([1, 2]), np.array([5.0, 6.0]))
    queue.promote_request(CheckRequest(1), "com")
    queue.promote_request(CheckRequest(2, manual=True, urgent=True), "com")
    first = queue.take_next_request(ordinary=True)

    assert first == CheckRequest(2, manual=True, urgent=True)
    assert queue.take_next_request(ordinary=True) == CheckRequest(1, due=5.0)


def test_a_check_on_demand_does_not_start_from_the_answer_of_a_sweep() -> None:
    """It queries every method itself."""
    queue = AdmissionQueue()
    queue.add_request(CheckRequest(1, observation=DENIAL, seen_at=4.0), "com")
    queue.promote_request(CheckRequest(1, manual=True, urgent=True), "com")
    request = queue.take_next_request(ordinary=True)

    assert request is not None
    assert request.manual
    assert request.observation is None


def test_suffixes_take_turns() -> None:
    """A thousand names of one do not delay one of another; planned and found names of one suffix take turns too."""
    queue = AdmissionQueue()
    queue.add_planned("com", np.arange(1000), np.full(1000, 5.0))
    for name_id in range(2000, 2003):
        queue.add_request(CheckRequest(name_id), "com")
    queue.add_planned("org", np.array([3000]), np.array([9.0]))
    begun = take_all(queue)

    assert begun[:7] == [0, 3000, 2000, 1, 2001, 2, 2002]
    assert len(begun) == 1004
    assert not queue.has_waiting()


def test_names_that_left_the_zone_leave_a_quarter_to_planned_checks() -> None:
    """A steady stream of them does not delay the others for ever."""
    queue = AdmissionQueue()
    queue.add_planned("com", np.arange(5), np.full(5, 5.0))
    for name_id in range(1000, 1020):
        queue.add_request(CheckRequest(name_id, left_zone=True), "com")
    begun = take_all(queue)

    assert [place for place, name_id in enumerate(begun) if name_id < 5] == [3, 7, 11, 15, 19]
    assert sorted(begun) == [*range(5), *range(1000, 1020)]


def test_priority_leaves_a_quarter_to_the_others() -> None:
    """As long as those may begin at all."""
    queue = AdmissionQueue()
    for name_id in range(1000, 1020):
        queue.add_request(CheckRequest(name_id, urgent=True), "com")
        queue.add_request(CheckRequest(name_id + 1000, left_zone=True), "com")
    begun = [queue.take_next_request(ordinary=True) for _ in range(8)]
    crowded = [queue.take_next_request(ordinary=False) for _ in range(8)]

    assert [request.urgent for request in begun if request] == [True, True, True, False] * 2
    assert all(request is not None and request.urgent for request in crowded)


def test_a_name_that_left_the_zone_begins_before_routine_and_after_priority() -> None:
    """However many wait, and although it came last."""
    queue = AdmissionQueue()
    queue.add_planned("com", np.arange(100), np.full(100, 5.0))
    queue.add_request(CheckRequest(200), "com")
    queue.add_request(CheckRequest(300, left_zone=True), "com")
    queue.add_request(CheckRequest(400, urgent=True), "com")
    begun = take_all(queue)

    assert begun[:2] == [400, 300]
    assert len(begun) == 103


def test_a_suffix_whose_query_queue_is_full_is_passed_over() -> None:
    """Its planned checks wait; what a sweep found of it, and other suffixes, go on."""
    queue = AdmissionQueue()
    queue.add_planned("com", np.arange(3), np.full(3, 5.0))
    queue.add_planned("org", np.array([10, 11]), np.full(2, 9.0))
    queue.add_request(CheckRequest(20), "com")

    assert take_all(queue, is_full=lambda suffix: suffix == "com") == [20, 10, 11]
    assert queue.has_waiting()
    assert take_all(queue) == [0, 1, 2]


def test_a_search_passes_over_a_bounded_number_of_full_suffixes() -> None:
    """A thousand full ones cost no tick; the search goes on behind them the next time."""
    queue = AdmissionQueue()
    for number in range(MOST_PASSED + 10):
        queue.add_planned(f"s{number}", np.array([number]), np.array([5.0]))
    searched: list[str] = []

    assert queue.take_next_request(ordinary=True, is_full=lambda suffix: bool(searched.append(suffix)) or True) is None
    assert len(searched) == MOST_PASSED
    request = queue.take_next_request(ordinary=True)
    assert request is not None
    assert request.name_id == MOST_PASSED


def test_planned_names_are_counted_apart() -> None:
    """Any number of them may wait, so they are not part of the length that bounds the others."""
    queue = AdmissionQueue()
    queue.add_planned("com", np.arange(5000), np.full(5000, 5.0))
    queue.add_request(CheckRequest(9000), "com")

    assert (len(queue), queue.planned_count()) == (1, 5000)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), st.booleans()), max_size=80))
def test_the_next_planned_check_begins_after_sixteen_others_at_most(arrivals: list[tuple[int, int, bool]]) -> None:
    """Whatever arrives with priority, or left the zone, between any two that begin."""
    queue, ids, since = AdmissionQueue(), itertools.count(), 0
    for urgent, left_zone, planned in [*arrivals, *[(6, 6, False)] * 20]:
        for _ in range(urgent):
            queue.add_request(CheckRequest(next(ids), urgent=True), "com")
        for _ in range(left_zone):
            queue.add_request(CheckRequest(next(ids), left_zone=True), "com")
        if planned:
            queue.add_planned("com", np.array([next(ids)]), np.full(1, 5.0))
        waits = queue.planned_count()
        request = queue.take_next_request(ordinary=True)
        since = since + 1 if waits and request is not None and (request.urgent or request.left_zone) else 0
        assert since < SHARE**2
