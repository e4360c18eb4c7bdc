"""The one place where a verdict is taken: the state, what is announced of it, and what is recorded."""

from __future__ import annotations

from datetime import UTC, datetime

from common.core.audit.audit import NAMED
from common.core.domains.domain_table import STATE_CODES
from common.core.lifecycle.forecast import DAY
from common.core.lifecycle.scores import Ended
from common.core.model.entry import Entry
from common.core.model.evidence import Fields, Observation, Outcome, Phase, Reading
from common.core.model.states import State
from common.core.trust.outcomes import CanaryOutcome, Reconsidered
from common.core.verdict.learning import learn_from_answer
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


def deleting(phase: Phase, **fields: str) -> Observation:
    """The registry's record of a name in a phase, or of a healthy one."""
    reading = Reading(Outcome.REGISTERED, "rdap_200_match", "found", phase, Fields(**fields))
    return Observation("rdap", reading, server="rdap.com.test")


def show(room: ChecksRoom, entry: Entry, at: float, phase: Phase, **fields: str) -> list[str]:
    """The registry shows this record, the verdict is taken; the kinds of events that this caused."""
    entry.note_observation(deleting(phase, **fields), at)
    learn_from_answer(entry, "rdap", Outcome.REGISTERED, at)
    room.conclusions.take_verdict(entry, at)
    changes = room.domains.journal.begin_transaction(at)
    room.domains.journal.end_transaction()
    return [event.kind for event in changes.events] if changes is not None else []


def counted(room: ChecksRoom) -> dict[str, float]:
    """How forecasts ended, by the metrics."""
    rows = room.telemetry.metrics.snapshot()["counters"]
    return {row[1]["result"]: row[2] for row in rows if row[0] == "forecasts"}


def test_a_deletion_is_told_step_by_step_and_its_restore_scores_the_forecast() -> None:
    """Redemption, pending delete, restored: each once."""
    room = ChecksRoom()
    entry = room.load("a.com")
    assert show(room, entry, NOW, Phase.ACTIVE, expires_at="2026-01-01") == ["expired_grace"]
    assert show(room, entry, NOW + 60, Phase.REDEMPTION) == ["redemption"]
    assert show(room, entry, NOW + 30 * DAY, Phase.PENDING_DELETE) == ["pending_delete"]
    assert entry.drop is not None
    assert show(room, entry, NOW + 31 * DAY, Phase.ACTIVE) == ["restored"]

    assert entry.drop is None
    assert counted(room) == {"stayed": 1}
    assert room.domains.calendar.scores.suffixes["com"].scored == 1


def test_a_renewal_is_told_once_and_scored_once() -> None:
    """The name was about to expire."""
    room = ChecksRoom()
    entry = room.load("a.com")
    assert show(room, entry, NOW, Phase.ACTIVE, expires_at=_day(NOW + 9 * DAY), registrar="Old") == []
    assert entry.drop is not None
    later = _day(NOW + 374 * DAY)
    assert show(room, entry, NOW + 60, Phase.ACTIVE, expires_at=later, registrar="New") == ["renewed"]
    assert (entry.detail.transferred_from, entry.detail.renewed_to) == ("", entry.detail.expires_epoch)
    assert show(room, entry, NOW + 120, Phase.ACTIVE, expires_at=later, registrar="New") == []

    assert counted(room) == {"stayed": 1}


def test_a_window_that_passed_is_told_and_scored_once() -> None:
    """A day after its end."""
    room = ChecksRoom()
    entry = room.load("a.com")
    show(room, entry, NOW, Phase.REDEMPTION)
    show(room, entry, NOW + 60, Phase.PENDING_DELETE)
    assert entry.drop is not None
    end = entry.drop.latest + DAY
    assert show(room, entry, end, Phase.PENDING_DELETE) == []
    assert show(room, entry, end + 1, Phase.PENDING_DELETE) == ["forecast_missed"]
    assert show(room, entry, end + 61, Phase.PENDING_DELETE) == []

    assert counted(room) == {"missed": 1}
    assert room.domains.calendar.scores.suffixes["com"].missed == 1


def test_errors_of_forecasts_are_counted_by_suffix_the_first_of_them() -> None:
    """The others share a series: there may be hundreds."""
    room, count = ChecksRoom(), NAMED + 1
    for number in range(count):
        room.audit.count_forecast(f"s{number}", Ended("inside", 0.25, 9.0))
    room.audit.count_forecast("s0", Ended("outside", None, 1.0))
    room.audit.count_forecast("s0", Ended("stayed", 0.5))
    room.audit.count_forecast("s0", None)
    rows = room.telemetry.metrics.snapshot()["counters"]
    sums = {(row[0], row[1].get("suffix")): row[2] for row in rows if row[0].startswith("forecast")}

    assert counted(room) == {"inside": count, "outside": 1, "stayed": 1}
    assert sums["forecasts_scored", "s0"] == 2
    assert sums["forecast_brier_sum", "s0"] == 0.75
    assert sums["forecast_drops", "s0"] == 2
    assert sums["forecast_error_seconds", "s0"] == 10.0
    assert sums["forecast_drops", "other"] == 1
    assert ("forecast_drops", f"s{NAMED}") not in sums


def _day(at: float) -> str:
    """The day as records write it."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")


def test_the_answer_to_a_canary_takes_verdicts_again() -> None:
    """Of the names that waited for it, with the evidence that is left."""
    room = ChecksRoom()
    entry = room.load("a.com")
    entry.note_observation(FOUND, NOW)
    outcome = CanaryOutcome()
    outcome.reconsidered.append(Reconsidered(entry, NOW, {}, ""))
    room.conclusions.apply_canary_outcome(outcome, NOW + 1)

    assert entry.state is State.REGISTERED
