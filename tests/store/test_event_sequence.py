"""Events of all shards have one sequence, whichever of them record at once."""

from __future__ import annotations

import json
import threading
import time
from contextlib import closing

import pytest

from common.core.model.records import Changes
from common.errors import LeaseLost, StoreAway, StoreError
from common.shard_settings import settings_of_shard
from common.store.postgres import event_sequence
from common.store.postgres.event_sequence import EventSequence
from common.store.postgres.postgres_writer import PostgresWriter
from common.store.reader import open_reader
from common.store.store_contract import Mark, Reader
from tests.store.builders import delivery, domain, open_next, schema_of
from tests.store.postgres_server import PostgresServer
from tests.store.shard_scene import SHARDS, Shards, recorded


def test_events_have_one_sequence(shards: Shards, whole: Reader) -> None:
    """In the store, in their bodies, in their notices, and in what the core holds of them."""
    told: list[Changes] = []
    for number in range(12):
        told.append(recorded(f"n{number}.com", f"m{number}.com"))
        shards.writers[number % SHARDS].apply(told[-1])

    rows = whole.events(limit=100)
    assert [row.seq for row in rows] == list(range(1, 25))
    assert rows == [row for changes in told for row in changes.events]
    assert [json.loads(row.body)["seq"] for row in rows] == list(range(1, 25))
    assert whole.last_seq() == 24
    assert [row.seq for row in whole.events(after=7, limit=3)] == [8, 9, 10]
    for row in rows:
        notice = whole.delivery(row.id)
        assert notice is not None
        assert (notice.order, notice.body) == (row.seq, row.body)
    assert shards.writers[3].load().next_seq == 25


def test_a_transaction_without_events_takes_no_number(shards: Shards, whole: Reader) -> None:
    """And waits for none."""
    shards.writers[0].apply(recorded("a.com"))
    shards.writers[1].apply(Changes(deliveries=[delivery("d")], meta={"k": "v"}))
    assert whole.last_seq() == 1


def test_a_transaction_that_fails_takes_no_number(shards: Shards, whole: Reader) -> None:
    """What is undone leaves no gap."""
    shards.writers[0].apply(Changes(domains=[domain("a.com", id=1)]))
    clash = recorded("b.com")
    clash.domains = [domain("b.com", id=1)]
    with pytest.raises(StoreError):
        shards.writers[0].apply(clash)
    shards.writers[1].apply(recorded("c.com"))
    assert [row.domain for row in whole.events()] == ["c.com"]
    assert whole.last_seq() == 1


def test_what_was_written_though_it_was_not_answered_keeps_its_numbers(shards: Shards, whole: Reader) -> None:
    """What was not is numbered anew when it is tried again."""
    writer = shards.writers[2]
    assert isinstance(writer, PostgresWriter)
    lost, undone = recorded("lost.com"), recorded("undone.com")

    def cut_after_commit(connection: object, changes: Changes, mark: Mark) -> None:
        write(connection, changes, mark)  # type: ignore[arg-type]
        connection.execute("COMMIT")  # type: ignore[attr-defined]
        connection.close()  # type: ignore[attr-defined]
        raise StoreAway("the answer was lost")

    def cut_before_commit(connection: object, changes: Changes, mark: Mark) -> None:
        write(connection, changes, mark)  # type: ignore[arg-type]
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

    assert [(row.seq, row.domain) for row in whole.events()] == [
        (1, "lost.com"),
        (2, "between-lost.com"),
        (3, "between-undone.com"),
        (4, "undone.com"),
    ]
    assert [changes.events[0].seq for changes in (lost, undone)] == [1, 4]
    assert undone.deliveries[0].order == 4


def test_what_was_told_while_the_server_was_away_keeps_its_body(shards: Shards, whole: Reader) -> None:
    """The event gets the next number and its notice that order, but what receivers have, or may have, is not changed."""
    writer = shards.writers[1]
    assert isinstance(writer, PostgresWriter)
    shards.writers[0].apply(recorded("a.com", "b.com"))
    spooled = recorded("spooled.com")
    mark, body = writer.take_mark(spooled), spooled.events[0].body

    assert writer.apply_marked(spooled, mark)

    (row,) = whole.events(after=2)
    notice = whole.delivery(row.id)
    assert notice is not None
    assert (row.seq, notice.order, row.body, notice.body) == (3, 3, body, body)


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
    shards: Shards, whole: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server ends its session, the others go on, and what it had not committed it can write again."""
    monkeypatch.setattr(event_sequence, "_BOUND", event_sequence.SQL("SET LOCAL idle_in_transaction_session_timeout = 300"))
    paused, resume = threading.Event(), threading.Event()
    number = EventSequence.number
    failed: list[StoreError] = []

    def number_and_pause(sequence: EventSequence, connection: object, changes: Changes, *, told: bool) -> None:
        number(sequence, connection, changes, told=told)  # type: ignore[arg-type]
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
    assert [(row.seq, row.domain) for row in whole.events()] == [(1, "quick.com"), (2, "slow.com")]


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


def test_a_successor_ends_the_transaction_that_others_wait_for(
    shards: Shards, whole: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A leader that hangs with numbers in its hands is shut out by the next one of its shard, and nothing of it is written."""
    paused, resume = threading.Event(), threading.Event()
    number = EventSequence.number
    failed: list[StoreError] = []

    def number_and_pause(sequence: EventSequence, connection: object, changes: Changes, *, told: bool) -> None:
        number(sequence, connection, changes, told=told)  # type: ignore[arg-type]
        paused.set()
        resume.wait()

    def write() -> None:
        try:
            shards.writers[1].apply(recorded("slow.com"))
        except StoreError as error:
            failed.append(error)

    monkeypatch.setattr(EventSequence, "number", number_and_pause)
    thread = threading.Thread(target=write)
    thread.start()
    paused.wait()
    monkeypatch.setattr(EventSequence, "number", number)
    began = time.monotonic()
    with closing(open_next(settings_of_shard(shards.settings, 1))) as successor:
        successor.apply(recorded("slow.com"))
    shards.writers[0].apply(recorded("other.com"))
    assert time.monotonic() - began < event_sequence.HELD_MS / 1000
    resume.set()
    thread.join()

    assert isinstance(failed[0], StoreAway)
    with pytest.raises(LeaseLost, match="shard 1"):
        shards.writers[1].apply(recorded("late.com"))
    assert [(row.seq, row.domain) for row in whole.events()] == [(1, "slow.com"), (2, "other.com")]
