"""A TCP relay of our own that is a bad network: it delays, stalls, cuts without a word, resets, and heals.

What TCP itself repairs (loss, reordering) shows as delay, so that is what it does to bytes; what TCP cannot repair it does to
connections. A cut link is silent in both directions: connections stay open, and new ones are accepted and lead nowhere.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
from collections.abc import Callable

#: Bytes moved at once.
PIECE = 16_384


class BadLink:
    """Relays 127.0.0.1:`port` to a port on loopback.

    `delay` and `jitter` in seconds, each way. While it is cut nothing passes; what waits then arrives late, as TCP would send
    it again, unless the connections are reset or dropped meanwhile.
    """

    def __init__(self, target: int, *, delay: float = 0.0, jitter: float = 0.0, seed: int = 0) -> None:
        self.target, self.delay, self.jitter = target, delay, jitter
        self.port = 0
        self.accepted = 0
        self._rng = random.Random(seed)
        self._open = asyncio.Event()
        self._open.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._sockets: set[socket.socket] = set()
        self._listener: socket.socket | None = None

    async def start(self, port: int = 0) -> BadLink:
        """Listen; `port` then tells where."""
        self._listener = socket.create_server(("127.0.0.1", port))
        self._listener.setblocking(False)
        self.port = self._listener.getsockname()[1]
        self._spawn(self._accept())
        return self

    def cut(self) -> None:
        """Let nothing pass, without telling either side."""
        self._open.clear()

    def heal(self) -> None:
        """Let everything pass again."""
        self._open.set()

    def reset(self) -> None:
        """End all connections with RST, as a firewall that restarts."""
        for sock in self._sockets:
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._end_connections()

    def forget(self) -> None:
        """Lose all connections as a NAT that was restarted: what was open is silent for ever, what is new passes.

        Both sides keep their ends: the sockets stay open, and nothing reads them.
        """
        for task in [task for task in self._tasks if task.get_name() == "relay"]:
            task.cancel()

    async def close(self) -> None:
        """Stop, and close everything."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for sock in (*self._sockets, *([self._listener] if self._listener else [])):
            sock.close()

    def _end_connections(self) -> None:
        self.forget()
        for sock in self._sockets:
            sock.close()
        self._sockets.clear()

    def _spawn(self, work: object, name: str = "accept") -> None:
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work, name=name)  # type: ignore[arg-type]
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        assert self._listener is not None
        while True:
            near, _ = await loop.sock_accept(self._listener)
            self.accepted += 1
            self._sockets.add(near)
            near.setblocking(False)
            self._spawn(self._connect(near), "relay")

    async def _connect(self, near: socket.socket) -> None:
        await self._open.wait()
        far = socket.socket()
        far.setblocking(False)
        self._sockets.add(far)
        try:
            await asyncio.get_running_loop().sock_connect(far, ("127.0.0.1", self.target))
        except OSError:
            self._drop(near, far)
            return
        self._spawn(self._pump(near, far), "relay")
        self._spawn(self._pump(far, near), "relay")

    async def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            while data := await loop.sock_recv(source, PIECE):
                if self.delay or self.jitter:
                    await asyncio.sleep(self.delay + self._rng.random() * self.jitter)
                await self._open.wait()
                await loop.sock_sendall(sink, data)
        except OSError:
            pass
        await self._open.wait()  # the end of a connection passes no cut either
        self._drop(source, sink)

    def _drop(self, *sockets: socket.socket) -> None:
        for sock in sockets:
            self._sockets.discard(sock)
            sock.close()


async def until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait for something to become true that happens inside ZeroMQ, or in another process."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  # as said
            await asyncio.sleep(0.02)
