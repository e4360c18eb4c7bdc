"""Applies what registries publish to the watched names; the room's door for the coordinator.

A reading counts once its last part is there and none is missing; a reading that is older than the one before changes nothing.
No publication says that a name is free: it is evidence for a registration, tells when one ends, or is a reason to ask.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from common.core.builtin.publication_rows import CERTIFICATES
from common.core.checks.admission import CheckRequest
from common.core.checks.check_starts import CheckStarts
from common.core.domains.domain_table import STATE_CODES, Flag
from common.core.domains.domains import Domains
from common.core.model.ids import Ids, Times
from common.core.model.publication import Kind, Listing, Publication
from common.core.model.states import OWNED, State
from common.core.publications.catalogue import find_publication
from common.core.publications.certificates import CertificateChecks
from common.core.publications.collected import Collected, Joined
from common.core.publications.listings import make_listing
from common.core.publications.next_reading import LastReading, next_reading_at
from common.core.publications.zone_names import ZoneNames, are_below, ids_below
from common.core.schedule.cadence import spread_check_times
from common.core.telemetry.telemetry import Telemetry
from common.messages import PublicationPart, PublicationStatus

#: Names that wait for what a publication says to be taken go on while fewer checks than that wait, so many at a time.
MOST_WAITING, AT_ONCE = 2000, 200
#: Seconds before its release from which on a listed name is checked again as usual.
BEFORE_RELEASE = 3600.0
#: Most publications that are known at a time: those of the table, and zone files.
MOST_KNOWN = 2000
#: Seconds after which the reader of a stream, which tells of it every few seconds, is missed.
UNHEARD = 120.0
#: Codes of the states in which a name is registered.
_OWNED_CODES = np.array([STATE_CODES[state] for state in OWNED], np.uint8)
_UNKNOWN = STATE_CODES[State.UNKNOWN]


@dataclass(slots=True)
class _Known:
    """What is known of one publication: its last reading that was applied, one on its way, and how readings went."""

    publication: Publication
    joined: Joined | None = None
    coming: Collected | None = None
    read_at: float | None = None
    watched: int = 0  # names of certificates that are watched, since the start
    status: PublicationStatus | None = None
    failures: int = 0
    problem: str = ""
    news: Ids = field(default_factory=lambda: np.empty(0, np.int64))  # names about which it has news that is not taken yet


@dataclass(slots=True, kw_only=True)
class Joins:
    """Takes readings of publications."""

    domains: Domains
    starts: CheckStarts
    zones: ZoneNames
    certificates: CertificateChecks
    telemetry: Telemetry
    _known: dict[str, _Known] = field(init=False, default_factory=dict)
    _asking: Ids = field(init=False, default_factory=lambda: np.empty(0, np.int64))  # names to be checked
    _leaving: Ids = field(init=False, default_factory=lambda: np.empty(0, np.int64))  # names that a list held, and no more

    def take_part(self, part: PublicationPart, now: float) -> None:
        """Take a part of a reading, and apply the reading with its last."""
        known = self._find_known(part.publication)
        if known is None:
            return
        if known.publication.kind is Kind.CERTIFICATES:
            known.read_at = part.read_at
            known.watched += self.certificates.note_names([listed.name for listed in part.names], min(part.made_at, now))
            return
        if part.number == 0:
            known.coming = Collected(part, self._find_ids)
        if known.coming is None or not known.coming.add_part(part):
            if known.coming is not None:
                known.problem = f"part {part.number} of a reading does not follow on the one before; the reading is left out"
            known.coming = None
            return
        if part.last:
            joined, known.coming = known.coming.join_names(), None
            own = are_below(self.domains, known.publication, joined.ids)
            self._apply_reading(known, joined.keep_names(own), part.read_at, now)

    def take_status(self, status: PublicationStatus) -> None:
        """Take how a reading went."""
        known = self._find_known(status.publication)
        if known is None:
            return
        if known.publication.kind is Kind.CERTIFICATES:
            self._take_stream_status(known, status)
            return
        known.status, known.failures = status, known.failures + 1 if status.problem else 0
        if status.problem:
            known.coming = None
            self.telemetry.write_log("warning", "publication_failed", publication=status.publication, reason=status.problem)
        self.telemetry.metrics.count("publications", result="failed" if status.problem else "read")

    def _take_stream_status(self, known: _Known, status: PublicationStatus) -> None:
        """Take how a stream goes, which is told every few seconds: only a new problem is worth a line of the log."""
        before, known.status = known.status, status
        if status.problem and (before is None or not before.problem):
            self.telemetry.write_log("warning", "publication_failed", publication=status.publication, reason=status.problem)

    def release_waiting(self, now: float) -> None:
        """Let names go on to what is to be done about them, as far as there is room for checks."""
        self._leaving = self._hand_on(self._leaving, lambda ids: self._request_all(ids, self._request_left))
        self._asking = self._hand_on(self._asking, lambda ids: self._request_all(ids, self._request_check))
        for known in self._known.values():
            known.news = self._hand_on(known.news, partial(self._request_listings, known, now))
        self.certificates.request_checks(CERTIFICATES, now)

    def show_rows(self, now: float) -> list[dict[str, Any]]:
        """Show each publication that was read or tried: what it is, when it was read and made, and what is wrong with it."""
        return [self._show_row(known, now) for _, known in sorted(self._known.items())]

    # -- applying --------------------------------------------------------------------------------------------------------

    def _apply_reading(self, known: _Known, joined: Joined, read_at: float, now: float) -> None:
        before = known.joined
        if before is not None and joined.made_at < before.made_at:
            known.problem = f"a reading is {before.made_at - joined.made_at:.0f} s older than the one before; it is left out"
            return
        known.joined, known.read_at, known.problem = joined, read_at, ""
        match known.publication.kind:
            case Kind.ZONE:
                self._apply_zone(known.publication, joined, now)
            case Kind.REGISTRATIONS:
                self._apply_registrations(known, joined, before)
            case Kind.DROP_LIST:
                self._apply_drop_list(known, joined, before, now)
            case Kind.AUCTION_LIST:
                self._apply_auctions(known, joined, before)
            case Kind.DELETED_LIST:
                self._ask_about(self._added(joined, before))
        self.telemetry.write_log(
            "info", "publication_taken", publication=known.publication.name, size=joined.size, joined=len(joined.ids)
        )

    def _apply_zone(self, publication: Publication, joined: Joined, now: float) -> None:
        """Delegated names are noted; those that left the zone since they were last seen, or came back to it, are checked."""
        left, appeared = self.zones.find_left(publication, joined), self.zones.find_appeared(joined)
        self.zones.note_delegated(publication, joined, now)
        self._ask_about(np.concatenate((left, appeared)))

    def _apply_registrations(self, known: _Known, joined: Joined, before: Joined | None) -> None:
        """A listed name that was thought to be free is registered; one that is missing now, and was not, is checked."""
        table = self.domains.table
        owned = np.isin(table.state[joined.ids], _OWNED_CODES) | (table.state[joined.ids] == _UNKNOWN)
        self._tell_news(known, np.intersect1d(joined.ids[~owned], self._added(joined, before), assume_unique=True))
        ids = ids_below(self.domains, known.publication)
        absent = ids[joined.places_of(ids) < 0]
        absent = absent[np.isin(table.state[absent], _OWNED_CODES) & (table.checked_at[absent] < joined.made_at)]
        self._ask_about(absent if before is None else absent[before.places_of(absent) >= 0])

    def _apply_drop_list(self, known: _Known, joined: Joined, before: Joined | None, now: float) -> None:
        """New and changed releases are noted; names whose release is far are left alone; one that left early is checked."""
        known_times = np.full(len(joined.ids), np.nan) if before is None else before.times_of(joined.ids)
        ahead = joined.times > now
        news = ahead & (joined.times != known_times)
        self._tell_news(known, joined.ids[news])
        self._ask_about(joined.ids[~ahead & np.isnan(known_times)])
        still = joined.ids[ahead & ~news]
        still = still[self.domains.stages.are_idle(still) & ~self.domains.table.have_flag(still, Flag.PRIORITY)]
        quiet = self._quiet_times(known.publication, still, joined.times_of(still), now)
        self.domains.stages.postpone_checks(still, quiet)
        if before is not None and known.publication.days_ahead is None:
            gone = before.ids[(joined.places_of(before.ids) < 0) & (before.times > joined.made_at)]
            self._leave(gone)

    def _apply_auctions(self, known: _Known, joined: Joined, before: Joined | None) -> None:
        """Names new to the list are in the release process, and checked; those that left it are checked as well."""
        self._tell_news(known, self._added(joined, before))
        if before is not None:
            self._leave(before.ids[joined.places_of(before.ids) < 0])

    def _added(self, joined: Joined, before: Joined | None) -> Ids:
        return joined.ids if before is None else joined.ids[before.places_of(joined.ids) < 0]

    def _tell_news(self, known: _Known, ids: Ids) -> None:
        known.news = np.union1d(known.news, ids)

    def _ask_about(self, ids: Ids) -> None:
        self._asking = np.union1d(self._asking, ids)

    def _leave(self, ids: Ids) -> None:
        self._leaving = np.union1d(self._leaving, ids)

    def _hand_on(self, ids: Ids, request: Callable[[Ids], None]) -> Ids:
        """Request something for these names while there is room for checks; returns those that are left."""
        while len(ids) and self.starts.has_room(MOST_WAITING):
            request(ids[:AT_ONCE])
            ids = ids[AT_ONCE:]
        return ids

    def _request_all(self, ids: Ids, request: Callable[[int], None]) -> None:
        for name_id in ids[self.domains.table.have_flag(ids, Flag.WATCHED)].tolist():
            request(name_id)

    def _quiet_times(self, publication: Publication, ids: Ids, releases: Times, now: float) -> Times:
        """Until when listed names need not be asked about: the list is read again before, and their release is not near."""
        again = spread_check_times(ids, publication.every / 2, now + publication.every)
        return np.fmin(again, releases - BEFORE_RELEASE)

    def _request_listings(self, known: _Known, now: float, ids: Ids) -> None:
        """Request that the news about these names is taken, as the publication has it by now."""
        joined = known.joined
        if joined is None:
            return
        ids = ids[joined.places_of(ids) >= 0]
        releases = joined.times_of(ids)
        quiet = self._quiet_times(known.publication, ids, releases, now)
        for name_id, at, until in zip(ids.tolist(), releases.tolist(), quiet.tolist(), strict=True):
            listing = make_listing(known.publication, at, joined.made_at, until, now, size=joined.size)
            if listing is not None and self.domains.table.has_flag(name_id, Flag.WATCHED):
                self.starts.request_listed(name_id, listing)

    def _request_left(self, name_id: int) -> None:
        self.starts.request_listed(name_id, Listing(None, 0.0, asks=True))

    def _request_check(self, name_id: int) -> None:
        urgent = self.domains.table.has_flag(name_id, Flag.PRIORITY)
        self.starts.request_check(CheckRequest(name_id, urgent=urgent, left_zone=True))

    def _find_ids(self, names: Sequence[str]) -> Ids:
        """The ids of names, -1 for those that are not watched."""
        table = self.domains.table
        ids = np.fromiter(map(table.find_id, names), np.int64, len(names))
        found = ids >= 0
        ids[found] = np.where(table.have_flag(ids[found], Flag.WATCHED), ids[found], -1)
        return ids

    # -- what is shown ---------------------------------------------------------------------------------------------------

    def _find_known(self, name: str) -> _Known | None:
        known = self._known.get(name)
        if known is None and (publication := find_publication(name)) is not None and len(self._known) < MOST_KNOWN:
            known = self._known[name] = _Known(publication)
        if known is None:
            self.telemetry.metrics.count("bad_messages")
        return known

    def _show_row(self, known: _Known, now: float) -> dict[str, Any]:
        publication, joined, status = known.publication, known.joined, known.status
        if publication.kind is Kind.CERTIFICATES:
            return _show_stream(known, now)
        last = LastReading(status.checked_at, known.failures) if status is not None else None
        return {
            "name": publication.name,
            "suffixes": list(publication.suffixes),
            "kind": publication.kind.value,
            "checked_at": status.checked_at if status is not None else None,
            "read_at": known.read_at,
            "made_at": joined.made_at if joined is not None else None,
            "size": joined.size if joined is not None else None,
            "joined": len(joined.ids) if joined is not None else None,
            "problem": (status.problem if status is not None else "") or known.problem or None,
            "next": next_reading_at(publication, last, now, 0.5) if last is not None else None,
        }


def _show_stream(known: _Known, now: float) -> dict[str, Any]:
    """Show how a stream goes. `made_at` is when its last certificate came: it is silent since then."""
    publication, status = known.publication, known.status
    problem = status.problem if status is not None else ""
    if status is not None and now - status.checked_at > UNHEARD:
        problem = f"its reader said nothing for {now - status.checked_at:.0f} s"
    return {
        "name": publication.name,
        "suffixes": [],
        "kind": publication.kind.value,
        "checked_at": status.checked_at if status is not None else None,
        "read_at": known.read_at,
        "made_at": status.made_at if status is not None else None,
        "size": status.size if status is not None else None,
        "joined": known.watched,
        "problem": problem or None,
        "next": None,
    }
