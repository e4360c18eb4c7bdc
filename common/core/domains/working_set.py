"""The working set: names that are fully loaded, with their evidence, because something happens to them.

A name is loaded for a check, with its evidence from the store, and evicted when it is stable and written. What its columns in
the table know of it then is enough to sweep it and to see that something changed.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from math import isnan

import numpy as np

from common.core.domains.domain_table import STATE_CODES, STATES, DomainTable, Flag
from common.core.domains.last_look import LastLook, apply_look
from common.core.lifecycle.registry_due import registry_due_at
from common.core.model.entry import DropWindow, Entry
from common.core.model.records import Detail
from common.core.model.states import OUT_OF_ZONE, OWNED, State
from common.core.parsers.dns_fast import DELEGATED, NXDOMAIN

#: Seconds that a name stays loaded after its check: what follows soon finds it there.
KEEP = 5.0
#: Most names loaded before checks that can wait do; and before stable ones, with which nothing goes on, make room.
MOST_LOADED, MOST_AT_REST = 4000, 3000
#: Names looked at in one go when some are evicted.
_LOOKED_AT = 400
#: States in which a check that finds the same again is nothing to think about.
_STABLE = frozenset({State.UNKNOWN, State.REGISTERED, State.EXPIRED_GRACE})
_CODES = {"dns_auth_referral": DELEGATED, "dns_auth_nxdomain": NXDOMAIN}


class WorkingSet:
    """`loaded` holds entries by the id of their name, those that were looked at longest ago first."""

    def __init__(self, table: DomainTable) -> None:
        self._table = table
        self.loaded: dict[int, Entry] = {}

    def __len__(self) -> int:
        return len(self.loaded)

    def find_entry(self, name: str) -> Entry | None:
        """The entry of a name that is loaded."""
        name_id = self._table.find_id(name)
        return self.loaded.get(name_id) if name_id >= 0 else None

    def load_entry(self, name_id: int, detail: Detail) -> Entry:
        """Load a name with what the store holds of it, and keep it."""
        entry = self.loaded[name_id] = self.build_entry(name_id, detail)
        self._table.set_flag(name_id, Flag.LOADED, on=True)
        return entry

    def build_entry(self, name_id: int, detail: Detail) -> Entry:
        """The entry of a name. A younger DNS answer of a sweep takes the place of the one in `detail`."""
        table = self._table
        name, suffix = table.name_of(name_id), table.suffix_of(name_id)
        entry = Entry(name, suffix, name.removesuffix(f".{suffix}"), id=name_id)
        entry.watched, entry.priority = table.has_flag(name_id, Flag.WATCHED), table.has_flag(name_id, Flag.PRIORITY)
        entry.state, entry.generation = STATES[int(table.state[name_id])], int(table.generation[name_id])
        entry.confidence = round(float(table.confidence[name_id]), 4)
        entry.since = float(table.since[name_id]) or None
        entry.checked_at = float(table.checked_at[name_id]) or None
        entry.next_check = table.schedule.due_at(name_id)
        earliest, latest = float(table.earliest[name_id]), float(table.latest[name_id])
        if not isnan(earliest):  # refined as soon as a verdict is taken
            entry.drop = DropWindow(earliest, (earliest + latest) / 2, latest, 0.0)
        entry.detail = apply_look(detail, self.last_look(name_id), suffix)
        entry.detail.unknown_rounds = int(table.inconclusive[name_id])
        if entry.state in OWNED and entry.detail.registered_seen is None:
            entry.detail.registered_seen = entry.since  # a crash left the state and not what it was drawn from
        return entry

    def evict_entry(self, name_id: int) -> None:
        """Unload a name: what its columns say of it is enough again."""
        del self.loaded[name_id]
        self._table.set_flag(name_id, Flag.LOADED, on=False)

    def last_look(self, name_id: int) -> LastLook:
        """What the last sweep found of a name."""
        table = self._table
        return LastLook(
            float(table.checked_at[name_id]),
            0.0,
            float(table.dns_at[name_id]),
            float(table.dns_first[name_id]),
            int(table.serial[name_id]),
            int(table.code[name_id]),
            table.addresses[int(table.address[name_id])],
        )

    def write_back(self, entry: Entry, now: float) -> None:
        """Bring the columns of a loaded name up to date: it is about to be written."""
        table, name_id, drop = self._table, entry.id, entry.drop
        table.state[name_id] = STATE_CODES[entry.state]
        table.generation[name_id], table.confidence[name_id] = entry.generation, entry.confidence
        table.since[name_id], table.checked_at[name_id] = entry.since or 0.0, entry.checked_at or 0.0
        table.earliest[name_id], table.latest[name_id] = (drop.earliest, drop.latest) if drop is not None else (np.nan, np.nan)
        table.registry_due[name_id] = registry_due_at(entry, now)
        table.inconclusive[name_id] = min(255, entry.detail.unknown_rounds)
        table.set_watched(name_id, on=entry.watched)
        table.set_flag(name_id, Flag.PRIORITY, on=entry.priority)
        table.set_flag(name_id, Flag.SINGLE, on=needs_single_checks(entry, now))
        table.set_flag(name_id, Flag.DETAILED, on=True)
        table.mark_dirty(name_id)
        dns = entry.detail.evidence.get("dns")
        table.code[name_id] = 0
        if dns is not None:
            reading = dns.observation.reading
            table.code[name_id] = _CODES.get(reading.finding, 0)
            table.dns_at[name_id], table.dns_first[name_id] = dns.at, dns.first_at
            table.serial[name_id] = reading.serial or 0
            table.address[name_id] = table.address_number(dns.observation.address)

    def evict_stable(self, is_busy: Callable[[Entry], bool], now: float) -> None:
        """Evict names with which nothing goes on; `is_busy` tells which are still to be written, or waited for."""
        crowded = len(self.loaded) - MOST_AT_REST
        for name_id, entry in list(islice(self.loaded.items(), _LOOKED_AT)):
            gone = not entry.watched
            stays = entry.check is not None or entry.isolated_until > now or is_busy(entry)
            old = gone or now - (entry.checked_at or 0.0) > KEEP
            special = entry.priority or self._table.has_flag(name_id, Flag.SINGLE)
            if not stays and old and (crowded > 0 or gone or not special):
                self.evict_entry(name_id)
            else:
                self.loaded[name_id] = self.loaded.pop(name_id)  # to the end: the others get their turn


def needs_single_checks(entry: Entry, now: float) -> bool:
    """Whether a sweep would not do for a name: an alarm in the making or made, a deletion under way."""
    if entry.state not in _STABLE or entry.detail.passes or entry.isolated_until > now:
        return True
    return (entry.phase in OUT_OF_ZONE and entry.state in OWNED) or entry.detail.purged_at is not None
