"""Results of single checks and of sweeps: what is published, what is posted, and what waits."""

from __future__ import annotations

import json

import numpy as np
import pytest

from common.core.model.evidence import Observation, Outcome, unknown_reading
from common.core.model.states import State
from common.core.outbox.announcer import PENDING_AT_ONCE
from common.core.parsers.dns_fast import DELEGATED, NXDOMAIN
from tests.core.outbox.told import NOW, Outbox, answer

# -- results of single checks --------------------------------------------------------------------------------------------


def test_a_check_result_is_published_and_posted_in_the_same_words() -> None:
    """Six values by the names of the contract; the delivery is numbered by its time."""
    outbox = Outbox()
    entry, seen = outbox.load_name(), answer(Outcome.REGISTERED, registrar="R", statuses=("active",))
    outbox.announcer.tell_result(entry, seen, NOW, changed=True)
    ((topic, content),) = outbox.take_maps()
    (row,) = outbox.take_transaction().deliveries
    posted = json.loads(row.body)

    assert topic == "result.rdap.n0.com"
    assert {name: content[name] for name in posted} == posted
    assert list(posted) == ["domain", "check_type", "result", "timestamp", "details", "duration_ms"]
    assert (posted["result"], posted["timestamp"], posted["duration_ms"]) == ("registered", NOW, 12.35)
    assert (posted["details"]["registrar"], posted["details"]["statuses"], posted["details"]["phase"]) == (
        "R",
        ["active"],
        "active",
    )
    assert (row.lane, row.domain, row.order, row.next_at) == ("result", "n0.com", int(NOW * 1000), NOW)


@pytest.mark.parametrize(
    ("callbacks", "results", "posted"),
    [(True, "all", [True, False]), (True, "changes", [True]), (True, "none", []), (False, "all", [])],
)
def test_results_are_posted_as_configured_and_always_published(callbacks: bool, results: str, posted: list[bool]) -> None:
    """All of them, those with another outcome than before, or none; none without a URL."""
    outbox = Outbox(callbacks=callbacks, results=results)
    entry = outbox.load_name()
    for changed in (True, False):
        outbox.announcer.tell_result(entry, answer(Outcome.REGISTERED), NOW, changed=changed)

    assert len(outbox.take_maps()) == 2
    assert len(outbox.take_transaction().deliveries) == len(posted)


@pytest.mark.parametrize(
    ("state", "outcome", "word"),
    [
        (State.AVAILABLE, Outcome.UNREGISTERED, "available"),
        (State.PENDING_DELETE, Outcome.UNREGISTERED, "unregistered"),
        (State.UNREGISTERED, Outcome.UNREGISTERED, "unregistered"),
        (State.AVAILABLE, Outcome.REGISTERED, "registered"),
    ],
)
def test_one_source_alone_never_says_available(state: State, outcome: Outcome, word: str) -> None:
    """Its denial is called that only once the verdict is."""
    outbox = Outbox()
    outbox.announcer.tell_result(outbox.load_name(state), answer(outcome), NOW, changed=True)

    assert outbox.take_maps()[0][1]["result"] == word


def test_a_result_that_proves_nothing_is_told_with_its_reason() -> None:
    """As unknown."""
    outbox = Outbox()
    outbox.announcer.tell_result(
        outbox.load_name(), Observation("whois", unknown_reading("whois_timeout", "no answer")), NOW, changed=False
    )
    content = outbox.take_maps()[0][1]

    assert (content["result"], content["details"]["finding"], content["details"]["reason"]) == (
        "unknown",
        "whois_timeout",
        "no answer",
    )


# -- results of sweeps ---------------------------------------------------------------------------------------------------


def test_the_results_of_a_sweep_are_published_with_numbers_that_show_a_gap() -> None:
    """One map a name, built only where something reads them; the server is the suffix where none is named."""
    outbox = Outbox(results="none", names=3)
    outbox.note_looks(DELEGATED, 0, 2)
    outbox.note_looks(NXDOMAIN, 1)
    outbox.announcer.tell_sweep(outbox.ids, "", np.ones(3, np.bool_), NOW)
    outbox.announcer.tell_result(outbox.load_name(), answer(Outcome.REGISTERED), NOW, changed=True)
    maps = outbox.take_maps()

    assert [(topic, content["seq"], content["result"]) for topic, content in maps] == [
        ("result.dns.n0.com", 1, "registered"),
        ("result.dns.n1.com", 2, "unregistered"),
        ("result.dns.n2.com", 3, "registered"),
        ("result.rdap.n0.com", 4, "registered"),
    ]
    assert maps[0][1]["details"]["server"] == "com"


