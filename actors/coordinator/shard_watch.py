"""What the coordinator of one of several shards sees of the others: which instances are alive, and which leads what.

From that follow when it takes its shard, when it hands it over, and whether INSTANCE_ID is its own: the coordinator of the
first shard announces that for all of an instance.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from actors.coordinator.membership import Claim
from common.clock import monotonic, now
from common.errors import InstanceTaken, StoreError
from common.process import Runtime
from common.processes.balance import Balance, View
from common.store.file_members import read_member
from common.store.member_contract import KEPT_FOR, Holder, Roster, SeenMember, other_names
from common.store.shard_view import ShardView, ShardViews

#: Seconds between two looks.
LOOK_EVERY = 1.0
#: Seconds for which an instance that is not announced waits for the coordinator of its first shard.
UNANNOUNCED = 30.0
#: Looks in a row at which another incarnation has our name before it counts as another instance.
STRANGE = 3


class ShardWatch:
    """Looks again and again, beside the work of a coordinator. `hand_over` is set when its shard should go to another one.

    `others`: the other instances that were there at the last look that went well; None before one did.
    """

    def __init__(self, runtime: Runtime, views: ShardViews) -> None:
        self.hand_over = asyncio.Event()
        self.others: frozenset[str] | None = None
        self._runtime = runtime
        self._views = views
        settings = runtime.settings
        self._balance = Balance(settings.instance_id, settings.shard)
        self._claim = Claim()
        self._strange = 0  # looks in a row at which another incarnation had our name
        self._leads = False
        self._failing = False

    async def join(self) -> None:
        """Wait until this instance has its name, or until told to stop.

        Where the store cannot be reached that is for the coordinator to say: a name that is taken is noticed later.
        """
        began = monotonic()
        while not self._runtime.stopping.is_set():
            view = await self._read()
            if view is None:
                break
            self._balance.note_view(to_view(view), monotonic())
            holder = find_holder(view.roster, self._runtime.settings.instance_id)
            if holder is not None and self._is_own(holder):
                break
            if holder is not None:
                self._note_holder(holder)
            if holder is None and monotonic() - began > UNANNOUNCED:
                break
            await self._runtime.rest(LOOK_EVERY)
        if self._runtime.waiting_until is not None:
            self._runtime.recover()

    async def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Do the work of the coordinator for as long as this instance has its name. Raises InstanceTaken."""
        working, looking = asyncio.create_task(work), asyncio.create_task(self._look())
        try:
            await asyncio.wait({working, looking}, return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                looking.result()
            await working
        finally:
            working.cancel()
            looking.cancel()
            await asyncio.gather(working, looking, return_exceptions=True)

    def may_take(self, free_since: float) -> bool:
        """Whether it is our turn to take our shard, which has been free since then."""
        return self._balance.may_take(free_since, monotonic())

    def begin_leading(self) -> None:
        """Our shard is led by this coordinator from now on."""
        self.hand_over.clear()
        self._leads = True

    def end_leading(self) -> None:
        """It is led no more. Where it is handed over, others take it first."""
        self._leads = False
        if self.hand_over.is_set():
            self._balance.note_left(monotonic())

    def close(self) -> None:
        """Release the connection."""
        self._views.close()

    async def _look(self) -> None:
        """Look until that is cancelled. Raises InstanceTaken."""
        while True:
            view = await self._read()
            if view is not None:
                self._balance.note_view(to_view(view), monotonic())
                holder = find_holder(view.roster, self._runtime.settings.instance_id)
                self._require_name(holder)
                if self._leads and not self.hand_over.is_set() and self._balance.is_to_hand_over(monotonic()):
                    self._runtime.log.info("shard_handed_over", shard=self._runtime.settings.shard)
                    self.hand_over.set()
            await asyncio.sleep(LOOK_EVERY)

    async def _read(self) -> ShardView | None:
        try:
            view = await asyncio.to_thread(self._views.read)
        except StoreError as error:
            if not self._failing:
                self._runtime.log.warning("shards_unreadable", error=str(error))
            self._failing = True
            return None
        self._failing = False
        self.others = other_names(view.roster, self._runtime.settings.instance_id)
        return view

    def _is_own(self, holder: SeenMember) -> bool:
        """Whether the announcement is of a run in our own directory."""
        noted = read_member(self._runtime.settings.instance_dir)
        return noted is not None and noted.incarnation == holder.member.incarnation

    def _require_name(self, holder: SeenMember | None) -> None:
        """Raise InstanceTaken where another instance has our name for good: a run of ours is noted after its announcement."""
        if not self._runtime.settings.shard:
            return
        self._strange = self._strange + 1 if holder is not None and not self._is_own(holder) else 0
        if holder is not None and self._strange >= STRANGE:
            raise explain_taken(holder)

    def _note_holder(self, holder: SeenMember) -> None:
        """Once it is certain, say by the heartbeat, and so in /health, why this coordinator waits.

        That of the first shard says it in the log.
        """
        member = holder.member
        if self._claim.is_alive(Holder(member.incarnation, member.shown.host, holder.seen_at)):
            self._runtime.fail(explain_taken(holder))
            self._runtime.waiting_until = now() + KEPT_FOR


def to_view(view: ShardView) -> View:
    """The instances that were heard within the time for which their name is kept, and do not stop."""
    present = view.roster.now or 0.0
    alive = [
        seen.member.name
        for seen in view.roster.members
        if abs(present - seen.seen_at) <= KEPT_FOR and not seen.member.shown.stopping
    ]
    return View(frozenset(alive), view.leaders)


def find_holder(roster: Roster, name: str) -> SeenMember | None:
    """The announcement under a name."""
    return next((seen for seen in roster.members if seen.member.name == name), None)


def explain_taken(holder: SeenMember) -> InstanceTaken:
    """The error of a coordinator whose instance's name another one has."""
    member = holder.member
    where = f" on {member.shown.host}" if member.shown.host else ""
    return InstanceTaken(f"INSTANCE_ID {member.name!r} is in use by another instance{where}: set another one for this instance")
