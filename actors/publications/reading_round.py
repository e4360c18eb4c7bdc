"""One reading of one publication: asked for, guarded, told to the coordinators, and kept."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from actors.publications.listed_spool import ListedSpool
from actors.publications.part_sender import NotTakenError, PartSender
from actors.publications.publication_reader import Joint, PublicationReader, Reading
from actors.publications.reading_record import ReadingRecord, read_record, write_record
from actors.publications.watched_names import load_watched
from common.clients.publication_http import Validators
from common.clock import monotonic, now
from common.core.model.publication import Kind, Publication
from common.core.publications import guard
from common.core.publications.places import Place
from common.errors import ClientError, DomainMonitorError, PublicationError
from common.messages import PublicationPart, PublicationStatus
from common.process import Runtime

#: Longest text of a problem, in characters.
PROBLEM_LIMIT = 300
#: These change with every reading: one that was held back waits for its next time, and is not asked for again at once.
_WHOLE = frozenset({Kind.ZONE, Kind.REGISTRATIONS})


@dataclass(frozen=True, slots=True)
class ReadingRound:
    """What a reading needs; `folder` is where its records are kept."""

    runtime: Runtime
    folder: Path
    sender: PartSender
    reader: PublicationReader

    def last_record(self, publication: Publication) -> ReadingRecord:
        """How the readings of a publication went so far."""
        return read_record(self.folder, publication.name)

    async def read(self, publication: Publication, place: Place) -> ReadingRecord:
        """Read a publication, and tell how it went to the coordinators and its record. Raises StoreError before it is asked."""
        began, moment = monotonic(), now()
        before = self.last_record(publication)
        settings, given_up = self.runtime.settings, self.runtime.stopping.is_set
        watched = await asyncio.to_thread(load_watched, settings, publication.suffixes, given_up)
        told = f"{watched.digest} {self.sender.leaders()}"
        asked = before if before.told == told else replace(before, validators=Validators(), serial=None)
        found: Reading | None = None
        with ListedSpool(self.folder, settings.shards) as listed:
            try:
                found = await self.reader.read(publication, place, asked, Joint(watched, listed), moment)
                after = await self._take(publication, before, found, listed, moment, told)
            except (ClientError, PublicationError, NotTakenError) as error:
                after = _note_failure(before, moment, error)
            except Exception as error:  # noqa: BLE001  # a bug in one parser must not keep others from being read; reported
                self.runtime.report(error, publication=publication.name)
                after = _note_failure(before, moment, PublicationError(f"{type(error).__name__} in its reader"))
            await self._tell(publication, after, found, sum(listed.counts), monotonic() - began)
        return after

    async def _take(
        self, publication: Publication, before: ReadingRecord, found: Reading, listed: ListedSpool, moment: float, told: str
    ) -> ReadingRecord:
        """Tell the coordinators what is listed, unless it looks like an accident. Raises NotTakenError."""
        if found.unchanged:
            return replace(before, checked_at=moment, failures=0, problem="")
        made_at = guard.date_reading(publication, found.made_at, moment)
        new = guard.Reading(made_at, found.total, found.fingerprint)
        problem = guard.find_accident(publication, before.known, new, moment)
        known = guard.note_reading(before.known, new, problem)
        if problem:
            failures = 0 if publication.kind in _WHOLE else before.failures + 1
            return replace(before, checked_at=moment, failures=failures, problem=problem, known=known)
        reading = PublicationPart(
            publication=publication.name,
            made_at=new.made_at,
            read_at=moment,
            number=0,
            last=True,
            total=found.total,
            names=(),
        )
        await self.sender.send_names(listed, reading)
        return ReadingRecord(
            checked_at=moment, known=known, told=told, place=found.place, validators=found.validators, serial=found.serial
        )

    async def _tell(
        self, publication: Publication, record: ReadingRecord, found: Reading | None, listed: int, seconds: float
    ) -> None:
        size, total = (found.size, found.total) if found is not None else (0, 0)
        fields = {
            "publication": publication.name,
            "names": total,
            "watched": listed,
            "bytes": size,
            "seconds": round(seconds, 1),
        }
        if record.problem:
            self.runtime.log.warning("publication_not_taken", problem=record.problem, failures=record.failures, **fields)
        else:
            self.runtime.log.info("publication_read", unchanged=found is not None and found.unchanged, **fields)
        try:
            write_record(self.folder, publication.name, record)
        except OSError as error:
            self.runtime.log.error("publication_record_failed", publication=publication.name, error=str(error))
        status = PublicationStatus(
            publication=publication.name,
            checked_at=record.checked_at,
            made_at=record.known.made_at,
            problem=record.problem,
            size=size,
            seconds=min(seconds, 1e6),
        )
        with contextlib.suppress(NotTakenError):
            await self.sender.send_status(status)


def _note_failure(before: ReadingRecord, moment: float, error: DomainMonitorError) -> ReadingRecord:
    return replace(before, checked_at=moment, failures=before.failures + 1, problem=str(error)[:PROBLEM_LIMIT])
