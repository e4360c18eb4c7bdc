"""What one that stands by makes of leases that cannot be read, of a leader it cannot tell, and of a stop."""

from __future__ import annotations

import asyncio
import io
import shutil
import threading
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from actors.coordinator import promises, standby
from actors.coordinator.standby import Standby
from common import config, heartbeat, leader_file, log, state_dir
from common.bus import zmq_sockets
from common.bus.bus_endpoints import inbox_endpoint
from common.clock import monotonic, now
from common.codec import decode_upward
from common.core.shards.layout import Layout
from common.errors import ConfigError, StoreAway, StoreError
from common.lead_lock import hold_lead
from common.messages import Promise
from common.process import Runtime
from common.processes import consents
from common.store.lease_contract import Addresses, Leader, Lease

LEADER = Leader("two", "b", 4, "ipc://bus-4", "ipc://feed-4")


class Scripted:
    """Leases that find what a test says, again and again; the last one stays."""

    def __init__(self, *found: Leader | StoreError | None) -> None:
        self.found = list(found)
        self.refused: StoreError | None = None  # what taking the lease fails with
        self.looks = 0
        self.taken: list[Released] = []
        self.while_taking: Callable[[], None] = lambda: None
        self.refused_first: list[StoreError] = []  # what taking the lease fails with before it goes well

    def find(self) -> Leader | None:
        """The next of what was given."""
        self.looks += 1
        found = self.found.pop(0) if len(self.found) > 1 else self.found[0]
        if isinstance(found, StoreError):
            raise found
        return found

    def take(self, instance: str, boot: str, addresses: Callable[[int], Addresses]) -> Lease | None:
        """A lease of epoch 5."""
        if self.refused is not None:
            raise self.refused
        self.while_taking()
        if self.refused_first:
            raise self.refused_first.pop()
        self.taken.append(Released(Leader(instance, boot, 5, *addresses(5))))
        return self.taken[-1]

    def close(self) -> None:
        """Nothing."""


class Released:
    """A lease that notes its release."""

    def __init__(self, leader: Leader) -> None:
        self.leader = leader
        self.released = False

    def is_valid(self) -> bool:
        """It is."""
        return True

    def renew(self) -> None:
        """It stays."""

    def release(self) -> None:
        """Note it."""
        self.released = True


Story = Callable[[Standby, Runtime], Awaitable[None]]
Play = Callable[..., str]


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Play:
    """Run a story with one that stands by and looks a hundred times a second; returns what was logged."""
    monkeypatch.setattr(standby, "LOOK_EVERY", 0.01)
    monkeypatch.setattr(standby, "AWAY_LOOK", 0.02)
    monkeypatch.setattr(standby, "UNREADABLE_LIMIT", 0.3)
    settings = config.load({"STATE_DIR": str(tmp_path), "INSTANCE_ID": "one", "LOG_FORMAT": "json"})
    state_dir.create_directories(settings)
    said = io.StringIO()
    log.setup(settings, "coordinator", said)

    def run(leases: Scripted, story: Story, **options: Any) -> str:
        async def main() -> None:
            runtime = Runtime("coordinator", settings, asyncio.Event())
            await asyncio.wait_for(story(Standby(runtime, leases, **options), runtime), 20)

        asyncio.run(main())
        return said.getvalue()

    return run


def test_leases_that_cannot_be_read_for_a_moment_are_not_taken(play: Play, tmp_path: Path) -> None:
    """Their holder may live: it is told once, and the next look decides."""
    (tmp_path / "instances" / "one").mkdir(parents=True, exist_ok=True)
    damaged = StoreError("damaged")
    leases = Scripted(damaged, damaged, damaged, None)

    async def story(standing: Standby, _runtime: Runtime) -> None:
        lease = await standing.wait_for_lease()
        assert lease is leases.taken[0]
        assert leader_file.read_leader(tmp_path / "instances" / "one") == lease.leader

    said = play(leases, story)
    assert (leases.looks, len(leases.taken)) == (4, 1)
    assert [*tmp_path.rglob("heartbeats/coordinator.json")]
    assert (said.count("leases_unreadable"), said.count("instance_leads")) == (1, 1)


