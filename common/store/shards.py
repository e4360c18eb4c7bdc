"""How the watch list is divided in the store that the settings name: found by every process, made and compared by coordinators.

What a database has counts. SHARDS and SHARD_SPREAD say only how an empty one is made, and have to say the same later.
"""

from __future__ import annotations

from collections.abc import Mapping

from common.config import Settings
from common.core.shards.layout import Layout, build_layout
from common.errors import ConfigError


def find_layout(settings: Settings) -> Layout | None:
    """The layout that the store has, None where it holds no state yet. Raises StoreError where it cannot be read."""
    if settings.store_in_file:
        return Layout()
    from common.store.postgres.layout_row import read_layout  # noqa: PLC0415  # most instances need no psycopg
    from common.store.postgres.session import opened_briefly  # noqa: PLC0415

    with opened_briefly(settings.store_url, "layout", read_only=True) as (connection, shown):
        return read_layout(connection, shown)


def settle_layout(settings: Settings, groups: Mapping[str, str]) -> Layout:
    """The layout of the store, made as the settings say where that is empty; `groups`: the back end of each suffix.

    Raises ConfigError where the store is divided in another way, StoreError where it cannot be read or written. Several
    processes may do so at once.
    """
    if settings.store_in_file:
        return Layout()
    from common.store.postgres.layout_row import make_layout  # noqa: PLC0415  # most instances need no psycopg
    from common.store.postgres.session import opened_briefly  # noqa: PLC0415

    wanted = build_layout(settings.shards, settings.shard_spread, groups)
    with opened_briefly(settings.store_url, "layout", read_only=False) as (connection, shown):
        found = make_layout(connection, wanted, shown)
        _require_same(found, wanted, shown)
    return found


def _require_same(found: Layout, wanted: Layout, shown: str) -> None:
    """Raise ConfigError where a store is not divided as it should be; in which groups does not matter."""
    remedy = "set that, or copy the state into another database with `domain-monitor migrate`"
    if found.shards != wanted.shards:
        parts = f"{found.shards} shard{'s' * (found.shards > 1)}"
        raise ConfigError([f"SHARDS: {shown} was made with {parts}, not {wanted.shards}: {remedy}"])
    if found.spread != wanted.spread:
        has = ",".join(found.spread) or "no top-level domain"
        raise ConfigError([f"SHARD_SPREAD: {shown} was made with {has} spread over its shards: {remedy}"])
