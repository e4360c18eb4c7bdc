"""One UDP socket for many queries to one address: connected, on a port the kernel picks at random, and soon replaced.

The kernel drops what comes from any other address. An id is used once in the life of a port, so no late answer can pass for
another one. What answers nothing that was asked is counted: the third looks like an attack (RFC 5452), and the port is given
up with everything that still waits on it.
"""

from __future__ import annotations

import errno
import socket
import sys
from collections.abc import Sequence

from common.clients.dns.sweep.server_window import ServerWindow
from common.clients.dns.transport import MOST_MISMATCHES, connect_datagrams
from common.core.parsers.dns_batch import QueryBatch, patch_id
from common.core.parsers.dns_wire import Bits

#: Queries that a port carries before another takes over.
MOST_USES = 1024
#: Queries under way on one port: their answers fit the smallest usual receive buffer.
MOST_WAITING = 128
_BUFFER = 1 << 20
#: linux/udp.h: one send, cut by the kernel into datagrams of the given size.
_UDP_SEGMENT = 103
_NO_SEGMENTS = (errno.EINVAL, errno.EIO, errno.EMSGSIZE, errno.ENOPROTOOPT, errno.EOPNOTSUPP)

#: Index of the name, its question, where that ends in the message, answers seen behind questions of its kind, loop time sent.
PendingQuery = tuple[int, bytes, int, dict[bytes, int], float]


class UdpPort:
    """A connected UDP socket. `waiting` maps a query id to its query, None once that is settled. Raises ClientError."""

    __slots__ = ("number", "recv", "sock", "strays", "under_way", "waiting", "window")

    def __init__(self, window: ServerWindow, number: int) -> None:
        self.window = window
        self.number = number  # of the server in its sweep
        self.sock = connect_datagrams(window.server.endpoint, _BUFFER)
        self.recv = self.sock.recv
        self.waiting: dict[bytes, PendingQuery | None] = {}
        self.under_way = 0
        self.strays = 0

    @property
    def room(self) -> int:
        """How many more queries may go out on it now."""
        return min(MOST_WAITING - self.under_way, MOST_USES - len(self.waiting))

    @property
    def used_up(self) -> bool:
        """Whether it has carried as many queries as it may."""
        return len(self.waiting) >= MOST_USES

    @property
    def suspect(self) -> bool:
        """Whether so many datagrams answer nothing that answers may be forged (RFC 5452 section 9.2)."""
        return self.strays >= MOST_MISMATCHES

    def expect_answers(
        self, batch: QueryBatch, indexes: Sequence[int], seen: dict[bytes, int], sent_at: float, bits: Bits
    ) -> None:
        """Expect answers to these queries. An id that was used already on this port is replaced."""
        waiting = self.waiting
        end = 12 + len(batch.questions[0])
        for number, (query_id, question, index) in enumerate(zip(batch.ids, batch.questions, indexes, strict=True)):
            if query_id in waiting:
                while (query_id := bits.getrandbits(16).to_bytes(2)) in waiting:
                    pass
                patch_id(batch, number, query_id)
            waiting[query_id] = (index, question, end, seen, sent_at)
        self.under_way += len(indexes)
        self.window.under_way += len(indexes)

    def settle(self, query_id: bytes) -> None:
        """Expect no answer any more to this id."""
        self.waiting[query_id] = None
        self.release(1)

    def release(self, count: int) -> None:
        """Count `count` queries less under way."""
        self.under_way -= count
        self.window.under_way -= count

    def send(self, batch: QueryBatch) -> int:
        """Send the queries; how many of them went out. Raises OSError unless that is because buffers are full."""
        try:
            if len(batch.ids) > 1 and self.window.segments:
                option = (socket.IPPROTO_UDP, _UDP_SEGMENT, batch.size.to_bytes(2, sys.byteorder))
                self.sock.sendmsg((batch.wire,), (option,))
                return len(batch.ids)
        except BlockingIOError:
            return 0
        except OSError as error:
            if error.errno not in _NO_SEGMENTS:
                raise
            self.window.segments = False
        return self._one_by_one(batch)

    def _one_by_one(self, batch: QueryBatch) -> int:
        wire = memoryview(batch.wire)
        sent = 0
        try:
            for at in range(0, len(wire), batch.size):
                self.sock.send(wire[at : at + batch.size])
                sent += 1
        except BlockingIOError:
            pass
        return sent

    def close(self) -> None:
        """Give the port up; what waited on it no longer counts as under way."""
        self.window.under_way -= self.under_way
        self.under_way = 0
        self.sock.close()