def test_leases_that_answer_late_are_no_silence(play: Play, tmp_path: Path) -> None:
    """A database that is away answers when a connection has timed out: until then signs of life go on."""
    beats: list[float] = []
    answered = threading.Event()

    class Late(Scripted):
        def find(self) -> Leader | None:
            answered.wait(10.0)
            return super().find()

    async def story(standing: Standby, runtime: Runtime) -> None:
        waiting = asyncio.create_task(standing.wait_for_lease())
        while len(beats) < 3:
            beat = heartbeat.read_heartbeat(tmp_path / "instances" / "one", "coordinator")
            if beat is not None and beat.at not in beats:
                beats.append(beat.at)
            await asyncio.sleep(0.01)
        answered.set()
        runtime.stopping.set()
        await waiting

    leases = Late(LEADER)
    play(leases, story)
    assert leases.looks == 1


@pytest.mark.parametrize("failing", ["find", "take"])
def test_leases_that_stay_unreadable_are_told_and_read_again(failing: str, play: Play, tmp_path: Path) -> None:
    """In the log once, and in /health by the heartbeat, with their own words; no pause grows until they are back."""
    damaged = StoreError("damaged")
    leases = Scripted(damaged if failing == "find" else None)
    if failing == "take":
        leases.refused = damaged

    async def story(standing: Standby, runtime: Runtime) -> None:
        waiting = asyncio.create_task(standing.wait_for_lease())
        while (beat := heartbeat.read_heartbeat(tmp_path / "instances" / "one", "coordinator")) is None or not beat.failed:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert (beat.failed, beat.waiting_until is not None) == ("StoreError: damaged", True)
        leases.refused = None
        leases.found = [None]
        lease = await waiting
        assert lease is leases.taken[0]
        assert runtime.waiting_until is None

    said = play(leases, story)
    assert leases.looks > 3
    assert (said.count("leases_unreadable"), said.count("instance_leads")) == (1, 1)


def test_a_server_that_is_away_is_looked_for_as_long_as_it_takes(play: Play) -> None:
    """Longer than leases may be unreadable. The log says it once, and each heartbeat until the return."""
    leases = Scripted(StoreAway("x cannot be reached"))
    beats: list[heartbeat.Heartbeat | None] = []

    async def story(standing: Standby, runtime: Runtime) -> None:
        directory = runtime.settings.instance_dir
        waiting = asyncio.create_task(standing.wait_for_lease())
        began = asyncio.get_running_loop().time()
        while asyncio.get_running_loop().time() - began < 0.6:  # noqa: ASYNC110  # twice the limit
            await asyncio.sleep(0.01)
        beats.append(heartbeat.read_heartbeat(directory, "coordinator"))
        leases.refused_first = [StoreAway("x only lets read")]
        leases.found = [None]
        assert await waiting is leases.taken[0]
        runtime.beat()
        beats.append(heartbeat.read_heartbeat(directory, "coordinator"))

    said = play(leases, story)
    assert [said.count(event) for event in ("store_away", "store_back", "leases_unreadable")] == [1, 1, 0]
    during, after = beats
    assert during is not None
    assert after is not None
    assert (during.failed, during.waiting_until is None) == ("StoreAway: x cannot be reached", False)
    assert (after.failed, after.failed_at, after.waiting_until) == ("", 0.0, None)


def test_a_leader_that_is_found_again_ends_the_wait_too(play: Play) -> None:
    """Another instance may have been faster; and a new absence is told anew."""
    away = StoreAway("x cannot be reached")
    leases = Scripted(away, LEADER, away, LEADER)

    async def story(standing: Standby, runtime: Runtime) -> None:
        waiting = asyncio.create_task(standing.wait_for_lease())
        while leases.looks < 6:  # noqa: ASYNC110  # they are made in a thread
            await asyncio.sleep(0.01)
        assert runtime.waiting_until is None
        runtime.stopping.set()
        assert await waiting is None

    said = play(leases, story)
    assert [said.count(event) for event in ("store_away", "store_back", "instance_follows")] == [2, 2, 1]


def test_a_leader_that_could_not_be_told_is_told_later(play: Play, tmp_path: Path) -> None:
    """The log says it once, and the other processes learn of the leader as soon as the file can be written."""
    directory = tmp_path / "instances" / "one"
    leases = Scripted(LEADER)

    async def story(standing: Standby, runtime: Runtime) -> None:
        directory.parent.mkdir(exist_ok=True)
        shutil.rmtree(directory, ignore_errors=True)
        directory.touch()  # no directory
        waiting = asyncio.create_task(standing.wait_for_lease())
        while leases.looks < 4:  # noqa: ASYNC110  # they are made in a thread
            await asyncio.sleep(0.01)
        directory.unlink()
        directory.mkdir()
        while leader_file.read_leader(directory) != LEADER:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        looks = leases.looks
        while leases.looks < looks + 3:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        runtime.stopping.set()
        assert await waiting is None

    said = play(leases, story)
    assert (said.count("leader_not_told"), said.count("instance_follows")) == (1, 1)


