"""One connection of a client and the one to the instance it is passed on to.

Each side is read only as fast as the other one takes it. What an instance has sent before it ended still goes to the client,
as long as that goes on reading.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Protocol, cast

from common.clients.tcp_options import unacknowledged_bytes

#: Seconds that connecting to an instance may take: a live one takes no time, one that is paused may let us wait for ever.
CONNECT_LIMIT = 1.0
#: Seconds to wait for an instance that lives.
WAIT_LIMIT = 3.0
#: Seconds between two looks at a client that has something to read; for which it may read what was written at once; for which
#: one that sends nothing more may still be answered.
LOOK_EVERY, LONGEST = 2.0, 120.0
#: Bytes that are read at once.
READ_SIZE = 32_768


class Context(Protocol):
    """What a relay needs of the address that its client connected to."""

    buffer: bytearray
    stalled: float  # seconds for which a client may read nothing of what is there for it

    def admit(self, relay: Relay, client: asyncio.Transport) -> bool:
        """Give it a place, if there is one."""
        ...

    def leave(self, relay: Relay) -> None:
        """Free its place."""
        ...

    def find_upstreams(self) -> list[tuple[Path, str]]:
        """The directory and the unix socket of each instance that lives, in the order in which to try them."""
        ...

    async def await_look(self, seconds: float) -> None:
        """Wait until that may have changed."""
        ...

    def make_preface(self, client: asyncio.Transport) -> bytes:
        """What an instance gets before the client's first byte."""
        ...

    def make_refusal(self, *, crowded: bool) -> bytes:
        """What a client gets for which there is no place, or no instance."""
        ...

    def report(self, error: BaseException) -> None:
        """Note a bug."""
        ...


