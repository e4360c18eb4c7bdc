"""What is written while the server of the database is away, and what is there when it is back: over a real server."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from msgspec import structs

from actors.coordinator.spools import hand_over_spools
from common.config import Settings
from common.core.model.records import Changes
from common.errors import LeaseLost, StoreAway, StoreBehind
from common.store.lease_contract import Leader
from common.store.postgres import tables
from common.store.postgres.postgres_writer import PostgresWriter
from common.store.postgres.session import Connection
from common.store.reader import open_reader
from common.store.spool import Record, Spool, find_left, find_spools
from common.store.spooler import Spooler, replay_left
from common.store.store_contract import Mark
from tests.store.builders import delivery, domain, event
from tests.store.conftest import empty_store
from tests.store.lost_answers import LossyWay
from tests.store.postgres_server import PostgresServer

LEADER = Leader("here", "boot", 1, "ipc://bus-1", "ipc://feed-1")


class Gate:
    """Lets the calls of a writer fail as those to a server that is away."""

    def __init__(self, writer: PostgresWriter, monkeypatch: pytest.MonkeyPatch) -> None:
        self.away = False
        self.left: int | None = None  # transactions until it is away
        real = writer._require_epoch

        def begin(connection: Connection) -> None:
            if self.left is not None:
                self.away, self.left = self.left == 0, max(0, self.left - 1)
            if self.away:
                raise StoreAway("the server cannot be reached")
            real(connection)

        monkeypatch.setattr(writer, "_require_epoch", begin)


@pytest.fixture
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Settings with an empty database; the directory of the instance is there."""
    made = empty_store(request, "postgresql", tmp_path / "state")
    made.instance_dir.mkdir(parents=True)
    return made


@pytest.fixture
def open_epoch(settings: Settings) -> Iterator[Callable[[int], PostgresWriter]]:
    """Opens the database in an epoch."""
    opened = []

    def open_writer(epoch: int) -> PostgresWriter:
        opened.append(PostgresWriter(settings.store_url, settings.state_dir, epoch))
        return opened[-1]

    yield open_writer
    for writer in opened:
        writer.close()


@pytest.fixture
def writer(open_epoch: Callable[[int], PostgresWriter]) -> PostgresWriter:
    """The writer of the first epoch."""
    return open_epoch(1)


@pytest.fixture
def gate(writer: PostgresWriter, monkeypatch: pytest.MonkeyPatch) -> Gate:
    """The way to its server."""
    return Gate(writer, monkeypatch)


@pytest.fixture
def spooler(writer: PostgresWriter, settings: Settings) -> Iterator[Spooler]:
    """What writes there, or into a file."""
    with closing(Spooler(writer, settings.instance_dir, LEADER, lambda: 1000.0)) as opened:
        yield opened


def change(number: int) -> Changes:
    """A transaction that can be told from others: an event with its delivery, and a state."""
    name = f"n{number}.com"
    row = domain(name, id=number, state="AVAILABLE", generation=1)
    return Changes(domains=[row], events=[event(number, name)], deliveries=[delivery(f"id-{number}", domain=name)])


def numbers(settings: Settings) -> list[int]:
    """Which of them the database has."""
    with closing(open_reader(settings)) as reader:
        return [row.seq for row in reader.events()]


def write(spooler: Spooler, *wanted: int, may_spool: bool = True, reachable: bool = True) -> list[bool]:
    """Write some; whether each was spooled."""
    return [spooler.write(change(number), may_spool=may_spool, reachable=reachable) != "" for number in wanted]


def test_what_cannot_be_written_is_spooled_and_written_in_order(spooler: Spooler, gate: Gate, settings: Settings) -> None:
    """Nothing newer goes before it, and no file stays."""
    assert write(spooler, 1) == [False]
    gate.away = True
    assert write(spooler, 2, 3) == [True, True]
    assert (spooler.waiting, spooler.since) == (2, 1000.0)
    assert numbers(settings) == [1]
    gate.away = False
    assert write(spooler, 4, reachable=False) == [True]  # the server may be there, but the lease was not renewed
    assert write(spooler, 5, reachable=True) == [False]
    assert numbers(settings) == [1, 2, 3, 4, 5]
    assert (spooler.waiting, spooler.since, find_spools(settings.instance_dir)) == (0, None, [])
    gate.away = True
    assert write(spooler, 6) == [True]
    gate.away = False
    assert (spooler.replay(), spooler.replay()) == (1, 0)
    assert write(spooler, 7, reachable=True) == [False]
    assert numbers(settings) == [1, 2, 3, 4, 5, 6, 7]


