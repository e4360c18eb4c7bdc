"""What the server says, in words of ours: which kind of error it is, and what to do."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from common.config import Settings
from common.core.model.records import Changes
from common.errors import StoreAway, StoreDamaged, StoreDenied, StoreError, StoreFull, StoreLost
from common.store.postgres.postgres_reader import PostgresReader
from common.store.postgres.postgres_writer import PostgresWriter
from common.store.postgres.session import READING, Server
from common.store.reader import open_reader
from tests.store.builders import domain, loaded_names, open_next
from tests.store.postgres_server import DATABASE, PASSWORD, PostgresServer


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
        ("57014", StoreAway, "does not get done: cannot write"),
        ("55P03", StoreAway, "does not get done: cannot write"),
        ("40P01", StoreAway, "does not get done: cannot write"),
        ("40001", StoreAway, "does not get done: cannot write"),
        ("53200", StoreError, "cannot write"),
        ("23502", StoreError, "cannot write"),
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
