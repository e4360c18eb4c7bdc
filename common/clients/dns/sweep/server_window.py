"""How many queries may be under way at one name server address, and how many go out per second, in all sweeps of a process."""

from __future__ import annotations

from common.clients.dns.name_servers import NameServer

#: Queries under way at one address: at most, and at first; never fewer than the least.
MOST_UNDER_WAY = 256
LEAST_UNDER_WAY = 8
#: An address that failed lately gets one in so many of its window.
WARY_PART = 8
#: Share of lost queries that halves the window of an address.
_MOST_LOST = 0.05
#: Seconds of its pace that an idle address may catch up at once.
_CATCH_UP = 0.05


class ServerWindow:
    """The congestion window of one address, in queries. Times are loop time in seconds, `pace` is in queries per second."""

    __slots__ = ("_filled_at", "_pace", "_tokens", "answered_at", "lost", "segments", "sent", "server", "size", "under_way")

    def __init__(self, server: NameServer, now: float) -> None:
        self.server = server
        self.size = MOST_UNDER_WAY
        self.under_way = 0
        self.answered_at = now
        self.segments = True  # the kernel cuts one long datagram into many queries (UDP_SEGMENT)
        self.sent = self.lost = 0  # since the last look
        self._pace: float | None = None
        self._tokens = 0.0
        self._filled_at = now

    def set_pace(self, pace: float | None) -> None:
        """Queries per second from now on; None: as many as the window lets through."""
        self._pace = pace
        self._tokens = min(self._tokens, self._deepest)

    def room(self, now: float, *, wary: bool) -> int:
        """How many queries may go out now. Little room counts as none: few big batches are cheaper."""
        size = max(1, self.size // WARY_PART) if wary else self.size
        free = size - self.under_way
        if self.under_way and free < size // 8:
            return 0
        if self._pace is None:
            return max(0, free)
        self._tokens = min(self._deepest, self._tokens + (now - self._filled_at) * self._pace)
        self._filled_at = now
        return max(0, min(free, int(self._tokens)))

    def count_sent(self, count: int) -> None:
        """Note that `count` queries went out."""
        self.sent += count
        if self._pace is not None:
            self._tokens -= count

    def adapt(self) -> None:
        """Halve the window after losses, let it grow without; called at intervals."""
        if self.lost > _MOST_LOST * self.sent and self.lost > 1:
            self.size = max(LEAST_UNDER_WAY, self.size // 2)
        elif self.sent:
            self.size = min(MOST_UNDER_WAY, self.size + max(1, self.size // 4))
        self.sent = self.lost = 0

    @property
    def _deepest(self) -> float:
        return max(1.0, (self._pace or 0.0) * _CATCH_UP)