def test_nothing_is_spooled_where_another_instance_may_lead(spooler: Spooler, gate: Gate, settings: Settings) -> None:
    """The error is as without a file."""
    gate.away = True
    with pytest.raises(StoreAway, match="cannot be reached"):
        write(spooler, 1, may_spool=False)
    assert find_spools(settings.instance_dir) == []


def test_a_file_that_is_full_is_as_no_file(writer: PostgresWriter, gate: Gate, settings: Settings) -> None:
    """What did not fit is written once there is a server, after what did."""
    with closing(Spooler(writer, settings.instance_dir, LEADER, lambda: 1000.0, limit=1500)) as spooler:
        gate.away = True
        assert write(spooler, 1, 2) == [True, True]
        refused = change(3)
        with pytest.raises(StoreAway, match="limit"):
            spooler.write(refused, may_spool=True, reachable=False)
        gate.away = False
        assert not spooler.write(refused, may_spool=True, reachable=True)
    assert numbers(settings) == [1, 2, 3]


def test_a_server_that_goes_away_in_the_middle_of_the_writing_gets_the_rest_later(
    spooler: Spooler, gate: Gate, settings: Settings
) -> None:
    """Each transaction once, and what came meanwhile behind them."""
    gate.away = True
    write(spooler, 1, 2, 3)
    gate.left = 2
    assert write(spooler, 4, reachable=True) == [True]
    assert (numbers(settings), spooler.waiting) == ([1, 2], 2)
    gate.left = gate.away = None  # type: ignore[assignment]  # from now on
    assert spooler.replay() == 2
    assert numbers(settings) == [1, 2, 3, 4]


def test_a_commit_whose_answer_was_lost_is_spooled_and_not_written_twice(
    postgres: PostgresServer, settings: Settings, tmp_path: Path
) -> None:
    """The database has it: its mark tells."""
    schema = postgres.new_schema()
    with closing(LossyWay(postgres.port)) as way:
        url = postgres.url(schema, password="tr0ub4dor&3").replace(f":{postgres.port}/", f":{way.port}/")
        writer = PostgresWriter(url, tmp_path, 1)
        with closing(writer), closing(Spooler(writer, settings.instance_dir, LEADER, lambda: 0.0)) as spooler:
            write(spooler, 1)
            way.lose_next()
            again = Changes(ledger=[], meta={"key": "2"}, deliveries=[delivery("id-2", domain="n2.com")])
            assert spooler.write(again, may_spool=True, reachable=True)
            with postgres.connect(schema) as beside:
                beside.execute("UPDATE meta SET value = 'changed' WHERE key = 'key'")
                assert spooler.replay() == 0
                assert beside.execute("SELECT value FROM meta WHERE key = 'key'").fetchone() == ("changed",)
            assert write(spooler, 3, reachable=True) == [False]


def test_the_next_epoch_writes_what_a_killed_run_spooled(
    spooler: Spooler, gate: Gate, settings: Settings, open_epoch: Callable[[int], PostgresWriter]
) -> None:
    """Before it reads anything; and only what was not written, wherever the run, or the one after it, ended."""
    write(spooler, 1)
    gate.away = True
    write(spooler, 2, 3, 4)
    gate.left = 1
    with pytest.raises(StoreAway):
        spooler.replay()
    assert numbers(settings) == [1, 2]
    second = open_epoch(2)
    kept = find_spools(settings.instance_dir)[0].read_bytes()
    assert second.apply_marked(change(3), Mark(1, 3))  # and is killed
    third = open_epoch(3)
    (done,) = replay_left(third, settings.instance_dir)
    assert (done.written, done.reason) == (1, "")
    assert numbers(settings) == [1, 2, 3, 4]
    assert find_spools(settings.instance_dir) == find_left(settings.instance_dir) == []
    third.apply(change(5))
    done.path.write_bytes(kept)
    (left,) = replay_left(third, settings.instance_dir)
    assert (left.written, left.reason, left.handed_over) == (3, "", True)
    assert find_spools(settings.instance_dir) == find_left(settings.instance_dir) == []
    assert numbers(settings) == [1, 2, 3, 4, 5]
    found = third.handed_over([])
    assert (len(found.keys), found.events, found.deliveries) == (6, [], []), "all of it is there"


