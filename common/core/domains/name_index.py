"""Ids of names and names of ids: an open-addressed hash index over one blob of text, at a few bytes a name.

A million Python strings in a dict cost two hundred bytes each; here a name costs its own bytes and twelve more.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence

import numpy as np

from common.core.model.ids import Ids

#: Slots of an empty index; they double when half of them are taken, so that a search ends soon.
_SMALLEST = 1 << 12


class NameIndex:
    """Names in A-label form, numbered from 0 in the order they are added. No id is given twice; a gap has the empty name."""

    def __init__(self) -> None:
        self._blob = bytearray()
        self._ends = array("I")  # where each name ends in the blob; it begins where the one before ends
        self._hashes = array("I")
        self._count = 0  # names in the index: gaps are not
        self._make_slots(_SMALLEST)

    def __len__(self) -> int:
        return len(self._ends)

    def name_of(self, name_id: int) -> str:
        """The name with this id; "" in a gap."""
        start = self._ends[name_id - 1] if name_id else 0
        return self._blob[start : self._ends[name_id]].decode("ascii")

    def join_names(self, ids: Ids, cut: int = 0) -> str:
        """The names with these ids, each without its last `cut` characters, on a line of its own."""
        ends, blob = np.frombuffer(self._ends, np.uint32), self._blob
        places = zip(np.where(ids > 0, ends[ids - 1], 0).tolist(), (ends[ids].astype(np.int64) - cut).tolist(), strict=True)
        return b"\n".join([blob[start:end] for start, end in places]).decode("ascii")

    def find_id(self, name: str) -> int:
        """The id of a name, -1 where it is unknown."""
        key = hash(name) & 0xFFFFFFFF
        slots, hashes, mask = self._view, self._hashes, self._mask
        place = key & mask
        while (name_id := slots[place]) >= 0:
            if hashes[name_id] == key and self.name_of(name_id) == name:
                return int(name_id)
            place = (place + 1) & mask
        return -1

    def add_names(self, names: Sequence[str]) -> int:
        """Append names (ASCII, all of them new, none twice); returns the id of the first.

        Raises OverflowError when all names together are longer than 4 GiB.
        """
        first = len(self._ends)
        if not names:
            return first
        lengths = np.fromiter(map(len, names), np.int64, len(names))
        ends = np.cumsum(lengths) + len(self._blob)
        if ends[-1] > 0xFFFFFFFF:
            raise OverflowError("the names together are longer than 4 GiB")
        self._blob += "".join(names).encode("ascii")
        self._ends.frombytes(ends.astype(np.uint32).tobytes())
        hashes = np.fromiter(map(hash, names), np.int64, len(names)) & 0xFFFFFFFF
        self._hashes.frombytes(hashes.astype(np.uint32).tobytes())
        self.reserve_slots(self._count + len(names))
        self._place_ids(np.arange(first, first + len(names), dtype=np.int64), hashes)
        self._count += len(names)
        return first

    def skip_ids(self, until: int) -> None:
        """Leave a gap up to this id: the ids of deleted names are not given again."""
        gap = until - len(self._ends)
        if gap > 0:
            self._ends.extend([len(self._blob)] * gap)
            self._hashes.extend([0] * gap)

    def reserve_slots(self, count: int) -> None:
        """Make room in the index for so many names, before they are added."""
        size = len(self._slots)
        while size < 2 * count:
            size *= 2
        if size == len(self._slots):
            return
        ids = self._slots[self._slots >= 0].astype(np.int64)
        self._make_slots(size)
        hashes = np.frombuffer(self._hashes, np.uint32)[ids].astype(np.int64)
        self._place_ids(ids, hashes)

    def _make_slots(self, size: int) -> None:
        self._slots = np.full(size, -1, np.int32)
        self._view = self._slots.data  # single slots are read faster this way
        self._mask = size - 1

    def _place_ids(self, ids: Ids, hashes: Ids) -> None:
        """Find slots for many ids at once: of those that collide the last one gets the slot, the others try the next."""
        places = hashes & self._mask
        while len(ids):
            free = self._slots[places] < 0
            self._slots[places[free]] = ids[free]
            left = self._slots[places] != ids
            ids, places = ids[left], (places[left] + 1) & self._mask
