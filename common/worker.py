"""The loop that every pool shares: take tasks up to the slots, run them side by side, send results with fresh credit, drain.

Tasks of one call (`worker_calls`) run together, and each takes a slot. Sweeps run beside the tasks, in places of their own.
Holds nothing that a kill could lose: the coordinator leases each task and sends it again.
"""

from __future__ import annotations

import asyncio
import platform
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

import msgspec

from common.bus import WorkerBus
from common.codec import decode_downward
from common.core.model.evidence import Observation, unknown_reading
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
    Sweep,
    SweepDetails,
    SweepResult,
    Task,
    Tasks,
)
from common.process import Runtime
from common.worker_calls import Call, Methods, kind_of_method, run_call, split_calls
from common.worker_reach import ReachLog
from common.worker_sweeps import SweepMethod, parse_names, return_unasked, run_sweep, split_answer

#: Seconds between credit messages: the application heartbeat that the coordinator watches.
CREDIT_EVERY = 2.0
#: Seconds between attempts to reach a coordinator that is not there (yet).
RETRY_EVERY = 0.1
#: Seconds a draining worker waits for the last sequence, and then for its running tasks.
BYE_WAIT, DRAIN_WAIT = 2.0, 25.0
#: Seconds between attempts to reach one that has just taken over.
CONNECT_LOOK = 0.02
#: Results kept while no coordinator is there; older ones are dropped, their leases run out.
OUTBOX = 4096
#: Results in one message, and what is a message by itself.
BATCH = 64
_ALONE = (SweepDetails, SweepResult)

Item = TypeVar("Item", Task, Delivery)
Answer = TypeVar("Answer", Result, DeliveryResult)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool(Generic[Item, Answer]):
    """What distinguishes a pool: its name, methods, slots, and how items are run.

    `split` parts the items of a message into those that are run together, `run` runs such and gives an answer to each of them,
    in their order, and `returned` makes an answer without running.
    """

    name: str
    methods: tuple[str, ...]
    slots: int
    split: Callable[[Sequence[Item]], Sequence[tuple[Item, ...]]]
    run: Callable[[tuple[Item, ...]], Awaitable[Sequence[Answer]]]
    returned: Callable[[Item], Answer]
    batch: Callable[[Credit, tuple[Answer, ...]], Results | DeliveryResults]
    sweeper: SweepMethod | None = None


