"""Registrars in the place of a registry that says nothing: at once about a name that left the zone, and seldom after that."""

from __future__ import annotations

import pytest

from common.core.checks.registrar_choice import (
    ASK_SILENT,
    MOST_ASKED,
    STAND_IN_DOUBTFUL,
    STAND_IN_IMMINENT,
    STAND_IN_ORDINARY,
    choose_stand_ins,
)
from common.core.model.entry import Check, DropWindow, Entry
from common.core.model.evidence import Observation, Outcome, Reading
from common.core.model.states import State

NOW, DAY, TICK = 1_790_000_000.0, 86_400.0, 0.001
ONE, TWO, THREE, FOUR, FIVE = (f"registrar:{number}" for number in ("one", "two", "three", "four", "five"))
BOTH = (ONE, TWO)
CACHED = "registrar_available_cached"
#: A drop window that is now, and one that is far off.
SOON, LATER = DropWindow(NOW - 60, NOW, NOW + 60, 0.9), DropWindow(NOW + 9 * DAY, NOW + 9.5 * DAY, NOW + 10 * DAY, 0.9)


def name_of(state: State = State.PENDING_DELETE, *, priority: bool = False, drop: DropWindow | None = None) -> Entry:
    """A name of which nothing was said."""
    return Entry("gone.com", "com", "gone", state=state, priority=priority, drop=drop)


def note(entry: Entry, method: str, outcome: Outcome, age: float, finding: str = "registrar_x") -> None:
    """A method said this of the name `age` seconds ago."""
    entry.note_observation(Observation(method, Reading(outcome, finding, "so it says")), NOW - age)


def chosen(entry: Entry, *asked: str, registrars: tuple[str, ...] = BOTH) -> list[str]:
    """The registrars to ask next in the place of a registry that said nothing in a check that has asked these."""
    return choose_stand_ins(entry, Check(NOW, asked={"dns", "rdap", *asked}), registrars, NOW)


def is_due(entry: Entry, age: float, outcome: Outcome = Outcome.REGISTERED) -> bool:
    """Whether a registrar that answered `age` seconds ago is asked again."""
    note(entry, ONE, outcome, age)
    return chosen(entry, registrars=(ONE,)) == [ONE]


def test_pauses_are_those_of_scarce_queries() -> None:
    """A minute at a drop, ten while something is in doubt, a quarter of a day otherwise; two sources at most."""
    assert (STAND_IN_IMMINENT, STAND_IN_DOUBTFUL, STAND_IN_ORDINARY) == (60.0, 600.0, 21_600.0)
    assert MOST_ASKED == 2


# -- how many ------------------------------------------------------------------------------------------------------------


def test_two_registrars_at_most_stand_in_in_one_check() -> None:
    """In their order; other methods are not counted."""
    all_five = (ONE, TWO, THREE, FOUR, FIVE)

    assert chosen(name_of(), registrars=()) == []
    assert chosen(name_of(), registrars=(TWO,)) == [TWO]
    assert chosen(name_of(), registrars=all_five) == [ONE, TWO]
    assert chosen(name_of(), "whois", "das", "epp", registrars=all_five) == [ONE, TWO]
    assert chosen(name_of(), ONE, registrars=all_five) == [TWO]
    assert chosen(name_of(), ONE, TWO, registrars=all_five) == []
    assert chosen(name_of(), ONE, TWO, THREE, registrars=all_five) == []


@pytest.mark.parametrize("state", list(State))
def test_none_stands_in_about_a_name_that_one_of_them_would_create(state: State) -> None:
    """What ends that is a delegation, or the registry."""
    offered = state in (State.AVAILABLE, State.AVAILABLE_PREMIUM)

    assert chosen(name_of(state)) == ([] if offered else [ONE, TWO])


@pytest.mark.parametrize(
    ("method", "outcome"),
    [(ONE, Outcome.UNREGISTERED), (ONE, Outcome.PREMIUM), (ONE, Outcome.UNAVAILABLE), ("epp", Outcome.UNAVAILABLE)],
)
def test_what_another_registrar_said_holds_none_back(method: str, outcome: Outcome) -> None:
    """Each has a pause of its own: two that answer are two sources."""
    entry = name_of()
    note(entry, method, outcome, 0.0)

    assert chosen(entry, registrars=(ONE, TWO, THREE)) == ([TWO, THREE] if method == ONE else [ONE, TWO])


