"""The tables on PostgreSQL, and how older ones become current. Migrations only ever go forward.

Text is compared by its bytes (`COLLATE "C"`), as in SQLite and in Python.
"""

from __future__ import annotations

from collections.abc import Sequence

from common.errors import StoreError
from common.store.postgres.session import Connection, row_of
from common.store.schema import SCHEMA_KEY, parse_number

#: Key of `meta` that tells one database from another.
IDENTITY_KEY = "store.identity"
#: Which batch of changes was written last: epoch and number.
COMMIT_KEY = "store.commit"
#: How the watch list is divided, with the tables of shard 0 (`common.store.postgres.layout_row`).
LAYOUT_KEY = "store.layout"
#: What a store has for itself in `meta`, beside what all kinds of store have.
OWN_KEYS = (SCHEMA_KEY, IDENTITY_KEY, COMMIT_KEY, LAYOUT_KEY)
#: Tables whose rows are changed often are vacuumed by their number of dead rows, not by their share.
_OFTEN = "autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000"

_FIRST = (
    """
    CREATE TABLE domain(
        id integer PRIMARY KEY CHECK (id >= 0), name text COLLATE "C" NOT NULL, suffix text COLLATE "C" NOT NULL,
        watched boolean NOT NULL, priority boolean NOT NULL, state text COLLATE "C" NOT NULL, since float8,
        confidence float8 NOT NULL, generation bigint NOT NULL, checked_at float8, next_check float8 NOT NULL,
        drop_earliest float8, drop_likely float8, drop_latest float8, drop_p float8,
        registry_due float8 NOT NULL, close boolean NOT NULL, detailed boolean NOT NULL) WITH (fillfactor = 80)
    """,
    "CREATE UNIQUE INDEX domain_name ON domain(name)",
    "CREATE INDEX domain_place ON domain(suffix, state) WHERE watched",
    # In the order in which drops are listed, with all that they are filtered by.
    """
    CREATE INDEX domain_drop ON domain(drop_likely, name) INCLUDE (id, drop_latest, suffix, state, priority)
    WHERE watched AND drop_likely IS NOT NULL
    """,
    "CREATE INDEX domain_left ON domain(id) WHERE NOT watched AND generation = 0",
    "CREATE TABLE detail(id integer PRIMARY KEY, body bytea NOT NULL)",
    # Not compressed by the server: a reader takes forty bytes of ten thousand.
    f"CREATE TABLE pulse(block integer PRIMARY KEY, data bytea NOT NULL) WITH ({_OFTEN})",
    "ALTER TABLE pulse ALTER COLUMN data SET STORAGE EXTERNAL",
    "CREATE TABLE address(n bigint PRIMARY KEY, text text NOT NULL)",
    f"""
    CREATE TABLE tally(
        suffix text COLLATE "C" NOT NULL, state text COLLATE "C" NOT NULL, names bigint NOT NULL, PRIMARY KEY (suffix, state))
    WITH (fillfactor = 50, {_OFTEN})
    """,
    # Outlives the partitions of `event`: no event is ever recorded twice.
    """
    CREATE TABLE event_key(
        domain text COLLATE "C" NOT NULL, generation bigint NOT NULL, kind text COLLATE "C" NOT NULL,
        seq bigint NOT NULL UNIQUE, PRIMARY KEY (domain, generation, kind))
    """,
    """
    CREATE TABLE event(
        seq bigint NOT NULL, slot bigint NOT NULL, id text COLLATE "C" NOT NULL, domain text COLLATE "C" NOT NULL,
        generation bigint NOT NULL, kind text COLLATE "C" NOT NULL, occurred_at float8 NOT NULL, body bytea NOT NULL,
        PRIMARY KEY (seq, slot)) PARTITION BY LIST (slot)
    """,
    "CREATE INDEX event_domain ON event(domain, seq)",
    "CREATE SEQUENCE ledger_seq",
    """
    CREATE TABLE ledger(
        seq bigint NOT NULL DEFAULT nextval('ledger_seq'), slot bigint NOT NULL, domain text COLLATE "C" NOT NULL,
        at float8 NOT NULL, kind text COLLATE "C" NOT NULL, state text COLLATE "C" NOT NULL, positive boolean NOT NULL,
        rules text COLLATE "C" NOT NULL, packed boolean NOT NULL, body bytea NOT NULL,
        PRIMARY KEY (seq, slot)) PARTITION BY LIST (slot)
    """,
    "CREATE INDEX ledger_domain ON ledger(domain, seq)",
    "CREATE INDEX ledger_positive ON ledger(domain, at) WHERE positive",
    # How many entries a name has at most: the partitions are searched for too many only where it may have too many.
    'CREATE TABLE ledger_name(domain text COLLATE "C" PRIMARY KEY, entries bigint NOT NULL) WITH (fillfactor = 70)',
    "CREATE SEQUENCE delivery_n",
    """
    CREATE TABLE delivery(
        n bigint NOT NULL DEFAULT nextval('delivery_n'), slot bigint NOT NULL, id text COLLATE "C" NOT NULL,
        lane text COLLATE "C" NOT NULL CHECK (lane IN ('notice', 'result')), domain text COLLATE "C" NOT NULL,
        position bigint NOT NULL, body bytea NOT NULL,
        state text COLLATE "C" NOT NULL CHECK (state IN ('pending', 'done', 'parked', 'superseded')),
        attempts bigint NOT NULL, next_at float8 NOT NULL, first_at float8, done_at float8,
        last_status bigint NOT NULL, last_error text NOT NULL, PRIMARY KEY (n, slot)) PARTITION BY LIST (slot)
    """,
    "CREATE INDEX delivery_id ON delivery(id)",
    "CREATE INDEX delivery_state ON delivery(state, n)",
    f"CREATE TABLE delivery_0 PARTITION OF delivery FOR VALUES IN (0) WITH (fillfactor = 70, {_OFTEN})",
    "CREATE INDEX delivery_owed ON delivery_0(domain) WHERE state = 'pending'",
    "CREATE TABLE problem(n bigint PRIMARY KEY, entry text NOT NULL, code text NOT NULL, reason text NOT NULL)",
    f"""
    CREATE TABLE trust(
        method text COLLATE "C" NOT NULL, server text COLLATE "C" NOT NULL, suffix text COLLATE "C" NOT NULL,
        registered_ok float8 NOT NULL, free_ok float8 NOT NULL, failed_at float8 NOT NULL,
        quarantined_until float8 NOT NULL, reason text NOT NULL, PRIMARY KEY (method, server, suffix))
    WITH (fillfactor = 50, {_OFTEN})
    """,
    "INSERT INTO meta(key, value) VALUES ('store.identity', gen_random_uuid()::text)",
)