def test_a_lease_that_comes_with_a_stop_is_given_back(play: Play) -> None:
    """Another instance takes over at once."""
    leases = Scripted(None)

    async def story(standing: Standby, runtime: Runtime) -> None:
        loop = asyncio.get_running_loop()
        leases.while_taking = lambda: asyncio.run_coroutine_threadsafe(stop(runtime), loop).result()
        assert await standing.wait_for_lease() is None

    assert "instance_leads" not in play(leases, story)
    assert [lease.released for lease in leases.taken] == [True]


async def stop(runtime: Runtime) -> None:
    """As a signal does."""
    runtime.stopping.set()


def test_the_layout_of_the_store_is_settled_before_the_first_look(play: Play) -> None:
    """Once; a server that is away meanwhile is waited for. Another layout than that of the settings is a wrong setting."""
    answers: list[Layout | StoreError | ConfigError] = [StoreAway("no answer"), StoreError("busy"), Layout(3), Layout(4)]
    leases = Scripted(LEADER, LEADER, None)

    def settle() -> Layout:
        assert leases.looks == 0
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def story(standing: Standby, _runtime: Runtime) -> None:
        assert await standing.wait_for_lease() is leases.taken[0]
        assert standing.layout == Layout(3)
        assert answers == [Layout(4)]

    said = play(leases, story, settle=settle)
    assert (said.count("store_away"), said.count("store_back")) == (1, 1)

    def refuse() -> Layout:
        raise ConfigError(["SHARDS: the database was made with 4"])

    async def refused(standing: Standby, _runtime: Runtime) -> None:
        with pytest.raises(ConfigError, match="made with 4"):
            await standing.wait_for_lease()

    play(Scripted(None), refused, settle=refuse)


def test_a_free_shard_is_taken_in_its_turn(play: Play) -> None:
    """Which counts from the look that found it free, anew after each leader."""
    asked: list[float] = []

    class Turns:
        def may_take(self, free_since: float) -> bool:
            asked.append(free_since)
            return len(asked) > 4

    leases = Scripted(None, None, LEADER, None)

    async def story(standing: Standby, _runtime: Runtime) -> None:
        assert await standing.wait_for_lease() is leases.taken[0]
        assert leases.looks == 6
        assert asked[0] == asked[1] < asked[2] == asked[3] == asked[4]
        asked.clear()
        asked.extend([0.0] * 4)
        await standing.wait_for_lease()
        assert asked[4] > asked[3]

    play(leases, story, watch=Turns())


class Remote(Scripted):
    """The same over a server; `given_up` once the leader has given its lease up."""

    given_up = False

    def release_ended(self, epoch: int, boot: str) -> None:
        """From now on there is no leader."""
        assert (epoch, boot) == (LEADER.epoch, LEADER.boot)
        self.found = [None]

    def is_released(self, epoch: int, boot: str) -> bool:
        """As the test says, of the leader that is followed."""
        assert (epoch, boot) == (LEADER.epoch, LEADER.boot)
        return self.given_up


def test_the_lease_of_a_leader_on_this_host_that_has_ended_is_taken_at_once(play: Play, tmp_path: Path) -> None:
    """It has not run out by the clock of the server; while the process lives, or is of another run, it stays."""
    directory = tmp_path / "instances" / LEADER.instance
    directory.mkdir(parents=True)
    leases = Remote(LEADER)

    async def story(standing: Standby, _runtime: Runtime) -> None:
        with hold_lead(directory, LEADER):
            waiting = asyncio.create_task(standing.wait_for_lease())
            while leases.looks < 5:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            assert not waiting.done()
        assert await waiting is leases.taken[0]

    assert play(leases, story).count("leader_ended") == 1


class Inbox:
    """The inbox of the leader that is followed."""

    def __init__(self, directory: Path) -> None:
        self.leader = structs.replace(LEADER, bus=f"ipc://{directory}/bus-4")
        self.promised: asyncio.Queue[Promise] = asyncio.Queue()
        self._inbox = zmq_sockets.Inbox(hwm=100)
        self._inbox.bind(inbox_endpoint(self.leader.bus), "STATE_DIR")
        self._inbox.follow(lambda data, _key: self._take(data))

    def _take(self, data: bytes) -> None:
        message = decode_upward(data)
        assert isinstance(message, Promise)
        self.promised.put_nowait(message)

    def close(self) -> None:
        """Take nothing more."""
        self._inbox.close()


