"""What the coordinator makes of a server that refuses it, and of one that is away when it starts or lacks the last commits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import closing, suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from actors.coordinator import standby
from actors.coordinator.main import main
from common import config, heartbeat, leader_file, state_dir
from common.bus import InboxSender, LeaderWatch
from common.clock import monotonic, now
from common.config import Settings
from common.core.model.records import Changes, NewName
from common.errors import ConfigError, StoreError
from common.heartbeat import SILENT_AFTER
from common.messages import Command
from common.process import Runtime
from common.store.postgres import forgetting, name_statements, tables
from common.store.postgres.postgres_writer import PostgresWriter
from common.store.reader import open_reader
from common.store.spool import find_spools
from tests.store.postgres_server import PostgresServer, require_programs

ROOT = Path(__file__).resolve().parents[2]


def settings_of(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of a coordinator that needs no network; the process that reads the list has them too."""
    monkeypatch.chdir(ROOT)
    (tmp_path / "names.txt").write_text("a.com\n", encoding="utf-8")
    environ = {
        "STATE_DIR": str(tmp_path / "state"),
        "STORE_URL": url,
        "DOMAIN_LIST_FILE": str(tmp_path / "names.txt"),
        "RDAP_BOOTSTRAP_URL": "http://127.0.0.1:1/",
    }
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    settings = config.load()
    state_dir.create_directories(settings)
    return settings


def play(settings: Settings, story: Callable[[Runtime], Awaitable[None]]) -> None:
    """Run a coordinator in this process, and a story beside it; what ends the one ends the other."""

    async def run() -> None:
        runtime = Runtime("coordinator", settings, asyncio.Event())
        running, telling = asyncio.create_task(main(runtime)), asyncio.ensure_future(story(runtime))
        try:
            async with asyncio.timeout(60):
                await asyncio.wait({running, telling}, return_when=asyncio.FIRST_COMPLETED)
                if not telling.done():
                    await running
                await telling
        finally:
            runtime.stopping.set()
            telling.cancel()
            await asyncio.wait({running}, timeout=30)
        running.result()

    asyncio.run(run())


def count_names(settings: Settings) -> int:
    """How many names the store has, 0 where it cannot be read: with the first one the coordinator has begun its work."""
    with suppress(StoreError), closing(open_reader(settings)) as reader:
        return sum(reader.count_by_state().values())
    return 0


async def add_name(settings: Settings, tmp_path: Path, condition: Callable[[], object]) -> None:
    """Put a second name on the list and have it read until that had its effect."""
    (tmp_path / "names.txt").write_text("a.com\nb.com\n", encoding="utf-8")
    inbox = InboxSender(settings, LeaderWatch(settings).addresses)
    try:
        while not condition():
            inbox.send(Command("refresh"))
            await asyncio.sleep(0.05)
    finally:
        inbox.close()


async def until(condition: Callable[[], object]) -> None:
    """Wait for something that other processes and threads do."""
    while not await asyncio.to_thread(condition):  # noqa: ASYNC110
        await asyncio.sleep(0.05)


