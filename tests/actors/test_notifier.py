"""The notifier process over a real bus, with a real endpoint."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from actors.notifier import make_main
from common import state_dir
from common.bus import CoordinatorBus
from common.codec import decode_upward
from common.messages import Bye, ByeAck, Credit, Deliveries, DeliveryResult, DeliveryResults
from common.process import Runtime
from tests.clients.callback_endpoint import Endpoint, configured, delivery, endpoint, replying


def test_the_notifier_posts_what_it_is_sent_and_reports(tmp_path: Path) -> None:
    """From the bus to the endpoint and back, with the event's bytes untouched."""

    async def play() -> tuple[list[DeliveryResult], Endpoint]:
        async with endpoint(replying("202 Accepted")) as served:
            config = configured(
                served.port, STATE_DIR=str(tmp_path), FEED_ENDPOINT=f"ipc://{tmp_path}/feed", INSTANCE_ID="test"
            )
            state_dir.create_directories(config)
            bus, stopping, results = CoordinatorBus(config, 1), asyncio.Event(), list[DeliveryResult]()
            runtime = Runtime("notifier-0", config, stopping)
            ready, done = asyncio.Event(), asyncio.Event()

            def received(frame: bytes, _mark: str) -> None:
                message = decode_upward(frame)
                if isinstance(message, Credit):
                    ready.set()
                elif isinstance(message, DeliveryResults):
                    results.extend(message.results)
                    if len(results) == 3:
                        done.set()
                elif isinstance(message, Bye):
                    bus.send(message.worker, message.boot, ByeAck(3))

            bus.attach(received, lambda _: None, lambda _: None)
            work = asyncio.get_running_loop().create_task(make_main(0)(runtime))
            async with asyncio.timeout(10):
                await ready.wait()
                batch = tuple(delivery(attempt=f"boot.{n}", seq=n, event_id=f"id{n}") for n in (1, 2, 3))
                bus.send("notifier-0@test", runtime.boot, Deliveries(batch))
                await done.wait()
                stopping.set()
                await work
            bus.close()
            return results, served

    results, served = asyncio.run(play())

    assert sorted((result.attempt, result.status) for result in results) == [(f"boot.{n}", 202) for n in (1, 2, 3)]
    assert sorted(headers["webhook-id"] for _, headers, _ in served.requests) == ["id1", "id2", "id3"]
    assert {json.loads(body)["domain"] for _, _, body in served.requests} == {"bücher.example"}