class Relay:
    """A client's connection from its first to its last moment."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._client: asyncio.Transport | None = None
        self._instance: _InstanceEnd | None = None
        self._opening: asyncio.Task[None] | None = None
        self._watch: asyncio.TimerHandle | None = None  # over a client that has something to read
        self._answering: asyncio.TimerHandle | None = None  # a client that sends nothing more
        self._unsent, self._moved_at, self._began_at = 0, 0.0, 0.0
        self.spoke = False  # whether the client has sent anything
        self.ending = False  # the instance sends nothing more
        self.directory: Path | None = None  # of the instance

    def client_end(self) -> _ClientEnd:
        """The protocol of the client's connection."""
        return _ClientEnd(self, self._context.buffer)

    def abort(self) -> None:
        """End both connections without waiting for anything."""
        if self._opening is not None:
            self._opening.cancel()
        self._drop_instance()
        if self._client is not None:
            self._client.abort()

    def end_instance(self) -> None:
        """Give the instance up; what it has sent still goes to the client."""
        self._drop_instance()
        self.finish()

    def start(self, client: asyncio.Transport) -> None:
        """Find an instance; nothing is read before."""
        self._client = client
        client.set_write_buffer_limits(0)
        if not self._context.admit(self, client):
            client.write(self._context.make_refusal(crowded=True))
            client.close()
            return
        client.pause_reading()
        self._opening = asyncio.get_running_loop().create_task(self._open())
        self._opening.add_done_callback(self._opened)

    def forget_client(self) -> None:
        """The client is gone, and so is what was done for it."""
        self._client = None
        for timer in (self._watch, self._answering):
            if timer is not None:
                timer.cancel()
        self.abort()
        self._context.leave(self)

    def take_from_client(self, data: bytes) -> None:
        """Pass on what the client sends; what comes for an instance that has ended is lost."""
        self.spoke = True
        if not self.ending and self._instance is not None and self._instance.transport is not None:
            self._instance.transport.write(data)

    def end_input(self) -> bool:
        """The client sends nothing more. Whether its connection stays open for what it has still to get."""
        if self.ending or self._instance is None or self._instance.transport is None:
            return False
        _end_output(self._instance.transport)
        self._answering = asyncio.get_running_loop().call_later(LONGEST, self.abort)
        return True

    def hold_instance(self, *, full: bool) -> None:
        """Stop reading while the client has something to read, and see that it does; or go on."""
        _hold(self._instance.transport if self._instance is not None else None, full=full)
        if full:
            self._begin_watch()
        elif self._watch is not None and not self.ending:
            self._watch.cancel()
            self._watch = None

    def take_from_instance(self, data: bytes) -> None:
        """Pass on what the instance sends."""
        if self._client is not None:
            self._client.write(data)

    def forget_instance(self, end: _InstanceEnd) -> None:
        """An instance sends nothing more; one that only failed to take the connection does not matter."""
        if end is self._instance:
            self.finish()

    def hold_client(self, *, full: bool) -> None:
        """Stop or go on reading what the instance has not taken yet; once it has ended the rest is read and thrown away."""
        _hold(self._client, full=full and not self.ending)

    def finish(self) -> None:
        """Send what is left to the client, and end its connection: at once where it does that too, else within bounds."""
        client = self._client
        if self.ending or client is None:
            return
        self.ending = True
        if self._answering is not None:
            client.close()
        else:
            client.resume_reading()  # a connection that is closed with something unread is reset, and its last answer lost
            _end_output(client)
        self._begin_watch()

    def _begin_watch(self) -> None:
        if self._client is not None and self._watch is None:
            self._unsent = _unsent(self._client)
            self._began_at = self._moved_at = asyncio.get_running_loop().time()
            self._plan_look()

    def _plan_look(self) -> None:
        self._watch = asyncio.get_running_loop().call_later(LOOK_EVERY, self._look_at_client)

    def _look_at_client(self) -> None:
        client, now = self._client, asyncio.get_running_loop().time()
        if client is None:
            return
        unsent = _unsent(client)
        if unsent < self._unsent:
            self._moved_at = now
        self._unsent = unsent
        done = self.ending and unsent == 0
        if done or now - self._moved_at > self._context.stalled or now - self._began_at > LONGEST:
            self.abort()
        else:
            self._plan_look()

    async def _open(self) -> None:
        until = asyncio.get_running_loop().time() + WAIT_LIMIT
        while True:
            for directory, path in self._context.find_upstreams():
                if await self._connect(directory, path):
                    return
            if (left := until - asyncio.get_running_loop().time()) <= 0:
                break
            await self._context.await_look(left)
        if self._client is not None:
            self._client.write(self._context.make_refusal(crowded=False))
            self.finish()

    async def _connect(self, directory: Path, path: str) -> bool:
        end = _InstanceEnd(self, self._context.buffer)
        try:
            async with asyncio.timeout(CONNECT_LIMIT):
                await asyncio.get_running_loop().create_unix_connection(lambda: end, path)
        except (OSError, TimeoutError):
            return False
        # Where the queue of a listener is full, Linux refuses at once and asyncio takes that for a connection: it has no peer.
        if end.transport is None or end.transport.get_extra_info("peername") is None or self._client is None:
            end.drop()
            return False
        self._instance, self.directory = end, directory
        end.transport.set_write_buffer_limits(0)
        end.transport.write(self._context.make_preface(self._client))
        self._client.resume_reading()
        return True

    def _opened(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._context.report(error)
            self.abort()

    def _drop_instance(self) -> None:
        if self._instance is not None:
            self._instance.drop()


class _End(asyncio.BufferedProtocol):
    """One end. All ends read into one buffer and copy from it at once, so that what is read takes no more than it is long."""

    def __init__(self, relay: Relay, buffer: bytearray) -> None:
        self._relay = relay
        self._buffer = buffer
        self.transport: asyncio.Transport | None = None

    def get_buffer(self, sizehint: int) -> bytearray:  # noqa: ARG002 - asyncio's signature
        """Where to read to."""
        return self._buffer

    def _taken(self, count: int) -> bytes:
        return bytes(memoryview(self._buffer)[:count])


class _ClientEnd(_End):
    """The client's end."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there."""
        self._relay.start(cast("asyncio.Transport", transport))

    def connection_lost(self, exc: BaseException | None) -> None:  # noqa: ARG002 - asyncio's signature
        """It is gone."""
        self._relay.forget_client()

    def buffer_updated(self, nbytes: int) -> None:
        """It has sent something."""
        self._relay.take_from_client(self._taken(nbytes))

    def eof_received(self) -> bool:
        """It sends nothing more."""
        return self._relay.end_input()

    def pause_writing(self) -> None:
        """It does not read."""
        self._relay.hold_instance(full=True)

    def resume_writing(self) -> None:
        """It has read everything."""
        self._relay.hold_instance(full=False)


class _InstanceEnd(_End):
    """The instance's end."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """An instance takes the connection."""
        self.transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: BaseException | None) -> None:  # noqa: ARG002 - asyncio's signature
        """It is gone."""
        self.transport = None
        self._relay.forget_instance(self)

    def buffer_updated(self, nbytes: int) -> None:
        """It has sent something."""
        self._relay.take_from_instance(self._taken(nbytes))

    def eof_received(self) -> None:
        """It sends nothing more; asyncio closes our side once the instance has taken what is left for it."""
        self._relay.forget_instance(self)

    def pause_writing(self) -> None:
        """It does not read."""
        self._relay.hold_client(full=True)

    def resume_writing(self) -> None:
        """It has read everything."""
        self._relay.hold_client(full=False)

    def drop(self) -> None:
        """Close it without waiting for anything."""
        if self.transport is not None:
            self.transport.abort()


def _hold(transport: asyncio.Transport | None, *, full: bool) -> None:
    if transport is None or transport.is_closing():
        return
    if full:
        transport.pause_reading()
    else:
        transport.resume_reading()


def _end_output(transport: asyncio.Transport) -> None:
    try:
        transport.write_eof()
    except OSError:  # it was reset, and asyncio has not noticed yet
        transport.abort()


def _unsent(transport: asyncio.Transport) -> int:
    sock = transport.get_extra_info("socket")
    return transport.get_write_buffer_size() + (0 if sock is None else unacknowledged_bytes(sock))
