"""What every store promises to the coordinator."""

from __future__ import annotations

import pytest

from common.config import Settings
from common.core.model.records import Changes, NewName, ProblemRow, StateChange, TrustRow
from common.errors import LeaseLost, StoreError
from common.store.store_contract import FoundName, Reader, Writer
from common.store.writer import open_writer
from tests.store.builders import delivery, domain, event, in_columns, loaded_names, open_next
from tests.store.conftest import UNDIVIDED

DAY = 86_400.0


def test_an_empty_store_loads_as_nothing(writer: Writer) -> None:
    """A first start finds no names and begins to count at 1."""
    loaded = writer.load()

    assert list(loaded.names) == []
    assert (list(loaded.looks), loaded.addresses, loaded.next_id) == ([], {}, 0)
    assert list(loaded.deliveries) == []
    assert (loaded.next_seq, loaded.trust, loaded.meta, loaded.problems, loaded.delivery_counts) == (1, [], {}, [], {})


@UNDIVIDED
def test_everything_comes_back_as_it_was_written(settings: Settings, writer: Writer) -> None:
    """After a restart each field of each row is what it was."""
    names = [
        domain("b.co.uk", priority=True, state="PENDING_DELETE", since=1.5, confidence=0.25, generation=7, checked_at=2.5),
        domain("a.com", watched=False, next_check=9.75, drop_earliest=1.0, drop_likely=2.0, drop_latest=3.0, drop_p=0.5),
        domain("c.org", detail=bytes(range(256))),
    ]
    trust = TrustRow("whois", "whois.example", "com", 1.0, 2.0, 3.0, 4.0, "two strikes")
    pending = delivery("d1", attempts=2, next_at=5.5, first_at=4.5, last_status=503, last_error="x: answered 503")
    changes = Changes(
        domains=names,
        events=[event(3, "a.com", at=7.25)],
        deliveries=[pending, delivery("d2", state="done", done_at=8.0)],
        trust=[trust],
        problems=[ProblemRow("b", "bad", "second"), ProblemRow("a", "bad", "first")],
        meta={"list": "abc"},
    )
    writer.apply(changes)
    writer.close()
    again = open_next(settings)
    loaded = again.load()

    assert loaded_names(loaded) == sorted(map(in_columns, names))
    assert again.details([row.id for row in names]) == {names[2].id: names[2].detail}
    assert list(loaded.deliveries) == [pending]
    assert (loaded.next_seq, loaded.trust, loaded.meta) == (4, [trust], {"list": "abc"})
    assert loaded.problems == changes.problems
    assert loaded.delivery_counts == {"pending": 1, "done": 1}
    again.close()


def test_a_name_that_is_written_again_is_updated(writer: Writer, reader: Reader) -> None:
    """Both the frequent update and the one that moves a name in the listings arrive."""
    writer.apply(Changes(domains=[domain("a.com", next_check=1.0)]))
    writer.apply(Changes(domains=[domain("a.com", next_check=2.0, detail=b"x")]))
    assert reader.domain("a.com") == FoundName(domain("a.com", next_check=2.0, detail=b"x"), None)

    moved = domain("a.com", state="REDEMPTION", drop_likely=5.0, watched=False, suffix="a.com", close=True, registry_due=7.5)
    writer.apply(Changes(domains=[moved]))

    assert reader.domain("a.com") == FoundName(moved, None)
    assert writer.details([moved.id]) == {}


@UNDIVIDED
def test_an_event_is_recorded_once_and_its_delivery_keeps_its_body(writer: Writer, reader: Reader) -> None:
    """Deciding the same thing twice changes neither the event nor the bytes that are sent."""
    first = event(1, "a.com", at=1.0)
    writer.apply(Changes(events=[first], deliveries=[delivery(first.id, body=b"first", order=1)]))
    writer.apply(
        Changes(
            events=[event(2, "a.com", at=9.0)],
            deliveries=[delivery(first.id, body=b"second", order=2, domain="b.com", attempts=3)],
        )
    )

    assert reader.events() == [first]
    stored = reader.delivery(first.id)
    assert stored is not None
    assert (stored.body, stored.order, stored.domain, stored.attempts) == (b"first", 1, "a.com", 3)
    assert writer.delivery(first.id) == stored
    assert writer.delivery("unknown") is None


@UNDIVIDED
def test_a_transaction_that_fails_leaves_nothing_behind(writer: Writer, reader: Reader) -> None:
    """State, event and delivery are written together or not at all, and the store goes on working."""
    writer.apply(Changes(events=[event(1, "a.com")]))
    clash = Changes(domains=[domain("b.com")], events=[event(1, "b.com")], deliveries=[delivery("d")], meta={"k": "v"})
    with pytest.raises(StoreError):
        writer.apply(clash)

    assert reader.domain("b.com") is None
    assert reader.delivery("d") is None
    assert reader.meta("k") is None
    writer.apply(Changes(domains=[domain("c.com")]))
    assert reader.domain("c.com") is not None


def test_values_that_no_database_takes_fail_as_store_errors(writer: Writer) -> None:
    """A number beyond 64 bits and an unknown state are refused, not half written."""
    with pytest.raises(StoreError):
        writer.apply(Changes(domains=[domain("a.com", generation=1 << 70)]))
    with pytest.raises(StoreError):
        writer.apply(Changes(deliveries=[delivery("d", state="lost")]))


def test_text_from_outside_never_stops_the_writer(writer: Writer) -> None:
    """A lone surrogate and NUL, which JSON can carry, are stored as question marks."""
    bad = "x\ud800\0"
    writer.apply(
        Changes(
            problems=[ProblemRow(bad, "code", bad)],
            trust=[TrustRow("rdap", bad, "com", reason=bad)],
            deliveries=[delivery("d", last_error=bad)],
            meta={"error": bad},
        )
    )
    loaded = writer.load()

    assert loaded.problems == [ProblemRow("x??", "code", "x??")]
    assert loaded.trust == [TrustRow("rdap", "x??", "com", reason="x??")]
    assert next(loaded.deliveries).last_error == "x??"
    assert loaded.meta == {"error": "x??"}


