"""What is known about each name server address: whether it answers, and which peculiarities it has. Decides whom to ask."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from common.clients.dns.transport import Endpoint
from common.core.parsers.dns_wire import Bits

#: Timeouts in a row that open the circuit of an address, and for how many seconds.
MOST_TIMEOUTS = 2
OPEN_SECONDS = 30.0
#: Seconds that a family without a route is left alone: one that never worked here, and one that did.
FAMILY_SECONDS = 300.0
FAMILY_LOST_SECONDS = 15.0
#: Timeouts in a row over all addresses of a family that never answered, after which it counts as having no route.
FAMILY_TIMEOUTS = 4
#: Seconds that an address is asked less often after a failure, and that its peculiarities are remembered.
WARY_SECONDS = 60.0
QUIRK_SECONDS = 3600.0
#: Most addresses remembered; the oldest are forgotten first.
MOST_SERVERS = 16_384
_HEALTHY_WEIGHT = 8


@dataclass(slots=True)
class Server:
    """One address. Times in epoch seconds."""

    endpoint: Endpoint
    timeouts: int = 0
    open_until: float = 0.0
    wary_until: float = 0.0
    lower_case_until: float = 0.0  # does not repeat the letter case of the question
    plain_until: float = 0.0  # does not understand EDNS
    vetted_until: float = 0.0  # the guard let it through

    @property
    def family(self) -> int:
        """4 or 6."""
        return 6 if ":" in self.endpoint[0] else 4


@dataclass(slots=True)
class _Family:
    down_until: float = 0.0
    timeouts: int = 0
    answered: bool = False


class Servers:
    """All addresses ever asked, bounded. `now` gives epoch seconds."""

    def __init__(self, rng: Bits, now: Callable[[], float]) -> None:
        self._rng = rng
        self._now = now
        self._known: dict[Endpoint, Server] = {}
        self._families = {4: _Family(), 6: _Family()}

    def get(self, endpoint: Endpoint) -> Server:
        """What is known about this address."""
        server = self._known.get(endpoint)
        if server is None:
            if len(self._known) >= MOST_SERVERS:
                del self._known[next(iter(self._known))]
            server = self._known[endpoint] = Server(endpoint)
        return server

    def choose(self, endpoints: Iterable[Endpoint], avoid: Collection[Endpoint] = ()) -> Server | None:
        """One of these addresses at random, rarely one that failed lately; None where every one is avoided or silent."""
        now = self._now()
        open_to = [server for server in map(self.get, endpoints) if server.open_until <= now and server.endpoint not in avoid]
        usable = [server for server in open_to if self._families[server.family].down_until <= now]
        if not usable:
            return None
        weights = [1 if server.wary_until > now else _HEALTHY_WEIGHT for server in usable]
        ticket = self._rng.getrandbits(32) % sum(weights)
        for server, weight in zip(usable, weights, strict=True):
            ticket -= weight
            if ticket < 0:
                return server
        return usable[-1]

    def usable(self, endpoints: Iterable[Endpoint]) -> int:
        """How many of these addresses would be asked now."""
        now = self._now()
        servers = [self.get(endpoint) for endpoint in endpoints]
        return sum(server.open_until <= now and self._families[server.family].down_until <= now for server in servers)

    def answered(self, server: Server) -> None:
        """The address answered, whatever it said: its circuit closes."""
        family = self._families[server.family]
        family.answered, family.timeouts = True, 0
        server.timeouts = 0
        server.open_until = 0.0

    def failed(self, server: Server) -> None:
        """The address said nothing useful, or cannot be connected to."""
        server.wary_until = self._now() + WARY_SECONDS

    def timed_out(self, server: Server) -> None:
        """The address stayed silent: twice in a row, and it is left alone for a while."""
        self.failed(server)
        server.timeouts += 1
        if server.timeouts >= MOST_TIMEOUTS:
            server.open_until = self._now() + OPEN_SECONDS
        family = self._families[server.family]
        family.timeouts += 1
        other = self._families[10 - server.family]
        if family.timeouts >= FAMILY_TIMEOUTS and not family.answered and other.answered:
            self.no_route(server)

    def no_route(self, server: Server) -> None:
        """The family of the address cannot be reached from here."""
        family = self._families[server.family]
        family.down_until = self._now() + (FAMILY_LOST_SECONDS if family.answered else FAMILY_SECONDS)
        family.timeouts = 0
