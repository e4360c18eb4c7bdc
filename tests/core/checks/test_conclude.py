"""The one place where a verdict is taken: the state, what is announced of it, and what is recorded."""

from __future__ import annotations

from common.core.domains.domain_table import STATE_CODES
from common.core.model.evidence import Observation, Outcome, Reading
from common.core.model.states import State
from common.core.trust.outcomes import CanaryOutcome, Reconsidered
from tests.core.checks.checks_room import NOW, ChecksRoom

FOUND = Observation("rdap", Reading(Outcome.REGISTERED, "rdap_200_match", "found"), server="rdap.com.test")
RESERVED = Observation("whois", Reading(Outcome.RESERVED, "whois_reserved", "reserved"), server="whois.com.test")


def test_a_change_of_state_is_counted_and_recorded_once() -> None:
    """The same verdict again writes no second ledger entry."""
    room = ChecksRoom()
    entry = room.load("a.com")
    entry.note_observation(FOUND, NOW)
    made = room.conclusions.take_verdict(entry, NOW)
    room.conclusions.take_verdict(entry, NOW + 1)
    room.domains.journal.plan_transaction(NOW + 1, last=True)
    changes = room.domains.journal.begin_transaction(NOW + 1)

    assert made.verdict.state is entry.state is State.REGISTERED
    assert entry.since == NOW
    assert room.domains.by_state == {"UNKNOWN": 0, "REGISTERED": 1}
    assert changes is not None
    assert len(changes.ledger) == 1


def test_a_first_delegation_is_a_state_and_no_event() -> None:
    """Thousands of names of a new list are registered; nothing is announced of them."""
    room = ChecksRoom()
    ids = room.watch("a.com", "b.com")
    room.conclusions.note_first_delegations(ids, NOW)

    assert set(room.domains.table.state[ids].tolist()) == {STATE_CODES[State.REGISTERED]}
    assert room.domains.by_state["REGISTERED"] == 2
    assert not room.domains.journal.has_events()


def test_a_name_that_dropped_has_no_forecast_any_more() -> None:
    """There is nothing left to forecast."""
    room = ChecksRoom()
    entry = room.load("a.com")
    entry.detail.forecast_reason = "its redemption period ends"
    entry.note_observation(RESERVED, NOW)
    room.conclusions.take_verdict(entry, NOW)

    assert entry.state is State.RESERVED
    assert (entry.drop, entry.detail.forecast_reason) == (None, "")


def test_the_answer_to_a_canary_takes_verdicts_again() -> None:
    """Of the names that waited for it, with the evidence that is left."""
    room = ChecksRoom()
    entry = room.load("a.com")
    entry.note_observation(FOUND, NOW)
    outcome = CanaryOutcome()
    outcome.reconsidered.append(Reconsidered(entry, NOW, {}, ""))
    room.conclusions.apply_canary_outcome(outcome, NOW + 1)

    assert entry.state is State.REGISTERED
