"""A checker on another host, over links that break: what it does for coordinators, and what it says."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path

import pytest
import zmq

from common import heartbeat, log, worker_reach
from common.bus import coordinator_link, generate_keys
from common.bus.bus_endpoints import pulse_topic
from common.codec import encode
from common.config import Settings
from common.core.model.evidence import Observation
from common.messages import Pulse, Task, Tasks
from tests.cluster.bad_link import BadLink
from tests.cluster.remote_scene import (
    CLUSTER,
    WORKER,
    Links,
    PlayedCoordinator,
    RemoteWorker,
    free_ports,
    remote_settings,
    until,
)
from tests.worker_scene import at_once


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tell of trouble, and make sockets anew, sooner than in production."""
    monkeypatch.setattr(worker_reach, "REMOTE_PATIENCE", 0.5)
    monkeypatch.setattr(coordinator_link, "RENEW_AFTER", 3.0)
    monkeypatch.setattr(coordinator_link, "RENEW_AT_MOST", 3.0)


def test_a_checker_elsewhere_needs_an_address_and_keys_alone(tmp_path: Path) -> None:
    """It works for a coordinator that it connects to, under an egress of its own."""

    async def scene() -> None:
        coordinator = PlayedCoordinator(tmp_path / "a")
        worker = RemoteWorker(remote_settings(tmp_path / "w", coordinator.port))
        await until(lambda: bool(coordinator.credits))
        assert coordinator.credits[-1].egress == "elsewhere"
        assert coordinator.credits[-1].worker == "fast-0@remote"
        assert coordinator.ask(1, 2, 3)
        await until(lambda: len(coordinator.answered()) == 3)
        await worker.end()
        coordinator.close()

    asyncio.run(scene())


def test_results_wait_for_a_link_that_was_cut_and_heals(tmp_path: Path) -> None:
    """What was found out meanwhile arrives once; the coordinator hears of the worker again without a new start."""

    async def scene() -> None:
        coordinator = PlayedCoordinator(tmp_path / "a")
        links = await Links(coordinator.port).start()
        go = asyncio.Event()

        async def slow(task: Task) -> Observation:
            await go.wait()
            return await at_once(task)

        worker = RemoteWorker(remote_settings(tmp_path / "w", links.port), slow)
        await until(lambda: bool(coordinator.credits))
        assert coordinator.ask(*range(1, 21))
        await until(lambda: coordinator.credits[-1].free < 64)
        boot = coordinator.credits[-1].boot
        links.each(BadLink.cut)
        await until(lambda: worker.runtime.trouble != "", 20)  # it noticed within seconds
        go.set()
        coordinator.credits.clear()
        links.each(BadLink.reset)
        links.each(BadLink.heal)
        await until(lambda: len(coordinator.answered()) == 20)
        assert len(coordinator.results) == 20
        assert {credit.boot for credit in coordinator.credits} == {boot}
        await until(lambda: worker.runtime.trouble == "")
        await worker.end()
        await links.close()
        coordinator.close()

    asyncio.run(scene())


def test_a_connection_that_a_nat_forgot_is_made_anew(tmp_path: Path) -> None:
    """Both ends stay open and silent: neither keepalive nor unacknowledged bytes tell, the missing pulse does."""

    async def scene() -> None:
        coordinator = PlayedCoordinator(tmp_path / "a")
        links = await Links(coordinator.port).start()
        worker = RemoteWorker(remote_settings(tmp_path / "w", links.port))
        await until(lambda: bool(coordinator.credits))
        before = links.tasks.accepted
        links.each(BadLink.forget)
        coordinator.credits.clear()
        await until(lambda: bool(coordinator.credits))
        assert links.tasks.accepted > before
        await until(lambda: coordinator.ask(1))
        await until(lambda: coordinator.answered() == {"boot.1"})
        await worker.end()
        await links.close()
        coordinator.close()

    asyncio.run(scene())