class Worker(Generic[Item, Answer]):
    """One worker process of a pool."""

    def __init__(self, runtime: Runtime, pool: Pool[Item, Answer], number: int) -> None:
        self._runtime = runtime
        self._pool: Pool[Item, Answer] = pool
        self._name = f"{pool.name}-{number}@{runtime.settings.instance_id or platform.node()}"[:120]
        self._bus = WorkerBus(runtime.settings, self._name, runtime.boot)
        self._reach = ReachLog(runtime)
        self._running: dict[asyncio.Task[None], tuple[Item, ...]] = {}
        self._busy = 0  # items that run
        self._sweeping: dict[asyncio.Task[None], Sweep] = {}
        self._outbox: deque[Answer | SweepDetails | SweepResult] = deque(maxlen=OUTBOX)
        self._seen = 0
        self._last: int | None = None
        self._flush_planned = False
        self._announcing: asyncio.TimerHandle | None = None

    async def run(self) -> None:
        """Work until told to stop, then drain."""
        self._bus.attach(self._received, self._announce)
        try:
            while not self._runtime.stopping.is_set():
                self._runtime.beat()
                there = self._flush(credit=True)
                self._reach.note(self._bus.find_trouble(), remote=self._bus.remote)
                await self._runtime.rest(CREDIT_EVERY if there else RETRY_EVERY)
            await self._drain()
        finally:
            for task in (*self._running, *self._sweeping):
                task.cancel()
            if self._announcing is not None:
                self._announcing.cancel()
            self._bus.close()

    def _announce(self) -> None:
        """Tell another coordinator of our results and slots, as soon as it is connected."""
        self._seen, self._last = 0, None  # what the earlier one sent
        self._announce_until_taken()

    def _announce_until_taken(self) -> None:
        if self._announcing is not None:
            self._announcing.cancel()
        there = self._flush(credit=True)
        self._announcing = None if there else asyncio.get_running_loop().call_later(CONNECT_LOOK, self._announce_until_taken)

    def _received(self, frame: bytes) -> None:
        try:
            message = decode_downward(frame)
            if isinstance(message, Sweep):
                self._seen = max(self._seen, message.seq)
                self._start_sweep(message)
                return
        except MessageError as error:
            self._runtime.log.error("bad_message", error=str(error))
            return
        if isinstance(message, ByeAck):
            self._last = message.last
            return
        items = message.tasks if isinstance(message, Tasks) else message.deliveries
        self._seen = max(self._seen, *(item.seq for item in items), 0)
        for call in self._pool.split(items):  # type: ignore[arg-type]  # a pool's topic carries only its own kind of item
            self._start(call)

    def _start(self, call: tuple[Item, ...]) -> None:
        """Run what there are slots for, and return the rest."""
        room = 0 if self._runtime.stopping.is_set() else self._pool.slots - self._busy
        for item in call[room:]:
            self._answer(self._pool.returned(item))
        if not room:
            return
        task = asyncio.get_running_loop().create_task(self._run_call(call[:room]))
        self._running[task] = call[:room]
        self._busy += len(call[:room])
        task.add_done_callback(self._free_slots)

    def _free_slots(self, task: asyncio.Task[None]) -> None:
        """Free the slots of a task that is done, once."""
        self._busy -= len(self._running.pop(task, ()))

    def _start_sweep(self, sweep: Sweep) -> None:
        """Raises MessageError where the names of the sweep are none."""
        names = parse_names(sweep)
        if self._pool.sweeper is None or not self._free_sweeps() or self._runtime.stopping.is_set():
            self._answer(return_unasked(sweep))
            return
        task = asyncio.get_running_loop().create_task(self._sweep(self._pool.sweeper, sweep, names))
        self._sweeping[task] = sweep
        task.add_done_callback(lambda done: self._sweeping.pop(done, None))

    async def _run_call(self, call: tuple[Item, ...]) -> None:
        answers = await self._pool.run(call)
        self._free_slots(_this_task())  # before the coordinator can hear of it
        for answer in answers:
            self._answer(answer)

    async def _sweep(self, sweeper: SweepMethod, sweep: Sweep, names: list[str]) -> None:
        answer = await run_sweep(self._runtime, sweeper, sweep, names)
        self._sweeping.pop(_this_task(), None)
        for message in split_answer(answer):
            self._answer(message)

    def _answer(self, answer: Answer | SweepDetails | SweepResult) -> None:
        self._outbox.append(answer)
        if not self._flush_planned:
            self._flush_planned = True
            asyncio.get_running_loop().call_later(0.002, self._flush)

    def _flush(self, *, credit: bool = False) -> bool:
        """Send what waits, and credit if wished; whether a coordinator took it. The rest is kept for the next turn."""
        self._flush_planned = False
        while self._outbox:
            if not self._send_first():
                return False
            credit = False
        return self._bus.send(self._credit()) if credit else True

    def _send_first(self, most: int = BATCH) -> bool:
        """Send what has waited longest, up to `most` answers in one message; or keep it in its place."""
        taken = [self._outbox.popleft()]
        while self._outbox and len(taken) < most and not (isinstance(taken[0], _ALONE) or isinstance(self._outbox[0], _ALONE)):
            taken.append(self._outbox.popleft())
        try:
            if self._bus.send(self._message(taken)):
                return True
        except MessageError as error:
            if len(taken) == 1:
                self._runtime.report(error, attempt=getattr(taken[0], "attempt", ""))
                return True  # dropped: it would stop all that comes after it
            self._outbox.extendleft(reversed(taken))
            return self._send_first(1)
        self._outbox.extendleft(reversed(taken))
        return False

    def _message(
        self, answers: list[Answer | SweepDetails | SweepResult]
    ) -> Results | DeliveryResults | SweepDetails | SweepResult:
        """These answers with fresh credit: either one of a sweep, or any number of others."""
        first = answers[0]
        if isinstance(first, _ALONE):
            return msgspec.structs.replace(first, credit=self._credit())
        return self._pool.batch(self._credit(), cast("tuple[Answer, ...]", tuple(answers)))

    def _free_sweeps(self) -> int:
        """Places for sweeps. One is taken until its answer is sent: that bounds what is kept while no coordinator is there."""
        if self._pool.sweeper is None:
            return 0
        unsent = sum(isinstance(answer, SweepResult) and not answer.returned for answer in self._outbox)
        return max(0, self._pool.sweeper.sweeps - len(self._sweeping) - unsent)

    def _credit(self) -> Credit:
        stopping = self._runtime.stopping.is_set()
        return Credit(
            version=VERSION,
            worker=self._name,
            boot=self._runtime.boot,
            pool=self._pool.name,
            egress=self._runtime.settings.egress_id,
            methods=self._pool.methods,
            slots=self._pool.slots,
            free=0 if stopping else self._pool.slots - self._busy,
            seen=self._seen,
            restarts=self._runtime.restarts,
            sweeps=0 if stopping else self._free_sweeps(),
        )

    async def _drain(self) -> None:
        """Say goodbye, see everything already sent, finish what runs, give the rest back."""
        self._runtime.log.info("draining", running=self._busy + len(self._sweeping))
        self._bus.send(Bye(self._name, self._runtime.boot))
        for _ in range(int(BYE_WAIT / 0.05)):
            if self._last is not None and self._seen >= self._last:
                break
            await asyncio.sleep(0.05)
        if running := [*self._running, *self._sweeping]:
            await asyncio.wait(running, timeout=DRAIN_WAIT)
        for task, call in list(self._running.items()):
            task.cancel()
            for item in call:
                self._answer(self._pool.returned(item))
        for task, sweep in list(self._sweeping.items()):
            task.cancel()
            self._answer(return_unasked(sweep))
        self._flush(credit=True)


