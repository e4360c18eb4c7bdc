"""What a reader over all shards says, and how the shards count together."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from common.config import Settings, load
from common.core.model.records import Changes, DeliveryRow, DomainRow, EventRow, ProblemRow, TrustRow
from common.core.outbox.callback_bodies import event_id, notice_body
from common.core.shards.layout import Layout
from common.errors import StoreAway, StoreError
from common.shard_settings import settings_of_shard
from common.store.postgres import event_sequence
from common.store.postgres.event_sequence import EventSequence
from common.store.postgres.postgres_writer import PostgresWriter
from common.store.postgres.sharded_reader import ShardedReader
from common.store.reader import open_reader
from common.store.shards import settle_layout
from common.store.store_contract import DropQuery, Page, Reader
from tests.store.builders import delivery, domain, judgement, open_next, schema_of
from tests.store.postgres_server import PostgresServer

SHARDS = 4
GROUPS = {"org": "pir", "ngo": "pir", "com": "verisign", "uk.com": "centralnic"}
SUFFIXES = ("com",) * 6 + ("co.uk", "org.uk", "uk", "de", "org", "ngo", "uk.com", "xyz")
STATES = ("REGISTERED",) * 8 + ("UNKNOWN", "REDEMPTION")


class Shards:
    """Several shards with a writer each."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.layout = settle_layout(settings, GROUPS)
        self.writers = [open_next(settings_of_shard(settings, shard)) for shard in range(settings.shards)]

    def write(self, rows: list[DomainRow]) -> None:
        """Each row to its shard."""
        for shard, writer in enumerate(self.writers):
            writer.apply(Changes(domains=[row for row in rows if self.layout.shard_of(row.name) == shard]))

    def close(self) -> None:
        """Close the writers."""
        for writer in self.writers:
            writer.close()


@pytest.fixture
def settings(postgres: PostgresServer, tmp_path: Path) -> Settings:
    """Those of a database that is divided."""
    url = postgres.url(postgres.new_schema())
    return load({"STATE_DIR": str(tmp_path), "STORE_URL": url, "SHARDS": str(SHARDS)})


@pytest.fixture
def shards(settings: Settings) -> Iterator[Shards]:
    """Its writers."""
    opened = Shards(settings)
    yield opened
    opened.close()


@pytest.fixture
def reader(shards: Shards) -> Iterator[Reader]:
    """A reader of all of them."""
    with closing(open_reader(shards.settings)) as opened:
        yield opened


def names_of(count: int) -> list[DomainRow]:
    """Names in all shards, mostly alike, some with a window."""
    chance = random.Random(5)
    return [
        domain(
            f"{chance.choice('abcdef')}{number}.{chance.choice(SUFFIXES)}",
            id=number,
            state=chance.choice(STATES),
            watched=number % 9 != 0,
            drop_likely=float(chance.randrange(40)) if number % 3 == 0 else None,
            drop_latest=50.0,
            priority=number % 4 == 0,
        )
        for number in range(count)
    ]


def collect(ask: Callable[[str | None], Page[object]], limit: int) -> list[object]:
    """All pages together."""
    found: list[object] = []
    cursor = None
    while True:
        page = ask(cursor)
        assert len(page.rows) <= limit
        found += page.rows
        if (cursor := page.cursor) is None:
            return found


def happened(name: str, generation: int = 1) -> tuple[EventRow, DeliveryRow]:
    """An event with its notice, with a number that is only its core's own."""
    key = event_id(name, generation, "available")
    body = notice_body(name, "available", 1.0, 5.0, {}, id=key, seq=generation)
    return EventRow(generation, key, name, generation, "available", 5.0, body), DeliveryRow(
        key, "notice", name, generation, body
    )


def recorded(*names: str, generation: int = 1) -> Changes:
    """A transaction with an event about each name."""
    rows = [happened(name, generation) for name in names]
    return Changes(events=[event for event, _ in rows], deliveries=[notice for _, notice in rows])


@pytest.mark.parametrize("limit", [1, 7, 100, 1000])
@pytest.mark.parametrize("scan_limit", [20, 50_000])
@pytest.mark.parametrize(
    "filters",
    [{}, {"state": "UNKNOWN"}, {"tld": "uk"}, {"tld": "COM"}, {"tld": "uk.com"}, {"tld": "org", "q": "1"}, {"q": "zzz"}],
)
def test_pages_of_names_come_from_all_shards(shards: Shards, filters: dict[str, str], scan_limit: int, limit: int) -> None:
    """Each name once and in order, also where a walk is cut off."""
    rows = names_of(300)
    shards.write(rows)
    tld, state, part = (filters.get(key, "").lower() for key in ("tld", "state", "q"))
    wanted = sorted(
        row.name
        for row in rows
        if row.watched and f".{row.name}".endswith(f".{tld}" if tld else "") and state.upper() in row.state and part in row.name
    )
    with closing(ShardedReader(shards.settings.store_url, scan_limit)) as reader:
        found = collect(lambda cursor: reader.domains(cursor=cursor, limit=limit, **filters), limit)  # type: ignore[arg-type, return-value]  # only filters are passed

    assert [one.row.name for one in found] == wanted  # type: ignore[attr-defined]