def test_an_epoch_that_wrote_nothing_keeps_no_file_from_being_written(
    spooler: Spooler, gate: Gate, settings: Settings, open_epoch: Callable[[int], PostgresWriter]
) -> None:
    """It was taken, and ended: nothing is newer than what was spooled."""
    write(spooler, 1)
    gate.away = True
    write(spooler, 2)
    open_epoch(2)
    assert [done.written for done in replay_left(open_epoch(3), settings.instance_dir)] == [1]
    assert numbers(settings) == [1, 2]


def test_the_database_is_behind_and_gets_what_was_spooled(
    spooler: Spooler,
    gate: Gate,
    writer: PostgresWriter,
    settings: Settings,
    open_epoch: Callable[[int], PostgresWriter],
) -> None:
    """After a failover that lost commits the run ends; the next one writes what the file has, whatever lies between."""
    write(spooler, 1, 2)
    gate.away = True
    write(spooler, 3)
    gate.away = False
    with psycopg.connect(settings.store_url, autocommit=True) as beside:
        beside.execute("UPDATE meta SET value = '1.1' WHERE key = %s", (tables.COMMIT_KEY,))
        beside.execute("DELETE FROM event WHERE seq = 2")
        beside.execute("DELETE FROM event_key WHERE seq = 2")
    assert writer._connection is not None
    writer._connection.close()
    with pytest.raises(StoreBehind):
        spooler.replay()
    spooler.close()
    second = open_epoch(2)
    assert [done.written for done in replay_left(second, settings.instance_dir)] == [1]
    assert numbers(settings) == [1, 3]
    assert second.load().next_seq == 4


def test_a_file_that_cannot_be_used_is_set_aside(
    spooler: Spooler, gate: Gate, settings: Settings, writer: PostgresWriter
) -> None:
    """Of another database, damaged, or with what the database refuses: it is no reason not to start, and it stays."""
    gate.away = True
    write(spooler, 1, 2)
    spooler.close()
    gate.away = False
    (path,) = find_spools(settings.instance_dir)
    whole = path.read_bytes()

    def left() -> tuple[int, str]:
        (done,) = replay_left(writer, settings.instance_dir)
        assert find_left(settings.instance_dir) == [done.path]
        assert find_spools(settings.instance_dir) == []
        return done.written, done.reason

    path.write_bytes(b"nothing of ours")
    assert left()[0] == 0
    identity, writer.identity = writer.identity, "another"
    path.write_bytes(whole)
    assert "another database" in left()[1]
    writer.identity = identity
    path.write_bytes(whole[:-100] + b"\x00" * 200)
    assert left() == (1, "it is damaged behind these")
    with closing(Spool.create(settings.instance_dir, Spool.open(find_left(settings.instance_dir)[0]).header)) as refused:
        refused.append(Record(9, 0.0, Changes(domains=[domain("other.com", id=1)])))
    assert "cannot write" in left()[1]


def test_a_later_epoch_shuts_the_writing_out(
    spooler: Spooler, gate: Gate, settings: Settings, open_epoch: Callable[[int], PostgresWriter]
) -> None:
    """A run that was paused, and wakes up, writes nothing of what it spooled."""
    gate.away = True
    write(spooler, 1)
    open_epoch(2)
    gate.away = False
    with pytest.raises(LeaseLost):
        spooler.replay()
    assert numbers(settings) == []
    assert len(find_spools(settings.instance_dir)) == 1


def test_a_call_that_hangs_is_interrupted(writer: PostgresWriter, settings: Settings) -> None:
    """It is away then, and the next call finds another connection."""
    with psycopg.connect(settings.store_url) as beside:
        beside.execute("LOCK TABLE event_key IN ACCESS EXCLUSIVE MODE")
        timer = threading.Timer(0.3, writer.interrupt)
        timer.start()
        with pytest.raises(StoreAway):
            writer.apply(change(1))
        timer.join()
    writer.apply(change(1))
    assert numbers(settings) == [1]