def test_one_that_finds_the_store_away_promises_and_keeps_its_word(
    play: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until that has run out, also where the lease is free; nothing is promised while the store is there."""
    monkeypatch.setattr(promises, "PROMISE_EVERY", 0.05)
    monkeypatch.setattr(consents, "BINDS", 0.5)
    leases = Remote(LEADER)

    async def story(standing: Standby, _runtime: Runtime) -> None:
        with closing(Inbox(tmp_path)) as inbox:
            leases.found = [inbox.leader]
            waiting = asyncio.create_task(standing.wait_for_lease())
            await asyncio.sleep(0.2)
            assert inbox.promised.empty()
            leases.found = [StoreAway("away")]
            for _ in range(3):
                promise = await asyncio.wait_for(inbox.promised.get(), 10)
                assert (promise.instance, promise.epoch, promise.boot) == ("one", 4, "b")
                assert abs(promise.sent_at - now()) < 5
            leases.found = [None]
            began = monotonic()
            lease = await asyncio.wait_for(waiting, 10)
            assert lease is leases.taken[0]
            assert monotonic() - began > 0.3

    play(leases, story)


def test_a_word_is_kept_by_the_next_run_and_ends_with_a_lease_that_is_given_up(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that is killed and started again must not take what was promised."""
    monkeypatch.setattr(promises, "PROMISE_EVERY", 0.05)
    leases = Remote(LEADER, StoreAway("away"))

    async def story(standing: Standby, runtime: Runtime) -> None:
        waiting = asyncio.create_task(standing.wait_for_lease())
        while standing._promises.binding() is None:  # noqa: ASYNC110  # given every twentieth of a second
            await asyncio.sleep(0.01)
        waiting.cancel()
        await asyncio.wait({waiting})
        leases.found = [None]
        waiting = asyncio.create_task(Standby(runtime, leases).wait_for_lease())
        looks = leases.looks
        while leases.looks < looks + 5:  # noqa: ASYNC110  # in threads
            await asyncio.sleep(0.01)
        assert leases.taken == []
        leases.given_up = True
        assert await asyncio.wait_for(waiting, 10) is leases.taken[0]

    play(leases, story)


def test_nothing_is_promised_where_the_promise_could_not_be_kept(
    play: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it cannot be noted for the next run, to itself, and while a lease is being taken."""
    monkeypatch.setattr(promises, "PROMISE_EVERY", 0.05)
    own = structs.replace(LEADER, instance="one")
    leases = Remote(own, StoreAway("away"))

    async def story(standing: Standby, _runtime: Runtime) -> None:
        waiting = asyncio.create_task(standing.wait_for_lease())
        while leases.looks < 20:  # noqa: ASYNC110  # in threads
            await asyncio.sleep(0.01)
        assert standing._promises.binding() is None
        (tmp_path / "instances" / "one" / "promise.json").mkdir()
        leases.found = [LEADER, StoreAway("away")]
        while leases.looks < 60:  # noqa: ASYNC110  # in threads
            await asyncio.sleep(0.01)
        assert standing._promises.binding() is None
        (tmp_path / "instances" / "one" / "promise.json").rmdir()
        while standing._promises.binding() is None:  # noqa: ASYNC110  # given every twentieth of a second
            await asyncio.sleep(0.01)
        assert standing._followed_unseen() == LEADER
        standing._taking = True
        assert standing._followed_unseen() is None
        waiting.cancel()
        await asyncio.wait({waiting})

    play(leases, story)


@pytest.mark.parametrize(
    "note", [b"", b"{}", b'{"epoch":4,"boot":"b","until":1}', b'{"epoch":4,"boot":"b","until":1e12}', b"[" * 900]
)
def test_a_note_that_makes_no_sense_binds_nothing(note: bytes, play: Play, tmp_path: Path) -> None:
    """Nor one of a clock that was set back."""
    (tmp_path / "instances" / "one").mkdir(parents=True, exist_ok=True)
    (tmp_path / "instances" / "one" / "promise.json").write_bytes(note)
    leases = Remote(None)

    async def story(standing: Standby, _runtime: Runtime) -> None:
        assert await standing.wait_for_lease() is leases.taken[0]

    play(leases, story)
