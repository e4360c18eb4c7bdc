"""Sessions that are ended, and answers that are lost: nothing is written twice, and nothing that was answered is lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from msgspec import structs

from common.config import Settings
from common.core.model.records import Changes
from common.errors import StoreAway, StoreBehind, StoreError
from common.store.postgres import postgres_writer, tables
from common.store.postgres.lease_row import PostgresLeases
from common.store.postgres.postgres_reader import PostgresReader
from common.store.postgres.postgres_writer import PostgresWriter
from common.store.postgres.session import WRITING
from common.store.reader import open_reader
from tests.store.builders import delivery, domain, event, judgement, loaded_names, open_next
from tests.store.lease_scene import take
from tests.store.lost_answers import LossyWay
from tests.store.postgres.sessions import end_sessions, slots
from tests.store.postgres_server import PASSWORD, PostgresServer, require_programs

#: Ends the session of whatever writes to `meta`, in the middle of its transaction.
CUT = """
    CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(60); RETURN new; END';
    CREATE TRIGGER cut BEFORE INSERT ON meta FOR EACH ROW EXECUTE FUNCTION cut()
"""


def test_a_session_that_is_ended_between_two_transactions_is_replaced(
    writer: PostgresWriter, beside: psycopg.Connection
) -> None:
    """A server that was restarted, or a firewall that forgot a connection, does not end the run."""
    writer.apply(Changes(domains=[domain("a.com", id=1, detail=b"x")]))
    assert end_sessions(beside) >= 2
    writer.apply(Changes(meta={"k": "v"}))

    assert writer.details([1]) == {1: b"x"}
    assert writer.load().meta == {"k": "v"}


def test_a_session_that_is_ended_in_the_middle_writes_nothing(writer: PostgresWriter, beside: psycopg.Connection) -> None:
    """The transaction fails as a whole, and the next one finds a new connection."""
    beside.execute(CUT)
    with pytest.raises(StoreError, match="cannot be reached"):
        writer.apply(Changes(domains=[domain("a.com")], events=[event(1, "a.com")], meta={"k": "v"}))
    beside.execute("DROP TRIGGER cut ON meta")
    assert (list(writer.load().names), slots(beside, "event")) == ([], set())
    writer.apply(Changes(domains=[domain("a.com")], events=[event(1, "a.com")], meta={"k": "v"}))

    assert writer.load().meta == {"k": "v"}


def test_a_commit_whose_answer_is_lost_can_be_written_again(postgres: PostgresServer, tmp_path: Path) -> None:
    """It was written; the same changes once more make no second event, delivery or entry of the ledger.

    The next run has other ones, and at most the event and the delivery are the same.
    """
    with closing(LossyWay(postgres.port)) as way:
        direct = postgres.url(postgres.new_schema(), password=PASSWORD)
        url = direct.replace(f":{postgres.port}", f":{way.port}") + "&sslmode=disable"
        writer = PostgresWriter(url, tmp_path, 1)
        told = event(1, "a.com")
        changes = Changes(
            domains=[domain("a.com", generation=1)], events=[told], deliveries=[delivery(told.id)], ledger=[judgement("a.com")],
            meta={"k": "v"},
        )  # fmt: skip
        way.lose_next()
        with pytest.raises(StoreAway, match="cannot be reached"):
            writer.apply(changes)
        assert writer.load().meta == {"k": "v"}
        writer.apply(changes)
        with closing(PostgresReader(direct)) as reader:
            assert len(reader.ledger("a.com")) == 1
        writer.apply(Changes(meta={"k": "w"}))
        later = PostgresWriter(direct, tmp_path, 2)
        later.apply(structs.replace(changes, ledger=[]))
        with closing(PostgresReader(direct)) as reader:
            assert (reader.events(), len(reader.deliveries().rows)) == ([told], 1)
        assert (later.load().next_seq, len(loaded_names(later.load()))) == (2, 1)
        writer.close()
        later.close()


def test_changes_that_were_not_written_are_written_with_the_next_try(
    writer: PostgresWriter, beside: psycopg.Connection
) -> None:
    """Whatever was written before them, or fails again."""
    writer.apply(Changes(meta={"k": "before"}))
    beside.execute(CUT)
    changes = Changes(ledger=[judgement("a.com")], meta={"k": "v"})
    for _ in range(2):
        with pytest.raises(StoreAway, match="cannot be reached"):
            writer.apply(changes)
    beside.execute("DROP TRIGGER cut ON meta")
    writer.apply(changes)

    assert writer.load().meta == {"k": "v"}
    assert beside.execute("SELECT count(*) FROM ledger").fetchone() == (1,)


def test_a_transaction_that_the_server_has_not_ended_is_waited_for(
    writer: PostgresWriter, beside: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one that waits for a standby: while its outcome is open the same changes are not written beside it."""
    monkeypatch.setattr(postgres_writer, "WRITING", WRITING._replace(lock=100))
    writer.apply(Changes(meta={"k": "before"}))
    beside.execute(CUT)
    changes = Changes(meta={"k": "v"})
    with pytest.raises(StoreAway):
        writer.apply(changes)
    beside.execute("DROP TRIGGER cut ON meta")
    beside.execute("BEGIN")
    beside.execute("UPDATE meta SET value = value WHERE key = %s", (tables.COMMIT_KEY,))
    with pytest.raises(StoreAway, match="not ended"):
        writer.apply(changes)
    beside.execute("ROLLBACK")
    writer.apply(changes)

    assert writer.load().meta == {"k": "v"}


