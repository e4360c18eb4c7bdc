"""A state that is copied into another database is the same there, and goes on where it was."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from actors.cli import migrate
from common.config import Settings
from common.core.model.records import Changes, NewName, ProblemRow, StateChange, TrustRow
from common.errors import ConfigError, StoreError
from common.store.file_leases import open_leases
from common.store.lease_contract import Addresses
from common.store.postgres.postgres_writer import PostgresWriter
from common.store.postgres.row_transfer import PostgresTransfer
from common.store.reader import open_reader
from common.store.store_contract import DAY, DropQuery, Reader
from common.store.transfer import TABLES
from tests.store.builders import block, delivery, domain, event, judgement, loaded_names, open_next, schema_of
from tests.store.conftest import KINDS, empty_store

NOW = 1000 * DAY
WAYS = [(one, other) for one in KINDS for other in KINDS]


@pytest.fixture(params=WAYS, ids=[f"{one} to {other}" for one, other in WAYS])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Settings, Settings]:
    """A store to copy from, and an empty one of each kind."""
    one, other = request.param
    return empty_store(request, one, tmp_path / "one"), empty_store(request, other, tmp_path / "other")


def fill(settings: Settings) -> None:
    """Something of everything, some of it pruned."""
    writer = open_next(settings)
    rows = [
        domain(
            "dropping.co.uk", id=70_000, state="PENDING_DELETE", drop_likely=5.0, drop_latest=7.5, drop_p=0.25, detail=b"\0x"
        ),
        domain("left.com", id=70_001, watched=False, priority=True, generation=3, checked_at=NOW, close=True),
        domain("forgotten.com", id=90_000, watched=False),
    ]
    states = ("pending", "parked", "done", "superseded")
    deliveries = [
        delivery(
            f"{lane}-{state}", lane=lane, state=state, done_at=NOW if state in states[2:] else None, body=bytes(range(256))
        )
        for lane in ("notice", "result")
        for state in states
    ]
    writer.apply(
        Changes(
            new=[NewName(number, f"n{number}.com", "com", number % 7 == 0) for number in range(12_000)],
            states=[StateChange([*range(0, 12_000, 2)], "REGISTERED", 1.5, 0.75)],
            domains=rows,
            looks=[(number, block({3: {"checked_at": NOW - number}})) for number in range(40)],
            addresses=[(1, "192.0.2.1:53/udp")],
            events=[event(number, f"n{number}.com", at=NOW - DAY * (number % 50)) for number in range(1, 1500)],
            deliveries=deliveries,
            trust=[TrustRow("rdap", "a", "com", 1.0, 2.0, 3.0, 4.0, "why"), TrustRow("dns", "ü", "com")],
            ledger=[judgement(f"n{n}.com", NOW - DAY * (n % 50), positive=n % 3 == 0, body=b"w" * n * 9) for n in range(300)],
            problems=[ProblemRow(f"entry {number}", "bad", "why") for number in range(12)],
            meta={"list": "abc", "budgets": "ü"},
        )
    )
    writer.apply(Changes(ledger=[judgement("late.com", -1.0)]))
    while writer.prune(NOW + 60 * DAY, ledger_older_than=200 * DAY, done_older_than=200 * DAY, results_older_than=200 * DAY):
        pass
    writer.close()


def all_of(settings: Settings) -> list[object]:
    """Everything that readers and the next start find."""
    with closing(open_next(settings)) as writer, closing(open_reader(settings)) as reader:
        loaded = writer.load()
        trust = sorted(loaded.trust, key=lambda row: row.method)
        told = (loaded.addresses, loaded.next_seq, trust, loaded.meta, loaded.problems, loaded.next_id)
        listed = (*loaded_names(loaded), *loaded.looks, *loaded.deliveries, *sorted(loaded.delivery_counts.items()))
        return [told, listed, writer.details([70_000]), *seen(reader)]


def seen(reader: Reader) -> list[object]:
    """What pages show."""
    return [
        sorted(reader.count_by_state().items()),
        sorted(reader.tlds().items()),
        reader.drops(DropQuery(0.0, 1e12, 0.0)),
        reader.domain("left.com"),
        reader.events(limit=5000),
        reader.deliveries(limit=100).rows,
        [reader.ledger(f"n{number}.com") for number in range(300)],
        reader.ledger_names(0.0, limit=1000),
    ]


def test_a_copy_is_the_same_and_goes_on_where_it_was(
    stores: tuple[Settings, Settings], capsys: pytest.CaptureFixture[str]
) -> None:
    """Every row in whatever state, and the numbers that are given next; the source stays as it was."""
    here, there = stores
    fill(here)
    before = all_of(here)
    assert migrate.run(None, there.store_url, replace(there, store_url=here.store_url)) == 0
    assert "copied and checked: 12002 names" in capsys.readouterr().out
    assert all_of(there) == before
    assert all_of(here) == before
    with closing(open_next(there)) as writer, closing(open_reader(there)) as reader:
        known = reader.events()[0]
        fresh = Changes(
            events=[event(2000, known.domain), event(2001, "new.com")],
            deliveries=[delivery("new"), delivery("notice-done", state="pending")],
            ledger=[judgement("n1.com", NOW)],
            states=[StateChange([1], "REGISTERED", 2.0, 0.5)],
        )
        writer.apply(fresh)
        assert [row.seq for row in reader.events(1999)] == [2001]
        assert reader.ledger("n1.com")[0].seq == 302
        assert reader.deliveries(limit=1).rows[0].id == "new"
        assert reader.delivery_counts() == {"pending": 4, "parked": 2, "done": 1, "superseded": 2}
        assert reader.count_by_state()["REGISTERED"] == 6001


def test_only_an_empty_store_is_copied_to(stores: tuple[Settings, Settings]) -> None:
    """Whatever it holds is neither mixed nor replaced."""
    here, there = stores
    fill(here)
    with closing(open_next(there)) as writer:
        writer.apply(Changes(meta={"k": "v"}))
    with pytest.raises(StoreError, match="not empty"):
        migrate.run(here.store_url, there.store_url, there)
    with closing(open_next(there)) as writer:
        assert writer.load().meta == {"k": "v"}


def test_a_store_in_use_is_left_alone(stores: tuple[Settings, Settings]) -> None:
    """As source and as target, the instance that leads it is named."""
    here, there = stores
    fill(here)
    for used in (here, there):
        with closing(open_leases(used)) as leases:
            lease = leases.take("busy", "boot", lambda _: Addresses("", ""))
            assert lease is not None
            with pytest.raises(StoreError, match=r"in use by instance 'busy': stop it"):
                migrate.run(here.store_url, there.store_url, there)
            lease.release()


@pytest.mark.parametrize("damage", ["UPDATE domain SET confidence = 0.5 WHERE id = 7", "DELETE FROM event WHERE seq = 9"])
def test_a_copy_that_is_not_the_same_is_told(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    """A value or a row that changes behind the copy's back does not pass."""
    here, there = (empty_store(request, "sqlite", tmp_path / name) for name in ("one", "other"))
    fill(here)
    whole = migrate.SqliteTransfer.finish

    def finish(transfer: migrate.SqliteTransfer, ledger_seq: int) -> None:
        whole(transfer, ledger_seq)
        with closing(sqlite3.connect(there.store_path)) as other:
            other.execute(damage)
            other.commit()

    monkeypatch.setattr(migrate.SqliteTransfer, "finish", finish)
    with pytest.raises(StoreError, match=r"arrived with.*not complete"):
        migrate.run(here.store_url, there.store_url, there)


