"""Slots of the notifiers: results leave some free for notices."""

from __future__ import annotations

from tests.core.outbox.posted import ids, notice, outbox, result


def test_results_leave_slots_free_for_notices() -> None:
    """A notice that comes while results are on their way does not wait for one of them to end."""
    box = outbox(*(result(f"r{number}", f"{number}.com") for number in range(20)))
    first = ids(box.due_rows(0.0, 8, reserved=2))
    assert len(first) == 6
    for key in first:
        box.note_sent(key, f"attempt {key}", 0.0)
    assert box.due_rows(0.0, 2, reserved=2) == []

    box.add_delivery(notice("n"))
    assert ids(box.due_rows(0.0, 2, reserved=2)) == ["n"]


def test_notices_may_take_every_slot() -> None:
    """Reserved slots are reserved for them; results get what is left of the others."""
    box = outbox(*(notice(f"n{number}", f"{number}.com") for number in range(7)), result("r", "z.com"))

    assert len(box.due_rows(0.0, 4, reserved=2)) == 4
    assert ids(box.due_rows(0.0, 9, reserved=2))[:7] == [f"n{number}" for number in range(7)]
    assert "r" not in ids(box.due_rows(0.0, 9, reserved=2))
    assert "r" in ids(box.due_rows(0.0, 10, reserved=2))