def test_problems_are_replaced_only_when_given(writer: Writer) -> None:
    """A transaction without a list of problems leaves the old one alone; an empty list clears it."""
    writer.apply(Changes(problems=[ProblemRow("a", "c", "r")]))
    writer.apply(Changes(meta={"k": "v"}))
    assert len(writer.load().problems) == 1

    writer.apply(Changes(problems=[]))
    assert writer.load().problems == []


def test_pending_deliveries_load_oldest_first_in_any_number(writer: Writer) -> None:
    """Loading in batches skips nothing and keeps the order of recording."""
    rows = [delivery(f"d{n}", order=n) for n in range(2500)]
    writer.apply(Changes(deliveries=rows, domains=[domain(f"n{n}.com") for n in range(2500)]))
    loaded = writer.load()

    assert [row.id for row in loaded.deliveries] == [row.id for row in rows]
    assert len(loaded_names(loaded)) == 2500


def test_loading_goes_on_while_the_state_changes(writer: Writer) -> None:
    """An iterator that is read slowly survives writes in between."""
    writer.apply(Changes(new=[NewName(n, f"n{n}.com", "com", False) for n in range(25_000)]))
    batches = writer.load().names
    first = next(batches)
    writer.apply(Changes(states=[StateChange([*range(25_000)], "REGISTERED", 1.0, 0.0)]))

    assert [len(batch.ids) for batch in (first, *batches)] == [10_000, 10_000, 5000]


def test_pruning_keeps_what_must_stay(writer: Writer, reader: Reader) -> None:
    """Old events and finished deliveries go; pending and parked ones and the newest event stay for ever."""
    now = 1000 * DAY
    finished = {"state": "done", "done_at": now - 8 * DAY}
    writer.apply(
        Changes(
            events=[
                event(1, "n1.com", at=now - 100 * DAY),
                event(2, "n2.com", at=now - 100 * DAY),
                event(3, "n3.com", at=now - 95 * DAY),
            ],
            deliveries=[
                delivery("pending", next_at=1.0, first_at=1.0),
                delivery("parked", state="parked", first_at=1.0),
                delivery("done", **finished),
                delivery("recent", state="done", done_at=now - 6 * DAY),
                delivery("result", lane="result", state="done", done_at=now - DAY),
                delivery("superseded", lane="result", state="superseded", done_at=now - DAY),
                delivery("fresh", lane="result", state="done", done_at=now - 60),
            ],
        )
    )

    assert writer.prune(now) == 5
    assert writer.prune(now) == 0
    assert {row.id for row in reader.deliveries().rows} == {"pending", "parked", "recent", "fresh"}
    assert [row.seq for row in reader.events()] == [3]
    assert writer.load().next_seq == 4


def test_pruning_works_in_bounded_batches(writer: Writer) -> None:
    """One call never holds up the coordinator for long: it deletes a limited number of rows, or one span of time as a whole."""
    writer.apply(Changes(deliveries=[delivery(f"d{n}", state="done", done_at=0.0) for n in range(5000)]))
    counts = []
    while count := writer.prune(100 * DAY):
        counts.append(count)

    assert sum(counts) == 5000
    assert max(counts) <= (2000 if writer.engine.startswith("SQLite") else 5000)


@UNDIVIDED
def test_sequence_numbers_never_return(settings: Settings, writer: Writer) -> None:
    """The next number lies above every number that was given away, also for an event that was there already."""
    writer.apply(Changes(events=[event(1, "a.com"), event(7, "b.com")]))
    writer.apply(Changes(events=[event(9, "a.com")]))
    writer.close()
    again = open_next(settings)

    assert again.load().next_seq == 10
    again.close()


def test_a_later_epoch_fences_off_the_earlier_one(settings: Settings, writer: Writer) -> None:
    """From the moment it is opened every kind of transaction of the earlier one is refused, and none of it is written."""
    rows = [domain(f"n{n}.com") for n in range(3)]
    writer.apply(Changes(domains=rows, meta={"k": "before"}, events=[event(1, "n0.com")]))
    later = open_next(settings)

    for write in (
        lambda: writer.apply(Changes(meta={"k": "after"})),
        lambda: writer.prune(1e12, events_older_than=0.0),
        lambda: writer.pack(0),
    ):
        with pytest.raises(LeaseLost, match="epoch"):
            write()
    writer.close()
    loaded = later.load()
    assert loaded.meta == {"k": "before"}
    later.apply(Changes(meta={"k": "later"}))
    later.close()


def test_no_epoch_is_opened_twice(settings: Settings, writer: Writer) -> None:
    """Neither the one that writes nor an earlier one; what was refused changed nothing, and the next one gets in."""
    writer.apply(Changes(meta={"k": "v"}))
    following = open_next(settings)
    for epoch in (0, 1, 2):
        with pytest.raises(LeaseLost, match="epoch 2"):
            open_writer(settings, epoch)
    following.apply(Changes(meta={"k": "w"}))
    following.close()
    again = open_writer(settings, 7)

    assert again.load().meta == {"k": "w"}
    again.close()


def test_a_closed_writer_says_so(writer: Writer) -> None:
    """Closing twice is harmless, using it afterwards is an error of ours."""
    writer.close()
    writer.close()
    with pytest.raises(StoreError, match="closed"):
        writer.apply(Changes(meta={"k": "v"}))
    with pytest.raises(StoreError, match="closed"):
        writer.details([1])
