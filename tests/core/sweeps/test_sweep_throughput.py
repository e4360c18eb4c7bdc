"""How many names a second leave in sweeps, in virtual time: what budgets allow is reached with the places that a worker has."""

from __future__ import annotations

import heapq

import pytest
from msgspec import structs

from common.core.model.ids import NEVER
from common.core.model.limit import Limit
from common.core.rate_limits.bucket import DEEP
from common.core.sweeps.sweep_dispatch import SHORTEST
from common.messages import Credit, Sweep
from tests.core.checks.checks_room import NOW, credit
from tests.core.sweeps.sweeps_room import SweepsRoom

#: Seconds from the last query of a sweep to its result.
ROUND_TRIP = 0.1
#: Seconds that are not measured.
WARM = 2.0
#: Seconds between two turns of the coordinator's loop, at least.
TURN = 0.02


class BusyRoom(SweepsRoom):
    """A room whose one fast worker has so many places, and needs as long for a sweep as its pace says."""

    def __init__(self, places: int, ceiling: float) -> None:
        super().__init__(limits={"*": Limit("*", 2.0, 5, ceiling=ceiling)})
        self.places, self.seen, self.asked = places, 0, 0
        self.under_way: list[tuple[float, int, str, int]] = []

    def climb(self, suffix: str, addresses: int) -> None:
        """Let the pace of a suffix be at its ceiling."""
        self.registries.note_address_count(suffix, addresses)
        bucket = self.rate_limits.budgets._bucket_now(self.zone_limit(suffix), "default", NOW)
        bucket.rate = bucket.ceiling

    def run(self, seconds: float) -> float:
        """Names a second that were answered, after two seconds in which tokens come together."""
        now, self.asked = NOW, 0
        self.workers.note_credit(self._credit(), NOW)
        while now < NOW + WARM + seconds:
            self.dispatch.send_ready_sweeps(now)
            for _, sweep in self.sent_sweeps():
                self._start(sweep, now)
            wake = min(self.queues.wake, self.under_way[0][0] if self.under_way else NEVER)
            now = max(now + TURN, wake)  # the coordinator's loop turns fifty times a second at most
            while self.under_way and self.under_way[0][0] <= now:
                _, _, attempt, count = heapq.heappop(self.under_way)
                self.asked += count if now >= NOW + WARM else 0
                self.workers.note_credit(self._credit(), now)
                self.workers.finish_lease(attempt, self._credit())
        return self.asked / seconds

    def _start(self, sweep: Sweep, now: float) -> None:
        assert sweep.pace is not None
        self.seen = max(self.seen, sweep.seq)
        seconds = sweep.count / (sweep.pace * self.registries.address_count(sweep.suffix))
        heapq.heappush(self.under_way, (now + seconds + ROUND_TRIP, sweep.seq, sweep.attempt, sweep.count))

    def _credit(self) -> Credit:
        return structs.replace(credit("fast", sweeps=self.places - len(self.under_way)), seen=self.seen)


def test_one_suffix_at_1300_a_second_needs_no_more_than_four_places() -> None:
    """Three of them: one is kept for names with priority."""
    room = BusyRoom(4, ceiling=50.0)
    room.climb("com", 26)
    room.queue_names(50_000)

    assert room.run(20.0) == pytest.approx(1300, rel=0.1)


def test_twenty_suffixes_at_500_a_second_each_are_served_side_by_side() -> None:
    """Sixteen places, as the DNS checker has, for 10,000 names a second; none of them waits for the others."""
    room = BusyRoom(16, ceiling=125.0)
    suffixes = [f"zone{number}" for number in range(20)]
    for suffix in suffixes:
        room.climb(suffix, 4)
        room.queue_names(7000, suffix)

    assert room.run(10.0) == pytest.approx(10_000, rel=0.1)
    left = [len(queue) for _, queue in room.queues.all_queues()]
    assert max(left) < 2.5 * min(left)


def test_a_sweep_is_paced_by_what_was_learned() -> None:
    """Each address gets what the climbed rate gives it, or a sweep's tokens within half a second."""
    room = BusyRoom(4, ceiling=50.0)
    room.climb("com", 26)
    room.fill_budget(room.zone_limit())
    room.queue_names(4000)
    room.dispatch.send_ready_sweeps(NOW + 10)
    (_, sweep), *_ = room.sent_sweeps()

    assert sweep.count == DEEP * 1300
    assert sweep.pace == pytest.approx(DEEP * 50.0 / SHORTEST)
    assert sweep.budget_ms == 23_000