@pytest.mark.parametrize("limit", [1, 7, 1000])
@pytest.mark.parametrize(
    "wanted", [DropQuery(5.0, 30.0, 0.0), DropQuery(0.0, 99.0, 20.0, tld="uk"), DropQuery(0.0, 99.0, 0.0, "UNKNOWN")]
)
def test_pages_of_drops_come_from_all_shards(shards: Shards, wanted: DropQuery, limit: int) -> None:
    """By likely time and then by name, however many share a time."""
    rows = names_of(300)
    shards.write(rows)
    expected = sorted(
        (row.drop_likely, row.name)
        for row in rows
        if row.watched
        and row.drop_likely is not None
        and wanted.start <= row.drop_likely < wanted.end
        and (wanted.state or row.state) == row.state
        and f".{row.name}".endswith(f".{wanted.tld}" if wanted.tld else "")
    )
    with closing(ShardedReader(shards.settings.store_url, 15)) as reader:
        found = collect(lambda cursor: reader.drops(wanted, cursor=cursor, limit=limit), limit)  # type: ignore[arg-type, return-value]

        assert [(one.row.drop_likely, one.row.name) for one in found] == expected  # type: ignore[attr-defined]
        assert reader.drops_count(wanted) == len(expected)


def test_a_name_is_looked_up_where_it_lies(shards: Shards, reader: Reader) -> None:
    """With its events and its entries, and whether it is there at all."""
    rows = names_of(60)
    shards.write(rows)
    for row in rows:
        writer = shards.writers[shards.layout.shard_of(row.name)]
        writer.apply(Changes(events=recorded(row.name).events, ledger=[judgement(row.name, 1.0, positive=True)]))

    for row in rows:
        record = reader.domain_record(row.name)
        assert record is not None
        assert record.found == reader.domain(row.name)
        assert record.found.row.name == row.name
        assert [event.domain for event in record.events] == [row.name]
        assert record.last_entry == reader.ledger(row.name)[0]
    assert reader.domain("never.com") is None
    assert reader.domain("\ud800.com") is None
    assert reader.ledger("never.com") == []
    numbers = {entry.seq for row in rows for entry in reader.ledger(row.name)}
    assert len(numbers) == len(rows)  # an entry can be cited
    assert reader.ledger_names(0.0, after="b", limit=9) == sorted(row.name for row in rows if row.name > "b")[:9]


def test_counts_are_sums(shards: Shards, reader: Reader) -> None:
    """Of names, drops and deliveries."""
    rows = names_of(200)
    shards.write(rows)
    for number, writer in enumerate(shards.writers):
        writer.apply(Changes(deliveries=[delivery(f"d{number}"), delivery(f"p{number}", state="parked")]))
    watched = [row for row in rows if row.watched]

    assert reader.count_by_state() == {state: sum(row.state == state for row in watched) for state in set(STATES)}
    assert reader.tlds() == {suffix: sum(row.suffix == suffix for row in watched) for suffix in set(SUFFIXES)}
    assert reader.delivery_counts() == {"pending": SHARDS, "parked": SHARDS}
    assert sorted(name for _, names, *_ in reader.names() for name in names) == sorted(row.name for row in rows)


def test_deliveries_of_all_shards_page_newest_first(shards: Shards, reader: Reader) -> None:
    """In the order in which they were written, whichever shard did."""
    for number in range(20):
        shards.writers[number * 3 % SHARDS].apply(Changes(deliveries=[delivery(f"d{number}")]))

    found = collect(lambda cursor: reader.deliveries(cursor=cursor, limit=3), 3)  # type: ignore[arg-type, return-value]

    assert [row.id for row in found] == [f"d{number}" for number in reversed(range(20))]  # type: ignore[attr-defined]
    assert {row.id for row in reader.deliveries(state="pending", limit=5).rows} == {f"d{number}" for number in range(15, 20)}
    assert [reader.delivery(f"d{number}") for number in range(20)] == list(reversed(found))
    assert reader.delivery("never") is None


