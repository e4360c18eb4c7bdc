"""The watched names that a publication may hold, from the store, read-only and only for one reading.

Of a name only its hash is kept: nine bytes, so that thirty million fit. Two names with one hash do no harm: the coordinator,
which knows the names themselves, passes over one that is not watched.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import closing

import numpy as np
from numpy.typing import NDArray

from common.config import Settings
from common.errors import StoreError
from common.store.reader import open_reader, open_shard_reader

Hashes = NDArray[np.int64]


class WatchedNames:
    """Watched names under some suffixes, by shard, as their sorted hashes. `digest` changes whenever the names do."""

    def __init__(self, shards: Sequence[Hashes], digest: str) -> None:
        self._shards = shards
        self._left = [np.ones(len(hashes), np.bool_) for hashes in shards]
        self.digest = digest

    def __len__(self) -> int:
        return sum(map(len, self._shards))

    def take_places(self, names: Sequence[str]) -> list[list[int]]:
        """For each shard the places of those names that it watches, each name once over all calls."""
        wanted = hash_names(names)
        return [self._take(hashes, left, wanted) for hashes, left in zip(self._shards, self._left, strict=True)]

    def find_places(self, names: Sequence[str]) -> list[list[int]]:
        """For each shard the places of those names that it watches, each time anew."""
        wanted = hash_names(names)
        return [np.flatnonzero(_match(hashes, wanted)[1]).tolist() for hashes in self._shards]

    @staticmethod
    def _take(hashes: Hashes, left: NDArray[np.bool_], wanted: Hashes) -> list[int]:
        if not len(hashes):
            return []
        found, same = _match(hashes, wanted)
        (places,) = np.nonzero(same & left[found])
        taken, first = np.unique(found[places], return_index=True)
        left[taken] = False
        chosen: list[int] = places[np.sort(first)].tolist()
        return chosen


def _match(hashes: Hashes, wanted: Hashes) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Where each wanted hash would stand among sorted ones, and whether it stands there."""
    if not len(hashes):
        return np.zeros(len(wanted), np.int64), np.zeros(len(wanted), np.bool_)
    found = np.minimum(np.searchsorted(hashes, wanted), len(hashes) - 1)
    return found, hashes[found] == wanted


def hash_names(names: Collection[str]) -> Hashes:
    """Hashes of names, which are the same in one run of the process only."""
    return np.fromiter(map(hash, names), np.int64, len(names))


def load_suffixes_watched(settings: Settings) -> dict[str, int]:
    """How many names are watched under each suffix of a registry. Raises StoreError."""
    with closing(open_reader(settings)) as reader:
        return reader.tlds()


def load_watched(
    settings: Settings, suffixes: Iterable[str] | None, given_up: Callable[[], bool] = lambda: False
) -> WatchedNames:
    """The watched names that lie below these suffixes, None for all. Raises StoreError, also once `given_up` says so."""
    endings = ("",) if suffixes is None else tuple(f".{suffix}" for suffix in suffixes)
    digest = hashlib.blake2b(digest_size=16)
    shards = []
    for shard in range(settings.shards):
        found = [np.empty(0, np.int64)]
        with closing(open_shard_reader(settings, shard)) as reader:
            for _, names, watched, _ in reader.names():
                chosen = [name for name, wanted in zip(names, watched, strict=True) if wanted and name.endswith(endings)]
                digest.update("\n".join(chosen).encode())
                found.append(hash_names(chosen))
                if given_up():
                    raise StoreError("the names are not needed any more")
        digest.update(b"\0")
        shards.append(np.sort(np.concatenate(found)))
    return WatchedNames(shards, digest.hexdigest())
