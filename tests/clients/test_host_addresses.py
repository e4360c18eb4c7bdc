"""Hosts that many clients look up: one query for all, kept for a while, and a dead host delays no other."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from common.clients.address_guard import Guard
from common.clients.host_addresses import FAILURE_SECONDS, FRESH_SECONDS, MOST_HOSTS, STALE_SECONDS, HostCache, SystemResolver
from common.clients.line_client import query_server
from common.config import load
from common.errors import ClientError, Refused, TimedOut
from tests.clients.dns_world import Clock
from tests.clients.line_server import line_server

T = TypeVar("T")
ROOT = Path(__file__).resolve().parents[2]


class Book:
    """A resolver that a test holds up and whose answers it changes: an address, or none where it fails."""

    def __init__(self, address: str | None = "192.0.2.1") -> None:
        self.address = address
        self.asked: list[str] = []
        self.open = asyncio.Event()
        self.open.set()

    async def addresses(self, host: str) -> list[str]:
        """What the test says."""
        self.asked.append(host)
        if host.startswith("dead"):
            await asyncio.Event().wait()
        await self.open.wait()
        if self.address is None:
            raise ClientError(f"{host} does not exist")
        return [self.address]


def with_hosts(story: Callable[[HostCache, Book, Clock], Awaitable[T]]) -> T:
    """What `story` returns with hosts that look into a book."""

    async def live() -> T:
        book, clock = Book(), Clock()
        kept = HostCache(book, clock)
        try:
            return await story(kept, book, clock)
        finally:
            await kept.close()

    return asyncio.run(live())


def test_one_look_up_serves_all_requests() -> None:
    """A thousand requests at once, and those within a minute, cost one look-up; an address costs none."""

    async def story(kept: HostCache, book: Book, clock: Clock) -> None:
        found = await asyncio.gather(*(kept.addresses("whois.example") for _ in range(1000)))
        clock.at += FRESH_SECONDS - 1
        found.append(await kept.addresses("whois.example"))

        assert found == [["192.0.2.1"]] * 1001
        assert await kept.addresses("::1") == ["::1"]
        assert book.asked == ["whois.example"]

    with_hosts(story)


def test_old_addresses_serve_while_new_ones_are_sought() -> None:
    """A request after a minute does not wait; the next one gets what was found. A failure leaves the old ones for an hour."""

    async def story(kept: HostCache, book: Book, clock: Clock) -> None:
        await kept.addresses("whois.example")
        clock.at += FRESH_SECONDS
        book.address = "192.0.2.2"
        assert await kept.addresses("whois.example") == ["192.0.2.1"]
        await kept._running["whois.example"]
        assert await kept.addresses("whois.example") == ["192.0.2.2"]

        book.address = None
        clock.at += FRESH_SECONDS
        assert await kept.addresses("whois.example") == ["192.0.2.2"]
        await kept._running["whois.example"]
        assert await kept.addresses("whois.example") == ["192.0.2.2"]
        clock.at += STALE_SECONDS
        with pytest.raises(ClientError, match="does not exist"):
            await kept.addresses("whois.example")

    with_hosts(story)


def test_a_failure_is_remembered_for_seconds() -> None:
    """A host without address is not looked up for every question."""

    async def story(kept: HostCache, book: Book, clock: Clock) -> None:
        book.address = None
        for _ in range(3):
            with pytest.raises(ClientError):
                await kept.addresses("gone.example")
        assert len(book.asked) == 1
        clock.at += FAILURE_SECONDS
        book.address = "192.0.2.1"
        assert await kept.addresses("gone.example") == ["192.0.2.1"]

    with_hosts(story)


def test_dead_hosts_hold_up_no_other() -> None:
    """Look-ups of silent hosts end with their time, and end none that other tasks wait for."""

    async def story(kept: HostCache, book: Book, _: Clock) -> None:
        waiting = [asyncio.create_task(kept.addresses(f"dead{number % 50}.example")) for number in range(1000)]
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(kept.addresses("dead0.example"), 0.05)

        assert await asyncio.wait_for(kept.addresses("whois.example"), 5) == ["192.0.2.1"]
        assert len(book.asked) == 51
        assert not any(task.done() for task in waiting)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    with_hosts(story)


def test_hosts_kept_are_bounded() -> None:
    """The oldest are forgotten first."""

    async def story(kept: HostCache, book: Book, _: Clock) -> None:
        for number in range(MOST_HOSTS + 10):
            await kept.addresses(f"h{number}.example")
        assert len(kept._held) == MOST_HOSTS
        await kept.addresses("h0.example")
        assert book.asked[-1] == "h0.example"

    with_hosts(story)


def test_an_address_that_is_kept_is_vetted_at_each_connection() -> None:
    """A name that turns to a private address after its first look-up is refused, and so is one that was kept."""

    async def story(kept: HostCache, book: Book, _: Clock) -> None:
        async with line_server(b"text") as server:
            book.address = "127.0.0.1"
            lab = Guard(load({"ALLOWED_PRIVATE_NETWORKS": "127.0.0.0/8"})).allowed
            found = await query_server("whois.example", server.port, b"x\r\n", limit=9, seconds=5, allowed=lab, resolver=kept)
            assert found.data == b"text"
            with pytest.raises(Refused):
                await query_server(
                    "whois.example", server.port, b"x\r\n", limit=9, seconds=5, allowed=Guard(load({})).allowed, resolver=kept
                )
            assert len(server.lines) == 1

    with_hosts(story)


def test_a_look_up_counts_for_the_time_of_a_question() -> None:
    """The line client gives up on a host whose address is not found in time."""

    async def story(kept: HostCache, _: Book, __: Clock) -> None:
        with pytest.raises(TimedOut):
            await query_server("dead.example", 43, b"x\r\n", limit=9, seconds=0.05, allowed=lambda _: True, resolver=kept)

    with_hosts(story)


@pytest.mark.parametrize("host", ["a..b", "a" * 300, "\ud800.example"])
def test_what_is_no_host_is_an_error_of_ours(host: str) -> None:
    """Whatever a referral names, the system's look-up fails in our own words, and the next one works."""

    async def both() -> None:
        resolver = SystemResolver(1)
        for _ in range(2):
            with pytest.raises(ClientError):
                await resolver.addresses(host)
            assert "127.0.0.1" in await resolver.addresses("localhost")

    asyncio.run(both())


