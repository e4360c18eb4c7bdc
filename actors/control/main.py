"""The control process: reads the store and the feed, serves HTTP, passes changing calls to the coordinators."""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial

from actors.control import app
from actors.control.context import Control
from actors.control.coordinators import Coordinators
from actors.control.http_server import Listener
from actors.control.store_readers import StoreReaders
from common.clock import monotonic, now
from common.process import Runtime
from common.socket_paths import control_socket
from common.store.reader import open_reader
from common.store.shards import find_layout
from common.suffixes import load_suffixes

#: Seconds between two heartbeats.
BEAT_EVERY = 1.0
#: Seconds that closing the listening side may take.
STOP_LIMIT = 4.0


async def main(runtime: Runtime) -> None:
    """Serve until `runtime.stopping`. Raises OSError where CONTROL_PORT is taken."""
    settings = runtime.settings
    records = StoreReaders(lambda: open_reader(settings))
    coordinators = Coordinators(settings)
    control = Control(
        settings=settings,
        store=records,
        commands=coordinators,
        suffix_of=load_suffixes(),
        now=now,
        monotonic=monotonic,
        process=runtime.process,
        find_layout=partial(find_layout, settings),
    )
    listener = Listener(app.build_app(control))

    follower = asyncio.create_task(control.live.relay_events(), name="events")
    try:
        coordinators.attach(control.live.take_message)
        port = await listener.start(settings.control_host, settings.control_port, control_socket(settings.instance_dir))
        runtime.log.info("listening", host=settings.control_host, port=port)
        await _until_stopped(runtime, control, follower)
    finally:
        control.live.close()
        follower.cancel()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_LIMIT):
                await listener.stop()
        coordinators.close()
        await records.close()


async def _until_stopped(runtime: Runtime, control: Control, follower: asyncio.Task[None]) -> None:
    """Beat from this loop, which answers the requests too; a follower that ended took the live events with it."""
    while not runtime.stopping.is_set():
        runtime.beat()
        if follower.done():
            follower.result()
        await control.assess_health()  # notices since when something is missing, also between requests
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(BEAT_EVERY):
                await runtime.stopping.wait()
