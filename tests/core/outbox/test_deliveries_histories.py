"""The outbox in a world where everything fails: crashes, lost answers, a sick endpoint, and then the reckoning."""

from __future__ import annotations

import random

import pytest

from common.core.model.records import DeliveryRow
from common.core.outbox.deliveries import Deliveries
from tests.core.outbox.posted import notice, result

#: Seconds that an attempt may take.
LEASE = 25.0


class World:
    """A coordinator that writes rows to a store and dies, notifiers that lose or delay attempts, an endpoint with moods."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.now = 0.0
        self.store: dict[str, DeliveryRow] = {}
        self.deliveries = Deliveries(result_limit=20)
        self.orders: dict[tuple[str, str], int] = {}
        self.attempts = 0
        self.in_flight: dict[str, DeliveryRow] = {}
        self.leases: dict[str, float] = {}
        self.received: dict[str, bytes] = {}
        self.arrivals: dict[str, list[int]] = {}
        self.sick = 0.3

    def write(self, *rows: DeliveryRow | None) -> None:
        """One transaction; the body of a row that is there stays, as in the store."""
        for row in rows:
            if row is not None:
                kept = self.store.get(row.id, row).body
                assert kept == row.body
                self.store[row.id] = DeliveryRow(**{name: getattr(row, name) for name in row.__struct_fields__})

    def record(self) -> None:
        """Something happened to a name."""
        lane = self.rng.choice(("notice", "notice", "result"))
        name = f"n{self.rng.randrange(6)}.com"
        order = self.orders[lane, name] = self.orders.get((lane, name), 0) + 1
        make = notice if lane == "notice" else result
        row = make(f"{lane} {name} {order}", name, order, at=self.now)
        self.write(row, *self.deliveries.add_delivery(row))

    def send(self) -> None:
        """Hand out what is due; a place in flight per name and lane at most."""
        for row in self.deliveries.due_rows(self.now, self.rng.randrange(1, 6)):
            self.attempts += 1
            self.deliveries.note_sent(row.id, f"t{self.attempts}", self.now)
            assert row.state == "pending"
            known = (other for key, other in self.in_flight.items() if key in self.deliveries._attempts)
            assert (row.lane, row.domain) not in {(other.lane, other.domain) for other in known}
            self.in_flight[f"t{self.attempts}"] = row
            self.leases[f"t{self.attempts}"] = self.now + LEASE

    def answer(self) -> None:
        """One attempt reaches the endpoint or not, and its outcome reaches us or not."""
        if not self.in_flight:
            return
        attempt = self.rng.choice(list(self.in_flight))
        row = self.in_flight.pop(attempt)
        dice = self.rng.random()
        if dice < self.sick:
            outcome = self.rng.choice((0, 500, 503, 404, "accepted, answer lost", "lost", "returned", "dead"))
        else:
            outcome = 200
        if outcome in {200, "accepted, answer lost"}:
            self.receive(row)
        if outcome == "returned":
            self.deliveries.note_returned(attempt, self.now)
        elif outcome == "dead":
            self.write(self.deliveries.note_lost(attempt, self.now))
        elif isinstance(outcome, int):
            asked = self.rng.choice((None, 3.0))
            self.write(self.deliveries.note_result(attempt, outcome, "trouble", asked, self.now, self.rng))

    def receive(self, row: DeliveryRow) -> None:
        """The endpoint sees each id with one body, and the first sightings of one name's notices in order."""
        assert self.received.setdefault(row.id, row.body) == row.body
        if row.lane == "notice":
            seen = self.arrivals.setdefault(row.domain, [])
            if row.order not in seen:
                assert row.order == len(seen) + 1
                seen.append(row.order)

    def crash(self) -> None:
        """Everything but the store is gone; what the notifiers have in hand still arrives, and its outcome means nothing."""
        self.deliveries = Deliveries(result_limit=20)
        self.leases.clear()
        for row in list(self.store.values()):
            if row.state == "pending":
                self.write(*self.deliveries.add_delivery(DeliveryRow(**{n: getattr(row, n) for n in row.__struct_fields__})))

    def expire(self) -> None:
        """Give up the attempts whose time is over; what was answered before changes nothing any more."""
        for attempt in [attempt for attempt, until in self.leases.items() if until <= self.now]:
            del self.leases[attempt]
            self.write(self.deliveries.note_lost(attempt, self.now))

    def step(self) -> None:
        """Time passes and something happens."""
        self.now += self.rng.choice((0.0, 0.1, 1.0, 10.0))
        moves = ((self.record, 3), (self.send, 6), (self.answer, 8), (self.crash, 0.05))
        self.rng.choices([move for move, _ in moves], [weight for _, weight in moves])[0]()
        self.expire()
        if self.rng.random() < 0.01:
            self.sick = self.rng.choice((0.0, 0.3, 0.9, 1.0))
        self.check()

    def check(self) -> None:
        """Each pending row of the store is in the outbox, and only those."""
        pending = {key for key, row in self.store.items() if row.state == "pending"}
        assert pending == {key for lane in self.deliveries._lanes.values() for key in lane}


@pytest.mark.parametrize("seed", range(12))
def test_no_notice_is_lost_or_reordered_whatever_happens(seed: int) -> None:
    """Thousands of random steps with crashes, lost answers and a sick endpoint; when that ends, everything has arrived."""
    world = World(seed)
    for _ in range(1500):
        world.step()
    world.sick = 0.0
    for _ in range(20_000):
        if not any(row.state == "pending" for row in world.store.values()):
            break
        world.now += 1.0
        world.send()
        world.answer()
        world.expire()

    notices = {key for key in world.store if key.startswith("notice")}
    assert len(notices) > 100
    assert notices <= set(world.received)
    assert {world.store[key].state for key in notices} == {"done"}
    assert {row.state for row in world.store.values()} <= {"done", "superseded"}
