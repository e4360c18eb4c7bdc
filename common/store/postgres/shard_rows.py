"""Looks at the tables of all shards with one statement: which instance leads each, and how many names they watch."""

from __future__ import annotations

from psycopg.sql import SQL, Composed, Identifier, Literal

from common.store.postgres import fence
from common.store.postgres.kept_connection import KeptConnection
from common.store.postgres.member_rows import ANNOUNCING, read_roster
from common.store.postgres.schemas import home_of, schema_of
from common.store.postgres.session import Connection, opened_briefly
from common.store.shard_view import ShardView

_THERE = (
    "SELECT nspname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace WHERE relname = %s AND nspname = ANY(%s)"
)
_LEADER = SQL("SELECT {shard}::int, instance FROM {table} WHERE expires_at > clock_timestamp()")
_WATCHED = SQL("SELECT {shard}::int, coalesce(sum(names), 0)::bigint FROM {table}")


class PostgresShardViews:
    """See `shard_view.ShardViews`. A shard whose tables are not made yet is led by none."""

    def __init__(self, url: str, shards: int) -> None:
        self._kept = KeptConnection(url, "shards", ANNOUNCING, fence.make_row)
        self._shards = shards
        self._found: dict[int, str] = {}

    def read(self) -> ShardView:
        """The rows of all shards, and the announcements."""
        with self._kept.opened("look which instances lead") as connection:
            if len(self._found) < self._shards:
                self._found = _find_schemas(connection, "lease", self._shards)
            leaders = dict(_read_all(connection, _LEADER, "lease", self._found))
            return ShardView(read_roster(connection), tuple(str(leaders.get(shard, "")) for shard in range(self._shards)))

    def close(self) -> None:
        """Close the connection."""
        self._kept.close()


def count_watched_names(url: str, shards: int) -> int:
    """The names that all shards watch, by what each counts of them. Raises StoreError."""
    with opened_briefly(url, "shards", read_only=True) as (connection, _):
        found = _find_schemas(connection, "tally", shards)
        return sum(int(str(count)) for _, count in _read_all(connection, _WATCHED, "tally", found))


def _find_schemas(connection: Connection, table: str, shards: int) -> dict[int, str]:
    """The schema of each shard that has this table."""
    home = home_of(connection, "the database")
    names = {schema_of(home, shard): shard for shard in range(shards)}
    rows = connection.execute(_THERE, (table, list(names))).fetchall()
    return {names[name]: name for (name,) in rows}


def _read_all(connection: Connection, statement: SQL, table: str, schemas: dict[int, str]) -> list[tuple[int, object]]:
    """The rows of a statement over this table of every shard."""
    if not schemas:
        return []
    parts = [
        statement.format(shard=Literal(shard), table=Identifier(schema, table)) for shard, schema in sorted(schemas.items())
    ]
    whole: Composed = SQL(" UNION ALL ").join(parts)
    return [(int(shard), value) for shard, value in connection.execute(whole).fetchall()]