def test_a_server_that_lost_what_it_answered_is_behind(
    writer: PostgresWriter, settings: Settings, beside: psycopg.Connection
) -> None:
    """As a replica that took over without the last commits: this run writes nothing more, the next one begins with those."""
    first, second = Changes(meta={"n": "1"}), Changes(meta={"n": "2"})
    writer.apply(first)
    (mark,) = beside.execute("SELECT value FROM meta WHERE key = %s", (tables.COMMIT_KEY,)).fetchone()
    writer.apply(second)
    end_sessions(beside)
    writer.apply(Changes(meta={"n": "3"}))
    beside.execute("UPDATE meta SET value = %s WHERE key = %s", (mark, tables.COMMIT_KEY))
    end_sessions(beside)
    for _ in range(2):
        with pytest.raises(StoreBehind, match="without what was committed"):
            writer.apply(Changes(meta={"n": "4"}))
    with closing(open_next(settings)) as later:
        assert later.load().meta == {"n": "3"}
        later.apply(Changes(meta={"n": "5"}))


def test_a_server_that_is_paused_is_away(tmp_path: Path) -> None:
    """It answers nothing, and ends nothing: no renewal and no closing waits for it for longer than seconds."""
    with closing(PostgresServer(require_programs())) as server:
        writer, leases = PostgresWriter(server.url(), tmp_path, 1), PostgresLeases(server.url())
        lease = take(leases)
        failed: list[StoreError] = []

        def write() -> None:
            with pytest.raises(StoreAway) as caught:
                writer.apply(Changes(meta={"k": "v"}))
            failed.append(caught.value)

        server.pause()
        try:
            writing = threading.Thread(target=write)
            began = time.monotonic()
            writing.start()
            with pytest.raises(StoreAway, match="cannot be reached"):
                lease.renew()
            writer.close()
            writing.join(10)
            assert failed
            assert time.monotonic() - began < 15
        finally:
            server.resume()
        lease.renew()
        leases.close()


def test_a_lease_outlasts_its_session(settings: Settings, beside: psycopg.Connection) -> None:
    """One that was ended between two renewals is replaced, and no renewal fails."""
    leases = PostgresLeases(settings.store_url)
    lease = take(leases)
    for _ in range(2):
        assert end_sessions(beside, "lease") == 1
        lease.renew()
    assert lease.is_valid()
    leases.close()


def test_a_reader_whose_session_is_ended_opens_another(settings: Settings, beside: psycopg.Connection) -> None:
    """What was asked is answered."""
    with closing(open_reader(settings)) as reader:
        assert end_sessions(beside, "reader") >= 1
        assert reader.last_seq() == 0


def test_a_server_that_crashes_and_comes_back_has_what_was_answered(tmp_path: Path) -> None:
    """While it is down every call fails in words; afterwards the same writer goes on, in its epoch."""
    with closing(PostgresServer(require_programs())) as server:
        writer = PostgresWriter(server.url(), tmp_path, 1)
        writer.apply(Changes(meta={"n": "1"}))
        server.stop()
        calls: list[Callable[[], object]] = [lambda: writer.apply(Changes(meta={"n": "2"})), writer.load, writer.verify]
        for call in (*calls, lambda: PostgresReader(server.url()), PostgresLeases(server.url()).find):
            with pytest.raises(StoreAway, match=r"cannot be reached"):
                call()
        server.start()
        assert writer.load().meta == {"n": "1"}
        writer.apply(Changes(meta={"n": "3"}))
        assert writer.load().meta == {"n": "3"}
        writer.close()
