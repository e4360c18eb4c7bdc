"""Several coordinators over one state directory, as real processes: one leads, the others take over when it cannot."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import signal
import sqlite3
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from common import config, leader_file, state_dir
from common.bus import FeedSubscriber, InboxSender, leader_addresses
from common.clock import monotonic, pause
from common.config import Settings
from common.core.model.evidence import Observation
from common.messages import Command, Task
from common.process import Runtime
from common.store.database_file import current_path
from common.store.fence import read_epoch
from common.store.reader import SqliteReader
from common.worker import run_checkers
from common.worker_calls import Methods
from tests.worker_scene import FOUND

ROOT = Path(__file__).resolve().parents[2]


class Instance:
    """The coordinator of one instance, and what it logged."""

    def __init__(self, tmp_path: Path, name: str, shard: int = 0, **further: str) -> None:
        self.name = name
        environ = {
            "STATE_DIR": str(tmp_path / "state"),
            "INSTANCE_ID": name,
            "DOMAIN_LIST_FILE": str(tmp_path / "names.txt"),
            "RDAP_BOOTSTRAP_URL": "http://127.0.0.1:1/",
            "LOG_FORMAT": "json",
            **further,
        }
        self.settings: Settings = config.load(environ)
        self._log = tmp_path / f"{name}-{shard}.log"
        with self._log.open("wb") as out:
            command = [sys.executable, "-m", "actors.cli.main", "coordinator", "--shard", str(shard)]
            self.process = subprocess.Popen(
                command, stdout=out, stderr=out, cwd=ROOT, env={"PATH": os.environ["PATH"], **environ}
            )

    def lines(self, event: str) -> list[dict[str, Any]]:
        """The log lines with this event."""
        return [line for line in map(json.loads, self._log.read_text(encoding="utf-8").splitlines()) if line["event"] == event]

    def leads(self) -> int:
        """The epoch in which it led last, 0 where it never did."""
        return int(found[-1]["epoch"]) if (found := self.lines("instance_leads")) else 0

    def follows(self, leader: Instance, epoch: int) -> bool:
        """Whether it said that it stands by for this one."""
        return any((line["leader"], line["epoch"]) == (leader.name, epoch) for line in self.lines("instance_follows"))

    def until(self, condition: Callable[[], object], seconds: float = 30.0) -> float:
        """Wait until its log says something; the seconds that it took."""
        began = monotonic()
        while not condition():
            assert self.process.poll() is None, self._log.read_text(encoding="utf-8")
            assert monotonic() - began < seconds, self._log.read_text(encoding="utf-8")
            pause(0.01)
        return monotonic() - began


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[str], Instance]]:
    """Starts instances, and ends them all."""
    (tmp_path / "names.txt").write_text("a.com\n", encoding="utf-8")
    started: list[Instance] = []

    def start_one(name: str) -> Instance:
        started.append(Instance(tmp_path, name))
        return started[-1]

    yield start_one
    for instance in started:
        with contextlib.suppress(ProcessLookupError):
            instance.process.kill()
        instance.process.wait()


def test_when_the_leader_dies_another_leads_within_seconds(start: Callable[[str], Instance]) -> None:
    """Of two that stand by one takes over, the other follows it; what the first one wrote is there."""
    one = start("one")
    one.until(lambda: one.lines("list_taken"))
    others = [start("two"), start("three")]
    for other in others:
        other.until(lambda other=other: other.follows(one, 1))
    one.process.kill()
    assert others[0].until(lambda: any(other.leads() for other in others)) < 3.0
    leader, follower = others if others[0].leads() else reversed(others)
    follower.until(lambda: follower.follows(leader, 2))
    leader.until(lambda: leader.lines("list_taken"))

    assert leader.lines("state_loaded")[0]["domains"] == 1
    assert follower.lines("state_loaded") == []
    for instance in others:
        found = leader_file.read_leader(instance.settings.instance_dir)
        assert found is not None
        assert (found.instance, found.epoch, found.addresses()) == (leader.name, 2, leader_addresses(leader.settings, 2))
    assert read_epoch(leader.settings.store_path) == 2


def test_when_the_leader_stops_another_leads_at_once(start: Callable[[str], Instance]) -> None:
    """Before it has ended, or right after; it stops as always."""
    one = start("one")
    one.until(lambda: one.lines("list_taken"))
    two = start("two")
    two.until(lambda: two.follows(one, 1))
    one.process.terminate()
    assert one.process.wait(30) == 0
    assert two.until(lambda: two.leads() == 2) < 1.0
    two.process.terminate()
    assert two.process.wait(30) == 0


def test_one_that_stands_by_stops_at_once(start: Callable[[str], Instance]) -> None:
    """It has nothing to write."""
    one = start("one")
    one.until(one.leads)
    two = start("two")
    two.until(lambda: two.follows(one, 1))
    two.process.terminate()
    assert two.process.wait(10) == 0


def test_a_leader_that_was_stopped_writes_nothing_when_it_goes_on(start: Callable[[str], Instance], tmp_path: Path) -> None:
    """Another leads within ten seconds. What reaches the first one afterwards changes no row, and it stands by, not crashed."""
    one = start("one")
    one.until(lambda: one.lines("list_taken"))
    two = start("two")
    two.until(lambda: two.follows(one, 1))
    inbox = InboxSender(one.settings, leader_addresses(one.settings, 1))
    one.until(lambda: inbox.send(Command("check", "a.com")))
    one.process.send_signal(signal.SIGSTOP)
    assert two.until(lambda: two.leads() == 2) < 10.0
    two.until(lambda: two.lines("list_taken"))
    two.process.send_signal(signal.SIGSTOP)

    (tmp_path / "names.txt").write_text("a.com\nb.com\n", encoding="utf-8")
    assert inbox.send(Command("refresh"))
    before = dump(one.settings)
    one.process.send_signal(signal.SIGCONT)
    one.until(lambda: one.lines("lease_lost"))
    one.until(lambda: one.follows(two, 2))
    assert dump(one.settings) == before
    assert one.lines("crashed") == one.lines("bug") == []
    two.process.send_signal(signal.SIGCONT)
    inbox.close()


def test_a_starved_leader_without_another_goes_on(start: Callable[[str], Instance]) -> None:
    """It got no CPU for longer than its lease lasts: it renews the lease, and neither ends the run nor takes another epoch."""
    one = start("one")
    one.until(lambda: one.lines("list_taken"))
    one.process.send_signal(signal.SIGSTOP)
    pause(8.0)
    one.process.send_signal(signal.SIGCONT)
    pause(2.0)
    one.process.terminate()
    assert one.process.wait(30) == 0

    assert one.leads() == 1
    assert one.lines("lease_lost") == one.lines("crashed") == []
    assert len(one.lines("state_loaded")) == 1


def test_a_leader_that_holds_a_lock_of_the_database_is_waited_for(start: Callable[[str], Instance]) -> None:
    """It was stopped in the middle of a transaction: the next one says so, waits without a crash, and goes on after it."""
    one = start("one")
    one.until(lambda: one.lines("list_taken"))
    raw = sqlite3.connect(one.settings.store_path, isolation_level=None)
    raw.execute("BEGIN IMMEDIATE")
    two = start("two")
    two.until(lambda: two.follows(one, 1))
    one.process.kill()
    two.until(lambda: two.lines("store_locked"), 60.0)
    assert two.lines("store_locked")[0]["remedy"]
    raw.execute("ROLLBACK")
    raw.close()
    two.until(lambda: two.lines("state_loaded"), 60.0)

    assert two.leads() == 2
    assert len(two.lines("store_locked")) == 1
    assert two.lines("crashed") == []


def test_a_leader_stopped_in_a_transaction_keeps_none_from_leading(start: Callable[[str], Instance], tmp_path: Path) -> None:
    """The next one leads within seconds, in a copy. The stopped one, when it goes on, tells nothing and follows."""
    one = start("one")
    one.until(lambda: one.lines("list_taken"))
    two = start("two")
    two.until(lambda: two.follows(one, 1))
    listed = "".join(f"name-{number}.com\n" for number in range(30_000))
    (tmp_path / "names.txt").write_text(listed, encoding="utf-8")
    inbox = InboxSender(one.settings, leader_addresses(one.settings, 1))
    one.until(lambda: inbox.send(Command("refresh")))
    stop_in_transaction(one)
    assert two.until(lambda: two.lines("state_loaded")) < 15.0
    two.until(lambda: two.lines("list_taken"), 60.0)
    told: list[str] = []

    async def story() -> None:
        feed = FeedSubscriber(leader_addresses(one.settings, 1).feed, ("",))
        feed.attach(lambda topic, _: told.append(topic))
        one.process.send_signal(signal.SIGCONT)
        await asyncio.to_thread(one.until, lambda: one.follows(two, 2))
        feed.close()

    asyncio.run(story())
    assert told == []
    assert two.lines("store_copied")[0]["file"] == str(current_path(one.settings.store_path))
    assert current_path(one.settings.store_path).name.endswith(".g2")
    assert two.lines("store_locked") == one.lines("crashed") == one.lines("bug") == []
    with contextlib.closing(SqliteReader(one.settings.store_path)) as reader:
        assert sum(reader.count_by_state().values()) == 30_000
    inbox.close()


def test_a_worker_of_one_that_stood_by_gets_tasks_of_the_next_leader(start: Callable[[str], Instance]) -> None:
    """Its instance followed; after the death of the leader it works for the next one without a new start."""
    one = start("one")
    one.until(lambda: one.lines("list_taken"))
    two = start("two")
    two.until(lambda: two.follows(one, 1))
    asked: list[str] = []

    async def check(task: Task) -> Observation:
        asked.append(task.attempt.partition(".")[0])
        return FOUND

    async def story() -> None:
        state_dir.create_directories(two.settings)
        runtime = Runtime("checker-fast-0", two.settings, asyncio.Event())
        work = asyncio.create_task(run_checkers(runtime, "fast", 0, Methods(checks={"dns": check}, batch_checks={}), 4))
        inbox = None
        try:
            for epoch, leader in ((1, one), (2, two)):
                if epoch == 2:
                    one.process.kill()
                async with asyncio.timeout(60):
                    while (found := leader_file.read_leader(two.settings.instance_dir)) is None or found.epoch < epoch:  # noqa: ASYNC110
                        await asyncio.sleep(0.05)
                    inbox = InboxSender(two.settings, found.addresses())
                    while found.boot not in asked:
                        inbox.send(Command("check", "a.com"))
                        await asyncio.sleep(0.2)
                    inbox.close()
                assert found.instance == leader.name
        finally:
            runtime.stopping.set()
            await work

    asyncio.run(story())


def stop_in_transaction(instance: Instance) -> None:
    """Stop a coordinator that writes while it holds the database's lock, as often as it takes."""
    for _ in range(2000):
        instance.until(lambda: is_locked(instance.settings))
        instance.process.send_signal(signal.SIGSTOP)
        os.waitpid(instance.process.pid, os.WUNTRACED)
        if is_locked(instance.settings):
            return
        instance.process.send_signal(signal.SIGCONT)
    raise AssertionError("it was never caught in a transaction")


def is_locked(settings: Settings) -> bool:
    """Whether a process is in a transaction that writes: it holds byte 120 of the file of SQLite's locks (WAL_WRITE_LOCK)."""
    wanted = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 120, 1, 0)
    with settings.store_path.with_name(f"{settings.store_path.name}-shm").open("r+b") as shared:
        return bool(struct.unpack("hhqqi4x", fcntl.fcntl(shared, fcntl.F_GETLK, wanted))[0] != fcntl.F_UNLCK)


def dump(settings: Settings) -> list[str]:
    """Everything in the database, as text."""
    with contextlib.closing(sqlite3.connect(f"{settings.store_path.as_uri()}?mode=ro", uri=True)) as raw:
        return list(raw.iterdump())
