"""Which registrar is asked about a name that the registry denies: once, and again only where the answer may change."""

from __future__ import annotations

import pytest

from common.core.checks.registrar_choice import (
    ASK_REFUSING,
    ASK_SILENT,
    ASK_UNASKED,
    choose_registrars,
    is_denied,
)
from common.core.model.entry import Check, Entry
from common.core.model.evidence import Observation, Outcome, Reading
from common.core.model.states import State
from common.core.telemetry.error_kinds import UNASKED

NOW, DAY, TICK = 1_790_000_000.0, 86_400.0, 0.001
ONE, TWO, THREE = "registrar:one", "registrar:two", "registrar:three"
BOTH = (ONE, TWO)
REFUSALS = (Outcome.UNAVAILABLE, Outcome.REGISTERED, Outcome.RESERVED, Outcome.DROPPING, Outcome.INVALID)
CACHED = "registrar_available_cached"


def gone_name(state: State = State.PENDING_DELETE) -> Entry:
    """A name that the registry denied first a month ago."""
    entry = Entry("gone.com", "com", "gone", state=state)
    entry.detail.purged_at = NOW - 30 * DAY
    return entry


def note(entry: Entry, method: str, outcome: Outcome, age: float, finding: str = "registrar_x") -> None:
    """A method said this of the name `age` seconds ago."""
    entry.note_observation(Observation(method, Reading(outcome, finding, "so it says")), NOW - age)


def chosen(entry: Entry, *asked: str, registrars: tuple[str, ...] = BOTH) -> list[str]:
    """The registrar to ask next in a check that has asked these."""
    return choose_registrars(entry, Check(NOW, asked={"dns", "rdap", *asked}), registrars, NOW)


def said(outcomes: dict[str, Outcome]) -> Check:
    """A check in which these methods have answered."""
    return Check(NOW, asked=set(outcomes), outcomes=outcomes)


def test_pauses_are_those_of_scarce_queries() -> None:
    """Half a minute at least after a refusal, five minutes after silence, half a minute where none left."""
    assert (ASK_REFUSING, ASK_SILENT, ASK_UNASKED) == (30.0, 300.0, 30.0)


# -- denied --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "outcome", "denied"),
    [
        ("rdap", Outcome.UNREGISTERED, True),
        ("epp", Outcome.UNREGISTERED, True),
        (ONE, Outcome.UNREGISTERED, True),
        ("dns", Outcome.UNREGISTERED, False),
        ("epp", Outcome.PREMIUM, True),
        (ONE, Outcome.PREMIUM, True),
        ("whois", Outcome.PREMIUM, False),  # a public channel may say so of a registered name
        ("rdap", Outcome.REGISTERED, False),
        (ONE, Outcome.UNAVAILABLE, False),
        ("rdap", Outcome.UNKNOWN, False),
    ],
)
def test_a_name_is_denied_by_the_registry_or_one_that_would_create_it(method: str, outcome: Outcome, denied: bool) -> None:
    """One of the answers of the check is enough."""
    assert is_denied(said({"http": Outcome.UNKNOWN, method: outcome})) is denied


def test_without_an_answer_a_name_is_not_denied() -> None:
    """Nothing was said."""
    assert not is_denied(said({}))


# -- the first question --------------------------------------------------------------------------------------------------


def test_one_registrar_is_asked_about_a_name_without_an_object() -> None:
    """The first in order; none where there is none."""
    assert chosen(gone_name()) == [ONE]
    assert chosen(gone_name(), registrars=(TWO, ONE)) == [TWO]
    assert chosen(gone_name(), registrars=()) == []


@pytest.mark.parametrize("state", [state for state in State if state is not State.RESERVED])
def test_a_registrar_is_asked_in_every_state_but_that_of_a_reserved_name(state: State) -> None:
    """The registry does not sell that one to any."""
    assert chosen(gone_name(state)) == [ONE]
    assert chosen(gone_name(State.RESERVED)) == []


