"""One list of auctions answers for many names, is asked for again only after minutes, and a broken one is not kept."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager

import pytest

from common.clients.address_guard import Guard
from common.clients.auction_lists import FAILED, FRESH, AuctionLists
from common.clients.http_client import HttpClient
from common.config import load
from common.core.parsers.das_json import LIST_LIMIT
from common.errors import ConnectionRefused, NotAsked, TimedOut, TooLarge
from tests.clients.hostile import hostile, reply, reset, silence
from tests.clients.http_asking import LAB


def listing(*names: str) -> bytes:
    """The body of a list."""
    return json.dumps({"count": len(names), "auctions": [{"domain_name": name} for name in names]}).encode()


class Clock:
    """Monotonic seconds that stand still until they are moved."""

    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        """The seconds."""
        return self.time


class Answers:
    """What a server says, one answer after the other; the last one again and again."""

    def __init__(self, *answers) -> None:
        self.left = list(answers)

    async def __call__(self, head: str, writer: asyncio.StreamWriter) -> None:
        """Give the next answer."""
        answer = self.left.pop(0) if len(self.left) > 1 else self.left[0]
        if isinstance(answer, bytes):
            writer.write(answer)
        else:
            await answer(head, writer)


@asynccontextmanager
async def lists(*answers):
    """(lists, URL, server, clock)."""
    settings, clock = load(LAB), Clock()
    client = HttpClient(settings, Guard(settings))
    try:
        async with hostile(Answers(*answers)) as server:
            yield AuctionLists(client, clock), f"{server.base}/repp/v1/auctions", server, clock
    finally:
        await client.close()


def test_one_request_answers_for_many_names() -> None:
    """Also for those that ask while it is under way."""

    async def body() -> None:
        async with lists(reply(200, listing("a.ee"))) as (found, url, server, clock):
            every = await asyncio.gather(*(found.fetch(url, 5) for _ in range(5)))
            clock.time += FRESH - 1
            every.append(await found.fetch(url, 5))

            assert {answer.names for answer in every} == {frozenset({"a.ee"})}
            assert server.paths() == ["/repp/v1/auctions"]
            assert every[0].answer.status == 200

    asyncio.run(body())


def test_an_old_list_is_asked_for_on_a_condition() -> None:
    """With its ETag; "not modified" renews it, another list replaces it."""

    async def body() -> None:
        first, second = (reply(200, listing(name), {"ETag": f'"{name}"'}) for name in ("a.ee", "b.ee"))
        async with lists(first, reply(304), second, reply(200, listing())) as (found, url, server, clock):
            seen = []
            for _ in range(4):
                seen.append((await found.fetch(url, 5)).names)
                await found.fetch(url, 5)
                clock.time += FRESH

            assert seen == [{"a.ee"}, {"a.ee"}, {"b.ee"}, set()]
            conditions = [head.partition("If-None-Match: ")[2].partition("\r")[0] for head in server.requests]
            assert conditions == ["", '"a.ee"', '"a.ee"', '"b.ee"']

    asyncio.run(body())


@pytest.mark.parametrize(
    "broken", [reply(500, b""), reply(200, b"{}"), reply(304), reply(429, listing("x.ee"), {"ETag": '"x"'})]
)
def test_an_answer_that_is_no_list_replaces_the_list(broken: bytes) -> None:
    """It is shown as it came, and asked for again soon, without a condition."""

    async def body() -> None:
        async with lists(reply(200, listing("a.ee")), broken, reply(200, listing("b.ee"))) as (found, url, server, clock):
            await found.fetch(url, 5)
            clock.time += FRESH
            for _ in range(2):
                assert (await found.fetch(url, 5)).names is None
            clock.time += FAILED - 1
            await found.fetch(url, 5)
            assert len(server.requests) == 2
            clock.time += 1
            assert (await found.fetch(url, 5)).names == {"b.ee"}
            assert "If-None-Match" not in server.requests[2]

    asyncio.run(body())


def test_trouble_is_told_to_each_that_asks_until_it_is_over() -> None:
    """A dead server gets one request in half a minute, however many names there are."""

    async def body() -> None:
        async with lists(reply(200, b" " * (LIST_LIMIT + 1)), reply(200, listing("a.ee"))) as (found, url, server, clock):
            for _ in range(3):
                with pytest.raises(TooLarge):
                    await found.fetch(url, 5)
            assert len(server.requests) == 1
            clock.time += FAILED
            assert (await found.fetch(url, 5)).names == {"a.ee"}
        async with lists(reset) as (found, url, server, clock):
            for _ in range(3):
                with pytest.raises(ConnectionRefused):
                    await found.fetch(url, 5)
            asked = len(server.requests)
            clock.time += FAILED
            with pytest.raises(ConnectionRefused):
                await found.fetch(url, 5)
            assert len(server.requests) == 2 * asked

    asyncio.run(body())


def test_a_silent_server_holds_up_no_task_longer_than_its_time() -> None:
    """Neither the one that asks it nor those that wait for the answer."""

    async def body() -> None:
        asked = asyncio.Event()

        async def note(head: str, writer: asyncio.StreamWriter) -> None:
            asked.set()
            await silence(head, writer)

        async with lists(note) as (found, url, server, _clock):
            slow = asyncio.create_task(found.fetch(url, 1.0))
            await asked.wait()
            with pytest.raises(TimedOut):
                await found.fetch(url, 0.05)
            with pytest.raises(TimedOut):
                await slow
            assert len(server.requests) == 1

    asyncio.run(body())


def test_a_turn_that_did_not_come_is_no_failure_of_the_server() -> None:
    """The next one asks."""

    class Busy(HttpClient):
        """Without a turn the first time."""

        turns = 0

        async def request(self, *arguments, **more):
            """Ask, but for the first time."""
            self.turns += 1
            if self.turns == 1:
                raise NotAsked("no turn")
            return await super().request(*arguments, **more)

    async def body() -> None:
        settings = load(LAB)
        client = Busy(settings, Guard(settings))
        found = AuctionLists(client, Clock())
        try:
            async with hostile(reply(200, listing("a.ee"))) as server:
                with pytest.raises(NotAsked):
                    await found.fetch(f"{server.base}/", 5)
                assert (await found.fetch(f"{server.base}/", 5)).names == {"a.ee"}
        finally:
            await client.close()

    asyncio.run(body())
