"""The watched names that a publication may hold, from the store, read-only and only for one reading."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from contextlib import closing

from common.config import Settings
from common.store.reader import open_reader, open_shard_reader


class WatchedNames:
    """Watched names under some suffixes, a set for each shard. `digest` changes whenever they do."""

    def __init__(self, shards: list[set[str]], digest: str) -> None:
        self._shards = shards
        self.digest = digest

    def __len__(self) -> int:
        return sum(map(len, self._shards))

    def take(self, name: str) -> int | None:
        """The shard that watches a name, the first time it is asked for; None for another one."""
        for shard, names in enumerate(self._shards):
            if name in names:
                names.discard(name)
                return shard
        return None

    def take_many(self, names: Collection[str]) -> list[tuple[int, set[str]]]:
        """Those of the names that are watched, by shard, the first time that they are asked for."""
        found = [(shard, watched.intersection(names)) for shard, watched in enumerate(self._shards)]
        for shard, hits in found:
            self._shards[shard] -= hits
        return found


def load_suffixes_watched(settings: Settings) -> dict[str, int]:
    """How many names are watched under each suffix of a registry. Raises StoreError."""
    with closing(open_reader(settings)) as reader:
        return reader.tlds()


def load_watched(settings: Settings, suffixes: Collection[str]) -> WatchedNames:
    """The watched names that lie below these suffixes. Raises StoreError."""
    endings = tuple(f".{suffix}" for suffix in suffixes)
    digest = hashlib.blake2b(digest_size=16)
    shards: list[set[str]] = []
    for shard in range(settings.shards):
        found: set[str] = set()
        with closing(open_shard_reader(settings, shard)) as reader:
            for _, names, watched, _ in reader.names():
                chosen = [name for name, wanted in zip(names, watched, strict=True) if wanted and name.endswith(endings)]
                digest.update("\n".join(chosen).encode())
                found.update(chosen)
        digest.update(b"\0")
        shards.append(found)
    return WatchedNames(shards, digest.hexdigest())
