"""What happens over and over is told once at once, and then as a number once a minute."""

from __future__ import annotations

from common.core.telemetry.repeats import EVERY, Repeats


def test_the_first_of_a_run_is_told_at_once_and_the_others_as_a_number() -> None:
    """Each minute those that came since; a minute without any ends the run."""
    repeats = Repeats()

    assert [repeats.note_repeat(float(second)) for second in range(5)] == [True, False, False, False, False]
    assert repeats.count_due(EVERY - 0.1) == 0
    assert repeats.count_due(EVERY) == 4
    assert repeats.note_repeat(EVERY + 1.0) is False
    assert repeats.count_due(2 * EVERY) == 1
    assert repeats.count_due(3 * EVERY) == 0
    assert repeats.note_repeat(3 * EVERY + 1.0) is True


def test_without_any_event_there_is_nothing_to_tell() -> None:
    """However often one asks."""
    repeats = Repeats()

    assert [repeats.count_due(float(now)) for now in range(0, 300, 60)] == [0] * 5
