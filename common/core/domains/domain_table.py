"""The domain table: what is known of every name as one array per fact, so that a sweep of thousands is a few array operations.

Evidence is not here: it is read from the store when something happens to a name (`common.core.domains.working_set`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from common.core.domains.last_look import BLOCK
from common.core.domains.last_look_array import RECORD
from common.core.domains.name_index import Roll, Rows
from common.core.schedule.due_times import Schedule
from common.core.verdict.verdicts import State

#: States by their number in the table.
STATES = tuple(State)
CODE_OF = {state: number for number, state in enumerate(STATES)}
CODES = {state.value: number for state, number in CODE_OF.items()}
UNKNOWN, REGISTERED = CODE_OF[State.UNKNOWN], CODE_OF[State.REGISTERED]

#: Bits of `flags`. CLOSE: something is going on with the name, each look is a visit of its own; DETAILED: the store holds
#: evidence; LINED: waits for a sweep, or is in one; WANTED: waits for its visit; IN_HAND: there is an entry.
WATCHED, PRIORITY, CLOSE, DETAILED, LINED, WANTED, IN_HAND = 1, 2, 4, 8, 16, 32, 64

_FIRST_SIZE = 1024
#: Part of its size by which the table is larger than it has to be, so that it grows seldom.
SPARE = 16


class Table:
    """Columns by the number of a name. Times in epoch seconds, 0 for never; `earliest`/`latest` NaN without a forecast.

    Forecast and `registry_due` are kept to two minutes: what needs them exactly is visited by itself, with its evidence.

    The DNS answer of the last sweep: its code (`parsers.dns_fast`, 0 for none), when, the first of the run of equal ones, the
    number of the address that gave it, the zone's serial behind a denial. `blind` counts looks in a row that proved nothing.
    """

    def __init__(self) -> None:
        self.roll = Roll()
        self.schedule = Schedule()
        self.suffixes: list[str] = []
        self.suffix_numbers: dict[str, int] = {}
        self.addresses: list[str] = [""]
        self.address_numbers: dict[str, int] = {"": 0}
        self.new_addresses: list[tuple[int, str]] = []  # not written yet
        self.watched = 0
        self.flags = np.zeros(_FIRST_SIZE, np.uint8)
        self.state = np.zeros(_FIRST_SIZE, np.uint8)
        self.suffix = np.zeros(_FIRST_SIZE, np.uint32)
        self.generation = np.zeros(_FIRST_SIZE, np.uint32)
        self.confidence = np.zeros(_FIRST_SIZE, np.float32)
        self.since = np.zeros(_FIRST_SIZE)
        self.checked_at = np.zeros(_FIRST_SIZE)
        self.earliest = np.zeros(_FIRST_SIZE, np.float32)
        self.latest = np.zeros(_FIRST_SIZE, np.float32)
        self.registry_due = np.zeros(_FIRST_SIZE, np.float32)
        self.dns_at = np.zeros(_FIRST_SIZE)
        self.dns_first = np.zeros(_FIRST_SIZE)
        self.serial = np.zeros(_FIRST_SIZE, np.uint32)
        self.address = np.zeros(_FIRST_SIZE, np.uint16)
        self.code = np.zeros(_FIRST_SIZE, np.uint8)
        self.blind = np.zeros(_FIRST_SIZE, np.uint8)
        self.owed = np.zeros(_FIRST_SIZE, np.uint8)
        self._dirty = np.zeros(_FIRST_SIZE // BLOCK, np.bool_)

    def __len__(self) -> int:
        return len(self.roll)

    def find(self, name: str) -> int:
        """The number of a name, -1 where it is unknown."""
        return self.roll.find(name)

    def name(self, row: int) -> str:
        """The name with this number."""
        return self.roll.name(row)

    def suffix_of(self, row: int) -> str:
        """The registry suffix of a name."""
        return self.suffixes[int(self.suffix[row])]

    def has(self, row: int, bit: int) -> bool:
        """Whether a flag of a name is set."""
        return bool(self.flags[row] & bit)

    def mark(self, row: int, bit: int, *, on: bool) -> None:
        """Set or clear a flag of a name."""
        if on:
            self.flags[row] |= bit
        else:
            self.flags[row] &= 0xFF ^ bit

    def urgent(self) -> int:
        """How many watched names have priority."""
        both = WATCHED | PRIORITY
        return int(np.count_nonzero((self.flags[: len(self)] & both) == both))

    def watch(self, row: int, *, on: bool) -> None:
        """Watch a name, or watch it no more."""
        if self.has(row, WATCHED) != on:
            self.mark(row, WATCHED, on=on)
            self.watched += 1 if on else -1

    def add(self, names: Sequence[str], suffixes: Sequence[str]) -> Rows:
        """Append names that are not here yet, watched by nobody; their numbers."""
        self.reserve(len(self) + len(names))
        first = self.roll.add(names)
        rows = np.arange(first, first + len(names), dtype=np.int64)
        self.suffix[rows] = self.numbers_of(suffixes)
        self.state[rows] = UNKNOWN
        self.earliest[rows] = self.latest[rows] = np.nan
        return rows

    def numbers_of(self, suffixes: Sequence[str]) -> NDArray[np.uint32]:
        """The numbers of suffixes; new ones get theirs."""
        numbers = self.suffix_numbers
        for suffix in set(suffixes).difference(numbers):
            numbers[suffix] = len(self.suffixes)
            self.suffixes.append(suffix)
        return np.fromiter((numbers[suffix] for suffix in suffixes), np.uint32, len(suffixes))

    def address_number(self, text: str) -> int:
        """The number of an address; when all 65,535 are taken, 0: "unknown"."""
        number = self.address_numbers.get(text)
        if number is None:
            if len(self.addresses) > 0xFFFF:
                return 0
            number = self.address_numbers[text] = len(self.addresses)
            self.addresses.append(text)
            self.new_addresses.append((number, text))
        return number

    def reserve(self, count: int) -> None:
        """Make room for so many names."""
        self.schedule.grow(count)
        self.roll.reserve(count)
        size = len(self.flags)
        if count <= size:
            return
        size = -(-(count + count // SPARE) // BLOCK) * BLOCK
        for column, values in vars(self).items():
            if isinstance(values, np.ndarray):  # in place: large arrays are moved by the kernel, not copied
                values.resize(size // BLOCK if column == "_dirty" else size, refcheck=False)

    def touch(self, rows: Rows | int) -> None:
        """The pulses of these names have to be written."""
        self._dirty[rows // BLOCK] = True

    def dirty(self) -> Rows:
        """The blocks whose pulses have to be written."""
        return np.flatnonzero(self._dirty)

    def pulses(self, blocks: Rows) -> Iterator[tuple[int, bytes]]:
        """These blocks as the store keeps them; they count as written."""
        rows = (blocks[:, None] * BLOCK + np.arange(BLOCK)).ravel()
        records = np.zeros(len(rows), RECORD)
        due = self.schedule.times(rows)
        due[~np.isfinite(due)] = 0.0
        records["next_check"] = due
        for column in ("checked_at", "dns_at", "dns_first", "serial", "address", "code", "owed"):
            records[column] = getattr(self, column)[rows]
        self._dirty[blocks] = False
        for place, block in enumerate(blocks.tolist()):
            yield block, records[place * BLOCK : (place + 1) * BLOCK].tobytes()

    def lay_over(self, block: int, data: bytes) -> None:
        """Take over a stored block, or several that follow each other, where it is not older than the rows."""
        start = block * BLOCK
        count = min(len(data) // RECORD.itemsize, len(self) - start)
        if count <= 0:
            return
        records = np.frombuffer(data, RECORD, count)
        looked_at = records["checked_at"] > 0
        younger = np.flatnonzero(looked_at & (records["checked_at"] >= self.checked_at[start : start + count]))
        rows, records = younger + start, records[younger]
        for column in ("checked_at", "dns_at", "dns_first", "serial", "address", "code", "owed"):
            getattr(self, column)[rows] = records[column]
        self.address[rows[self.address[rows] >= len(self.addresses)]] = 0
        watched = (self.flags[rows] & WATCHED) != 0
        rows, times = rows[watched], records["next_check"][watched].astype(np.float64)
        times[~np.isfinite(times)] = 0.0  # a damaged block: due at once
        self.schedule.put_many(rows, times, (self.flags[rows] & PRIORITY) != 0)
