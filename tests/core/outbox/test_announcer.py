"""From verdicts and answers to what is told: events with frozen bodies, their deliveries, check results, maps on the feed."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from common.codec import encode
from common.core.domains.domains import Domains
from common.core.model.effects import Effects, LogLine, Publish, PublishMany
from common.core.model.entry import Entry
from common.core.model.evidence import Fields, Observation, Outcome, Phase, Reading, unknown_reading
from common.core.model.ids import Ids
from common.core.model.records import Changes, Detail
from common.core.model.states import ANNOUNCED, OWNED, State
from common.core.model.verdict import NO_NEWS, Verdict
from common.core.outbox.announcer import PENDING_AT_ONCE, Announcer
from common.core.outbox.callback_bodies import event_id
from common.core.outbox.deliveries import Deliveries
from common.core.outbox.feed_publisher import FeedPublisher
from common.core.parsers.dns_fast import DELEGATED, NXDOMAIN
from common.core.schedule.cadence import Cadence
from common.core.telemetry.telemetry import Telemetry

NOW = 1_790_000_000.0  # 2026-09-21T14:13:20Z
CONFIRMED = "not registered, confirmed in separate passes by independent sources"


class Outbox:
    """The announcer with what it needs: names of .com, deliveries, a feed and telemetry."""

    def __init__(self, *, callbacks: bool = True, results: str = "all", names: int = 1) -> None:
        self.effects = Effects()
        self.telemetry = Telemetry(self.effects, NOW)
        self.domains = Domains(Cadence(600.0, 60.0, 30.0, 2.0), encode, NOW)
        self.deliveries = Deliveries()
        feed = FeedPublisher(self.effects, "test")
        self.announcer = Announcer(self.domains, self.deliveries, feed, self.telemetry, callbacks=callbacks, results=results)
        listed = [f"n{number}.com" for number in range(names)]
        self.ids: Ids = self.domains.table.add_names(listed, ["com"] * names)

    def load_name(self, state: State = State.UNKNOWN) -> Entry:
        """The first name, loaded, in a state since an hour ago."""
        entry = self.domains.load_name(0, Detail(), NOW)
        entry.state, entry.since, entry.watched = state, NOW - 3600.0, True
        self.domains.count_state(None, state)
        return entry

    def tell(self, entry: Entry, state: State, now: float = NOW, reason: str = "a reason") -> str | None:
        """Take a verdict over; the kind of its event."""
        return self.announcer.apply_verdict(entry, Verdict(state, 0.9, 0.99, 0.97, reason), now)

    def take_transaction(self) -> Changes:
        """What the next transaction writes."""
        changes = self.domains.journal.begin_transaction(NOW) or Changes()
        self.domains.journal.end_transaction()
        return changes

    def take_maps(self) -> list[tuple[str, dict[str, Any]]]:
        """Topics and maps that were published."""
        found: list[tuple[str, dict[str, Any]]] = []
        for effect in self.effects.take_planned():
            if isinstance(effect, Publish):
                found.append((effect.topic, effect.build()))
            elif isinstance(effect, PublishMany):
                found.extend(effect.build())
        return found

    def note_looks(self, code: int, *ids: int) -> None:
        """A sweep found this of names."""
        chosen = np.array(ids, np.int64)
        codes, addresses = np.full(len(ids), code, np.uint8), np.zeros(len(ids), np.uint16)
        self.domains.table.note_look(chosen, codes, addresses, 7, NOW)

    def pending_ids(self) -> list[int]:
        """The names with a result that is pending."""
        return np.flatnonzero(self.domains.table.pending[: len(self.domains.table)]).tolist()


def answer(outcome: Outcome, method: str = "rdap", **fields: Any) -> Observation:
    """An answer of a server that took 12.345 ms."""
    reading = Reading(
        outcome, f"{method}_x", "so it says", Phase.ACTIVE if outcome is Outcome.REGISTERED else None, Fields(**fields)
    )
    return Observation(method, reading, server=f"{method}.com.test", duration_ms=12.345)


def body_of(changes: Changes) -> dict[str, Any]:
    """The body of the one event."""
    (event,) = changes.events
    body: dict[str, Any] = json.loads(event.body)
    return body


# -- which changes are events --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", sorted(set(State) - {State.UNKNOWN, State.REGISTERED}))
def test_a_change_to_another_state_is_an_event_of_its_name(state: State) -> None:
    """From a name that was registered."""
    outbox = Outbox()

    assert outbox.tell(outbox.load_name(State.REGISTERED), state) == state.value.lower()


@pytest.mark.parametrize(("before", "state"), [(State.UNKNOWN, State.REGISTERED), (State.REGISTERED, State.UNKNOWN)])
def test_a_first_look_at_a_registered_name_is_no_event_nor_is_a_return_to_unknown(before: State, state: State) -> None:
    """The state is written all the same, and counted."""
    outbox = Outbox()
    entry = outbox.load_name(before)
    assert outbox.tell(entry, state) is None
    changes = outbox.take_transaction()

    assert (entry.state, entry.since, entry.generation) == (state, NOW, 0)
    assert outbox.domains.by_state == {before: 0, state: 1}
    assert ([row.state for row in changes.domains], changes.events, changes.deliveries) == ([state.value], [], [])


@pytest.mark.parametrize("before", sorted(ANNOUNCED))
def test_an_announced_name_that_is_not_free_after_all_is_retracted(before: State) -> None:
    """Reserved, in a release procedure, or owned without a registration that is younger than the alarm."""
    for state in (State.RESERVED, State.DROPPING, *OWNED):
        outbox = Outbox()
        entry = outbox.load_name(before)
        entry.detail.alarmed_at = NOW - 3600.0
        assert outbox.tell(entry, state) == "retracted"


def test_a_change_between_announced_states_is_no_retraction() -> None:
    """The name is still free to take, at another price."""
    outbox = Outbox()

    assert outbox.tell(outbox.load_name(State.AVAILABLE), State.AVAILABLE_PREMIUM) == "available_premium"


@pytest.mark.parametrize(
    ("created", "seen_at", "kind"),
    [
        ("2026-09-21T14:13:20Z", NOW + 60.0, "registered"),
        ("2026-09-20T14:13:21Z", NOW + 60.0, "registered"),  # within a day: some registries give only that
        ("2026-09-20T14:13:19Z", NOW + 60.0, "retracted"),
        (None, NOW + 60.0, "registered"),
        ("2026-09-21T15:00:00Z", NOW, "retracted"),  # seen before the alarm: no news of a registration
    ],
)
def test_a_registration_younger_than_the_alarm_is_a_catch_and_an_older_one_a_mistake(
    created: str | None, seen_at: float, kind: str
) -> None:
    """By the creation date of the record, which has to have been seen since."""
    outbox = Outbox()
    entry = outbox.load_name(State.AVAILABLE)
    entry.detail.alarmed_at = NOW
    entry.note_observation(answer(Outcome.REGISTERED, created_at=created), seen_at)
    entry.detail.fields = entry.detail.evidence["rdap"].observation.reading.fields

    assert outbox.tell(entry, State.REGISTERED, NOW + 60.0) == kind


def test_a_catch_that_only_the_zone_shows_is_registered_whatever_the_old_record_says() -> None:
    """That record is of the holder before."""
    outbox = Outbox()
    entry = outbox.load_name(State.AVAILABLE)
    entry.detail.alarmed_at, entry.detail.fields = NOW, Fields(created_at="2001-01-01")
    entry.note_observation(answer(Outcome.REGISTERED), NOW - 4000.0)
    entry.note_observation(answer(Outcome.REGISTERED, "dns"), NOW + 60.0)

    assert outbox.tell(entry, State.REGISTERED, NOW + 60.0) == "registered"


def test_an_alarm_that_ends_because_a_server_lied_is_retracted() -> None:
    """The zone saw the name last before the alarm: that is no news of a registration."""
    outbox = Outbox()
    entry = outbox.load_name(State.AVAILABLE)
    entry.detail.alarmed_at = NOW - 60.0
    entry.note_observation(answer(Outcome.REGISTERED, "dns"), NOW - 4000.0)

    assert outbox.tell(entry, State.REGISTERED) == "retracted"


def test_an_alarm_is_remembered_until_it_is_taken_back_or_ends() -> None:
    """UNREGISTERED neither raises nor ends one."""
    outbox, seen = Outbox(), []
    entry = outbox.load_name(State.PENDING_DELETE)
    for number, state in enumerate(
        (State.UNREGISTERED, State.AVAILABLE, State.UNREGISTERED, State.AVAILABLE_PREMIUM, State.RESERVED)
    ):
        outbox.tell(entry, state, NOW + number)
        seen.append(entry.detail.alarmed_at)

    assert seen == [None, NOW + 1, NOW + 1, NOW + 3, None]


# -- events and their deliveries -----------------------------------------------------------------------------------------


def test_state_event_and_delivery_are_written_in_one_transaction_and_nothing_is_published_before() -> None:
    """With the same id and the same body; the row of the name has the new state."""
    outbox = Outbox()
    entry = outbox.load_name(State.PENDING_DELETE)
    outbox.tell(entry, State.AVAILABLE)
    assert outbox.take_maps() == []
    changes = outbox.take_transaction()
    (event,), (delivery,), (row,) = changes.events, changes.deliveries, changes.domains

    assert (event.id, event.seq, event.generation, event.kind) == (event_id("n0.com", 1, "available"), 1, 1, "available")
    assert (delivery.id, delivery.lane, delivery.order, delivery.body) == (event.id, "notice", event.seq, event.body)
    assert (delivery.domain, delivery.state, delivery.next_at) == ("n0.com", "pending", NOW)
    assert (row.state, row.generation, row.since, row.confidence) == ("AVAILABLE", 1, NOW, 0.9)


def test_without_a_url_there_is_an_event_and_no_delivery() -> None:
    """The feed tells it all the same."""
    outbox = Outbox(callbacks=False)
    outbox.tell(outbox.load_name(State.PENDING_DELETE), State.AVAILABLE)
    changes = outbox.take_transaction()

    assert (len(changes.events), changes.deliveries) == (1, [])


def test_the_body_of_a_notice_says_what_changed_why_and_what_it_rests_on() -> None:
    """Every method with what it said, where, when, and whether its server was verified."""
    outbox = Outbox()
    entry = outbox.load_name(State.PENDING_DELETE)
    entry.detail.basis = "sources"
    entry.note_observation(answer(Outcome.UNREGISTERED), NOW)
    outbox.tell(entry, State.AVAILABLE, reason=CONFIRMED)
    body = body_of(outbox.take_transaction())
    said = body.pop("checks")["checks"]["rdap"]

    assert body == {
        "domain": "n0.com",
        "status": "available",
        "confidence": 0.9,
        "timestamp": NOW,
        "basis": "sources",
        "generation": 1,
        "id": event_id("n0.com", 1, "available"),
        "p_unregistered": 0.99,
        "previous": "PENDING_DELETE",
        "reason": CONFIRMED,
        "seq": 1,
        "state": "AVAILABLE",
    }
    assert (said["result"], said["server"], said["timestamp"]) == ("unregistered", "rdap.com.test", NOW)
    assert (said["duration_ms"], said["canary"]) == (12.35, None)


def test_only_a_notice_that_a_name_is_free_says_what_it_rests_on() -> None:
    """Others rest on the record they name."""
    outbox = Outbox()
    outbox.tell(outbox.load_name(State.REGISTERED), State.PENDING_DELETE)

    assert "basis" not in body_of(outbox.take_transaction())


def test_a_catch_tells_the_registrar_and_how_long_the_name_was_free() -> None:
    """The alarm before it is known."""
    outbox = Outbox()
    entry = outbox.load_name(State.AVAILABLE)
    entry.detail.alarmed_at, entry.detail.fields = NOW, Fields(registrar="Catcher Inc.", created_at="2026-09-21T14:14:00Z")
    entry.note_observation(answer(Outcome.REGISTERED), NOW + 61.27)
    outbox.tell(entry, State.REGISTERED, NOW + 61.27)
    body = body_of(outbox.take_transaction())

    assert (body["status"], body["registrar"], body["seconds_since_available"]) == ("registered", "Catcher Inc.", 61.3)


def test_events_are_numbered_by_name_and_in_all() -> None:
    """Generation and sequence; equal kinds of different generations have different ids."""
    outbox = Outbox()
    entry = outbox.load_name(State.PENDING_DELETE)
    for state in (State.AVAILABLE, State.RESERVED, State.AVAILABLE):
        outbox.tell(entry, state)
    events = outbox.take_transaction().events

    assert [(event.seq, event.generation, event.kind) for event in events] == [
        (1, 1, "available"),
        (2, 2, "retracted"),
        (3, 3, "available"),
    ]
    assert len({event.id for event in events}) == 3


def test_an_event_is_logged_and_counted() -> None:
    """By its kind; the line names both states and the reason."""
    outbox = Outbox()
    outbox.tell(outbox.load_name(State.PENDING_DELETE), State.AVAILABLE, reason=CONFIRMED)
    (line,) = [effect for effect in outbox.effects.take_planned() if isinstance(effect, LogLine)]

    assert (line.level, line.event) == ("info", "state_changed")
    assert line.fields == {
        "domain": "n0.com",
        "state": "AVAILABLE",
        "previous": "PENDING_DELETE",
        "kind": "available",
        "confidence": 0.9,
        "reason": CONFIRMED,
    }
    assert outbox.telemetry.metrics.sum_counter("events", ("kind",)) == {"available": 1}


def test_a_durable_event_is_published_under_its_state_and_an_available_one_under_a_topic_of_its_own() -> None:
    """The same event with the same number under both."""
    outbox = Outbox()
    entry = outbox.load_name(State.PENDING_DELETE)
    outbox.tell(entry, State.AVAILABLE)
    outbox.tell(entry, State.RESERVED)
    events = outbox.take_transaction().events
    outbox.effects.take_planned()
    for event in events:
        outbox.announcer.publish_event(event)
    maps = outbox.take_maps()

    assert [topic for topic, _ in maps] == ["state.n0.com", "available.n0.com", "state.n0.com"]
    assert [content["seq"] for _, content in maps] == [1, 1, 2]
    assert maps[0][1] == {
        "v": 1,
        "seq": 1,
        "type": "event",
        "ts": NOW,
        "instance": "test",
        "event": json.loads(events[0].body),
        "id": events[0].id,
        "domain": "n0.com",
        "kind": "available",
    }


# -- reasons -------------------------------------------------------------------------------------------------------------


def test_a_verdict_without_a_change_updates_confidence_and_reason_and_writes_the_row_later() -> None:
    """No event, no transaction of its own."""
    outbox = Outbox()
    entry = outbox.load_name(State.REGISTERED)

    assert outbox.tell(entry, State.REGISTERED, reason="found") is None
    assert (entry.confidence, entry.detail.reason, entry.since) == (0.9, "found", NOW - 3600.0)
    assert outbox.take_transaction().is_empty()
    assert outbox.domains.journal.is_unwritten(entry)


def test_an_announced_name_keeps_the_reason_it_was_announced_for() -> None:
    """A newer check sees fewer positives at a time; what it says stands beside it and takes nothing away."""
    outbox = Outbox()
    entry = outbox.load_name(State.PENDING_DELETE)
    outbox.tell(entry, State.AVAILABLE, reason=CONFIRMED)
    outbox.tell(entry, State.AVAILABLE, reason="not found at the registry; still open: one gate")
    assert (entry.detail.reason, entry.detail.look) == (CONFIRMED, "not found at the registry; still open: one gate")

    outbox.tell(entry, State.REGISTERED, reason="found")
    assert (entry.detail.reason, entry.detail.look) == ("found", "")


def test_a_check_without_news_does_not_replace_the_reason() -> None:
    """The last proof of a registered name is still why it is registered; the next proof takes its place."""
    outbox = Outbox()
    entry = outbox.load_name(State.REGISTERED)
    for reason in ("found", NO_NEWS):
        outbox.tell(entry, State.REGISTERED, reason=reason)
    assert (entry.detail.reason, entry.detail.look) == ("found", NO_NEWS)

    outbox.tell(entry, State.REGISTERED, reason="delegated")
    assert (entry.detail.reason, entry.detail.look) == ("delegated", "")


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