def test_a_server_that_refuses_the_user_is_a_wrong_setting(
    postgres: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No crash and no wait: the setting is named, and no secret."""
    monkeypatch.setattr(standby, "UNREADABLE_LIMIT", 0.1)
    settings = settings_of(tmp_path, postgres.url(password="wrong-one"), monkeypatch)

    async def story(_runtime: Runtime) -> None:
        await asyncio.sleep(60)

    with pytest.raises(ConfigError, match=r"^STORE_URL: .*user and password") as caught:
        play(settings, story)
    assert "wrong-one" not in str(caught.value)


def test_a_coordinator_that_starts_before_its_server_waits_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For longer than leases may be unreadable; it says so, and leads as soon as the server is there."""
    monkeypatch.setattr(standby, "UNREADABLE_LIMIT", 0.1)
    with closing(PostgresServer(require_programs())) as server:
        settings = settings_of(tmp_path, server.url(), monkeypatch)
        server.stop()

        async def story(runtime: Runtime) -> None:
            await until(lambda: runtime.waiting_until)
            for _ in range(2):
                seen = runtime.failed_at
                await until(lambda seen=seen: runtime.failed_at > seen)  # type: ignore[misc]  # a bound default
            beat = heartbeat.read_heartbeat(settings.instance_dir, "coordinator")
            assert beat is not None
            assert beat.failed.startswith("StoreAway: ")
            await asyncio.to_thread(server.start)
            await until(lambda: leader_file.read_leader(settings.instance_dir))
            assert (runtime.failed, runtime.waiting_until) == ("", None)

        play(settings, story)


def test_a_server_that_is_back_without_the_last_commits_is_begun_from(
    postgres: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a replica that took over: memory is ahead of it, so the state is read anew, in the next epoch."""
    schema = postgres.new_schema()
    settings = settings_of(tmp_path, postgres.url(schema), monkeypatch)

    def epoch() -> int:
        leader = leader_file.read_leader(settings.instance_dir)
        return 0 if leader is None else leader.epoch

    async def story(_runtime: Runtime) -> None:
        await until(lambda: count_names(settings) == 1)
        with postgres.connect(schema) as beside:
            beside.execute("UPDATE meta SET value = '1.0' WHERE key = %s", (tables.COMMIT_KEY,))
        assert postgres.end_sessions()
        await add_name(settings, tmp_path, lambda: epoch() == 2)  # whatever commits first finds it out, at the latest the list
        await until(lambda: count_names(settings) == 2)

    play(settings, story)


def test_while_a_server_is_paused_the_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes connections and answers nothing, as one whose disk hangs: what is to be written waits in a file, in time."""
    with closing(PostgresServer(require_programs())) as server:
        settings = settings_of(tmp_path, server.url(), monkeypatch)

        def leads(epoch: int) -> bool:
            leader = leader_file.read_leader(settings.instance_dir)
            return leader is not None and leader.epoch == epoch

        async def story(runtime: Runtime) -> None:
            await until(lambda: leads(1) and count_names(settings) == 1)
            server.pause()
            try:
                began = monotonic()
                await add_name(settings, tmp_path, lambda: find_spools(settings.instance_dir))
                assert monotonic() - began < 15  # a renewal that hangs fails after four seconds
                await asyncio.sleep(1.0)
                beat = heartbeat.read_heartbeat(settings.instance_dir, "coordinator")
                assert beat is not None
                assert now() - beat.at < SILENT_AFTER / 2
            finally:
                server.resume()
            await until(lambda: count_names(settings) == 2)
            await until(lambda: not find_spools(settings.instance_dir))
            assert (runtime.failed, leads(1)) == ("", True)

        play(settings, story)


@pytest.mark.parametrize(
    ("module", "step"),
    [(tables, "migrate"), (forgetting, "next_id"), (name_statements, "read_batch")],
    ids=["while the store is opened", "while the state is read", "while the names are read"],
)
def test_a_server_that_is_paused_during_a_start_is_waited_for_too(
    module: ModuleType, step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever thread waits for its answer: the start ends with the lease, says so, and the next one has the names."""
    reached = getattr(module, step)
    with closing(PostgresServer(require_programs())) as server:
        settings = settings_of(tmp_path, server.url(), monkeypatch)
        with closing(PostgresWriter(settings.store_url, settings.state_dir, 1)) as before:
            before.apply(Changes(new=[NewName(0, "a.com", "com", False)]))

        def pause_once(*arguments: Any) -> Any:
            monkeypatch.setattr(module, step, reached)
            server.pause()
            return reached(*arguments)

        def has_begun() -> bool:
            leader = leader_file.read_leader(settings.instance_dir)
            return leader is not None and leader.epoch == 3 and count_names(settings) == 2

        async def story(runtime: Runtime) -> None:
            try:
                await until(lambda: runtime.failed.startswith("StoreAway"))
                beat = heartbeat.read_heartbeat(settings.instance_dir, "coordinator")
                assert beat is not None
                assert now() - beat.at < SILENT_AFTER / 2
            finally:
                server.resume()
            await until(has_begun)
            assert (runtime.failed, runtime.waiting_until) == ("", None)

        (tmp_path / "names.txt").write_text("a.com\nb.com\n", encoding="utf-8")
        monkeypatch.setattr(module, step, pause_once)
        play(settings, story)
