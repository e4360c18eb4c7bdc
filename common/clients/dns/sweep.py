"""Many names of one suffix at once: `SweepEngine.sweep` asks the suffix's servers about tens of thousands of names a second.

It shares zones, guard, circuits and peculiarities with the `DnsEngine` of its process, and believes exactly what that one
would: whatever is not a plain delegation or a plain NXDOMAIN is read by the careful parser, and what no datagram may settle
(truncated, other letter case, somebody guessing) is asked again by the `DnsEngine`, over TCP, and read in the same way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from common.clients.dns.engine import DnsEngine
from common.clients.dns.lanes import Lane
from common.clients.dns.names import NOBODY, Names, Odd
from common.clients.dns.sweeping import Sweeping
from common.clients.dns.transport import Endpoint
from common.clients.dns.zones import Zone
from common.core.parsers.dns_fast import OPEN, UNUSUAL
from common.core.parsers.dns_wire import Bits
from common.errors import ClientError, Refused, TimedOut

#: Most addresses of a suffix that one sweep is spread over.
MOST_ADDRESSES = 26
#: Most addresses remembered with their window and pace.
_MOST_LANES = 4096

__all__ = ["NOBODY", "Odd", "SweepEngine", "Swept"]


@dataclass(frozen=True, slots=True)
class Swept:
    """What came out. Per name, in the order given: `codes` of `dns_fast`, `served` who answered, for `served_by`.

    `odd` holds, by index, every answer with code UNUSUAL. `serials` is the oldest and the newest SOA serial behind an
    NXDOMAIN, None where there was none.
    """

    zone: Zone
    servers: tuple[Endpoint, ...]
    codes: bytes
    served: bytes
    odd: dict[int, Odd]
    serials: tuple[int, int] | None
    sent: int
    late: int  # answers that came after their time, or twice
    strays: int  # datagrams that answer nothing that was asked
    careful: int  # names that the careful engine asked about
    trouble: ClientError | None  # why nothing at all was answered, where that is so

    def served_by(self, number: int) -> tuple[Endpoint, bool]:
        """Who a number in `served` is, and whether the answer came over TCP. Not for NOBODY."""
        tcp, place = divmod(number, len(self.servers))
        return self.servers[place], bool(tcp)


class SweepEngine:
    """One per `DnsEngine`. `bits` must be unpredictable in service (`random.SystemRandom()`); `now` gives epoch seconds."""

    def __init__(self, engine: DnsEngine, bits: Bits, now: Callable[[], float]) -> None:
        self._engine = engine
        self._bits = bits
        self._now = now
        self._lanes: dict[Endpoint, Lane] = {}

    async def sweep(self, suffix: str, names: Sequence[str], seconds: float, *, pace: float | None = None) -> Swept:
        """Ask about `names`, A-labels directly below `suffix`, within `seconds`, `pace` queries a second to each address.

        An address has one pace, the latest given for it, over all sweeps. Raises ClientError where the suffix's servers cannot
        be found, and in resolver mode, where there are none.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        if self._engine.recursive:
            raise ClientError("resolvers are not asked about many names at once")
        zone = await self._engine.zone(suffix, seconds)
        lanes = self._lanes_of(zone, pace)
        if not lanes:
            raise ClientError(f"no server of {zone.name} can be asked")
        asked = Names(names)
        sweeping = Sweeping(self._engine, zone, suffix, asked, lanes, self._bits, self._now)
        await sweeping.run(max(0.0, deadline - loop.time()))
        serials = asked.serials
        mute = bool(names) and asked.codes.count(OPEN) == len(names)
        trouble = (sweeping.trouble or TimedOut("no server answered any question in time")) if mute else None
        return Swept(
            zone,
            tuple(lane.server.endpoint for lane in lanes),
            bytes(asked.codes),
            bytes(asked.served),
            {index: odd for index, odd in asked.odd.items() if asked.codes[index] == UNUSUAL},
            (min(serials), max(serials)) if serials else None,
            sweeping.sent,
            sweeping.late,
            sweeping.strays,
            sweeping.careful,
            trouble,
        )

    def _lanes_of(self, zone: Zone, pace: float | None) -> list[Lane]:
        """The addresses that may be asked, in random order."""
        lanes = []
        for endpoint in sorted(zone.endpoints, key=lambda _: self._bits.getrandbits(32)):
            server = self._engine.servers.get(endpoint)
            try:
                self._engine.vet(server)
            except Refused:
                continue
            lane = self._lanes.get(endpoint)
            if lane is None or lane.server is not server:
                if len(self._lanes) >= _MOST_LANES:
                    del self._lanes[next(iter(self._lanes))]
                lane = self._lanes[endpoint] = Lane(server, asyncio.get_running_loop().time())
            lane.set_pace(pace)
            lanes.append(lane)
        usable = [lane for lane in lanes if self._engine.servers.usable((lane.server.endpoint,))]
        return (usable or lanes)[:MOST_ADDRESSES]
