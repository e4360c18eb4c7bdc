"""What every store promises about many names: bulk changes, looks, details and the whole list, beside each other."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from common.config import Settings
from common.core.domains.last_look import LastLook
from common.core.model.records import Changes, DomainRow, NewName, StateChange, Watch
from common.errors import StoreError
from common.store.reader import open_reader
from common.store.store_contract import DropQuery, FoundName, Reader, Writer
from tests.store.builders import after, block, delivery, domain, event, in_columns, loaded_names, open_next
from tests.store.conftest import UNDIVIDED

SUFFIXES = ("com", "co.uk", "uk")
STATES = ("REGISTERED", "UNKNOWN", "REDEMPTION")


def fresh(number: int, name: str, *, priority: bool = False) -> DomainRow:
    """A name before its first check."""
    return domain(name, id=number, state="UNKNOWN", priority=priority)


def test_new_names_arrive_as_unknown_and_due(writer: Writer, reader: Reader) -> None:
    """They are watched from now on, with nothing known about them."""
    writer.apply(Changes(new=[NewName(0, "a.com", "com", False), NewName(7, "b.co.uk", "co.uk", True)]))

    assert reader.domain("a.com") == FoundName(fresh(0, "a.com"), None)
    assert reader.domain("b.co.uk") == FoundName(fresh(7, "b.co.uk", priority=True), None)
    assert loaded_names(writer.load()) == [in_columns(fresh(0, "a.com")), in_columns(fresh(7, "b.co.uk", priority=True))]
    assert writer.load().next_id == 8


def test_a_new_name_that_is_there_already_stays_as_it_is(writer: Writer, reader: Reader) -> None:
    """A transaction that is written twice, after a crash in between, changes nothing the second time."""
    known = domain("a.com", id=3, state="REDEMPTION", watched=False, detail=b"x")
    writer.apply(Changes(domains=[known]))
    writer.apply(Changes(new=[NewName(3, "a.com", "com", True), NewName(4, "b.com", "com", False)]))

    assert reader.domain("a.com") == FoundName(known, None)
    assert sum(reader.count_by_state().values()) == 1


@pytest.mark.parametrize(
    "clash",
    [
        Changes(new=[NewName(5, "new.com", "com", False), NewName(1, "b.com", "com", False)]),
        Changes(new=[NewName(2, "a.com", "com", False)]),
        Changes(domains=[domain("b.com", id=1)]),
        Changes(domains=[domain("a.com", id=2)]),
    ],
)
def test_an_id_stays_with_its_name(writer: Writer, reader: Reader, clash: Changes) -> None:
    """Whatever says otherwise is refused as a whole."""
    writer.apply(Changes(new=[NewName(1, "a.com", "com", False)]))
    with pytest.raises(StoreError):
        writer.apply(clash)

    assert [line[:2] for line in loaded_names(writer.load())] == [(1, "a.com")]
    assert reader.count_by_state() == {"UNKNOWN": 1}


def test_watches_and_states_change_their_columns_only(writer: Writer, reader: Reader) -> None:
    """The rest of the row, and its detail, stay; unknown ids do no harm."""
    rows = [domain(f"n{n}.com", id=n, generation=n, checked_at=5.0, drop_likely=9.0, detail=b"d%d" % n) for n in range(4)]
    writer.apply(Changes(domains=rows))
    writer.apply(
        Changes(
            watches=[Watch(0, False, True), Watch(1, True, True), Watch(1, True, False), Watch(99, True, True)],
            states=[StateChange([1, 2, 98], "UNREGISTERED", 7.5, 0.75), StateChange([2], "RESERVED", 8.5, 0.5)],
        )
    )

    assert [found.row for n in range(4) if (found := reader.domain(f"n{n}.com"))] == [
        structs.replace(rows[0], watched=False, priority=True),
        structs.replace(rows[1], state="UNREGISTERED", since=7.5, confidence=0.75),
        structs.replace(rows[2], state="RESERVED", since=8.5, confidence=0.5),
        rows[3],
    ]
    assert writer.details([0, 1, 2, 3, 98]) == {n: b"d%d" % n for n in range(4)}


def test_a_transaction_is_written_in_the_order_of_its_fields(writer: Writer, reader: Reader) -> None:
    """A name can arrive, change and be written whole at once."""
    new = [NewName(n, f"n{n}.com", "com", False) for n in range(3)]
    whole = domain("n2.com", id=2, state="REDEMPTION", detail=b"x")
    changed = StateChange([0, 1, 2], "REGISTERED", 1.0, 0.5)
    writer.apply(Changes(new=new, watches=[Watch(1, False, False)], states=[changed], domains=[whole]))

    assert reader.count_by_state() == {"REGISTERED": 1, "REDEMPTION": 1}
    assert [line[1:5] for line in loaded_names(writer.load())] == [
        ("n0.com", "com", 1, "REGISTERED"),
        ("n1.com", "com", 0, "REGISTERED"),
        ("n2.com", "com", 9, "REDEMPTION"),
    ]


def test_pulses_and_addresses_come_back_as_they_were_last_written(writer: Writer) -> None:
    """Blocks in ascending order, in any number."""
    first, second = block({0: {"checked_at": 1.0}}), block({0: {"checked_at": 2.0}})
    writer.apply(Changes(looks=[(n, first) for n in range(500)], addresses=[(1, "192.0.2.1:53/udp"), (2, "old")]))
    writer.apply(Changes(looks=[(7, second)], addresses=[(2, "new")]))
    loaded = writer.load()

    assert list(loaded.looks) == [(n, second if n == 7 else first) for n in range(500)]
    assert loaded.addresses == {1: "192.0.2.1:53/udp", 2: "new"}


def test_a_reader_shows_the_younger_times(writer: Writer, reader: Reader) -> None:
    """A look counts where it is younger than the row, wherever the name is found; its DNS answer comes along either way.

    A sweep that looked after both and heard nothing shows too.
    """
    times = {"checked_at": 50.0, "next_check": 90.0, "dns_at": 40.0, "dns_first": 30.0, "serial": 7, "address": 3, "code": 1}
    rows = [domain(f"n{n}.com", id=256 + n, checked_at=float(10 * n), next_check=60.0 + n, drop_likely=1.0) for n in range(8)]
    data = block({1: times, 6: times, 7: {**times, "next_check": 0.0, "checked_at": 80.0}})
    writer.apply(Changes(domains=rows, looks=[(1, data)], addresses=[(3, "192.0.2.1:53/udp")]))
    look = LastLook(50.0, 90.0, 40.0, 30.0, 7, 1, "192.0.2.1:53/udp")
    expected = [FoundName(row, None) for row in rows]
    expected[1] = FoundName(structs.replace(rows[1], checked_at=50.0, next_check=90.0), look, timed_out=True)
    expected[6] = FoundName(rows[6], look)
    expected[7] = FoundName(
        structs.replace(rows[7], checked_at=80.0, next_check=80.0),
        structs.replace(look, checked_at=80.0, next_check=0.0),
        timed_out=True,
    )

    assert [reader.domain(f"n{n}.com") for n in range(8)] == expected
    assert reader.domains().rows == expected
    assert reader.drops(DropQuery(0.0, 2.0, 0.0)).rows == expected


@pytest.mark.parametrize("data", [b"", b"\xff", bytes(39), b"\xff" * 70])
def test_a_block_that_is_cut_hides_no_name(writer: Writer, reader: Reader, data: bytes) -> None:
    """The row is shown as it is."""
    writer.apply(Changes(domains=[domain("a.com", id=1)], looks=[(0, data)]))

    assert reader.domain("a.com") == FoundName(domain("a.com", id=1), None)
    assert len(reader.domains().rows) == 1


def test_the_whole_list_is_read_as_it_stood_at_the_beginning(writer: Writer, reader: Reader) -> None:
    """Names that come, go or change while it is read do not show, and the reader answers other questions meanwhile."""
    names = [f"n{n}.com" for n in range(25_000)]
    writer.apply(
        Changes(new=[NewName(n, name, "com", n % 2 == 0) for n, name in enumerate(names)], watches=[Watch(5, False, False)])
    )
    batches = reader.names()
    first = next(batches)
    writer.apply(
        Changes(new=[NewName(99_999, "late.com", "com", False)], watches=[Watch(n, False, False) for n in range(25_000)])
    )
    assert sum(reader.count_by_state().values()) == 1
    whole_list = [first, *batches]
    ids, found, watched, priority = ([item for batch in whole_list for item in batch[column]] for column in range(4))

    assert (ids, found) == ([*range(25_000)], names)
    assert watched == [int(n != 5) for n in range(25_000)]
    assert priority == [int(n % 2 == 0 and n != 5) for n in range(25_000)]
    assert [batch[0] for batch in reader.names()][-1][-1] == 99_999


def test_an_empty_store_has_an_empty_list(writer: Writer, reader: Reader) -> None:
    """No batch at all, not one without names."""
    assert writer.details([1, 2]) == {}
    assert list(reader.names()) == []
    assert reader.domains(state="UNKNOWN").rows == []


def test_details_are_read_while_the_writer_works(writer: Writer) -> None:
    """Whole and as some transaction left them."""
    writer.apply(Changes(domains=[domain(f"n{n}.com", id=n, detail=b"0" * 2000) for n in range(100)]))
    stop = threading.Event()
    torn: list[int] = []

    def look() -> None:
        while not stop.is_set():
            bodies = set(writer.details([*range(100)]).values())
            torn.extend([len(bodies)] * (len(bodies) != 1))

    thread = threading.Thread(target=look)
    thread.start()
    for turn in range(50):
        writer.apply(Changes(domains=[domain(f"n{n}.com", id=n, detail=b"%d" % turn * 1000) for n in range(100)]))
    stop.set()
    thread.join()

    assert torn == []


@UNDIVIDED
def test_a_large_transaction_is_one(writer: Writer, reader: Reader) -> None:
    """Five thousand names and fifty thousand changes of state at once, with an event that makes all of it fail or count."""
    writer.apply(Changes(new=[NewName(n, f"n{n}.com", "com", False) for n in range(50_000)], events=[event(1, "n1.com")]))
    states = [StateChange([*range(50_000)], "REGISTERED", 1.0, 0.9)]
    with pytest.raises(StoreError):
        writer.apply(Changes(states=states, events=[event(1, "n2.com")], deliveries=[delivery("d")]))
    assert reader.count_by_state() == {"UNKNOWN": 50_000}
    writer.apply(Changes(states=states))

    assert reader.count_by_state() == {"REGISTERED": 50_000}


ids = st.integers(0, 7)
steps = st.one_of(
    st.builds(lambda found: Changes(new=[new_name(n) for n in found]), st.lists(ids)),
    st.builds(lambda found: Changes(watches=found), st.lists(st.builds(Watch, ids, st.booleans(), st.booleans()))),
    st.builds(
        lambda found, state: Changes(states=[StateChange(found, state, 1.0, 0.5)]), st.lists(ids), st.sampled_from(STATES)
    ),
    st.builds(
        lambda n, state, watched: Changes(domains=[whole(n, state=state, watched=watched)]),
        ids,
        st.sampled_from(STATES),
        st.booleans(),
    ),
)


def new_name(number: int) -> NewName:
    """The name that belongs to an id."""
    suffix = SUFFIXES[number % 3]
    return NewName(number, f"n{number}.{suffix}", suffix, False)


def whole(number: int, **fields: Any) -> DomainRow:
    """Its row."""
    name = new_name(number)
    return domain(name.name, **{"id": number, "suffix": name.suffix, "state": "UNKNOWN", **fields})


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(steps, max_size=12))
def test_counts_and_listings_follow_every_change(new_settings: Callable[[], Settings], changes: list[Changes]) -> None:
    """Whatever happened to which names, the counts and the pages are those of the rows."""
    rows: dict[int, DomainRow] = {}
    where = new_settings()
    with closing(open_next(where)) as writer, closing(open_reader(where)) as reader:
        for each in changes:
            writer.apply(each)
            after(rows, each, whole)
        watched = sorted((row for row in rows.values() if row.watched), key=lambda row: row.name)

        assert reader.count_by_state() == Counter(row.state for row in watched)
        assert reader.tlds() == Counter(row.suffix for row in watched)
        assert [found.row for found in reader.domains().rows] == watched
        for state in STATES:
            uk = [row for row in watched if row.state == state and row.name.endswith("uk")]
            assert [found.row for found in reader.domains(state=state, tld="uk").rows] == uk
        assert loaded_names(writer.load()) == [in_columns(rows[number]) for number in sorted(rows)]