def test_small_things_are_those_of_the_first_shard_or_joined(shards: Shards, reader: Reader) -> None:
    """Trust is that of the shard that trusts least; of budgets the longest pause counts."""
    first, second, *_ = shards.writers
    first.apply(Changes(problems=[ProblemRow("a b", "bad", "why")], meta={"k": "first", "budgets": '{"a|x":[5,1]}'}))
    second.apply(Changes(meta={"k": "second", "l": "only", "budgets": '{"a|x":[9,2],"b|x":[1,1]}'}))
    first.apply(Changes(trust=[TrustRow("rdap", "s", "com", 9.0, 9.0), TrustRow("rdap", "s", "net")]))
    second.apply(Changes(trust=[TrustRow("rdap", "s", "com", 9.0, 9.0, quarantined_until=70.0)]))

    assert reader.problems().rows == [ProblemRow("a b", "bad", "why")]
    assert reader.problem_count() == 1
    assert sorted(reader.trust(), key=lambda row: row.suffix) == [
        TrustRow("rdap", "s", "com", 9.0, 9.0, quarantined_until=70.0),
        TrustRow("rdap", "s", "net"),
    ]
    assert (reader.meta("k"), reader.meta("l"), reader.meta("never")) == ("first", "only", None)
    rows = json.loads(reader.meta("budgets") or "")
    assert (rows["a|x"][0], rows["b|x"][0]) == (9.0, 1.0)


def test_events_have_one_sequence(shards: Shards, reader: Reader) -> None:
    """In the store, in their bodies, in their notices, and in what the core holds of them."""
    told: list[Changes] = []
    for number in range(12):
        told.append(recorded(f"n{number}.com", f"m{number}.com"))
        shards.writers[number % SHARDS].apply(told[-1])

    rows = reader.events(limit=100)
    assert [row.seq for row in rows] == list(range(1, 25))
    assert rows == [row for changes in told for row in changes.events]
    assert [json.loads(row.body)["seq"] for row in rows] == list(range(1, 25))
    assert reader.last_seq() == 24
    assert [row.seq for row in reader.events(after=7, limit=3)] == [8, 9, 10]
    for row in rows:
        notice = reader.delivery(row.id)
        assert notice is not None
        assert (notice.order, notice.body) == (row.seq, row.body)
    assert shards.writers[3].load().next_seq == 25


def test_a_transaction_without_events_takes_no_number(shards: Shards, reader: Reader) -> None:
    """And waits for none."""
    shards.writers[0].apply(recorded("a.com"))
    shards.writers[1].apply(Changes(deliveries=[delivery("d")], meta={"k": "v"}))
    assert reader.last_seq() == 1


def test_a_transaction_that_fails_takes_no_number(shards: Shards, reader: Reader) -> None:
    """What is undone leaves no gap."""
    shards.writers[0].apply(Changes(domains=[domain("a.com", id=1)]))
    clash = recorded("b.com")
    clash.domains = [domain("b.com", id=1)]
    with pytest.raises(StoreError):
        shards.writers[0].apply(clash)
    shards.writers[1].apply(recorded("c.com"))
    assert [row.domain for row in reader.events()] == ["c.com"]
    assert reader.last_seq() == 1


def test_what_was_written_though_it_was_not_answered_keeps_its_numbers(shards: Shards, reader: Reader) -> None:
    """What was not is numbered anew when it is tried again."""
    writer = shards.writers[2]
    assert isinstance(writer, PostgresWriter)
    lost, undone = recorded("lost.com"), recorded("undone.com")

    def cut_after_commit(connection: object, changes: Changes) -> None:
        write(connection, changes)  # type: ignore[arg-type]
        connection.execute("COMMIT")  # type: ignore[attr-defined]
        connection.close()  # type: ignore[attr-defined]
        raise StoreAway("the answer was lost")

    def cut_before_commit(connection: object, changes: Changes) -> None:
        write(connection, changes)  # type: ignore[arg-type]
        connection.close()  # type: ignore[attr-defined]
        raise StoreAway("the connection broke")

    write = writer._write
    for changes, cut in ((lost, cut_after_commit), (undone, cut_before_commit)):
        writer._write = cut  # type: ignore[method-assign, assignment]
        with pytest.raises(StoreAway):
            writer.apply(changes)
        writer._write = write  # type: ignore[method-assign]
        shards.writers[0].apply(recorded(f"between-{changes.events[0].domain}"))
        writer.apply(changes)

    assert [(row.seq, row.domain) for row in reader.events()] == [
        (1, "lost.com"),
        (2, "between-lost.com"),
        (3, "between-undone.com"),
        (4, "undone.com"),
    ]
    assert [changes.events[0].seq for changes in (lost, undone)] == [1, 4]
    assert undone.deliveries[0].order == 4


