"""Millions of names in little memory: packed into one text, with a digest of 128 bits for each that is compared in its place.

A name costs about 35 bytes in place of some 150 as an object. Two names with one digest take some 2^64 tries to find, so
digests are compared in place of names. They have no key, because a fingerprint made of them has to be equal after a restart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import blake2b, sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Bytes of a digest.
DIGEST = 16
#: How many names are packed at a time.
_PACK = 4096
_KEY = np.dtype([("high", "<u8"), ("low", "<u8")])

Keys = NDArray[Any]  # of _KEY
Rows = NDArray[np.int64]
#: Names as the store returns them, batch by batch, in parallel: ids, names, watched, priority.
StoreBatch = tuple[Sequence[int], Sequence[str], Sequence[int], Sequence[int]]


class PackedNames:
    """Names (A-labels) with their priority, in the order in which they were added."""

    def __init__(self) -> None:
        self._loose: list[str] = []
        self._text = bytearray()
        self._lengths = bytearray()  # a name has at most 253 characters
        self._digests = bytearray()
        self._urgent = bytearray()

    def __len__(self) -> int:
        return len(self._urgent)

    def add_name(self, name: str, *, urgent: bool) -> None:
        """Append a name."""
        self._loose.append(name)
        self._urgent.append(urgent)
        if len(self._loose) >= _PACK:
            self._pack_loose_names()

    def drop_duplicates(self) -> None:
        """Keep only the first of equal names, with priority if any of them has it."""
        self._pack_loose_names()
        keys, urgent = self.digest_keys(), self.urgent_flags()
        order = _sort_order(keys)
        starts = np.flatnonzero(_differs_from_before(keys[order]))
        if len(starts) == len(keys):
            return
        first = order[starts]  # the sort is stable: the first in order came first
        urgent[first] = np.maximum.reduceat(urgent[order], starts)
        kept = np.zeros(len(keys), bool)
        kept[first] = True
        text = np.frombuffer(bytes(self._text), np.uint8)
        lengths = np.frombuffer(bytes(self._lengths), np.uint8)
        self._text = bytearray(text[np.repeat(kept, lengths)].tobytes())
        self._lengths = bytearray(lengths[kept].tobytes())
        self._digests = bytearray(keys[kept].tobytes())
        self._urgent = bytearray(urgent[kept].tobytes())

    def digest_keys(self) -> Keys:
        """The digests, one for each name."""
        self._pack_loose_names()
        return np.frombuffer(bytes(self._digests), _KEY)

    def urgent_flags(self) -> NDArray[np.uint8]:
        """The priorities, one for each name: 1 or 0. A copy."""
        return np.frombuffer(bytes(self._urgent), np.uint8).copy()

    def fingerprint(self) -> str:
        """SHA-256 (hex) of names and priorities, independent of their order. Call `drop_duplicates` before."""
        keys = self.digest_keys()
        order = _sort_order(keys)
        return sha256(keys[order].tobytes() + self.urgent_flags()[order].tobytes()).hexdigest()

    def iter_chunks(self, rows: Rows, size: int) -> Iterator[tuple[tuple[str, ...], tuple[bool, ...]]]:
        """The names of these rows and their priorities, in chunks of at most `size`."""
        self._pack_loose_names()
        lengths = np.frombuffer(bytes(self._lengths), np.uint8)
        ends = np.cumsum(lengths, dtype=np.int64)
        text, urgent = bytes(self._text), self.urgent_flags()
        for start in range(0, len(rows), size):
            piece = rows[start : start + size]
            last = ends[piece]
            spans = zip((last - lengths[piece]).tolist(), last.tolist(), strict=True)
            yield tuple([text[left:right].decode() for left, right in spans]), tuple(urgent[piece].astype(bool).tolist())

    def _pack_loose_names(self) -> None:
        if not self._loose:
            return
        packed = [name.encode() for name in self._loose]
        self._text += b"".join(packed)
        self._lengths += bytes(map(len, packed))
        self._digests += _hash_names(packed)
        self._loose.clear()


class WatchedNames:
    """The names that are watched, without their text: ids, digests and priorities, in parallel arrays."""

    def __init__(self, batches: Iterable[StoreBatch]) -> None:
        ids, digests, urgent = bytearray(), bytearray(), bytearray()
        for batch in batches:
            rows = [(name_id, name, priority) for name_id, name, watched, priority in zip(*batch, strict=True) if watched]
            ids += np.array([name_id for name_id, _, _ in rows], np.int64).tobytes()
            digests += _hash_names([name.encode() for _, name, _ in rows])
            urgent += bytes(1 if priority else 0 for _, _, priority in rows)
        self.ids: Rows = np.frombuffer(bytes(ids), np.int64)
        self.keys: Keys = np.frombuffer(bytes(digests), _KEY)
        self.urgent: NDArray[np.uint8] = np.frombuffer(bytes(urgent), np.uint8)


def match_digests(left: Keys, right: Keys) -> tuple[Rows, Rows]:
    """Rows of `left` and, in parallel, rows of `right` with the same digest. Neither may contain a digest twice."""
    both = np.concatenate([left, right])
    order = _sort_order(both)
    twins = np.flatnonzero(~_differs_from_before(both[order]))
    return order[twins - 1], order[twins] - len(left)


def _hash_names(names: Iterable[bytes]) -> bytes:
    digest: Callable[..., Any] = blake2b
    return b"".join([digest(name, digest_size=DIGEST).digest() for name in names])


def _sort_order(keys: Keys) -> Rows:
    """The rows in the order of their digests (a stable sort)."""
    return np.lexsort((keys["low"], keys["high"]))


def _differs_from_before(keys: Keys) -> NDArray[np.bool_]:
    """Which of sorted digests differ from the one before."""
    differs = np.ones(len(keys), bool)
    differs[1:] = (keys["high"][1:] != keys["high"][:-1]) | (keys["low"][1:] != keys["low"][:-1])
    return differs