class Silence:
    """Look-ups of which those of dead hosts fail at first, and then hang until the test is over."""

    def __init__(self) -> None:
        self.over = threading.Event()
        self.asked: list[str] = []
        self.hanging = threading.Semaphore(0)

    def look_up(self, host: str) -> list[str]:
        """What the system would say, in a thread."""
        self.asked.append(host)
        if not host.startswith("dead"):
            return ["192.0.2.1"]
        if self.asked.count(host) > 1:
            self.hanging.release()
            self.over.wait(60)
        raise socket.gaierror(socket.EAI_AGAIN, "no answer")


def test_look_ups_that_hang_leave_threads_for_the_others() -> None:
    """Hosts that gave no address last time share half of the threads, also when no task waits for them any more."""

    async def story() -> None:
        silence = Silence()
        resolver = SystemResolver(4, silence.look_up)
        dead = [f"dead{number}.example" for number in range(20)]
        for host in dead:
            with pytest.raises(ClientError, match="no answer"):
                await resolver.addresses(host)
        waiting = [asyncio.create_task(resolver.addresses(host)) for host in dead]
        await asyncio.to_thread(lambda: [silence.hanging.acquire() for _ in range(2)])
        for task in waiting[:10]:
            task.cancel()

        for number in range(10):
            assert await asyncio.wait_for(resolver.addresses(f"h{number}.example"), 10) == ["192.0.2.1"]
        assert len(silence.asked) == 20 + 2 + 10
        silence.over.set()
        told = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(error) for error in told] == [asyncio.CancelledError] * 10 + [ClientError] * 10
        assert len(silence.asked) == 20 + 2 + 10 + 10

    asyncio.run(story())


def test_a_look_up_that_hangs_holds_up_no_exit() -> None:
    """Neither the end of the loop nor that of the process waits for its thread."""
    code = """
import asyncio, threading
from common.clients.host_addresses import (HostCache, SystemResolver)
from common.clock import (monotonic)

async def main():
    hosts = HostCache(SystemResolver(look_up=lambda host: threading.Event().wait()), monotonic)
    try:
        await asyncio.wait_for(hosts.addresses("dead.example"), 0.05)
    except TimeoutError:
        await hosts.close()

asyncio.run(main())
"""
    ended = subprocess.run([sys.executable, "-c", code], timeout=30, check=True, capture_output=True, cwd=ROOT)
    assert ended.stderr == b""
