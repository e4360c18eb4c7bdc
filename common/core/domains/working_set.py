"""The working set: the entries of names that are loaded with their evidence, for a check or because they need single checks.

A name is loaded with its detail from the store, and evicted when it is stable and written. Its columns in the table are then
enough to sweep it, and to see that something changed.
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

#: Seconds that a name stays loaded after its check: another one may follow soon.
KEEP = 5.0
#: Numbers of loaded names above which checks that can wait do so, and above which stable names are evicted that otherwise stay:
#: those with priority, and those that need single checks.
MOST_LOADED, MOST_AT_REST = 4000, 3000
#: Most entries examined by one call that evicts.
_LOOKED_AT = 400
#: States in which a name is stable as long as answers say the same.
_STABLE = frozenset({State.UNKNOWN, State.REGISTERED, State.EXPIRED_GRACE})
_CODES = {"dns_auth_referral": DELEGATED, "dns_auth_nxdomain": NXDOMAIN}


class WorkingSet:
    """Loads and evicts names. `loaded` has their entries by id, those that were examined for eviction longest ago first."""

    def __init__(self, table: DomainTable) -> None:
        self._table = table
        self.loaded: dict[int, Entry] = {}

    def __len__(self) -> int:
        return len(self.loaded)

    def find_entry(self, name: str) -> Entry | None:
        """The entry of a name; None where it is not loaded."""
        name_id = self._table.find_id(name)
        return self.loaded.get(name_id) if name_id >= 0 else None

    def load_entry(self, name_id: int, detail: Detail) -> Entry:
        """Load a name with its stored detail, and return its entry."""
        entry = self.loaded[name_id] = self.build_entry(name_id, detail)
        self._table.set_flag(name_id, Flag.LOADED, on=True)
        return entry

    def build_entry(self, name_id: int, detail: Detail) -> Entry:
        """Make the entry of a name from its columns and its stored detail; of two DNS answers the younger one counts."""
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
        if not isnan(earliest):  # refined by the next forecast
            entry.drop = DropWindow(earliest, (earliest + latest) / 2, latest, 0.0)
        entry.detail = apply_look(detail, self.last_look(name_id), suffix)
        entry.detail.unknown_rounds = int(table.inconclusive[name_id])
        if entry.state in OWNED and entry.detail.registered_seen is None:
            entry.detail.registered_seen = entry.since  # the state was stored before a crash, its evidence was not
        return entry

    def evict_entry(self, name_id: int) -> None:
        """Drop the entry of a name; its columns are enough from now on."""
        del self.loaded[name_id]
        self._table.set_flag(name_id, Flag.LOADED, on=False)

    def last_look(self, name_id: int) -> LastLook:
        """The last look at a name, from its columns."""
        table = self._table
        return LastLook(
            checked_at=float(table.checked_at[name_id]),
            next_check=0.0,
            dns_at=float(table.dns_at[name_id]),
            dns_first=float(table.dns_first[name_id]),
            serial=int(table.serial[name_id]),
            code=int(table.code[name_id]),
            address=table.addresses[int(table.address[name_id])],
        )

    def write_back(self, entry: Entry, now: float) -> None:
        """Update the columns of a loaded name from its entry, whose row is about to be written."""
        table, name_id, drop = self._table, entry.id, entry.drop
        table.state[name_id] = STATE_CODES[entry.state]
        table.generation[name_id], table.confidence[name_id] = entry.generation, entry.confidence
        table.since[name_id], table.checked_at[name_id] = entry.since or 0.0, entry.checked_at or 0.0
        table.earliest[name_id], table.latest[name_id] = (drop.earliest, drop.latest) if drop is not None else (np.nan, np.nan)
        table.chance[name_id] = drop.probability if drop is not None else 0.0
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

    def evict_stable(self, is_busy: Callable[[Entry], bool], now: float, *, crowded_only: bool = False) -> None:
        """Evict names that are stable, or not watched any more; `is_busy` says which have to stay, whatever their state.

        `crowded_only`: where more are loaded than stay at rest, and not otherwise.
        """
        crowded, turns = len(self.loaded) > MOST_AT_REST, len(self.loaded) > _LOOKED_AT  # else all are examined each time
        if crowded_only and not crowded and not turns:
            return
        examined = list(islice(self.loaded.items(), _LOOKED_AT))
        single = self._table.have_flag(np.array([name_id for name_id, _ in examined], np.int64), Flag.SINGLE).tolist()
        for (name_id, entry), special in zip(examined, single, strict=True):
            gone = not entry.watched
            leaves = crowded or ((gone or not (special or entry.priority)) and not crowded_only)
            old = gone or now - (entry.checked_at or 0.0) > KEEP
            busy = entry.check is not None or entry.isolated_until > now
            if leaves and old and not busy and not is_busy(entry):
                self.evict_entry(name_id)
            elif turns:
                self.loaded[name_id] = self.loaded.pop(name_id)  # to the end: the next call examines others


def needs_single_checks(entry: Entry, now: float) -> bool:
    """Whether a name needs single checks, for a sweep would not do: an alarm is possible or made, or a deletion under way."""
    if entry.state not in _STABLE or entry.detail.passes or entry.isolated_until > now:
        return True
    return (entry.phase in OUT_OF_ZONE and entry.state in OWNED) or entry.detail.purged_at is not None
