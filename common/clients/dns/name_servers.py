"""What is known about each name server address: circuit, backoff and peculiarities. Chooses the address to ask.

Silence is counted, not timeouts: with hundreds of queries under way one pause of a server lets all of them run out. What was
sent before a silence was noticed belongs to that silence; a second one in a row opens its circuit. Where no other is
left such an address is still asked now and then, so that its suffix is back as soon as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from common.clients.dns.transport import Endpoint
from common.core.parsers.dns_wire import Bits

#: Silences in a row that open the circuit of an address, and for how many seconds.
MOST_TIMEOUTS = 2
OPEN_SECONDS = 30.0
#: Seconds between two queries to an address with an open circuit.
PROBE_SECONDS = 1.0
#: Seconds that a family without a route is left alone: one that never worked here, and one that did.
FAMILY_SECONDS = 300.0
FAMILY_LOST_SECONDS = 15.0
#: Silences in a row over all addresses of a family that never answered, after which it counts as having no route.
FAMILY_TIMEOUTS = 4
#: Seconds for which an address is asked less often after a failure, and that its peculiarities are remembered.
WARY_SECONDS = 60.0
QUIRK_SECONDS = 3600.0
#: Most addresses remembered; the oldest are forgotten first.
MOST_SERVERS = 16_384
_HEALTHY_WEIGHT = 8


@dataclass(slots=True)
class NameServer:
    """One address. Times in epoch seconds."""

    endpoint: Endpoint
    timeouts: int = 0
    silent_at: float = 0.0  # the last silence was noticed
    open_until: float = 0.0
    probe_at: float = 0.0  # while the circuit is open: when to ask all the same
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


class NameServers:
    """All addresses ever asked, bounded. `now` gives epoch seconds."""

    def __init__(self, rng: Bits, now: Callable[[], float]) -> None:
        self._rng = rng
        self._now = now
        self._known: dict[Endpoint, NameServer] = {}
        self._families = {4: _Family(), 6: _Family()}

    def get(self, endpoint: Endpoint) -> NameServer:
        """What is known about this address."""
        server = self._known.get(endpoint)
        if server is None:
            if len(self._known) >= MOST_SERVERS:
                del self._known[next(iter(self._known))]
            server = self._known[endpoint] = NameServer(endpoint)
        return server

    def choose(self, endpoints: Iterable[Endpoint], avoid: Collection[Endpoint] = ()) -> NameServer | None:
        """One of these addresses at random, rarely one that failed lately; None where every one is avoided or silent.

        Where all that are left are silent it is one of them, if that was not asked for PROBE_SECONDS.
        """
        now = self._now()
        left = [server for server in map(self.get, endpoints) if server.endpoint not in avoid]
        reachable = [server for server in left if self._families[server.family].down_until <= now]
        usable = [server for server in reachable if server.open_until <= now]
        if not usable:
            return self._choose_probe(reachable, now)
        weights = [1 if server.wary_until > now else _HEALTHY_WEIGHT for server in usable]
        ticket = self._rng.getrandbits(32) % sum(weights)
        for server, weight in zip(usable, weights, strict=True):
            ticket -= weight
            if ticket < 0:
                return server
        return usable[-1]

    def count_usable(self, endpoints: Iterable[Endpoint]) -> int:
        """How many of these addresses would be asked now."""
        now = self._now()
        servers = [self.get(endpoint) for endpoint in endpoints]
        return sum(server.open_until <= now and self._families[server.family].down_until <= now for server in servers)

    def note_answer(self, server: NameServer) -> None:
        """Note an answer, whatever it says: the circuit closes."""
        family = self._families[server.family]
        family.answered, family.timeouts = True, 0
        server.timeouts = 0
        server.open_until = 0.0

    def note_failure(self, server: NameServer) -> None:
        """Note that the address said nothing useful, or cannot be connected to."""
        server.wary_until = self._now() + WARY_SECONDS

    def note_timeout(self, server: NameServer, sent_at: float) -> None:
        """Note that a query sent at that time (epoch seconds) got no answer: two silences in a row open its circuit."""
        self.note_failure(server)
        if sent_at < server.silent_at:
            return
        now = self._now()
        server.silent_at = now
        server.timeouts += 1
        if server.timeouts >= MOST_TIMEOUTS:
            server.open_until = now + OPEN_SECONDS
            server.probe_at = now + PROBE_SECONDS
        family = self._families[server.family]
        family.timeouts += 1
        other = self._families[10 - server.family]
        if family.timeouts >= FAMILY_TIMEOUTS and not family.answered and other.answered:
            self.note_no_route(server)

    def note_no_route(self, server: NameServer) -> None:
        """Note that the address family cannot be reached from here."""
        family = self._families[server.family]
        family.down_until = self._now() + (FAMILY_LOST_SECONDS if family.answered else FAMILY_SECONDS)
        family.timeouts = 0

    def _choose_probe(self, shut: list[NameServer], now: float) -> NameServer | None:
        """The address with an open circuit that was left alone for longest, if that is long enough."""
        server = min(shut, key=lambda server: server.probe_at, default=None)
        if server is None or server.probe_at > now:
            return None
        server.probe_at = now + PROBE_SECONDS
        return server