#: One entry per schema version; an entry that was released is never edited.
MIGRATIONS: tuple[tuple[str, ...], ...] = (_FIRST,)

#: Most bytes of what an instance shows of itself: such a row is never stored in pieces.
SHOWN_LIMIT = 2000
# Its rows change every few seconds, in no column of an index and with room in their page: nothing is left to vacuum.
_MEMBER = f"""
    CREATE TABLE IF NOT EXISTS member(
        name text COLLATE "C" PRIMARY KEY, incarnation text NOT NULL, egress text NOT NULL, version text NOT NULL,
        started_at float8 NOT NULL, seen_at timestamptz NOT NULL,
        shown text NOT NULL CHECK (octet_length(shown) <= {SHOWN_LIMIT})) WITH (fillfactor = 50)
"""
_SPOOLED = """
    CREATE TABLE IF NOT EXISTS spooled(key text COLLATE "C" PRIMARY KEY, body bytea NOT NULL)
"""
#: What is there before any version: the epoch that may write, the small named texts and what instances hand over, and for all
#: shards the instances.
BEGINNING_OF_FURTHER = (
    _SPOOLED,
    "CREATE TABLE IF NOT EXISTS fence(one boolean PRIMARY KEY DEFAULT true CHECK (one), epoch bigint NOT NULL)",
    "INSERT INTO fence(epoch) VALUES (0) ON CONFLICT DO NOTHING",
    'CREATE TABLE IF NOT EXISTS meta(key text COLLATE "C" PRIMARY KEY, value text NOT NULL) WITH (fillfactor = 50)',
)
BEGINNING = (_MEMBER, *BEGINNING_OF_FURTHER)
_PUT = "INSERT INTO meta(key, value) VALUES (%s, %s) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
_IDENTITY = "SELECT value FROM meta WHERE key = 'store.identity'"


def migrate(connection: Connection, migrations: Sequence[Sequence[str]] = MIGRATIONS) -> bool:
    """Bring the tables to the newest version, inside the caller's transaction; whether there were none before.

    Raises StoreError for a newer version.
    """
    version = _version(connection, len(migrations))
    for statements in migrations[version:]:
        for statement in statements:
            connection.execute(statement)
    if version < len(migrations):
        connection.execute(_PUT, (SCHEMA_KEY, str(len(migrations))))
    return version == 0


def holds_state(connection: Connection) -> bool:
    """Whether there is a state of whatever version."""
    found = row_of(connection, "SELECT to_regclass('meta') IS NOT NULL")
    return bool(found and found[0]) and read_identity(connection) is not None


def check_version(connection: Connection, shown: str) -> None:
    """Whether a reader can use the tables. Raises StoreError where they are newer, older or not there."""
    if not holds_state(connection):
        raise no_state(shown)
    version = _version(connection, len(MIGRATIONS))
    if version < len(MIGRATIONS):
        raise StoreError(
            f"the state has schema version {version}, this program reads version {len(MIGRATIONS)}: "
            "the coordinator brings it up to date when it starts"
        )


def no_state(shown: str) -> StoreError:
    """The error of one who reads too early."""
    return StoreError(f"{shown} holds no state yet: the coordinator makes it when it starts")


def read_identity(connection: Connection) -> str | None:
    """What tells this database from another; None before the first migration."""
    row = row_of(connection, _IDENTITY)
    return None if row is None else str(row[0])


def _version(connection: Connection, newest: int) -> int:
    row = row_of(connection, "SELECT value FROM meta WHERE key = %s", (SCHEMA_KEY,))
    if row is None:
        return 0
    version = parse_number(SCHEMA_KEY, row[0])
    if version > newest:
        raise StoreError(
            f"the state was written by a newer Domain Monitor (schema version {version}, this program knows {newest}): "
            "run that version again, or start with another STORE_URL"
        )
    return version
