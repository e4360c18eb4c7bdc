"""Events get the numbers that the store gives them, wherever they are told."""

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from common.core.model.records import NOTICE, RESULT, Changes, DeliveryRow, EventRow
from common.core.outbox.callback_bodies import LIMIT, event_id, notice_body, number_in, renumber_body
from common.core.outbox.event_numbers import renumber_events

CHECKS = {"whois": {"b": [1, 2.5], "a": None}, "dns": {"excerpt": "ü\u2028"}}


def body(seq: int, name: str = "a.com", **extra: object) -> bytes:
    """The body of a notice."""
    return notice_body(name, "available", 0.95, 12.5, CHECKS, **{"id": "x", "seq": seq, "state": "AVAILABLE", **extra})


def event(seq: int, name: str) -> EventRow:
    """An event as a core records it."""
    return EventRow(seq, event_id(name, 1, "available"), name, 1, "available", 12.5, body(seq, name))


def notice(row: EventRow, **fields: object) -> DeliveryRow:
    """The callback of an event."""
    return DeliveryRow(**{"id": row.id, "lane": NOTICE, "domain": row.domain, "order": row.seq, "body": row.body, **fields})  # type: ignore[arg-type]  # fields by name


@given(st.integers(0, 1 << 62), st.integers(0, 1 << 62))
def test_a_body_with_another_number_is_as_if_it_had_been_built_with_it(before: int, after: int) -> None:
    """Byte for byte: nothing else of it changes."""
    assert renumber_body(body(before), after) == body(after)


@pytest.mark.parametrize("text", [b"", b"{", b"[7]", b"7", b'{"domain":"a.com"}', b"[" * 100_000])
def test_a_body_without_a_number_stays(text: bytes) -> None:
    """Whatever it is."""
    assert renumber_body(text, 5) == text


def test_a_body_that_grows_too_long_is_cut_further() -> None:
    """A longer number must not make a callback that cannot be sent."""
    padding = "p" * 3900
    extra = {f"k{number:02d}": padding for number in range(16)}
    room = LIMIT - len(body(1, **extra, last=""))
    tight = body(1, **extra, last="q" * room)
    assert len(tight) == LIMIT

    longer = renumber_body(tight, 123_456_789)

    assert len(longer) <= LIMIT
    told = json.loads(longer)
    assert told["seq"] == 123_456_789
    assert list(told) == list(json.loads(tight))
    assert list(told["checks"]) == ["timestamp", "checks"]


def test_events_are_numbered_in_their_order() -> None:
    """From the number that is given, with what tells of them."""
    first, second = event(4, "a.com"), event(5, "b.com")
    rows = [notice(second), notice(first)]
    changes = Changes(events=[first, second], deliveries=rows)

    renumber_events(changes, 70)

    assert [(row.seq, row.domain, json.loads(row.body)["seq"]) for row in changes.events] == [
        (70, "a.com", 70),
        (71, "b.com", 71),
    ]
    assert [(row.id, row.order) for row in changes.deliveries] == [(second.id, 71), (first.id, 70)]
    assert [row.body for row in changes.deliveries] == [changes.events[1].body, changes.events[0].body]
    assert all(kept is row for kept, row in zip(changes.deliveries, rows, strict=True))  # the core holds them too


def test_other_deliveries_stay_as_they_are() -> None:
    """A notice of an earlier event that made progress, and results."""
    now, earlier = event(4, "a.com"), event(3, "b.com")
    others = [notice(earlier, attempts=2), notice(now, lane=RESULT, order=1)]
    changes = Changes(events=[now], deliveries=copy.deepcopy(others))

    renumber_events(changes, 70)

    assert changes.deliveries == others


def test_numbering_once_more_leaves_only_the_last_number() -> None:
    """A transaction that was not written is tried again."""
    once, twice = (Changes(events=[event(4, "a.com")], deliveries=[notice(event(4, "a.com"))]) for _ in range(2))
    renumber_events(once, 9)
    renumber_events(twice, 7)
    renumber_events(twice, 9)

    assert once == twice


def test_what_was_told_keeps_the_number_in_its_body() -> None:
    """Its row and the order of its notice are new: a later event of the name waits for it."""
    told = event(4, "a.com")
    changes = Changes(events=[told], deliveries=[notice(told)])

    renumber_events(changes, 70, told=True)

    assert (changes.events[0].seq, changes.deliveries[0].order) == (70, 70)
    assert changes.events[0].body == changes.deliveries[0].body == told.body


def test_what_another_instance_told_keeps_the_number_in_its_body() -> None:
    """It was taken over: its body has another number than the core gave it."""
    taken, fresh = structs.replace(event(4, "a.com"), seq=9), event(10, "b.com")
    changes = Changes(events=[taken, fresh])

    renumber_events(changes, 70)

    assert [(row.seq, number_in(row.body)) for row in changes.events] == [(70, 4), (71, 71)]


@pytest.mark.parametrize("text", [b"", b"{", b"[7]", b"7", b'{"domain":"a.com"}', b'{"seq":"7"}', b"[" * 100_000])
def test_a_body_may_have_no_number(text: bytes) -> None:
    """Whatever it is."""
    assert number_in(text) is None
