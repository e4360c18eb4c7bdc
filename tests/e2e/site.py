"""A lab in a thread and the real stack beside it, so that tests can be plain functions that kill, purge and look."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import os
import signal
import threading
import time
import xmlrpc.client
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

from actors.watchdog import RpcSupervisor, Supervised
from common.socket_paths import socket_directory
from tests.lab import net
from tests.lab.customer import Received
from tests.lab.lab import Lab
from tests.lab.stack import Stack

T = TypeVar("T")
#: Seconds until the stack has to be healthy, on a busy machine.
START_SECONDS = 60.0
#: Seconds between two looks at something awaited.
LOOK = 0.01


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def type(self) -> str:
        """Content type without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip()

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


def until(condition: Callable[[], T], seconds: float, what: str, every: float = LOOK) -> T:
    """The first true value of `condition`; fails with `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s"
        threading.Event().wait(every)
    return found


def call(
    port: int, path: str, method: str = "GET", *, headers: Mapping[str, str] | None = None, body: bytes | None = None
) -> Answer:
    """One HTTP request to this machine. Raises OSError on a closed port."""
    connection = http.client.HTTPConnection(net.HOST, port, timeout=10)
    try:
        connection.request(method, path, body=body, headers=dict(headers or {}))
        answer = connection.getresponse()
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
    finally:
        connection.close()


class Site:
    """Lab and stack. Every method may be called from a test; what touches the lab runs in its own loop."""

    def __init__(self, lab: Lab | None, stack: Stack, loop: asyncio.AbstractEventLoop) -> None:
        self._lab = lab
        self._loop = loop
        self.stack = stack
        self.signals: list[tuple[float, str, int]] = []  # (epoch seconds, process, its id) of every signal sent

    @classmethod
    @contextlib.contextmanager
    def open(cls, directory: Path, settings: Mapping[str, str], furnish: Callable[[Lab], None] | None = None) -> Iterator[Site]:
        """A healthy stack with `settings`; with `furnish` a lab too, prepared by it. Whatever happens, all of it is stopped."""
        with _Thread() as loop:
            lab = loop.enter(Lab.start()) if furnish is not None else None
            if lab is not None and furnish is not None:
                prepare = furnish
                loop.run(_call(lambda: prepare(lab)))
            stack = Stack({**(lab.environment() if lab else {}), **settings}, directory)
            site = cls(lab, stack, loop.loop)
            ended = asyncio.Event()
            loop.run(stack.start(ended))
            try:
                loop.run(stack.wait_healthy(START_SECONDS, ended))
                yield site
            finally:
                site.resume()
                if stack.running:
                    loop.run(stack.stop())

    def stop(self) -> list[str]:
        """SIGTERM to the stack, now: what was not clean about it, in sentences."""
        return self._run(self.stack.stop())

    # the lab

    def do(self, act: Callable[[Lab], T]) -> T:
        """Run `act(lab)` where the lab lives."""
        lab = self._lab
        assert lab is not None
        return self._run(_call(lambda: act(lab)))

    def purge(self, name: str) -> float:
        """The registry deletes `name`. Returns when, in epoch seconds."""

        def act(lab: Lab) -> float:
            lab.registry.purge(name)
            return lab.clock.wall()

        return self.do(act)

    def until_asked(self, name: str, since: float, seconds: float = 10.0) -> None:
        """Until a registry was asked about `name` after `since`: a check of it is under way."""
        until(lambda: self.do(lambda lab: lab.queries.find(name=name, since=since)), seconds, f"a question about {name}")

    def told(self, name: str, status: str = "available") -> list[Received]:
        """The notices of this kind about `name` that the customer accepted."""
        return self.do(lambda lab: [item for item in lab.customer.notices(status) if item.data.get("domain") == name])

    # the processes

    def processes(self) -> dict[str, Supervised]:
        """What supervisord says, by name; empty while it does not answer."""
        socket = socket_directory(self.stack.instance_dir) / "supervisor.sock"
        try:
            return {process.name: process for process in RpcSupervisor(f"unix://{socket}").processes()}
        except (OSError, http.client.HTTPException, xmlrpc.client.Error):
            return {}

    def pid(self, name: str) -> int:
        """Process id of a running process, waiting for it to be started."""
        return until(lambda: (found := self.processes().get(name)) and found.pid, 20.0, f"{name} has a process", 0.05) or 0

    def kill(self, name: str, number: int = signal.SIGKILL) -> int:
        """Send a signal; returns the process id it went to."""
        pid = self.pid(name)
        self.signals.append((time.time(), name, pid))
        os.kill(pid, number)
        return pid

    def resume(self) -> None:
        """Let go on what was stopped by a signal and is still there: a stopped process cannot end in order."""
        running = {process.pid for process in self.processes().values()}
        for _, _, pid in self.signals:
            if pid in running:
                os.kill(pid, signal.SIGCONT)

    def until_back(self, name: str, pid: int, seconds: float = 25.0) -> None:
        """Until supervisord runs another process in place of `pid`."""

        def back() -> bool:
            found = self.processes().get(name)
            return found is not None and found.running and found.pid != pid

        until(back, seconds, f"{name} is back after {pid}", 0.1)

    # the control interface

    def call(self, path: str, method: str = "GET", **options: Any) -> Answer:
        """One request to control."""
        return call(self.stack.control_port, path, method, **options)

    def events(self, after: int = 0) -> list[dict[str, Any]]:
        """Every event after a sequence, page by page."""
        found: list[dict[str, Any]] = []
        while True:
            page = self.call(f"/events?after={after}&limit=100").json()
            found += page["events"]
            after = page["last"]
            if not page["more"]:
                return found

    def _run(self, work: Awaitable[T]) -> T:
        return asyncio.run_coroutine_threadsafe(_await(work), self._loop).result(90)


class _Thread:
    """An event loop in a thread, with asynchronous contexts that are left with it."""

    def __init__(self) -> None:
        self._stack = contextlib.AsyncExitStack()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._ready = threading.Event()
        self._stopping: asyncio.Event | None = None
        self.loop: asyncio.AbstractEventLoop

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self.run(self._stack.aclose())
        if self._stopping is not None:
            self.loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(10)

    def run(self, work: Awaitable[T]) -> T:
        """Run something in the loop and wait for it."""
        return asyncio.run_coroutine_threadsafe(_await(work), self.loop).result(120)

    def enter(self, context: contextlib.AbstractAsyncContextManager[T]) -> T:
        """Enter a context that is left at the end."""
        return self.run(self._stack.enter_async_context(context))

    def _serve(self) -> None:
        async def serve() -> None:
            self.loop = asyncio.get_running_loop()
            self._stopping = asyncio.Event()
            self._ready.set()
            await self._stopping.wait()

        asyncio.run(serve())


async def _await(work: Awaitable[T]) -> T:
    return await work


async def _call(act: Callable[[], T]) -> T:
    return act()
