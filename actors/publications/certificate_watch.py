"""Watches a stream of certificates for watched names, and tells coordinators which of them got one."""

from __future__ import annotations

import asyncio
import random
from contextlib import aclosing

from actors.publications.part_sender import NotTakenError, PartSender
from actors.publications.stream_health import SILENT, StreamHealth
from actors.publications.watched_names import WatchedNames, load_watched
from common.clients.address_guard import StreamGuard
from common.clients.cert_stream import read_cert_stream
from common.clients.http_client import HttpClient
from common.clock import monotonic, now
from common.core.builtin.publication_rows import CERTIFICATES
from common.core.model.publication import MOST_LISTED, ListedName
from common.core.parsers.publications.certificate_names import names_above, parse_certificate_names
from common.errors import ClientError, PublicationError, StoreError
from common.messages import PublicationPart, PublicationStatus
from common.process import Runtime

#: Seconds between two looks at what came, and names that are looked up sooner.
LOOK_EVERY, AT_ONCE = 0.5, 5000
#: Seconds until a name that was told is told again; most names that are remembered for that, and that wait to be told.
TOLD_AGAIN, MOST_TOLD = 60.0, 20_000
#: Seconds until the watched names are read again: so many, or so many times as long as reading them took.
NAMES_EVERY, NAMES_SHARE = 60.0, 50.0
#: Seconds until a store that is away, or has no names yet, is tried again.
STORE_EVERY = 5.0
#: Seconds until the first try to connect again; they double up to the longest.
FIRST_RETRY, LONGEST_RETRY = 1.0, 300.0


class CertificateWatch:
    """Listens while the coordinator beside it leads the first shard. A failure here keeps no publication from being read."""

    def __init__(self, runtime: Runtime, url: str, sender: PartSender) -> None:
        self._runtime = runtime
        self._url = url
        self._sender = sender
        self._health = StreamHealth(now())
        self._watched: WatchedNames | None = None
        self._load_at = 0.0  # monotonic seconds
        self._came: set[str] = set()  # names of certificates, and those above, that are not looked up yet
        self._found: dict[tuple[int, str], float] = {}  # when a certificate was seen, by shard and name, to be told
        self._told: dict[str, float] = {}  # when a name was told, monotonic, the longest ago first
        self._status_at = 0.0  # monotonic seconds
        self._leads = True  # whether this instance is the one that listens, when that was last looked at

    async def run(self) -> None:
        """Listen and tell until cancelled."""
        telling = asyncio.create_task(self._tell())
        try:
            await self._listen()
        finally:
            telling.cancel()
            await asyncio.wait((telling,))

    # -- listening -------------------------------------------------------------------------------------------------------

    async def _listen(self) -> None:
        """Connect, and again after a pause that grows while no certificate comes."""
        wait = FIRST_RETRY
        while True:
            self._leads = self._sender.reads_here()
            if self._leads:
                before = self._health.last
                await self._listen_once()
                wait = FIRST_RETRY if self._health.last != before else min(wait * 2, LONGEST_RETRY)
                await asyncio.sleep(wait * (0.75 + 0.5 * random.random()))  # noqa: S311  # spreads connections over time
            else:
                await asyncio.sleep(FIRST_RETRY)

    async def _listen_once(self) -> None:
        """Read one connection to its end, which always has a reason."""
        settings = self._runtime.settings
        client = HttpClient(settings, StreamGuard(settings, clear_text=self._url.startswith("ws://")))
        try:
            await self._read(client)
        except (ClientError, PublicationError) as error:
            self._health.note_error(str(error))
            self._runtime.log.warning("certificates_ended", reason=str(error))
        except Exception as error:  # noqa: BLE001  # a bug here must not end the other readings; reported
            self._health.note_error(f"{type(error).__name__} in its reader")
            self._runtime.report(error, publication=CERTIFICATES.name)
        finally:
            await client.close()

    async def _read(self, client: HttpClient) -> None:
        """Take messages as they come. Raises ClientError, PublicationError."""
        async with aclosing(read_cert_stream(client, self._url)) as messages:
            heard = monotonic()
            while True:
                try:
                    async with asyncio.timeout(max(0.0, heard + SILENT - monotonic())):
                        names = parse_certificate_names(await anext(messages))
                except TimeoutError:
                    raise ClientError(f"connected, and silent for {SILENT:.0f} s") from None
                if not self._leads:
                    raise ClientError("another instance leads")
                if names is not None:
                    heard = monotonic()
                    self._take(names)

    def _take(self, names: list[str]) -> None:
        self._health.note_certificate(len(names), now())
        for name in names:
            self._came.update(names_above(name))
        if len(self._came) >= AT_ONCE:
            self._look_up()

    def _look_up(self) -> None:
        """Find the watched ones among the names that came."""
        came, self._came = [*self._came], set()
        if self._watched is None or not came:
            return
        moment, forget = now(), monotonic() - TOLD_AGAIN
        while self._told and next(iter(self._told.values())) <= forget:
            del self._told[next(iter(self._told))]
        for shard, places in enumerate(self._watched.find_places(came)):
            for place in places:
                if came[place] not in self._told and len(self._found) < MOST_TOLD:
                    self._found.setdefault((shard, came[place]), moment)

    # -- telling ---------------------------------------------------------------------------------------------------------

    async def _tell(self) -> None:
        """Every half second tell what was found, and every few seconds how the stream goes."""
        while True:
            await asyncio.sleep(LOOK_EVERY)
            self._leads = self._sender.reads_here()
            if not self._leads:
                continue
            try:
                await self._load_names()
                self._look_up()
                await self._send_found()
                await self._send_status()
            except (NotTakenError, StoreError):
                continue  # the next turn tries again
            except Exception as error:  # noqa: BLE001  # as above
                self._runtime.report(error, publication=CERTIFICATES.name)

    async def _load_names(self) -> None:
        if monotonic() < self._load_at:
            return
        began, given_up = monotonic(), self._runtime.stopping.is_set
        self._load_at = began + STORE_EVERY
        self._watched = await asyncio.to_thread(load_watched, self._runtime.settings, None, given_up)
        ended = monotonic()
        self._load_at = ended + max(NAMES_EVERY, NAMES_SHARE * (ended - began)) if len(self._watched) else ended + STORE_EVERY

    async def _send_found(self) -> None:
        """Tell each shard its names. Raises NotTakenError; what is not taken is told later."""
        for shard in sorted({shard for shard, _ in self._found}):
            keys = [key for key in self._found if key[0] == shard][:MOST_LISTED]
            names = tuple(ListedName(name) for _, name in keys)
            seen_at = min(self._found[key] for key in keys)
            await self._sender.send_part(shard, _part_of(names, seen_at, self._health.names))
            for key in keys:
                del self._found[key]
                if len(self._told) < MOST_TOLD:
                    self._told[key[1]] = monotonic()

    async def _send_status(self) -> None:
        if monotonic() < self._status_at:
            return
        self._status_at = monotonic() + CERTIFICATES.every
        moment, health = now(), self._health
        status = PublicationStatus(
            publication=CERTIFICATES.name,
            checked_at=moment,
            made_at=health.since(),
            problem=health.problem(moment),
            size=health.names,
            seconds=0.0,
        )
        await self._sender.send_status(status)


def _part_of(names: tuple[ListedName, ...], seen_at: float, total: int) -> PublicationPart:
    return PublicationPart(
        publication=CERTIFICATES.name, made_at=seen_at, read_at=now(), number=0, last=True, total=total, names=names
    )
