"""What is special about PostgreSQL: connections that break, epochs that race, spans that go, snapshots that others hold."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import psycopg
import pytest
from msgspec import structs

from common.config import Settings
from common.core.model.records import Changes, NewName
from common.errors import LeaseLost, StoreAway, StoreBehind, StoreDamaged, StoreDenied, StoreError, StoreFull, StoreLost
from common.store.postgres import fence, partitions, postgres_writer, tables
from common.store.postgres.lease_row import PostgresLeases
from common.store.postgres.partitions import ledger_width, slot_of
from common.store.postgres.postgres_reader import PostgresReader
from common.store.postgres.postgres_writer import PostgresWriter
from common.store.postgres.session import READING, WRITING, Server
from common.store.reader import open_reader
from common.store.store_contract import DAY
from tests.store.builders import delivery, domain, event, judgement, loaded_names, open_next
from tests.store.conftest import empty_store
from tests.store.lease_scene import take
from tests.store.lost_answers import LossyWay
from tests.store.postgres_server import DATABASE, PASSWORD, PostgresServer, require_programs

NOW = 1000 * DAY
#: Ends the session of whatever writes to `meta`, in the middle of its transaction.
CUT = """
    CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(60); RETURN new; END';
    CREATE TRIGGER cut BEFORE INSERT ON meta FOR EACH ROW EXECUTE FUNCTION cut()
"""


@pytest.fixture
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Settings with an empty database."""
    return empty_store(request, "postgresql", tmp_path / "state")


@pytest.fixture
def writer(settings: Settings) -> Iterator[PostgresWriter]:
    """The store, opened to write."""
    opened = open_next(settings)
    assert isinstance(opened, PostgresWriter)
    yield opened
    opened.close()


@pytest.fixture
def beside(settings: Settings, writer: PostgresWriter) -> Iterator[psycopg.Connection]:
    """A session of another program, beside the store."""
    assert writer.engine.startswith("PostgreSQL")
    with closing(psycopg.connect(settings.store_url, autocommit=True)) as connection:
        yield connection


def end_sessions(beside: psycopg.Connection, purpose: str = "%") -> int:
    """End the sessions of the store; how many that were."""
    ended = "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE application_name LIKE %s"
    return int(beside.execute(ended, (f"domain-monitor {purpose}",)).fetchone()[0])


def slots(beside: psycopg.Connection, table: str) -> set[int]:
    """The spans of a table."""
    return set(partitions.Partitions().slots(beside, table))


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


def test_a_later_epoch_finds_all_that_the_earlier_one_was_answered(settings: Settings) -> None:
    """However they race: not one write of the earlier one comes after the later one has loaded."""
    for _ in range(15):
        earlier, answered = open_next(settings), [0]

        def write(writer: PostgresWriter = earlier, answered: list[int] = answered) -> None:  # type: ignore[assignment]
            try:
                while True:
                    writer.apply(Changes(meta={"n": str(answered[0] + 1)}))
                    answered[0] += 1
            except LeaseLost:
                answered.append(0)

        thread = threading.Thread(target=write)
        thread.start()
        while answered[0] < 3:
            time.sleep(0.001)
        later = open_next(settings)
        found = int(later.load().meta["n"])
        thread.join()

        assert answered == [found, 0]
        assert int(later.load().meta["n"]) == found
        earlier.close()
        later.close()