def _this_task() -> asyncio.Task[None]:
    return cast("asyncio.Task[None]", asyncio.current_task())


async def run_checkers(
    runtime: Runtime, pool: str, number: int, methods: Methods, slots: int, sweeper: SweepMethod | None = None
) -> None:
    """Run a checker pool: `methods` are asked about single names and calls, `sweeper` about many names at once."""

    async def run(call: Call) -> Sequence[Result]:
        try:
            return await run_call(call, methods)
        except Exception as error:  # noqa: BLE001  # a bug in one method must cost one call, not the pool; it is reported
            method = call[0].method
            runtime.report(error, method=method, domain=call[0].domain)
            bug = unknown_reading(f"{kind_of_method(method)}_bug", f"{type(error).__name__} in the checker")
            return [Result(task.attempt, Observation(method, bug)) for task in call]

    worker = Worker(
        runtime,
        Pool(
            name=pool,
            methods=tuple(sorted(methods.checks)),
            slots=slots,
            split=lambda tasks: split_calls(tasks, methods.batch_checks),
            run=run,
            returned=lambda task: Result(task.attempt, returned=True),
            batch=Results,
            sweeper=sweeper,
        ),
        number,
    )
    await worker.run()


async def run_notifier(
    runtime: Runtime, number: int, handle: Callable[[Delivery], Awaitable[DeliveryResult]], slots: int = 32
) -> None:
    """Run a notifier: `handle` makes one POST and says how it ended."""

    async def run(deliveries: tuple[Delivery, ...]) -> Sequence[DeliveryResult]:
        (delivery,) = deliveries
        try:
            async with asyncio.timeout(delivery.budget_ms / 1000):
                return [await handle(delivery)]
        except TimeoutError:
            return [DeliveryResult(delivery.attempt, error=f"no answer within {delivery.budget_ms} ms")]
        except Exception as error:  # noqa: BLE001  # the delivery is retried; the bug is reported
            runtime.report(error, event_id=delivery.event_id)
            return [DeliveryResult(delivery.attempt, error=f"{type(error).__name__} in the notifier")]

    worker = Worker(
        runtime,
        Pool(
            name="notifier",
            methods=(),
            slots=slots,
            split=lambda deliveries: [(delivery,) for delivery in deliveries],
            run=run,
            returned=lambda delivery: DeliveryResult(delivery.attempt, returned=True),
            batch=DeliveryResults,
        ),
        number,
    )
    await worker.run()
