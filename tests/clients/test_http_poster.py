"""The client that posts: which address it goes to, how many at a time, how long a connection is kept."""

from __future__ import annotations

import asyncio
import ssl

import pytest
from yarl import URL

from common.clients.http_poster import Poster
from common.errors import ClientError, Refused
from tests.clients.callback_endpoint import Endpoint, endpoint, replying, silent

TLS = ssl.create_default_context()


class Resolver:
    """Knows one host."""

    def __init__(self, *addresses: str) -> None:
        self._addresses = addresses

    async def addresses(self, _host: str) -> list[str]:
        """What the test says; no address is no host."""
        if not self._addresses:
            raise ClientError("unknown")
        return list(self._addresses)


def everything(_address: str) -> bool:
    """A guard that lets everything through."""
    return True


async def post(client: Poster, seconds: float = 3.0) -> int:
    """One post."""
    try:
        return (await client.post({"X": "y"}, b"{}", seconds)).status
    finally:
        await client.close()


def at(served: Endpoint, host: str = "receiver.example") -> URL:
    """Where it listens."""
    return URL(f"http://{host}:{served.port}/hook")


def test_the_next_address_is_tried_where_one_refuses() -> None:
    """Only one of the two has a server; the name stays in the request."""

    async def play() -> tuple[int, str]:
        async with endpoint(replying("200 OK")) as served:
            client = Poster(at(served), TLS, everything, resolver=Resolver("127.0.0.9", "127.0.0.1"))
            return await post(client), served.requests[0][1]["host"].partition(":")[0]

    assert asyncio.run(play()) == (200, "receiver.example")


def test_an_address_that_is_not_allowed_is_left_out() -> None:
    """With none left nothing is connected to."""

    async def play(*addresses: str) -> int:
        async with endpoint(replying("200 OK")) as served:
            try:
                client = Poster(at(served), TLS, lambda address: address != "127.0.0.1", resolver=Resolver(*addresses))
                return await post(client)
            finally:
                assert served.connections == 0

    with pytest.raises(Refused):
        asyncio.run(play("127.0.0.1"))
    with pytest.raises(ConnectionRefusedError):
        asyncio.run(play("127.0.0.1", "127.0.0.9"))


def test_an_unknown_host_is_told() -> None:
    """In our words, without the name server's."""

    async def play() -> int:
        return await post(Poster(URL("http://receiver.example/"), TLS, everything, resolver=Resolver()))

    with pytest.raises(ClientError, match="the host name was not found"):
        asyncio.run(play())


@pytest.mark.parametrize("name", ["X", "X\r\nEvil: 1"])
def test_a_header_that_would_be_two_is_not_sent(name: str) -> None:
    """Whether the break is in its name or in its value."""

    async def play() -> None:
        async with endpoint(replying("200 OK")) as served:
            client = Poster(at(served), TLS, everything, resolver=Resolver("127.0.0.1"))
            try:
                await client.post({name: "a\nb"}, b"", 1.0)
            finally:
                assert served.connections == 0

    with pytest.raises(ValueError, match="line break"):
        asyncio.run(play())


def test_a_connection_without_work_is_closed_after_a_while() -> None:
    """The endpoint sees its end, and the next post opens another."""

    async def play() -> int:
        async with endpoint(replying("200 OK")) as served:
            client = Poster(at(served), TLS, everything, idle=0.05, resolver=Resolver("127.0.0.1"))
            await client.post({}, b"", 1.0)
            await client.post({}, b"", 1.0)
            assert served.connections == 1
            await asyncio.sleep(0.2)
            assert not client._idle[0].usable()
            await client.post({}, b"", 1.0)
            await client.close()
            return served.connections

    assert asyncio.run(play()) == 2


def test_no_more_than_so_many_posts_are_made_at_a_time() -> None:
    """The others wait for their turn within their own time."""

    async def play() -> int:
        async with endpoint(silent) as served:
            client = Poster(at(served), TLS, everything, most=2, resolver=Resolver("127.0.0.1"))
            await asyncio.gather(*(client.post({}, b"", 0.3) for _ in range(5)), return_exceptions=True)
            await client.close()
            return served.connections

    assert asyncio.run(play()) == 2


def test_a_post_that_is_given_up_leaves_no_connection() -> None:
    """Cancelled in the middle, by the task that waited for it."""

    async def play() -> None:
        asked = asyncio.Event()

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            asked.set()
            await silent(reader, writer)

        async with endpoint(answer) as served:
            client = Poster(at(served), TLS, everything, resolver=Resolver("127.0.0.1"))
            task = asyncio.ensure_future(client.post({}, b"", 30.0))
            await asked.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert client._idle == []
            await client.close()

    asyncio.run(play())