# -- the pause -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entry", "pause"),
    [
        (name_of(), STAND_IN_ORDINARY),
        (name_of(drop=LATER), STAND_IN_ORDINARY),
        (name_of(priority=True), STAND_IN_DOUBTFUL),
        (name_of(priority=True, drop=LATER), STAND_IN_DOUBTFUL),
        (name_of(drop=SOON), STAND_IN_IMMINENT),
        (name_of(priority=True, drop=SOON), STAND_IN_IMMINENT),
    ],
)
def test_a_registrar_stands_in_again_after_the_pause_of_its_name(entry: Entry, pause: float) -> None:
    """To the tick: shortest where the name may drop now."""
    assert not is_due(entry, pause - TICK)
    assert is_due(entry, pause)


@pytest.mark.parametrize(
    ("zone", "pause"),
    [
        (Outcome.UNREGISTERED, STAND_IN_DOUBTFUL),
        (Outcome.REGISTERED, STAND_IN_ORDINARY),
        (Outcome.UNKNOWN, STAND_IN_ORDINARY),
    ],
)
def test_a_name_out_of_the_zone_is_asked_about_more_often(zone: Outcome, pause: float) -> None:
    """To the tick; of one that is delegated, or of whose zone nothing is known, a registrar tells little."""
    entry = name_of()
    note(entry, "dns", zone, 30 * DAY)

    assert not is_due(entry, pause - TICK)
    assert is_due(entry, pause)


def test_a_name_out_of_the_zone_that_may_drop_now_is_asked_about_every_minute() -> None:
    """To the tick."""
    entry = name_of(drop=SOON)
    note(entry, "dns", Outcome.UNREGISTERED, 30 * DAY)

    assert not is_due(entry, STAND_IN_IMMINENT - TICK)
    assert is_due(entry, STAND_IN_IMMINENT)


def test_a_name_that_left_the_zone_since_the_last_answer_is_asked_about_at_once() -> None:
    """To the tick; a zone that says the same once more is no news."""
    entry = name_of()
    note(entry, "dns", Outcome.UNREGISTERED, 10.0)
    note(entry, "dns", Outcome.UNREGISTERED, 1.0)

    assert is_due(entry, 10.0 + TICK)
    assert not is_due(entry, 10.0)
    assert not is_due(entry, 5.0)


def test_a_name_that_came_into_the_zone_since_the_last_answer_is_not_asked_about() -> None:
    """A delegation is no reason to ask whether the name can be created."""
    entry = name_of()
    note(entry, "dns", Outcome.REGISTERED, 10.0)

    assert not is_due(entry, 20.0)


@pytest.mark.parametrize(("confirm", "manual", "due"), [(True, False, True), (False, True, True), (False, False, False)])
def test_a_pass_of_an_alarm_and_an_operators_check_wait_for_no_pause(confirm: bool, manual: bool, due: bool) -> None:
    """An answer of a second ago is not one of this pass."""
    entry = name_of()
    for method in BOTH:
        note(entry, method, Outcome.UNREGISTERED, 1.0)
    check = Check(NOW, confirm=confirm, manual=manual, asked={"dns"})

    assert choose_stand_ins(entry, check, BOTH, NOW) == ([ONE, TWO] if due else [])


# -- silence -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("outcome", "finding"), [(Outcome.UNKNOWN, "registrar_error"), (Outcome.UNREGISTERED, CACHED)])
def test_a_registrar_that_proved_nothing_lately_stands_in_for_none(outcome: Outcome, finding: str) -> None:
    """Neither after an error nor after a hint, to the tick, and though an alarm waits."""
    entry, check = name_of(), Check(NOW, confirm=True)
    note(entry, ONE, outcome, ASK_SILENT - TICK, finding)
    assert choose_stand_ins(entry, check, BOTH, NOW) == [TWO]
    note(entry, ONE, outcome, ASK_SILENT, finding)
    assert choose_stand_ins(entry, check, BOTH, NOW) == [ONE, TWO]


def test_a_registrar_that_never_answered_about_a_name_is_due_after_the_pause_of_silence() -> None:
    """In any check; an error is no answer."""
    entry = name_of()
    note(entry, ONE, Outcome.UNKNOWN, ASK_SILENT, "registrar_error")

    assert chosen(entry) == [ONE, TWO]


def test_a_hint_is_no_answer_that_stands_in() -> None:
    """It proves nothing, so the registrar is asked again after the pause of one that says nothing."""
    for age, asked in ((ASK_SILENT - TICK, []), (ASK_SILENT, [ONE])):
        entry = name_of()
        note(entry, ONE, Outcome.UNREGISTERED, age, CACHED)
        assert chosen(entry, registrars=(ONE,)) == asked
