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


def test_what_was_due_first_is_released_first() -> None:
    """Whatever the order in which the rows came."""
    deliveries = broken(*(notice(f"n{at}", f"n{at}.com", at=float(at)) for at in (-1, -2, -3)))
    assert [row.id for row in deliveries.due_rows(1.0, 1)] == ["n-1"]
    attempt(deliveries, "n-1", 200, 1.0)

    assert [row.id for row in deliveries.due_rows(1.5, 50)][:2] == ["n-3", "n-2"]


def test_a_probe_that_ran_out_of_time_is_due_at_once_when_the_endpoint_is_back() -> None:
    """It used up no attempt, so its schedule has not begun."""
    deliveries = broken(notice("old", "old.com"))
    deliveries.note_sent("old", "t", 1.0)
    row = deliveries.note_lost("t", 26.0)

    assert row is not None
    assert (row.attempts, row.next_at) == (0, 26.0)


def test_a_probe_that_is_handed_back_is_due_at_once() -> None:
    """Though by its own schedule it would wait for longer."""
    deliveries = broken(notice("later", "later.com", at=1e9))
    deliveries.note_sent("later", "t", 1.0)
    deliveries.note_returned("t", 2.0)

    assert deliveries._find_entry("later").row.next_at == 2.0  # type: ignore[union-attr]


def test_after_the_endpoint_was_back_the_oldest_is_probed_first_again() -> None:
    """Turns of the last time count no more."""
    deliveries = broken(notice("old", "old.com"))
    for now, key, status in ((1.0, "old", 500), (3.0, "f0", 200)):
        assert [row.id for row in deliveries.due_rows(now, 50)] == [key]
        attempt(deliveries, key, status, now)
    for n in range(1, 11):
        attempt(deliveries, f"f{n % 9 + 1}", 500, 3.0)

    assert [row.id for row in deliveries.due_rows(4.0, 50)] == ["old"]


def test_a_row_that_is_sent_out_of_turn_takes_no_other_ones_turn() -> None:
    """The next probe is the one whose turn it was."""
    deliveries = broken(notice("old", "old.com"))
    assert [row.id for row in deliveries.due_rows(1.0, 50)] == ["old"]
    attempt(deliveries, "f3", 500, 1.0)

    assert [row.id for row in deliveries.due_rows(3.0, 50)] == ["old"]


def test_a_notice_whose_turn_it_is_waits_for_an_earlier_one_of_its_name() -> None:
    """That came meanwhile: the order of a name holds for probes too."""
    deliveries = broken(notice("later", "a.com", order=2), notice("next", "b.com"))
    assert [row.id for row in deliveries.due_rows(1.0, 50)] == ["later"]
    deliveries.add_delivery(notice("earlier", "a.com", order=1))

    assert [row.id for row in deliveries.due_rows(1.0, 50)] == ["next"]


def test_a_result_that_was_superseded_gives_its_turn_to_the_next() -> None:
    """It is not there any more."""
    deliveries = outbox(*(result(f"r{n}", f"r{n}.com") for n in range(11)))
    for n in range(10):
        attempt(deliveries, f"r{n}", 500, 0.0)
    assert [row.id for row in deliveries.due_rows(1.0, 50)] == ["r0"]
    deliveries.add_delivery(result("newer", "r0.com", order=2))

    assert [row.id for row in deliveries.due_rows(1.0, 50)] == ["r1"]


def test_memory_does_not_grow_while_the_endpoint_is_dead() -> None:
    """Results that come and are superseded for days leave nothing behind."""
    deliveries = broken()
    for n in range(50_000):
        deliveries.add_delivery(result(f"r{n}", f"n{n % 10}.com", order=n, method="dns" if n % 100 else "whois", at=float(n)))
    sizes = [len(deliveries._ready["result"]), sum(map(len, deliveries._queues.values())), len(deliveries._latest)]

    assert max(sizes) < 1300
    assert deliveries.snapshot(0.0)["pending"] <= 10 + 20
