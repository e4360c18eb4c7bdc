"""Every name: all of them as rows of the table, those that something happens to as entries in hand.

An entry carries the evidence, a row does not. A name is taken in hand for a visit, with its evidence from the store, and put
back (`fold`) when it is quiet and written. What a row knows of it then is enough to sweep it and to see that something changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from math import isnan
from typing import Any

import numpy as np

from common.core.checks.escalation import registry_due_at
from common.core.domains.domain_table import CLOSE, CODE_OF, CODES, DETAILED, IN_HAND, PRIORITY, STATES, UNKNOWN, WATCHED, Table
from common.core.domains.last_look import BLOCK, SIZE, Pulse, merged
from common.core.model.entry import Entry
from common.core.model.records import Detail
from common.core.parsers.dns_fast import DELEGATED, NXDOMAIN
from common.core.verdict.verdicts import OUT_OF_ZONE, OWNED, State

#: Seconds that an entry stays in hand after its visit: what follows soon finds it there.
KEEP = 5.0
#: Most entries in hand before visits that can wait do; and before quiet ones, with which nothing goes on, make room.
MOST_IN_HAND, MOST_AT_REST = 4000, 3000
#: Entries looked at in one go when some are put back.
_LOOKED_AT = 400
#: Most blocks of pulses that are laid over the table together.
_RUN = 32
#: States in which a look that finds the same again is nothing to think about.
_QUIET = frozenset({State.UNKNOWN, State.REGISTERED, State.EXPIRED_GRACE})
_CODES = {"dns_auth_referral": DELEGATED, "dns_auth_nxdomain": NXDOMAIN}


class Book:
    """`in_hand` holds entries by the number of their name, those that were looked at longest ago first."""

    def __init__(self) -> None:
        self.table = Table()
        self.in_hand: dict[int, Entry] = {}

    def __len__(self) -> int:
        return len(self.table)

    def entry(self, name: str) -> Entry | None:
        """The entry of a name that is in hand."""
        row = self.table.find(name)
        return self.in_hand.get(row) if row >= 0 else None

    def plan(self, entry: Entry, at: float) -> None:
        """Make a name due at `at` (epoch seconds), whatever was planned before."""
        entry.next_check = at
        self.table.schedule.put(entry.id, at, priority=entry.priority)

    def take(self, row: int, detail: Detail) -> Entry:
        """Take a name in hand. `detail` is what the store holds, its DNS answer replaced by a younger one of a sweep."""
        table = self.table
        name, suffix = table.name(row), table.suffix_of(row)
        entry = Entry(name, suffix, name.removesuffix(f".{suffix}"), id=row)
        entry.watched, entry.priority = table.has(row, WATCHED), table.has(row, PRIORITY)
        entry.state, entry.generation = STATES[int(table.state[row])], int(table.generation[row])
        entry.confidence = round(float(table.confidence[row]), 4)
        entry.since, entry.checked_at = _time(table.since[row]), _time(table.checked_at[row])
        entry.next_check = table.schedule.at(row)
        earliest, latest = float(table.earliest[row]), float(table.latest[row])
        if not isnan(earliest):
            entry.drop = (earliest, (earliest + latest) / 2, latest, 0.0)  # refined as soon as the name is judged
        entry.detail = merged(detail, self.pulse(row), suffix)
        entry.detail.unknown_rounds = int(table.blind[row])
        if entry.state in OWNED and entry.detail.registered_seen is None:
            entry.detail.registered_seen = entry.since  # a crash left the state and not what it was drawn from
        self.in_hand[row] = entry
        table.mark(row, IN_HAND, on=True)
        return entry

    def leave(self, row: int) -> None:
        """Put a name back."""
        del self.in_hand[row]
        self.table.mark(row, IN_HAND, on=False)

    def pulse(self, row: int) -> Pulse:
        """What the last sweep saw of a name."""
        table = self.table
        return Pulse(
            float(table.checked_at[row]),
            0.0,
            float(table.dns_at[row]),
            float(table.dns_first[row]),
            int(table.serial[row]),
            int(table.code[row]),
            table.addresses[int(table.address[row])],
        )

    def sync(self, entry: Entry, now: float) -> None:
        """Bring the row of an entry up to date: it is about to be written."""
        table, row, drop = self.table, entry.id, entry.drop
        table.state[row] = CODE_OF[entry.state]
        table.generation[row], table.confidence[row] = entry.generation, entry.confidence
        table.since[row], table.checked_at[row] = entry.since or 0.0, entry.checked_at or 0.0
        table.earliest[row], table.latest[row] = (drop[0], drop[2]) if drop is not None else (np.nan, np.nan)
        table.registry_due[row] = registry_due_at(entry, now)
        table.blind[row] = min(255, entry.detail.unknown_rounds)
        table.watch(row, on=entry.watched)
        table.mark(row, PRIORITY, on=entry.priority)
        table.mark(row, CLOSE, on=close(entry, now))
        table.mark(row, DETAILED, on=True)
        table.touch(row)
        dns = entry.detail.evidence.get("dns")
        table.code[row] = 0
        if dns is not None:
            reading = dns.observation.reading
            table.code[row] = _CODES.get(reading.finding, 0)
            table.dns_at[row], table.dns_first[row] = dns.at, dns.first_at
            table.serial[row], table.address[row] = reading.serial or 0, table.address_number(dns.observation.address)

    def fold(self, busy: Callable[[Entry], bool], now: float) -> None:
        """Put back entries that nothing goes on with; `busy` tells which are still to be written, or waited for."""
        crowded = len(self.in_hand) - MOST_AT_REST
        for row, entry in list(islice(self.in_hand.items(), _LOOKED_AT)):
            gone = not entry.watched
            stays = entry.round is not None or entry.aside_until > now or busy(entry)
            old = gone or now - (entry.checked_at or 0.0) > KEEP
            if not stays and old and (crowded > 0 or gone or not (entry.priority or self.table.has(row, CLOSE))):
                self.leave(row)
            else:
                self.in_hand[row] = self.in_hand.pop(row)  # to the end: the others get their turn

    def load(self, batches: Iterable[Any], pulses: Iterable[tuple[int, bytes]], addresses: dict[int, str], size: int) -> None:
        """Take over what the store holds: batches of `common.store.columns.NameColumns`, blocks of pulses, their addresses.

        `size`: numbers given so far, gaps included.
        """
        table = self.table
        table.reserve(max(size, 1))
        for batch in batches:
            self._load_names(batch)
        table.roll.skip(size)
        for number in range(1, max(addresses, default=0) + 1):
            text = addresses.get(number, "")
            table.addresses.append(text)
            table.address_numbers.setdefault(text, number)
        for block, data in _runs(pulses):
            table.lay_over(block, data)

    def _load_names(self, batch: Any) -> None:
        table = self.table
        ids = batch.ids
        starts = np.flatnonzero(np.diff(ids, prepend=ids[0] - 1) != 1).tolist()
        for start, end in zip([0, *starts], [*starts, len(ids)], strict=True):
            if start < end:
                table.roll.skip(int(ids[start]))
                table.roll.add(batch.names[start:end])
        table.suffix[ids] = table.numbers_of(batch.suffixes.texts)[batch.suffixes.codes]
        flags = batch.flags.astype(np.uint8)  # the store's bits are the table's
        watched, priority = (flags & WATCHED) != 0, (flags & PRIORITY) != 0
        table.flags[ids] = flags & (WATCHED | PRIORITY | CLOSE | DETAILED)
        table.watched += int(np.count_nonzero(watched))
        table.state[ids] = np.array([CODES.get(state, UNKNOWN) for state in batch.states.texts], np.uint8)[batch.states.codes]
        table.generation[ids], table.confidence[ids] = np.clip(batch.generation, 0, 0xFFFFFFFF), batch.confidence
        table.since[ids], table.checked_at[ids] = np.nan_to_num(batch.since), np.nan_to_num(batch.checked_at)
        table.earliest[ids], table.latest[ids] = batch.drop_earliest, batch.drop_latest
        table.registry_due[ids] = batch.registry_due
        table.schedule.put_many(ids[watched], batch.next_check[watched], priority[watched])


def close(entry: Entry, now: float) -> bool:
    """Whether each look at a name has to be a visit of its own: an alarm in the making or made, a deletion under way."""
    if entry.state not in _QUIET or entry.detail.passes or entry.aside_until > now:
        return True
    return (entry.phase in OUT_OF_ZONE and entry.state in OWNED) or entry.detail.purged_at is not None


def _runs(pulses: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    """Whole blocks that follow each other, joined: laying one over the table costs as much as laying over many."""
    first, pieces = 0, list[bytes]()
    for block, data in pulses:
        if len(pieces) == _RUN or (pieces and (block != first + len(pieces) or len(pieces[-1]) != BLOCK * SIZE)):
            yield first, b"".join(pieces)
            pieces.clear()
        if not pieces:
            first = block
        pieces.append(data[: BLOCK * SIZE])
    if pieces:
        yield first, b"".join(pieces)


def _time(value: Any) -> float | None:
    return float(value) or None
