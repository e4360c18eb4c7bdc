"""The host of the core: a thin loop around `common.core.coordinator.coordinator`.

Receives from the inbox, timers, the store thread and the list thread; hands each to `handle`; performs what comes back, once
it is certain that no other instance leads: what follows from a commit that came too late, in a file that another instance has
left (`common.store.generations`), is never said.
Anything that fails here ends this run; the restart loop starts again from the store, where the truth is.
"""

from __future__ import annotations

import asyncio
import gc
import random
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, TypeVar

from actors.coordinator.beating import run_with_heartbeat
from actors.coordinator.lease_keeper import LeaseKeeper
from actors.coordinator.list_sources import ListSource, note_list_call, refresh_directory
from actors.coordinator.loop_delay import SlowTurns, StallWatch
from actors.coordinator.store_calls import StoreCalls
from actors.coordinator.store_upkeep import Upkeep
from common.bus import CoordinatorBus
from common.clock import monotonic, now
from common.codec import decode_upward
from common.core.coordinator.coordinator import Coordinator
from common.core.coordinator.inputs import (
    DirectoryChanged,
    Draining,
    Input,
    ListEnd,
    ListFailed,
    ListRead,
    Measure,
    Measured,
    MessageArrived,
    Restored,
    SendFailed,
    Tick,
    WorkerLeft,
)
from common.core.model.effects import (
    Commit,
    Effect,
    FetchDelivery,
    FetchDetails,
    LeaveList,
    LogLine,
    Publish,
    PublishMany,
    ReloadList,
    Send,
    TakeList,
)
from common.core.shards.layout import ONE_SHARD, Layout
from common.core.telemetry.repeats import Repeats
from common.core.workers.senders import name_without_key
from common.core_settings import build_policy, missing_settings
from common.errors import ListError, MessageError, StoreError
from common.messages import Promise
from common.process import Runtime
from common.registry_directory import load_directory
from common.store.store_contract import Writer

T = TypeVar("T")

#: Seconds that a stopping coordinator waits for results of what it handed out.
DRAIN = 5.0
#: A turn of the core that takes so many seconds is logged: every process waits for it.
SLOW = 0.1
#: Names of a new list that may wait to be written before the next piece is taken, and seconds between two looks.
MOST_UNWRITTEN, UNWRITTEN_LOOK = 20_000, 0.02


