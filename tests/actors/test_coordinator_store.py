"""The coordinator and its database when the disk is full, and when the file is gone: over a real bus, with a real file."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from actors.coordinator import store_calls, store_upkeep
from actors.coordinator.host import Host
from actors.coordinator.list_sources import ListSource
from common import config, state_dir
from common.bus import FeedSubscriber, InboxSender, LeaderWatch, leader_addresses
from common.core.coordinator.inputs import ListFailed
from common.core.model.effects import FetchDelivery
from common.errors import StoreAway, StoreLost
from common.messages import Command
from common.process import Runtime
from common.store.writer import SqliteWriter
from tests.actors.leading import leading
from tests.store.builders import next_writer

ROOT = Path(__file__).resolve().parents[2]


class Scene:
    """A running coordinator: its store, its task, and the statuses that it publishes."""

    def __init__(self, settings: config.Settings, store: SqliteWriter, names: Path) -> None:
        self.settings = settings
        self.store = store
        self.names = names
        self.statuses: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.running: asyncio.Task[None]
        self.host: Host
        self.runtime: Runtime

    async def until(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first status that is as wanted; what ends the run ends the wait."""

        async def look() -> dict[str, Any]:
            while not wanted(status := await self.statuses.get()):
                pass
            return status

        looking = asyncio.create_task(look())
        done, _ = await asyncio.wait({looking, self.running}, timeout=60, return_when=asyncio.FIRST_COMPLETED)
        assert looking in done, "the run ended" if done else "not within 60 s"
        return looking.result()

    def codes(self, status: dict[str, Any]) -> set[str]:
        """The codes of its problems."""
        return {problem["code"] for problem in status["problems"]}


