"""The domain table: columns of arrays with what sweeps need of every name, so that thousands take a few array operations.

Evidence is not in it: it is read from the store when a name is loaded for a check (`common.core.domains.working_set`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import IntFlag

import numpy as np
from numpy.typing import NDArray

from common.core.domains.last_look import BLOCK
from common.core.domains.last_look_array import RECORD
from common.core.domains.name_index import NameIndex
from common.core.model.ids import Ids
from common.core.model.states import State
from common.core.parsers.dns_fast import NXDOMAIN
from common.core.schedule.due_times import Schedule

#: States by their code in the table, and codes by state and by its text.
STATES = tuple(State)
STATE_CODES = {state: number for number, state in enumerate(STATES)}
STATE_CODES_BY_TEXT = {state.value: number for state, number in STATE_CODES.items()}
UNKNOWN, REGISTERED = STATE_CODES[State.UNKNOWN], STATE_CODES[State.REGISTERED]


_FIRST_SIZE = 1024
#: Columns are longer than needed by one part in so many, so that they grow seldom.
SPARE = 16


class Flag(IntFlag):
    """One bit each of what is known of a name; the first four are stored, with the same values."""

    WATCHED = 1
    PRIORITY = 2
    SINGLE = 4  # it needs single checks: a sweep would not do
    DETAILED = 8  # the store holds a detail of it
    QUEUED = 16  # waits for a sweep, or is in one
    ADMITTED = 32  # waits for its single check to begin
    LOADED = 64  # its entry is loaded, with its evidence


#: The flags that are stored.
STORED = Flag.WATCHED | Flag.PRIORITY | Flag.SINGLE | Flag.DETAILED


class DomainTable:
    """Columns by the id of a name. Times in epoch seconds, 0 for never; `earliest` and `latest` NaN without a forecast.

    `chance` is the probability of a drop in between, 0 where it was not worked out since the start. Forecasts and
    `registry_due` are exact to two minutes: single checks, which need them exactly, have the evidence. No other room writes
    `flags` or `schedule`: the stages of names are made of them (`stages`).

    The last DNS answer of a sweep: its `code` (`parsers.dns_fast`, 0 for none), its time `dns_at`, the first of the run of
    equal answers `dns_first`, the number of the `address` that gave it, and the `serial` of the zone that denied the name.
    `inconclusive` counts inconclusive checks in a row; `pending` is 1 while the result has to be posted.
    """

    def __init__(self) -> None:
        self.index = NameIndex()
        self.schedule = Schedule()
        self.suffixes: list[str] = []
        self.suffix_numbers: dict[str, int] = {}
        self.addresses: list[str] = [""]
        self.address_numbers: dict[str, int] = {"": 0}
        self.new_addresses: list[tuple[int, str]] = []  # not written yet
        self.watched_count = 0
        self.flags = np.zeros(_FIRST_SIZE, np.uint8)
        self.state = np.zeros(_FIRST_SIZE, np.uint8)
        self.suffix = np.zeros(_FIRST_SIZE, np.uint32)
        self.generation = np.zeros(_FIRST_SIZE, np.uint32)
        self.confidence = np.zeros(_FIRST_SIZE, np.float32)
        self.since = np.zeros(_FIRST_SIZE)
        self.checked_at = np.zeros(_FIRST_SIZE)
        self.earliest = np.zeros(_FIRST_SIZE, np.float32)
        self.latest = np.zeros(_FIRST_SIZE, np.float32)
        self.chance = np.zeros(_FIRST_SIZE, np.float16)
        self.registry_due = np.zeros(_FIRST_SIZE, np.float32)
        self.dns_at = np.zeros(_FIRST_SIZE)
        self.dns_first = np.zeros(_FIRST_SIZE)
        self.serial = np.zeros(_FIRST_SIZE, np.uint32)
        self.address = np.zeros(_FIRST_SIZE, np.uint16)
        self.code = np.zeros(_FIRST_SIZE, np.uint8)
        self.inconclusive = np.zeros(_FIRST_SIZE, np.uint8)
        self.pending = np.zeros(_FIRST_SIZE, np.uint8)
        self._dirty = np.zeros(_FIRST_SIZE // BLOCK, np.bool_)

    def __len__(self) -> int:
        return len(self.index)

    def find_id(self, name: str) -> int:
        """The id of a name, -1 where it is unknown."""
        return self.index.find_id(name)

    def name_of(self, name_id: int) -> str:
        """The name with this id."""
        return self.index.name_of(name_id)

    def join_labels(self, ids: Ids, suffix: str) -> str:
        """The labels before the suffix of these names, which all have it, each on a line of its own."""
        return self.index.join_names(ids, len(suffix) + 1)

    def suffix_of(self, name_id: int) -> str:
        """The registry suffix of a name."""
        return self.suffixes[int(self.suffix[name_id])]

    def has_flag(self, name_id: int, flag: Flag) -> bool:
        """Whether a flag of a name is set, or one of several."""
        return bool(self.flags[name_id] & np.uint8(flag))

    def set_flag(self, name_id: int, flag: Flag, *, on: bool) -> None:
        """Set or clear flags of a name."""
        if on:
            self.flags[name_id] |= np.uint8(flag)
        else:
            self.flags[name_id] &= ~np.uint8(flag)

    def have_flag(self, ids: Ids, flag: Flag) -> NDArray[np.bool_]:
        """Which of these names have a flag set, or one of several."""
        found: NDArray[np.bool_] = (self.flags[ids] & np.uint8(flag)) != 0
        return found

    def set_flags(self, ids: Ids, flag: Flag, *, on: bool) -> None:
        """Set or clear flags of many names."""
        self.flags[ids] = self.flags[ids] | np.uint8(flag) if on else self.flags[ids] & ~np.uint8(flag)

    def count_priority(self) -> int:
        """How many watched names have priority."""
        both = np.uint8(Flag.WATCHED | Flag.PRIORITY)
        return int(np.count_nonzero((self.flags[: len(self)] & both) == both))

    def set_watched(self, name_id: int, *, on: bool) -> None:
        """Set whether a name is watched, and count it."""
        if self.has_flag(name_id, Flag.WATCHED) != on:
            self.set_flag(name_id, Flag.WATCHED, on=on)
            self.watched_count += 1 if on else -1

    def add_names(self, names: Sequence[str], suffixes: Sequence[str]) -> Ids:
        """Append names that are not in the table; returns their ids. They are not watched yet."""
        self.reserve_names(len(self) + len(names))
        first = self.index.add_names(names)
        ids = np.arange(first, first + len(names), dtype=np.int64)
        self.suffix[ids] = self.suffix_numbers_of(suffixes)
        self.state[ids] = UNKNOWN
        self.earliest[ids] = self.latest[ids] = np.nan
        self.chance[ids] = 0.0
        return ids

    def suffix_numbers_of(self, suffixes: Sequence[str]) -> NDArray[np.uint32]:
        """The numbers of suffixes; new suffixes get one."""
        numbers = self.suffix_numbers
        for suffix in sorted(set(suffixes).difference(numbers)):  # in one order, whatever their hashes are
            numbers[suffix] = len(self.suffixes)
            self.suffixes.append(suffix)
        return np.fromiter((numbers[suffix] for suffix in suffixes), np.uint32, len(suffixes))

    def address_number(self, text: str) -> int:
        """The number of a server address; 0 ("unknown") for a new one when all 65,535 are given out."""
        number = self.address_numbers.get(text)
        if number is None:
            if len(self.addresses) > 0xFFFF:
                return 0
            number = self.address_numbers[text] = len(self.addresses)
            self.addresses.append(text)
            self.new_addresses.append((number, text))
        return number

    def reserve_names(self, count: int) -> None:
        """Make room for the ids below `count`."""
        self.schedule.reserve_names(count)
        self.index.reserve_slots(count)
        size = len(self.flags)
        if count <= size:
            return
        size = -(-(count + count // SPARE) // BLOCK) * BLOCK
        for column, values in vars(self).items():
            if isinstance(values, np.ndarray):  # in place: the kernel moves large arrays instead of copying them
                values.resize(size // BLOCK if column == "_dirty" else size, refcheck=False)

    def mark_dirty(self, ids: Ids | int) -> None:
        """Mark the last looks of these names as not written."""
        self._dirty[ids // BLOCK] = True

    def note_look(
        self, ids: Ids, codes: NDArray[np.uint8], addresses: NDArray[np.uint16], serial: int, now: float
    ) -> NDArray[np.bool_]:
        """Note the answers of a sweep about these names at `now`; returns which of them differ from the answers before."""
        changed: NDArray[np.bool_] = self.code[ids] != codes
        self.dns_first[ids] = np.where(changed, now, self.dns_first[ids])
        self.dns_at[ids] = self.checked_at[ids] = now
        self.code[ids], self.address[ids], self.inconclusive[ids] = codes, addresses, 0
        self.serial[ids] = np.where(codes == NXDOMAIN, serial, 0)
        return changed

    def dirty_blocks(self) -> Ids:
        """The numbers of the blocks that are not written, in ascending order."""
        return np.flatnonzero(self._dirty)

    def encode_looks(self, blocks: Ids) -> Iterator[tuple[int, bytes]]:
        """Yield these blocks by number as they are stored, and mark them as written."""
        ids = (blocks[:, None] * BLOCK + np.arange(BLOCK)).ravel()
        records = np.zeros(len(ids), RECORD)
        due = self.schedule.times_of(ids)
        due[~np.isfinite(due)] = 0.0
        records["next_check"] = due
        for column in ("checked_at", "dns_at", "dns_first", "serial", "address", "code", "pending"):
            records[column] = getattr(self, column)[ids]
        self._dirty[blocks] = False
        for place, block in enumerate(blocks.tolist()):
            yield block, records[place * BLOCK : (place + 1) * BLOCK].tobytes()

    def apply_looks(self, block: int, data: bytes) -> None:
        """Take over a stored block, or several that follow each other, for names whose row is not newer."""
        start = block * BLOCK
        count = min(len(data) // RECORD.itemsize, len(self) - start)
        if count <= 0:
            return
        records = np.frombuffer(data, RECORD, count)
        looked_at = records["checked_at"] > 0
        younger = np.flatnonzero(looked_at & (records["checked_at"] >= self.checked_at[start : start + count]))
        ids, records = younger + start, records[younger]
        for column in ("checked_at", "dns_at", "dns_first", "serial", "address", "code", "pending"):
            getattr(self, column)[ids] = records[column]
        self.address[ids[self.address[ids] >= len(self.addresses)]] = 0
        watched = self.have_flag(ids, Flag.WATCHED)
        ids, times = ids[watched], records["next_check"][watched].astype(np.float64)
        times[~np.isfinite(times)] = 0.0  # a damaged block: due at once
        self.schedule.set_times(ids, times, self.have_flag(ids, Flag.PRIORITY))