class Host:
    """Holds the core and everything it acts through."""

    def __init__(
        self,
        runtime: Runtime,
        store: Writer,
        threads: ThreadPoolExecutor,
        core: Coordinator,
        keeper: LeaseKeeper,
        layout: Layout,
    ) -> None:
        self._runtime = runtime
        self._keeper = keeper
        self._layout = layout
        self._store = store
        self._threads = threads
        self._core = core
        self._bus = CoordinatorBus(runtime.settings, keeper.leader.epoch, outside=keeper.leader.outside)
        self._loop = asyncio.get_running_loop()
        self._failed: asyncio.Future[None] = self._loop.create_future()
        self._calls = StoreCalls(runtime, store, threads, keeper, self.handle)
        keeper.follow(self._fail, self._calls.end_calls)
        self._timer: asyncio.TimerHandle | None = None
        self._ticking = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._reload = asyncio.Event()
        self._upkeep = Upkeep(store, threads, self._calls.readers, self._measure)
        self._taken = False  # what the core said to the list that was read
        self._bad = Repeats()  # frames that are no messages
        self._stalls = StallWatch(self._measure)
        self._slow = SlowTurns()
        self._actions: dict[type, Callable[[Any], None]] = {
            Send: self._send,
            Commit: lambda command: self._spawn(self._calls.commit(command)),
            Publish: self._publish,
            PublishMany: self._publish_many,
            LogLine: self._write_log_line,
            ReloadList: lambda _: self._reload.set(),
            TakeList: lambda _: self._answer_list(taken=True),
            LeaveList: lambda _: self._answer_list(taken=False),
            FetchDetails: lambda command: self._spawn(self._calls.fetch_details(command)),
            FetchDelivery: lambda command: self._spawn(self._calls.fetch_delivery(command)),
        }

    @classmethod
    async def start(
        cls, runtime: Runtime, store: Writer, threads: ThreadPoolExecutor, keeper: LeaseKeeper, layout: Layout = ONE_SHARD
    ) -> Host:
        """Load the state and build the core around it; `layout`: how the watch list is divided."""
        settings = runtime.settings
        directory = load_directory(settings)
        rng = random.Random()  # noqa: S311  # canary labels and jitter, nothing secret
        policy = build_policy(settings, keeper.leader.epoch, layout)
        core = Coordinator(policy, directory, keeper.leader.boot, rng, now())
        began = monotonic()
        loaded = await run_with_heartbeat(keeper.beat, threads, store.load)
        names, looks = _with_heartbeat(loaded.names, keeper), _with_heartbeat(loaded.looks, keeper)
        gc.disable()  # a start makes millions of objects and no cycle: looking for one costs a tenth of it
        try:
            planned = core.handle(Restored(replace(loaded, names=names, looks=looks)), now())
        finally:
            gc.enable()
        runtime.log.info(
            "state_loaded", domains=core.watched_count, next_seq=loaded.next_seq, seconds=round(monotonic() - began, 2)
        )
        for sentence in missing_settings(settings):
            runtime.log.warning("not_configured", what=sentence)
        host = cls(runtime, store, threads, core, keeper, layout)
        host._perform(planned)
        return host

    async def run(self, hand_over: asyncio.Event | None = None) -> None:
        """Serve until told to stop, or to hand over, or something breaks, then drain."""
        self._bus.attach(self._receive_frame, lambda _: None, self._note_worker_left)
        self._spawn(self._follow_list())
        self._spawn(self._follow_directory())
        self._spawn(self._upkeep.prune(self._runtime.settings.ledger_retention))
        self._spawn(self._upkeep.pack())
        self._spawn(self._upkeep.verify())
        self._spawn(self._calls.follow_spool())
        self._spawn(self._calls.take_over())
        self._tick()
        self._keeper.end_start()
        asked = [event for event in (self._runtime.stopping, hand_over) if event is not None]
        ending = {self._loop.create_task(event.wait()) for event in asked}
        try:
            done: set[asyncio.Future[Any]] = {*ending, self._failed}
            await asyncio.wait(done, return_when=asyncio.FIRST_COMPLETED)
            if self._failed.done():
                self._failed.result()
            await self._drain()
        finally:
            for waiting in ending:
                waiting.cancel()
            if self._timer is not None:
                self._timer.cancel()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            self._stalls.close()
            self._calls.close()
            self._bus.close()

    def handle(self, event: Input) -> None:
        """Give the core one event and do what it says."""
        began = monotonic()
        try:
            self._perform(self._core.handle(event, now()))
        except Exception as error:  # noqa: BLE001  # memory may be half changed: end this run and start again from the store
            self._fail(error)
            return
        ended = monotonic()
        if ended - began >= SLOW and (fields := self._slow.note(type(event).__name__, ended - began, ended)) is not None:
            self._runtime.log.warning("slow_turn", **fields)
        if not isinstance(event, Tick):
            self._tick_soon()

    def _measure(self, measured: Measured) -> None:
        """Let the core keep a measurement of the host's own work."""
        self._perform(self._core.handle(measured, now()))

    def _perform(self, commands: list[Effect]) -> None:
        """Carry out what the core says, unless another instance leads: what this one says would count no more."""
        if commands and not self._keeper.is_certain():
            try:
                self._keeper.verify()
            except StoreError as error:
                self._fail(error)
                return
        for command in commands:
            self._actions[type(command)](command)

    def _fail(self, error: BaseException) -> None:
        if not self._failed.done():
            self._failed.set_exception(error)

    # -- inputs ----------------------------------------------------------------------------------------------------------

    def _receive_frame(self, frame: bytes, mark: str) -> None:
        try:
            message = decode_upward(frame)
        except MessageError as error:
            self._measure(Measured(Measure.COUNT, "bad_messages"))
            if self._bad.note_repeat(monotonic()):
                self._runtime.log.error("bad_message", error=str(error), bytes=len(frame))
            return
        if isinstance(message, Promise) and not mark:
            self._keeper.note_promise(message)
        else:
            self.handle(MessageArrived(message, mark))

    def _note_worker_left(self, topic: bytes) -> None:
        worker, _, boot = topic.decode("utf-8", "replace").rstrip(";").partition("#")
        self.handle(WorkerLeft(worker, boot))

    def _tick_soon(self) -> None:
        """One tick after everything that arrived in this turn of the loop."""
        if not self._ticking:
            self._ticking = True
            self._loop.call_soon(self._tick)

    def _tick(self) -> None:
        self._ticking = False
        self._keeper.beat()
        if more := self._bad.count_due(monotonic()):
            self._runtime.log.error("bad_messages", count=more)
        self.handle(Tick())
        if self._timer is not None:
            self._timer.cancel()
        moment = now()
        self._timer = self._loop.call_later(max(0.0, self._core.next_wake(moment) - moment), self._tick)

    # -- actions ---------------------------------------------------------------------------------------------------------

    def _send(self, command: Send) -> None:
        if not self._bus.send(name_without_key(command.worker), command.boot, command.message) and command.attempts:
            self.handle(SendFailed(command.attempts))

    def _publish(self, command: Publish) -> None:
        if self._bus.feed.has_subscriber(command.topic):
            self._publish_message(command.topic, command.build())

    def _publish_many(self, command: PublishMany) -> None:
        if self._bus.feed.has_subscriber_below(command.prefix):
            for topic, payload in command.build():
                if self._bus.feed.has_subscriber(topic):
                    self._publish_message(topic, payload)

    def _publish_message(self, topic: str, payload: dict[str, Any]) -> None:
        try:
            self._bus.feed.publish(topic, payload)
        except MessageError as error:  # the feed may lose messages; ending the run would lose all of them
            self._runtime.log.error("feed_message_lost", topic=topic, error=str(error))

    def _answer_list(self, *, taken: bool) -> None:
        self._taken = taken

    def _write_log_line(self, command: LogLine) -> None:
        self._runtime.log.say(command.level, command.event, command.fields)

    # -- beside the loop -------------------------------------------------------------------------------------------------

    def _spawn(self, work: Any) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fail(error)

    async def _follow_list(self) -> None:
        settings = self._runtime.settings
        source = ListSource(settings, layout=self._layout)
        try:
            while True:
                self._reload.clear()
                await self._wait_until_written(0)  # the list is compared with what is stored
                await self._read_list(source)
                try:
                    async with asyncio.timeout(settings.domain_api_refresh_interval):
                        await self._reload.wait()
                except TimeoutError:
                    continue
        finally:
            await source.close()

    async def _read_list(self, source: ListSource) -> None:
        """Read the list once and take over its difference, no faster than it can be written."""
        self._taken = False
        began = monotonic()
        event = await source.read()
        if self._runtime.settings.domain_api_url:
            note_list_call(self._measure, event, monotonic() - began)
        if isinstance(event, ListFailed) and self._runtime.stopping.is_set():
            return  # what stops us ends the reader too: no fault of the list
        self.handle(event)
        if not isinstance(event, ListRead):
            return
        if not self._taken:
            await source.leave()
            return
        try:
            async for part in source.parts():
                self.handle(part)
                await self._wait_until_written(MOST_UNWRITTEN)
        except ListError as error:
            if not self._runtime.stopping.is_set():
                self.handle(ListFailed(str(error), source.source))
        else:
            self.handle(ListEnd())
            await self._wait_until_written(0)
            self._upkeep.tidy.set()

    async def _wait_until_written(self, most: int) -> None:
        """Until no more than so many changes to names wait to be written."""
        while self._core.count_unwritten() > most:  # noqa: ASYNC110  # the core has no events, and is not to be slowed by one
            await asyncio.sleep(UNWRITTEN_LOOK)

    async def _follow_directory(self) -> None:
        async for directory in refresh_directory(self._runtime, self._core.directory):
            self.handle(DirectoryChanged(directory))

    async def _drain(self) -> None:
        """Hand out nothing more, take the results that still come, write everything."""
        self._runtime.log.info("draining", leased=self._core.lease_count)
        self.handle(Draining())
        for _ in range(int(DRAIN / 0.05)):
            if not self._core.lease_count:
                break
            await asyncio.sleep(0.05)
        self.handle(Tick())
        while not self._core.is_settled():
            await asyncio.sleep(0.02)
            self.handle(Tick())
            if self._failed.done():
                self._failed.result()


def _with_heartbeat(rows: Iterable[T], keeper: LeaseKeeper) -> Iterator[T]:
    """The rows of a start that may take seconds, with a sign of life for each."""
    for row in rows:
        keeper.beat()
        yield row