def test_a_transaction_that_is_paused_does_not_keep_a_successor_out(
    settings: Settings, writer: PostgresWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its session is ended, and nothing of it is written."""
    monkeypatch.setattr(fence, "PATIENCE_MS", 50)
    with ExitStack() as stack:
        paused = stack.enter_context(writer._transaction("write"))
        paused.execute("INSERT INTO meta(key, value) VALUES ('k', 'v')")
        later = open_next(settings)
        with pytest.raises(StoreError, match="cannot be reached"):
            stack.close()
    assert later.load().meta == {}
    with pytest.raises(LeaseLost):
        writer.apply(Changes(meta={"k": "v"}))
    later.close()


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


@pytest.mark.parametrize(
    ("code", "kind", "told"),
    [
        ("53100", StoreFull, "the disk of the database is full"),
        ("XX001", StoreDamaged, "damaged.*backup"),
        ("XX002", StoreDamaged, "damaged.*backup"),
        ("57P04", StoreLost, "backup"),
        ("25006", StoreAway, "only lets read.*target_session_attrs"),
        ("25P03", StoreAway, "cannot be reached"),
        ("08006", StoreAway, "cannot be reached"),
        ("53300", StoreAway, "cannot be reached"),
        ("57P03", StoreAway, "cannot be reached"),
        ("28P01", StoreDenied, "user and password"),
        ("57014", StoreError, "cannot write"),
        ("53200", StoreError, "cannot write"),
        ("40P01", StoreError, "cannot write"),
    ],
)
def test_what_the_server_says_has_its_own_kind(
    writer: PostgresWriter, beside: psycopg.Connection, code: str, kind: type[StoreError], told: str
) -> None:
    """Said by a trigger here; nothing is written, and the same write does once it is over."""
    beside.execute(
        f"CREATE FUNCTION complain() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''so it is'' "
        f"USING ERRCODE = ''{code}''; END'; CREATE TRIGGER complain BEFORE INSERT ON meta EXECUTE FUNCTION complain()"
    )
    changes = Changes(domains=[domain("a.com")], meta={"k": "v"})
    with pytest.raises(StoreError, match=told) as caught:
        writer.apply(changes)
    assert type(caught.value) is kind
    assert list(writer.load().names) == []
    beside.execute("DROP TRIGGER complain ON meta")
    writer.apply(changes)

    assert len(loaded_names(writer.load())) == 1


def test_tables_that_vanish_are_lost(writer: PostgresWriter, settings: Settings, beside: psycopg.Connection) -> None:
    """For the writer, its looks, a reader, and the next start, which does not begin anew by itself."""
    writer.apply(Changes(meta={"k": "v"}))
    reader = open_reader(settings)
    (schema,) = beside.execute("SELECT current_schema()").fetchone()
    beside.execute(f"ALTER SCHEMA {schema} RENAME TO {schema}_away; CREATE SCHEMA {schema}")
    for look in (lambda: writer.apply(Changes(meta={"k": "w"})), writer.verify, reader.last_seq, lambda: open_next(settings)):
        with pytest.raises(StoreLost, match="backup"):
            look()
    assert beside.execute("SELECT to_regclass('meta')").fetchone() == (None,)
    reader.close()
    marker = next(settings.state_dir.glob("postgresql-*.begun"))
    beside.execute(f"DROP SCHEMA {schema}; ALTER SCHEMA {schema}_away RENAME TO {schema}")
    with closing(open_next(settings)) as back:
        assert back.load().meta == {"k": "v"}
    beside.execute(f"DROP SCHEMA {schema} CASCADE; CREATE SCHEMA {schema}")
    marker.unlink()
    with closing(open_next(settings)) as anew:
        assert anew.load().meta == {}


def test_another_database_in_its_place_is_lost_too(
    writer: PostgresWriter, settings: Settings, beside: psycopg.Connection
) -> None:
    """Its tables are the same, its state is not."""
    beside.execute("UPDATE meta SET value = gen_random_uuid()::text WHERE key = 'store.identity'")
    with pytest.raises(StoreLost, match=r"replaced.*backup"):
        writer.verify()
    with pytest.raises(StoreLost, match=r"another database.*\.begun"):
        open_next(settings)


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


def test_the_password_is_in_no_error(postgres: PostgresServer, tmp_path: Path) -> None:
    """Whether it is wrong, the server is not there, the database is not, or the name of the host is not."""
    wrong = "s3cret&of=mine"
    good = postgres.url(password=PASSWORD)
    for url in (
        postgres.url(password=wrong),
        postgres.url(password=wrong).replace(f":{postgres.port}", ":1"),
        good.replace(f"{postgres.port}/{DATABASE}", f"{postgres.port}/never"),
        postgres.url(password=wrong).replace("127.0.0.1", "host.invalid") + "?hostaddr=127.0.0.1&port=1",
    ):
        for opening in (lambda url=url: PostgresWriter(url, tmp_path, 1), lambda url=url: PostgresReader(url)):
            with pytest.raises(StoreError) as caught:
                opening()
            shown = f"{caught.value!r} {caught.value.__cause__!r}"
            assert not any(secret in shown for secret in (wrong, PASSWORD, "s3cret", "tr0ub4dor")), shown
    with closing(PostgresWriter(good + "?options=-csearch_path%3Dpublic", tmp_path / "good", 1)) as writer:
        assert writer.load().next_seq == 1


def test_a_user_that_is_refused_is_told_from_a_server_that_is_away(postgres: PostgresServer) -> None:
    """Where several servers are named and one of them does not answer, that one may be the right one."""
    wrong = postgres.url(password="wrong-one")
    here = f"127.0.0.1:{postgres.port}"
    refused = [wrong, wrong.replace(here, f"{here},{here}"), postgres.url().replace("monitor@", "never@")]
    refused.append(f"postgresql://monitor@{here}/{DATABASE}")
    for url in refused:
        with pytest.raises(StoreDenied, match="user and password"):
            Server(url).connect("test", READING, read_only=True)
    for url in (wrong.replace(here, f"{here},127.0.0.1:1"), wrong.replace(here, "127.0.0.1:1")):
        with pytest.raises(StoreAway, match="cannot be reached"):
            Server(url).connect("test", READING, read_only=True)


def test_a_database_of_another_encoding_is_refused(postgres: PostgresServer, tmp_path: Path) -> None:
    """Names of the world do not fit into it."""
    postgres.execute("CREATE DATABASE narrow ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C'")
    with pytest.raises(StoreError, match=r"LATIN1.*UTF8"):
        PostgresWriter(postgres.url().replace(f"@/{DATABASE}", "@/narrow"), tmp_path, 1)


@pytest.mark.parametrize(
    ("at", "slot"),
    [(None, 10), (-5.0, 10), (0.0, 10), (9.99, 10), (10.0, 20), (float("nan"), 10), (1e300, (1 << 40) // 10 * 10)],
)
def test_every_time_lies_in_a_span(at: float | None, slot: int) -> None:
    """Also one that makes no sense; a span begins where the one before it ends."""
    assert slot_of(at, 10) == slot
