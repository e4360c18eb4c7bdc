"""The loop that every pool shares: take tasks up to the slots, run them side by side, send results with fresh credit, drain.

Holds nothing that a kill could lose: the coordinator leases each task and sends it again.
"""

from __future__ import annotations

import asyncio
import platform
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from common.bus import WorkerBus
from common.codec import decode_downward
from common.core.evidence import Observation, unknown
from common.errors import MessageError
from common.messages import (
    VERSION,
    Bye,
    ByeAck,
    Credit,
    Delivery,
    DeliveryResult,
    DeliveryResults,
    Result,
    Results,
    Task,
    Tasks,
)
from common.process import Runtime

#: Seconds between credit messages: the application heartbeat that the coordinator watches.
CREDIT_EVERY = 2.0
#: Seconds a draining worker waits for the last sequence, and then for its running tasks.
BYE_WAIT, DRAIN_WAIT = 2.0, 25.0
#: Results kept while no coordinator is there; older ones are dropped, their leases run out.
OUTBOX = 4096
#: Results in one message.
BATCH = 64

Item = TypeVar("Item", Task, Delivery)
Answer = TypeVar("Answer", Result, DeliveryResult)


@dataclass(frozen=True, slots=True)
class Pool(Generic[Item, Answer]):
    """What distinguishes a pool: its name, methods, slots, how one item is run, and how an answer is made without running."""

    name: str
    methods: tuple[str, ...]
    slots: int
    run: Callable[[Item], Awaitable[Answer]]
    returned: Callable[[Item], Answer]
    batch: Callable[[Credit, tuple[Answer, ...]], Results | DeliveryResults]


class Worker(Generic[Item, Answer]):
    """One worker process of a pool."""

    def __init__(self, runtime: Runtime, pool: Pool[Item, Answer], number: int) -> None:
        self._runtime = runtime
        self._pool: Pool[Item, Answer] = pool
        self._name = f"{pool.name}-{number}@{runtime.settings.instance_id or platform.node()}"[:120]
        self._bus = WorkerBus(runtime.settings, self._name, runtime.boot)
        self._running: dict[asyncio.Task[None], Item] = {}
        self._outbox: deque[Answer] = deque(maxlen=OUTBOX)
        self._seen = 0
        self._last: int | None = None
        self._flush_planned = False

    async def run(self) -> None:
        """Work until told to stop, then drain."""
        self._bus.attach(self._received)
        try:
            while not self._runtime.stopping.is_set():
                self._runtime.beat()
                self._flush(credit=True)
                await _wait(self._runtime.stopping, CREDIT_EVERY)
            await self._drain()
        finally:
            for task in self._running:
                task.cancel()
            self._bus.close()

    def _received(self, frame: bytes) -> None:
        try:
            message = decode_downward(frame)
        except MessageError as error:
            self._runtime.log.error("bad_message", error=str(error))
            return
        if isinstance(message, ByeAck):
            self._last = message.last
            return
        items = message.tasks if isinstance(message, Tasks) else message.deliveries
        for item in items:
            self._seen = max(self._seen, item.seq)
            self._start(item)  # type: ignore[arg-type]  # a pool's topic carries only its own kind of item

    def _start(self, item: Item) -> None:
        if len(self._running) >= self._pool.slots or self._runtime.stopping.is_set():
            self._answer(self._pool.returned(item))
            return
        task = asyncio.get_running_loop().create_task(self._run_one(item))
        self._running[task] = item
        task.add_done_callback(lambda done: self._running.pop(done, None))

    async def _run_one(self, item: Item) -> None:
        self._answer(await self._pool.run(item))

    def _answer(self, answer: Answer) -> None:
        self._outbox.append(answer)
        if not self._flush_planned:
            self._flush_planned = True
            asyncio.get_running_loop().call_later(0.002, self._flush)

    def _flush(self, *, credit: bool = False) -> None:
        self._flush_planned = False
        while self._outbox:
            batch = tuple(self._outbox[index] for index in range(min(BATCH, len(self._outbox))))
            if not self._bus.send(self._pool.batch(self._credit(), batch)):
                return  # nobody there: kept for the next turn
            for _ in batch:
                self._outbox.popleft()
            credit = False
        if credit:
            self._bus.send(self._credit())

    def _credit(self) -> Credit:
        free = 0 if self._runtime.stopping.is_set() else max(0, self._pool.slots - len(self._running))
        return Credit(
            version=VERSION,
            worker=self._name,
            boot=self._runtime.boot,
            pool=self._pool.name,
            egress=self._runtime.settings.egress_id,
            methods=self._pool.methods,
            slots=self._pool.slots,
            free=free,
            seen=self._seen,
            restarts=self._runtime.restarts,
        )

    async def _drain(self) -> None:
        """Say goodbye, see everything already sent, finish what runs, give the rest back."""
        self._runtime.log.info("draining", running=len(self._running))
        self._bus.send(Bye(self._name, self._runtime.boot))
        for _ in range(int(BYE_WAIT / 0.05)):
            if self._last is not None and self._seen >= self._last:
                break
            await asyncio.sleep(0.05)
        if self._running:
            await asyncio.wait(list(self._running), timeout=DRAIN_WAIT)
        for task, item in list(self._running.items()):
            task.cancel()
            self._answer(self._pool.returned(item))
        self._flush(credit=True)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return


async def run_checkers(
    runtime: Runtime,
    pool: str,
    number: int,
    checks: dict[str, Callable[[Task], Awaitable[Observation]]],
    slots: int,
) -> None:
    """Run a checker pool: `checks` maps a method to the coroutine that asks once."""

    async def run(task: Task) -> Result:
        check = checks.get(task.method)
        if check is None:
            return Result(task.attempt, returned=True)
        try:
            async with asyncio.timeout(task.budget_ms / 1000):
                observation = await check(task)
        except TimeoutError:
            late = unknown(f"{task.method}_timeout", f"no answer within {task.budget_ms} ms")
            observation = Observation(task.method, late, server=task.server, duration_ms=float(task.budget_ms))
        except Exception as error:  # noqa: BLE001  # a bug in one method must cost one check, not the pool; it is reported
            runtime.report(error, method=task.method, domain=task.domain)
            observation = Observation(task.method, unknown(f"{task.method}_bug", f"{type(error).__name__} in the checker"))
        return Result(task.attempt, observation)

    worker = Worker(
        runtime,
        Pool(pool, tuple(sorted(checks)), slots, run, lambda task: Result(task.attempt, returned=True), Results),
        number,
    )
    await worker.run()


async def run_notifier(
    runtime: Runtime, number: int, handle: Callable[[Delivery], Awaitable[DeliveryResult]], slots: int = 32
) -> None:
    """Run a notifier: `handle` makes one POST and says how it ended."""

    async def run(delivery: Delivery) -> DeliveryResult:
        try:
            async with asyncio.timeout(delivery.budget_ms / 1000):
                return await handle(delivery)
        except TimeoutError:
            return DeliveryResult(delivery.attempt, error=f"no answer within {delivery.budget_ms} ms")
        except Exception as error:  # noqa: BLE001  # the delivery is retried; the bug is reported
            runtime.report(error, event_id=delivery.event_id)
            return DeliveryResult(delivery.attempt, error=f"{type(error).__name__} in the notifier")

    worker = Worker(
        runtime,
        Pool(
            "notifier",
            (),
            slots,
            run,
            lambda delivery: DeliveryResult(delivery.attempt, returned=True),
            DeliveryResults,
        ),
        number,
    )
    await worker.run()
