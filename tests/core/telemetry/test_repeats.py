"""A log line that repeats: written once, then counted."""

from __future__ import annotations

from common.core.telemetry.repeats import EVERY, Repeats


def test_a_run_of_the_same_line_is_written_once_and_then_counted() -> None:
    """The first at once, the others once a minute, and after a minute without any the next is a first again."""
    repeats = Repeats()

    assert [repeats.note(0.0), repeats.note(1.0), repeats.note(2.0)] == [True, False, False]
    assert [repeats.due(EVERY - 1), repeats.due(EVERY), repeats.due(EVERY + 1)] == [0, 2, 0]
    assert repeats.due(2 * EVERY) == 0
    assert repeats.note(2 * EVERY + 1)
