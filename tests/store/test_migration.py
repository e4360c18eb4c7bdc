"""How a file of an older version becomes a current one: nothing is lost, and numbers are given where there were none."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from msgspec import structs

from common.codec import encode
from common.core.model.evidence import Observation, Outcome, Reading
from common.core.model.records import Changes, Detail, DomainRow, Evidence
from common.errors import StoreError
from common.store.fence import transaction
from common.store.reader import SqliteReader
from common.store.schema import MIGRATIONS, check_version, migrate
from common.store.store_contract import DropQuery, FoundName
from tests.store.builders import delivery, domain, event, in_columns, judgement, loaded_names, next_writer

#: What the second version wrote a name with; its columns have the names of our fields.
SECOND_INSERT = """
    INSERT INTO domain(name, suffix, watched, priority, state, since, confidence, generation, checked_at, next_check,
        drop_earliest, drop_likely, drop_latest, drop_p, detail)
    VALUES(:name, :suffix, :watched, :priority, :state, :since, :confidence, :generation, :checked_at, :next_check,
        :drop_earliest, :drop_likely, :drop_latest, :drop_p, :detail)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the database is."""
    return tmp_path / "store.db"


def old_file(path: Path, version: int) -> sqlite3.Connection:
    """A file as that version made it, open."""
    raw = sqlite3.connect(path, isolation_level=None)
    raw.execute("PRAGMA journal_mode = WAL")
    with transaction(raw):
        migrate(raw, MIGRATIONS[:version])
    return raw


def answered(reason: str) -> bytes:
    """A detail with an answer as evidence."""
    reading = Reading(Outcome.REGISTERED, "rdap_200_match", "the registry has a record")
    evidence = {"rdap": Evidence(Observation("rdap", reading, server="rdap.example"), 5.0, 4.0)}
    return encode(Detail(evidence=evidence, reason=reason))


def names_of_before() -> list[DomainRow]:
    """Names as they are after the migration, in the order in which they came."""
    drop = {"drop_earliest": 1.0, "drop_likely": 2.0, "drop_latest": 3.0, "drop_p": 0.5}
    seen = {"since": 1.5, "confidence": 0.5, "generation": 3, "checked_at": 2.0, "next_check": 9.0}
    return [
        domain("z.com", id=0, **seen, detail=answered("first"), close=True),
        domain("gone.com", id=1, watched=False, state="UNKNOWN"),
        domain("a.co.uk", id=2, priority=True, state="PENDING_DELETE", **drop, detail=answered("second"), close=True),
        domain("b.com", id=3, detail=encode(Detail(reason="nothing is known", unknown_rounds=2))),
    ]


def test_names_of_the_second_version_keep_everything_and_get_numbers(path: Path) -> None:
    """Numbers count from 0 in the order in which the names came; one with evidence is looked at closely first."""
    rows = names_of_before()
    raw = old_file(path, 2)
    for row in (rows[0], domain("was.com"), *rows[1:]):
        raw.execute(SECOND_INSERT, structs.asdict(row))
    raw.execute("DELETE FROM domain WHERE name = 'was.com'")
    raw.close()
    writer = next_writer(path, now=lambda: 0.0)
    reader = SqliteReader(path)
    loaded = writer.load()

    assert loaded_names(loaded) == list(map(in_columns, rows))
    assert (loaded.next_id, list(loaded.looks), loaded.addresses) == (4, [], {})
    assert writer.details([0, 1, 2, 3]) == {row.id: row.detail for row in rows if row.detail}
    assert [reader.domain(row.name) for row in rows] == [FoundName(row, None) for row in rows]
    assert reader.count_by_state() == {"REGISTERED": 2, "PENDING_DELETE": 1}
    assert reader.drops(DropQuery(0.0, 5.0, 0.0)).rows == [FoundName(rows[2], None)]
    reader.close()
    writer.close()


def test_what_is_not_about_names_stays_untouched(path: Path) -> None:
    """Events, callbacks and the small named texts are there after the migration as before, and the file is sound."""
    raw = old_file(path, 2)
    raw.execute("INSERT INTO event VALUES(5, 'id', 'a.com', 1, 'available', 2.5, x'00')")
    raw.execute("INSERT INTO delivery VALUES(1, 'id', 'notice', 'a.com', 1, x'00', 'pending', 0, 0, NULL, NULL, 0, '')")
    raw.execute("INSERT INTO meta VALUES('store.last_seq', '5'), ('list', 'abc')")
    raw.close()
    with pytest.raises(StoreError, match="version 2"):
        SqliteReader(path)
    writer = next_writer(path)
    loaded = writer.load()
    assert (loaded.next_seq, loaded.meta) == (6, {"list": "abc"})
    assert list(loaded.deliveries) == [delivery("id", body=b"\0")]
    writer.apply(Changes(events=[event(6, "b.com")]))
    writer.close()
    raw = sqlite3.connect(path)
    assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    raw.close()


def test_migrations_run_once_each_and_in_order() -> None:
    """A file of any older version gets exactly the steps it lacks; a failing step leaves the old version."""
    raw = sqlite3.connect(":memory:", isolation_level=None)
    steps = [("CREATE TABLE a(x)",), ("ALTER TABLE a ADD COLUMN y", "INSERT INTO a VALUES(1, 2)")]
    for known in (steps[:1], steps, steps):
        with transaction(raw):
            migrate(raw, known)
    assert raw.execute("SELECT x, y FROM a").fetchall() == [(1, 2)]

    with pytest.raises(sqlite3.OperationalError), transaction(raw):
        migrate(raw, [*steps, ("DELETE FROM a", "NONSENSE")])
    assert raw.execute("SELECT x, y FROM a").fetchall() == [(1, 2)]
    with pytest.raises(StoreError, match="newer"), transaction(raw):
        migrate(raw, steps[:1])
    raw.execute("UPDATE meta SET value = 'x'")
    with pytest.raises(StoreError, match="damaged"):
        check_version(raw)
    raw.close()


def test_the_released_schema_is_not_edited() -> None:
    """A change of the tables adds a step; this count changes with it."""
    assert len(MIGRATIONS) == 5


def test_a_state_of_the_first_schema_gets_its_ledger(path: Path) -> None:
    """What was there stays, and from now on judgements are kept."""
    raw = old_file(path, 1)
    raw.execute("INSERT INTO trust VALUES('rdap', 'rdap.example', 'com', 1, 2, 3, 4, 'why')")
    raw.close()
    with pytest.raises(StoreError, match="version 1"):
        SqliteReader(path)
    writer = next_writer(path)
    writer.apply(Changes(ledger=[judgement("a.com")]))
    reader = SqliteReader(path)

    assert [row.server for row in writer.load().trust] == ["rdap.example"]
    assert len(reader.ledger("a.com")) == 1
    reader.close()
    writer.close()
