"""The control process as it runs: real store, real bus, real HTTP, from an empty directory to the stop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from pathlib import Path
from typing import Any

import aiohttp

from actors.control.main import main
from common import config, state_dir
from common.codec import decode_upward
from common.core.model.records import Changes, ProblemRow
from common.messages import Command
from common.process import Runtime
from common.store.sqlite import ENGINE
from tests.leader_scene import lead_bus
from tests.store.builders import delivery, domain, event, open_next


def free_port() -> int:
    """A port without a listener."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def until(http: aiohttp.ClientSession, path: str, wanted: int, *, method: str = "GET") -> Any:
    """The JSON of a path once it answers with that status."""
    while True:
        with contextlib.suppress(aiohttp.ClientConnectionError):
            async with http.request(method, path) as answer:
                if answer.status == wanted:
                    return await answer.json(content_type=None)
        await asyncio.sleep(0)


def test_the_whole_process_over_a_real_store_and_bus(tmp_path: Path) -> None:
    """It starts before there is a store or a coordinator, finds both when they come, and stops with a stream open."""
    settings = config.load(
        {
            "STATE_DIR": str(tmp_path),
            "INSTANCE_ID": "here",
            "CONTROL_PORT": str(free_port()),
            "FEED_ENDPOINT": f"tcp://127.0.0.1:{free_port()}",
        }
    )
    state_dir.create_directories(settings)

    async def story() -> None:
        runtime = Runtime("control", settings, asyncio.Event())
        running = asyncio.create_task(main(runtime))
        async with aiohttp.ClientSession(f"http://127.0.0.1:{settings.control_port}") as http:
            assert "not there yet" in (await until(http, "/domains", 503))["detail"]
            assert (await until(http, "/refresh", 503, method="POST"))["status"] == 503

            store = open_next(settings)
            bus = lead_bus(settings, 1)
            commands: asyncio.Queue[Any] = asyncio.Queue()
            bus.attach(lambda frame, _: commands.put_nowait(decode_upward(frame)), lambda _: None, lambda _: None)
            rows = [domain("a.com", state="AVAILABLE"), domain("b.com"), domain("c.co.uk", drop_likely=2e9, drop_latest=2e9)]
            store.apply(
                Changes(
                    domains=rows,
                    events=[event(1, "a.com", at=1.0)],
                    deliveries=[delivery("d1", domain="a.com", state="parked")],
                    problems=[ProblemRow("x y", "bad_character", "holds a space")],
                )
            )
            names = await until(http, "/domains?limit=2", 200)
            more = await until(http, f"/domains?limit=2&cursor={names['cursor']}", 200)
            assert [row["domain"] for row in names["domains"] + more["domains"]] == ["a.com", "b.com", "c.co.uk"]
            assert [row["domain"] for row in (await until(http, "/domains?tld=uk", 200))["domains"]] == ["c.co.uk"]
            assert [row["domain"] for row in (await until(http, "/domains?q=A.C", 200))["domains"]] == ["a.com"]
            assert len((await until(http, "/domains?state=available", 200))["domains"]) == 1
            assert [entry["seq"] for entry in (await until(http, "/domain/a.com", 200))["history"]] == [1]
            assert (await until(http, "/events", 200))["last"] == 1
            assert (await until(http, "/deliveries?state=parked", 200))["deliveries"][0]["id"] == "d1"
            assert (await until(http, "/problems", 200))["problems"][0]["entry"] == "x y"
            assert (await until(http, "/drops", 200))["drops"] == []

            async with http.get("/events", headers={"Accept": "text/event-stream", "Last-Event-ID": "0"}) as stream:
                assert b"id: 1\n" in await stream.content.readuntil(b"}\n\n")
                store.apply(Changes(events=[event(2, "b.com", at=2.0)]))
                status: dict[str, Any] = {}
                while "ready" not in status.get("coordinator", {}):
                    bus.feed.publish("system.coordinator.here", {"v": 1, "status": {"ready": True, "domains": {"total": 3}}})
                    bus.feed.publish("state.b.com", {"v": 1, "seq": 2})
                    status = await until(http, "/status", 200)
                engine = f"{ENGINE}, {settings.store_path.name}"
                assert status["store"] == {"available": True, "last_seq": 2, "engine": engine}
                assert b"id: 2\n" in await stream.content.readuntil(b"}\n\n")
                await until(http, "/domain/B.com/check", 202, method="POST")
                await until(http, "/deliveries/d1/replay", 202, method="POST")
                assert await commands.get() == Command("check", "b.com", "control")
                assert await commands.get() == Command("replay", "d1", "control")

                runtime.stopping.set()
                await asyncio.wait_for(running, 5)
                assert await stream.content.read() == b""
            bus.close()
            store.close()
        assert (settings.instance_dir / "heartbeats" / "control.json").is_file()

    asyncio.run(asyncio.wait_for(story(), 30))
