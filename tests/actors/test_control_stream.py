"""Events: pages of JSON, and a stream that resumes where it ended."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp

from actors.control import event_handlers, live_feed
from tests.actors.control_lab import Lab, event_row, serving


async def next_event(answer: aiohttp.ClientResponse) -> dict[str, Any]:
    """The next event of a stream, with its id."""
    found: dict[str, Any] = {}
    while True:
        line = (await answer.content.readline()).decode().rstrip("\n")
        if line.startswith("id: "):
            found["id"] = int(line[4:])
        elif line.startswith("data: "):
            found["data"] = json.loads(line[6:])
        elif not line and "data" in found:
            return found


def test_events_are_paged_by_sequence(tmp_path: Path) -> None:
    """A page says where to go on and whether there is more; a position from another store heals itself."""

    async def story() -> None:
        async with serving(Lab(tmp_path)) as lab:
            lab.reader.log = [event_row(seq) for seq in (1, 2, 5)]
            first = (await lab.get("/events?limit=2"))[1]
            assert ([e["seq"] for e in first["events"]], first["last"], first["more"]) == ([1, 2], 2, True)
            second = (await lab.get("/events?limit=2&after=2"))[1]
            assert ([e["seq"] for e in second["events"]], second["last"], second["more"]) == ([5], 5, False)
            assert (await lab.get("/events?after=99"))[1] == {"events": [], "last": 5, "more": False}

    asyncio.run(story())


def test_the_stream_resumes_without_a_gap(tmp_path: Path) -> None:
    """A stream first sends what came after Last-Event-ID, then what happens, each event once and in order."""

    async def story() -> None:
        async with serving(Lab(tmp_path)) as lab:
            lab.reader.log = [event_row(seq) for seq in range(1, 1201)]
            headers = {"Accept": "text/event-stream", "Last-Event-ID": "100"}
            async with lab.http.get(lab.url + "/events", headers=headers) as answer:
                assert answer.content_type == "text/event-stream"
                seen = [(await next_event(answer))["id"] for _ in range(1100)]
                lab.reader.log += [event_row(1201), event_row(1202, "new.com", "available")]
                lab.control.live.take_message("available.new.com", {})
                seen += [(await next_event(answer))["id"]]
                last = await next_event(answer)

                assert [*seen, last["id"]] == list(range(101, 1203))
                assert (last["data"]["domain"], last["data"]["body"]["status"]) == ("new.com", "available")
                assert (await lab.get("/status"))[1]["sse_clients"] == 1

    asyncio.run(story())


def test_a_new_stream_begins_now_or_where_asked(tmp_path: Path) -> None:
    """Without a position only news are sent; `after` works like Last-Event-ID; one that never was is cut to the newest."""

    async def story() -> None:
        async with serving(Lab(tmp_path)) as lab:
            lab.reader.log = [event_row(1), event_row(2)]
            stream = {"Accept": "text/event-stream"}
            async with (
                lab.http.get(lab.url + "/events", headers=stream) as fresh,
                lab.http.get(lab.url + "/events?after=1", headers=stream) as after,
                lab.http.get(lab.url + "/events?after=77", headers=stream) as ahead,
            ):
                lab.reader.log.append(event_row(3))
                lab.control.live.take_message("state.example.com", {})
                assert (await next_event(fresh))["id"] == 3
                assert [(await next_event(after))["id"] for _ in range(2)] == [2, 3]
                assert (await next_event(ahead))["id"] == 3
            assert (await lab.get("/events", Accept="text/event-stream", Last_Event_ID="x1"))[0] == 400

    asyncio.run(story())


def test_a_stream_ends_cleanly_when_the_state_goes_away(tmp_path: Path) -> None:
    """A store that fails while a client catches up ends the stream; nothing else is written into it."""

    async def story() -> None:
        async with serving(Lab(tmp_path)) as lab:
            lab.reader.log = [event_row(1), event_row(2)]
            lab.reader.no_events = True
            async with lab.http.get(lab.url + "/events?after=1", headers={"Accept": "text/event-stream"}) as answer:
                assert await answer.content.read() == b"retry: 3000\n\n"
            assert (await lab.get("/status"))[1]["sse_clients"] == 0

    asyncio.run(story())


def test_streams_are_bounded_and_end_with_the_process(tmp_path: Path) -> None:
    """The client too many is told to come back; when control stops, every stream ends."""

    async def story() -> None:
        async with serving(Lab(tmp_path)) as lab:
            joined = [await lab.control.live.join() for _ in range(live_feed.MOST_CLIENTS - 1)]
            async with lab.http.get(lab.url + "/events", headers={"Accept": "text/event-stream"}) as answer:
                assert await answer.content.readline() == b"retry: %d\n" % event_handlers.RETRY_MS
                assert (await lab.get("/events", Accept="text/event-stream"))[0] == 503
                for client in joined:
                    lab.control.live.leave(client)
                lab.control.live.close()
                assert await answer.content.read() == b"\n"

    asyncio.run(story())


def test_a_client_that_does_not_keep_up_is_let_go(tmp_path: Path) -> None:
    """A full queue marks the client as slow instead of growing."""

    async def story() -> None:
        lab = Lab(tmp_path)
        client = await lab.control.live.join()
        for seq in range(live_feed.QUEUE + 1):
            client.offer(event_row(seq))
        assert client.slow
        assert client.events.qsize() == live_feed.QUEUE
        await lab.control.store.close()

    asyncio.run(story())
