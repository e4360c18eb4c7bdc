"""What the coordinator of a shard looks at besides its own lease: the instances, and which of them leads each shard."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from common.config import Settings
from common.store.member_contract import Roster


class ShardView(NamedTuple):
    """The announcements, and the instance that leads each shard; "" where none does. By the clock of the database."""

    roster: Roster
    leaders: tuple[str, ...]


class ShardViews(Protocol):
    """The views of one database. Methods raise `StoreError` where it cannot be read."""

    def read(self) -> ShardView:
        """What is there now."""
        ...

    def close(self) -> None:
        """Release the connection. Calling it twice is harmless."""
        ...


def open_shard_views(settings: Settings) -> ShardViews:
    """The views of the database that the settings name: several shards are only there in one."""
    from common.store.postgres.shard_rows import PostgresShardViews  # noqa: PLC0415  # most instances need no psycopg

    return PostgresShardViews(settings.store_url, settings.shards)


def count_watched(settings: Settings) -> int:
    """How many names all shards of a database watch. Raises StoreError."""
    from common.store.postgres.shard_rows import count_watched_names  # noqa: PLC0415  # most instances need no psycopg

    return count_watched_names(settings.store_url, settings.shards)
