"""An instance among the others of its store: it announces itself, and has its INSTANCE_ID for itself."""

from __future__ import annotations

import asyncio
import os
import secrets
import threading
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from common import instances, version
from common.clock import monotonic, now
from common.config import Settings
from common.errors import InstanceTaken, StoreError
from common.instances import FORGOTTEN_AFTER, Instance
from common.process import Runtime
from common.store.member_contract import (
    ANNOUNCE_EVERY,
    KEPT_FOR,
    Holder,
    Member,
    Members,
    SharedMembers,
    Shown,
    ShownShard,
    other_names,
)

#: Tells the run of this process from earlier ones, which may have died without taking their announcement back.
INCARNATION = secrets.token_hex(8)
#: Seconds until an announcement that failed or was refused is tried again, and seconds that the end of the thread may take.
RETRY_EVERY, STOP_LIMIT = 1.0, 5.0
#: Seconds between two looks which other instances there are: one that joins must be known before the store may go away.
LOOK_EVERY = 1.0
#: Seconds within which what a process sent before it died may still arrive.
IN_FLIGHT = 1.0
#: Longest name of a host that is announced.
HOST_LIMIT = 253


class Claim:
    """Tells an instance that lives under our name from the announcement of one that died: only the first is renewed."""

    def __init__(self) -> None:
        self._first: Holder | None = None
        self._alive = False

    @property
    def is_new(self) -> bool:
        """Whether no other incarnation was seen to have our name."""
        return self._first is None

    def is_alive(self, holder: Holder) -> bool:
        """Note which incarnation has our name, and whether it is certain that it lives."""
        if self._first is None:
            self._first = holder
        self._alive = self._alive or holder.seen_at - self._first.seen_at > IN_FLIGHT
        return self._alive

    def clear(self) -> None:
        """The name is ours."""
        self._first, self._alive = None, False


