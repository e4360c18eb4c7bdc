"""What is put on record with a transaction, and when counts of right and wrong answers are written."""

from __future__ import annotations

from common.codec import convert, decode_map
from common.core.audit.audit import WRITE_EVERY, Audit
from common.core.audit.ledger import NO_CAUSE, PASS, Cause, LedgerEntry
from common.core.model.entry import Entry
from common.core.model.evidence import Fields, Observation, Outcome, Reading
from common.core.model.records import Changes, EventRow
from common.core.model.states import State
from common.core.trust.outcomes import Failure, Settled
from common.core.verdict.assessor import Assessment, Assessor
from tests.core.trust.trust_rooms import NOW, RDAP, WHOIS, TrustRooms, answer_of


def audited(rooms: TrustRooms) -> Audit:
    """The room's door with what it needs."""
    return Audit(rooms.trust, rooms.domains.journal, rooms.telemetry, NOW)


def assess(rooms: TrustRooms, entry: Entry) -> Assessment:
    """The assessment of a name."""
    assessor = Assessor(rooms.registries, rooms.channels, rooms.trust, rooms.conditions, rooms.domains.cadence)
    return assessor.assess_evidence(entry, NOW)


def denied_name(rooms: TrustRooms) -> Entry:
    """A loaded name in pending delete that RDAP denies."""
    entry = rooms.load_name("gone.com")
    entry.state = State.PENDING_DELETE
    entry.note_observation(answer_of(RDAP, Outcome.UNREGISTERED), NOW)
    return entry


def written(rooms: TrustRooms) -> Changes:
    """The next transaction."""
    return rooms.domains.journal.begin_transaction(NOW) or Changes()


def alarms(audit: Audit) -> dict[str, int]:
    """How the alarms stand."""
    shown = audit.accuracy.to_plain()["alarms"]
    return {what: shown[what] for what in ("announced", "confirmed", "retracted") if shown[what]}


def contradicted(audit: Audit) -> dict[str, int]:
    """Wrong answers by method."""
    return {row["method"]: row["contradicted"] for row in audit.accuracy.to_plain()["methods"]}


def test_a_verdict_worth_an_entry_is_written_with_the_row_of_its_name() -> None:
    """In one transaction, so that no crash can leave the one without the other."""
    rooms = TrustRooms()
    entry = denied_name(rooms)
    audited(rooms).record_verdict(entry, assess(rooms, entry), entry.state, None, Cause(PASS), NOW)
    changes = written(rooms)
    (row,) = changes.ledger

    assert (row.domain, row.at, row.kind, row.state, row.positive) == ("gone.com", NOW, "pass", "PENDING_DELETE", True)
    assert convert(decode_map(row.body), LedgerEntry).kind == "pass"
    assert [written_row.name for written_row in changes.domains] == ["gone.com"]


def test_a_verdict_that_changes_nothing_leaves_no_entry() -> None:
    """Nor is the row of its name written for that."""
    rooms = TrustRooms()
    entry = denied_name(rooms)
    audited(rooms).record_verdict(entry, assess(rooms, entry), entry.state, None, NO_CAUSE, NOW)

    assert written(rooms).is_empty()


def test_failed_canaries_count_at_once_unless_the_canary_is_in_doubt() -> None:
    """Then they count once the other side has said that it is there, and not at all where it is gone."""
    rooms = TrustRooms()
    audit, dropped = audited(rooms), {"rdap": denied_name(rooms).detail.evidence["rdap"]}
    audit.count_failures([Failure(RDAP, {}, doubted=True), Failure(RDAP, dropped, doubted=True)], NOW)
    audit.count_failures([Failure(WHOIS, {}, doubted=True)], NOW)
    assert contradicted(audit) == {}

    audit.count_settled([Settled(RDAP, wrong=True), Settled(WHOIS, wrong=False)], NOW)
    assert contradicted(audit) == {"rdap": 2}
    audit.count_failures([Failure(WHOIS, {}, doubted=False)], NOW)
    assert contradicted(audit) == {"rdap": 2, "whois": 1}


def test_an_alarm_is_announced_once_and_then_confirmed_or_retracted() -> None:
    """Another price is no other alarm; a name that had its owner all along was wrongly denied by what spoke for the alarm."""
    rooms = TrustRooms()
    audit, entry = audited(rooms), denied_name(rooms)
    audit.count_event_kind(entry, None, None, (), NOW)
    audit.count_event_kind(entry, "available", None, ("rdap",), NOW)
    audit.count_event_kind(entry, "available_premium", NOW, ("rdap",), NOW)
    assert (alarms(audit), contradicted(audit)) == ({"announced": 1}, {})
    assert entry.detail.alarmed_by == (("rdap", RDAP.server),)

    entry.state = State.REGISTERED
    audit.count_event_kind(entry, "retracted", NOW, (), NOW + 60.0)
    assert (alarms(audit), contradicted(audit)) == ({"announced": 1, "retracted": 1}, {"rdap": 1})
    assert entry.detail.alarmed_by == ()


def test_a_younger_registration_confirms_an_alarm() -> None:
    """The record from after the alarm shows a creation date that is not older; an older one confirms nothing."""
    rooms = TrustRooms()
    audit, entry = audited(rooms), denied_name(rooms)
    for created, confirmed in (("2020-01-01", {}), ("2026-09-21T14:15:00Z", {"confirmed": 1})):
        record = Reading(Outcome.REGISTERED, "rdap_200_match", "found", fields=Fields(created_at=created))
        entry.note_observation(Observation("rdap", record, server=RDAP.server), NOW + 120.0)
        audit.count_event_kind(entry, "registered", NOW, (), NOW + 120.0)
        assert alarms(audit) == confirmed


def test_counts_are_written_once_a_minute_and_with_the_transaction_of_an_event() -> None:
    """Also when the coordinator stops; counts that did not change are not written."""
    rooms = TrustRooms()
    audit, journal = audited(rooms), rooms.domains.journal
    audit.write_counts(NOW + WRITE_EVERY, last=False)
    assert written(rooms).is_empty()

    writes = []
    for now, last in ((NOW + 1.0, False), (NOW + WRITE_EVERY, False), (NOW + WRITE_EVERY + 1.0, False), (NOW + 62.0, True)):
        audit.count_failures([Failure(RDAP, {}, doubted=False)], now)
        audit.write_counts(now, last=last)
        writes.append("accuracy" in written(rooms).meta)
        journal.end_transaction()
    assert writes == [False, True, False, True]

    audit.count_failures([Failure(RDAP, {}, doubted=False)], NOW + 63.0)
    journal.add_event(EventRow(1, "e", "gone.com", 1, "available", NOW + 63.0, b"{}"))
    audit.write_counts(NOW + 63.0, last=False)
    assert "accuracy" in written(rooms).meta