def test_a_reader_that_follows_sees_every_event_once_and_in_order(shards: Shards) -> None:
    """While all shards commit at once."""
    seen: list[int] = []
    done = threading.Event()
    writes, events = 60, 3

    def record(shard: int) -> None:
        for turn in range(writes):
            shards.writers[shard].apply(recorded(*(f"n{shard}-{turn}-{place}.com" for place in range(events))))

    def follow() -> None:
        with closing(open_reader(shards.settings)) as reader:
            while True:
                ended = done.is_set()
                rows = reader.events(after=seen[-1] if seen else 0, limit=7)
                seen.extend(row.seq for row in rows)
                assert reader.last_seq() >= (seen[-1] if seen else 0)
                if ended and not rows:
                    return

    followers = [threading.Thread(target=follow)]
    writers = [threading.Thread(target=record, args=(shard,)) for shard in range(SHARDS)]
    for thread in (*followers, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    for thread in followers:
        thread.join()
    assert seen == list(range(1, SHARDS * writes * events + 1))


def test_a_paused_writer_that_has_numbers_is_not_waited_for_long(
    shards: Shards, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server ends its session, the others go on, and what it had not committed it can write again."""
    monkeypatch.setattr(event_sequence, "_BOUND", event_sequence.SQL("SET LOCAL idle_in_transaction_session_timeout = 300"))
    paused, resume = threading.Event(), threading.Event()
    number = EventSequence.number
    failed: list[StoreError] = []

    def number_and_pause(sequence: EventSequence, connection: object, changes: Changes) -> None:
        number(sequence, connection, changes)  # type: ignore[arg-type]
        paused.set()
        resume.wait()

    slow = recorded("slow.com")

    def write() -> None:
        try:
            shards.writers[0].apply(slow)
        except StoreError as error:
            failed.append(error)

    monkeypatch.setattr(EventSequence, "number", number_and_pause)
    thread = threading.Thread(target=write)
    thread.start()
    paused.wait()
    monkeypatch.setattr(EventSequence, "number", number)
    began = time.monotonic()
    shards.writers[1].apply(recorded("quick.com"))
    waited = time.monotonic() - began
    resume.set()
    thread.join()

    assert waited < event_sequence.HELD_MS / 1000
    assert isinstance(failed[0], StoreAway)
    shards.writers[0].apply(slow)
    assert [(row.seq, row.domain) for row in reader.events()] == [(1, "quick.com"), (2, "slow.com")]


def test_a_row_of_numbers_that_stays_locked_is_waited_for_again(shards: Shards, postgres: PostgresServer) -> None:
    """It is no failure of ours: the transaction is tried again."""
    writer = shards.writers[1]
    assert isinstance(writer, PostgresWriter)
    assert writer._connection is not None
    writer._connection.execute("SET lock_timeout = 100")
    with postgres.connect(schema_of(shards.settings)) as other, other.transaction():
        other.execute("SELECT seq FROM sequence FOR UPDATE")
        with pytest.raises(StoreAway, match="another shard"):
            writer.apply(recorded("a.com"))


def test_shards_appear_one_after_the_other(settings: Settings) -> None:
    """While some have no tables yet they have no names; while none has, there is no state."""
    with pytest.raises(StoreError, match="coordinator makes it"):
        open_reader(settings)
    layout = settle_layout(settings, GROUPS)
    with pytest.raises(StoreError, match="coordinator makes it"):
        open_reader(settings)
    last = open_next(settings_of_shard(settings, SHARDS - 1))
    name = next(f"n{number}.com" for number in range(99) if layout.shard_of(f"n{number}.com") == 0)
    with closing(open_reader(settings)) as reader:
        assert (reader.domain(name), reader.problems(), reader.problem_count()) == (None, Page([]), 0)
        assert reader.members().members == ()
        first = open_next(settings_of_shard(settings, 0))
        first.apply(Changes(domains=[domain(name)], problems=[ProblemRow("a b", "bad", "why")]))
        assert reader.domain(name) is not None
        assert reader.problem_count() == 1
        first.close()
    last.close()


def test_a_database_that_is_not_divided_is_read_all_the_same(postgres: PostgresServer, tmp_path: Path) -> None:
    """Where only the reader's settings say otherwise: what is there counts."""
    url = postgres.url(postgres.new_schema())
    plain = load({"STATE_DIR": str(tmp_path), "STORE_URL": url})
    assert settle_layout(plain, GROUPS) == Layout()
    with closing(open_next(plain)) as writer:
        writer.apply(Changes(domains=[domain("a.com")], events=[happened("a.com")[0]]))
        with closing(open_reader(load({"STATE_DIR": str(tmp_path), "STORE_URL": url, "SHARDS": "2"}))) as reader:
            assert [found.row.name for found in reader.domains().rows] == ["a.com"]
            assert reader.last_seq() == 1
