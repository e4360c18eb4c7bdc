"""The outbox and a dead endpoint: it is probed, gets peace, and when it is back everything is released gently."""

from __future__ import annotations

from tests.core.outbox.posted import attempt, broken, notice, outbox, result


def test_a_dead_endpoint_is_probed_with_the_oldest_first() -> None:
    """One attempt at a time, each with another event; they use up no attempts, and nothing else moves."""
    deliveries = broken(notice("old", "old.com"), notice("old too", "old.com", order=2))
    probes, attempts = [], []
    for now in range(1, 121):
        for row in deliveries.due_rows(now, 50):
            probes.append((now, row.id))
            attempts.append(attempt(deliveries, row.id, 0, now).attempts)

    moments = [1, 3, 7, 15, 30, 45, 60, 75, 90, 105, 120]
    assert probes == list(zip(moments, ["old", *(f"f{n}" for n in range(10))], strict=True))
    assert attempts == [0] + [1] * 10
    assert deliveries.snapshot(121)["circuit_open_until"] == 135


def test_one_event_that_is_never_accepted_does_not_keep_the_circuit_open() -> None:
    """The probes take turns, so a good one gets through and the rest is released."""
    deliveries = outbox(*(notice(f"bad{n}", f"bad{n}.com") for n in range(10)), notice("good", "good.com"))
    for n in range(10):
        attempt(deliveries, f"bad{n}", 422, 0.0)
    now = 0.0
    while deliveries.circuits["notice"].is_open:
        now += 15.0
        for row in deliveries.due_rows(now, 50):
            attempt(deliveries, row.id, 200 if row.id == "good" else 422, now)

    assert now <= 11 * 15.0
    assert deliveries.snapshot(now)["done"] == 1


def test_when_the_endpoint_is_back_everything_is_released_gently() -> None:
    """Also what waited for a later retry; ten in the first second, then more and more."""
    deliveries = broken(*(notice(f"n{n}", f"n{n}.com") for n in range(500)))
    for row in deliveries._lanes["notice"].values():
        row.row.next_at = 1e9
    now, sent = 15.0, {}
    attempt(deliveries, deliveries.due_rows(now, 50)[0].id, 200, now)
    while deliveries.snapshot(now)["pending"]:
        now += 0.1
        rows = deliveries.due_rows(now, 50)
        for row in rows:
            attempt(deliveries, row.id, 200, now)
        sent[int(now)] = sent.get(int(now), 0) + len(rows)

    assert sent[15] <= 11
    assert sum(sent.values()) == 509
    assert sent[25] > 1.5 * sent[16]
    assert now < 15 + 40


def test_memory_does_not_grow_while_the_endpoint_is_dead() -> None:
    """Results that come and are superseded for days leave nothing behind."""
    deliveries = broken()
    for n in range(50_000):
        deliveries.add_delivery(result(f"r{n}", f"n{n % 10}.com", order=n, method="dns" if n % 100 else "whois", at=float(n)))
    sizes = [len(deliveries._ready["result"]), sum(map(len, deliveries._queues.values())), len(deliveries._latest)]

    assert max(sizes) < 1300
    assert deliveries.snapshot(0.0)["pending"] <= 10 + 20
