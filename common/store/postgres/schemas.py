"""The schemas of a divided watch list: shard 0 has the tables where STORE_URL leads, each further one a schema of its own.

A session of a further shard has that schema alone in its search path: with another one behind it a table that is not there yet
would be found there.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import psycopg
from psycopg import errors
from psycopg.sql import SQL, Identifier

from common.errors import StoreError

#: Longest name of a schema, in bytes (PostgreSQL documentation, 4.1.1: NAMEDATALEN).
LONGEST_NAME = 63
_USUAL = "public"

_HOME = "SELECT current_schema()"
_THERE = "SELECT true FROM pg_namespace WHERE nspname = %s"
_ENTER = "SELECT set_config('search_path', %s, false)"
_MAKE = SQL("CREATE SCHEMA IF NOT EXISTS {}")


class Part(NamedTuple):
    """One shard of so many."""

    shard: int = 0
    shards: int = 1

    @property
    def divided(self) -> bool:
        """Whether there are others."""
        return self.shards > 1


def home_of(connection: psycopg.Connection[tuple[Any, ...]], shown: str) -> str:
    """The schema of shard 0, on a session that has entered no other one. Raises StoreError where there is none."""
    row = connection.execute(_HOME).fetchone()
    if row is None or row[0] is None:
        raise StoreError(f"{shown}: no schema of the search path of STORE_URL is there: create it")
    return str(row[0])


def schema_of(home: str, shard: int) -> str:
    """The schema of a shard: `shard_1` where shard 0 lies in public, `watch_shard_1` where that lies in `watch`."""
    if shard == 0:
        return home
    return f"shard_{shard}" if home == _USUAL else f"{home}_shard_{shard}"


def enter(connection: psycopg.Connection[tuple[Any, ...]], shard: int, shown: str, *, make: bool) -> str:
    """Let a session see the tables of a further shard alone; `make`: its schema is created where it is missing.

    Returns the schema of shard 0. Raises StoreError where that is not allowed.
    """
    home = home_of(connection, shown)
    name = schema_of(home, shard)
    if len(name.encode()) > LONGEST_NAME:
        raise StoreError(f"{shown}: {name} is too long for the name of a schema: have shard 0 in one with a shorter name")
    if make and connection.execute(_THERE, (name,)).fetchone() is None:
        try:
            connection.execute(_MAKE.format(Identifier(name)))
        except errors.InsufficientPrivilege:
            remedy = f"have its owner GRANT CREATE ON DATABASE, or CREATE SCHEMA {name} AUTHORIZATION for this user"
            raise StoreError(f"{shown}: this user may not create the schema {name}: {remedy}") from None
        except (errors.UniqueViolation, errors.DuplicateSchema):
            pass  # another session was faster
    connection.execute(_ENTER, (Identifier(name).as_string(connection),))
    return home
