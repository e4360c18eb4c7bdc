"""The tables, and how an older file becomes a current one. Migrations only ever go forward."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from common.errors import StoreError

#: Keys of `meta` that belong to the store itself.
SCHEMA_KEY = "store.schema"
SEQ_KEY = "store.last_seq"
NEXT_KEY = "store.next_id"
EPOCH_KEY = "store.epoch"
#: Names in one pack (see `common.store.name_packs`): part of the schema, because its triggers know it.
PACK = 4096
#: STRICT tables need SQLite 3.37.
OLDEST_SQLITE = (3, 37, 0)

_FIRST = (
    """
    CREATE TABLE domain(
        name TEXT PRIMARY KEY, suffix TEXT NOT NULL, watched INTEGER NOT NULL, priority INTEGER NOT NULL,
        state TEXT NOT NULL, since REAL, confidence REAL NOT NULL, generation INTEGER NOT NULL,
        checked_at REAL, next_check REAL NOT NULL,
        drop_earliest REAL, drop_likely REAL, drop_latest REAL, drop_p REAL, detail BLOB NOT NULL) STRICT
    """,
    # Each listing reads names from one of these alone (they cover the filters) and fetches only the rows of its page.
    "CREATE INDEX domain_watched ON domain(name) WHERE watched = 1",
    "CREATE INDEX domain_state ON domain(state, name, suffix) WHERE watched = 1",
    "CREATE INDEX domain_suffix ON domain(suffix, name, state) WHERE watched = 1",
    "CREATE INDEX domain_drop ON domain(drop_likely) WHERE watched = 1 AND drop_likely IS NOT NULL",
    """
    CREATE TABLE event(
        seq INTEGER PRIMARY KEY, id TEXT NOT NULL, domain TEXT NOT NULL, generation INTEGER NOT NULL, kind TEXT NOT NULL,
        occurred_at REAL NOT NULL, body BLOB NOT NULL, UNIQUE(domain, generation, kind)) STRICT
    """,
    "CREATE INDEX event_time ON event(occurred_at)",
    """
    CREATE TABLE delivery(
        n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, lane TEXT NOT NULL CHECK(lane IN ('notice', 'result')),
        domain TEXT NOT NULL, position INTEGER NOT NULL, body BLOB NOT NULL,
        state TEXT NOT NULL CHECK(state IN ('pending', 'done', 'parked', 'superseded')),
        attempts INTEGER NOT NULL, next_at REAL NOT NULL, first_at REAL, done_at REAL,
        last_status INTEGER NOT NULL, last_error TEXT NOT NULL) STRICT
    """,
    "CREATE INDEX delivery_state ON delivery(state, n)",
    "CREATE INDEX delivery_done ON delivery(lane, done_at) WHERE done_at IS NOT NULL",
    "CREATE TABLE problem(n INTEGER PRIMARY KEY, entry TEXT NOT NULL, code TEXT NOT NULL, reason TEXT NOT NULL) STRICT",
    """
    CREATE TABLE trust(
        method TEXT NOT NULL, server TEXT NOT NULL, suffix TEXT NOT NULL,
        registered_ok REAL NOT NULL, free_ok REAL NOT NULL, failed_at REAL NOT NULL,
        quarantined_until REAL NOT NULL, reason TEXT NOT NULL, PRIMARY KEY(method, server, suffix)) STRICT, WITHOUT ROWID
    """,
)

_LEDGER = (
    # A number is never given twice, so that an entry can be cited.
    """
    CREATE TABLE ledger(
        seq INTEGER PRIMARY KEY AUTOINCREMENT, domain TEXT NOT NULL, at REAL NOT NULL, kind TEXT NOT NULL,
        state TEXT NOT NULL, positive INTEGER NOT NULL, rules TEXT NOT NULL, packed INTEGER NOT NULL, body BLOB NOT NULL) STRICT
    """,
    "CREATE INDEX ledger_domain ON ledger(domain)",
    "CREATE INDEX ledger_time ON ledger(at)",
    "CREATE INDEX ledger_positive ON ledger(domain, at) WHERE positive = 1",
)

_NUMBERED = (
    "DROP INDEX domain_watched",
    "DROP INDEX domain_state",
    "DROP INDEX domain_suffix",
    "DROP INDEX domain_drop",
    "ALTER TABLE domain RENAME TO domain_before",
    """
    CREATE TABLE domain(
        id INTEGER PRIMARY KEY, name TEXT NOT NULL, suffix TEXT NOT NULL, watched INTEGER NOT NULL, priority INTEGER NOT NULL,
        state TEXT NOT NULL, since REAL, confidence REAL NOT NULL, generation INTEGER NOT NULL,
        checked_at REAL, next_check REAL NOT NULL,
        drop_earliest REAL, drop_likely REAL, drop_latest REAL, drop_p REAL,
        registry_due REAL NOT NULL, close INTEGER NOT NULL, detailed INTEGER NOT NULL) STRICT
    """,
    # Kilobytes a name that no listing and no start wants to walk over.
    "CREATE TABLE detail(id INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT",
    "CREATE TABLE pulse(block INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT",
    "CREATE TABLE address(n INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT",
    # Watched names by suffix and state, kept by the writer: counting a million rows takes a tenth of a second.
    """
    CREATE TABLE tally(
        suffix TEXT NOT NULL, state TEXT NOT NULL, names INTEGER NOT NULL, PRIMARY KEY(suffix, state)) STRICT, WITHOUT ROWID
    """,
    # A detail with evidence is a msgpack map with the key "evidence", a string of eight bytes.
    """
    INSERT INTO domain
    SELECT row_number() OVER (ORDER BY rowid) - 1, name, suffix, watched, priority, state, since, confidence, generation,
        checked_at, next_check, drop_earliest, drop_likely, drop_latest, drop_p,
        0, instr(detail, x'a865766964656e6365') > 0, length(detail) > 0
    FROM domain_before
    """,
    # Only inserts touch the index of the names, which are long and come in any order; the other one is short and its entries
    # lie in the order of the ids, so that a million changes of state stay cheap. `common.store.name_pages` needs no others.
    "CREATE UNIQUE INDEX domain_name ON domain(name)",
    "CREATE INDEX domain_place ON domain(suffix, state) WHERE watched = 1",
    "CREATE INDEX domain_drop ON domain(drop_likely) WHERE watched = 1 AND drop_likely IS NOT NULL",
    """
    INSERT INTO detail
    SELECT domain.id, old.detail FROM domain_before old JOIN domain ON domain.name = old.name WHERE length(old.detail) > 0
    """,
    "INSERT INTO tally SELECT suffix, state, count(*) FROM domain WHERE watched = 1 GROUP BY suffix, state",
    "DROP TABLE domain_before",
)

# Whatever changes a row whose block is packed, by whatever statement, makes it loose: the pack is never the younger one.
_PACKS = (
    "CREATE TABLE pack(block INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT",
    "CREATE TABLE loose(id INTEGER PRIMARY KEY) STRICT",
    """
    CREATE TRIGGER domain_insert AFTER INSERT ON domain WHEN EXISTS(SELECT 1 FROM pack WHERE block = new.id / 4096)
    BEGIN INSERT INTO loose(id) VALUES(new.id) ON CONFLICT DO NOTHING; END
    """,
    """
    CREATE TRIGGER domain_update AFTER UPDATE ON domain WHEN EXISTS(SELECT 1 FROM pack WHERE block = old.id / 4096)
    BEGIN INSERT INTO loose(id) VALUES(old.id) ON CONFLICT DO NOTHING; END
    """,
    # Windows that are over are passed by in the index, however many there are.
    "DROP INDEX domain_drop",
    "CREATE INDEX domain_drop ON domain(drop_likely, drop_latest) WHERE watched = 1 AND drop_likely IS NOT NULL",
    """
    CREATE TRIGGER domain_delete AFTER DELETE ON domain WHEN EXISTS(SELECT 1 FROM pack WHERE block = old.id / 4096)
    BEGIN INSERT INTO loose(id) VALUES(old.id) ON CONFLICT DO NOTHING; END
    """,
)

# In the order in which drops are listed, with all that they are filtered by: a page reads its own rows and no others.
_DROP_PAGES = (
    "DROP INDEX domain_drop",
    """
    CREATE INDEX domain_drop ON domain(drop_likely, name, drop_latest, suffix, state, priority, watched)
    WHERE watched = 1 AND drop_likely IS NOT NULL
    """,
)

#: One entry per schema version; an entry that was released is never edited.
MIGRATIONS: tuple[tuple[str, ...], ...] = (_FIRST, _LEDGER, _NUMBERED, _PACKS, _DROP_PAGES)

_META = "CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID"
_PUT = "INSERT INTO meta(key, value) VALUES(?, ?) ON CONFLICT(key) DO UPDATE SET value = excluded.value"


def migrate(connection: sqlite3.Connection, migrations: Sequence[Sequence[str]] = MIGRATIONS) -> None:
    """Bring a file to the newest version, inside a transaction.

    Raises StoreError for a file of a newer version, sqlite3.Error for a damaged one.
    """
    connection.execute(_META)
    version = _version(connection, len(migrations))
    for statements in migrations[version:]:
        for statement in statements:
            connection.execute(statement)
    connection.execute(_PUT, (SCHEMA_KEY, str(len(migrations))))


def holds_state(connection: sqlite3.Connection) -> bool:
    """Whether the file holds a state, of whatever version, and is no empty or foreign one."""
    return bool(connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'meta'").fetchone())


def check_version(connection: sqlite3.Connection) -> None:
    """Whether a reader can use the file. Raises StoreError where it is newer or older than this program."""
    version = _version(connection, len(MIGRATIONS)) if holds_state(connection) else 0
    if version < len(MIGRATIONS):
        raise StoreError(
            f"the state has schema version {version}, this program reads version {len(MIGRATIONS)}: "
            "the coordinator brings it up to date when it starts"
        )


def parse_number(key: str, text: object) -> int:
    """A number that the store keeps for itself under a key of `meta`. Raises StoreError where it is none."""
    shown = str(text)
    if not (shown.isascii() and shown.isdecimal() and len(shown) < 20):
        raise StoreError(f"the state is damaged: its {key} reads {shown[:40]!r}")
    return int(shown)


def _version(connection: sqlite3.Connection, newest: int) -> int:
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (SCHEMA_KEY,)).fetchone()
    if row is None:
        return 0
    version = parse_number(SCHEMA_KEY, row[0])
    if version > newest:
        raise StoreError(
            f"the state was written by a newer Domain Monitor (schema version {version}, this program knows {newest}): "
            "run that version again, or start with another STATE_DIR"
        )
    return version
