"""What the coordinator tells on the feed, over a real bus."""

from __future__ import annotations

import asyncio
import io
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from actors.coordinator.host import Host
from common import config, log, state_dir
from common.bus import FeedSubscriber, leader_addresses
from common.clock import now
from common.codec import encode
from common.core.model.effects import Publish, PublishMany
from common.core.model.records import Changes
from common.core.rate_limits.saved import Saved, encode_saved
from common.messages import VERSION, Credit
from common.process import Runtime
from tests.actors.leading import leading

ROOT = Path(__file__).resolve().parents[2]


def test_no_text_ends_the_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The list may be in a file whose name is no UTF-8; and what cannot be told costs that message, not what comes after it."""
    monkeypatch.chdir(ROOT)  # where the process that reads the list finds the code
    path = os.fsdecode(os.fsencode(tmp_path) + b"/n\xe4mes.txt")
    Path(path).write_text("a.com\n", encoding="utf-8")
    os.utime(path, (1, 1))
    monkeypatch.setenv("DOMAIN_LIST_FILE", path)
    monkeypatch.setenv("STATE_DIR", str(tmp_path))
    monkeypatch.setenv("RDAP_BOOTSTRAP_URL", "http://127.0.0.1:1/")
    settings = config.load()
    state_dir.create_directories(settings)
    news: asyncio.Queue[tuple[str, dict[str, Any]]] = asyncio.Queue()

    async def until(wanted: str) -> dict[str, Any]:
        while True:
            topic, payload = await news.get()
            if topic.startswith(wanted):
                return payload

    async def listed() -> dict[str, Any]:
        while True:
            told = (await until("system.coordinator."))["status"]["list"]
            if told["names"]:
                return dict(told)

    async def main() -> dict[str, Any]:
        runtime = Runtime("coordinator", settings, asyncio.Event())
        with ThreadPoolExecutor(1) as threads, leading(runtime) as (store, keeper):
            host = await Host.start(runtime, store, threads, keeper)
            reader = FeedSubscriber(leader_addresses(settings, 1).feed)
            reader.attach(lambda topic, payload: news.put_nowait((topic, payload)))
            running = asyncio.create_task(host.run())
            try:
                found = await asyncio.wait_for(listed(), 60)
                bad = {"text": "\udce4"}
                host._perform([Publish("x", lambda: bad), PublishMany("x.", lambda: [("x.a", bad), ("x.b", {"text": "good"})])])
                assert await asyncio.wait_for(until("x"), 10) == {"text": "good"}
                assert not running.done()
            finally:
                runtime.stopping.set()
                await running
                reader.close()
        return found

    found = asyncio.run(main())
    assert found["source"] == f"{tmp_path}/n\ufffdmes.txt"
    assert found["names"] == 1


def test_a_run_of_frames_that_are_no_messages_is_one_line(tmp_path: Path) -> None:
    """All of them are counted; the log says the first, and how many more there were a minute later."""
    settings = config.load({"STATE_DIR": str(tmp_path), "LOG_FORMAT": "json"})
    state_dir.create_directories(settings)
    said = io.StringIO()
    log.setup(settings, "coordinator", said)

    async def main() -> float:
        runtime = Runtime("coordinator", settings, asyncio.Event())
        with ThreadPoolExecutor(1) as threads, leading(runtime) as (store, keeper):
            host = await Host.start(runtime, store, threads, keeper)
            for number in range(500):
                host._receive_frame(b"\xc1%d" % number, "")
            counters = host._core.rooms.telemetry.metrics.snapshot()["counters"]
            host._bus.close()
            host._stalls.close()
            host._calls.close()
        return sum(value for name, _, value in counters if name == "bad_messages")

    assert asyncio.run(main()) == 500
    assert said.getvalue().count("bad_message") == 1


def test_a_worker_that_is_refused_is_one_line_and_no_crash(tmp_path: Path) -> None:
    """One of another version, as during an upgrade: the log says which and why, and the run goes on."""
    settings = config.load({"STATE_DIR": str(tmp_path), "LOG_FORMAT": "json"})
    state_dir.create_directories(settings)
    said = io.StringIO()
    log.setup(settings, "coordinator", said)

    async def main() -> bool:
        runtime = Runtime("coordinator", settings, asyncio.Event())
        with ThreadPoolExecutor(1) as threads, leading(runtime) as (store, keeper):
            host = await Host.start(runtime, store, threads, keeper)
            for _ in range(3):
                host._receive_frame(encode(Credit(VERSION + 1, "fast-0@old", "b", "fast", "default", ("dns",), 1, 1, 0)), "")
            failed = host._failed.done()
            host._bus.close()
            host._stalls.close()
            host._calls.close()
        return failed

    assert not asyncio.run(main())
    assert said.getvalue().count("worker_refused") == 1
    assert f"version {VERSION + 1}, wanted {VERSION}" in said.getvalue()


def test_a_start_says_that_it_forgot_a_refusal(tmp_path: Path) -> None:
    """What the core says while it takes over the state is not lost; digests are in no line."""
    keys = {"GANDI_TOKEN": "planted-token-1", config.KEY_DIGESTS: "registrar:gandi=digest-of-now"}
    settings = config.load({"STATE_DIR": str(tmp_path), "LOG_FORMAT": "json", **keys})
    state_dir.create_directories(settings)
    said = io.StringIO()
    log.setup(settings, "coordinator", said)
    budgets = encode_saved({"registrar/gandi|a": Saved(now() + 900, 0.5, "forbidden: our key is refused")})

    async def main() -> None:
        runtime = Runtime("coordinator", settings, asyncio.Event())
        with ThreadPoolExecutor(1) as threads, leading(runtime) as (store, keeper):
            store.apply(Changes(meta={"budgets": budgets, "credentials": '{"registrar/gandi": "digest-of-before"}'}))
            host = await Host.start(runtime, store, threads, keeper)
            host._bus.close()
            host._stalls.close()
            host._calls.close()

    asyncio.run(main())
    assert said.getvalue().count("refusal_forgotten") == 1
    assert "digest-of" not in said.getvalue()


def test_a_line_of_the_core_may_have_fields_of_any_name() -> None:
    """Those that are parameters of the logger, too."""
    said = io.StringIO()
    log.setup(config.load({"LOG_FORMAT": "json"}), "coordinator", said)
    log.get_logger("x").say("error", "odd", {"cause": "text", "event_id": 1, "level_of": 2})
    assert '"cause":"text"' in said.getvalue()
