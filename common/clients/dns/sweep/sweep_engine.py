"""Many names of one suffix at once: `SweepEngine.sweep` asks the suffix's servers about tens of thousands of names a second.

It shares zones, guard, circuits and peculiarities with the `DnsEngine` of its process, and believes exactly what that one
would: whatever is not a plain delegation or a plain NXDOMAIN is read by the careful parser, and what no datagram may settle
(truncated, other letter case, forgeries on the port) is asked again by the `DnsEngine`, over TCP, and read in the same way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from common.clients.dns.engine import DnsEngine
from common.clients.dns.sweep.server_window import ServerWindow
from common.clients.dns.sweep.sweep_names import NO_SERVER, SweepNames, UnusualAnswer
from common.clients.dns.sweep.sweep_run import SweepRun
from common.clients.dns.transport import Endpoint
from common.clients.dns.zone_finder import Zone
from common.core.parsers.dns_fast import OPEN, UNUSUAL
from common.core.parsers.dns_wire import Bits
from common.errors import ClientError, Refused, TimedOut

#: Most addresses of a suffix that one sweep is spread over.
MOST_ADDRESSES = 26
#: Most addresses remembered with their window and pace.
_MOST_WINDOWS = 4096

__all__ = ["NO_SERVER", "SweepEngine", "SweepOutcome", "UnusualAnswer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepOutcome:
    """The result of a sweep. Per name, in the order given: `codes` of `dns_fast`, `served` a number for `served_by`.

    `unusual` holds, by index, every answer with code UNUSUAL. `serials` is the oldest and the newest SOA serial behind an
    NXDOMAIN, None where there was none.
    """

    zone: Zone
    servers: tuple[Endpoint, ...]
    codes: bytes
    served: bytes
    unusual: dict[int, UnusualAnswer]
    serials: tuple[int, int] | None
    sent: int
    late: int  # answers that came after their time, or twice
    strays: int  # datagrams that answer nothing that was asked
    careful_count: int  # queries that the `DnsEngine` made for it
    lost: int  # queries that no answer came to in time
    truncated: int  # answers that were cut short
    delay: float | None  # median seconds from a query to its answer
    trouble: ClientError | None  # why nothing at all was answered, where that is so

    def served_by(self, number: int) -> tuple[Endpoint, bool]:
        """The server behind a number in `served`, and whether it answered over TCP. Not for NO_SERVER."""
        tcp, place = divmod(number, len(self.servers))
        return self.servers[place], bool(tcp)


class SweepEngine:
    """One per `DnsEngine`. `bits` must be unpredictable in service (`random.SystemRandom()`); `now` gives epoch seconds."""

    def __init__(self, engine: DnsEngine, bits: Bits, now: Callable[[], float]) -> None:
        self._engine = engine
        self._bits = bits
        self._now = now
        self._windows: dict[Endpoint, ServerWindow] = {}

    async def sweep(self, suffix: str, names: Sequence[str], seconds: float, *, pace: float | None = None) -> SweepOutcome:
        """Ask about `names`, A-labels directly below `suffix`, within `seconds`, `pace` queries a second to each address.

        An address has one pace, the latest given for it, over all sweeps. Raises ClientError where the suffix's servers cannot
        be found, and in resolver mode, where there are none.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        if self._engine.recursive:
            raise ClientError("resolvers are not asked about many names at once")
        zone = await self._engine.find_zone(suffix, seconds)
        windows = self._windows_of(zone, pace)
        if not windows:
            raise ClientError(f"no server of {zone.name} can be asked")
        asked = SweepNames(names)
        sweeping = SweepRun(
            engine=self._engine, zone=zone, suffix=suffix, names=asked, windows=windows, bits=self._bits, now=self._now
        )
        await sweeping.run(max(0.0, deadline - loop.time()))
        serials = asked.serials
        mute = bool(names) and asked.codes.count(OPEN) == len(names)
        trouble = (sweeping.trouble or TimedOut("no server answered any question in time")) if mute else None
        return SweepOutcome(
            zone=zone,
            servers=tuple(window.server.endpoint for window in windows),
            codes=bytes(asked.codes),
            served=bytes(asked.served),
            unusual={index: answer for index, answer in asked.unusual.items() if asked.codes[index] == UNUSUAL},
            serials=(min(serials), max(serials)) if serials else None,
            sent=sweeping.sent,
            late=sweeping.late,
            strays=sweeping.strays,
            careful_count=sweeping.careful_count,
            lost=sweeping.lost,
            truncated=sweeping.truncated,
            delay=sweeping.delay,
            trouble=trouble,
        )

    def _windows_of(self, zone: Zone, pace: float | None) -> list[ServerWindow]:
        """The addresses that may be asked, in random order."""
        windows = []
        for endpoint in sorted(zone.endpoints, key=lambda _: self._bits.getrandbits(32)):
            server = self._engine.name_servers.get(endpoint)
            try:
                self._engine.vet_server(server)
            except Refused:
                continue
            window = self._windows.get(endpoint)
            if window is None or window.server is not server:
                if len(self._windows) >= _MOST_WINDOWS:
                    del self._windows[next(iter(self._windows))]
                window = self._windows[endpoint] = ServerWindow(server, asyncio.get_running_loop().time())
            window.set_pace(pace)
            windows.append(window)
        usable = [window for window in windows if self._engine.name_servers.count_usable((window.server.endpoint,))]
        return (usable or windows)[:MOST_ADDRESSES]