@pytest.mark.parametrize(("results", "pending"), [("all", [0, 1, 2]), ("changes", [1]), ("none", [])])
def test_results_of_a_sweep_are_pending_as_configured(results: str, pending: list[int]) -> None:
    """One bit a name, whatever the size of the list."""
    outbox = Outbox(results=results, names=3)
    outbox.note_looks(DELEGATED, 0, 1, 2)
    outbox.announcer.tell_sweep(outbox.ids, "", np.array([False, True, False]), NOW)

    assert outbox.pending_ids() == pending


def test_a_newer_result_of_a_sweep_takes_the_place_of_a_pending_one() -> None:
    """That is counted; what is posted in the end is the newest."""
    outbox = Outbox(names=2)
    for code in (DELEGATED, NXDOMAIN):
        outbox.note_looks(code, 0, 1)
        outbox.announcer.tell_sweep(outbox.ids, "", np.ones(2, np.bool_), NOW)
    outbox.announcer.flush_pending(NOW + 5.0)
    bodies = [json.loads(row.body) for row in outbox.take_transaction().deliveries]

    assert outbox.telemetry.metrics.sum_counter("results_coalesced", ()) == {"": 2}
    assert [(body["domain"], body["result"], body["timestamp"]) for body in bodies] == [
        ("n0.com", "unregistered", NOW),
        ("n1.com", "unregistered", NOW),
    ]
    assert outbox.pending_ids() == []


def test_pending_results_become_deliveries_in_turn_and_only_as_many_as_keep_the_lane_short() -> None:
    """Those that come first in the table do not hold up the others for ever."""
    outbox = Outbox(names=PENDING_AT_ONCE + 10)
    outbox.note_looks(DELEGATED, *outbox.ids.tolist())
    outbox.announcer.tell_sweep(outbox.ids, "", np.ones(len(outbox.ids), np.bool_), NOW)
    outbox.announcer.flush_pending(NOW)
    outbox.announcer.flush_pending(NOW)  # what is planned already leaves no room
    first = outbox.take_transaction().deliveries
    assert len(first) == PENDING_AT_ONCE
    assert outbox.pending_ids() == list(range(PENDING_AT_ONCE, PENDING_AT_ONCE + 10))

    outbox.announcer.tell_sweep(outbox.ids[:5], "", np.ones(5, np.bool_), NOW)
    outbox.announcer.flush_pending(NOW)
    assert [row.domain for row in outbox.take_transaction().deliveries] == [
        f"n{n}.com" for n in range(PENDING_AT_ONCE, PENDING_AT_ONCE + 10)
    ]
    outbox.announcer.flush_pending(NOW)
    assert [row.domain for row in outbox.take_transaction().deliveries] == [f"n{n}.com" for n in range(5)]


def test_a_lane_that_is_more_than_half_full_takes_no_pending_results() -> None:
    """They stay pending until the endpoint has caught up."""
    outbox = Outbox(names=2)
    outbox.note_looks(DELEGATED, 0, 1)
    outbox.announcer.tell_sweep(outbox.ids, "", np.ones(2, np.bool_), NOW)
    entry = outbox.load_name()
    for number in range(PENDING_AT_ONCE // 2 + 1):
        outbox.announcer.tell_result(entry, answer(Outcome.REGISTERED), NOW + number, changed=True)
    outbox.announcer.flush_pending(NOW)

    assert outbox.pending_ids() == [0, 1]


def test_a_pending_result_without_a_plain_answer_behind_it_is_dropped() -> None:
    """A single check has taken its place, and told its own."""
    outbox = Outbox(names=2)
    outbox.note_looks(DELEGATED, 1)
    outbox.announcer.tell_sweep(outbox.ids, "", np.ones(2, np.bool_), NOW)
    outbox.announcer.flush_pending(NOW)

    assert [row.domain for row in outbox.take_transaction().deliveries] == ["n1.com"]
    assert outbox.pending_ids() == []


def test_where_results_are_not_wanted_any_more_pending_ones_are_not_posted() -> None:
    """Those that an earlier run left pending stay so."""
    outbox = Outbox(results="none", names=2)
    outbox.note_looks(DELEGATED, 0, 1)
    outbox.domains.table.pending[outbox.ids] = 1
    outbox.announcer.flush_pending(NOW)

    assert outbox.domains.journal.planned_deliveries() == 0
    assert outbox.pending_ids() == [0, 1]
