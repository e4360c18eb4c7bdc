"""How often a registry is asked about a name that is out of the zone, before the day of its drop."""

from __future__ import annotations

import pytest

from common.core.model.entry import DropWindow, Entry
from common.core.model.evidence import Phase
from common.core.model.states import State
from common.core.schedule.calm import DAY, calm_wait, drops_later

NOW, HOUR, BASE = 1_790_000_000.0, 3600.0, 1800.0
STATES = {Phase.REDEMPTION: State.REDEMPTION, Phase.PENDING_DELETE: State.PENDING_DELETE, Phase.UNDELEGATED: State.UNDELEGATED}


def entry_of(phase: Phase, suffix: str = "com", days: tuple[float, float] | None = None, *, priority: bool = False) -> Entry:
    """A name in this phase, with a window that opens and closes in so many days."""
    entry = Entry(f"a.{suffix}", suffix, "a", priority=priority, state=STATES.get(phase, State.REGISTERED))
    entry.detail.phase = phase.value
    if days is not None:
        earliest, latest = (NOW + day * DAY for day in days)
        entry.drop = DropWindow(earliest, (earliest + latest) / 2, latest, 0.9)
    return entry


@pytest.mark.parametrize(
    ("phase", "suffix", "days", "wait"),
    [
        (Phase.REDEMPTION, "com", (20, 21), 6 * HOUR),
        (Phase.REDEMPTION, "com", (5.9, 6.2), BASE),  # it ends today: pending delete takes five days more
        (Phase.REDEMPTION, "com", (1, 31), 6 * HOUR),  # since when is not known
        (Phase.REDEMPTION, "de", (5, 6), 6 * HOUR),
        (Phase.REDEMPTION, "de", (0.9, 1.9), BASE),
        (Phase.REDEMPTION, "de", (-3, 20), BASE),  # inside a wide window
        (Phase.PENDING_DELETE, "com", (3, 4), 12 * HOUR),
        (Phase.PENDING_DELETE, "com", (0.9, 1.1), BASE),
        (Phase.PENDING_DELETE, "com", (-3, -2), BASE),  # it should be gone
        (Phase.PENDING_DELETE, "com", None, BASE),
        (Phase.ACTIVE, "com", (3, 4), BASE),
    ],
)
def test_the_calendar_tells_how_often_a_name_is_looked_at(
    phase: Phase, suffix: str, days: tuple[float, float] | None, wait: float
) -> None:
    """Four times a day in redemption, twice in pending delete, and as usual once its day is near or not known."""
    assert calm_wait(entry_of(phase, suffix, days), BASE, NOW) == wait


def test_priority_is_worth_four_times_as_many_looks() -> None:
    """Before the last day; then its own interval counts."""
    assert calm_wait(entry_of(Phase.REDEMPTION, days=(20, 21), priority=True), 300.0, NOW) == 1.5 * HOUR
    assert calm_wait(entry_of(Phase.PENDING_DELETE, days=(0.5, 1), priority=True), 300.0, NOW) == 300.0


@pytest.mark.parametrize(
    ("days", "shown", "priority", "wait"),
    [
        (17, False, False, DAY / 2),
        (17, False, True, DAY / 8),
        (6, False, False, DAY / 4),
        (0.5, False, False, BASE),
        (17, True, False, BASE),
        (0, False, False, BASE),
    ],
)
def test_a_name_that_a_calendar_alone_holds_back_is_looked_at_two_dozen_times(
    days: float, wait: float, *, shown: bool, priority: bool
) -> None:
    """Twice a day at least, in a procedure of so many days; as usual where a channel shows it, and once it is over."""
    entry = entry_of(Phase.PENDING_DELETE, "cz", priority=priority)
    entry.state, entry.detail.purged_at, entry.held_until = State.DROPPING, NOW, NOW + days * DAY
    entry.detail.shown_by = ("whois",) if shown else ()

    assert calm_wait(entry, BASE, NOW) == wait


def test_a_name_that_was_announced_is_looked_at_as_usual() -> None:
    """Its last phase stays in its record."""
    entry = entry_of(Phase.PENDING_DELETE, days=(3, 4))
    entry.state = State.AVAILABLE

    assert calm_wait(entry, BASE, NOW) == BASE


def test_a_name_does_not_drop_from_redemption_where_pending_delete_follows() -> None:
    """Nor does it in the registries that know one phase only, once that is over."""
    assert [drops_later(entry_of(Phase.REDEMPTION, suffix)) for suffix in ("com", "de", "uk", "hu")] == [
        True,
        False,
        False,
        False,
    ]
    assert not drops_later(entry_of(Phase.PENDING_DELETE))