def play(story: Callable[[Scene], Awaitable[None]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Run a coordinator with one name and a story beside it."""
    monkeypatch.chdir(ROOT)  # where the process that reads the list finds the code
    names = tmp_path / "names.txt"
    names.write_text("a.com\n", encoding="utf-8")
    environ = {
        "DOMAIN_LIST_FILE": str(names),
        "STATE_DIR": str(tmp_path / "state"),
        "FEED_ENDPOINT": f"ipc://{tmp_path}/feed",
        "RDAP_BOOTSTRAP_URL": "http://127.0.0.1:1/",
    }
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    settings = config.load()
    state_dir.create_directories(settings)

    async def main() -> None:
        runtime = Runtime("coordinator", settings, asyncio.Event())
        with ThreadPoolExecutor(1) as threads, leading(runtime) as (store, keeper):
            assert isinstance(store, SqliteWriter)
            scene = Scene(settings, store, names)
            scene.host, scene.runtime = await Host.start(runtime, store, threads, keeper), runtime
            reader = FeedSubscriber(leader_addresses(settings, 1).feed)
            reader.attach(lambda _, payload: scene.statuses.put_nowait(payload["status"]) if "status" in payload else None)
            scene.running = asyncio.create_task(scene.host.run())
            try:
                await scene.until(lambda status: bool(status["list"]["names"]))
                await story(scene)
            finally:
                runtime.stopping.set()
                await asyncio.wait({scene.running}, timeout=30)
                reader.close()

    asyncio.run(main())


def test_a_full_disk_is_waited_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The run goes on and says so; when there is room what waited is written, and nothing was lost."""

    async def story(scene: Scene) -> None:
        connection = scene.store._connection
        assert connection is not None
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}").fetchall()
        listed = "".join(f"name-{number:05}-{'x' * 40}.com\n" for number in range(5000))
        scene.names.write_text(f"a.com\n{listed}", encoding="utf-8")
        inbox = InboxSender(scene.settings, LeaderWatch(scene.settings).addresses)
        while not inbox.send(Command("refresh")):  # noqa: ASYNC110  # it connects in its own time
            await asyncio.sleep(0.05)
        status = await scene.until(lambda status: "disk_full" in scene.codes(status))
        assert not status["ready"]
        connection.execute("PRAGMA max_page_count = 1000000").fetchall()
        status = await scene.until(lambda status: "disk_full" not in scene.codes(status) and status["queue"]["unwritten"] == 0)
        assert status["domains"]["total"] == 5001
        inbox.close()

    play(story, monkeypatch, tmp_path)
    store = next_writer(tmp_path / "state" / "domain-monitor.db")
    assert sum(len(batch.names) for batch in store.load().names) == 5001
    store.close()


def test_a_database_that_is_deleted_ends_the_run_within_seconds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Also while nothing is written: the error says what to do, and no new start begins with an empty one."""

    async def story(scene: Scene) -> None:
        scene.settings.store_path.unlink()
        async with asyncio.timeout(10):
            with pytest.raises(StoreLost, match="deleted"):
                await scene.running

    play(story, monkeypatch, tmp_path)
    with pytest.raises(StoreLost, match="backup"):
        next_writer(tmp_path / "state" / "domain-monitor.db")


def test_a_stop_that_ends_the_list_reader_is_no_fault_of_the_list(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What stops the coordinator stops the reader beside it: nothing is wrong with the list, and nothing is said of it."""

    class Ended(ListSource):
        async def read(self) -> ListFailed:
            scene.runtime.stopping.set()
            return ListFailed("x: the reader was ended by SIGTERM", "x")

    async def story(given: Scene) -> None:
        nonlocal scene
        scene = given
        await scene.host._read_list(Ended(scene.settings))
        assert not scene.host._core.rooms.intake.state.error

    scene: Scene
    play(story, monkeypatch, tmp_path)


class Away:
    """Lets the calls of a store fail as those to a server that is away, until it is back."""

    def __init__(self, store: SqliteWriter, monkeypatch: pytest.MonkeyPatch, *calls: str) -> None:
        self.back = False
        self.tried: set[str] = set()
        for name in calls:
            monkeypatch.setattr(store, name, self._failing(name, getattr(store, name)))

    def _failing(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def fail_until_back(*arguments: Any, **options: Any) -> Any:
            if not self.back:
                self.tried.add(name)
                raise StoreAway("the server cannot be reached")
            return call(*arguments, **options)

        return fail_until_back


def refresh(scene: Scene, names: str) -> None:
    """Give it another list."""
    scene.names.write_text(names, encoding="utf-8")
    scene.host._reload.set()


def test_a_server_that_is_away_for_less_than_the_lease_ends_no_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whatever is tried meanwhile is tried again, and told; when it is back all of it is written, once."""
    monkeypatch.setattr(store_calls, "COMMIT_RETRY", 0.05)
    monkeypatch.setattr(store_upkeep, "VERIFY_EVERY", 0.05)

    async def story(scene: Scene) -> None:
        away = Away(scene.store, monkeypatch, "apply", "delivery", "verify", "prune")
        scene.host._perform([FetchDelivery("none")])
        refresh(scene, "a.com\nb.com\n")
        status = await scene.until(lambda status: "store_away" in scene.codes(status))
        assert not status["ready"]
        assert "disk_full" not in scene.codes(status)
        while away.tried < {"apply", "delivery", "verify", "prune"}:  # in threads
            scene.host._upkeep.tidy.set()  # a round that is just over clears it
            await asyncio.sleep(0.01)
        away.back = True
        await scene.until(lambda status: status["domains"]["total"] == 2)  # the list is read by a process of its own
        await scene.until(lambda status: "store_away" not in scene.codes(status) and status["queue"]["unwritten"] == 0)

    play(story, monkeypatch, tmp_path)


@pytest.mark.parametrize("call", ["apply", "delivery"])
def test_a_server_that_is_away_when_the_lease_runs_out_ends_the_run(
    call: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Another instance may lead by now: what was not written is decided again."""
    monkeypatch.setattr(store_calls, "COMMIT_RETRY", 0.05)

    async def story(scene: Scene) -> None:
        away = Away(scene.store, monkeypatch, call)
        scene.host._perform([FetchDelivery("none")])
        refresh(scene, "a.com\nb.com\n")
        while not away.tried:  # noqa: ASYNC110  # in a thread
            await asyncio.sleep(0.01)
        monkeypatch.setattr(scene.host._keeper, "is_valid", lambda: False)
        async with asyncio.timeout(10):
            with pytest.raises(StoreAway, match="cannot be reached"):
                await scene.running

    play(story, monkeypatch, tmp_path)
