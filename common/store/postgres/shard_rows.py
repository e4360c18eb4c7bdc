"""Reads which instance leads each shard, from the lease row in the schema of each, with one statement."""

from __future__ import annotations

from contextlib import closing

from common.store.postgres import fence
from common.store.postgres.kept_connection import KeptConnection
from common.store.postgres.member_rows import ANNOUNCING, read_roster
from common.store.postgres.session import READING, Connection, Server, rows_of
from common.store.shard_view import ShardView


class PostgresShardViews:
    """See `shard_view.ShardViews`. A shard whose schema is not made yet is led by none."""

    def __init__(self, url: str, shards: int) -> None:
        self._kept = KeptConnection(url, "shards", ANNOUNCING, fence.make_row)
        self._shards = shards
        self._found: tuple[int, ...] = ()

    def read(self) -> ShardView:
        """The rows of all shards, and the announcements."""
        with self._kept.opened("look which instances lead") as connection:
            if len(self._found) < self._shards:
                self._found = _find_tables(connection, "lease", self._shards)
            leaders = dict(rows_of(connection, _leaders_of(self._found))) if self._found else {}
            return ShardView(read_roster(connection), tuple(leaders.get(shard, "") for shard in range(self._shards)))

    def close(self) -> None:
        """Close the connection."""
        self._kept.close()


def count_watched_names(url: str, shards: int) -> int:
    """The names that all shards watch, by what each counts of them. Raises StoreError."""
    server = Server(url)
    with closing(server.connect("list", READING, read_only=True)) as connection, server.translated("count the names"):
        found = _find_tables(connection, "tally", shards)
        one = "SELECT coalesce(sum(names), 0)::bigint FROM {}"
        rows = rows_of(connection, " UNION ALL ".join(one.format(_name(shard, "tally")) for shard in found)) if found else []
        return sum(int(count) for (count,) in rows)


def _find_tables(connection: Connection, table: str, shards: int) -> tuple[int, ...]:
    """The shards that have this table."""
    names = [_name(shard, table) for shard in range(shards)]
    rows = rows_of(
        connection,
        "SELECT to_regclass(name) IS NOT NULL FROM unnest(%s::text[]) WITH ORDINALITY AS t(name, n) ORDER BY n",
        (names,),
    )
    return tuple(shard for shard, (there,) in enumerate(rows) if there)


def _leaders_of(shards: tuple[int, ...]) -> str:
    """A statement that gives shard and instance of each lease that has not run out."""
    one = "SELECT {}, instance FROM {} WHERE expires_at > clock_timestamp()"
    return " UNION ALL ".join(one.format(shard, _name(shard, "lease")) for shard in shards)


def _name(shard: int, table: str) -> str:
    return f"shard_{shard}.{table}" if shard else table
