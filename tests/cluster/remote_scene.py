"""Coordinators on tcp that a test plays, and a real worker that reaches them as from another host."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

from common import state_dir
from common.bus import CoordinatorBus, generate_keys
from common.codec import decode_upward
from common.config import Settings, load
from common.core.model.evidence import Observation
from common.messages import Bye, ByeAck, Credit, Result, Results, Task, Tasks
from common.process import Runtime
from common.worker import run_checkers
from common.worker_calls import Methods
from tests.cluster.bad_link import BadLink, until
from tests.worker_scene import at_once

CLUSTER, WORKER = generate_keys(), generate_keys()


def free_ports() -> int:
    """A port on loopback that is free, as are the two after it."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as first:
            port: int = first.getsockname()[1]
            try:
                for more in (1, 2):
                    socket.create_server(("127.0.0.1", port + more)).close()
            except OSError:
                continue
            return port


class PlayedCoordinator:
    """A bus on tcp with the key of the cluster; it lets WORKER in."""

    def __init__(
        self, path: Path, epoch: int = 1, port: int = 0, known: str = WORKER.public, host: str = "127.0.0.1", **more: str
    ) -> None:
        self.port = port or free_ports()
        settings = {"STATE_DIR": str(path), "FEED_ENDPOINT": f"ipc://{path}/feed", "BUS_CLIENT_KEYS": known}
        settings |= {"BUS_ENDPOINT": f"tcp://{host}:{self.port}", "BUS_SECRET_KEY": CLUSTER.secret}
        self.settings = load(settings | more)
        state_dir.create_directories(self.settings)
        self.bus = CoordinatorBus(self.settings, epoch)
        self.credits: list[Credit] = []
        self.results: list[Result] = []
        self.left: list[bytes] = []
        self.bus.attach(self._received, lambda _: None, self.left.append)

    def _received(self, frame: bytes, _mark: str) -> None:
        message = decode_upward(frame)
        if isinstance(message, Credit):
            self.credits.append(message)
        elif isinstance(message, Results):
            self.credits.append(message.credit)
            self.results.extend(message.results)
        elif isinstance(message, Bye):
            self.bus.send(message.worker, message.boot, ByeAck(self.credits[-1].seen if self.credits else 0))

    def ask(self, *numbers: int) -> bool:
        """Send these tasks to the worker heard last."""
        credit = self.credits[-1]
        tasks = (Task(f"boot.{number}", number, "dns", f"name{number}.com", "com", budget_ms=5000) for number in numbers)
        return self.bus.send(credit.worker, credit.boot, Tasks(tuple(tasks)))

    def answered(self) -> set[str]:
        """The attempts that were answered."""
        return {result.attempt for result in self.results}

    def close(self) -> None:
        """Close the bus."""
        self.bus.close()


class Links:
    """The two ports of a bus, each behind a bad link."""

    def __init__(self, target: int) -> None:
        self.port = free_ports()
        self.tasks, self.inbox = BadLink(target), BadLink(target + 1)

    async def start(self) -> Links:
        """Listen."""
        await self.tasks.start(self.port)
        await self.inbox.start(self.port + 1)
        return self

    def each(self, action: Callable[[BadLink], object]) -> None:
        """Do the same to both."""
        action(self.tasks)
        action(self.inbox)

    async def close(self) -> None:
        """Stop both."""
        await self.tasks.close()
        await self.inbox.close()


def remote_settings(path: Path, *ports: int, secret: str = WORKER.secret, server: str = CLUSTER.public) -> Settings:
    """What a host with checkers alone sets."""
    return load(
        {
            "STATE_DIR": str(path),
            "COORDINATOR": ",".join(f"tcp://127.0.0.1:{port}" for port in ports),
            "BUS_SECRET_KEY": secret,
            "BUS_SERVER_KEY": server,
            "EGRESS_ID": "elsewhere",
            "INSTANCE_ID": "remote",
        }
    )


class RemoteWorker:
    """A worker of the fast pool in this process."""

    def __init__(self, settings: Settings, check: Callable[[Task], Awaitable[Observation]] = at_once, slots: int = 64) -> None:
        state_dir.create_directories(settings)
        self.stopping = asyncio.Event()
        self.runtime = Runtime("checker-fast-0", settings, self.stopping)
        work = run_checkers(self.runtime, "fast", 0, Methods(checks={"dns": check}), slots)
        self.work = asyncio.get_running_loop().create_task(work)

    async def end(self) -> None:
        """Stop it as SIGTERM does."""
        self.stopping.set()
        await asyncio.wait_for(self.work, 40)


__all__ = ["CLUSTER", "WORKER", "Links", "PlayedCoordinator", "RemoteWorker", "free_ports", "remote_settings", "until"]