def spooled_by_another(gate: Gate, spooler: Spooler) -> None:
    """An outage in which an instance decides something; then another one leads, and decides something else."""
    write(spooler, 1)
    gate.away = True
    write(spooler, 2, 3)
    told = delivery("id-2", domain="n2.com", state="done", attempts=1, done_at=5.0, last_status=200)
    spooler.write(Changes(deliveries=[told, delivery("r", lane="result")]), may_spool=True, reachable=False)
    spooler.close()


def test_what_was_decided_before_another_instance_led_is_handed_over(
    gate: Gate,
    spooler: Spooler,
    settings: Settings,
    open_epoch: Callable[[int], PostgresWriter],
) -> None:
    """By an instance that stands by; the leader finds what it has not recorded, and its transaction removes all of it."""
    spooled_by_another(gate, spooler)
    leader = open_epoch(2)
    leader.apply(Changes(events=[event(9, "n3.com")], deliveries=[delivery("id-3", domain="n3.com")]))
    assert hand_over_spools(settings, 1) == [], "its own epoch leads"
    (done,) = hand_over_spools(settings, 2)
    assert (done.written, done.handed_over, done.reason) == (3, True, "")
    assert find_spools(settings.instance_dir) == []
    found = leader.handed_over([])
    assert [(row.domain, row.id) for row in found.events] == [("n2.com", event(2, "n2.com").id)]
    assert [(row.id, row.state) for row in found.deliveries] == [("id-2", "done")]
    assert len(found.keys) == 4
    assert leader.handed_over(found.keys).keys == []
    event_row = structs.replace(found.events[0], seq=10)
    leader.apply(Changes(events=[event_row], deliveries=found.deliveries, taken=found.keys))
    assert leader.handed_over([]).keys == []
    assert numbers(settings) == [1, 9, 10]
    stored = leader.delivery("id-2")
    assert stored is not None
    assert (stored.state, stored.last_status) == ("done", 200)


def test_a_delivery_that_waits_and_was_made_elsewhere_is_news(
    gate: Gate, spooler: Spooler, open_epoch: Callable[[int], PostgresWriter], settings: Settings
) -> None:
    """One that is finished is none, whatever was spooled of it; nor what cannot be read."""
    spooled_by_another(gate, spooler)
    leader = open_epoch(2)
    leader.apply(Changes(deliveries=[delivery("id-2"), delivery("id-3", state="done", done_at=1.0)]))
    hand_over_spools(settings, 2)
    with psycopg.connect(settings.store_url, autocommit=True) as beside:
        beside.execute("INSERT INTO spooled(key, body) VALUES ('event:x', 'no event'), ('delivery:x', 'none')")
    found = leader.handed_over([])
    assert [(row.id, row.state) for row in found.deliveries] == [("id-2", "done")]
    assert {"event:x", "delivery:x"} <= set(found.keys)


def test_what_is_of_another_database_is_handed_to_none(
    gate: Gate, spooler: Spooler, open_epoch: Callable[[int], PostgresWriter], settings: Settings
) -> None:
    """It is set aside, and so is what is damaged."""
    spooled_by_another(gate, spooler)
    leader = open_epoch(2)
    (path,) = find_spools(settings.instance_dir)
    whole = path.read_bytes()
    with psycopg.connect(settings.store_url, autocommit=True) as beside:
        beside.execute("UPDATE meta SET value = 'another' WHERE key = %s", (tables.IDENTITY_KEY,))
        (left,) = hand_over_spools(settings, 2)
        assert (left.handed_over, "another database" in left.reason) == (False, True)
        beside.execute("UPDATE meta SET value = %s WHERE key = %s", (leader.identity, tables.IDENTITY_KEY))
    assert find_left(settings.instance_dir) == [left.path]
    path.write_bytes(b"nothing of ours")
    assert hand_over_spools(settings, 2)[0].reason
    path.write_bytes(whole[:-50] + b"\x00" * 200)
    (damaged,) = hand_over_spools(settings, 2)
    assert (damaged.handed_over, damaged.written, "damaged" in damaged.reason) == (True, 2, True)
    assert leader.handed_over([]).keys
    assert hand_over_spools(settings, 2) == []
