"""A server that does not get done: a lock that another session holds, a statement that takes long.

For us it is away: what was to be written is written later, once.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg
import pytest

from common.config import Settings
from common.core.model.records import Changes
from common.errors import StoreAway
from common.store.postgres import lease_row, postgres_writer, read_session
from common.store.postgres.lease_row import LEASING, PostgresLeases
from common.store.postgres.postgres_reader import PostgresReader
from common.store.postgres.postgres_writer import PostgresWriter
from common.store.postgres.session import READING, WRITING, Limits
from tests.store.builders import delivery, domain, event, judgement, loaded_names, open_next
from tests.store.lease_scene import take
from tests.store.postgres.sessions import end_sessions

#: Every limit in milliseconds, short enough for a test; and changes of every kind.
SHORT = Limits(statement=300, lock=100, idle=15_000)
TOLD = event(1, "a.com")
CHANGES = Changes(
    domains=[domain("a.com")], events=[TOLD], deliveries=[delivery(TOLD.id)], ledger=[judgement("a.com")], meta={"k": "v"}
)


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits that a test need not wait for; sessions that were opened before keep theirs."""
    monkeypatch.setattr(postgres_writer, "WRITING", SHORT)
    monkeypatch.setattr(postgres_writer, "LOADING", SHORT)
    monkeypatch.setattr(read_session, "READING", SHORT)
    monkeypatch.setattr(lease_row, "LEASING", LEASING._replace(lock=100))
    assert (WRITING.statement, READING.statement, LEASING.statement) == (60_000, 15_000, 3000)


@contextmanager
def locked(beside: psycopg.Connection, table: str) -> Iterator[None]:
    """A session of another program holds a table, as a migration by hand does, or a VACUUM FULL."""
    with beside.transaction():
        beside.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield


def expect_written_once(writer: PostgresWriter, settings: Settings) -> None:
    """All of the changes are there, each row once."""
    assert (len(loaded_names(writer.load())), writer.load().meta) == (1, {"k": "v"})
    with closing(PostgresReader(settings.store_url)) as reader:
        assert (reader.events(), len(reader.deliveries().rows), len(reader.ledger("a.com"))) == ([TOLD], 1, 1)


@pytest.mark.parametrize("table", ["domain", "ledger", "meta", "fence"])
def test_a_lock_that_another_session_holds_is_waited_out(
    table: str, writer: PostgresWriter, settings: Settings, beside: psycopg.Connection
) -> None:
    """Whichever table it is: nothing is written before, and the same changes are written after it."""
    with locked(beside, table):
        for _ in range(2):
            with pytest.raises(StoreAway, match=r"cannot write: .*lock timeout|has not ended a transaction"):
                writer.apply(CHANGES)
    assert list(writer.load().names) == []
    writer.apply(CHANGES)
    expect_written_once(writer, settings)


def test_a_statement_that_takes_too_long_is_tried_again(
    writer: PostgresWriter, settings: Settings, beside: psycopg.Connection
) -> None:
    """As one whose disk is overloaded."""
    beside.execute(
        "CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(60); RETURN new; END'; "
        "CREATE TRIGGER linger BEFORE INSERT ON meta FOR EACH ROW EXECUTE FUNCTION linger()"
    )
    with pytest.raises(StoreAway, match=r"does not get done: cannot write: .*statement timeout"):
        writer.apply(CHANGES)
    beside.execute("DROP TRIGGER linger ON meta")
    writer.apply(CHANGES)
    expect_written_once(writer, settings)


def test_a_start_that_a_lock_holds_up_is_one_of_a_server_that_is_away(settings: Settings, beside: psycopg.Connection) -> None:
    """The next epoch opens it."""
    with locked(beside, "domain"), pytest.raises(StoreAway, match="does not get done: cannot forget old names"):
        open_next(settings)
    with closing(open_next(settings)) as later:
        assert later.load().meta == {}


def test_names_that_a_lock_holds_up_are_read_later(writer: PostgresWriter, beside: psycopg.Connection) -> None:
    """A start that reads them ends as one of a server that is away."""
    writer.apply(CHANGES)
    loaded = writer.load()
    with locked(beside, "domain"), pytest.raises(StoreAway, match="does not get done: cannot read the names"):
        list(loaded.names)
    assert len(loaded_names(writer.load())) == 1


def test_a_lease_whose_row_is_locked_is_renewed_later(settings: Settings, beside: psycopg.Connection) -> None:
    """A renewal waits for a second at most, so that the next one comes before the lease runs out."""
    leases = PostgresLeases(settings.store_url)
    lease = take(leases)
    end_sessions(beside, "lease")
    with locked(beside, "lease"), pytest.raises(StoreAway, match="does not get done: cannot renew the lease"):
        lease.renew()
    lease.renew()
    assert lease.is_valid()
    leases.close()


def test_a_reader_that_a_lock_holds_up_has_no_answer_now(settings: Settings, beside: psycopg.Connection) -> None:
    """Its caller may ask again."""
    with closing(PostgresReader(settings.store_url)) as reader:
        with locked(beside, "domain"), pytest.raises(StoreAway, match="does not get done: cannot read the state"):
            reader.domain("a.com")
        assert reader.domain("a.com") is None
