"""Which instance leads which shard of the watch list: how a free shard is taken, and when one is handed over.

Every instance that is alive can lead every shard. A shard that is free is taken at once, by the instance that leads the fewest
before others. Handing a shard over costs seconds in which its names are not looked at, so that waits until nothing has changed
for a while, one shard goes at a time, and only where that brings both instances nearer to each other: shards never go back and
forth. Pure: times come in as arguments, in seconds of any clock that only goes forward.
"""

from __future__ import annotations

from typing import NamedTuple

#: Seconds for which the same instances have been alive, and seconds for which the same ones have led, before a shard goes over.
SETTLED, LEADING = 60.0, 10.0
#: Seconds later that each next instance takes a free shard, where all those before it did not.
STEP = 0.5
#: Seconds for which an instance leaves a shard to others that it handed over, and seconds for which one that did not take it is
#: offered none.
LEFT, FAILED_FOR = 10.0, 3600.0


class View(NamedTuple):
    """The instances that are alive and stay, by name, and which one leads each shard; "" where none does."""

    members: frozenset[str]
    leaders: tuple[str, ...]

    def count_led(self) -> dict[str, int]:
        """How many shards each member leads."""
        return {member: self.leaders.count(member) for member in sorted(self.members)}


class HandOver(NamedTuple):
    """A shard that goes from the member that leads the most to the one that leads the fewest."""

    shard: int
    giver: str
    taker: str


def rank_takers(view: View, shard: int) -> list[str]:
    """The members in the order in which they take a shard if it is free: those that lead the fewest first.

    Free shards before it count as taken by the first in the order for each, so that several are not all taken by one.
    """
    counts = view.count_led()
    for other in range(shard):
        if counts and not view.leaders[other]:
            counts[_order(counts)[0]] += 1
    return _order(counts)


def find_hand_over(view: View, failed: frozenset[str] = frozenset()) -> HandOver | None:
    """The one shard that should go over now; None where they are divided evenly, or one is free or led by an unknown instance.

    `failed` members take none.
    """
    counts = view.count_led()
    takers = [member for member in _order(counts) if member not in failed]
    if not takers or not view.members.issuperset(view.leaders):
        return None
    giver, taker = _order(counts)[-1], takers[0]
    if counts[giver] - counts[taker] < 2:
        return None
    return HandOver(max(shard for shard, leader in enumerate(view.leaders) if leader == giver), giver, taker)


class Balance:
    """What the coordinator of one shard in one instance remembers of how the shards are led."""

    def __init__(self, instance: str, shard: int) -> None:
        self._instance = instance
        self._shard = shard
        self._view: View | None = None
        self._members_since = self._leaders_since = 0.0
        self._before: dict[int, str] = {}  # the last leader of each shard
        self._expected: dict[int, str] = {}  # by shard that is to go over: the member that should take it
        self._failed: dict[str, float] = {}  # until when a member is offered none
        self._left_until = 0.0

    def note_view(self, view: View, now: float) -> None:
        """Note what is seen now."""
        old = self._view
        if old is None or old.members != view.members:
            self._members_since = now
            self._failed = {member: until for member, until in self._failed.items() if member in view.members}
        if old is None or old.leaders != view.leaders:
            self._leaders_since = now
            self._note_leaders(view, now)
        self._view = view
        planned = find_hand_over(view, self._list_failed(now))
        if planned is not None:
            self._expected[planned.shard] = planned.taker

    def is_to_hand_over(self, now: float) -> bool:
        """Whether this instance, which leads this shard, should give it to another one now."""
        if self._view is None or now - self._members_since < SETTLED or now - self._leaders_since < LEADING:
            return False
        planned = find_hand_over(self._view, self._list_failed(now))
        return planned is not None and (planned.shard, planned.giver) == (self._shard, self._instance)

    def note_left(self, now: float) -> None:
        """Note that this instance has given its shard up."""
        self._left_until = now + LEFT
        self._leaders_since = now

    def may_take(self, free_since: float, now: float) -> bool:
        """Whether this instance may take its shard, which has been free since then."""
        if now < self._left_until:
            return False
        if self._view is None:
            return True
        order = rank_takers(self._view, self._shard)
        place = order.index(self._instance) if self._instance in order else len(order)
        return now - free_since >= place * STEP

    def _note_leaders(self, view: View, now: float) -> None:
        """Note which members did not take a shard that was left to them."""
        for shard, leader in enumerate(view.leaders):
            before = self._before.get(shard)
            was_free = self._view is not None and not self._view.leaders[shard]
            if leader and (leader != before or was_free):
                taker = self._expected.get(shard, leader)
                if taker != leader and before in view.members and taker in view.members:
                    self._failed[taker] = now + FAILED_FOR
            if leader:
                self._before[shard] = leader
                self._expected.pop(shard, None)

    def _list_failed(self, now: float) -> frozenset[str]:
        return frozenset(member for member, until in self._failed.items() if now < until)


def _order(counts: dict[str, int]) -> list[str]:
    """The members, those that lead the fewest shards first."""
    return sorted(counts, key=lambda member: (counts[member], member))
