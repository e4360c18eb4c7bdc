"""History in spans of time that go as a whole, also while another session holds a snapshot."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing

import psycopg
import pytest

from common.config import Settings
from common.core.model.records import Changes, NewName
from common.store.postgres import partitions
from common.store.postgres.partitions import ledger_width, slot_of
from common.store.postgres.postgres_reader import PostgresReader
from common.store.postgres.postgres_writer import PostgresWriter
from common.store.reader import open_reader
from common.store.store_contract import DAY
from tests.store.builders import delivery, domain, event, judgement
from tests.store.postgres.sessions import slots

NOW = 1000 * DAY


def test_history_goes_span_by_span(writer: PostgresWriter, settings: Settings, beside: psycopg.Connection) -> None:
    """A year of it leaves no more spans than the retention has, and no dead row; what is pending or newest stays."""
    with closing(open_reader(settings)) as reader:
        for day in range(0, 365, 4):
            at = day * DAY + 1.0
            rows = [
                delivery(f"n{day}", state="done", done_at=at),
                delivery(f"r{day}", lane="result", state="superseded", done_at=at),
                delivery(f"p{day}", domain="b.com"),
                delivery(f"k{day}", state="parked"),
            ]
            writer.apply(
                Changes(
                    events=[event(day + 1, "a.com", generation=day, at=at)], deliveries=rows, ledger=[judgement("a.com", at)]
                )
            )
            while writer.prune(at):
                pass
        now = 364 * DAY + 1.0

        assert min(row.occurred_at for row in reader.events(limit=5000)) >= now - 90 * DAY - partitions.EVENTS
        assert min(row.at for row in reader.ledger("a.com", limit=5000)) >= now - 90 * DAY - ledger_width(90)
        assert len(slots(beside, "event")) <= 32
        assert len(slots(beside, "ledger")) <= 32
        assert {row.id[0] for row in reader.deliveries(limit=5000).rows} == set("nrpk")
        assert reader.delivery_counts() == {"pending": 92, "parked": 92, "done": 2, "superseded": 1}
        while writer.prune(now + 1000 * DAY):
            pass
        assert [row.seq for row in reader.events()] == [365]
        assert reader.delivery_counts() == {"pending": 92, "parked": 92}
    left = """
        SELECT count(*) FROM pg_class
        WHERE relname ~ '^(event|ledger|delivery)_[r1-9]' AND relnamespace = current_schema()::regnamespace AND relkind = 'r'
    """
    assert beside.execute(left).fetchone() == (1,)


def test_an_event_is_never_recorded_twice_although_history_goes(writer: PostgresWriter, settings: Settings) -> None:
    """Its domain, generation and kind are kept for ever."""
    writer.apply(Changes(events=[event(1, "a.com", at=0.0), event(2, "b.com", at=100 * DAY)]))
    assert writer.prune(200 * DAY) == 1
    writer.apply(Changes(events=[event(3, "a.com", at=200 * DAY), event(4, "c.com", at=200 * DAY)]))

    with closing(open_reader(settings)) as reader:
        assert [row.seq for row in reader.events()] == [2, 4]
    assert writer.load().next_seq == 5


def test_a_delivery_that_is_posted_again_comes_back_from_history(writer: PostgresWriter, settings: Settings) -> None:
    """It keeps its place and its body wherever it lies."""
    writer.apply(Changes(deliveries=[delivery(f"d{n}", body=b"%d" % n) for n in range(3)]))
    writer.apply(Changes(deliveries=[delivery("d1", state="done", done_at=NOW)]))
    with closing(open_reader(settings)) as reader:
        assert [row.id for row in reader.deliveries().rows] == ["d2", "d1", "d0"]
        assert [row.id for row in writer.load().deliveries] == ["d0", "d2"]
        writer.apply(Changes(deliveries=[delivery("d1", state="pending", attempts=4)]))
        assert [(row.id, row.body) for row in writer.load().deliveries] == [("d0", b"0"), ("d1", b"1"), ("d2", b"2")]
        assert reader.delivery_counts() == {"pending": 3}


def test_a_backup_holds_up_neither_new_spans_nor_the_writer(writer: PostgresWriter, beside: psycopg.Connection) -> None:
    """What it reads goes after it has ended."""
    writer.apply(Changes(events=[event(1, "a.com", at=0.0), event(2, "b.com", at=100 * DAY)]))
    beside.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    beside.execute("SELECT count(*) FROM event").fetchone()
    assert writer.prune(NOW) == 0
    writer.apply(Changes(events=[event(3, "c.com", at=NOW)], deliveries=[delivery("d", state="done", done_at=NOW)]))
    beside.execute("COMMIT")

    assert slot_of(NOW, partitions.EVENTS) in slots(beside, "event")
    assert writer.prune(NOW) == 1


def test_a_snapshot_that_another_holds_does_not_slow_the_store_down(
    writer: PostgresWriter, settings: Settings, beside: psycopg.Connection
) -> None:
    """Thousands of deliveries come and go meanwhile, with the same few names in every commit: no table grows a tail."""
    names = [NewName(number, f"n{number}.com", "com", False) for number in range(50)]
    writer.apply(Changes(new=names, meta={"budgets": "0"}))
    beside.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    beside.execute("SELECT count(*) FROM meta").fetchone()
    spent: list[float] = []
    with closing(open_reader(settings)) as reader:
        for turn in range(120):
            began = time.perf_counter()
            keys = [f"{turn}-{number}" for number in range(50)]
            rows = [domain(name.name, id=name.id, checked_at=float(turn)) for name in names]
            writer.apply(
                Changes(domains=rows, deliveries=[delivery(key, lane="result") for key in keys], meta={"budgets": str(turn)})
            )
            done = [delivery(key, lane="result", state="done", done_at=NOW + turn * 60.0) for key in keys]
            writer.apply(Changes(deliveries=done))
            assert reader.delivery_counts() == {"done": 50 * (turn + 1)}
            spent.append(time.perf_counter() - began)
        early, late = sorted(spent[10:50])[20], sorted(spent[80:])[20]
        assert late < 4 * early
        beside.execute("COMMIT")
        while writer.prune(NOW + DAY):
            pass
        assert reader.delivery_counts() == {}


def test_a_commit_that_moves_no_name_leaves_the_tally_alone(writer: PostgresWriter, beside: psycopg.Connection) -> None:
    """A few rows that every commit replaced would have a long tail of dead ones while another session holds a snapshot."""
    writer.apply(Changes(domains=[domain("a.com"), domain("b.com")]))
    tally = "SELECT ctid, suffix, state, names FROM tally ORDER BY state"
    before = beside.execute(tally).fetchall()
    writer.apply(Changes(domains=[domain("a.com", checked_at=1.0), domain("b.com", checked_at=1.0)]))
    assert beside.execute(tally).fetchall() == before
    writer.apply(Changes(domains=[domain("a.com", state="REDEMPTION")]))
    assert [row[1:] for row in beside.execute(tally)] == [("com", "REDEMPTION", 1), ("com", "REGISTERED", 1)]


def test_the_update_of_deliveries_is_planned_anew_each_time(writer: PostgresWriter) -> None:
    """A plan of a moment in which nothing waited read the whole index for each row, with the dead entries of hours."""
    for turn in range(10):
        writer.apply(Changes(deliveries=[delivery(f"d{turn}", lane="result")]))
        writer.apply(Changes(deliveries=[delivery(f"d{turn}", lane="result", state="done", done_at=NOW)]))
    with writer._transaction("look") as connection:
        kept = [row[0] for row in connection.execute("SELECT statement FROM pg_prepared_statements")]
    assert any("INSERT INTO delivery" in statement for statement in kept)
    assert not any("UPDATE delivery SET" in statement for statement in kept)


@pytest.mark.parametrize("limit", [1, 50_000])
def test_no_call_of_a_reader_leaves_a_snapshot(
    writer: PostgresWriter, settings: Settings, beside: psycopg.Connection, limit: int
) -> None:
    """Also while the whole list is used slowly: a snapshot that is kept holds up the cleaning of every table."""
    writer.apply(Changes(new=[NewName(number, f"n{number}.com", "com", False) for number in range(25_000)]))
    reader = PostgresReader(settings.store_url, limit)
    calls: list[Callable[[], object]] = [reader.last_seq, reader.events, reader.deliveries]
    calls += [lambda: reader.domains(q="n1"), lambda: reader.domain_record("n1.com")]
    batches = reader.names()
    calls += [lambda: next(batches)] * 2
    kept = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'domain-monitor reader' AND state <> 'idle'"
    for call in calls:
        call()
        assert beside.execute(kept).fetchone() == (0,)
    reader.close()


@pytest.mark.parametrize(
    ("at", "slot"),
    [(None, 10), (-5.0, 10), (0.0, 10), (9.99, 10), (10.0, 20), (float("nan"), 10), (1e300, (1 << 40) // 10 * 10)],
)
def test_every_time_lies_in_a_span(at: float | None, slot: int) -> None:
    """Also one that makes no sense; a span begins where the one before it ends."""
    assert slot_of(at, 10) == slot
