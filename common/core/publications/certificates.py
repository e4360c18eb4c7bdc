"""Checks that certificates ask for: a watched name without a delegation for which one was issued was taken, most likely.

A certificate shows that somebody controlled the DNS of the name when it was issued. Logs tell of it minutes to hours later, and
it may have been issued to the holder before: so it is a reason to ask, at once and by the registry too, and decides nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice

from common.core.checks.check_starts import CheckStarts
from common.core.domains.domain_table import Flag
from common.core.domains.domains import Domains
from common.core.model.evidence import Observation, Outcome
from common.core.model.methods import CERTIFICATE
from common.core.model.publication import Listing, Publication
from common.core.parsers.dns_fast import DELEGATED
from common.core.publications.listings import certificate_reading

#: Seconds between two checks of a name that certificates ask for, and checks of all names in a minute at most.
APART, MINUTE, PER_MINUTE = 3600.0, 60.0, 60
#: Names that wait for such a check at most, and how many of them are looked at in one go.
MOST_WAITING, AT_ONCE = 10_000, 200
#: They go on while fewer other checks than that wait.
MOST_CHECKS = 2000


@dataclass(slots=True, kw_only=True)
class CertificateChecks:
    """Requests the checks, within their bounds. Times in epoch seconds."""

    domains: Domains
    starts: CheckStarts
    _waiting: dict[int, float] = field(init=False, default_factory=dict)  # when a certificate was seen, by id
    _requested: dict[int, float] = field(init=False, default_factory=dict)  # the last check by id, the longest ago first
    _minute: deque[float] = field(init=False, default_factory=deque)  # the checks of the last minute

    def note_names(self, names: Iterable[str], seen_at: float) -> int:
        """Note names for which, or below which, a certificate was seen. Returns how many of them are watched."""
        table, watched = self.domains.table, 0
        for name in names:
            name_id = table.find_id(name)
            if name_id < 0 or not table.has_flag(name_id, Flag.WATCHED):
                continue
            watched += 1
            if name_id not in self._waiting and len(self._waiting) < MOST_WAITING:
                self._waiting[name_id] = seen_at
        return watched

    def request_checks(self, publication: Publication, now: float) -> None:
        """Request the checks of names that wait, as far as the bounds allow; one under way is waited for."""
        self._forget_old(now)
        for name_id, seen_at in list(islice(self._waiting.items(), AT_ONCE if self._waiting else 0)):
            if len(self._minute) >= PER_MINUTE or not self.starts.has_room(MOST_CHECKS):
                return
            if self._is_being_checked(name_id):
                continue
            del self._waiting[name_id]
            if name_id not in self._requested and self._calls_for_check(name_id):
                self._requested[name_id] = now
                self._minute.append(now)
                observation = Observation(CERTIFICATE, certificate_reading(), server=publication.name)
                self.starts.request_listed(name_id, Listing(observation, seen_at, asks=True, asks_registry=True))

    def _forget_old(self, now: float) -> None:
        while self._minute and self._minute[0] <= now - MINUTE:
            self._minute.popleft()
        while self._requested and next(iter(self._requested.values())) <= now - APART:
            del self._requested[next(iter(self._requested))]

    def _is_being_checked(self, name_id: int) -> bool:
        entry = self.domains.working_set.loaded.get(name_id)
        return entry is not None and entry.check is not None

    def _calls_for_check(self, name_id: int) -> bool:
        """Whether a name is watched and was not delegated when it was last seen: one that is, is taken already."""
        table = self.domains.table
        if not table.has_flag(name_id, Flag.WATCHED):
            return False
        entry = self.domains.working_set.loaded.get(name_id)
        if entry is None:
            return int(table.code[name_id]) != DELEGATED
        dns = entry.detail.evidence.get("dns")
        return dns is None or dns.observation.reading.outcome is not Outcome.REGISTERED
