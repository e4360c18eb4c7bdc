"""Applies a zone to the watched names right below it: a delegation is a DNS look of the zone's age, at no query."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from common.core.checks.conclude import Conclusions
from common.core.domains.domain_table import REGISTERED, STATE_CODES, UNKNOWN, Flag
from common.core.domains.domains import Domains
from common.core.model.ids import Ids
from common.core.model.publication import Kind, Publication
from common.core.model.states import State
from common.core.outbox.announcer import Announcer
from common.core.parsers.dns_fast import DELEGATED
from common.core.publications.catalogue import concerns
from common.core.publications.collected import Joined
from common.core.schedule.cadence import MARGIN, next_check_times, spread_check_times

_EXPIRED_GRACE = STATE_CODES[State.EXPIRED_GRACE]
#: A zone that is read again within this time stands in for DNS queries until then, in seconds; a daily one is too old for that.
FRESH_ZONE = 2 * 3600.0
#: Names whose registry record is due, and that go on being swept all the same, at most: a sweep finds them, and has their
#: records asked for as the registry's budget allows.
MOST_DUE = 5000

Chosen = NDArray[np.bool_]


@dataclass(slots=True, kw_only=True)
class ZoneNames:
    """Applies zones."""

    domains: Domains
    conclusions: Conclusions
    announcer: Announcer

    def note_delegated(self, publication: Publication, joined: Joined, now: float) -> None:
        """Note that the names of a zone are delegated, as far as nothing younger is known.

        Names that are being checked, loaded, or in a state that a sweep would not leave as it is are left to checks.
        """
        table = self.domains.table
        ids = joined.ids[self._are_plain(joined.ids, joined.made_at)]
        if not len(ids):
            return
        codes, address = np.full(len(ids), DELEGATED, np.uint8), table.address_number(f"zone of {publication.name}")
        changed = table.note_look(ids, codes, np.full(len(ids), address, np.uint16), 0, joined.made_at)
        fresh = ids[table.state[ids] == UNKNOWN]
        if len(fresh):
            self.conclusions.note_first_delegations(fresh, now)
        self.announcer.tell_sweep(ids[changed], "", changed[changed], now)
        self._postpone_checks(publication, ids, joined.made_at, now)

    def find_left(self, publication: Publication, joined: Joined) -> Ids:
        """Watched names right below the zone that were delegated when last seen, before it was made, and are not in it."""
        table = self.domains.table
        ids = ids_below(self.domains, publication)
        states = table.state[ids]
        delegated = (table.code[ids] == DELEGATED) & ((states == REGISTERED) | (states == _EXPIRED_GRACE))
        older = np.maximum(table.dns_at[ids], table.checked_at[ids]) < joined.made_at
        ids = ids[delegated & older & self.domains.stages.are_idle(ids)]
        left: Ids = ids[joined.places_of(ids) < 0]
        return left

    def find_appeared(self, joined: Joined) -> Ids:
        """Names in the zone that were seen out of it last, before it was made, or in a state without a delegation."""
        table, ids = self.domains.table, joined.ids
        states = table.state[ids]
        plain = (states == REGISTERED) | (states == _EXPIRED_GRACE) | (states == UNKNOWN)
        older = np.maximum(table.dns_at[ids], table.checked_at[ids]) < joined.made_at
        found: Ids = ids[~plain & older & (table.code[ids] != DELEGATED) & self.domains.stages.are_idle(ids)]
        return found

    def _are_plain(self, ids: Ids, made_at: float) -> Chosen:
        """Which names a sweep would find unchanged, or delegated at their first check."""
        table = self.domains.table
        states = table.state[ids]
        new = (states == UNKNOWN) & ~table.have_flag(ids, Flag.DETAILED)
        stable = (states == REGISTERED) | (states == _EXPIRED_GRACE) | new
        older = np.maximum(table.dns_at[ids], table.checked_at[ids]) < made_at
        found: Chosen = stable & older & ~table.have_flag(ids, Flag.LOADED) & self.domains.stages.are_idle(ids)
        return found

    def _postpone_checks(self, publication: Publication, ids: Ids, made_at: float, now: float) -> None:
        """Make names due as after a sweep at `made_at`; those with nothing ahead not before the zone is read again."""
        table = self.domains.table
        earliest, latest = table.earliest[ids].astype(np.float64), table.latest[ids].astype(np.float64)
        times = next_check_times(ids, self.domains.base_intervals(ids), earliest, latest, made_at)
        if publication.every <= FRESH_ZONE:
            until = spread_check_times(ids, publication.every / 2, now + publication.every)
            near = (earliest - MARGIN <= until) & (latest + MARGIN >= now)  # NaN is neither
            quiet = ~near & ~table.have_flag(ids, Flag.PRIORITY) & ~self._due_at_registry(ids, now)
            times = np.where(quiet, np.maximum(times, until), times)
        self.domains.stages.postpone_checks(ids, times)

    def _due_at_registry(self, ids: Ids, now: float) -> Chosen:
        """Which names have a registry record that is due: at most `MOST_DUE`, the longest due first, those without one last."""
        due = self.domains.table.registry_due[ids].astype(np.float64)
        chosen = np.zeros(len(ids), np.bool_)
        places = np.flatnonzero(due <= now)
        keys = np.where(due[places] == 0, np.inf, due[places])
        chosen[places[np.argsort(keys, kind="stable")[:MOST_DUE]]] = True
        return chosen


def ids_below(domains: Domains, publication: Publication) -> Ids:
    """The watched names whose suffix is one of the publication's own."""
    table = domains.table
    ids = np.flatnonzero(np.isin(table.suffix[: len(table)], _suffix_numbers(domains, publication.suffixes)))
    return ids[table.have_flag(ids, Flag.WATCHED)]


def are_below(domains: Domains, publication: Publication, ids: Ids) -> Chosen:
    """Which of these names a publication can tell about: right below a zone, and at any depth below the suffix of a list."""
    exact = publication.kind is Kind.ZONE
    suffixes = publication.suffixes if exact else [name for name in domains.table.suffixes if concerns(publication, name)]
    found: Chosen = np.isin(domains.table.suffix[ids], _suffix_numbers(domains, suffixes))
    return found


def _suffix_numbers(domains: Domains, suffixes: Iterable[str]) -> NDArray[np.uint32]:
    known = domains.table.suffix_numbers
    return np.array([known[suffix] for suffix in suffixes if suffix in known], np.uint32)