def test_two_registrars_at_most_are_asked_in_one_check() -> None:
    """The second where the first proved nothing; other methods are not counted."""
    three = (ONE, TWO, THREE)

    assert chosen(gone_name(), "whois", "das", "epp", registrars=three) == [ONE]
    assert chosen(gone_name(), ONE, registrars=three) == [TWO]
    assert chosen(gone_name(), ONE, TWO, registrars=three) == []


# -- an offer that is known ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", [Outcome.UNREGISTERED, Outcome.PREMIUM])
@pytest.mark.parametrize("method", [ONE, THREE, "epp"])
def test_an_offer_is_asked_for_once_a_day_while_an_alarm_is_in_the_making(method: str, outcome: Outcome) -> None:
    """To the tick; whichever source creates names has made it."""
    entry = gone_name()
    note(entry, method, outcome, DAY - TICK)
    assert chosen(entry) == []
    note(entry, method, outcome, DAY)
    assert chosen(entry) != []


@pytest.mark.parametrize(
    ("state", "asked"), [(State.AVAILABLE, False), (State.AVAILABLE_PREMIUM, False), (State.UNREGISTERED, True)]
)
def test_an_offer_that_was_announced_is_not_asked_for_again(state: State, asked: bool) -> None:
    """As long as that state lasts."""
    entry = gone_name(state)
    note(entry, ONE, Outcome.UNREGISTERED, 2 * DAY)

    assert bool(chosen(entry)) is asked


@pytest.mark.parametrize("method", ["rdap", "whois", "das", "dns"])
def test_what_a_public_channel_says_is_no_offer(method: str) -> None:
    """It knows whether there is an object, and no more."""
    entry = gone_name()
    note(entry, method, Outcome.UNREGISTERED, 0.0)

    assert chosen(entry) == [ONE]


def test_an_offer_from_before_the_registry_denied_the_name_is_none() -> None:
    """It was one of the object before; to the tick."""
    entry = gone_name(State.AVAILABLE)
    note(entry, ONE, Outcome.UNREGISTERED, 30 * DAY)
    assert chosen(entry) == []
    note(entry, ONE, Outcome.UNREGISTERED, 30 * DAY + TICK)
    assert chosen(entry) != []
    entry.detail.purged_at = None
    assert chosen(entry) == []


def test_one_known_offer_is_enough() -> None:
    """Whatever the others say, in any order."""
    for first, second in ((ONE, TWO), (TWO, ONE)):
        entry = gone_name()
        note(entry, first, Outcome.UNAVAILABLE, DAY)
        note(entry, second, Outcome.UNREGISTERED, 0.0)
        assert chosen(entry, registrars=(ONE, TWO, THREE)) == []


# -- refusals ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", REFUSALS)
@pytest.mark.parametrize("state", [State.PENDING_DELETE, State.AVAILABLE, State.UNREGISTERED])
def test_after_a_refusal_another_registrar_is_asked_once_its_pause_is_over(state: State, outcome: Outcome) -> None:
    """To the tick; the name may be one that this registrar does not sell."""
    entry = gone_name(state)
    note(entry, ONE, outcome, DAY - TICK)
    assert chosen(entry) == []
    note(entry, ONE, outcome, DAY)

    assert chosen(entry) == [TWO]
    assert chosen(entry, registrars=(ONE,)) == [ONE]
    assert chosen(entry, TWO) == [ONE]


@pytest.mark.parametrize(
    ("gone_for", "pause"),
    [
        (0.0, ASK_REFUSING),
        (ASK_REFUSING - 1.0, ASK_REFUSING),
        (ASK_REFUSING + 1.0, ASK_REFUSING + 1.0),
        (3600.0, 3600.0),
        (DAY - 1.0, DAY - 1.0),
        (DAY + 1.0, DAY),
        (20 * DAY, DAY),
    ],
)
def test_a_refusing_registrar_is_asked_more_and_more_seldom(gone_for: float, pause: float) -> None:
    """After as long as the name was gone when it refused it: half a minute at least, a day at most, to the tick."""
    entry = gone_name()
    note(entry, ONE, Outcome.UNAVAILABLE, pause - TICK)
    entry.detail.purged_at = NOW - pause + TICK - gone_for
    assert chosen(entry, registrars=(ONE,)) == []
    note(entry, ONE, Outcome.UNAVAILABLE, pause)
    entry.detail.purged_at = NOW - pause - gone_for
    assert chosen(entry, registrars=(ONE,)) == [ONE]