class Membership:
    """Announces the instance of a coordinator until it is closed, from a thread of its own: a start may hold the loop up.

    `others`: the other instances that were there when the store was read last; None where that is not known.
    """

    def __init__(self, runtime: Runtime, members: Members, incarnation: str = INCARNATION) -> None:
        self._runtime = runtime
        self._members = members
        self._incarnation = incarnation
        self._claim = Claim()
        self._failing = False
        self.others: frozenset[str] | None = None
        self._loop = asyncio.get_running_loop()
        self._taken: asyncio.Future[None] = self._loop.create_future()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._announce_until_closed, name="member", daemon=True)

    async def join(self) -> None:
        """Wait until no other instance has our name, or until told to stop, and announce this one from now on.

        Where the store cannot be reached that is for the coordinator to say: a name that is taken is noticed later.
        """
        while not self._runtime.stopping.is_set():
            self._runtime.beat()
            try:
                holder = await asyncio.to_thread(self._announce)
            except StoreError as error:
                self._note_failure(error)
                break
            if holder is None:
                break
            self._note_holder(holder)
            with suppress(TimeoutError):
                async with asyncio.timeout(RETRY_EVERY):
                    await self._runtime.stopping.wait()
        self._runtime.waiting_until = None
        self._thread.start()

    async def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Do the work of the coordinator for as long as no other instance has our name. Raises InstanceTaken."""
        working = self._loop.create_task(work)
        try:
            await asyncio.wait({working, self._taken}, return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                self._taken.result()
            await working
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)

    def close(self) -> None:
        """Announce nothing more. An instance that was told to stop is no member from now on; one that failed comes back."""
        self._closed.set()
        if self._thread.is_alive():
            self._thread.join(STOP_LIMIT)
        if not self._taken.cancel():
            self._taken.exception()  # seen: the run ended before
        if self._runtime.stopping.is_set():
            with suppress(StoreError):
                self._members.withdraw(self._describe())
        self._members.close()

    def _announce(self) -> Holder | None:
        """Announce this instance. One that leads also removes those that are gone."""
        member = self._describe()
        holder = self._members.announce(member)
        if holder is None:
            self._claim.clear()
            if member.shown.leader == member.name:
                self._members.forget(FORGOTTEN_AFTER)
            self._note_others()
        return holder

    def _note_others(self) -> None:
        if isinstance(self._members, SharedMembers):
            self.others = other_names(self._members.roster(), self._runtime.settings.instance_id)

    def _rest(self, seconds: float) -> bool:
        """Wait until the next announcement, and look which others there are meanwhile; whether this was closed."""
        until = monotonic() + seconds
        while (left := until - monotonic()) > 0:
            if self._closed.wait(min(left, LOOK_EVERY)):
                return True
            if until - monotonic() > 0:
                with suppress(StoreError):  # the next announcement says so
                    self._note_others()
        return self._closed.is_set()

    def _announce_until_closed(self) -> None:
        wait = ANNOUNCE_EVERY
        while not self._rest(wait):
            wait = RETRY_EVERY
            try:
                holder = self._announce()
            except StoreError as error:
                self._note_failure(error)
                continue
            if holder is None:
                wait, self._failing = ANNOUNCE_EVERY, False
            elif self._claim.is_alive(holder):
                self._loop.call_soon_threadsafe(self._end_run, self._explain(holder))
                return

    def _describe(self) -> Member:
        settings = self._runtime.settings
        return describe_member(settings, self._incarnation, instances.read_instance(settings.instance_dir), now())

    def _note_failure(self, error: StoreError) -> None:
        if not self._failing:
            self._runtime.log.warning("instance_not_announced", error=str(error))
        self._failing = True

    def _note_holder(self, holder: Holder) -> None:
        """Say in the log, and once it is certain by the heartbeat in /health, why this instance waits."""
        if self._claim.is_new:
            self._runtime.log.info("instance_waits", host=holder.host, reason="an earlier run may still have this INSTANCE_ID")
        if self._claim.is_alive(holder):
            error = self._explain(holder)
            if self._runtime.waiting_until is None:
                self._runtime.log.error("instance_taken", reason=str(error))
            self._runtime.fail(error)
            self._runtime.waiting_until = now() + KEPT_FOR

    def _explain(self, holder: Holder) -> InstanceTaken:
        own = self._runtime.settings.instance_id
        where = f" on {holder.host}" if holder.host else ""
        return InstanceTaken(f"INSTANCE_ID {own!r} is in use by another instance{where}: set another one for this instance")

    def _end_run(self, error: InstanceTaken) -> None:
        if not self._taken.done():
            self._taken.set_exception(error)


def describe_member(settings: Settings, incarnation: str, found: Instance | None, present: float) -> Member:
    """What an instance announces at `present`, in epoch seconds; `found` is what its directory shows."""
    shown = Shown(host=os.uname().nodename[:HOST_LIMIT])
    if found is not None:
        first, *others = (_describe_shard(found, shard, present) for shard in range(settings.shards))
        shown = Shown(
            host=shown.host,
            processes=found.processes,
            stopping=found.stopping,
            leader=first.leader,
            epoch=first.epoch,
            heard_ago=max(0.0, present - found.heard_at),
            coordinator_ago=first.coordinator_ago,
            coordinator_started_at=first.coordinator_started_at,
            shards=tuple(others),
        )
    started_at = present if found is None else found.started_at
    return Member(settings.instance_id, incarnation, settings.egress_id, version.current(), started_at, shown)


def _describe_shard(found: Instance, shard: int, present: float) -> ShownShard:
    leader, coordinator = found.leaders.get(shard), found.coordinators.get(shard)
    return ShownShard(
        shard,
        leader="" if leader is None else leader.instance,
        epoch=0 if leader is None else leader.epoch,
        coordinator_ago=None if coordinator is None else max(0.0, present - coordinator.at),
        coordinator_started_at=0.0 if coordinator is None else coordinator.started_at,
    )