def test_every_table_of_both_kinds_is_copied_or_made_anew(new_settings: Callable[[], Settings]) -> None:
    """A table that is added to the schema has to be thought of here."""
    settings = new_settings()
    open_next(settings).close()
    if settings.store_in_file:
        with closing(sqlite3.connect(settings.store_path)) as raw:
            found = {name for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        made = {"tally", "pack", "loose", "sqlite_sequence", "sqlite_stat1", "sqlite_stat4"}
    else:
        psycopg = pytest.importorskip("psycopg")
        with psycopg.connect(settings.store_url) as raw:
            tables = "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = %s::regnamespace"
            found = {name for (name,) in raw.execute(tables, (schema_of(settings),))}
        made = {"tally", "event_key", "ledger_name", "delivery_0", "fence", "lease", "member", "spooled"}

    assert found - made == {table.name for table in TABLES}


def test_events_that_wait_to_be_taken_over_are_not_left_behind(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """An instance takes them over within seconds; then the copy has them."""
    settings = empty_store(request, "postgresql", tmp_path / "from")
    store = open_next(settings)
    assert isinstance(store, PostgresWriter)
    with closing(store):
        PostgresTransfer(settings.store_url).close()
        store.hand_over([event(1, "a.com")], [])
        with pytest.raises(StoreError, match="taken over"):
            PostgresTransfer(settings.store_url)


def test_a_url_may_stand_in_a_file(tmp_path: Path) -> None:
    """So that no password is on a command line; what is no URL is told without being shown."""
    file = tmp_path / "url"
    file.write_text("postgresql://user:hunter22@db/x\n")

    assert migrate._parsed("--to", f"@{file}") == "postgresql://user:hunter22@db/x"
    file.write_text("postgresql://user:hunter@22@db/x\n")
    for text in (f"@{file}", f"@{tmp_path}/never"):
        with pytest.raises(ConfigError, match="--to: ") as caught:
            migrate._parsed("--to", text)
        assert "hunter" not in str(caught.value)
