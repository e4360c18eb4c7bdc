"""Reads one publication: from its place, through its parser, joined to the watched names; nothing else of it is kept."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path

from actors.publications.listed_spool import ListedSpool
from actors.publications.reading_record import ReadingRecord
from actors.publications.watched_names import WatchedNames
from common.clients.address_guard import Guard
from common.clients.axfr import TransferBounds, TsigKey, ZoneServer, ZoneTransfer, open_transfer
from common.clients.host_addresses import create_host_cache
from common.clients.http_client import HttpClient
from common.clients.publication_http import ListDownload, ListRequest, Validators, open_list
from common.clients.zone_file import look_at_file, read_file
from common.clock import monotonic
from common.config import Settings
from common.core.model.publication import Form, ListedName, Publication
from common.core.parsers.dns import zone_time
from common.core.parsers.publications.open_list import open_list as open_parser
from common.core.publications.catalogue import url_of
from common.core.publications.places import Place
from common.setting_parsers import split_host

#: Seconds that reading a list, and a zone, may take altogether.
LIST_SECONDS, ZONE_SECONDS = 900.0, 3600.0
#: Names of a zone that are compared at once: a message holds a hundred or two.
AT_ONCE = 4096
_DNS_PORT = 53


@dataclass(slots=True, kw_only=True)
class Reading:
    """What was read, proved whole. `unchanged`: it is what was read before, and nothing else of this counts.

    `total` is how many names it holds, `size` its bytes on the wire. `fingerprint` is the same where the publication is.
    """

    unchanged: bool = False
    made_at: float | None = None
    total: int = 0
    size: int = 0
    fingerprint: str = ""
    place: str = ""
    validators: Validators = field(default_factory=Validators)
    serial: int | None = None


@dataclass(frozen=True, slots=True)
class Joint:
    """Where names of a publication meet those that are watched; what is in both is kept in `listed`."""

    watched: WatchedNames
    listed: ListedSpool

    def join_names(self, names: Sequence[str]) -> None:
        """Keep those of the names that are watched, each once. Raises PublicationError."""
        for shard, places in enumerate(self.watched.take_places(names)):
            self.listed.add_names(shard, [ListedName(names[place]) for place in places])

    def join_listed(self, listed: Sequence[ListedName]) -> None:
        """The same for names that have a time, or an object id."""
        for shard, places in enumerate(self.watched.take_places([row.name for row in listed])):
            self.listed.add_names(shard, [listed[place] for place in places])


class PublicationReader:
    """Reads publications over connections of its own; one for the process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._guard = Guard(settings)
        self._hosts = create_host_cache(settings, monotonic)
        self._client = HttpClient(settings, self._guard, resolver=self._hosts, keep_alive=False)

    async def read(self, publication: Publication, place: Place, record: ReadingRecord, joint: Joint, now: float) -> Reading:
        """Read a publication, or find out that it is what `record` says was read before for the same names and coordinators.

        Raises ClientError, PublicationError.
        """
        if publication.form is Form.AXFR:
            return await self._read_zone(publication, place, record, joint)
        if publication.form is Form.ZONE_TEXT:
            return await self._read_zone_file(publication, record, joint, now)
        return await self._read_list(publication, record, joint, now)

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()
        await self._hosts.close()

    async def _read_zone(self, publication: Publication, place: Place, record: ReadingRecord, joint: Joint) -> Reading:
        (zone,) = publication.suffixes
        host, port = split_host(publication.server, _DNS_PORT)
        seen = record.serial if record.place == publication.server else None
        server = ZoneServer(
            zone=zone, host=host, port=port, key=None if place.tsig is None else TsigKey(*place.tsig), seen_serial=seen
        )
        bounds = TransferBounds(most_bytes=publication.most_bytes, seconds=ZONE_SECONDS)
        async with open_transfer(server, self._guard.allowed, resolver=self._hosts, bounds=bounds) as transfer:
            found = Reading(unchanged=transfer.unchanged, place=publication.server, serial=transfer.serial)
            if not transfer.unchanged:
                await self._join_zone(transfer, zone, found, joint)
            found.size = transfer.size
            return found

    async def _join_zone(self, transfer: ZoneTransfer, zone: str, found: Reading, joint: Joint) -> None:
        waiting: list[str] = []
        async for names in transfer.read_delegations():
            waiting += names
            if len(waiting) >= AT_ONCE:
                found.total += len(waiting)
                joint.join_names(waiting)
                waiting.clear()
            await asyncio.sleep(0)  # a zone from a near server leaves the loop no other turn
        joint.join_names(waiting)
        found.total += len(waiting)
        found.serial = transfer.serial
        found.made_at = zone_time(zone, transfer.serial)
        found.fingerprint = _describe_size(found.total)

    async def _read_zone_file(self, publication: Publication, record: ReadingRecord, joint: Joint, now: float) -> Reading:
        path = Path(publication.url)
        version = await asyncio.to_thread(look_at_file, path, now)
        same = record.place == publication.url and record.validators.etag == str(version)
        found = Reading(unchanged=same, place=publication.url, validators=Validators(str(version)))
        if not same:
            found.size = version.size
            parser = open_parser(publication, now)
            async with aclosing(read_file(path, packed=publication.packed, most_bytes=publication.most_bytes)) as pieces:
                async for piece in pieces:
                    joint.join_listed(parser.feed(piece))
            summary = parser.finish()
            found.total, found.made_at = summary.size, summary.made_at or version.changed_at
            found.fingerprint = _describe_size(found.total)
        return found

    async def _read_list(self, publication: Publication, record: ReadingRecord, joint: Joint, now: float) -> Reading:
        url = url_of(publication, now)
        seen = record.validators if record.place == url and record.validators != Validators() else None
        request = ListRequest(
            url=url,
            packed=publication.packed,
            checksum=url + publication.checksum if publication.checksum else "",
            most_bytes=publication.most_bytes,
            seconds=LIST_SECONDS,
        )
        async with open_list(self._client, request, seen) as coming:
            found = Reading(unchanged=coming.unchanged, place=url, validators=coming.validators)
            if not coming.unchanged:
                await self._join_list(coming, publication, found, joint, now)
            found.size = coming.size
            return found

    async def _join_list(
        self, coming: ListDownload, publication: Publication, found: Reading, joint: Joint, now: float
    ) -> None:
        parser = open_parser(publication, now)
        digest = hashlib.sha256()
        async with aclosing(coming.read_text()) as pieces:
            async for piece in pieces:
                digest.update(piece)
                joint.join_listed(parser.feed(piece))
                await asyncio.sleep(0)
        summary = parser.finish()
        found.total, found.made_at = summary.size, summary.made_at or coming.made_at
        found.fingerprint = digest.hexdigest()


def _describe_size(total: int) -> str:
    """The fingerprint of a zone, which never comes twice as it was: about how many names it has."""
    return f"about {total:.2g} names"
