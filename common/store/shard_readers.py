"""Looks at each shard of a store alone, for what a reader of all shards does not put together."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from common.config import Settings
from common.store.reader import open_shard_reader
from common.store.store_contract import Reader

T = TypeVar("T")


def read_each_shard(settings: Settings, look: Callable[[Reader], T]) -> list[T]:
    """What `look` finds in each shard, one after the other: not of one moment. Raises StoreError."""
    found = []
    for shard in range(settings.shards):
        reader = open_shard_reader(settings, shard)
        try:
            found.append(look(reader))
        finally:
            reader.close()
    return found


def read_texts(settings: Settings, key: str) -> list[str]:
    """One of the small named texts, of each shard that has it. Raises StoreError."""
    return [text for text in read_each_shard(settings, lambda reader: reader.meta(key)) if text is not None]