def test_a_slow_link_is_a_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A third of a second each way, unsteady: every task is answered, and nothing is said."""
    monkeypatch.undo()

    async def scene() -> None:
        coordinator = PlayedCoordinator(tmp_path / "a")
        links = await Links(coordinator.port).start()
        for link in (links.tasks, links.inbox):
            link.delay, link.jitter = 0.25, 0.15
        worker = RemoteWorker(remote_settings(tmp_path / "w", links.port))
        await until(lambda: bool(coordinator.credits))
        for number in range(1, 31, 10):
            assert coordinator.ask(*range(number, number + 10))
        await until(lambda: len(coordinator.answered()) == 30)
        assert worker.runtime.trouble == ""
        await worker.end()
        await links.close()
        coordinator.close()

    asyncio.run(scene())


def told(settings: Settings) -> str:
    """What the heartbeat of the worker says is wrong."""
    beat = heartbeat.read_heartbeat(settings.instance_dir, "checker-fast-0")
    return beat.trouble if beat is not None else ""


@pytest.mark.parametrize(
    ("secret", "server", "words"),
    [
        (generate_keys().secret, CLUSTER.public, ("our key is refused", "BUS_CLIENT_KEYS")),
        (WORKER.secret, generate_keys().public, ("before it is encrypted", "BUS_SERVER_KEY")),
    ],
    ids=["client", "server"],
)
def test_a_wrong_key_is_one_sentence_with_its_remedy(tmp_path: Path, secret: str, server: str, words: tuple[str, str]) -> None:
    """In the log and in the heartbeat, once and not at every try."""
    said = io.StringIO()

    async def scene() -> str:
        coordinator = PlayedCoordinator(tmp_path / "a")
        settings = remote_settings(tmp_path / "w", coordinator.port, secret=secret, server=server)
        log.setup(settings, "checker", said)
        worker = RemoteWorker(settings)
        await until(lambda: words[0] in worker.runtime.trouble)
        await until(
            lambda: bool(beat := heartbeat.read_heartbeat(settings.instance_dir, "checker-fast-0")) and bool(beat.trouble)
        )
        trouble = worker.runtime.trouble
        await asyncio.sleep(3)  # several tries
        assert coordinator.credits == []
        await worker.end()
        coordinator.close()
        return trouble

    trouble = asyncio.run(scene())
    assert words[1] in trouble
    assert said.getvalue().count("coordinator_unreachable") == 1


def test_a_key_that_is_let_in_later_gets_in(tmp_path: Path) -> None:
    """After a refusal libzmq never tries again; the worker does, with new sockets."""

    async def scene() -> None:
        stranger = generate_keys()
        coordinator = PlayedCoordinator(tmp_path / "a")
        worker = RemoteWorker(remote_settings(tmp_path / "w", coordinator.port, secret=stranger.secret))
        await until(lambda: "our key is refused" in worker.runtime.trouble)
        coordinator.close()
        knowing = PlayedCoordinator(tmp_path / "a", 2, coordinator.port, stranger.public)
        await until(lambda: bool(knowing.credits))
        await worker.end()
        knowing.close()

    asyncio.run(scene())


def test_a_port_that_a_firewall_keeps_is_named(tmp_path: Path) -> None:
    """Tasks come, and nothing can be sent: the sentence has the second port."""

    async def scene() -> None:
        coordinator = PlayedCoordinator(tmp_path / "a")
        links = await Links(coordinator.port).start()
        await links.inbox.close()
        worker = RemoteWorker(remote_settings(tmp_path / "w", links.port))
        await until(lambda: f":{links.port + 1}: nothing answers" in worker.runtime.trouble)
        await worker.end()
        await links.close()
        coordinator.close()

    asyncio.run(scene())


def test_the_worker_follows_the_leader_to_another_address(tmp_path: Path) -> None:
    """Where the lead moves, the new leader gets all the credit, at once; nothing was started anew."""

    async def scene() -> None:
        elsewhere = free_ports()
        first = PlayedCoordinator(tmp_path / "a", 7)
        worker = RemoteWorker(remote_settings(tmp_path / "w", first.port, elsewhere))
        await until(lambda: bool(first.credits))
        first.close()
        second = PlayedCoordinator(tmp_path / "b", 8, elsewhere)
        await until(lambda: bool(second.credits))
        assert second.credits[0].free == 64
        assert second.ask(1)
        await until(lambda: second.answered() == {"boot.1"})
        await worker.end()
        second.close()

    asyncio.run(scene())


class EarlierLeader:
    """A leader of epoch 7 that hung and is back: it sends pulses and a task to each worker, and notes what it is sent."""

    def __init__(self, leader: PlayedCoordinator, port: int) -> None:
        self._tasks, self._inbox = zmq.Context.instance().socket(zmq.XPUB), zmq.Context.instance().socket(zmq.PULL)
        self._tasks.setsockopt(zmq.XPUB_VERBOSE, 1)
        self.sent = self.heard = 0
        assert leader.bus._gate is not None
        for more, sock in enumerate((self._tasks, self._inbox)):
            sock.linger = 0
            leader.bus._gate.guard(sock)  # a process has one
            sock.bind(f"tcp://127.0.0.1:{port + more}")

    def speak(self) -> int:
        """Say that it leads, and ask something; how often it was there for the worker."""
        while self._tasks.poll(0):
            topic = self._tasks.recv()[1:]
            self.sent += 1
            self._tasks.send_multipart([pulse_topic(topic), encode(Pulse(7))])
            self._tasks.send_multipart([topic, encode(Tasks((Task("old.1", 1, "dns", "old.com", "com"),)))])
        self.heard += bool(self._inbox.poll(0))
        return self.sent

    def close(self) -> None:
        """Close both sockets."""
        self._tasks.close()
        self._inbox.close()


def test_an_earlier_leader_that_still_speaks_gets_no_credit(tmp_path: Path) -> None:
    """A leader that hung is overtaken and comes back: its tasks need no answer, and it is told of no free slot."""

    async def scene() -> None:
        asked: list[str] = []

        async def check(task: Task) -> Observation:
            asked.append(task.domain)
            return await at_once(task)

        leader = PlayedCoordinator(tmp_path / "a", 8)
        port = free_ports()
        earlier = EarlierLeader(leader, port)
        worker = RemoteWorker(remote_settings(tmp_path / "w", port, leader.port), check)
        await until(lambda: bool(leader.credits) and earlier.speak() > 0)
        count = len(leader.credits)
        await until(lambda: earlier.speak() > 1 and len(leader.credits) > count)  # it makes new connections there, too
        assert leader.ask(1)
        await until(lambda: leader.answered() == {"boot.1"})
        assert asked == ["name1.com"]
        assert earlier.heard == 0
        await worker.end()
        earlier.close()
        leader.close()

    asyncio.run(scene())