def test_a_refusal_of_a_name_that_the_registry_never_denied_holds_for_a_day() -> None:
    """Nothing says since when it is gone."""
    entry = gone_name()
    entry.detail.purged_at = None
    note(entry, ONE, Outcome.UNAVAILABLE, DAY - TICK)
    assert chosen(entry) == []
    note(entry, ONE, Outcome.UNAVAILABLE, DAY)
    assert chosen(entry) == [TWO]


def test_a_refusal_from_before_the_registry_denied_the_name_is_none() -> None:
    """It was one of the object before; to the tick."""
    entry = gone_name()
    entry.detail.purged_at = NOW - 10.0
    note(entry, ONE, Outcome.UNAVAILABLE, 10.0)
    assert chosen(entry) == []
    note(entry, ONE, Outcome.UNAVAILABLE, 10.0 + TICK)
    assert chosen(entry) == [TWO]


def test_a_refusal_by_epp_is_followed_by_a_registrar_after_the_same_pause() -> None:
    """Both ask the registry."""
    entry = gone_name()
    entry.detail.purged_at = NOW - ASK_REFUSING
    note(entry, "epp", Outcome.UNAVAILABLE, ASK_REFUSING - TICK)
    assert chosen(entry) == []
    note(entry, "epp", Outcome.UNAVAILABLE, ASK_REFUSING)
    assert chosen(entry) == [ONE]


@pytest.mark.parametrize("outcome", [outcome for outcome in REFUSALS if outcome is not Outcome.UNAVAILABLE])
def test_what_the_registry_itself_says_of_a_name_is_no_offer(outcome: Outcome) -> None:
    """It has a state of its own, and where another channel denies the name a registrar is asked."""
    entry = gone_name()
    note(entry, "epp", outcome, 0.0)

    assert chosen(entry) == [ONE]


# -- silence -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("finding", "pause"),
    [
        ("registrar_error", ASK_SILENT),
        ("registrar_throttled", ASK_SILENT),
        ("registrar_unsupported", DAY),
        *((finding, ASK_UNASKED) for finding in sorted(UNASKED)),
    ],
)
def test_a_registrar_that_said_nothing_is_left_alone_for_a_while(finding: str, pause: float) -> None:
    """To the tick: five minutes, a day where it does not sell the suffix, half a minute where it was not asked."""
    entry = gone_name()
    note(entry, ONE, Outcome.UNKNOWN, pause - TICK, finding)
    assert chosen(entry) == [TWO]
    assert chosen(entry, registrars=(ONE,)) == []
    note(entry, ONE, Outcome.UNKNOWN, pause, finding)
    assert chosen(entry) == [ONE]


def test_silence_of_another_channel_holds_no_registrar_back() -> None:
    """Each has trouble of its own."""
    entry = gone_name()
    note(entry, "whois", Outcome.UNKNOWN, 0.0, "whois_timeout")

    assert chosen(entry) == [ONE]


# -- hints ---------------------------------------------------------------------------------------------------------------


def test_a_hint_is_no_known_offer() -> None:
    """It may come from a cache and confirms nothing: another registrar is asked, and that one after the pause of silence."""
    entry = gone_name()
    note(entry, ONE, Outcome.UNREGISTERED, ASK_SILENT - TICK, CACHED)
    assert chosen(entry) == [TWO]
    assert chosen(entry, registrars=(ONE,)) == []
    note(entry, ONE, Outcome.UNREGISTERED, ASK_SILENT, CACHED)
    assert chosen(entry, registrars=(ONE,)) == [ONE]
    assert chosen(entry) == [TWO]
