"""How often a registry is asked about a name that is out of the zone, before the day of its drop."""

from __future__ import annotations

from dataclasses import replace

import pytest

from common.core.builtin.lifecycles import Days, row_for
from common.core.model.entry import DropWindow, Entry
from common.core.model.evidence import Phase
from common.core.model.states import State
from common.core.schedule.calm import DAY, calm_wait, drops_later, is_in_hours, is_off_hours
from common.core.schedule.drop_hours import PUBLISHED, DropHours

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
    assert calm_wait(entry_of(phase, suffix, days), BASE, NOW, PUBLISHED) == wait


def test_priority_is_worth_four_times_as_many_looks() -> None:
    """Before the last day; then its own interval counts."""
    assert calm_wait(entry_of(Phase.REDEMPTION, days=(20, 21), priority=True), 300.0, NOW, PUBLISHED) == 1.5 * HOUR
    assert calm_wait(entry_of(Phase.PENDING_DELETE, days=(0.5, 1), priority=True), 300.0, NOW, PUBLISHED) == 300.0


@pytest.mark.parametrize(
    ("hours", "window", "off"),
    [
        ((11, 13), (-1, 1), False),  # they are open
        ((14, 16), (2, 4), True),
        ((8, 10), (-4, -2), True),
        ((14, 16), (26, 28), False),  # tomorrow
        ((8, 10), (-28, -26), False),
        ((-1, 1), (11, 13), False),  # the middle of the hours is tomorrow's midnight
        ((-1, 1), (10.9, 12.9), True),
        ((23, 25), (-13.1, -11.1), False),
        ((23, 25), (-13, -11), True),
        ((14, 16), (-22, 4), True),  # of two days
        ((14, 16), (2 - 48, 4), False),  # of three: it says little
        ((0, 24), (-12, 12), False),
    ],
)
def test_on_the_day_of_a_drop_other_hours_count_than_those_that_were_learned(
    hours: tuple[float, float], window: tuple[float, float], *, off: bool
) -> None:
    """What was learned may be wrong. A row that is published is not doubted."""
    noon = NOW // DAY * DAY + DAY / 2
    entry = entry_of(Phase.PENDING_DELETE, "fr")
    entry.drop = DropWindow(noon + window[0] * HOUR, noon, noon + window[1] * HOUR, 0.9)
    learned = DropHours()
    learned.set_cycle("fr", replace(row_for("fr"), window=(int(hours[0] * 60), int(hours[1] * 60))))

    assert is_off_hours(entry, noon, learned) is off
    assert not is_off_hours(entry, noon, PUBLISHED)


def test_only_a_name_that_may_drop_has_such_hours() -> None:
    """Not one without a forecast, one that is free, or one that has another phase before it."""
    learned = DropHours()
    learned.set_cycle("com", replace(row_for("com"), window=(0, 1)))
    noon = NOW // DAY * DAY + DAY / 2
    entry = entry_of(Phase.PENDING_DELETE)
    assert not is_off_hours(entry, noon, learned)
    entry.drop = DropWindow(noon - DAY / 2, noon, noon - DAY / 2 + 60, 0.9)
    assert is_off_hours(entry, noon, learned)
    entry.detail.phase = Phase.REDEMPTION.value
    assert not is_off_hours(entry, noon, learned)
    entry.detail.phase, entry.state = Phase.PENDING_DELETE.value, State.AVAILABLE
    assert not is_off_hours(entry, noon, learned)


def test_learned_days_tell_when_redemption_ends() -> None:
    """A pending delete of two days: the last day of redemption is the third before the drop."""
    learned = DropHours()
    learned.set_cycle("com", replace(row_for("com"), pending=Days(2, 2)))

    assert calm_wait(entry_of(Phase.REDEMPTION, days=(5.9, 6.2)), BASE, NOW, learned) == 6 * HOUR
    assert calm_wait(entry_of(Phase.REDEMPTION, days=(2.9, 3.2)), BASE, NOW, learned) == BASE
    learned.set_cycle("com", replace(row_for("com"), pending=None))
    assert not drops_later(entry_of(Phase.REDEMPTION), NOW, learned)


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

    assert calm_wait(entry, BASE, NOW, PUBLISHED) == wait


def test_a_name_that_was_announced_is_looked_at_as_usual() -> None:
    """Its last phase stays in its record."""
    entry = entry_of(Phase.PENDING_DELETE, days=(3, 4))
    entry.state = State.AVAILABLE

    assert calm_wait(entry, BASE, NOW, PUBLISHED) == BASE


def test_a_name_does_not_drop_from_redemption_where_pending_delete_follows() -> None:
    """Nor does it in the registries that know one phase only, once that is over."""
    assert [drops_later(entry_of(Phase.REDEMPTION, suffix), NOW, PUBLISHED) for suffix in ("com", "de", "uk", "hu")] == [
        True,
        False,
        False,
        False,
    ]
    assert not drops_later(entry_of(Phase.PENDING_DELETE), NOW, PUBLISHED)


def test_a_name_whose_record_is_older_than_its_last_phase_may_have_dropped() -> None:
    """Where a budget did not allow a look for five days, say."""
    entry = entry_of(Phase.REDEMPTION)
    entry.detail.registry_at = NOW - 5 * DAY + 1
    assert drops_later(entry, NOW, PUBLISHED)
    entry.detail.registry_at = NOW - 5 * DAY
    assert not drops_later(entry, NOW, PUBLISHED)
    entry = entry_of(Phase.REDEMPTION, "de")
    entry.detail.registry_at = NOW
    assert not drops_later(entry, NOW, PUBLISHED)


@pytest.mark.parametrize(
    ("suffix", "hours", "window", "inside"),
    [
        ("fr", (11, 13), (-20, 20), True),
        ("fr", (13, 15), (-20, 20), False),
        ("fr", (11, 13), (1, 3), False),
        ("fr", (0, 24), (-1, 1), False),  # its hours are not known
        ("com", (11, 13), (-20, 20), True),
    ],
)
def test_known_hours_tell_when_a_name_may_drop(
    suffix: str, hours: tuple[float, float], window: tuple[float, float], *, inside: bool
) -> None:
    """However wide its window is; not a name that is free, or that has another phase before it."""
    noon = NOW // DAY * DAY + DAY / 2
    learned = DropHours()
    learned.set_cycle(suffix, replace(row_for(suffix), window=(int(hours[0] * 60), int(hours[1] * 60))))
    entry = entry_of(Phase.PENDING_DELETE, suffix)
    entry.drop = DropWindow(noon + window[0] * HOUR, noon, noon + window[1] * HOUR, 0.9)

    assert is_in_hours(entry, noon, learned) is inside
    entry.detail.phase = Phase.REDEMPTION.value
    assert is_in_hours(entry, noon, learned) is (inside and suffix == "fr")
    entry.state = State.AVAILABLE
    assert not is_in_hours(entry, noon, learned)
